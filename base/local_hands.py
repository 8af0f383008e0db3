"""Workers that are processes of this machine: see crew.py."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any

from .engine import begin_worker, deaf_to_interrupts
from .errors import one_line
from .hands import LOOK, Hand, Make


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class Processes:
    """Hires processes of this machine."""

    make: Make
    threads: int | None

    def hire(self, number: int) -> Hand:
        """See `Hiring`."""
        return _Process(self.make, number, self.threads)

    def room(self) -> int:
        """See `Hiring`."""
        return 1

    def wait(self, hands: Sequence[_Process]) -> None:
        """See `Hiring`."""
        wait([hand.connection for hand in hands] + [hand.process.sentinel for hand in hands], timeout=LOOK)


class _Process(Hand):
    def __init__(self, make: Make, number: int, threads: int | None):
        super().__init__(number)
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._beat = context.RawValue("d", 0.0)
        self.process = context.Process(target=_serve, args=(make, theirs, self._beat, number, threads), daemon=True)
        with deaf_to_interrupts():
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


@dataclass
class _Pipe:
    """The line of a process: signs of life go through memory that is shared, as the time of the last one."""

    connection: Any
    beat: Any
    number: int
    threads: int | None

    def say(self, what: Any) -> None:
        self.send("said", what)

    def send(self, kind: str, what: Any) -> None:
        """Send a message. Where nobody is left to hear it, this process is not needed any more."""
        try:
            self.connection.send((kind, what))
        except (BrokenPipeError, ConnectionResetError):
            os._exit(1)

    def next_job(self) -> Any:
        """Wait for one."""
        try:
            return self.connection.recv()
        except (EOFError, ConnectionResetError):
            os._exit(1)

    def alive(self, busy: bool) -> None:
        self.beat.value = time.monotonic() if busy else 0.0


def _serve(make: Make, connection: Any, beat: Any, number: int, threads: int | None) -> None:
    begin_worker()
    line = _Pipe(connection, beat, number, threads)
    try:
        work = make(line)
        line.send("ready", None)
        while True:
            line.send("done", work(line.next_job()))
    except Exception as error:  # noqa: BLE001 - it is raised where the work was asked for
        line.send("raised", _portable(error))


def _portable(error: Exception) -> Exception:
    """An exception that can be sent: itself, or one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever keeps it from being pickled, its text is kept
        return RuntimeError(one_line(error))
    return error
