"""Workers that hold something dear, such as a model, and are given one piece of work after the other. Knows not what.

    crew = Crew(make, Engine(workers=2), timeout=60)
    crew.add(job)
    for event in crew.events(): ...        Told, Finished or Lost; more may be added meanwhile

A worker is made once by `make(line)`, and called for every job. One that dies, or gives no sign of life while it is
busy, is lost, and another one takes its place; whether its job is done again is up to whoever hears of it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any, Protocol

from .engine import Engine, connected, end_with_parent
from .errors import IncompleteError, one_line

#: So many workers in a row may be lost before any of them has begun a job.
_LOSSES = 3
#: Seconds between looks at who is busy.
_LOOK = 0.2


class Line(Protocol):
    """A worker's line to whoever gives it work. `number` counts workers from 0, `threads` are what each may use."""

    number: int
    threads: int | None

    def say(self, what: Any) -> None:
        """Tell something about the job; it is pickled."""
        ...

    def alive(self, busy: bool) -> None:
        """A sign of life. `busy`: the next one is due within the timeout; else there is no hurry. It costs nothing."""
        ...


#: Makes a worker. It is pickled, so it is a function of a module, or a `partial` of one.
Make = Callable[[Line], Callable[[Any], Any]]


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

    def events(self) -> Iterator[Event]:
        """What happens, until every job is finished or lost. What a worker raises is raised here, and ends the rest.

        Raises `IncompleteError` when workers cannot be made, or are lost again and again before they begin.
        """
        if self._engine.name == "ray":
            with connected(self._engine.address) as ray:
                yield from self._events(_Actors(ray, self._make, self._resources), self._engine.workers)
        else:
            workers = self._engine.workers or 1
            threads = max(_processors() // workers, 1)
            yield from self._events(_Processes(self._make, threads if workers > 1 else None), workers)

    def _events(self, hiring: _Hiring, workers: int | None) -> Iterator[Event]:
        most = workers or hiring.room()
        hands: list[_Hand] = []
        losses = 0
        try:
            while self._jobs or any(hand.job is not None for hand in hands):
                wanted = min(most, len(self._jobs) + sum(hand.job is not None for hand in hands))
                hands += [hiring.hire() for _ in range(wanted - len(hands))]
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
                hand.end()

    def _hear(self, hand: _Hand) -> Iterator[Event]:
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


class _Hand(ABC):
    """A worker, as whoever gives it work sees it."""

    ready = False
    job: Any = None

    @abstractmethod
    def give(self, job: Any) -> None:
        """Begin a job."""

    @abstractmethod
    def messages(self) -> Iterator[tuple[str, Any]]:
        """What has come since: `said`, `done`, `raised` with an exception, or `lost` with the reason."""

    @abstractmethod
    def silence(self) -> float:
        """Seconds since the last sign of life of a worker that is busy; 0 when it is not."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once."""

    @abstractmethod
    def end(self) -> None:
        """It is not needed any more."""


class _Hiring(Protocol):
    def hire(self) -> _Hand: ...

    def room(self) -> int: ...

    def wait(self, hands: Sequence[Any]) -> None: ...


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class _Processes:
    """Processes of this machine."""

    make: Make
    threads: int | None
    hired: int = 0

    def hire(self) -> _Hand:
        self.hired += 1
        return _Process(self.make, self.hired - 1, self.threads)

    def room(self) -> int:
        return 1

    def wait(self, hands: Sequence[_Process]) -> None:
        wait([hand.connection for hand in hands] + [hand.process.sentinel for hand in hands], timeout=_LOOK)


class _Process(_Hand):
    def __init__(self, make: Make, number: int, threads: int | None):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._beat = context.RawValue("d", 0.0)
        self.process = context.Process(target=_serve, args=(make, theirs, self._beat, number, threads), daemon=True)
        self.process.start()
        theirs.close()

    def give(self, job: Any) -> None:
        self.job = job
        self._beat.value = 0.0
        with contextlib.suppress(BrokenPipeError):  # it is dead, which `messages` will tell
            self.connection.send(job)

    def messages(self) -> Iterator[tuple[str, Any]]:
        try:
            while self.connection.poll():
                kind, what = self.connection.recv()
                if kind == "ready":
                    self.ready = True
                else:
                    yield kind, what
            gone = not self.process.is_alive() and not self.connection.poll()
        except (EOFError, OSError):
            gone = True
        if gone:
            self.process.join()
            code = self.process.exitcode or 0
            yield "lost", f"its process died ({signal.Signals(-code).name if code < 0 else f'exit code {code}'})"

    def silence(self) -> float:
        return time.monotonic() - self._beat.value if self._beat.value else 0.0

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    def end(self) -> None:
        self.kill()


@dataclass
class _Pipe:
    """The line of a process: signs of life go through memory that is shared, as the time of the last one."""

    connection: Any
    beat: Any
    number: int
    threads: int | None

    def say(self, what: Any) -> None:
        self.connection.send(("said", what))

    def alive(self, busy: bool) -> None:
        self.beat.value = time.monotonic() if busy else 0.0


def _serve(make: Make, connection: Any, beat: Any, number: int, threads: int | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    try:
        work = make(_Pipe(connection, beat, number, threads))
        connection.send(("ready", None))
        while True:
            connection.send(("done", work(connection.recv())))
    except Exception as error:  # noqa: BLE001 - it is raised where the work was asked for
        connection.send(("raised", _portable(error)))


def _portable(error: Exception) -> Exception:
    """An exception that can be sent: itself, or one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever keeps it from being pickled, its text is kept
        return RuntimeError(one_line(error))
    return error


class _Actors:
    """Actors of a Ray cluster."""

    def __init__(self, ray: Any, make: Make, resources: dict[str, float]):
        self._ray = ray
        self._make = ray.put(make)
        self._actor = ray.remote(max_concurrency=2, max_restarts=0, **resources)(_Actor)
        self._resources = resources
        self._hired = 0

    def hire(self) -> _Hand:
        self._hired += 1
        return _RayHand(self._ray, self._actor.remote(self._make, self._hired - 1))

    def room(self) -> int:
        """As many as the cluster has processors and accelerators for."""
        has = self._ray.cluster_resources()
        names = {"num_cpus": "CPU", "num_gpus": "GPU"}
        rooms = [has.get(names[name], 0) / each for name, each in self._resources.items() if each]
        return max(int(min(rooms, default=1)), 1)

    def wait(self, hands: Sequence[_RayHand]) -> None:
        if waiting := [hand.reference for hand in hands]:
            self._ray.wait(waiting, num_returns=1, timeout=_LOOK)


class _RayHand(_Hand):
    def __init__(self, ray: Any, actor: Any):
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
            if time.monotonic() - self._looked > _LOOK:
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

    def end(self) -> None:
        self.kill()


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
