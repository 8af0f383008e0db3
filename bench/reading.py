"""The reading loop: documents go through a model segment by segment, and it is asked.

    document   w1 ... w64 | w65 ... w128 | ... | tail        question
    calls      read         read           ...   answer(tail + question)

A reading can stop on its way to ask (a `Visit`), and it can be taken up where it stood (a `Standing`). Knows tokens and
states; nothing of samples, scores or files.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

import numpy as np
import torch

from .documents import Document, LockStep, stacked
from .model import Reply, SegmentModel, answers
from .state_parts import fork, state_bytes


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
    """Whoever keeps where a reading stands, now and then, and watches whether the model is still alive."""

    def busy(self, at_work: bool) -> None:
        """The model is called next; or not at work (`at_work` false), since text is made ready for it."""
        ...

    def due(self, segments: int) -> bool:
        """`segments` more were read: is it time to keep?"""
        ...

    def keep(self, standing: Standing) -> None:
        """Keep it. The state goes on being read once this returns."""
        ...


class KeepNothing:
    """A keeper of readings that are short, or of no worth."""

    def busy(self, at_work: bool) -> None:
        """Nobody watches."""

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
        self._keeper.busy(True)
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
            keeper.busy(False)
            taken = list(islice(segments, min(after - standing.segments, getattr(model, "segments_at_once", 1))))
            keeper.busy(True)
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
            for segment in stacked(visit.detour).to(self._device).split(model.segment_length, dim=1):
                self._keeper.busy(True)
                state = model.read(state, segment.contiguous())
                self._keeper.due(1)
            _wait(self._device)
            seconds += time.perf_counter() - begun
        size = state_bytes(state)
        for asked in visit.rounds:
            begun = time.perf_counter()
            prompts = [torch.from_numpy(prompt.astype(np.int64)).to(self._device) for prompt in asked.prompts]
            self._keeper.busy(True)
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


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
