"""What kind someone is of, what follows from it, and what moves people. Reads facts; knows no places."""

from __future__ import annotations

from collections.abc import Callable

from .reader_facts import At, Fact, Fear, Kind, Take, Trait
from .reader_story import UNKNOWN, Story

_PLURALS = {
    "mouse": "mice",
    "wolf": "wolves",
    "sheep": "sheep",
    "goose": "geese",
    "ox": "oxen",
    "calf": "calves",
    "deer": "deer",
    "fish": "fish",
    "louse": "lice",
}
_SINGULARS = {plural: singular for singular, plural in _PLURALS.items()}
#: Where each mood leads, and what one takes there: the one piece of knowledge that is not in the text.
MOOD_PLACES = {"thirsty": "kitchen", "hungry": "kitchen", "bored": "garden", "tired": "bedroom"}


def what_afraid_of(story: Story, name: str) -> str:
    """What someone is afraid of, as their kind is."""
    kind = kind_of(story, name)
    if kind is None:
        return UNKNOWN
    plural = plural_of(kind)
    for found in story.about(plural, plural.capitalize()):
        if isinstance(found.fact, Fear) and found.fact.kind == plural:
            return singular_of(found.fact.of)
    return UNKNOWN


def what_color(story: Story, name: str) -> str:
    """The colour of someone: their own, else that of the one last named of their kind.

    The official files hold stories with two colours for one kind; there the last "X is a swan" decides.
    """
    name = story.name(name)
    if own := trait_of(story, name):
        return own
    kind = kind_of(story, name)
    alike = [] if kind is None else [fact.who for fact in _kinds(story, kind) if fact.kind == kind]
    return next((color for other in reversed(alike) if (color := trait_of(story, other))), UNKNOWN)


def kind_of(story: Story, name: str) -> str | None:
    """The kind of animal someone is."""
    name = story.name(name)
    kinds = [fact.kind for fact in _kinds(story, name) if fact.who == name]
    return kinds[-1] if kinds else None


def trait_of(story: Story, name: str) -> str | None:
    """The colour or mood last told of someone."""
    traits = [f.fact.trait for f in story.about(name) if isinstance(f.fact, Trait) and f.fact.who == name]
    return traits[-1] if traits else None


def where_will_go(story: Story, name: str) -> str:
    """Where someone's mood will lead them."""
    return MOOD_PLACES.get(trait_of(story, story.name(name)) or "", UNKNOWN)


def why_went(story: Story, name: str, place: str) -> str:
    """The mood in which someone went to a place."""
    name = story.name(name)
    return _mood_at(story, name, lambda fact: isinstance(fact, At) and name in fact.who and place in fact.places)


def why_got(story: Story, name: str, thing: str) -> str:
    """The mood in which someone took a thing."""
    name = story.name(name)
    return _mood_at(story, name, lambda fact: isinstance(fact, Take) and (fact.who, fact.thing) == (name, thing))


def _mood_at(story: Story, name: str, happened: Callable[[Fact], bool]) -> str:
    mood, found_mood = UNKNOWN, UNKNOWN
    for fact in (found.fact for found in story.about(name)):
        if isinstance(fact, Trait) and fact.who == name:
            mood = fact.trait
        elif happened(fact):
            found_mood = mood
    return found_mood


def _kinds(story: Story, word: str) -> list[Kind]:
    return [found.fact for found in story.about(word) if isinstance(found.fact, Kind)]


def plural_of(noun: str) -> str:
    """The plural of a kind of animal."""
    if noun in _PLURALS:
        return _PLURALS[noun]
    if noun.endswith(("s", "x", "ch", "sh", "z")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def singular_of(noun: str) -> str:
    """The singular of a kind of animal."""
    if noun in _SINGULARS:
        return _SINGULARS[noun]
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    if noun.endswith(("ses", "xes", "ches", "shes", "zes")):
        return noun[:-2]
    return noun.removesuffix("s")
