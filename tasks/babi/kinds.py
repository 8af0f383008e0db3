"""Stories of what kind someone is of and what follows from that, and of moods and what they lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ..registry import task
from .cast import COLORFUL, FEARFUL, MOVED, Cast, plural, set_aside
from .dice import Dice
from .family import UNKNOWN, Asked, BabiTask, Story, Told
from .language import article

#: Where a mood leads, and what is taken there: world knowledge, which no story tells.
MOODS = {
    "thirsty": ("kitchen", "milk"),
    "hungry": ("kitchen", "apple"),
    "bored": ("garden", "football"),
    "tired": ("bedroom", "pajamas"),
}
#: When the official stories say of what kind the one asked for is, in proportion: mostly late.
_WHEN_OWN_KIND = (6, 6, 6, 7, 7, 10, 11, 15, 32)


@task("qa15")
@dataclass(frozen=True)
class Qa15(BabiTask):
    """Basic deduction: what is someone afraid of, being of a kind?"""

    cast: ClassVar[Cast] = FEARFUL
    answer_roles: ClassVar[tuple[str, ...]] = ("animals",)
    least_facts: ClassVar[int] = 2
    most_facts: ClassVar[int] = 8
    untold_facts: ClassVar[int] = 1
    official_facts: ClassVar[tuple[int, ...]] = (8,)

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """A kind's fear is told before who is of that kind. Left open: the fear of a kind that is not told."""
        people, animals = dice.shuffled(cast["people"]), dice.shuffled(cast["animals"])
        n_fears = dice.pick(range(max(1, facts - len(people)), min(len(animals), facts - 1) + 1))
        fears = {kind: dice.pick([a for a in animals if a != kind]) for kind in animals[:n_fears]}
        kinds = {person: dice.pick(animals) for person in people[: facts - n_fears]}
        waiting: list[tuple[str, str]] = [
            *((kind, "") for kind in fears),
            *((kind, who) for who, kind in kinds.items()),
        ]
        told: list[Told] = []
        at: dict[str, int] = {}
        while waiting:
            kind, who = dice.pick([item for item in waiting if not item[1] or item[0] in at or item[0] not in fears])
            waiting.remove((kind, who))
            at[who or kind] = len(told)
            told.append(_is_a(who, kind) if who else _afraid(kind, fears[kind]))
        asked, missing = [], []
        for who, kind in kinds.items():
            slots = {"name": who.lower()}
            if kind in fears:
                asked.append(Asked("fear", slots, fears[kind], (at[who], at[kind])))
            else:
                missing.append(Asked("fear", slots, UNKNOWN, ()))
        return Story(told, asked, missing)


