"""Needles: values hidden under keys. RULER's eight kinds, the pass key, and Greg Kamradt's first test.

    fact      One of the special magic numbers for Alaric's bagel is: 4128093.       a needle; more keys, more needles
    question  What is the special magic number for Alaric's bagel mentioned in the provided text?

What RULER takes for a haystack (a repeated line, essays) is the background here. Its haystack of other needles is
the knob `needles`, a number of facts: they do not grow with the text, so that all lengths tell the same story.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from .asking import CANDIDATES, WordTask, asked, between, candidates, numbers, one_of, take
from .babi.cast import FRESH
from .babi.dice import Dice
from .episode import Episode
from .registry import task
from .words import PASSKEY, cities, owned, places

KEYS = ("words", "uuids")
VALUES = ("numbers", "words", "uuids")
_FOODS = ("sandwich", "pizza", "pudding", "dumpling", "salad")


@dataclass(frozen=True)
class _Needles(WordTask):
    """Needles: of all `needles` keys, `queries` are asked for, and every key has `values` of them.

    `key_type` and `value_type` say what keys and values are made of.
    """

    needles: int = 1
    queries: int = 1
    values: int = 1
    key_type: str = "words"
    value_type: str = "numbers"

    def check(self) -> None:
        """There are as many keys as are asked for, and values for all of them."""
        one_of("key_type", self.key_type, KEYS)
        one_of("value_type", self.value_type, VALUES)
        between("queries", self.queries, 1, CANDIDATES)
        between("values", self.values, 1, CANDIDATES // self.queries)
        most = len(owned(self.half)) if self.key_type == "words" else 10_000
        if self.value_type == "words":
            most = len(_value_words(self.half)) // self.values
        between("needles", self.needles, self.queries, most)

    @property
    def odds(self) -> tuple[int, int]:
        """Ten candidates, among them the values of every key that is asked for."""
        return CANDIDATES, self.queries * self.values

    def tell(self, dice: Dice) -> Episode:
        """Needles in random order; the candidates are other needles' values first, then made up."""
        keys = self._keys(dice)
        values = self._values(dice, self.needles * self.values + CANDIDATES)
        pairs = zip((key for key in keys for _ in range(self.values)), values, strict=False)
        told = dice.shuffled(list(pairs))
        queried = keys[: self.queries]
        supporting = [i for i, (key, _) in enumerate(told) if key in queried]
        right = [told[i][1] for i in supporting]
        others = dice.shuffled([value for key, value in told if key not in queried])[:CANDIDATES]
        facts = tuple(f"One of the special magic {self.value_type} for {key} is: {value}." for key, value in told)
        choices = candidates(dice, right, [*others, *values[len(told) :]])
        return Episode(facts, (asked(self._question(queried), right, choices, supporting),))

    def _keys(self, dice: Dice) -> tuple[str, ...]:
        if self.key_type == "uuids":
            return take(self.needles, lambda: _uuid(dice))
        return dice.sample(owned(self.half), self.needles)

    def _values(self, dice: Dice, count: int) -> tuple[str, ...]:
        """`count` different values; of words, as many as there are."""
        if self.value_type == "words":
            words = _value_words(self.half)
            return dice.sample(words, min(count, len(words)))
        return numbers(dice, 7, count) if self.value_type == "numbers" else take(count, lambda: _uuid(dice))

    def _question(self, queried: tuple[str, ...]) -> str:
        kind = self.value_type.removesuffix("s")
        what = f"are all {self.odds[1]} special magic {kind}s" if self.odds[1] > 1 else f"is the special magic {kind}"
        keys = queried[0] if len(queried) == 1 else f"{', '.join(queried[:-1])}, and {queried[-1]}"
        return f"What {what} for {keys} mentioned in the provided text?"


@task("niah_single_1")
@dataclass(frozen=True)
class NiahSingle1(_Needles):
    """One needle: a number under a word (RULER asks it in `--background noise`)."""


