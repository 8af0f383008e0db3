"""Who follows the work on units: whoever called, or the line to a process that did. Knows no samples and no models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..base.crew import Line
from ..generators.plan import Unit


class Progress(Protocol):
    """Whoever shows how far the work is."""

    def __call__(self, unit: Unit, tokens: int | None) -> None:
        """`tokens` more were read for `unit`; None: it was finished before, and is passed over."""
        ...


class Watcher(Protocol):
    """Whoever follows the work on units."""

    def tokens(self, unit: Unit, count: int) -> None:
        """So many tokens more were read for a unit."""
        ...

    def begins(self, samples: Sequence[str]) -> None:
        """The model is asked about these samples next."""
        ...

    def alive(self, busy: bool) -> None:
        """The model has just returned from a call; `busy`: and is called again."""
        ...

    def notice(self, text: str) -> None:
        """Something that a user should know."""
        ...


@dataclass
class Caller:
    """Tells whoever called how the work goes; a notice once."""

    progress: Progress
    on_notice: Callable[[str], None]
    noted: set[str] = field(default_factory=set)

    def tokens(self, unit: Unit, count: int) -> None:
        """See `Watcher`."""
        self.progress(unit, count)

    def begins(self, samples: Sequence[str]) -> None:
        """Whoever called need not know."""

    def alive(self, busy: bool) -> None:
        """It is this very process."""

    def notice(self, text: str) -> None:
        """See `Watcher`."""
        if text not in self.noted:
            self.noted.add(text)
            self.on_notice(text)


@dataclass(frozen=True)
class OverLine:
    """Tells it to another process, as the name of the method and what it is given."""

    line: Line

    def tokens(self, unit: Unit, count: int) -> None:
        """See `Watcher`."""
        self.line.say(("tokens", (unit, count)))

    def begins(self, samples: Sequence[str]) -> None:
        """See `Watcher`."""
        self.line.say(("begins", (tuple(samples),)))

    def alive(self, busy: bool) -> None:
        """See `Watcher`."""
        self.line.alive(busy)

    def notice(self, text: str) -> None:
        """See `Watcher`."""
        self.line.say(("notice", (text,)))
