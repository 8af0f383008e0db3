"""Other people's results as run folders, marked as imported: the same tables are made of them as of runs made here.

RUNS/<model>-<hash>/run.json          identity: model, prompt, scorer; source: what it was imported from, file by file
RUNS/<model>-<hash>/records/          one row for each answer, where there are answers
RUNS/<model>-<hash>/aggregates.parquet    accuracies, where that is all there is

A model with two prompts is two runs. What nobody told (memory, seconds, segments) is null, not zero. Knows no format of
anybody's files: those are in babilong_files.py, lm_eval_files.py and inspect_logs.py.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..base.files import atomic_path, digest, write_json
from ..bench.record import SCHEMA, RunFolder, odds
from ..tasks.scoring import SCORERS, Asked, Score
from ..tasks.scoring_babilong import LABELS
from .records import AGGREGATES, AGGREGATES_SCHEMA
from .tables import nominal_tokens, valid_text


@dataclass(frozen=True)
class Outcome:
    """What an import came to: the runs written, and what could not be read or looks odd, a line each."""

    runs: list[Path]
    files: int
    problems: list[str]
    notes: list[str]


@dataclass(frozen=True)
class Answer:
    """One imported answer. `sample` names what was asked, so that two models can be compared question by question."""

    sample: str
    index: int
    question: str
    target: str
    choices: tuple[str, ...]
    output: str
    score: Score
    haystack: str = ""
    n_tokens: int | None = None


@dataclass
class Unit:
    """The answers about one task at one length, from one file."""

    name: str
    task: str
    length: str
    answers: Sequence[Answer]


@dataclass
class Imported:
    """A run to be: one model with one prompt.

    `kind` is what it was imported from, `scorer` judged the answers, `dataset` says what was asked, `provenance` where
    each number comes from. `aggregates` are rows of `AGGREGATES_SCHEMA`. `rescorable`: whether the answers can be
    judged again (their choices are known). `origin` tells runs of one model apart that come from different files.
    """

    model: str
    prompt: str
    kind: str
    scorer: str
    dataset: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=dict)
    aggregates: list[dict[str, Any]] = field(default_factory=list)
    rescorable: bool = True
    origin: str = ""


def write_imported(runs: str | Path, run: Imported, units: Iterable[Unit] = ()) -> Path:
    """Write an imported run into a folder of its own below `runs`, and return that folder.

    The same import again writes the same; what an earlier import left there of files that are gone is removed. Raises
    `UserError` when the folder holds something else.
    """
    path = Path(runs) / _folder_name(run)
    folder = RunFolder(path)
    identity = {
        "model": run.model, "prompt": run.prompt, "samples": run.dataset, "scorer": run.scorer, "source": run.kind
    }  # fmt: skip
    source = {"kind": run.kind, "imported": True, "rescorable": run.rescorable, **run.provenance}
    with folder.opened({"identity": identity, "source": source}):
        kept = set()
        for unit in units:
            target = folder.unit_path(digest(unit.name)[:24])
            with atomic_path(target) as temporary:
                pq.write_table(_records(unit), temporary, compression="zstd")
            kept.add(target)
        for left in set((path / "records").glob("*.parquet")) - kept:
            left.unlink()
        _write_aggregates(path / AGGREGATES, run.aggregates)
        write_json(path / "run.json", {**folder.info, "source": source})
    return path


def judged(scorer: str, task: str, question: str, target: str, choices: tuple[str, ...], output: str) -> Score:
    """What a scorer says of an output."""
    return SCORERS.get(scorer)(output, Asked(target, choices, question, task))


def choices_of(task: str) -> tuple[str, ...]:
    """The labels of a bAbI task, as BABILong lists them; none for another task."""
    return LABELS.get(task, ())


def chance_of(task: str) -> float | None:
    """How likely a guess at a bAbI task is right; None for another task."""
    question = "What is Mary carrying?" if task == "qa8" else ""
    return odds(question, list(LABELS[task])) if task in LABELS else None


def _folder_name(run: Imported) -> str:
    """Letters that every file system takes, and a hash: two models never share a folder, and none leaves `runs`."""
    plain = unicodedata.normalize("NFKD", run.model).encode("ascii", "ignore").decode("ascii")
    label = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:60] or "model"
    return f"{label}-{digest(run.kind, valid_text(run.model), valid_text(run.prompt), run.dataset, run.origin)[:8]}"


def _records(unit: Unit) -> pa.Table:
    answers = unit.answers
    known: Mapping[str, Sequence[Any]] = {
        "sample_id": [answer.sample for answer in answers],
        "haystack_id": [answer.haystack or answer.sample for answer in answers],
        "task": [unit.task] * len(answers),
        "length": [unit.length] * len(answers),
        "index": [answer.index for answer in answers],
        "n_tokens": [nominal_tokens(unit.length) if a.n_tokens is None else a.n_tokens for a in answers],
        "question": [answer.question for answer in answers],
        "target": [answer.target for answer in answers],
        "choices": [answer.choices for answer in answers],
        "output": [valid_text(answer.output) for answer in answers],
        "answer": [valid_text(answer.score.answer) for answer in answers],
        "correct": [answer.score.correct for answer in answers],
        "status": [answer.score.status for answer in answers],
        "reason": [answer.score.reason for answer in answers],
        "depths": [()] * len(answers),
    }
    columns = [
        pa.array(known[entry.name], entry.type) if entry.name in known else pa.nulls(len(answers), entry.type)
        for entry in SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _write_aggregates(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        path.unlink(missing_ok=True)
        return
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema=AGGREGATES_SCHEMA), temporary)
