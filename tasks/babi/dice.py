"""Random choices for stories, fast: numbers are drawn from the episode's stream in blocks. Knows nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
_BLOCK = 128


class Dice:
    """Choices that depend on one random stream, and on nothing else.

    One call to a numpy generator costs microseconds; a story makes hundreds of choices.
    """

    def __init__(self, rng: np.random.Generator):
        self._rng = rng
        self._drawn: list[float] = []

    def random(self) -> float:
        """A number in [0, 1)."""
        return (self._drawn or self._draw()).pop()

    def below(self, stop: int) -> int:
        """A whole number in 0..stop-1."""
        return int(self.random() * stop)

    def happens(self, probability: float) -> bool:
        """True with that probability; a draw is made even where it is 0 or 1."""
        return self.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, each as likely as any other."""
        return options[int((self._drawn or self._draw()).pop() * len(options))]

    def weighted(self, options: Sequence[T], weights: Sequence[float]) -> T:
        """One of the options, in proportion to its weight. One weight at least is above 0."""
        drawn = self.random() * sum(weights)
        chosen = options[0]
        for option, weight in zip(options, weights, strict=True):
            if weight > 0:
                chosen = option
                drawn -= weight
                if drawn < 0:
                    break
        return chosen

    def sample(self, options: Sequence[T], count: int) -> tuple[T, ...]:
        """`count` different options in random order."""
        left = list(options)
        for i in range(count):
            other = i + self.below(len(left) - i)
            left[i], left[other] = left[other], left[i]
        return tuple(left[:count])

    def shuffled(self, options: Sequence[T]) -> tuple[T, ...]:
        """All the options in random order."""
        return self.sample(options, len(options))

    def _draw(self) -> list[float]:
        self._drawn = self._rng.random(_BLOCK).tolist()
        return self._drawn
