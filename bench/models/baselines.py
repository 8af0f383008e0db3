"""The floor and the ceiling of every plot: `random`, `majority`, and `oracle`, which reads the text symbolically."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ...generators.tokens import load_tokenizer
from ...tasks.babi.reader_text import openings
from ...tasks.guessing import guess
from ...tasks.reader import UNKNOWNS, Reader
from ...tasks.registry import TASKS, load_task
from ..model import model
from .kept_text import SEGMENT, KeepsText, parted


class Guesser:
    """A reader that keeps nothing. Subclasses say what they answer."""

    def __init__(self, segment_length: int = SEGMENT):
        self.tokenizer = load_tokenizer()
        self.segment_length = segment_length

    def start(self, batch_size: int) -> None:
        """Nothing is kept."""

    def read(self, state: None, segment: torch.Tensor) -> None:
        """Nothing is read."""


@model("random")
class Random(Guesser):
    """Answers at random as a question allows, a list where one is wanted: what chance looks like, with its noise."""

    def answer(self, state: None, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]) -> list[str]:
        """A uniform draw for each row, seeded by torch's generator (which the harness seeds for every unit)."""
        rng = np.random.default_rng(int(torch.randint(2**31, ())))
        return [
            guess(parted(self.tokenizer, prompt)[1], row, rng) for prompt, row in zip(prompts, choices, strict=True)
        ]


@model("majority")
class Majority(Guesser):
    """Always answers the label that is most often right among all tasks with these labels."""

    def answer(self, state: None, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]) -> list[str]:
        """The commonest right answer for each row's set of labels."""
        return [_commonest(tuple(row)) for row in choices]


@functools.lru_cache(maxsize=256)
def _commonest(choices: tuple[str, ...], episodes: int = 2_000) -> str:
    """The answer most often right in training episodes of the tasks whose labels these are."""
    tasks = [made for made in map(load_task, TASKS.names()) if set(made.labels) == set(choices)]
    rng = np.random.default_rng(0)
    right = Counter(task.episode(rng).questions[0].answer for task in tasks for _ in range(episodes))
    return right.most_common(1)[0][0] if right else (choices[0] if choices else "")


@model("oracle")
class Oracle(KeepsText):
    """Reads the text symbolically: the ceiling. Its state is the text itself, so it grows with the length."""

    def answer(self, state: Any, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]) -> list[str]:
        """What the text entails about the last sentence of each prompt."""
        return [entailed(*told) for told in self.texts(state, prompts)]


def entailed(text: str, question: str) -> str:
    """What the symbolic reader finds in a text."""
    reader = Reader(text)
    # A heading ("CHAPTER I") has no full stop that would part it from the question.
    answers = [reader.answer(opening) for opening in openings(question)]
    return next((answer for answer in answers if answer not in UNKNOWNS), answers[0])
