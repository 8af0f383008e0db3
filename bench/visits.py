"""Where a reading stops and what it is asked there. Knows tokens and questions; nothing of models, samples or scores.

    whole segments   |  1  |  2  |  3  | ... | 15  | tail, questions          every question, at the end
                                 ^        ^
                               probe      detour: the last segments of a shorter text that begins alike, its questions

Of a text with several questions those that fit into a segment together with the tail are asked with it; for the others
the tail is read as a short segment, on a fork. So a question hears the very calls that it would hear alone.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from .documents import Document, Shape, shared_tokens
from .model import Reply, SegmentModel
from .reading import Round, Visit, read_through

#: Segments of a shorter text that are read on a fork of a longer one, at the most.
_DETOUR = 64


@dataclass(frozen=True)
class Ask:
    """A question about a text: its tokens, its choices, and under what the reply is filed.

    `after` None: at the end of the text. Else it is a probe: the question alone, after so many whole segments.
    """

    tokens: np.ndarray
    choices: tuple[str, ...]
    key: Hashable
    after: int | None = None


@dataclass(frozen=True)
class Text:
    """A document and what is asked about it; `document.question` is its longest question."""

    document: Document
    asks: tuple[Ask, ...]


@dataclass(frozen=True)
class Bundle:
    """Texts that one reading serves: each of them, but for its last segments, begins the last and longest one."""

    texts: tuple[Text, ...]
    segment_length: int

    @property
    def trunk(self) -> Document:
        """The document that is read from end to end."""
        return self.texts[-1].document

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """How each text is read. Bundles with equal ones can be read side by side."""
        return tuple(text.document.shape(self.segment_length) for text in self.texts)

    @cached_property
    def leaves(self) -> tuple[int, ...]:
        """After how many segments each text leaves the longest one."""
        return (
            *(_common(text.document, self.trunk, self.segment_length) for text in self.texts[:-1]),
            self.shapes[-1].full,
        )


def bundles(texts: Sequence[Text], segment_length: int) -> Iterator[Bundle]:
    """Texts bundled so that all but a few of their segments are read once. The longest texts of bundles come first."""
    left = sorted(texts, key=lambda text: text.document.n_tokens)
    while left:
        trunk = left.pop()
        near, far = [], []
        for text in left:
            full = text.document.shape(segment_length).full
            shared = _common(text.document, trunk.document, segment_length)
            (near if full - shared <= _DETOUR else far).append(text)
        yield Bundle((*near, trunk), segment_length)
        left = far


def make_visits(rows: Sequence[Bundle]) -> list[Visit]:
    """The visits of one reading of `rows`, which have equal shapes; in order."""
    visits: list[Visit] = list(_probes(rows))
    for number, shape in enumerate(rows[0].shapes):
        leave = min(bundle.leaves[number] for bundle in rows)
        visits += _last_questions([bundle.texts[number] for bundle in rows], shape, leave, rows[0].segment_length)
    return sorted(visits, key=lambda visit: visit.after)


def read_batch(
    model: SegmentModel,
    documents: Sequence[Document],
    choices: Sequence[Sequence[str]],
    on_tokens: Callable[[int], None] = lambda count: None,
) -> list[Reply]:
    """Read documents of one shape side by side, then ask each its question: the replies, one a row.

    All tokens of the documents are in memory. Raises `ValueError` when the model does not give one answer a row.
    """
    documents = [replace(document, tokens=list(document.tokens)) for document in documents]
    texts = (
        Text(document, (Ask(document.question, tuple(labels), row),))
        for row, (document, labels) in enumerate(zip(documents, choices, strict=True))
    )
    rows = [Bundle((text,), model.segment_length) for text in texts]
    heard = read_through(model, documents, make_visits(rows), on_tokens)
    return [heard[row].reply for row in range(len(rows))]


def _common(text: Document, trunk: Document, segment_length: int) -> int:
    return min(shared_tokens(text, trunk) // segment_length, text.shape(segment_length).full)


def _probes(rows: Sequence[Bundle]) -> Iterator[Visit]:
    """Questions asked on the way, each alone: no tail before it."""
    asks = [[ask for text in bundle.texts for ask in text.asks if ask.after is not None] for bundle in rows]
    for after in sorted({ask.after for row in asks for ask in row if ask.after is not None}):
        here = [[ask for ask in row if ask.after == after] for row in asks]
        yield Visit(after, _rounds(here, [bundle.texts[-1] for bundle in rows], [()] * len(rows)))


def _last_questions(texts: Sequence[Text], shape: Shape, leave: int, segment_length: int) -> Iterator[Visit]:
    """What is asked at the end of texts of one shape, which leave the longer ones after `leave` segments."""
    read = shape.full * segment_length
    tails = [text.document.slice(read, text.document.n_tokens) for text in texts]
    detour = [text.document.slice(leave * segment_length, read) for text in texts] if leave < shape.full else []
    together, alone = [], []
    for text, tail in zip(texts, tails, strict=True):
        last = [ask for ask in text.asks if ask.after is None]
        fits = [len(tail) + len(ask.tokens) <= segment_length for ask in last]
        together.append([ask for ask, fit in zip(last, fits, strict=True) if fit])
        alone.append([ask for ask, fit in zip(last, fits, strict=True) if not fit])
    if any(together):
        yield Visit(leave, _rounds(together, texts, tails), tuple(detour))
    if any(alone):
        longer = [
            np.concatenate([*part, tail]) for *part, tail in zip(*([detour] if detour else []), tails, strict=True)
        ]
        yield Visit(leave, _rounds(alone, texts, [()] * len(texts)), tuple(longer))


def _rounds(asks: Sequence[Sequence[Ask]], texts: Sequence[Text], tails: Sequence[Any]) -> tuple[Round, ...]:
    """The first question of each row, then the second ...; a row with no more repeats one, and its reply is dropped."""
    rounds = []
    for number in range(max(map(len, asks))):
        chosen = [(row[number], tail) if number < len(row) else None for row, tail in zip(asks, tails, strict=True)]
        spare = [(text.asks[0], ()) for text in texts]
        asked = [one or other for one, other in zip(chosen, spare, strict=True)]
        rounds.append(
            Round(
                prompts=tuple(np.concatenate([np.asarray(tail, ask.tokens.dtype), ask.tokens]) for ask, tail in asked),
                choices=tuple(ask.choices for ask, _ in asked),
                keys=tuple(one and one[0].key for one in chosen),
            )
        )
    return tuple(rounds)
