"""The reading loop: documents go through a model segment by segment, and never more than a few are in hand.

    document   w1 ... w64 | w65 ... w128 | ... | tail        question
    calls      read         read           ...   answer(tail + question)

Knows tokens and states; nothing of scores or files.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .model import Reply, SegmentModel, answers

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
    """A text as a stream of integer arrays, how many tokens it has in all, and the question asked after it."""

    tokens: Iterator[np.ndarray]
    n_tokens: int
    question: np.ndarray

    def shape(self, segment_length: int) -> Shape:
        """How it is read in segments of `segment_length` tokens."""
        full, tail = divmod(self.n_tokens, segment_length)
        return Shape(full, tail if tail + len(self.question) > segment_length else 0)


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
        left = self.shape.full
        while left:
            count = min(left, _BLOCK)
            block = self._take(count * self._length)
            yield from block.split(self._length, dim=1)
            on_tokens(block.numel())
            left -= count
        if self.shape.short:
            yield self._take(self.shape.short)

    def prompts(self) -> list[torch.Tensor]:
        """What is left of each document, then its question: int64 [n], n <= segment_length."""
        read = self.shape.full * self._length + self.shape.short
        rows = [
            np.concatenate([stream.take(document.n_tokens - read), document.question])
            for stream, document in zip(self._streams, self._documents, strict=True)
        ]
        return [torch.from_numpy(row.astype(np.int64)).to(self._device) for row in rows]

    def _take(self, count: int) -> torch.Tensor:
        rows = np.stack([stream.take(count) for stream in self._streams])
        return torch.from_numpy(rows.astype(np.int64)).to(self._device)


@dataclass(frozen=True)
class Reading:
    """What a batch came to: one answer a row, the state's size, and how long reading and answering took."""

    replies: list[Reply]
    read_seconds: float
    answer_seconds: float
    state_bytes: int


def read_batch(
    model: SegmentModel,
    documents: Sequence[Document],
    choices: Sequence[Sequence[str]],
    on_tokens: Callable[[int], None] = lambda count: None,
) -> Reading:
    """Read documents of one shape side by side, then ask each its question.

    The state is threaded from call to call and never looked into. `on_tokens` hears how many tokens were read, now
    and then. Raises `ValueError` when the model does not give one answer a row.
    """
    device = model_device(model)
    batch = LockStep(documents, model.segment_length, device)
    with torch.inference_mode():
        begun = time.perf_counter()
        state = model.start(len(documents))
        for segment in batch.segments(on_tokens):
            state = model.read(state, segment)
        _wait(device)
        read = time.perf_counter()
        replies = answers(model, state, batch.prompts(), choices)
        _wait(device)
    if len(replies) != len(documents):
        raise ValueError(f"the model gave {len(replies)} answers to {len(documents)} questions")
    return Reading(replies, read - begun, time.perf_counter() - read, state_bytes(state))


def model_device(model: Any) -> torch.device:
    """Where a model wants its tokens: its `device` if it has one, else the CPU."""
    return torch.device(getattr(model, "device", "cpu"))


class _Stream:
    """A stream of arrays from which any number of tokens can be taken."""

    def __init__(self, pieces: Iterator[np.ndarray]):
        self._pieces = iter(pieces)
        self._rest = np.empty(0, dtype=np.int64)

    def take(self, count: int) -> np.ndarray:
        """The next `count` tokens. Raises `ValueError` when the document ends before."""
        taken, have = [], 0
        while have < count:
            if not len(self._rest):
                try:
                    self._rest = next(self._pieces)
                except StopIteration:
                    raise ValueError(f"the document ended {count - have} tokens before its stated length") from None
            piece = self._rest[: count - have]
            self._rest = self._rest[len(piece) :]
            taken.append(piece)
            have += len(piece)
        return np.concatenate(taken) if taken else np.empty(0, dtype=np.int64)


def state_bytes(state: Any) -> int:
    """The bytes of all tensors in a state, wherever they are nested (objects that hold tensors in attributes too)."""
    seen: set[int] = set()
    total = 0
    waiting = [state]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, torch.Tensor):
            total += value.numel() * value.element_size()
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple, set)):
            waiting.extend(value)
        elif hasattr(value, "__dict__"):
            waiting.extend(vars(value).values())
    return total


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
