"""What a page of one model tells beside its numbers: how it was run, what it said, why it did not answer.

Knows runs, as records.py reads them; loads no model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ..records import Run, read_records, stored_scorer
from .entries import Entry, entry_of

#: Characters of an answer, or of a question, that are shown.
_LONGEST_TEXT = 400
#: Values below one name that are shown one by one; more stand together, to be opened.
_MOST_SHOWN = 16
_TEXTS = ("question", "target", "output", "answer", "reason")
#: What run.json says that is shown apart, or says nothing of how the run was made.
_RENAMED = {"scorer": "scorer when it ran"}  # the board may have been made with another
_APART = ("format", "identity", "command", "date", "versions", "hardware")

#: A name and its value each, in order; a value is a text, or pairs that stand together.
Pairs = Sequence[tuple[str, "str | Pairs"]]


@dataclass(frozen=True)
class Example:
    """One question as it was asked, and what became of it; `answer` is None where another scorer read it."""

    task: str
    length: str
    question: str
    target: str
    output: str
    answer: str | None
    verdict: str


@dataclass(frozen=True)
class RunAbout:
    """How a run was made: what repeats it, and where and with what it ran."""

    command: str
    date: str
    settings: Pairs
    hardware: Pairs
    versions: Pairs


@dataclass
class Details:
    """All that is known of one entry beside its rows; `reasons` says how often what kept a question from an answer."""

    runs: list[RunAbout] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)


class Told(dict[Entry, Details]):
    """What runs tell, by entry; they are taken in one after the other, and not kept."""

    def add(self, run: Run) -> None:
        """Take in a run. Raises `UserError` when its records cannot be read."""
        details = self.setdefault(entry_of(run.labels), Details())
        details.runs.append(about(run.info))
        answers = _with_texts(run)
        details.examples += examples(answers, run.scorer == stored_scorer(run.info))
        for reason, count in reasons(answers).items():
            details.reasons[reason] = details.reasons.get(reason, 0) + count


def reasons(answers: pd.DataFrame) -> dict[str, int]:
    """How often what kept a question from an answer, in order of first appearance."""
    unanswered = answers[answers["status"].isin(["error", "skipped"])]
    told = zip(unanswered["status"], unanswered["reason"], strict=True)
    return dict(Counter(_cut(f"{status}: {reason or 'no reason given'}") for status, reason in told))


def about(info: Mapping[str, Any]) -> RunAbout:
    """What `run.json` says, as names and values for people."""
    rest = {key: value for key, value in info.items() if key not in _APART}
    identity: dict[str, Any] = {
        _RENAMED.get(str(key), str(key)): value for key, value in info.get("identity", {}).items()
    }
    return RunAbout(
        command=str(info.get("command") or ""),
        date=str(info.get("date") or ""),
        settings=list(_flat({**identity, **rest})),
        hardware=list(_flat(info.get("hardware") or {})),
        versions=list(_flat(info.get("versions") or {})),
    )


def examples(answers: pd.DataFrame, same_scorer: bool) -> Iterator[Example]:
    """For each task the first question answered right, and the first answered wrong, at the greatest length.

    `same_scorer`: what was read out of the output is what this verdict was made from.
    """
    asked = answers[answers["status"].isin(["answered", "invalid"])]
    for task, of_task in asked.groupby("task", sort=False, observed=True):
        longest = of_task.sort_values("model_tokens", ascending=False, kind="stable")
        for verdict, rows in (("right", longest[longest["correct"]]), ("wrong", longest[~longest["correct"]])):
            for row in rows.head(1).to_dict("records"):
                question, target, output, answer = (_cut(row[name]) for name in _TEXTS[:4])
                read = answer if same_scorer else None
                yield Example(str(task), str(row["length"]), question, target, output, read, verdict)


def _with_texts(run: Run) -> pd.DataFrame:
    """The answers of a run with the texts that scoring has no use for; rows of both come in one order."""
    texts = read_records(run.folder, ("sample_id", *_TEXTS)).to_pandas()
    return run.answers.assign(**{name: texts[name].fillna("").astype(str) for name in _TEXTS})


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


def _flat(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str | Pairs]]:
    """Nested settings as pairs: `samples.seed`, `0`. What is empty or unknown is left out."""
    for key, inner in value.items():
        name = f"{above}{key}"
        if isinstance(inner, list) and any(isinstance(item, Mapping) for item in inner):
            inner = {str(number): item for number, item in enumerate(inner, 1)}
        if isinstance(inner, Mapping):
            below = list(_flat(inner, f"{name}."))
            if len(below) > _MOST_SHOWN:
                yield name, below
            else:
                yield from below
        elif inner is not None and inner != "" and inner != []:
            yield name, ", ".join(map(str, inner)) if isinstance(inner, list) else str(inner)