@task("qa16")
@dataclass(frozen=True)
class Qa16(BabiTask):
    """Basic induction: what colour is someone, when another of the kind is white?"""

    cast: ClassVar[Cast] = COLORFUL
    answer_roles: ClassVar[tuple[str, ...]] = ("colors",)
    least_facts: ClassVar[int] = 3
    step_facts: ClassVar[int] = 2
    most_facts: ClassVar[int] = 9
    most_questions: ClassVar[int] = 1
    official_facts: ClassVar[tuple[int, ...]] = (9,)

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """Everyone's kind, and everyone's colour but one: all of a kind have one colour, which one other shows.

        Left open: the colour of someone who is alone of a kind. (Official stories may hold two colours for one kind.)
        """
        people = dice.sample(cast["people"], (facts + 1) // 2)
        kinds = self._kinds(dice, cast["animals"], len(people), alone=leave_open > 0 and dice.happens(0.5))
        colors = {kind: dice.pick(cast["colors"]) for kind in kinds}
        kind_of = dict(zip(people, kinds, strict=True))
        order = self._order(dice, people)
        told = [
            _is_a(who, kind_of[who]) if is_kind else Told("color", {"name": who, "color": colors[kind_of[who]]})
            for who, is_kind in order
        ]
        someone, slots = people[0], {"name": people[0]}
        if not (alike := [who for who in people[1:] if kind_of[who] == kinds[0]]):
            return Story(told, [], [Asked("color", slots, UNKNOWN, ())])
        supporting = tuple(map(order.index, ((someone, True), (alike[0], True), (alike[0], False))))
        return Story(told, [Asked("color", slots, colors[kinds[0]], supporting)])

    @staticmethod
    def _order(dice: Dice, people: Sequence[str]) -> list[tuple[str, bool]]:
        """Who each fact is about, and whether it tells the kind: that comes first, and is all that is told of one."""
        waiting = [(who, is_kind) for who in people[1:] for is_kind in (True, False)]
        order: list[tuple[str, bool]] = []
        while waiting:
            order.append(dice.pick([(who, kind) for who, kind in waiting if kind or (who, True) in order]))
            waiting.remove(order[-1])
        facts = len(order) + 1
        order.insert(dice.weighted(range(facts), _WHEN_OWN_KIND[-facts:]), (people[0], True))
        return order

    @staticmethod
    def _kinds(dice: Dice, animals: tuple[str, ...], count: int, alone: bool) -> list[str]:
        """The kinds of the one asked for, of the one alike (unless `alone`), and of the rest: one, two or three others.

        How many different ones follows the official files.
        """
        own, *others = dice.shuffled(animals)
        rest = count - 1 if alone else count - 2
        different = min(dice.weighted((1, 2, 3), (0.12, 0.65, 0.23)), rest, len(others))
        kinds = [*others[:different], *(dice.pick(others[:different]) for _ in range(rest - different))]
        return [own, *([] if alone else [own]), *dice.shuffled(kinds)]


@task("qa20")
@dataclass(frozen=True)
class Qa20(BabiTask):
    """Motivations: where will someone go in their mood, and why did they?"""

    cast: ClassVar[Cast] = MOVED
    fixed_answers: ClassVar[tuple[str, ...]] = ("bedroom", "garden", "kitchen", *sorted(MOODS))
    most_facts: ClassVar[int] = 12
    untold_facts: ClassVar[int] = 3
    official_facts: ClassVar[tuple[int, ...]] = (*(tuple(range(1, 11)) * 14), *(11,) * 10, 12)

    @property
    def lexicon(self) -> frozenset[str]:
        """The people, and the moods, places and things, which are the same with fresh words: they are knowledge."""
        return super().lexicon | {word for mood, goal in MOODS.items() for word in (mood, *goal)}

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """A mood, a way, a thing taken, for everyone in turn. Left open: where someone will go who tells no mood.

        Asked is what the last fact is about; what earlier ones were about only where several questions are wanted.
        """
        present, absent = set_aside(dice, cast, min(leave_open, 1))
        people = present["people"]
        moods = {person: dice.pick(tuple(MOODS)) for person in people}
        steps = {person: ["feel", "go", "take"] for person in people}
        told: list[Told] = []
        felt: dict[str, int] = {}
        asked: list[Asked] = []
        taken: set[str] = set()
        while len(told) < facts and (waiting := [person for person in people if steps[person]]):
            person = dice.pick(waiting)
            act, thing = steps[person].pop(0), MOODS[moods[person]][1]
            if act == "take" and thing in taken:
                continue
            taken |= {thing} if act == "take" else set()
            felt.setdefault(person, len(told))
            fact, question = _done(act, person, moods[person])
            told.append(fact)
            asked.append(replace(question, supporting=(felt[person],), weight=float(len(told) == facts)))
        unknown = [Asked("where will go", {"actor": person.lower()}, UNKNOWN, ()) for person in absent]
        return Story(told, asked, unknown) if len(told) == facts else Story([], [])


def _done(act: str, person: str, mood: str) -> tuple[Told, Asked]:
    """What someone does in a mood, and the question about it."""
    place, thing = MOODS[mood]
    name = person.lower()
    if act == "feel":
        return Told(mood, {"actor": person}), Asked("where will go", {"actor": name}, place, ())
    if act == "go":
        fact = Told("move", {"actor": person, "place": place})
        return fact, Asked("why go", {"actor": name, "place": place}, mood, ())
    fact = Told("take there", {"actor": person, "object": thing})
    return fact, Asked("why get", {"actor": name, "object": thing}, mood, ())


def _is_a(who: str, kind: str) -> Told:
    return Told("kind", {"name": who, "a": article(kind), "animal": kind})


def _afraid(kind: str, of: str) -> Told:
    return Told("fear", {"animals": plural(kind), "feared": plural(of)})