@task("niah_single_2")
@dataclass(frozen=True)
class NiahSingle2(_Needles):
    """One needle: a number under a word, in prose or books."""


@task("niah_single_3")
@dataclass(frozen=True)
class NiahSingle3(_Needles):
    """One needle: a UUID under a word."""

    value_type: str = "uuids"


@task("niah_multikey_1")
@dataclass(frozen=True)
class NiahMultikey1(_Needles):
    """Four needles, one of them asked for."""

    needles: int = 4


@task("niah_multikey_2")
@dataclass(frozen=True)
class NiahMultikey2(_Needles):
    """A haystack of needles: a hundred of them, one asked for."""

    needles: int = 100


@task("niah_multikey_3")
@dataclass(frozen=True)
class NiahMultikey3(_Needles):
    """A haystack of needles whose keys and values are UUIDs."""

    needles: int = 40
    key_type: str = "uuids"
    value_type: str = "uuids"


@task("niah_multivalue")
@dataclass(frozen=True)
class NiahMultivalue(_Needles):
    """Four values under one key, all of them asked for."""

    values: int = 4


@task("niah_multiquery")
@dataclass(frozen=True)
class NiahMultiquery(_Needles):
    """Four keys, all of them asked for at once."""

    needles: int = 4
    queries: int = 4


def _value_words(half: str) -> tuple[str, ...]:
    return places(half) + FRESH[half]["animals"]


@dataclass(frozen=True)
class _One(WordTask):
    """What the tests have in common that hide one sentence."""

    @property
    def odds(self) -> tuple[int, int]:
        """Ten candidates, made up but for one."""
        return CANDIDATES, 1

    def tell(self, dice: Dice) -> Episode:
        """One fact about one value."""
        values = self.some(dice)
        fact, question = self.say(dice, values[0])
        return Episode((fact,), (asked(question, values[:1], dice.shuffled(values), (0,)),))

    @abstractmethod
    def some(self, dice: Dice) -> tuple[str, ...]:
        """Ten different values."""

    @abstractmethod
    def say(self, dice: Dice, value: str) -> tuple[str, str]:
        """The fact and the question."""


@task("passkey")
@dataclass(frozen=True)
class Passkey(_One):
    """The pass key of Mohtashami and Jaggi: five digits, said twice."""

    def some(self, dice: Dice) -> tuple[str, ...]:
        """Five digits each."""
        return numbers(dice, 5, CANDIDATES)

    def say(self, dice: Dice, value: str) -> tuple[str, str]:
        """`The passkey is 71432; remember it, 71432 is the passkey.`"""
        return f"The {PASSKEY} is {value}; remember it, {value} is the {PASSKEY}.", f"What is the {PASSKEY}?"


@task("needle")
@dataclass(frozen=True)
class KamradtNeedle(_One):
    """Greg Kamradt's needle: the best thing to do in a city; city and thing vary, lest a model knows them."""

    def some(self, dice: Dice) -> tuple[str, ...]:
        """Something to eat and a place to sit."""
        foods = dice.sample(_FOODS, len(_FOODS)) * 2
        seats = dice.sample(places(self.half), CANDIDATES)
        return tuple(f"eat a {food} and sit in the {place}" for food, place in zip(foods, seats, strict=True))

    def say(self, dice: Dice, value: str) -> tuple[str, str]:
        """`The best thing to do in Zanzibar is eat a pizza and sit in the sauna on a sunny day.`"""
        best = f"the best thing to do in {dice.pick(cities(self.half))}"
        return f"{best[0].upper()}{best[1:]} is {value} on a sunny day.", f"What is {best}?"


def _uuid(dice: Dice) -> str:
    """A random UUID in its usual form (version 4): 3f2b8c1e-90ab-4d12-8f00-3e5a7c9b1d24."""
    digits = "".join("0123456789abcdef"[dice.below(16)] for _ in range(30))
    variant = "89ab"[dice.below(4)]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-{variant}{digits[15:18]}-{digits[18:30]}"
