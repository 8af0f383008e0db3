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
from dataclasses import dataclass, replace

import numpy as np

from ..base.errors import UserError, did_you_mean


@dataclass(frozen=True)
class Stage:
    """Documents of up to `memory` segments, the question's included, of which the last `gradient` get gradients.

    With `tokens` the context has at most so many. `tasks` are those of the stream that are read (none: its own),
    `placement` says where facts lie (None: as the stream has it), `rate` and `promote` overrule those of the recipe.
    """

    name: str
    gradient: int
    memory: int
    decays: bool = False
    tokens: int | None = None
    tasks: tuple[str, ...] = ()
    rate: float | None = None
    promote: float | None = None
    placement: str | None = None

    @property
    def rolls(self) -> bool:
        """Whether some documents are longer than what gradients reach."""
        return self.memory > self.gradient


@dataclass(frozen=True)
class Step:
    """One step's documents: `segments` each; `counts` says whether its accuracy tells if the stage is learned."""

    segments: int
    counts: bool


def make_stages(segments: Sequence[int], roll: Sequence[int]) -> list[Stage]:
    """A stage for each of `segments`, then for each of `roll` (both ascending).

    Raises `UserError` when the numbers do not ascend, or rolling begins below the longest gradient.
    """
    _check_ascending("curriculum", segments)
    longest = segments[-1]
    if roll:
        _check_ascending("roll", roll)
        if roll[0] <= longest:
            raise UserError(f"rolling starts above the curriculum's {longest} segments, not at {roll[0]}")
    stages = [Stage(stage_name(count), count, count) for count in segments]
    return [*stages, *(Stage(stage_name(longest, count), longest, count) for count in roll)]


def stages_until(stages: Sequence[Stage], name: str) -> list[Stage]:
    """`stages` as far as the one called `name`. Raises `UserError` when there is none."""
    names = [stage.name for stage in stages]
    if name not in names:
        raise UserError(f"no stage is called {name!r}{did_you_mean(name, names)} (there are: {', '.join(names)})")
    return list(stages[: names.index(name) + 1])


def stage_name(gradient: int, memory: int = 0) -> str:
    """What a stage is called that was given no name."""
    return f"roll to {memory}" if memory > gradient else f"{gradient} segment{'s' if gradient > 1 else ''}"


def with_last_stage(stages: Sequence[Stage], streams: int = 0) -> tuple[Stage, ...]:
    """`stages` and the decay, which is like the last of them.

    With `streams` it is that of carried streams, up to so many segments long.
    """
    last = stages[-1]
    name, memory = ("streams", max(last.memory, streams)) if streams else ("decay", last.memory)
    return (*stages, replace(last, name=name, memory=memory, decays=True))


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
