"""Facts in other languages, as data: `data/de.json` has the people, places and sentences of qa1 and detect in German.

Adding a language is adding such a file: names of people, places (each with the way a sentence says "to the"), sentences
about moving, and questions. English is the language of the code itself, and has no file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..base.errors import UserError, did_you_mean

ENGLISH = "en"
_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Language:
    """Words and sentences of one language. `goals` maps a place to "to the place"; `forms` are irregular plurals."""

    unknown: str
    people: tuple[str, ...]
    goals: dict[str, str]
    forms: tuple[str, ...]
    moved: tuple[str, ...]
    where: tuple[str, ...]

    @property
    def places(self) -> tuple[str, ...]:
        """The places, as answers name them."""
        return tuple(self.goals)

    @property
    def lexicon(self) -> frozenset[str]:
        """Every word that a story can draw, in lower case."""
        return frozenset(word.lower() for word in (*self.people, *self.places, *self.forms))

    def move(self, frame: str, actor: str, place: str) -> str:
        """The sentence that a frame of `moved` makes."""
        return frame.format(actor=actor, goal=self.goals[place])


def language_names() -> list[str]:
    """Every language there is, English first."""
    return [ENGLISH, *sorted(path.stem for path in _DATA.glob("*.json"))]


def check_language(name: str) -> None:
    """Raise `UserError` for an unknown language."""
    if name not in language_names():
        close = did_you_mean(name, language_names())
        raise UserError(f"unknown language {name!r}{close} (there is: {', '.join(language_names())})")


def unless_english(knobs: dict[str, object]) -> dict[str, object]:
    """The knobs of a task without its language where that is English: samples keep the identity they had without it."""
    return {knob: value for knob, value in knobs.items() if (knob, value) != ("language", ENGLISH)}


@cache
def load_language(name: str) -> Language:
    """The language called `name`, other than English."""
    data = json.loads((_DATA / f"{name}.json").read_text(encoding="utf-8"))
    rows = {key: tuple(data[key]) for key in ("people", "forms", "moved", "where")}
    return Language(unknown=data["unknown"], goals=data["places"], **rows)
