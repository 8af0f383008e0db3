"""Accuracy against distance: how many segments were read since the last fact that the answer needs. Knows runs only.

Length alone says little of a memory: a fact in the last segment needs none, however long the text. Distances are
counted in doublings: 0, 1, 2 to 3, 4 to 7 ...; all lengths of a task stand together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .intervals import accuracy_interval
from .records import Run, read_records

COLUMNS = ("task", "since_low", "since_high", "n", "correct", "accuracy", "ci_low", "ci_high", "chance")


def since_rows(run: Run) -> pd.DataFrame:
    """One row per task and doubling of the distance, nearest first, with `COLUMNS`; distances are in segments.

    Questions that no fact supports, and those that were not answered, are left out. A story is asked at several
    lengths, so intervals count the answers about one story as what they are: no independent ones.
    """
    table = read_records(run.folder, ("sample_id", "segments_since"))
    since = table["segments_since"].to_pandas().to_numpy(dtype=float)
    judged = run.answers["status"].isin(["answered", "invalid"]).to_numpy() & ~np.isnan(since)
    answers = run.answers[judged].assign(part=_doubling(since[judged]))
    rows = [
        _row(str(task), int(part), group)
        for (task, part), group in answers.groupby(["task", "part"], sort=False, observed=True)
    ]
    order = {str(task): number for number, task in enumerate(run.answers["task"].cat.categories)}
    rows.sort(key=lambda row: (order[row["task"]], row["since_low"]))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _doubling(since: np.ndarray) -> np.ndarray:
    """The number of each distance's doubling: 0 for 0, 1 for 1, 2 for 2 and 3, 3 for 4 to 7."""
    return np.frexp(since)[1]


def _row(task: str, part: int, group: pd.DataFrame) -> dict[str, Any]:
    correct = group["correct"].to_numpy()
    low, high = accuracy_interval(correct, group["story"].to_numpy())
    return {
        "task": task,
        "since_low": 2 ** (part - 1) if part else 0,
        "since_high": 2**part - 1,
        "n": len(correct),
        "correct": int(correct.sum()),
        "accuracy": float(correct.mean()),
        "ci_low": low,
        "ci_high": high,
        "chance": float(group["chance"].mean()),
    }
