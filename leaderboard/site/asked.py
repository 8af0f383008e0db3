"""The questions that a report shows one by one: which, what became of them, and how to see the whole text.

Records hold the question, the answer and where the facts lay, and not the text. Whoever has the plan at hand (the
harness, when a run ends) can tell the facts in their surroundings; this room makes no text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa

from ..records import Run
from .again import command_of

#: Questions that are shown in all, about; in each task and length no more than so many of each kind.
_MOST = 240
_OF_A_KIND = 6
#: Questions that are shown with their facts in their surroundings, in all.
_MOST_PASSAGES = 60
#: What a record must be read with to be shown.
COLUMNS = (
    "sample_id", "task", "length", "index", "n_tokens", "segments", "question", "target", "choices", "output", "answer",
    "correct", "status", "reason", "depths", "segments_since", "probes",
)  # fmt: skip
_LONGEST_TEXT = 1_000
_MOST_DEPTHS = 40


class Passage(Protocol):
    """A fact in its surroundings, as generators/passages.py tells it."""

    before: str
    fact: str
    after: str
    depth: float
    cut_before: bool
    cut_after: bool


#: Tells the facts of a sample in their surroundings: called with its task, length, index and id.
Surroundings = Callable[[str, str, int, str], Sequence[Passage]]


@dataclass(frozen=True)
class Asked:
    """One question as it was asked, and what became of it.

    `verdict` is right, wrong, error or skipped. `probes` are distances in segments with their verdicts. `whole` is a
    command that prints the whole text (empty: run.json does not say enough).
    """

    id: str
    task: str
    length: str
    verdict: str
    question: str
    target: str
    choices: str
    output: str
    answer: str
    reason: str
    depths: tuple[float, ...]
    segments: int | None
    segments_since: int | None
    probes: tuple[tuple[int, str, str], ...]
    passages: Sequence[Passage]
    whole: str


def asked(run: Run, rows: pd.DataFrame, table: pa.Table, surroundings: Surroundings | None = None) -> list[Asked]:
    """Some questions of a run, of each verdict the first stories; in the order of the tasks and lengths of `rows`.

    `table` holds the run's records with `COLUMNS`, in the order of its answers.
    """
    judged = zip(table["status"].to_pylist(), table["correct"].to_pylist(), strict=True)
    verdicts = [_verdict(status, correct) for status, correct in judged]
    places = _chosen(run, rows, verdicts)
    records = table.take(places).to_pylist()
    kinds = [(record["task"], record["length"], verdicts[place]) for record, place in zip(records, places, strict=True)]
    firsts = [number for number, kind in enumerate(kinds) if kind not in kinds[:number]]
    told = set(firsts[:: max(1, math.ceil(len(firsts) / _MOST_PASSAGES))]) if surroundings else set()
    shown = []
    for number, (record, (task, length, verdict)) in enumerate(zip(records, kinds, strict=True)):
        found: Sequence[Passage] = ()
        if surroundings and number in told and record["index"] is not None:
            found = surroundings(task, length, record["index"], record["sample_id"])
        shown.append(_asked(run, record, verdict, found))
    return shown


def _verdict(status: str, correct: bool) -> str:
    if status in ("error", "skipped"):
        return status
    return "right" if correct else "wrong"


def _chosen(run: Run, rows: pd.DataFrame, verdicts: Sequence[str]) -> list[int]:
    """The places of the questions that are shown: in each task and length the first stories of each verdict."""
    cells = zip(rows["task"], rows["length"], strict=True)
    order = {cell: number for number, cell in enumerate(cells)}
    asked_at = zip(run.answers["task"], run.answers["length"], strict=True)
    table = pd.DataFrame(
        {"cell": [order[cell] for cell in asked_at], "verdict": verdicts, "story": run.answers["story"]}
    )
    kinds = table.sort_values(["cell", "verdict", "story"], kind="stable").groupby(["cell", "verdict"], sort=False)
    each = max(1, min(_OF_A_KIND, _MOST // max(kinds.ngroups, 1)))
    return [int(place) for place in kinds.head(each).index]


def _asked(run: Run, row: Mapping[str, Any], verdict: str, passages: Sequence[Passage]) -> Asked:
    return Asked(
        id=row["sample_id"],
        task=row["task"],
        length=row["length"],
        verdict=verdict,
        **{name: _cut(row[name]) for name in ("question", "target", "output", "answer", "reason")},
        choices=_cut(", ".join(row["choices"] or ())),
        depths=tuple(depth for depth in (row["depths"] or ())[:_MOST_DEPTHS] if 0 <= depth <= 1),
        segments=row["segments"],
        segments_since=row["segments_since"],
        probes=tuple(
            (probe["distance"], _cut(probe["answer"]), _verdict(probe["status"], probe["correct"]))
            for probe in row["probes"] or ()
        ),
        passages=passages,
        whole=command_of(run, row["task"], row["length"], row["index"], row["sample_id"]),
    )


def _cut(text: str | None) -> str:
    text = text or ""
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
