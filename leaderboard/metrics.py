"""What the numbers mean: a run's answers as a curve of accuracies. Knows no model, no task and no filler."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .intervals import accuracy_interval, wilson
from .records import Run, read_run, stored_scorer
from .schema import COLUMNS, LONG, Column

#: How many equal parts the depth of a fact is counted in.
DEPTHS = 10


def curve(folder: str | Path, scorer: str | None = None) -> pd.DataFrame:
    """Accuracy against length of one run: one row per task and length, shortest first, with `COLUMNS`.

    Ranks, which need other runs, are empty. Raises `UserError` when `folder` is no run.
    """
    return run_rows(read_run(folder, scorer))


def run_rows(run: Run) -> pd.DataFrame:
    """One row per task and length of a run, tasks in the order they were asked in, shortest length first.

    `n` counts the questions that were answered, invalid answers included (they are wrong); errors and skipped ones
    stand beside it. `chance` is the mean accuracy of guessing among the answers that each question allows.
    """
    columns = {str(name): run.answers[name].to_numpy() for name in run.answers}
    rows = [_row(task, length, _taken(columns, where)) for (task, length), where in groups(run.answers).items()]
    rows += [_aggregate_row(run, row) for row in run.aggregates]
    table = pd.DataFrame([{**run.labels, **_trained(run), **row} for row in rows], columns=list(COLUMNS))
    order = {task: number for number, task in enumerate(dict.fromkeys(table["task"]))}
    place = table["task"].map(order)
    table = table.assign(_place=place).sort_values(["_place", "n_tokens"], kind="stable").drop(columns="_place")
    return typed(table.reset_index(drop=True), LONG)


def groups(answers: pd.DataFrame) -> dict[tuple[str, str], np.ndarray]:
    """The rows of each task and length: tasks in the order in which they were asked, the shortest length first."""
    found = answers.groupby(["task", "length"], observed=True).indices
    places = {name: {kind: n for n, kind in enumerate(answers[name].cat.categories)} for name in ("task", "length")}
    cells = sorted(found, key=lambda cell: (places["task"][cell[0]], places["length"][cell[1]]))  # type: ignore[index]
    return {(str(task), str(length)): found[task, length] for task, length in cells}  # type: ignore[misc,index]


def typed(table: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """The table with each column of its declared type; an unknown integer is `<NA>`, an unknown number NaN."""
    kinds = {"string": "object", "integer": "Int64", "number": "float64"}
    return table.astype({column.name: kinds[column.kind] for column in columns})


def _taken(columns: dict[str, np.ndarray], where: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.asarray(values)[where] for name, values in columns.items()}


def _row(task: str, length: str, answers: dict[str, np.ndarray]) -> dict[str, Any]:
    status = answers["status"]
    judged = (status == "answered") | (status == "invalid")
    correct, n = answers["correct"][judged], int(judged.sum())
    low, high = accuracy_interval(correct, answers["haystack"][judged])
    return {
        "task": task,
        "length": length,
        "n_tokens": _whole(_mean(answers["model_tokens"])),
        "segments": _whole(_most(answers["segments"])),
        "n": n,
        "correct": int(correct.sum()),
        "accuracy": float(correct.mean()) if n else float("nan"),
        "ci_low": low,
        "ci_high": high,
        "chance": _mean(answers["chance"]),
        "n_haystacks": len(np.unique(answers["haystack"][judged])),
        "n_error": int((status == "error").sum()),
        "n_skipped": int((status == "skipped").sum()),
        "tokens_per_second": _speed(_taken(answers, np.flatnonzero(judged))),
        "answer_seconds": _mean(answers["answer_seconds"][judged]),
        "state_bytes": _whole(_most(answers["state_bytes"])),
        "peak_memory_bytes": _whole(_most(answers["peak_memory_bytes"])),
        "peak_device_bytes": _whole(_most(answers["peak_device_bytes"])),
        "flops_per_token": _mean(answers["flops_per_token"]),
    }


def _speed(answers: dict[str, np.ndarray]) -> float:
    """Tokens a second, over documents that are read at all (those of one segment are only answered about)."""
    read = answers["segments"] > 1
    seconds = float(np.nansum(answers["read_seconds"][read]))
    return round(float(answers["model_tokens"][read].sum()) / seconds) if seconds > 0 else float("nan")


def _aggregate_row(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    """A row of scores that were imported without their answers: an interval only where it says n."""
    correct, n = row["correct"], row["n"]
    low, high = (float("nan"),) * 2 if correct is None or n is None else wilson(correct, n)
    return {**row, "scorer": stored_scorer(run.info), "ci_low": low, "ci_high": high}


def _trained(run: Run) -> dict[str, Any]:
    trained = run.info.get("trained_segments") or {}
    return {"trained_segments": trained.get("gradient"), "trained_memory_segments": trained.get("memory")}


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")


def _most(values: np.ndarray) -> float:
    return float(np.nanmax(values)) if not np.isnan(values).all() else float("nan")


def _whole(value: float) -> int | None:
    return None if math.isnan(value) else round(value)


def depth_rows(run: Run) -> pd.DataFrame:
    """Accuracy against depth: one row per task, length and tenth of the depth of the earliest supporting fact."""
    columns = {name: run.answers[name].to_numpy() for name in ("status", "correct", "haystack", "depth")}
    rows = []
    for (task, length), where in groups(run.answers).items():
        answers = _taken(columns, where)
        judged = np.isin(answers["status"].astype(object), ["answered", "invalid"]) & ~np.isnan(answers["depth"])
        parts = np.minimum((answers["depth"][judged] * DEPTHS).astype(int), DEPTHS - 1)
        for part in np.unique(parts):
            correct = answers["correct"][judged][parts == part]
            low, high = accuracy_interval(correct, answers["haystack"][judged][parts == part])
            rows.append({
                **run.labels, "task": task, "length": length, "depth_low": part / DEPTHS,
                "depth_high": (part + 1) / DEPTHS, "n": len(correct), "correct": int(correct.sum()),
                "accuracy": float(correct.mean()), "ci_low": low, "ci_high": high,
            })  # fmt: skip
    return pd.DataFrame(rows)
