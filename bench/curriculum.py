"""What training reads, and when: stages of growing length, and how a step is drawn from one. Knows no model, no text.

    stage          gradient  memory    a document of
    7 segments        7         7      7 segments, or of 1..7
    roll to 48        7        48      the same, or of 7..48: all but the last 7 are read without gradient
    decay             7        48      the same, while the rate falls to zero
    streams           7        60      in place of the decay: memories are carried from step to step, see carried.py

Rolling is what makes the memory last: gradients reach back `gradient` segments and no further, but the memory they
start from has lived through up to `memory` of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..base.errors import UserError


@dataclass(frozen=True)
class Stage:
    """Documents of up to `memory` segments, the question's included, of which the last `gradient` get gradients."""

    name: str
    gradient: int
    memory: int
    decays: bool = False

    @property
    def rolls(self) -> bool:
        """Whether some documents are longer than what gradients reach."""
        return self.memory > self.gradient


@dataclass(frozen=True)
class Step:
    """One step's documents: `segments` each; `counts` says whether its accuracy tells if the stage is learned."""

    segments: int
    counts: bool


def make_stages(segments: Sequence[int], roll: Sequence[int], streams: int = 0) -> list[Stage]:
    """A stage for each of `segments`, then for each of `roll` (both ascending), then the decay.

    With `streams` the last stage is that of carried streams, up to so many segments long.

    Raises `UserError` when the numbers do not ascend, or rolling begins below the longest gradient.
    """
    _check_ascending("curriculum", segments)
    longest = segments[-1]
    if roll:
        _check_ascending("roll", roll)
        if roll[0] <= longest:
            raise UserError(f"rolling starts above the curriculum's {longest} segments, not at {roll[0]}")
    stages = [Stage(f"{count} segment{'s' if count > 1 else ''}", count, count) for count in segments]
    stages += [Stage(f"roll to {count}", longest, count) for count in roll]
    name = "streams" if streams else "decay"
    return [*stages, Stage(name, longest, max(stages[-1].memory, streams), decays=True)]


def draw_step(stage: Stage, rng: np.random.Generator) -> Step:
    """One step of a stage: half of them at full length, or rolled; the other half at any shorter length."""
    if stage.rolls and rng.random() < 0.5:
        return Step(int(rng.integers(stage.gradient, stage.memory + 1)), counts=True)
    if rng.random() < 0.5:
        return Step(stage.gradient, counts=not stage.rolls)
    segments = int(rng.integers(1, stage.gradient + 1))
    return Step(segments, counts=not stage.rolls and segments == stage.gradient)


def _check_ascending(what: str, counts: Sequence[int]) -> None:
    if not counts or counts[0] < 1 or any(b <= a for a, b in itertools.pairwise(counts)):
        raise UserError(f"the {what} is a row of growing numbers of segments, such as 1..7, not {list(counts)}")
