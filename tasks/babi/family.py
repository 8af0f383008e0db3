"""What the twenty tasks share: their knobs, and the way from a story to an episode. Knows no particular story.

story     told:  move(Mary, garden), move(John, office)     what happened, by meaning
          asked: where is actor(Mary) -> garden, from fact 0
episode   "Mary went to the garden."  ...  "Where is Mary?"   the same in words
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from ...base.errors import UserError, did_you_mean
from ..episode import Episode, Question, Task
from .cast import FRESH, Cast, draw, plural
from .dice import Dice
from .language import FACTS, PARAPHRASED_FACTS, PARAPHRASED_QUESTIONS, QUESTIONS, fill

UNKNOWN = "unknown"
_LEXICONS = ("official", "fresh")
#: Short stories seldom hold what a question needs. So many stories, of so many facts together, are told before the
#: number of facts, and of open questions, is drawn anew; and so often they are, before the call is called impossible.
_TRIES, _TOLD, _DRAWS = 1_500, 20_000, 10


@dataclass(frozen=True, slots=True)
class Told:
    """A fact by meaning: a key of `language.FACTS`, and what fills its slots."""

    meaning: str
    slots: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that could be asked: a key of `language.QUESTIONS`, its slots, its answer and what that follows from.

    `weight` is how likely the official files are to ask it, in proportion; at 0 it is asked only where several
    questions are wanted and nothing better is left.
    """

    meaning: str
    slots: Mapping[str, str]
    answer: str
    supporting: tuple[int, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Story:
    """What was told, the questions that it answers, and questions of the same kind that it leaves open."""

    told: Sequence[Told]
    asked: Sequence[Asked]
    open: Sequence[Asked] = ()


@dataclass(frozen=True)
class BabiTask(Task):
    """A bAbI task: a subclass tells its stories, this class words them.

    `facts` is the number of facts (0: as many as the official files have before a question, drawn anew for each
    story, and again where so short a story does not hold so many questions). `questions` are asked after all the
    facts. `words` is the knob `lexicon`: the official words, or `fresh` ones, of which each story draws its own (`half`
    says from which half: `of_split` sets it). `paraphrase` words facts and questions with little overlap.
    `unanswerable` is the share of questions that the story leaves open; their answer is "unknown", which is then among
    the choices.
    """

    facts: int = 0
    questions: int = 1
    words: str = field(default="official", metadata={"knob": "lexicon"})
    paraphrase: bool = False
    unanswerable: float = 0.0
    half: str = "test"

    #: The official words by role.
    cast: ClassVar[Cast] = {}
    #: Roles whose words are answers; `fixed_answers` are answers that no lexicon changes.
    answer_roles: ClassVar[tuple[str, ...]] = ()
    fixed_answers: ClassVar[tuple[str, ...]] = ()
    #: The fewest facts a story can have, the step to the next number it can have, and the most (0: no limit).
    least_facts: ClassVar[int] = 1
    step_facts: ClassVar[int] = 1
    most_facts: ClassVar[int] = 0
    #: How many facts fewer it has at most where questions are left open.
    untold_facts: ClassVar[int] = 0
    #: The most questions that a story has (0: no limit but what its facts answer).
    most_questions: ClassVar[int] = 0
    #: Numbers of facts before a question in the official files; or, where they vary widely, quantiles of those numbers.
    official_facts: ClassVar[tuple[int, ...]] = ()
    official_quantiles: ClassVar[tuple[int, ...]] = ()
    #: How likely a question is about the last fact, the one before it, and so on, in proportion.
    window: ClassVar[tuple[float, ...]] = (1.0, 1.0, 1.0, 1.0, 1.0)
    #: Where several facts seldom qualify: how likely a story is kept whose question is about the last fact, and so on.
    kept: ClassVar[tuple[float, ...]] = ()

    def __post_init__(self) -> None:
        self._check_facts()
        if self.questions < 1 or self.questions > (self.most_questions or self.questions):
            can = "just 1" if self.most_questions == 1 else "1 or more"
            raise UserError(f"questions={self.questions}: a story of this task has {can} to ask")
        if self.words not in _LEXICONS:
            close = did_you_mean(self.words, _LEXICONS)
            raise UserError(f"unknown lexicon {self.words!r}{close} (there is: {', '.join(_LEXICONS)})")
        if not 0 <= self.unanswerable <= 1:
            raise UserError(f"unanswerable={self.unanswerable}: it is a share of the questions, from 0 to 1")
        if self.half not in FRESH:
            raise UserError(f"half={self.half!r}: fresh words are split into {' and '.join(FRESH)}")

    def _check_facts(self) -> None:
        least, step, most = self.least_facts, self.step_facts, self._most
        if self.facts and not (least <= self.facts <= (most or self.facts) and (self.facts - least) % step == 0):
            can = f"{least} to {most}" if most else f"{least} or more"
            steps = f" in steps of {step}" if step > 1 else ""
            open_ = " where questions are left open" if self.unanswerable else ""
            raise UserError(f"facts={self.facts}: a story of this task has {can}{steps}{open_} (0: as official)")

    @property
    def _most(self) -> int:
        return self.most_facts - (self.untold_facts if self.unanswerable else 0)

    @abstractmethod
    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """Tell a story of that many facts. It leaves up to `leave_open` questions open, beside those it answers.

        Stories are then told alike whichever is asked: nothing but the question tells an open one from another.
        """

    def of_split(self, split: str) -> Task:
        """With fresh words: the same task, drawing from the half for `test` or for `train`."""
        return replace(self, half=split) if self.words == "fresh" else self

    @property
    def labels(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """All answers there can be, and `unknown` where a question can be left open."""
        return self._choices(self.cast if self.words == "official" else FRESH[self.half])

    @property
    def lexicon(self) -> frozenset[str]:
        """Every word that a story can draw, lower case; animals in singular and plural."""
        source = self.cast if self.words == "official" else FRESH[self.half]
        names = {name for role in self.cast for name in source[role]}
        names |= {plural(name) for name in (source["animals"] if "animals" in self.cast else ())}
        return frozenset(word.lower() for name in names for word in name.split()) - {"of"}

    @property
    def chance(self) -> float:
        """The accuracy of a uniform guess among a question's choices (fresh words: a story's own, not all)."""
        return 1 / len(self._choices(self.cast))

    def episode(self, rng: np.random.Generator) -> Episode:
        """Draw one episode. Raises `UserError` where so many questions cannot be asked of so few facts."""
        dice = Dice(rng)
        cast = draw(dice, self.cast, self.half) if self.words == "fresh" else self.cast
        for _ in range(_DRAWS):
            unknown = [dice.happens(self.unanswerable) for _ in range(self.questions)]
            facts = self.facts or min(self._official_facts(dice), self._most or sys.maxsize)
            if episode := self._of_length(dice, cast, facts, unknown):
                return episode
        told = f"of {self.facts} facts" if self.facts else "as long as the official ones"
        raise UserError(
            f"hardly any story {told} has {self.questions} such questions to ask: "
            "ask fewer questions, or tell more facts"
        )

    def _of_length(self, dice: Dice, cast: Cast, facts: int, unknown: list[bool]) -> Episode | None:
        """An episode of that many facts and those questions, open or not; `None` where hardly any can be told."""
        for _ in range(min(_TRIES, _TOLD // facts + 1)):
            story = self.story(dice, cast, facts, self.questions if self.unanswerable else 0)
            asked = _choose(dice, story.asked, unknown.count(False))
            opened = _choose(dice, story.open, unknown.count(True))
            if asked is not None and opened is not None and self._keeps(dice, facts, asked):
                order = [opened.pop() if is_open else asked.pop() for is_open in unknown]
                return self._worded(dice, story, order, self._choices(cast))
        return None

    def _keeps(self, dice: Dice, facts: int, asked: Sequence[Asked]) -> bool:
        if not self.kept or not asked:
            return True
        return dice.happens(self.kept[min(facts - 1 - max(asked[0].supporting), len(self.kept) - 1)])

    def recency(self, facts: int, fact: int) -> float:
        """How likely the official files ask about a fact, in proportion, when `facts` are told."""
        back = facts - 1 - fact
        return self.window[back] if back < len(self.window) else 0.0

    def _choices(self, cast: Cast) -> tuple[str, ...]:
        own = tuple(word for role in self.answer_roles for word in cast[role])
        return (*own, *self.fixed_answers, *((UNKNOWN,) if self.unanswerable else ()))

    def _official_facts(self, dice: Dice) -> int:
        if self.official_quantiles:
            return _between(dice, self.official_quantiles)
        return dice.pick(self.official_facts)

    def _worded(self, dice: Dice, story: Story, asked: Sequence[Asked], choices: tuple[str, ...]) -> Episode:
        facts, questions = (PARAPHRASED_FACTS, PARAPHRASED_QUESTIONS) if self.paraphrase else (FACTS, QUESTIONS)
        told = tuple(fill(dice.pick(facts[fact.meaning]), fact.slots) for fact in story.told)
        worded = (
            Question(fill(dice.pick(questions[a.meaning]), a.slots), a.answer, choices, a.supporting) for a in asked
        )
        return Episode(told, tuple(worded))


def _between(dice: Dice, quantiles: Sequence[int]) -> int:
    """An even number drawn from evenly spaced quantiles; the first is the least, the last the greatest."""
    at = dice.random() * (len(quantiles) - 1)
    low, high = quantiles[int(at)], quantiles[int(at) + 1]
    return max(quantiles[0], 2 * round((low + (high - low) * (at % 1)) / 2))


def _choose(dice: Dice, asked: Sequence[Asked], count: int) -> list[Asked] | None:
    """`count` different questions, the likely ones first; `None` where there are not so many, or none is likely."""
    left, chosen = list(asked), []
    for _ in range(count):
        if not left or not (chosen or any(option.weight for option in left)):
            return None
        weights = [option.weight for option in left]
        chosen.append(dice.weighted(left, weights if any(weights) else [1.0] * len(left)))
        left.remove(chosen[-1])
    return chosen
