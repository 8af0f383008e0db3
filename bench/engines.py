"""Jobs done: by a model in this process, or by workers that each hold one, here or on a Ray cluster.

The same jobs come to the same records, whoever does them. A worker that hangs spoils the batch that it was at, as one
does that kills two of them; all others are finished by the next worker, from where the lost one stood.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..base.crew import Crew, Finished, Line, Lost, Told
from ..base.engine import Engine
from ..base.errors import IncompleteError
from ..generators.plan import Plan, Samples
from .jobs import Done, Job, Settings
from .setup import Setup
from .unit_reader import UnitReader
from .watching import OverLine, Watcher

#: So often may a batch take its worker with it before it is given up.
_DEATHS = 2


@dataclass(frozen=True)
class Workers:
    """Who does the work, if not this process: see `Crew`."""

    engine: Engine
    timeout: float | None = None
    cpus: float = 1
    gpus: float = 0


def done_here(
    model: Any, samples: Samples, settings: Settings, jobs: Sequence[Job], watcher: Watcher
) -> Generator[tuple[Job, Done]]:
    """Each job and what came of it, by `model`, in order."""
    reader = UnitReader(model, samples, settings, watcher) if jobs else None
    for job in jobs:
        assert reader is not None
        yield job, reader.work(job)


def done_by_workers(
    workers: Workers, setup: Setup, samples: Samples, settings: Settings, jobs: Sequence[Job], watcher: Watcher
) -> Generator[tuple[Job, Done]]:
    """Each job and what came of it, by models that workers make by `setup`, in the order in which they are finished.

    Raises `IncompleteError` when workers die before they read anything.
    """
    if isinstance(samples, Plan):
        for task in {job.units[0].task for job in jobs}:
            samples.source.prepare(samples.tasks[task])
    make = partial(_worker, setup, samples, settings, Path.cwd())
    crew = Crew(make, workers.engine, workers.timeout, workers.cpus, workers.gpus)
    for job in jobs:
        crew.add(job)
    losses = _Losses()
    with closing(crew.events()) as events:
        for event in events:
            if isinstance(event, Finished):
                yield event.job, event.result
            elif isinstance(event, Lost):
                crew.add(losses.again(event))
            else:
                losses.hear(event)
                getattr(watcher, event.what[0])(*event.what[1])


def _worker(setup: Setup, samples: Samples, settings: Settings, home: Path, line: Line) -> Callable[[Job], Done]:
    """What a worker does with a job: with a model of its own. Called once in its process.

    It works in `home`, the folder that its caller works in: what is named from there (a plugin, a checkpoint, a file
    that an option names) is found, wherever a cluster began it.
    """
    import torch

    os.chdir(home)
    if line.threads is not None:
        torch.set_num_threads(line.threads)
    return UnitReader(setup.of_worker(line.number).make(), samples, settings, OverLine(line)).work


class _Losses:
    """What workers were at when they were lost, and what is to be done about it."""

    def __init__(self) -> None:
        self._at: dict[str, tuple[str, ...]] = {}
        self._deaths: Counter[tuple[str, ...]] = Counter()

    def hear(self, told: Told) -> None:
        """A worker said something: perhaps which samples it asks about next."""
        what, said = told.what
        if what == "begins":
            (self._at[told.job.label],) = said

    def again(self, lost: Lost) -> Job:
        """The job as it is to be done again: without the batch that hung, or took its worker along twice."""
        batch = self._at.pop(lost.job.label, ())
        self._deaths[batch] += 1
        if not (lost.hung and batch) and self._deaths[batch] < _DEATHS:
            return lost.job
        if not batch:
            raise IncompleteError(f"a worker was lost before it read anything, again and again: {lost.why}")
        why = lost.why if lost.hung else f"{lost.why}, {_DEATHS} times"
        return replace(lost.job, spoiled={**lost.job.spoiled, **dict.fromkeys(batch, why)})
