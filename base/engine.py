"""Independent units of work, on processes of this machine or on the machines of a Ray cluster. Knows not what is done.

    for unit, result in run(function, units, Engine(workers=2)): ...

What comes of a unit may depend on the unit alone: then engine, workers and order change nothing but the time it takes.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import wait as wait_for
from typing import Any, TypeVar

from .errors import IncompleteError, UserError, one_line

T = TypeVar("T")
R = TypeVar("R")

#: So often in a row may a worker be lost before anything is finished.
_LOSSES = 3
#: Seconds that a cluster has to answer.
_PATIENCE = 5
ENGINES = ("local", "ray")


@dataclass(frozen=True)
class Engine:
    """Where work is done: by `workers` processes, `local` or on the Ray cluster at `address` (None: one of its own).

    `workers` 1 on this machine is the calling process itself; None is one, or with Ray as many as the cluster has
    processors. Raises `UserError` for what makes no sense.
    """

    name: str = "local"
    workers: int | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        if self.name not in ENGINES:
            raise UserError(f"unknown engine {self.name!r}; there is: {', '.join(ENGINES)}")
        if self.workers is not None and self.workers < 1:
            raise UserError(f"workers is a number from 1 on, not {self.workers}")
        if self.address is not None and self.name != "ray":
            raise UserError("an address is that of a Ray cluster: give --engine ray too")


def run(function: Callable[[T], R], units: Sequence[T], engine: Engine | None = None) -> Iterator[tuple[T, R]]:
    """Yield each unit and what `function` made of it, in the order in which they are finished.

    `function`, units and results are pickled, so a function is one of a module (or a `partial` of one). The unit of a
    worker that was killed is done again. What a function raises is raised here, and units not yet begun are dropped.
    Raises `IncompleteError` when workers are lost again and again.
    """
    engine = engine or Engine()
    if engine.name == "ray":
        return _ray(function, units, engine)
    workers = min(engine.workers or 1, len(units))
    return _processes(function, units, workers) if workers > 1 else ((unit, function(unit)) for unit in units)


def _processes(function: Callable[[T], R], units: Sequence[T], workers: int) -> Iterator[tuple[T, R]]:
    left = dict(enumerate(units))
    losses = 0
    while left:
        try:
            for number, result in _pool(function, left, workers):
                yield left.pop(number), result
                losses = 0
        except BrokenProcessPool as error:
            losses += 1
            if losses == _LOSSES:
                raise IncompleteError(
                    f"{_LOSSES} workers in a row were killed (out of memory, perhaps); what was finished is kept: "
                    "run the same command again, with fewer --workers"
                ) from error


def _pool(function: Callable[[T], R], units: dict[int, T], workers: int) -> Iterator[tuple[int, R]]:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(function,))
    try:
        with deaf_to_interrupts():
            waiting = {pool.submit(_work, unit): number for number, unit in units.items()}
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=lambda future: future.exception() is not None):
                yield waiting.pop(future), future.result()
    finally:
        pool.shutdown(cancel_futures=True)


_function: Callable[[Any], Any]


def _begin(function: Callable[[Any], Any]) -> None:
    """A worker takes its function once."""
    global _function
    _function = function
    begin_worker()


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """A process that is started within hears no Ctrl-C, not even before it can say so; this one hears it afterwards."""
    resource_tracker.ensure_running()  # as it starts it undoes what is blocked
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin_worker() -> None:
    """What a worker's process does first: Ctrl-C is left to the one that began it, which it does not outlive."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    _end_with_parent()


def _end_with_parent() -> None:
    """End this process as soon as the one that began it has ended, however that came about."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait_and_end() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    threading.Thread(target=wait_and_end, daemon=True).start()


def _work(unit: Any) -> Any:
    return _function(unit)


def _ray(function: Callable[[T], R], units: Sequence[T], engine: Engine) -> Iterator[tuple[T, R]]:
    with connected(engine.address) as ray:
        shared = ray.put(function)
        task = ray.remote(max_retries=_LOSSES, num_cpus=1)(_apply)
        left = list(enumerate(units))[::-1]
        at_once = engine.workers or max(int(ray.cluster_resources().get("CPU", 1)), 1)
        waiting: dict[Any, int] = {}
        while left or waiting:
            while left and len(waiting) < at_once:
                number, unit = left.pop()
                waiting[task.remote(shared, unit)] = number
            (done,), _ = ray.wait(list(waiting), num_returns=1)
            number = waiting.pop(done)
            yield units[number], _result(ray, done)


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Ray, connected to the cluster at `address` (None: one of its own), and left again unless it was before.

    Raises `UserError` when Ray is not installed, or nobody is there.
    """
    try:
        import ray
    except ImportError as error:
        raise UserError("the engine `ray` is not installed: pip install 'rmt-bench[ray]'") from error

    started = not ray.is_initialized()
    if started:
        _connect(ray, address)
    try:
        yield ray
    finally:
        if started:
            ray.shutdown()


def _connect(ray: Any, address: str | None) -> None:
    """Connect, or say within seconds that nobody is there: Ray itself would try for minutes."""
    host, colon, port = (address or "").removeprefix("ray://").rpartition(":")
    try:
        if colon:
            socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
        own = {"include_dashboard": False} if address is None else {}
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **own)
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(f"no Ray cluster at {address!r} ({one_line(error)}); see: ray status") from error


def _result(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        raise IncompleteError(
            f"workers were lost again and again ({one_line(error)}); what was finished is kept: run the "
            "same command again"
        ) from error


def _apply(function: Callable[[T], R], unit: T) -> R:
    return function(unit)
