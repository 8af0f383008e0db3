"""Toys of this room's tests: a reader that learns in a hundred steps, and a stream of texts made of marks."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from rmt_bench.bench.reading import Document
from rmt_bench.bench.stream import Example

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

    def batch(self, number: int, segments: int, rng: np.random.Generator) -> list[list[Example]]:
        return [[self._example(segments, rng) for _ in range(self.batch_size)]]

    def _example(self, segments: int, rng: np.random.Generator) -> Example:
        target = int(rng.integers(len(LABELS)))
        tokens = np.zeros(segments * self.segment_length - 1, dtype=np.int64)
        tokens[rng.integers(len(tokens))] = 1 + target
        return Example(Document(iter([tokens]), len(tokens), np.array([9])), LABELS, target)
