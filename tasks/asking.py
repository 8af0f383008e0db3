"""What the tasks beyond bAbI share: choices or free text, words of a half, chance, knobs that are checked. No stories.

mode choice      choices: 4711, 8082, 1234 ...     a model that ranks labels can be asked; chance is 1 in so many
mode generate    choices: none                     a model that writes is asked; chance is 0

A question that wants several answers says how many ("Which 3 words ..."), so that a guess can be a list, too.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import comb

import numpy as np

from ..base.errors import UserError, did_you_mean
from .babi.dice import Dice
from .episode import Episode, Question, Task
from .words import HALVES, lexicon

MODES = ("choice", "generate")
#: How many candidates a question has whose answer is made up (a number, say).
CANDIDATES = 10


@dataclass(frozen=True)
class WordTask(Task):
    """A task told in the words of words.py.

    `mode` `generate` leaves the choices out, so that the answer is free text. `half` says which half of the words is
    drawn from (`of_split` sets it).
    """

    mode: str = "choice"
    half: str = "test"

    def __post_init__(self) -> None:
        one_of("mode", self.mode, MODES)
        one_of("half", self.half, HALVES)
        self.check()

    def check(self) -> None:
        """Raise `UserError` where a knob has a value that it cannot have."""

    @property
    @abstractmethod
    def odds(self) -> tuple[int, int]:
        """How many choices a question has, and how many of them are the answer."""

    @abstractmethod
    def tell(self, dice: Dice) -> Episode:
        """Draw one episode, in the mode `choice`."""

    def of_split(self, split: str) -> Task:
        """The same task, drawing from the words for `test` or for `train`."""
        return replace(self, half=split)

    @property
    def lexicon(self) -> frozenset[str]:
        """All the words of the half: one lexicon for all these tasks, so that they share their filler's index."""
        return lexicon(self.half)

    @property
    def chance(self) -> float:
        """A uniform guess among all answers of the right size; 0 where the answer is free text."""
        return 1 / comb(*self.odds) if self.mode == "choice" else 0.0

    def episode(self, rng: np.random.Generator) -> Episode:
        """Draw one episode; the mode changes its choices and nothing else."""
        told = self.tell(Dice(rng))
        if self.mode == "choice":
            return told
        return replace(told, questions=tuple(replace(question, choices=()) for question in told.questions))


def one_of(knob: str, value: str, known: Sequence[str]) -> None:
    """Raise `UserError` where a knob's word is not a known one."""
    if value not in known:
        close = did_you_mean(value, known)
        raise UserError(f"{knob}={value!r}{close} (there is: {', '.join(known)})")


def between(knob: str, value: float, least: float, most: float = float("inf")) -> None:
    """Raise `UserError` where a knob's number is out of bounds."""
    if not least <= value <= most:
        bounds = f"{least:g} or more" if most == float("inf") else f"from {least:g} to {most:g}"
        raise UserError(f"{knob}={value:g}: it is {bounds}")


def candidates(dice: Dice, right: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """The right answers and the first of `others`, ten together, in random order."""
    return dice.shuffled((*right, *others[: CANDIDATES - len(right)]))


def numbers(dice: Dice, digits: int, count: int) -> tuple[str, ...]:
    """`count` different numbers of so many digits."""
    return take(count, lambda: str(10 ** (digits - 1) + dice.below(9 * 10 ** (digits - 1))))


def take(count: int, draw: Callable[[], str]) -> tuple[str, ...]:
    """The first `count` different things that `draw` gives."""
    taken: dict[str, None] = {}
    while len(taken) < count:
        taken[draw()] = None
    return tuple(taken)


def asked(text: str, answers: Sequence[str], choices: Sequence[str], supporting: Sequence[int]) -> Question:
    """A question whose answer is one of its choices, or a list of them."""
    return Question(text, ",".join(answers), tuple(choices), tuple(supporting))
