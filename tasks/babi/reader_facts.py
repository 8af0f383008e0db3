"""What a fact can say, as one small dataclass each. Knows no sentences (`reader_forms` makes facts of them)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class At:
    """Someone went to a place, or is there; with several places, in one of them. `when` orders times of day."""

    who: tuple[str, ...]
    places: tuple[str, ...]
    when: int | None = None


@dataclass(frozen=True)
class Away:
    """Someone is not, or no longer, in a place."""

    who: tuple[str, ...]
    place: str


@dataclass(frozen=True)
class Take:
    """Someone has a thing from now on."""

    who: str
    thing: str


@dataclass(frozen=True)
class Drop:
    """Someone leaves a thing where they are."""

    who: str
    thing: str


@dataclass(frozen=True)
class Give:
    """A thing changes hands."""

    who: str
    thing: str
    to: str


@dataclass(frozen=True)
class Kind:
    """Someone is an animal of some kind."""

    who: str
    kind: str


@dataclass(frozen=True)
class Fear:
    """All of one kind are afraid of another; both as written, in the plural."""

    kind: str
    of: str


@dataclass(frozen=True)
class Trait:
    """Someone is of a colour, or in a mood."""

    who: str
    trait: str


@dataclass(frozen=True)
class Beside:
    """`thing` lies one step from `other`: `step` is (1, 0) for east or right, (0, 1) for north or above."""

    thing: str
    step: tuple[int, int]
    other: str


@dataclass(frozen=True)
class Bigger:
    """One thing is bigger than another, which therefore fits inside it."""

    thing: str
    than: str


Fact: TypeAlias = At | Away | Take | Drop | Give | Kind | Fear | Trait | Beside | Bigger
