"""Sentences like the facts of a story, about others: what makes a reader mind who is meant. Knows no filler.

fact          Mary went to the garden.        The box of chocolates fits inside the suitcase.
frame         {people} went to the {places}.  The {containers} fits inside the {containers}.
distractor    Walter went to the cellar.      The pouch fits inside the trunk.

Every name, place and thing of a fact is replaced by one that no task has, so no distractor bears on any answer. In a
story with pronouns no other person does anything, lest "he" be one of them: there, vehicles take their place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .babi import cast
from .lexicon import PEOPLE, collisions

#: What distractors are about, by role. None of these words is in the lexicon of any task, in no form.
OTHERS: Mapping[str, tuple[str, ...]] = {
    role: tuple(words.split())
    for role, words in {
        "people": "Walter Norbert Percival Gideon Humphrey Leopold Rupert Silas Conrad Dominic Harriet Marguerite "
        "Rosamund Sylvia Martha Verity Drusilla Nadia Pauline Wilhelmina",
        "places": "cellar stable chapel dairy pantry terrace library tavern lodge courtyard cottage veranda workshop "
        "parlour barn granary balcony loft",
        "objects": "kettle lantern blanket hammer mirror pillow cushion candle parcel rope shovel trumpet telescope "
        "compass walnut spoon",
        "animals": "heron rabbit turtle pelican leopard dolphin parrot vulture squirrel hedgehog sparrow tiger",
        "plurals": "herons rabbits turtles pelicans leopards dolphins parrots vultures squirrels hedgehogs sparrows "
        "tigers",
        "colors": "purple silver brown black scarlet golden",
        "shapes": "crescent star heart cross spiral diamond",
        "containers": "trunk basket pouch sack tub wallet cabinet pitcher carton pail",
        "moods": "cheerful gloomy nervous proud calm merry",
        "vehicles": "tractor wagon lorry tram sledge rickshaw caravan bulldozer",
    }.items()
}
_WORD = re.compile(r"box of chocolates|[^\W\d_]+|\d+", re.IGNORECASE)
#: Words that point back to someone told of before.
PRONOUN = re.compile(r"\b(?:he|she|they|him|her|them|his|their)\b", re.IGNORECASE)
_CASTS = (
    cast.HOUSE_WITH_OBJECTS, cast.GIVERS, cast.TOWN, cast.FEARFUL, cast.COLORFUL, cast.CONTAINERS, cast.MOVED,
    *cast.FRESH.values(),
)  # fmt: skip


def _roles() -> dict[str, str]:
    """The role of every word of the tasks, in lower case."""
    roles = {"box of chocolates": "containers", "chocolates": "containers", "pajamas": "objects"}
    for words in _CASTS:
        for role in words.keys() & OTHERS.keys() - {"shapes"}:
            roles |= {word.lower(): role for word in words[role]}
        roles |= {cast.plural(animal): "plurals" for animal in words.get("animals", ())}
    for shapes in (cast.SHAPES, *cast.FRESH.values()):
        for *color, shape in map(str.split, shapes["shapes"]):
            roles |= {shape: "shapes", **dict.fromkeys(color, "colors")}
    return roles | dict.fromkeys(("bored", "hungry", "thirsty", "tired"), "moods") | {"sheep": "animals"}


_ROLES = _roles()


@dataclass(frozen=True)
class Frame:
    """A fact without its names: `parts` has one more piece of text than there are `roles`, which stand between."""

    parts: tuple[str, ...]
    roles: tuple[str, ...]


class Distractors:
    """Makes distractors for one story: like its facts, about none of `lexicon`. `frames` is empty where none can be."""

    def __init__(self, facts: Sequence[str], lexicon: frozenset[str]):
        told_back = any(PRONOUN.search(fact) for fact in facts)
        frames = (_frame(fact, lexicon, told_back) for fact in facts if not PRONOUN.search(fact))
        self.frames = [frame for frame in frames if frame.roles and not collisions(" _ ".join(frame.parts), lexicon)]
        self._numbers = frozenset(number for fact in facts for number in re.findall(r"\d+", fact))
        self._words = {role: [w for w in words if not collisions(w, lexicon)] for role, words in OTHERS.items()}

    def draw(self, rng: np.random.Generator) -> Iterator[str]:
        """Distractors without end; the first ones are the same, however many are asked for."""
        while True:
            frame = self.frames[int(rng.integers(len(self.frames)))]
            words: list[str] = []
            for role in frame.roles:
                words.append(self._word(role, words, rng))
            yield _written(frame, words)

    def _word(self, role: str, taken: Sequence[str], rng: np.random.Generator) -> str:
        if role.isdigit():
            return self._number(int(role), rng)
        free = [word for word in self._words[role] if word not in taken] or OTHERS[role]
        return free[int(rng.integers(len(free)))]

    def _number(self, digits: int, rng: np.random.Generator) -> str:
        """So many digits that are not a number of the story, unless its numbers are very short."""
        drawn = _digits(digits, rng)
        while digits > 2 and drawn in self._numbers:
            drawn = _digits(digits, rng)
        return drawn


def _digits(count: int, rng: np.random.Generator) -> str:
    return "".join(str(digit) for digit in rng.integers(10, size=count))


def _frame(fact: str, lexicon: frozenset[str], without_people: bool) -> Frame:
    """A fact with its names, and the digits of its numbers, taken out."""
    parts, roles, end = [""], [], 0
    for match in _WORD.finditer(fact):
        if (role := _role(match[0], lexicon)) is None:
            continue
        between = fact[end : match.start()]
        end = match.end()
        if without_people and role == "people":
            if between == " and " and roles[-1:] == ["vehicles"]:
                continue  # two people become one vehicle: "they" is not one
            role, between = "vehicles", f"{between}the "
        parts[-1] += between
        parts.append("")
        roles.append(role)
    parts[-1] += fact[end:]
    return Frame(tuple(parts), tuple(roles))


def _role(word: str, lexicon: frozenset[str]) -> str | None:
    """What a word of a fact stands for; `None` where it is no name. Numbers are as many digits as they have."""
    if word.isdigit():
        return str(len(word))
    folded = word.lower()
    if not all(part in lexicon for part in folded.replace(" of ", " ").split()):
        return None
    return _ROLES.get(folded) or ("people" if word in PEOPLE or word[0].isupper() else "objects")


def _written(frame: Frame, words: Sequence[str]) -> str:
    text = frame.parts[0]
    for word, after in zip(words, frame.parts[1:], strict=True):
        text = re.sub(r"\b([Aa])n $", r"\1 ", text) + word + after
    return text[0].upper() + text[1:]
