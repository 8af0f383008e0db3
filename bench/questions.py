"""From samples to what a model is asked: documents under its own tokenizer, questions, and where the facts lie in them.

Knows samples, tokens and segments; nothing of models or scores.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..generators.haystack import Haystack
from ..generators.samples import Sample
from ..generators.tokens import Encoder
from .documents import Document, Shape, too_long
from .visits import Ask, Text

#: Characters of stored text that are tokenised at a time.
_CHUNK = 100_000
_BETWEEN = re.compile(r"(?<=[.!?]) ")


@dataclass(frozen=True)
class Reader:
    """What of a model decides how samples are put to it. `probes` are distances, in segments: see `Ask.after`."""

    encoder: Encoder
    segment_length: int
    max_tokens: int | None = None
    probes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Case:
    """One sample as a model is asked it. `since` and `segments` are what a record says; `refusal`: why it is not."""

    sample: Sample
    model_tokens: int
    segments: int
    since: int | None
    refusal: str = ""


@dataclass(frozen=True)
class Prepared:
    """A document with the cases that share it, and the text to be read, if any of them can be asked."""

    cases: tuple[Case, ...]
    text: Text | None


def prepare(samples: Sequence[Sample], reader: Reader) -> Prepared:
    """Samples that share a document, made ready for a model. Those that it cannot take say why."""
    questions = [reader.encoder.short(sample.question) for sample in samples]
    tokens, size, ends = _tokens(samples[0], reader.encoder)
    cases, asks = [], []
    for sample, question in zip(samples, questions, strict=True):
        alone = Document(tokens, size, question)
        shape = alone.shape(reader.segment_length)
        last = max((ends[fact.char_end] for fact in sample.facts if fact.supporting), default=None)
        holds = None if last is None else -(-last // reader.segment_length)
        since = None if holds is None else max(shape.segments - holds, 0)
        refusal = too_long(alone, reader)
        cases.append(Case(sample, size + len(question), shape.segments if not refusal else 0, since, refusal))
        if not refusal:
            asks += _asks(sample, question, holds, shape, reader.probes)
    longest = max((ask.tokens for ask in asks), key=len, default=None)
    return Prepared(tuple(cases), None if longest is None else Text(Document(tokens, size, longest), tuple(asks)))


def _asks(
    sample: Sample, question: np.ndarray, holds: int | None, shape: Shape, probes: Iterable[int]
) -> Iterator[Ask]:
    """The question at the end; and on the way, where the last supporting fact ends in segment number `holds`."""
    yield Ask(question, sample.choices, (sample.id, None))
    for distance in probes:
        if holds is not None and holds + distance <= shape.full:
            yield Ask(question, sample.choices, (sample.id, distance), after=holds + distance)


@dataclass(frozen=True)
class _Rendered:
    """The tokens of a haystack, made anew whenever they are gone through."""

    haystack: Haystack

    def __iter__(self) -> Iterator[np.ndarray]:
        return self.haystack.tokens()


def _tokens(sample: Sample, encoder: Encoder) -> tuple[Iterable[np.ndarray], int, dict[int, int]]:
    """A sample's context: its tokens, how many, and how many of them there are up to the end of each fact."""
    haystack = sample.document
    if isinstance(haystack, Haystack) and haystack.shelf.encoder.fingerprint == encoder.fingerprint:
        ends = {fact.char_end: fact.token_start + len(encoder.short(fact.text)) for fact in sample.facts}
        for fact in sample.facts:
            if fact.token_start == 0:
                ends[fact.char_end] += haystack.opening
        return _Rendered(haystack), sample.n_tokens, ends
    return _tokenise(sample.text, encoder, sorted(fact.char_end for fact in sample.facts))


def _tokenise(text: str, encoder: Encoder, cuts: Sequence[int]) -> tuple[list[np.ndarray], int, dict[int, int]]:
    """A text's tokens, made chunk by chunk, cut between sentences so that the cut changes none.

    `cuts` are ends of sentences at which it is cut, too: how many tokens there are up to each of them is returned.
    """
    chunks: list[np.ndarray] = []
    size, start, ends = 0, 0, {}
    waiting = list(cuts)
    while start < len(text):
        found = _BETWEEN.search(text, start + _CHUNK)
        stop = found.start() if found else len(text)
        if waiting and waiting[0] <= stop:
            stop = waiting[0]
        part = text[start:stop]
        later = bool(chunks)
        chunks.append(np.asarray(encoder.encode([part])[0], encoder.dtype) if later else encoder.text(part))
        size += len(chunks[-1])
        while waiting and waiting[0] <= stop:
            ends[waiting.pop(0)] = size
        start = stop + 1
    return chunks, size, ends
