"""The facts about someone or something, gathered from wherever they stand in the text, in text order.

Also says who "he", "she" and "they" are. Facts are looked up by the name or noun they hold, so what the filler says
of other people is never read; a pronoun is taken for a fact's only where the place it leads to is one of the story.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ..lexicon import OFFICIAL
from .reader_facts import At, Away, Fact
from .reader_forms import CONNECTIVES, MOVING, PRONOUNS, parse
from .reader_text import Passages, Sentence, openings

UNKNOWN = "unknown"
#: The official names whose pronoun is known; any other name goes with either.
_GENDER: dict[str, str] = {
    **dict.fromkeys(("John", "Daniel", "Bill", "Fred", "Jeff"), "he"),
    **dict.fromkeys(("Mary", "Sandra", "Julie"), "she"),
}
_FOLLOWS = re.compile(rf"(?:{'|'.join(CONNECTIVES)}),? (?:{'|'.join(PRONOUNS)})\b")


@dataclass(frozen=True)
class Found:
    """A fact and where its sentence starts in the text."""

    start: int
    fact: Fact


class Story:
    """The facts in a text, found on demand."""

    def __init__(self, text: str):
        self.passages = Passages(text)
        self._about: dict[str, tuple[Found, ...]] = {}
        self._of_story: dict[str, bool] = {}

    def about(self, *phrases: str) -> tuple[Found, ...]:
        """The facts whose sentences hold any of the phrases, in text order."""
        if len(phrases) != 1:
            found = {found.start: found for phrase in phrases for found in self.about(phrase)}
            return tuple(found[start] for start in sorted(found))
        if phrases[0] not in self._about:
            self._about[phrases[0]] = tuple(_facts(self.passages.holding(phrases[0])))
        return self._about[phrases[0]]

    def name(self, written: str) -> str:
        """A name as the text writes it: some questions ask for `emily`."""
        if written[:1].islower() and not self.passages.holding(written):
            return written.capitalize()
        return written

    def movements(self, person: str) -> list[Found]:
        """What the text says of where `person` is, pronouns resolved, in text order."""
        named = [found for found in self.about(person) if _moves(found.fact, person)]
        if not named:
            return []
        official = person.lower() in OFFICIAL and all(_places(found.fact) <= OFFICIAL for found in named)
        meant = (found for found in self._followers if self._antecedent(found, person, named, official))
        return sorted([*named, *meant], key=lambda found: found.start)

    @cached_property
    def _followers(self) -> list[Found]:
        """The sentences such as "Then she went to the garden", filler's own included."""
        starts = (at for word in CONNECTIVES for at in self.passages.occurrences(word))
        sentences = (self.passages.around(at) for at in sorted(starts) if _FOLLOWS.match(self.passages.text, at))
        return [found for found in _facts(sentences) if isinstance(found.fact, At)]

    @cached_property
    def _named(self) -> list[Found]:
        """Every sentence in which someone with a name moves, filler's own included."""
        starts = {at for verb in MOVING for at in self.passages.occurrences(verb)}
        sentences = {s.start: s for s in map(self.passages.around, sorted(starts))}
        return [found for found in _facts(sentences.values()) if _actors(found.fact) and not _pronoun(found.fact)]

    def _antecedent(self, follower: Found, person: str, named: list[Found], official: bool) -> bool:
        """Whether the pronoun of `follower` means (or includes) `person`: the last fact before it that fits decides."""
        pronoun = _pronoun(follower.fact)
        if not any(found.start < follower.start and _fits(found.fact, pronoun) for found in named):
            return False
        if not self._in_story(follower.fact, official):
            return False
        before = bisect_left(self._named, follower.start, key=lambda found: found.start)
        for found in reversed(self._named[:before]):
            if _fits(found.fact, pronoun) and self._in_story(found.fact, official):
                return person in _actors(found.fact)
        return False

    def _in_story(self, fact: Fact, official: bool) -> bool:
        """Whether all places of a fact are places of the story rather than of the filler."""
        if official:
            return _places(fact) <= OFFICIAL
        return all(self._only_in_facts(place) for place in _places(fact))

    def _only_in_facts(self, place: str) -> bool:
        """Whether `place` is named nowhere but in facts: filler may hold "window", but not only where people go."""
        if place not in self._of_story:
            sentences = map(self.passages.around, self.passages.occurrences(place))
            self._of_story[place] = place in OFFICIAL or all(_first(sentence) is not None for sentence in sentences)
        return self._of_story[place]


@lru_cache(maxsize=4096)
def _parse(text: str) -> Fact | None:
    return next((fact for opening in openings(text) if (fact := parse(opening))), None)


def _first(sentence: Sentence) -> Fact | None:
    return _parse(sentence.text.rstrip(".!?…"))


def _facts(sentences: Iterable[Sentence]) -> Iterator[Found]:
    for sentence in sentences:
        if fact := _first(sentence):
            yield Found(sentence.start, fact)


def _actors(fact: Fact) -> tuple[str, ...]:
    return fact.who if isinstance(fact, At | Away) else ()


def _places(fact: Fact) -> frozenset[str]:
    if isinstance(fact, Away):
        return frozenset((fact.place,))
    return frozenset(fact.places) if isinstance(fact, At) else frozenset()


def _moves(fact: Fact, person: str) -> bool:
    return person in _actors(fact)


def _pronoun(fact: Fact) -> str:
    actors = _actors(fact)
    return actors[0] if actors and actors[0] in PRONOUNS else ""


def _fits(fact: Fact, pronoun: str) -> bool:
    """Whether the actors of a fact can be what the pronoun stands for."""
    actors = _actors(fact)
    if pronoun == "they":
        return len(actors) > 1
    return len(actors) == 1 and _GENDER.get(actors[0], pronoun) == pronoun
