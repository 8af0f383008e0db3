"""What comes next is made ready in a thread, while the model computes. Knows not what it is."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

_END = object()


@contextmanager
def prefetched(things: Iterable[T], ahead: int = 1) -> Iterator[Iterator[T]]:
    """`things` in order, up to `ahead` of them made before they are asked for.

    What making one raises is raised where it would be used. When the context is left, nothing more is made.
    """
    ready: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue(maxsize=ahead)
    ended = threading.Event()

    def put(thing: Any, error: BaseException | None = None) -> None:
        while not ended.is_set():
            try:
                ready.put((thing, error), timeout=0.1)
            except queue.Full:
                continue
            return

    def make() -> None:
        try:
            for thing in things:
                put(thing)
                if ended.is_set():
                    return
            put(_END)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the thing would have been used
            put(_END, error)

    def taken() -> Iterator[T]:
        while True:
            thing, error = ready.get()
            if error is not None:
                raise error
            if thing is _END:
                return
            yield thing

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        yield taken()
    finally:
        ended.set()
        thread.join()
