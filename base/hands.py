"""What a crew and the places where its workers live have in common: a hand, whoever hires one, a worker's line home."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

#: Seconds between looks at who is busy.
LOOK = 0.2


class Line(Protocol):
    """A worker's line to whoever gives it work.

    `number` counts those at work from 0; one that replaces another has its number. `threads` are what each may use.
    """

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


class Hand(ABC):
    """A worker, as whoever gives it work sees it."""

    ready = False
    job: Any = None

    def __init__(self, number: int):
        self.number = number

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
        """End it at once: it hangs, or is not needed any more."""


class Hiring(Protocol):
    """A place where workers live."""

    def hire(self, number: int) -> Hand:
        """One more worker; `number` is none that another one has at the time."""
        ...

    def room(self) -> int:
        """How many of them there is room for, where the caller does not say."""
        ...

    def wait(self, hands: Sequence[Any]) -> None:
        """Wait until one of them has something to say, but not for long."""
        ...
