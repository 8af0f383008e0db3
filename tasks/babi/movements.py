"""Stories of people who go from place to place, and where a reader knows them to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ...base.errors import UserError
from ..episode import Episode, Question
from ..languages import ENGLISH, check_language, load_language, unless_english
from ..registry import task
from .cast import HOUSE, HOUSE_WITH_OBJECTS, TOWN, Cast, pronoun, set_aside
from .dice import Dice
from .family import UNKNOWN, Asked, BabiTask, Story, Told
from .language import TIMES
from .world import World, elsewhere

_FEW = (2, 4, 6, 8, 10)


@dataclass(frozen=True)
class _WhereIs(BabiTask):
    """What the tasks have in common that ask where someone is."""

    cast: ClassVar[Cast] = HOUSE
    answer_roles: ClassVar[tuple[str, ...]] = ("places",)
    official_facts: ClassVar[tuple[int, ...]] = _FEW

    def _where(self, told: Sequence[Told], who: Sequence[tuple[str, ...]], back: int, absent: Sequence[str]) -> Story:
        """Ask where everyone is. Fact i moves `who[i]`; an answer follows from it and `back` facts before it."""
        last = {person: i for i, actors in enumerate(who) for person in actors}
        asked = [
            Asked(
                "where is actor",
                {"actor": person},
                told[i].slots["place"],
                tuple(range(i - back, i + 1)),
                sum(self.recency(len(told), j) for j, actors in enumerate(who) if person in actors),
            )
            for person, i in last.items()
        ]
        return Story(told, asked, [Asked("where is actor", {"actor": person}, UNKNOWN, ()) for person in absent])


@task("qa1")
@dataclass(frozen=True)
class Qa1(_WhereIs):
    """One supporting fact: who is where?

    `language` is that of facts and questions: `de` for German (see languages.py).
    """

    language: str = ENGLISH

    def __post_init__(self) -> None:
        check_language(self.language)
        if self.language != ENGLISH and (self.paraphrase or self.words != "official"):
            raise UserError(f"language={self.language}: it has official words only; leave lexicon and paraphrase out")
        super().__post_init__()

    @property
    def cast(self) -> Cast:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The people and places of the language."""
        if self.language == ENGLISH:
            return HOUSE
        words = load_language(self.language)
        return {"people": words.people, "places": words.places}

    @property
    def lexicon(self) -> frozenset[str]:
        """Every word that a story can draw, irregular plurals included."""
        return super().lexicon if self.language == ENGLISH else load_language(self.language).lexicon

    def knobs(self) -> dict[str, object]:
        """The settings; the language only where it is not English."""
        return unless_english(super().knobs())

    def _choices(self, cast: Cast) -> tuple[str, ...]:
        return tuple(map(self._translated, super()._choices(cast)))

    def _translated(self, answer: str) -> str:
        return load_language(self.language).unknown if self.language != ENGLISH and answer == UNKNOWN else answer

    def _worded(self, dice: Dice, story: Story, asked: Sequence[Asked], choices: tuple[str, ...]) -> Episode:
        if self.language == ENGLISH:
            return super()._worded(dice, story, asked, choices)
        words = load_language(self.language)
        told = (words.move(dice.pick(words.moved), fact.slots["actor"], fact.slots["place"]) for fact in story.told)
        questions = (
            Question(dice.pick(words.where).format_map(a.slots), self._translated(a.answer), choices, a.supporting)
            for a in asked
        )
        return Episode(tuple(told), tuple(questions))

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """People move about. Left open: where someone is who never occurs."""
        present, absent = set_aside(dice, cast, leave_open)
        world = World(dice, present, {"go": 1.0, "take": 0.0, "drop": 0.0}).happen(facts)
        return self._where(world.told, [(fact.slots["actor"],) for fact in world.told], 0, absent)


