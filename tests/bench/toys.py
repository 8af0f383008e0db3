"""Toys of this room's tests: a reader that learns in a hundred steps, and a stream of texts made of marks."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from rmt_bench.bench.curriculum import Stage
from rmt_bench.bench.documents import Document
from rmt_bench.bench.stream import Batch, Example

LABELS = ("garden", "kitchen", "office")


class Summing(nn.Module):
    """Its state is the sum of all embeddings read: it learns at once, and counts the reads with gradient."""

    segment_length = 8

    def __init__(self, width: int = 8, tokenizer=None):
        super().__init__()
        self.tokenizer = tokenizer
        self.embedding = nn.Embedding(16, width)
        self.head = nn.Linear(width, len(LABELS))
        self.with_gradient: list[int] = []

    def start(self, batch_size):
        self.with_gradient.append(0)
        return torch.zeros(batch_size, self.embedding.embedding_dim)

    def read(self, state, segment):
        self.with_gradient[-1] += torch.is_grad_enabled()
        return state + self.embedding(segment).sum(1)

    def score(self, state, prompts, choices):
        return self.head(state + torch.stack([self.embedding(prompt).sum(0) for prompt in prompts]))


class Marks:
    """Texts of zeros with a mark, 1 to 3, that says which answer is right; the question is a 9."""

    def __init__(self, batch_size: int = 8, tasks=None, source=None):
        self.batch_size = batch_size
        self.segment_length = Summing.segment_length

    def names(self, stage: Stage) -> tuple[str, ...]:
        return ("marks",)

    def batch(self, number: int, segments: int, stage: Stage, rng: np.random.Generator) -> Batch:
        return Batch("marks", [[self._example(segments, rng) for _ in range(self.batch_size)]])

    def _example(self, segments: int, rng: np.random.Generator) -> Example:
        target = int(rng.integers(len(LABELS)))
        tokens = np.zeros(segments * self.segment_length - 1, dtype=np.int64)
        mark = int(rng.integers(len(tokens)))
        tokens[mark] = 1 + target
        document = Document(iter([tokens]), len(tokens), np.array([9]))
        return Example(document, LABELS, target, ((mark, mark + 1),), mark + 1)


class Rolling:
    """Its state, a dict of tensors changed in place, depends on every token read, and its answer on all of the state.

    `read_tokens` counts what it reads; its `stops_at`-th read raises `KeyboardInterrupt`, as a user may at any time.
    """

    segment_length = 32

    def __init__(self, tokenizer, stops_at: int = -1):
        self.tokenizer = tokenizer
        self.stops_at = stops_at
        self.reads = 0
        self.asked = 0

    def start(self, batch_size):
        return {"hash": torch.zeros(batch_size, dtype=torch.int64), "steps": [torch.zeros(1)]}

    def read(self, state, segment):
        self.reads += 1
        if self.reads == self.stops_at:
            raise KeyboardInterrupt
        return self._mixed(state, segment)

    def answer(self, state, prompts, choices):
        self.asked += 1
        return [
            row[int(self._hash(state["hash"][i : i + 1], prompt[None])) % len(row)]
            for i, (prompt, row) in enumerate(zip(prompts, choices, strict=True))
        ]

    def _mixed(self, state, segment):
        state["hash"].copy_(self._hash(state["hash"], segment))
        state["steps"][0] += 1
        return state

    def _hash(self, before, segment):
        for column in segment.unbind(1):
            before = (before * 31 + column) % 1_000_003
        return before


class Noisy(Rolling):
    """A `Rolling` that draws from torch's random stream with every read."""

    def _mixed(self, state, segment):
        return super()._mixed(state, segment + torch.randint(5, ()))


def outcome(folder):
    """The records of a run without what a clock or a memory says, by sample."""
    from rmt_bench.bench.record import RunFolder

    records = RunFolder(folder).records().set_index("sample_id").sort_index()
    costs = [name for name in records if name.endswith(("_seconds", "_bytes"))]
    for column in ("choices", "depths", "probes"):
        records[column] = records[column].map(str)
    return records.drop(columns=costs)
