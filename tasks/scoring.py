"""What counts as a right answer: one definition, `strict`; others by name, to compare with. Knows only strings.

labels   garden, kitchen, office          right answer: garden
"The garden."                  answered   correct
"In the kitchen."              answered   wrong
"garden or kitchen"            invalid    two labels: no answer was chosen
"I do not know."               invalid    no label
"gardens"                      invalid    labels match as whole words

Where was the apple before the kitchen?   right answer: garden
"It was in the garden before the kitchen."  answered   correct: the kitchen is the question's own word
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ..base.registry import Registry

#: What parts the items of a list in free text.
_PARTING = re.compile(r"[,;\n]|\band\b", re.IGNORECASE)

Status = Literal["answered", "invalid", "skipped", "error"]


@dataclass(frozen=True)
class Score:
    """How one answer was judged.

    `answer` is what was extracted, so that a reader can argue with it. `status`: `answered`; `invalid` (the model
    spoke, and chose no label; counts as wrong); `skipped` (the model was not asked, `reason` says why) and `error`
    (it failed) count neither as right nor as wrong, and are reported beside the accuracy.
    """

    correct: bool
    answer: str
    status: Status = "answered"
    reason: str = ""


@dataclass(frozen=True)
class Asked:
    """What an answer is judged against: the right answer, the labels it is among, the question and its task's name."""

    target: str
    choices: tuple[str, ...]
    question: str = ""
    task: str = ""


#: Judges what a model said.
Scorer = Callable[[str, Asked], Score]
SCORERS: Registry[Scorer] = Registry(
    kind="scorer",
    group="rmt_bench.scorers",
    listing="rmt-bench leaderboard scorers",
    builtin={
        "strict": "rmt_bench.tasks.scoring",
        "babilong": "rmt_bench.tasks.scoring_babilong",
        "lm-eval": "rmt_bench.tasks.scoring_lm_eval",
    },
)


@SCORERS.register("strict")
def strict_scorer(output: str, asked: Asked) -> Score:
    """Whole words among the question's own labels, one answer only, lists as sets: what rmt-bench reports."""
    return strict(output, asked.target, asked.choices, asked.question)


def strict(output: str, target: str, choices: Sequence[str], question: str = "") -> Score:
    """Judge `output` against `target`.

    Labels are matched as whole words without regard to case, among the question's own `choices` only. An answer
    that names one label is judged; one that names none, or several where one is asked, is `invalid`. Where several
    are named, those that `question` itself names are set aside first: an answer in a whole sentence repeats them.
    Where the target is a list (`"apple,milk"`, its items among the choices) the labels named are compared as sets.
    Without choices the texts are compared after folding case, white space and a final full stop; where the target is
    a list, so are its items as sets, those of the output parted by commas, semicolons, line breaks or "and".
    """
    if not choices:
        return _free(output, target)
    named = _named(output, choices)
    if target not in choices and "," in target:
        wanted = {_canonical(item.strip(), choices) for item in target.split(",")}
        return Score(set(named) == wanted, ",".join(named), "answered" if named else "invalid")
    if len(named) > 1 and question:
        named = [label for label in named if label not in _named(question, choices)] or named
    if len(named) != 1:
        return Score(False, ",".join(named), "invalid", "several labels" if named else "no label")
    return Score(named[0] == _canonical(target, choices), named[0])


def _named(text: str, choices: Sequence[str]) -> list[str]:
    """The labels that a text names, each once, in the order of their first mention."""
    found = _label_pattern(tuple(choices)).findall(text)
    return list(dict.fromkeys(_canonical(label, choices) for label in found))


def _free(output: str, target: str) -> Score:
    said = _fold(output)
    if "," not in target:
        return Score(said == _fold(target), said, "answered" if said else "invalid")
    items = [item for part in _PARTING.split(output) if (item := _fold(part))]
    right = set(items) == {_fold(item) for item in target.split(",")}
    return Score(right, ",".join(dict.fromkeys(items)), "answered" if items else "invalid")


@lru_cache(maxsize=1024)
def _label_pattern(choices: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(choices, key=lambda label: (-len(label), label))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(_label_form, longest_first))})(?!\w)", re.IGNORECASE)


def _label_form(label: str) -> str:
    """A label as a pattern: white space may be of any length, and may follow a comma (`n,e` as `n, e`)."""
    words = [r"\s+".join(map(re.escape, part.split())) for part in label.split(",")]
    return r"\s*,\s*".join(words)


def _canonical(label: str, choices: Sequence[str]) -> str:
    return _by_form(tuple(choices)).get(_squeeze(label), label)


@lru_cache(maxsize=1024)
def _by_form(choices: tuple[str, ...]) -> dict[str, str]:
    """Choices by their form without case and white space; of two of one form, the first."""
    return {_squeeze(choice): choice for choice in reversed(choices)}


def _squeeze(text: str) -> str:
    return "".join(text.split()).casefold()


def _fold(text: str) -> str:
    return " ".join(text.split()).rstrip(".").casefold()
