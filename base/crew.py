"""Workers that hold something dear, such as a model, and are given one piece of work after the other. Knows not what.

    crew = Crew(make, Engine(workers=2), timeout=60)
    crew.add(job)
    for event in crew.events(): ...        Told, Finished or Lost; more may be added meanwhile

A worker is made once by `make(line)`, and called for every job. One that dies, or gives no sign of life while it is
busy, is lost, and another one takes its place; whether its job is done again is up to whoever hears of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from .engine import Engine, connected
from .errors import IncompleteError
from .hands import Hand, Hiring, Line, Make
from .local_hands import Processes, processors
from .ray_hands import Actors

__all__ = ["Crew", "Event", "Finished", "Line", "Lost", "Make", "Told"]

#: So many workers in a row may be lost before any of them has begun a job.
_LOSSES = 3


@dataclass(frozen=True)
class Told:
    """Something a worker said about its job."""

    job: Any
    what: Any


@dataclass(frozen=True)
class Finished:
    """What came of a job."""

    job: Any
    result: Any


@dataclass(frozen=True)
class Lost:
    """The worker on a job is gone: it was killed because it hung, or it died."""

    job: Any
    why: str
    hung: bool


Event = Told | Finished | Lost


class Crew:
    """Workers on this machine or on a Ray cluster.

    `timeout` is in seconds (None: a worker may be busy for ever). With Ray, each worker has `cpus` processors and
    `gpus` accelerators (0.5: two share one) to itself.
    """

    def __init__(self, make: Make, engine: Engine, timeout: float | None = None, cpus: float = 1, gpus: float = 0):
        self._make = make
        self._engine = engine
        self._timeout = timeout
        self._resources = {"num_cpus": cpus, "num_gpus": gpus}
        self._jobs: deque[Any] = deque()

    def add(self, job: Any) -> None:
        """One more thing to do."""
        self._jobs.append(job)

    def events(self) -> Generator[Event]:
        """What happens, until every job is finished or lost. What a worker raises is raised here, and ends the rest.

        Raises `IncompleteError` when workers cannot be made, or are lost again and again before they begin.
        """
        if self._engine.name == "ray":
            with connected(self._engine.address) as ray:
                yield from self._events(Actors(ray, self._make, self._resources), self._engine.workers)
        else:
            workers = self._engine.workers or 1
            threads = max(processors() // workers, 1)
            yield from self._events(Processes(self._make, threads if workers > 1 else None), workers)

    def _events(self, hiring: Hiring, workers: int | None) -> Iterator[Event]:
        most = workers or hiring.room()
        hands: list[Hand] = []
        losses = 0
        try:
            while self._jobs or any(hand.job is not None for hand in hands):
                wanted = min(most, len(self._jobs) + sum(hand.job is not None for hand in hands))
                while len(hands) < wanted:
                    taken = {hand.number for hand in hands}
                    hands.append(hiring.hire(next(number for number in range(wanted) if number not in taken)))
                for hand in hands:
                    if hand.ready and hand.job is None and self._jobs:
                        hand.give(self._jobs.popleft())
                hiring.wait(hands)
                for hand in list(hands):
                    for event in self._hear(hand):
                        if isinstance(event, Lost):
                            hands.remove(hand)
                        if isinstance(event, Lost) and event.job is None:
                            losses += 1
                            if losses == _LOSSES:
                                raise IncompleteError(f"{_LOSSES} workers in a row were lost at the start: {event.why}")
                            continue
                        losses = 0
                        yield event
        finally:
            for hand in hands:
                hand.kill()

    def _hear(self, hand: Hand) -> Iterator[Event]:
        for kind, what in hand.messages():
            job = hand.job
            if kind == "raised":
                raise what
            if kind == "said":
                yield Told(job, what)
            elif kind == "done":
                hand.job = None
                yield Finished(job, what)
            elif kind == "lost":
                yield Lost(job, what, hung=False)
                return
        if self._timeout is not None and hand.job is not None and hand.silence() > self._timeout:
            hand.kill()
            yield Lost(hand.job, f"no sign of life for {self._timeout:g} s", hung=True)
