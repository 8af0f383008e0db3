"""Documents as streams of tokens, and several of one shape put side by side, segment by segment.

    document   w1 ... w64 | w65 ... w128 | ... | tail        question
    shape      full whole segments               a short one, where tail and question do not fit into one together

Never more than a few segments are in hand. Knows tokens; nothing of models, states or samples.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from .prefetch import prefetched

#: Segments of each row that are put together before they go to the model's device.
_BLOCK = 64


@dataclass(frozen=True)
class Shape:
    """How a document is read before its tail: `full` whole segments, then one of `short` tokens.

    `short` is 0 unless what is left and the question do not fit into one segment together. Documents of one shape
    are read in lock-step.
    """

    full: int
    short: int

    @property
    def segments(self) -> int:
        """Every segment, the one with the question too."""
        return self.full + bool(self.short) + 1


@dataclass(frozen=True)
class Document:
    """A text as a stream of integer arrays, how many tokens it has in all, and the question asked after it.

    Of several questions, `question` is the longest. `tokens` is gone through once by whoever reads the document, and
    once more for every `slice`; an iterator will do where that is one time in all.
    """

    tokens: Iterable[np.ndarray]
    n_tokens: int
    question: np.ndarray

    def shape(self, segment_length: int) -> Shape:
        """How it is read in segments of `segment_length` tokens."""
        full, tail = divmod(self.n_tokens, segment_length)
        return Shape(full, tail if tail + len(self.question) > segment_length else 0)

    def slice(self, start: int, stop: int) -> np.ndarray:
        """Tokens start..stop. What lies before is passed over without being looked at."""
        stream = _Stream(self.tokens)
        stream.skip(start)
        return stream.take(stop - start)


class Limited(Protocol):
    """What decides whether a document can be put to a model; a `max_tokens` that it has counts, too."""

    @property
    def segment_length(self) -> int:
        """Tokens in a segment."""
        ...


def too_long(document: Document, model: Limited) -> str:
    """Why a model cannot be asked about a document; nothing when it can."""
    question, limit = len(document.question), getattr(model, "max_tokens", None)
    if question > model.segment_length:
        return f"the question has {question} tokens, a segment {model.segment_length}"
    if limit is not None and document.n_tokens + question > limit:
        return f"document and question have {document.n_tokens + question:,} tokens, the model takes {limit:,}"
    return ""


class LockStep:
    """Documents of one shape, read side by side: first the `segments`, then the `prompts`, each once."""

    def __init__(self, documents: Sequence[Document], segment_length: int, device: torch.device):
        (self.shape,) = {document.shape(segment_length) for document in documents}
        self._documents = documents
        self._length = segment_length
        self._device = device
        self._streams = [_Stream(document.tokens) for document in documents]

    def segments(self, on_tokens: Callable[[int], None] = lambda count: None) -> Iterator[torch.Tensor]:
        """int64 [batch, segment_length] each; where there is a short one, it comes last."""
        for block in self._blocks(0):
            yield from self._placed(block)
            on_tokens(block.numel())
        if self.shape.short:
            yield self._placed(stacked([stream.take(self.shape.short) for stream in self._streams]))

    def whole_segments(self, start: int, on_tokens: Callable[[int], None]) -> Generator[torch.Tensor]:
        """The whole segments from number `start` on; the next block is put together while one is read."""
        for stream in self._streams:
            stream.skip(start * self._length)
        several = self.shape.full - start > _BLOCK
        with prefetched(self._blocks(start)) if several else nullcontext(self._blocks(start)) as blocks:
            for block in blocks:
                yield from self._placed(block)
                on_tokens(block.numel())

    def prompts(self) -> list[torch.Tensor]:
        """What is left of each document, then its question: int64 [n], n <= segment_length."""
        read = self.shape.full * self._length + self.shape.short
        rows = [
            np.concatenate([stream.take(document.n_tokens - read), document.question])
            for stream, document in zip(self._streams, self._documents, strict=True)
        ]
        return [self._placed(torch.from_numpy(row.astype(np.int64))) for row in rows]

    def _blocks(self, start: int) -> Iterator[torch.Tensor]:
        """Some segments at a time, each of them in one piece: int64 [segments, batch, segment_length]."""
        for first in range(start, self.shape.full, _BLOCK):
            count = min(self.shape.full - first, _BLOCK)
            rows = np.stack([stream.take(count * self._length) for stream in self._streams])
            segments = rows.reshape(len(rows), count, self._length).swapaxes(0, 1)
            block = torch.from_numpy(np.ascontiguousarray(segments, dtype=np.int64))
            yield block.pin_memory() if self._device.type == "cuda" else block

    def _placed(self, tokens: torch.Tensor) -> torch.Tensor:
        """On the model's device; from pinned memory without waiting for what it still computes."""
        return tokens.to(self._device, non_blocking=tokens.is_pinned())


def shared_tokens(one: Document, other: Document) -> int:
    """How many tokens two documents begin with that are the same."""
    streams = _Stream(one.tokens), _Stream(other.tokens)
    shared, limit = 0, min(one.n_tokens, other.n_tokens)
    while shared < limit:
        step = min(limit - shared, 1 << 16)
        first, second = (stream.take(step) for stream in streams)
        different = np.flatnonzero(first != second)
        if len(different):
            return shared + int(different[0])
        shared += step
    return shared


class _Stream:
    """A stream of arrays from which any number of tokens can be taken."""

    def __init__(self, pieces: Iterable[np.ndarray]):
        self._pieces = iter(pieces)
        self._rest = np.empty(0, dtype=np.int64)

    def take(self, count: int) -> np.ndarray:
        """The next `count` tokens. Raises `ValueError` when the document ends before."""
        taken = list(self._cut(count))
        return np.concatenate(taken) if taken else np.empty(0, dtype=np.int64)

    def skip(self, count: int) -> None:
        """Pass over `count` tokens, which are not copied. Raises `ValueError` when the document ends before."""
        for _ in self._cut(count):
            pass

    def _cut(self, count: int) -> Iterator[np.ndarray]:
        while count:
            if not len(self._rest):
                try:
                    self._rest = next(self._pieces)
                except StopIteration:
                    raise ValueError(f"the document ended {count} tokens before its stated length") from None
            piece = self._rest[:count]
            self._rest = self._rest[len(piece) :]
            count -= len(piece)
            yield piece


def stacked(rows: Sequence[np.ndarray]) -> torch.Tensor:
    """Rows of tokens as int64 [batch, n]."""
    return torch.from_numpy(np.stack(rows).astype(np.int64))
