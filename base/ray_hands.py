"""Workers that are actors of a Ray cluster: see crew.py."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from .errors import one_line
from .hands import LOOK, Hand, Make


class Actors:
    """Hires actors of a Ray cluster."""

    def __init__(self, ray: Any, make: Make, resources: dict[str, float]):
        self._ray = ray
        self._make = ray.put(make)
        self._actor = ray.remote(max_concurrency=2, max_restarts=0, **resources)(_Actor)
        self._resources = resources

    def hire(self, number: int) -> Hand:
        """See `Hiring`."""
        return _RayHand(self._ray, self._actor.remote(self._make, number), number)

    def room(self) -> int:
        """As many as the cluster has processors and accelerators for."""
        has = self._ray.cluster_resources()
        names = {"num_cpus": "CPU", "num_gpus": "GPU"}
        rooms = [has.get(names[name], 0) / each for name, each in self._resources.items() if each]
        return max(int(min(rooms, default=1)), 1)

    def wait(self, hands: Sequence[_RayHand]) -> None:
        """See `Hiring`."""
        if waiting := [hand.reference for hand in hands]:
            self._ray.wait(waiting, num_returns=1, timeout=LOOK)


class _RayHand(Hand):
    def __init__(self, ray: Any, actor: Any, number: int):
        super().__init__(number)
        self._ray = ray
        self._actor = actor
        self.reference = actor.ready.remote()
        self._look: Any = None
        self._looked = time.monotonic()
        self._silence = 0.0

    def give(self, job: Any) -> None:
        self.job, self._silence = job, 0.0
        self._look, self._looked = None, time.monotonic()
        self.reference = self._actor.work.remote(job)

    def messages(self) -> Iterator[tuple[str, Any]]:
        try:
            yield from self._news()
        except self._ray.exceptions.RayTaskError as error:
            yield "raised", error.cause
        except self._ray.exceptions.RayError as error:
            yield "lost", one_line(error)

    def _news(self) -> Iterator[tuple[str, Any]]:
        if self.job is not None:
            yield from self._said()
        if self.ready and self.job is None:
            return
        if self._ray.wait([self.reference], timeout=0)[0]:
            found = self._ray.get(self.reference)
            if self.job is None:
                self.ready = True
                return
            result, said = found
            yield from (("said", what) for what in said)
            yield "done", result

    def _said(self) -> Iterator[tuple[str, Any]]:
        """Ask now and then what was said, and for a sign of life."""
        if self._look is None:
            if time.monotonic() - self._looked > LOOK:
                self._look, self._looked = self._actor.look.remote(), time.monotonic()
        elif self._ray.wait([self._look], timeout=0)[0]:
            said, self._silence = self._ray.get(self._look)
            self._look, self._looked = None, time.monotonic()
            yield from (("said", what) for what in said)

    def silence(self) -> float:
        """One that does not answer is silent, too."""
        return max(self._silence, time.monotonic() - self._looked if self._look is not None else 0.0)

    def kill(self) -> None:
        self._ray.kill(self._actor)


class _Actor:
    """A worker on a cluster. Ray calls it from two threads: one works, the other answers."""

    def __init__(self, make: Make, number: int):
        self.number = number
        self.threads: int | None = None
        self._said: deque[Any] = deque()
        self._beat = 0.0
        self._work = make(self)

    def ready(self) -> bool:
        return True

    def work(self, job: Any) -> tuple[Any, list[Any]]:
        self._beat = 0.0
        result = self._work(job)
        return result, self._drained()

    def look(self) -> tuple[list[Any], float]:
        beat = self._beat
        return self._drained(), time.monotonic() - beat if beat else 0.0

    def say(self, what: Any) -> None:
        self._said.append(what)

    def alive(self, busy: bool) -> None:
        self._beat = time.monotonic() if busy else 0.0

    def _drained(self) -> list[Any]:
        return [self._said.popleft() for _ in range(len(self._said))]
