"""What an audit finds: checks that hold or fail, each with where and how often, and what was measured beside them.

    check   spans     every fact stands where its row says        4,600 looked at, 1 wrong
            wrong     4k/qa1 sample 3: fact 2 is not at 310..335

Knows nothing of samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

#: So many failures of one check are told; the others are counted.
_TOLD = 5


@dataclass
class Check:
    """One claim about a data set: how many things were looked at, how many are wrong, and where the first of them are.

    `skipped` is why nothing was looked at, or not all of it; it makes a data set neither sound nor unsound.
    """

    name: str
    claim: str
    checked: int = 0
    failures: int = 0
    examples: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def verdict(self) -> str:
        """`sound`, `UNSOUND`, or `-` where nothing could be looked at."""
        return "UNSOUND" if self.failures else "sound" if self.checked else "-"


class Findings:
    """The checks of one audit, filled as it goes."""

    def __init__(self, claims: Mapping[str, str]):
        self.checks = {name: Check(name, claim) for name, claim in claims.items()}

    def expect(self, check: str, holds: bool, where: str, wrong: str) -> bool:
        """Count one thing that was looked at, and when it does not hold, what is wrong with it; returns `holds`."""
        self.checks[check].checked += 1
        if not holds:
            self.checks[check].failures += 1
            if len(self.checks[check].examples) < _TOLD:
                self.checks[check].examples.append(f"{where}: {wrong}")
        return holds

    def skip(self, check: str, reason: str) -> None:
        """Say why a check was left out, or part of it."""
        self.checks[check].skipped = reason


@dataclass(frozen=True)
class Part:
    """What was measured on one task at one length.

    `depths` are counts of facts in ten equal parts of the text; `depths_p` is how likely depths are at least so uneven
    when the plan is even (Kolmogorov-Smirnov; None: the plan is not even, or there is little filler).
    """

    task: str
    length: str
    samples: int
    n_tokens: tuple[int, int]
    exact: int
    distractors: int
    wraps: int
    depths: tuple[int, ...]
    depths_p: float | None


@dataclass(frozen=True)
class Answers:
    """The answers of one task: how many stories, which answer is commonest, and what a question alone gives away.

    `labels_p` is how likely answers differ at least so much from those of fresh stories (chi square). `question_only`
    is the cross-validated accuracy of a classifier that sees the question and no text; None where stories are few.
    """

    task: str
    stories: int
    labels: dict[str, int]
    labels_p: float | None
    majority: float
    question_only: float | None
    chance: float


@dataclass(frozen=True)
class Detectability:
    """How well facts are told from filler, one sentence at a time: cross-validated areas under the ROC curve.

    `words` sees a bag of words; `masked` the same without the names of the tasks and of distractors; `length_only` the
    number of words and characters. 0.5 is blind, 1 is certain. None where there is too little to learn from.
    """

    length: str
    facts: int
    filler: int
    words: float | None
    masked: float | None
    length_only: float | None
    fact_words: float
    filler_words: float


@dataclass(frozen=True)
class Report:
    """The outcome of an audit."""

    folder: str
    plan: dict[str, Any]
    checks: tuple[Check, ...]
    parts: tuple[Part, ...]
    answers: tuple[Answers, ...]
    detectability: tuple[Detectability, ...]

    @property
    def failed(self) -> list[Check]:
        """The checks that do not hold."""
        return [check for check in self.checks if check.failures]

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {"sound": not self.failed, **asdict(self)}
