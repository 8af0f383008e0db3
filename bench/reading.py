"""The reading loop: documents go through a model segment by segment, and never more than a few are in hand.

    document   w1 ... w64 | w65 ... w128 | ... | tail        question
    calls      read         read           ...   answer(tail + question)

A reading can stop on its way to ask (a `Visit`), and it can be taken up where it stood (a `Standing`). Knows tokens and
states; nothing of samples, scores or files.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

import numpy as np
import torch

from .model import Reply, SegmentModel, answers
from .prefetch import prefetched
from .state_parts import fork, state_bytes

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
            yield self._placed(_stacked([stream.take(self.shape.short) for stream in self._streams]))

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


@dataclass(frozen=True)
class Round:
    """One question for each row, asked together. `keys` say under what the replies are filed; None: dropped."""

    prompts: tuple[np.ndarray, ...]
    choices: tuple[tuple[str, ...], ...]
    keys: tuple[Hashable, ...]


@dataclass(frozen=True)
class Visit:
    """A stop of a reading: what is asked after so many whole segments.

    With a `detour` (tokens of each row: whole segments, then perhaps a short one) these are read first, on a fork, and
    the reading goes on as if they had not been.
    """

    after: int
    rounds: tuple[Round, ...]
    detour: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class Heard:
    """One row's reply; how long its whole batch was read until then and took to answer; bytes of the batch's state."""

    reply: Reply
    read_seconds: float
    answer_seconds: float
    state_bytes: int


@dataclass
class Standing:
    """Where a reading stands: segments read, visits made, what was heard there, seconds spent, the model's state."""

    segments: int = 0
    visits: int = 0
    heard: dict[Hashable, Heard] = field(default_factory=dict)
    seconds: float = 0.0
    state: Any = None


class Keeper(Protocol):
    """Whoever keeps where a reading stands, now and then."""

    def due(self, segments: int) -> bool:
        """`segments` more were read: is it time to keep?"""
        ...

    def keep(self, standing: Standing) -> None:
        """Keep it. The state goes on being read once this returns."""
        ...


class KeepNothing:
    """A keeper of readings that are short, or of no worth."""

    def due(self, segments: int) -> bool:
        """Never."""
        return False

    def keep(self, standing: Standing) -> None:
        """Nothing is kept."""


def read_through(
    model: SegmentModel,
    documents: Sequence[Document],
    visits: Sequence[Visit],
    on_tokens: Callable[[int], None] = lambda count: None,
    keeper: Keeper | None = None,
    standing: Standing | None = None,
) -> dict[Hashable, Heard]:
    """Read documents of one shape side by side, asking at every visit; what was heard, by the keys of the rounds.

    `visits` are in order; the last comes after all whole segments. The state is threaded from call to call and never
    looked into, save to be kept. `on_tokens` hears how many tokens were read, now and then. With a `standing` the
    reading goes on from there. Raises `ValueError` when the model does not give one answer a row.
    """
    reading = _Reading(model, documents, visits, keeper or KeepNothing(), standing)
    with torch.inference_mode():
        return reading.run(on_tokens)


class _Reading:
    """One reading under way."""

    def __init__(
        self,
        model: SegmentModel,
        documents: Sequence[Document],
        visits: Sequence[Visit],
        keeper: Keeper,
        standing: Standing | None,
    ):
        self._model = model
        self._device = model_device(model)
        self._batch = LockStep(documents, model.segment_length, self._device)
        self._rows = len(documents)
        self._visits = visits
        self._keeper = keeper
        self._standing = standing

    def run(self, on_tokens: Callable[[int], None]) -> dict[Hashable, Heard]:
        self._begun = time.perf_counter()
        if self._standing is None:
            self._standing = Standing(state=self._model.start(self._rows))
        with closing(self._batch.whole_segments(self._standing.segments, on_tokens)) as segments:
            for visit in self._visits[self._standing.visits :]:
                self._read_until(visit.after, segments)
                self._pause()
                self._make(visit)
                self._standing.visits += 1
                if self._keeper.due(0):
                    self._keeper.keep(self._standing)
                self._begun = time.perf_counter()
            next(segments, None)  # there is none: it tells of the last tokens
        return self._standing.heard

    def _read_until(self, after: int, segments: Iterator[torch.Tensor]) -> None:
        standing, model, keeper = self._standing, self._model, self._keeper
        assert standing is not None
        while standing.segments < after:
            taken = list(islice(segments, min(after - standing.segments, getattr(model, "segments_at_once", 1))))
            standing.state = _read(model, standing.state, taken)
            standing.segments += len(taken)
            if keeper.due(len(taken)):
                self._pause()
                keeper.keep(standing)
                self._begun = time.perf_counter()

    def _pause(self) -> None:
        """Stop the clock of reading, once all that was asked of the device is done."""
        _wait(self._device)
        assert self._standing is not None
        self._standing.seconds += time.perf_counter() - self._begun

    def _make(self, visit: Visit) -> None:
        standing, model = self._standing, self._model
        assert standing is not None
        state, seconds = standing.state, standing.seconds
        if visit.detour:
            begun = time.perf_counter()
            state = state if visit is self._visits[-1] else fork(state)
            for segment in _stacked(visit.detour).to(self._device).split(model.segment_length, dim=1):
                state = model.read(state, segment.contiguous())
                self._keeper.due(1)
            _wait(self._device)
            seconds += time.perf_counter() - begun
        size = state_bytes(state)
        for asked in visit.rounds:
            begun = time.perf_counter()
            prompts = [torch.from_numpy(prompt.astype(np.int64)).to(self._device) for prompt in asked.prompts]
            replies = answers(model, state, prompts, asked.choices)
            _wait(self._device)
            took = time.perf_counter() - begun
            if len(replies) != self._rows:
                raise ValueError(f"the model gave {len(replies)} answers to {self._rows} questions")
            for key, reply in zip(asked.keys, replies, strict=True):
                if key is not None:
                    standing.heard[key] = Heard(reply, seconds, took, size)


def _read(model: Any, state: Any, segments: Sequence[torch.Tensor]) -> Any:
    """The state after one segment more, or after several that go to the model together."""
    if len(segments) == 1:
        return model.read(state, segments[0])
    return model.read_many(state, torch.stack(list(segments), 1))


def model_device(model: Any) -> torch.device:
    """Where a model wants its tokens: its `device` if it has one, else the CPU."""
    return torch.device(getattr(model, "device", "cpu"))


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


def _stacked(rows: Sequence[np.ndarray]) -> torch.Tensor:
    """Rows of tokens as int64 [batch, n]."""
    return torch.from_numpy(np.stack(rows).astype(np.int64))


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
