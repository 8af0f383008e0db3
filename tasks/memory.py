"""The three tasks of the RMT report (arXiv 2304.11062, section 4): memorize, detect, reasoning.

Each is a question with six possible answers, the places of bAbI. Where the facts lie in the text is not decided
here; a task only says where they belong (`placement`).

    memorize    FACT filler filler filler filler filler filler QUESTION
    detect      filler filler filler FACT filler filler filler QUESTION
    reasoning   filler FACT filler filler filler FACT filler   QUESTION
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..base.errors import UserError
from .episode import Episode, Question, Task
from .languages import ENGLISH, check_language, load_language, unless_english
from .lexicon import PEOPLE, PLACES
from .registry import task

MOVES = ("moved", "went", "went back", "journeyed", "travelled")
_OPPOSITE = {"north": "south", "south": "north", "east": "west", "west": "east"}


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


@task("memorize")
@dataclass(frozen=True)
class Memorize(Task):
    """One fact at the very start, the question at the end: who is where?"""

    labels: ClassVar[tuple[str, ...]] = PLACES
    placement: ClassVar[str] = "start"

    @property
    def lexicon(self) -> frozenset[str]:
        """The four people and six places."""
        return frozenset(word.lower() for word in PEOPLE + PLACES)

    def episode(self, rng: np.random.Generator) -> Episode:
        """`Mary went back to the garden.` and `Where is Mary?`"""
        person, place = _pick(rng, PEOPLE), _pick(rng, PLACES)
        fact = f"{person} {_pick(rng, MOVES)} to the {place}."
        return Episode((fact,), (Question(f"Where is {person}?", place, PLACES, (0,)),))


@task("detect")
@dataclass(frozen=True)
class Detect(Memorize):
    """One fact anywhere in the text, the question at the end: who is where?

    `language` is that of the fact and the question: `de` for German (see languages.py).
    """

    language: str = ENGLISH

    placement: ClassVar[str] = "uniform"

    def __post_init__(self) -> None:
        check_language(self.language)

    @property
    def labels(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The six places."""
        return PLACES if self.language == ENGLISH else load_language(self.language).places

    @property
    def lexicon(self) -> frozenset[str]:
        """The four people and six places."""
        return super().lexicon if self.language == ENGLISH else load_language(self.language).lexicon

    def knobs(self) -> dict[str, object]:
        """The language, unless it is English."""
        return unless_english(super().knobs())

    def episode(self, rng: np.random.Generator) -> Episode:
        """`Maria ging zurück in den Garten.` and `Wo ist Maria?`"""
        if self.language == ENGLISH:
            return super().episode(rng)
        words = load_language(self.language)
        person, place = _pick(rng, words.people), _pick(rng, words.places)
        fact = words.move(_pick(rng, words.moved), person, place)
        question = _pick(rng, words.where).format(actor=person)
        return Episode((fact,), (Question(question, place, words.places, (0,)),))


@task("reasoning")
@dataclass(frozen=True)
class Reasoning(Task):
    """Two facts anywhere, three places in a line; the question asks for a neighbour of the middle one.

    The two-argument relations of bAbI task 4. Both facts name the place that is asked about, so a reader must keep
    both: only the question's direction tells which of them holds the answer (that one is `supporting`, as in the
    official files), and it may have to be turned round (north of / south of) in the fact, the question, or both.

    A training may begin with an easier `level`. At 2 the question is in the very words of its fact, so that nothing has
    to be turned round; at 1 it is, besides, always the fact's first place that is asked for. 3 is the task itself.
    """

    level: int = 3

    labels: ClassVar[tuple[str, ...]] = PLACES

    def __post_init__(self) -> None:
        if self.level not in (1, 2, 3):
            raise UserError(f"level is 1, 2 or 3, not {self.level!r}")

    @property
    def lexicon(self) -> frozenset[str]:
        """The six places."""
        return frozenset(PLACES)

    def knobs(self) -> dict[str, object]:
        """The level where it is an easier one: samples keep the identity they had without it."""
        return {knob: value for knob, value in super().knobs().items() if value != 3}

    def episode(self, rng: np.random.Generator) -> Episode:
        """`The hallway is east of the bathroom.`, `The bedroom is west of the bathroom.`; east of what is it?"""
        first, middle, last = (PLACES[i] for i in rng.permutation(len(PLACES))[:3])
        towards_first = _pick(rng, tuple(_OPPOSITE))
        turned = [bool(rng.integers(2)), bool(rng.integers(2))]
        asked, names_middle_first = int(rng.integers(2)), not rng.integers(2)
        if self.level == 1:
            turned[asked] = False
        if self.level < 3:
            names_middle_first = turned[asked]
        facts = [
            _relation(first, towards_first, middle, turned[0]),
            _relation(last, _OPPOSITE[towards_first], middle, turned[1]),
        ]
        answer, direction = [(first, towards_first), (last, _OPPOSITE[towards_first])][asked]
        if names_middle_first:
            question = f"What is the {middle} {_OPPOSITE[direction]} of?"
        else:
            question = f"What is {direction} of the {middle}?"
        if rng.integers(2):
            facts.reverse()
            asked = 1 - asked
        return Episode(tuple(facts), (Question(question, answer, PLACES, (asked,)),))


def _relation(place: str, direction: str, landmark: str, turned: bool) -> str:
    if turned:
        place, direction, landmark = landmark, _OPPOSITE[direction], place
    return f"The {place} is {direction} of the {landmark}."
