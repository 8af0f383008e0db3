"""Which samples: tasks x lengths x how many, cut into units of work. Made on the fly, or read from a data set."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

from ..base.errors import UserError, did_you_mean
from ..base.files import digest
from ..tasks.babi.archive import archive_task
from ..tasks.episode import Task, knob_name
from ..tasks.registry import TASKS, load_task
from ..tasks.suites import SUITES, expand
from .lengths import Length
from .samples import Sample, Source

#: Samples in a unit: what is computed, kept and repeated together.
SHARD = 64


@dataclass(frozen=True)
class Unit:
    """Samples start..stop of one task at one length. `name` is a hash of what the unit is."""

    task: str
    length: str
    start: int
    stop: int
    name: str


class Samples(Protocol):
    """What a harness evaluates on: units, and the samples of each."""

    def identity(self) -> dict[str, Any]:
        """What the samples depend on, as plain values: two plans with the same one give the same samples."""
        ...

    def units(self) -> list[Unit]:
        """The units of work, in order."""
        ...

    def samples(self, unit: Unit) -> Iterator[Sample]:
        """The samples of one unit, in order."""
        ...


def load_tasks(
    names: Sequence[str], knobs: Mapping[str, Any] | None = None, facts: str | None = None
) -> dict[str, Task]:
    """The tasks of `names` (of tasks or suites), each with those of `knobs` that it has.

    With `facts` `babi:PATH` they are the official ones.

    Raises `UserError` for an unknown task, for a knob that none of them has, and for official files without a task.
    """
    knobs = dict(knobs or {})
    names = expand(names)
    for name in names:
        if name not in TASKS.names():
            raise UserError(TASKS.unknown(name, SUITES))
    if facts is not None:
        if knobs:
            raise UserError(f"the official files have no knobs: leave out --facts, or {', '.join(knobs)}")
        return {name: archive_task(facts, name) for name in names}
    known = {name: [knob_name(field) for field in fields(TASKS.get(name))] for name in names}
    every = sorted({knob for owned in known.values() for knob in owned})
    for knob in knobs:
        if knob not in every:
            listed = f"they have: {', '.join(every)}" if every else "they have none"
            raise UserError(f"no task of {', '.join(names)} has a knob {knob!r}{did_you_mean(knob, every)} ({listed})")
    return {name: load_task(name, **{k: v for k, v in knobs.items() if k in known[name]}) for name in names}


class Plan:
    """Samples made on the fly: `samples` of each task at each length, fewer where a text is very long.

    `tasks` are tasks by name, as `load_tasks` makes them. `call` are the plain values that it was made from (see
    `make_plan`), if it was.

    `token_budget` bounds the tokens of all samples of one task and length together (None: no bound), but never takes
    their number below `min_samples`.
    """

    def __init__(
        self,
        tasks: Mapping[str, Task],
        lengths: Sequence[Length],
        samples: int,
        source: Source,
        token_budget: int | None = None,
        min_samples: int = 4,
        call: Mapping[str, Any] | None = None,
    ):
        if samples < 1:
            raise UserError(f"samples is a number from 1 on, not {samples}")
        if not tasks:
            raise UserError("no task given: name some with --tasks; see: rmt-bench tasks")
        self.tasks = dict(tasks)
        self.lengths = {length.label: length for length in lengths}
        self.source = source
        self.samples_per_length = samples
        self.token_budget = token_budget
        self.min_samples = min_samples
        self.call = call

    def identity(self) -> dict[str, Any]:
        """Seed, background, tokenizer and the rest of what every sample depends on; the knobs that were turned."""
        turned = {name: knobs for name, task in self.tasks.items() if (knobs := _turned(task))}
        return {**self.source.fingerprint, "knobs": turned}

    def count(self, length: Length) -> int:
        """How many samples there are of each task at `length`."""
        tokens = self.tokens(length)
        if self.token_budget is None or not tokens:
            return self.samples_per_length
        return min(self.samples_per_length, max(self.token_budget // tokens, self.min_samples))

    def tokens(self, length: Length) -> int:
        """The tokens of one context at `length`, about (of a length in segments a question takes some)."""
        return length.context_tokens(0, self.source.segment_length)

    def units(self) -> list[Unit]:
        """Task by task, length by length, shard by shard."""
        return [
            self._unit(name, task, length, start, min(start + SHARD, self.count(length)))
            for name, task in self.tasks.items()
            for length in self.lengths.values()
            for start in range(0, self.count(length), SHARD)
        ]

    def __iter__(self) -> Iterator[Sample]:
        """Every sample, unit by unit."""
        return itertools.chain.from_iterable(map(self.samples, self.units()))

    def samples(self, unit: Unit) -> Iterator[Sample]:
        """The samples of one unit, made as they are asked for."""
        for index in range(unit.start, unit.stop):
            yield from self.source.samples(unit.task, self.tasks[unit.task], self.lengths[unit.length], index)

    def _unit(self, name: str, task: Task, length: Length, start: int, stop: int) -> Unit:
        size = length.tokens if length.tokens is not None else length.label
        key = digest(self.source.fingerprint, name, task.knobs(), size, start, stop)
        return Unit(name, length.label, start, stop, key[:24])


def _turned(task: Task) -> dict[str, object]:
    """The task's knobs that are not as they are by default."""
    usual = {knob_name(field): field.default for field in fields(task)}
    return {knob: value for knob, value in task.knobs().items() if value != usual.get(knob)}