@task("qa11")
@dataclass(frozen=True)
class Qa11(_WhereIs):
    """Basic coreference: she, or he, went on to another place."""

    least_facts: ClassVar[int] = 2
    step_facts: ClassVar[int] = 2

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """Pairs of facts: someone moves, then he or she moves on."""
        present, absent = set_aside(dice, cast, leave_open)
        actors = [(dice.pick(present["people"]),) for _ in range(facts // 2)]
        told, who = _pairs(dice, actors, cast["places"])
        return self._where(told, who, 1, absent)


@task("qa12")
@dataclass(frozen=True)
class Qa12(_WhereIs):
    """Conjunction: two people move together."""

    window: ClassVar[tuple[float, ...]] = (0.51, 0.31, 0.18, 0.0, 0.0)

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """Two people move, and two again, not always the same."""
        present, absent = set_aside(dice, cast, leave_open)
        who = [dice.sample(present["people"], 2) for _ in range(facts)]
        here = dict.fromkeys(cast["people"], "")
        told = [_go(dice, cast["places"], here, group, "move both") for group in who]
        return self._where(told, who, 0, absent)


@task("qa13")
@dataclass(frozen=True)
class Qa13(_WhereIs):
    """Compound coreference: they went on to another place."""

    least_facts: ClassVar[int] = 2
    step_facts: ClassVar[int] = 2
    window: ClassVar[tuple[float, ...]] = (0.435, 0.435, 0.065, 0.065, 0.0)

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """Pairs of facts: two people move, then they move on."""
        present, absent = set_aside(dice, cast, leave_open)
        actors = [dice.sample(present["people"], 2) for _ in range(facts // 2)]
        told, who = _pairs(dice, actors, cast["places"])
        return self._where(told, who, 1, absent)


@dataclass(frozen=True)
class _IsIn(BabiTask):
    """What the tasks have in common that ask whether someone is in a place."""

    answer_roles: ClassVar[tuple[str, ...]] = ()
    fixed_answers: ClassVar[tuple[str, ...]] = ("yes", "no")
    official_facts: ClassVar[tuple[int, ...]] = _FEW
    #: How often the official files ask for a place where the person is (or may be).
    affirmed: ClassVar[float] = 0.5

    def _is_in(self, dice: Dice, places: tuple[str, ...], told: Sequence[Told], absent: Sequence[str]) -> Story:
        """Ask of everyone whether they are in a place; what was last told of them decides."""
        last = {fact.slots["actor"]: i for i, fact in enumerate(told) if "place" in fact.slots}
        asked: list[Asked] = []
        for person, i in last.items():
            own = [j for j, fact in enumerate(told) if fact.slots["actor"] == person and "place" in fact.slots]
            weight = sum(self.recency(len(told), j) for j in own)
            asked += self._judged(dice, places, told[i], i, weight)
        missing = [Asked("is in", {"actor": p, "place": place}, UNKNOWN, ()) for p in absent for place in places]
        return Story(told, asked, missing)

    def _judged(self, dice: Dice, places: tuple[str, ...], fact: Told, i: int, weight: float) -> list[Asked]:
        actor, place = fact.slots["actor"], fact.slots["place"]
        if fact.meaning == "is not in":
            return [Asked("is in", {"actor": actor, "place": place}, "no", (i,), weight)]
        possible = [place, fact.slots["place2"]] if fact.meaning == "is in either" else [place]
        other = dice.pick([place for place in places if place not in possible])
        yes = "maybe" if len(possible) > 1 else "yes"
        return [
            Asked("is in", {"actor": actor, "place": dice.pick(possible)}, yes, (i,), weight * self.affirmed),
            Asked("is in", {"actor": actor, "place": other}, "no", (i,), weight * (1 - self.affirmed)),
        ]


@task("qa6")
@dataclass(frozen=True)
class Qa6(_IsIn):
    """Yes or no: is someone in a place?"""

    cast: ClassVar[Cast] = HOUSE_WITH_OBJECTS

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """People move, and handle things. Left open: where someone is who was never seen to move."""
        world = World(dice, cast, {"go": 1.0, "take": 2.5, "drop": 0.8}, loner=leave_open > 0).happen(facts)
        return self._is_in(dice, cast["places"], world.told, [world.loner] if leave_open else [])


@task("qa9")
@dataclass(frozen=True)
class Qa9(_IsIn):
    """Simple negation: someone is not, or no longer, in a place."""

    cast: ClassVar[Cast] = HOUSE

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """A quarter of the facts say where someone is not: where they were, when that was told."""
        present, absent = set_aside(dice, cast, leave_open)
        told: list[Told] = []
        last: dict[str, Told] = {}
        for _ in range(facts):
            actor = dice.pick(present["people"])
            meaning = dice.weighted(("move", "is in", "is not in"), (0.5, 0.25, 0.25))
            before = last[actor].slots["place"] if actor in last else ""
            leaves = meaning == "is not in" and before and last[actor].meaning != "is not in"
            place = before if leaves else elsewhere(dice, cast["places"], before)
            last[actor] = Told(meaning, {"actor": actor, "place": place})
            told.append(last[actor])
        return self._is_in(dice, cast["places"], told, absent)


@task("qa10")
@dataclass(frozen=True)
class Qa10(_IsIn):
    """Indefinite knowledge: someone is in one of two places."""

    cast: ClassVar[Cast] = TOWN
    fixed_answers: ClassVar[tuple[str, ...]] = ("yes", "no", "maybe")
    affirmed: ClassVar[float] = 0.56

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """A quarter of the facts name two places; the person is in one of them, and the reader cannot know in which."""
        present, absent = set_aside(dice, cast, leave_open)
        told: list[Told] = []
        here: dict[str, str] = {}
        for _ in range(facts):
            actor = dice.pick(present["people"])
            meaning = dice.weighted(("move", "is in", "is in either"), (0.5, 0.25, 0.25))
            here[actor] = elsewhere(dice, cast["places"], here.get(actor, ""))
            pair = dice.shuffled((here[actor], elsewhere(dice, cast["places"], here[actor])))
            slots = {"place": pair[0], "place2": pair[1]} if meaning == "is in either" else {"place": here[actor]}
            told.append(Told(meaning, {"actor": actor, **slots}))
        return self._is_in(dice, cast["places"], told, absent)


@task("qa14")
@dataclass(frozen=True)
class Qa14(BabiTask):
    """Time reasoning: times of day told out of order."""

    cast: ClassVar[Cast] = TOWN
    answer_roles: ClassVar[tuple[str, ...]] = ("places",)
    least_facts: ClassVar[int] = 2
    most_facts: ClassVar[int] = 16
    window: ClassVar[tuple[float, ...]] = (0.92, 0.93, 1.4, 0.8, 0.45, 0.45)
    official_facts: ClassVar[tuple[int, ...]] = (2, *(4, 6, 8, 10) * 5, *(12,) * 4)

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """Everyone moves at most once a time; what is told is a little out of order."""
        told = _out_of_order(dice, _days(dice, cast))[:facts]
        asked: list[Asked] = []
        missing: list[Asked] = []
        for person in cast["people"]:
            own = {fact.slots["time"]: i for i, fact in enumerate(told) if fact.slots["actor"] == person}
            places = [told[i].slots["place"] for i in own.values()]
            seen = [time for time in TIMES if time in own]
            for time in seen:
                place = told[own[time]].slots["place"]
                slots = {"actor": person, "place": place}
                earlier = TIMES[TIMES.index(time) - 1] if time != TIMES[0] else ""
                if places.count(place) == 1 and earlier in own:
                    supporting = (own[time], own[earlier])
                    weight = self.recency(facts, max(supporting))
                    answer = told[own[earlier]].slots["place"]
                    asked.append(Asked("where was actor before", slots, answer, supporting, weight))
                elif places.count(place) == 1 and time == seen[0]:
                    missing.append(Asked("where was actor before", slots, UNKNOWN, ()))
        return Story(told, asked, missing)


def _days(dice: Dice, cast: Cast) -> list[Told]:
    """Everyone's moves at all four times, in an order in which nobody's times are mixed up."""
    turns = dice.shuffled([person for person in cast["people"] for _ in TIMES])
    visits: dict[str, list[str]] = {person: [] for person in cast["people"]}
    told = []
    for actor in turns:
        been = visits[actor]
        place = elsewhere(dice, cast["places"], been[-1] if been else "")
        told.append(Told("move at time", {"actor": actor, "place": place, "time": TIMES[len(been)]}))
        been.append(place)
    return told


def _out_of_order(dice: Dice, told: list[Told]) -> list[Told]:
    """The facts, each moved by a few places."""
    keys = [i + 4 * dice.random() for i in range(len(told))]
    return [told[i] for i in sorted(range(len(told)), key=keys.__getitem__)]


def _pairs(
    dice: Dice, actors: Sequence[tuple[str, ...]], places: tuple[str, ...]
) -> tuple[list[Told], list[tuple[str, ...]]]:
    """Two facts for each (group of) actors, the second by pronoun; and who moves in each fact."""
    here = {person: "" for group in actors for person in group}
    told = []
    for group in actors:
        both = " both" if len(group) > 1 else ""
        told += [_go(dice, places, here, group, f"{first}{both}") for first in ("move", "then move")]
    return told, [group for group in actors for _ in range(2)]


def _go(dice: Dice, places: tuple[str, ...], here: dict[str, str], group: tuple[str, ...], meaning: str) -> Told:
    """One or two people go to a place where none of them is."""
    place = elsewhere(dice, places, *(here[person] for person in group))
    here.update(dict.fromkeys(group, place))
    named = dict(zip(("actor", "other"), group, strict=False))
    return Told(meaning, {**named, "he": pronoun(group[0]), "place": place})
