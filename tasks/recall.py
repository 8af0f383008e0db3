"""Recall, as the literature of recurrent models asks it: pairs of a key and a value, in words.

    remember   Alaric Grimsby carries the bagel.   ...   What does Alaric Grimsby carry?          bagel
    rewrite    Kezia Ogilvie now carries the thermos.  ...  now carries the banjo.  ...           banjo (the last)
    induction  Yusuf then drew the bagel.  ...  Yusuf then drew the thermos.  ...  What did he draw after the bagel?
    copy       Yusuf noted down the bagel.  ...  Yusuf noted down the jigsaw.  ...  What was thing number 2?

Remember and rewrite are those of ARMT (associative retrieval), several questions about one text are zoology's
multi-query recall; `Keyed` is what all tasks have in common in which a key's last value is asked for. In token form
(`form=tokens`) nothing but key and value is told, as those papers do it:

    remember   Alaric bagel.   Kezia thermos.   ...   Kezia?                                      thermos
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..base.errors import UserError
from .asking import WordTask, asked, between, one_of
from .babi.dice import Dice
from .episode import Episode, Question
from .registry import task
from .words import names, people, things

UNKNOWN = "unknown"
#: A fact or question frame, and the same in words that the other does not share.
Wordings = tuple[tuple[str, ...], tuple[str, ...]]
FORMS = ("words", "tokens")
_TOKEN_FACT, _TOKEN_QUESTION = ("{key} {value}.",), ("{key}?",)


@dataclass(frozen=True)
class Keyed(WordTask):
    """Values are written under keys; a key's last value is asked for.

    `questions` different keys are asked about one text. `unanswerable` is the share of questions about a key that was
    never written: their answer is "unknown", which is then among the choices. `paraphrase` words facts and questions
    with little overlap. `form` `tokens` tells key and value alone.
    """

    questions: int = 1
    unanswerable: float = 0.0
    paraphrase: bool = False
    form: str = "words"

    fact_frames: ClassVar[Wordings]
    question_frames: ClassVar[Wordings]

    def check(self) -> None:
        """Shares are shares, no more is asked than was written, and there are as many keys."""
        between("unanswerable", self.unanswerable, 0, 1)
        between("questions", self.questions, 1, self.n_keys)
        one_of("form", self.form, FORMS)
        if self.form == "tokens":
            if self.paraphrase:
                raise UserError("paraphrase=true needs sentences: leave out form=tokens")
            if self.n_keys + self.questions > (most := len(names(self.half))):
                raise UserError(f"form=tokens has {most} keys, asked about or not; {self.n_keys} are too many")

    @property
    @abstractmethod
    def n_keys(self) -> int:
        """How many different keys are written."""

    @property
    @abstractmethod
    def values(self) -> tuple[str, ...]:
        """What can be written."""

    @abstractmethod
    def writes(self, dice: Dice, keys: Sequence[str]) -> list[tuple[str, str]]:
        """Keys and values in the order they are written; the first keys are the ones that are asked about."""

    def keys(self, dice: Dice) -> tuple[str, ...]:
        """The keys that are written, and as many that are not as could be asked about."""
        known = names if self.form == "tokens" else people
        return dice.sample(known(self.half), self.n_keys + self.questions)

    @property
    def labels(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """All values, and `unknown` where a question can be left open."""
        return (*self.values, *((UNKNOWN,) if self.unanswerable else ()))

    @property
    def odds(self) -> tuple[int, int]:
        """One of the labels."""
        return len(self.labels), 1

    def tell(self, dice: Dice) -> Episode:
        """All writes, then questions about the first keys."""
        keys = self.keys(dice)
        told = self.writes(dice, keys[: self.n_keys])
        facts = _TOKEN_FACT if self.form == "tokens" else self.fact_frames[self.paraphrase]
        worded = tuple(dice.pick(facts).format(key=key, value=value) for key, value in told)
        untold = iter(keys[self.n_keys :])
        questions = []
        for key in keys[: self.questions]:
            is_open = dice.happens(self.unanswerable)
            questions.append(self._question(dice, next(untold) if is_open else key, told))
        return Episode(worded, tuple(questions))

    def _question(self, dice: Dice, key: str, told: Sequence[tuple[str, str]]) -> Question:
        asking = _TOKEN_QUESTION if self.form == "tokens" else self.question_frames[self.paraphrase]
        text = dice.pick(asking).format(key=key)
        last = max((i for i, (written, _) in enumerate(told) if written == key), default=None)
        if last is None:
            return asked(text, (UNKNOWN,), self.labels, ())
        return asked(text, (told[last][1],), self.labels, (last,))


def written(dice: Dice, order: Sequence[str], values: Sequence[str]) -> list[tuple[str, str]]:
    """A value for every key in `order`; a key that comes again gets another one than it has."""
    holds: dict[str, str] = {}
    told = []
    for key in order:
        holds[key] = dice.pick([value for value in values if value != holds.get(key)])
        told.append((key, holds[key]))
    return told


@task("remember")
@dataclass(frozen=True)
class Remember(Keyed):
    """Associative recall: who carries what? `facts` pairs, any one asked for."""

    facts: int = 16

    fact_frames: ClassVar[Wordings] = (
        ("{key} carries the {value}.",),
        ("The {value} lies in the bag of {key}.", "In the pocket of {key} is the {value}."),
    )
    question_frames: ClassVar[Wordings] = (("What does {key} carry?",), ("Which item does {key} have on hand?",))

    def check(self) -> None:
        """There are as many people as pairs."""
        between("facts", self.facts, 1, 1024)
        super().check()

    @property
    def n_keys(self) -> int:
        """Every pair has a key of its own."""
        return self.facts

    @property
    def values(self) -> tuple[str, ...]:
        """Things."""
        return things(self.half)

    def writes(self, dice: Dice, keys: Sequence[str]) -> list[tuple[str, str]]:
        """Every key once, in random order."""
        return written(dice, dice.shuffled(keys), self.values)


@task("recall_multi")
@dataclass(frozen=True)
class MultiRecall(Remember):
    """Multi-query recall: several questions about the pairs of one text."""

    questions: int = 4


@task("rewrite")
@dataclass(frozen=True)
class Rewrite(Keyed):
    """Recall of what was rewritten: `people` and `facts` writes; the last value of a key counts."""

    facts: int = 16
    people: int = 4

    fact_frames: ClassVar[Wordings] = (
        ("{key} now carries the {value}.",),
        ("From here on the {value} lies in the bag of {key}.",),
    )
    question_frames: ClassVar[Wordings] = (("What does {key} carry now?",), ("Which item does {key} have on hand?",))

    def check(self) -> None:
        """Everyone is written at least once."""
        between("people", self.people, 1, 256)
        between("facts", self.facts, self.people, 4096)
        super().check()

    @property
    def n_keys(self) -> int:
        """The people."""
        return self.people

    @property
    def values(self) -> tuple[str, ...]:
        """Things."""
        return things(self.half)

    def writes(self, dice: Dice, keys: Sequence[str]) -> list[tuple[str, str]]:
        """Everyone once, and anyone again, in random order."""
        again = [dice.pick(keys) for _ in range(self.facts - len(keys))]
        return written(dice, dice.shuffled([*keys, *again]), self.values)


@dataclass(frozen=True)
class _Row(WordTask):
    """What the tasks have in common that tell a row of things; `facts` is how long it is."""

    facts: int = 16

    @property
    def labels(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """All things."""
        return things(self.half)

    @property
    def odds(self) -> tuple[int, int]:
        """One of the things."""
        return len(things(self.half)), 1


@task("induction")
@dataclass(frozen=True)
class Induction(_Row):
    """Induction: a row of things in which one comes once; what came right after it?"""

    def check(self) -> None:
        """The thing and the one after it."""
        between("facts", self.facts, 2, 1024)

    def tell(self, dice: Dice) -> Episode:
        """The cue is never the last in the row; all others may come again."""
        who = dice.pick(names(self.half))
        cue, *others = dice.shuffled(things(self.half))
        row = [dice.pick(others) for _ in range(self.facts)]
        place = dice.below(self.facts - 1)
        row[place] = cue
        facts = tuple(f"{who} then drew the {thing}." for thing in row)
        text = f"What did {who} draw right after the {cue}?"
        return Episode(facts, (asked(text, (row[place + 1],), self.labels, (place, place + 1)),))


@task("selective_copy")
@dataclass(frozen=True)
class SelectiveCopy(_Row):
    """Selective copying: someone notes some things down; which was number 3? `questions` positions are asked for."""

    facts: int = 8
    questions: int = 1

    def check(self) -> None:
        """No more positions are asked for than there are."""
        between("facts", self.facts, 1, 1024)
        between("questions", self.questions, 1, self.facts)

    def tell(self, dice: Dice) -> Episode:
        """Things with repetition. All positions asked for at once are a copy of the row."""
        who = dice.pick(names(self.half))
        row = [dice.pick(things(self.half)) for _ in range(self.facts)]
        places = sorted(dice.sample(range(self.facts), self.questions))
        facts = tuple(f"{who} noted down the {thing}." for thing in row)
        questions = tuple(
            asked(
                f"What was thing number {place + 1} that {who} noted down?",
                (row[place],),
                self.labels,
                range(place + 1),
            )
            for place in places
        )
        return Episode(facts, questions)
