"""Order and number at a distance: which of two events came first, and how often something happened.

order   Alaric arrived at the sauna.  ...  Kezia arrived at the casino.   Who arrived first, Kezia or Alaric?
count   Alaric rang the bell.  ...  Alaric rang the bell.                 How many times did Alaric ring the bell?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .asking import WordTask, asked, between
from .babi.dice import Dice
from .babi.language import COUNTS
from .episode import Episode
from .registry import task
from .words import names, places


@task("order")
@dataclass(frozen=True)
class Order(WordTask):
    """Which came first? `events` people arrive one after another; two of them are asked about."""

    events: int = 8

    def check(self) -> None:
        """Everyone arrives once."""
        between("events", self.events, 2, len(names(self.half)))

    @property
    def odds(self) -> tuple[int, int]:
        """One of two."""
        return 2, 1

    def tell(self, dice: Dice) -> Episode:
        """Any two of them, named in either order."""
        who = dice.sample(names(self.half), self.events)
        facts = tuple(f"{name} arrived at the {dice.pick(places(self.half))}." for name in who)
        pair = dice.sample(range(self.events), 2)
        one, other = (who[i] for i in pair)
        text = f"Who arrived first, {one} or {other}?"
        return Episode(facts, (asked(text, (who[min(pair)],), (one, other), sorted(pair)),))


@task("count")
@dataclass(frozen=True)
class Count(WordTask):
    """How many times? `people` ring a bell, each none to `most` times; the asked one's times are counted."""

    people: int = 3
    most: int = 10

    labels: ClassVar[tuple[str, ...]] = COUNTS

    def check(self) -> None:
        """One other rings at least, so that there is a fact."""
        between("people", self.people, 2, len(names(self.half)))
        between("most", self.most, 1, len(COUNTS) - 1)

    @property
    def odds(self) -> tuple[int, int]:
        """None to the most."""
        return self.most + 1, 1

    def tell(self, dice: Dice) -> Episode:
        """Every number of times is as likely; others ring once at least."""
        who = dice.sample(names(self.half), self.people)
        times = [dice.below(self.most + 1), *(1 + dice.below(self.most) for _ in who[1:])]
        order = dice.shuffled([name for name, count in zip(who, times, strict=True) for _ in range(count)])
        supporting = [i for i, name in enumerate(order) if name == who[0]]
        text = f"How many times did {who[0]} ring the bell?"
        question = asked(text, (COUNTS[times[0]],), COUNTS[: self.most + 1], supporting)
        return Episode(tuple(f"{name} rang the bell." for name in order), (question,))
