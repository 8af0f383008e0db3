"""Stories of people who take, drop and give things: where a thing is or was, who gave what to whom, who has what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from ..registry import task
from .cast import GIVERS, HOUSE_WITH_OBJECTS, Cast, set_aside
from .dice import Dice
from .family import UNKNOWN, Asked, BabiTask, Story
from .language import COUNTS
from .world import Handling, World

_TAKING = {"go": 1.0, "take": 2.0, "drop": 1.3}
#: Stories of qa3 are long, and few end with something to ask: several endings of so many facts are tried on each.
_ENDING, _ENDINGS = 16, 6
#: The official files ask about empty hands this much more often than their stories would have it, and (as the square of
#: the number of dealings, by measure) about those who handled much.
_EMPTY_HANDS = 3.5
_GIVING = {"go": 1.0, "take": 3.0, "drop": 2.0, "give": 20.0}


@task("qa2")
@dataclass(frozen=True)
class Qa2(BabiTask):
    """Two supporting facts: where is a thing, held or dropped?"""

    cast: ClassVar[Cast] = HOUSE_WITH_OBJECTS
    answer_roles: ClassVar[tuple[str, ...]] = ("places",)
    least_facts: ClassVar[int] = 2
    kept: ClassVar[tuple[float, ...]] = (1.0, 0.94, 0.84, 0.8, 0.48)
    official_quantiles: ClassVar[tuple[int, ...]] = (
        2, 4, 6, 8, 10, 10, 10, 12, 12, 14, 14, 16, 16, 18, 18, 20, 20, 22, 24, 28, 40,
    )  # fmt: skip

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """Left open: where a thing is whose only holder was never seen to move."""
        world = World(dice, cast, _TAKING, loner=leave_open > 0).happen(facts)
        asked = [self._where(world, thing) for thing in world.things]
        open_ = [Asked("where is object", {"object": world.own}, UNKNOWN, ())] if leave_open else []
        return Story(world.told, [question for question in asked if question], open_)

    def _where(self, world: World, thing: str) -> Asked | None:
        """A held thing is where its holder went last; a dropped one, where they had gone before they dropped it."""
        if not world.handled[thing]:
            return None
        last = world.handled[thing][-1]
        move = world.last_move(last.who, before=last.fact if last.what == "drop" else None)
        if move is None:
            return None
        weight = self.recency(len(world.told), max(last.fact, move))
        return Asked("where is object", {"object": thing}, world.place(move), (last.fact, move), weight)


@task("qa3")
@dataclass(frozen=True)
class Qa3(BabiTask):
    """Three supporting facts: where was a thing before it was brought somewhere?"""

    cast: ClassVar[Cast] = HOUSE_WITH_OBJECTS
    answer_roles: ClassVar[tuple[str, ...]] = ("places",)
    least_facts: ClassVar[int] = 3
    kept: ClassVar[tuple[float, ...]] = (1.0, 0.75, 0.63, 0.46, 0.43)
    official_quantiles: ClassVar[tuple[int, ...]] = (
        4, 12, 16, 20, 26, 28, 30, 34, 38, 40, 42, 46, 50, 54, 62, 70, 76, 84, 94, 116, 228,
    )  # fmt: skip

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """Left open: where a thing was that someone took in an untold place, before they first brought it anywhere."""
        stem = World(dice, cast, _TAKING, there=0.2, loner=leave_open > 0, walks=True).happen(facts - _ENDING)
        asked: list[Asked] = []
        world = stem
        for _ in range(_ENDINGS):
            world = stem.fork().happen(facts)
            asked = [question for thing in world.things for question in self._before(world, thing)]
            if any(question.weight for question in asked):
                break
        return Story(world.told, asked, list(self._untold(world)) if leave_open else [])

    def _before(self, world: World, thing: str) -> Iterator[Asked]:
        """The stops of the last carry: each but the first came after another one, if it is the last stop there."""
        if not (handled := world.handled[thing]):
            return
        taken = max(i for i, handling in enumerate(handled) if handling.what == "take")
        carrier, end = handled[taken].who, handled[-1]
        until = end.fact if end.what == "drop" else len(world.told)
        stops = [move for move in world.moves[carrier] if handled[taken].fact < move < until]
        for earlier, later in pairwise(stops):
            place = world.place(later)
            if place not in map(world.place, stops[stops.index(later) + 1 :]):
                supporting = (end.fact, later, earlier)
                weight = self.recency(len(world.told), max(supporting)) / (len(stops) - 1)
                slots = {"object": thing, "place": place}
                yield Asked("where was object before", slots, world.place(earlier), supporting, weight)

    @staticmethod
    def _untold(world: World) -> Iterator[Asked]:
        """The loner walks only after taking the thing: where that was is not told, and where it went first is."""
        moves, handled = world.moves[world.loner], world.handled[world.own]
        places = [world.place(move) for move in moves]
        if moves and places.count(places[0]) == 1:
            held = [handling.what == "take" for handling in handled if handling.fact < moves[0]][-1]
            slots = {"object": world.own, "place": places[0]}
            yield from [Asked("where was object before", slots, UNKNOWN, ())] if held else []


@task("qa5")
@dataclass(frozen=True)
class Qa5(BabiTask):
    """Three-argument relations: who gave what to whom?"""

    cast: ClassVar[Cast] = GIVERS
    answer_roles: ClassVar[tuple[str, ...]] = ("people", "objects")
    least_facts: ClassVar[int] = 2
    kept: ClassVar[tuple[float, ...]] = (1.0, 0.63, 0.56, 0.4, 0.31)
    official_quantiles: ClassVar[tuple[int, ...]] = (
        2, 4, 6, 8, 10, 10, 12, 12, 14, 16, 16, 18, 20, 22, 24, 26, 28, 32, 36, 48, 70,
    )  # fmt: skip

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """Left open: gifts that nobody made."""
        world = World(dice, cast, _GIVING).happen(facts)
        asked: dict[tuple[str, ...], Asked] = {}
        gifts = [(gift, thing) for thing in world.things for gift in world.handled[thing] if gift.what == "give"]
        for gift, thing in sorted(gifts, key=lambda given: given[0].fact):
            for question in self._about(gift, thing, self.recency(facts, gift.fact)):
                asked[(question.meaning, *question.slots.values())] = question
        unmade = self._unmade(dice, world, set(asked)) if leave_open else []
        return Story(world.told, list(asked.values()), unmade)

    @staticmethod
    def _about(gift: Handling, thing: str, weight: float) -> Iterator[Asked]:
        """Every question about one gift; of several gifts that fit a question, the last one counts."""
        who, to, at = gift.who, gift.to, (gift.fact,)
        yield Asked("what given", {"actor": who, "other": to}, thing, at, 2 * weight)
        yield Asked("who gave", {"object": thing}, who, at, weight)
        yield Asked("who gave to", {"object": thing, "other": to}, who, at, weight)
        yield Asked("to whom given", {"actor": who, "object": thing}, to, at, weight)
        yield Asked("who received", {"object": thing}, to, at, weight)

    @classmethod
    def _unmade(cls, dice: Dice, world: World, made: set[tuple[str, ...]]) -> list[Asked]:
        """One question of each kind, where there is one to which no gift is the answer."""
        (who, to), thing = dice.sample(world.people, 2), dice.pick(world.things)
        questions = list(cls._about(Handling(0, "give", who, to), thing, 1.0))
        return [
            Asked(question.meaning, question.slots, UNKNOWN, (), question.weight)
            for question in questions
            if (question.meaning, *question.slots.values()) not in made
        ]


@dataclass(frozen=True)
class _Possessions(BabiTask):
    """What the last two have in common: who has what, by all that a person took, dropped, gave and received."""

    cast: ClassVar[Cast] = HOUSE_WITH_OBJECTS

    @staticmethod
    def _deals(world: World, person: str) -> dict[str, list[Handling]]:
        """What a person did with each thing, or was given, in the order in which they first touched the things."""
        deals = {
            thing: [handling for handling in handled if person in (handling.who, handling.to)]
            for thing, handled in world.handled.items()
        }
        return dict(sorted(((t, d) for t, d in deals.items() if d), key=lambda deal: deal[1][0].fact))

    @staticmethod
    def _has(person: str, deals: list[Handling]) -> bool:
        """Whether the last of these dealings left the thing with the person."""
        return deals[-1].what == "take" or deals[-1].to == person


@task("qa7")
@dataclass(frozen=True)
class Qa7(_Possessions):
    """Counting: how many things does someone carry?"""

    fixed_answers: ClassVar[tuple[str, ...]] = COUNTS[:4]
    kept: ClassVar[tuple[float, ...]] = (1.0, 0.8, 0.8, 0.82, 0.65)
    official_quantiles: ClassVar[tuple[int, ...]] = (
        2, 2, 2, 4, 4, 4, 6, 6, 6, 8, 8, 8, 8, 10, 10, 10, 12, 12, 14, 16, 30,
    )  # fmt: skip

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """Left open: what someone carries who never occurs."""
        present, absent = set_aside(dice, cast, leave_open)
        world = World(dice, present, _GIVING).happen(facts)
        asked = []
        for person in world.people:
            if deals := self._deals(world, person):
                count = sum(self._has(person, dealt) for dealt in deals.values())
                supporting = tuple(sorted(handling.fact for dealt in deals.values() for handling in dealt))
                weight = self.recency(facts, supporting[-1]) * len(supporting) ** 2 * (1 if count else _EMPTY_HANDS)
                asked.append(Asked("how many", {"actor": person}, COUNTS[count], supporting, weight))
        return Story(world.told, asked, [Asked("how many", {"actor": person}, UNKNOWN, ()) for person in absent])


@task("qa8")
@dataclass(frozen=True)
class Qa8(_Possessions):
    """Lists: what does someone carry?"""

    answer_roles: ClassVar[tuple[str, ...]] = ("objects",)
    fixed_answers: ClassVar[tuple[str, ...]] = ("nothing",)
    official_quantiles: ClassVar[tuple[int, ...]] = (
        2, 2, 4, 4, 4, 6, 6, 6, 6, 8, 8, 8, 10, 10, 10, 12, 12, 14, 14, 18, 34,
    )  # fmt: skip

    @property
    def chance(self) -> float:
        """A coin flip for each of the things: one of the 2^n lists, `nothing` among them (and `unknown`, if asked)."""
        return 1 / (2 ** len(self.cast["objects"]) + bool(self.unanswerable))

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """Left open: what someone carries who never occurs."""
        present, absent = set_aside(dice, cast, leave_open)
        world = World(dice, present, _TAKING).happen(facts)
        asked = []
        for person in world.people:
            if deals := self._deals(world, person):
                answer = ",".join(thing for thing, dealt in deals.items() if self._has(person, dealt)) or "nothing"
                supporting = tuple(handling.fact for dealt in deals.values() for handling in dealt)
                weight = sum(self.recency(facts, fact) for fact in supporting)
                asked.append(Asked("what carried", {"actor": person}, answer, supporting, weight))
        return Story(world.told, asked, [Asked("what carried", {"actor": person}, UNKNOWN, ()) for person in absent])
