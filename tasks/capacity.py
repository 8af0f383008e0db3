"""How much a memory holds: facts at once, and facts that overwrite each other. Who is where, as in detect.

    capacity      Mary went to the garden.   John moved to the office.   ...   k people, any one asked for
    interference  Mary went to the garden.   Mary moved to the office.   ...   one person, many times; the last counts

Up to four people are those of bAbI, so that a model trained on detect can be asked; more have a family name, too.
How far back the last write lies, in segments, is the placement's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..base.errors import UserError
from .asking import between
from .babi.dice import Dice
from .lexicon import PEOPLE, PLACES
from .memory import MOVES
from .recall import Keyed, Wordings, written
from .registry import task


@dataclass(frozen=True)
class _Whereabouts(Keyed):
    """What the two have in common: people, the six places of bAbI, and how they go there."""

    fact_frames: ClassVar[Wordings] = (
        tuple(f"{{key}} {verb} to the {{value}}." for verb in MOVES),
        ("{key} headed over to the {value}.", "The next stop for {key} was the {value}."),
    )
    question_frames: ClassVar[Wordings] = (("Where is {key}?",), ("In which location would one find {key}?",))

    @property
    def values(self) -> tuple[str, ...]:
        """The six places."""
        return PLACES

    def keys(self, dice: Dice) -> tuple[str, ...]:
        """The four people of bAbI where they are enough."""
        count = self.n_keys + (self.questions if self.unanswerable else 0)
        return dice.sample(PEOPLE, count) if count <= len(PEOPLE) else super().keys(dice)

    @property
    def lexicon(self) -> frozenset[str]:
        """The words of the half; people and places of bAbI."""
        return super().lexicon | {word.lower() for word in PEOPLE + PLACES}


@task("capacity")
@dataclass(frozen=True)
class Capacity(_Whereabouts):
    """Capacity: `facts` people, each in a place; where is any one of them?"""

    facts: int = 16

    def check(self) -> None:
        """1 to 1024 facts."""
        between("facts", self.facts, 1, 1024)
        super().check()

    @property
    def n_keys(self) -> int:
        """Every fact is about someone else."""
        return self.facts

    def writes(self, dice: Dice, keys: Sequence[str]) -> list[tuple[str, str]]:
        """Everyone once."""
        return written(dice, dice.shuffled(keys), self.values)


@task("interference")
@dataclass(frozen=True)
class Interference(_Whereabouts):
    """Interference: someone's place is overwritten again and again; the last one counts.

    The one asked about moves `moves` times, `others` other people as often each. With `after` from 0 on, exactly so
    many moves of others follow the last one of the one asked about.
    """

    moves: int = 4
    others: int = 0
    after: int = -1

    def check(self) -> None:
        """No more moves follow than others make."""
        between("moves", self.moves, 1, 1024)
        between("others", self.others, 0, 63)
        between("after", self.after, -1, self.others * self.moves)
        super().check()
        if self.after >= 0 and self.questions > 1:
            raise UserError(f"after={self.after}: that many moves can follow the last one of a single question")

    @property
    def n_keys(self) -> int:
        """The one asked about and the others."""
        return self.others + 1

    def writes(self, dice: Dice, keys: Sequence[str]) -> list[tuple[str, str]]:
        """In random order, or with the last move of the first one put where `after` says."""
        order = list(dice.shuffled([key for key in keys for _ in range(self.moves)]))
        if self.after >= 0:
            others = [key for key in order if key != keys[0]]
            until = len(others) - self.after
            before = dice.shuffled([*others[:until], *[keys[0]] * (self.moves - 1)])
            order = [*before, keys[0], *others[until:]]
        return written(dice, order, self.values)
