"""Was a fact ever written, and when was it lost? Capture and retention, from records with probes (`eval --probe`).

    accuracy = capture x retention + (1 - capture) x recovery

A question is asked right after its last supporting fact was read, and again at the end. Capture is the share that is
right the first time; retention the share of those that is right at the end, too; recovery the share of the others that
is (guesses, and facts that were kept although the first answer missed them). Questions whose fact stands in the last
segment, beside the question, need no memory and are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..bench.record import RunFolder
from .intervals import accuracy_interval

_ASKED = ("answered", "invalid")


def capture_rows(folder: str | Path) -> pd.DataFrame:
    """One row per task and length: `n`, and `capture`, `retention`, `recovery`, `accuracy`, each with its interval.

    `n` are the questions that were asked right after the fact and at the end. Intervals are 95%, and count questions
    that share a haystack as what they are. A share of nothing is NaN. No rows where the run has no probes at distance
    0. Raises `UserError` when `folder` is no run.
    """
    return captured(RunFolder(folder).records())


def captured(records: pd.DataFrame) -> pd.DataFrame:
    """The same of records that were read (`RunFolder.records`)."""
    asked = _asked(records, 0)
    return pd.DataFrame([_row(task, length, group) for (task, length), group in _groups(asked)])


def decay_rows(folder: str | Path) -> pd.DataFrame:
    """Accuracy against the distance from the last supporting fact: one row per task, length and distance of a probe.

    Columns `task, length, distance, n, accuracy, ci_low, ci_high`; distances are in segments.
    """
    return decayed(RunFolder(folder).records())


def decayed(records: pd.DataFrame) -> pd.DataFrame:
    """The same of records that were read."""
    distances = sorted({probe["distance"] for probes in records["probes"] if probes is not None for probe in probes})
    rows = []
    for distance in distances:
        for (task, length), group in _groups(_asked(records, distance)):
            accuracy = _share("accuracy", group["before"], group["haystack_id"])
            ends = {"ci_low": accuracy["accuracy_low"], "ci_high": accuracy["accuracy_high"]}
            n = {"n": len(group), "accuracy": accuracy["accuracy"]}
            rows.append({"task": task, "length": length, "distance": distance, **n, **ends})
    return pd.DataFrame(rows).sort_values(["task", "length", "distance"], kind="stable") if rows else pd.DataFrame()


def _asked(records: pd.DataFrame, distance: int) -> pd.DataFrame:
    """The records that were asked at a distance and at the end; `before` says whether that first answer was right."""
    before = pd.Series([_right_at(probes, distance) for probes in records["probes"]], records.index, dtype="boolean")
    asked = before.notna() & records["status"].isin(_ASKED)
    return records[asked].assign(before=before[asked].astype(bool))


def _right_at(probes: Any, distance: int) -> bool | None:
    """Whether the answer at a distance was right; None where none was given."""
    for probe in probes if probes is not None else ():
        if probe["distance"] == distance and probe["status"] in _ASKED:
            return bool(probe["correct"])
    return None


def _groups(records: pd.DataFrame) -> Any:
    return records.groupby(["task", "length"], sort=False)


def _row(task: str, length: str, group: pd.DataFrame) -> dict[str, Any]:
    captured, right, haystacks = group["before"], group["correct"], group["haystack_id"]
    return {
        "task": task,
        "length": length,
        "n": len(group),
        **_share("capture", captured, haystacks),
        **_share("retention", right[captured], haystacks[captured]),
        **_share("recovery", right[~captured], haystacks[~captured]),
        **_share("accuracy", right, haystacks),
    }


def _share(name: str, right: pd.Series, haystacks: pd.Series) -> dict[str, float]:
    low, high = accuracy_interval(right.to_numpy(dtype=bool), haystacks.to_numpy())
    return {name: float(right.mean()) if len(right) else np.nan, f"{name}_low": low, f"{name}_high": high}
