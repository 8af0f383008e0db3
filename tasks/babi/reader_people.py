"""Where people and things are, were, and who has or gave what. Reads facts; knows no sentences."""

from __future__ import annotations

from collections.abc import Iterable

from .reader_facts import At, Away, Drop, Give, Take
from .reader_story import UNKNOWN, Found, Story

NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NOW = 9


class Whereabouts:
    """What is known of where one person is: the places they may be in, and those they are not in."""

    def __init__(self, movements: Iterable[Found] = ()):
        self.places: tuple[str, ...] = ()
        self.excluded: frozenset[str] = frozenset()
        for found in movements:
            self.learn(found.fact)

    def learn(self, fact: object) -> None:
        """Take in one fact about this person."""
        if isinstance(fact, At):
            self.places, self.excluded = fact.places, frozenset()
        elif isinstance(fact, Away):
            self.places = tuple(place for place in self.places if place != fact.place)
            self.excluded |= {fact.place}

    @property
    def certain(self) -> str | None:
        """The place, when there is only one it can be."""
        return self.places[0] if len(self.places) == 1 else None

    def within(self, place: str) -> str:
        """`yes`, `no` or `maybe`, or `unknown` when nothing is said of it."""
        if place in self.places:
            return "yes" if self.certain else "maybe"
        return "no" if self.places or place in self.excluded else UNKNOWN


def where_person(story: Story, person: str) -> str:
    """The place a person is in."""
    return Whereabouts(_by_time(story.movements(person))).certain or UNKNOWN


def is_person_in(story: Story, person: str, place: str) -> str:
    """Whether a person is in a place."""
    return Whereabouts(_by_time(story.movements(person))).within(place)


def where_person_before(story: Story, person: str, place: str) -> str:
    """The place a person was in before they came to `place` for the last time."""
    visits = [Whereabouts([found]).certain for found in _by_time(story.movements(person))]
    return _before(visits, place)


def where_thing(story: Story, thing: str) -> str:
    """The place a thing is in, or is carried in."""
    places = thing_places(story, thing)
    return (places[-1] if places else None) or UNKNOWN


def where_thing_before(story: Story, thing: str, place: str) -> str:
    """The place a thing was in before it came to `place` for the last time."""
    return _before(thing_places(story, thing), place)


def thing_places(story: Story, thing: str) -> list[str | None]:
    """The places a thing has been in, in order; `None` where the text does not say."""
    handled = [found for found in story.about(thing) if _handles(found.fact, thing)]
    holders = {who for found in handled for who in _hands(found.fact)}
    moved = {found.start: found for who in holders for found in story.movements(who)}
    track = _Track()
    for found in sorted([*handled, *moved.values()], key=lambda found: found.start):
        track.follow(found.fact)
    return track.places


class _Track:
    """Follows one thing through the facts about it and about those who hold it."""

    def __init__(self) -> None:
        self.places: list[str | None] = []
        self._people: dict[str, Whereabouts] = {}
        self._holder: str | None = None

    def follow(self, fact: object) -> None:
        if isinstance(fact, At | Away):
            for who in fact.who:
                self._people.setdefault(who, Whereabouts()).learn(fact)
            if self._holder in fact.who:
                self._see(self._place(self._holder))
        elif isinstance(fact, Take):
            self._holder = fact.who
            self._see(self._place(fact.who) or self._last)
        elif isinstance(fact, Give):
            self._holder = fact.to
            self._see(self._place(fact.who) or self._place(fact.to) or self._last)
        elif isinstance(fact, Drop):
            self._holder = None
            self._see(self._place(fact.who) or self._last)

    @property
    def _last(self) -> str | None:
        return self.places[-1] if self.places else None

    def _place(self, who: str | None) -> str | None:
        known = self._people.get(who or "")
        return known.certain if known else None

    def _see(self, place: str | None) -> None:
        if not self.places or self.places[-1] != place:
            self.places.append(place)


def carried(story: Story, person: str) -> list[str] | None:
    """What a person holds, in the order they first got it; `None` when the text does not know them."""
    facts = [found.fact for found in story.about(person)]
    if not any(person in _people(fact) for fact in facts):
        return None
    held: dict[str, bool] = {}
    for fact in facts:
        if (isinstance(fact, Take) and fact.who == person) or (isinstance(fact, Give) and fact.to == person):
            held[fact.thing] = True
        elif isinstance(fact, Give | Drop) and fact.who == person:
            held[fact.thing] = False
    return [thing for thing, has in held.items() if has]


def what_carrying(story: Story, person: str) -> str:
    """What a person carries, joined by commas, or `nothing`."""
    held = carried(story, person)
    return UNKNOWN if held is None else ",".join(held) or "nothing"


def how_many_carrying(story: Story, person: str) -> str:
    """How many things a person carries, as a word."""
    held = carried(story, person)
    return UNKNOWN if held is None else NUMBERS[len(held)]


def what_given(story: Story, giver: str, taker: str) -> str:
    """The thing last given by one person to another."""
    gift = _last_gift(story, giver=giver, taker=taker)
    return gift.thing if gift else UNKNOWN


def who_gave(story: Story, thing: str, taker: str = "") -> str:
    """Who was the last to give a thing away (to `taker`, where asked)."""
    gift = _last_gift(story, thing=thing, taker=taker)
    return gift.who if gift else UNKNOWN


def to_whom_given(story: Story, thing: str, giver: str = "") -> str:
    """Who was the last to be given a thing (by `giver`, where asked)."""
    gift = _last_gift(story, thing=thing, giver=giver)
    return gift.to if gift else UNKNOWN


def _last_gift(story: Story, giver: str = "", thing: str = "", taker: str = "") -> Give | None:
    for found in reversed(story.about(thing or giver)):
        gift = found.fact
        if isinstance(gift, Give) and giver in ("", gift.who) and thing in ("", gift.thing) and taker in ("", gift.to):
            return gift
    return None


def _before(visits: list[str | None], place: str) -> str:
    """The stop before the last stop at `place`."""
    stops = [stop for i, stop in enumerate(visits) if i == 0 or visits[i - 1] != stop]
    for i in range(len(stops) - 1, 0, -1):
        if stops[i] == place:
            return stops[i - 1] or UNKNOWN
    return UNKNOWN


def _by_time(movements: list[Found]) -> list[Found]:
    """Movements in the order they happened: by the time of day they name, then as told."""

    def hour(found: Found) -> int:
        when = found.fact.when if isinstance(found.fact, At) else None
        return _NOW if when is None else when

    return sorted(movements, key=hour)


def _handles(fact: object, thing: str) -> bool:
    return isinstance(fact, Take | Drop | Give) and fact.thing == thing


def _hands(fact: object) -> tuple[str, ...]:
    if isinstance(fact, Give):
        return fact.who, fact.to
    return (fact.who,) if isinstance(fact, Take | Drop) else ()


def _people(fact: object) -> tuple[str, ...]:
    return fact.who if isinstance(fact, At | Away) else _hands(fact)
