"""What the numbers mean: intervals and curves from records. Knows no model, no task and no filler."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from scipy.stats import binomtest

from ..base.files import atomic_path
from ..bench.record import RunFolder

#: The columns of curve.csv and leaderboard.csv, in order: one row per model, task and length.
COLUMNS = (
    "model", "task", "length", "n_tokens", "segments", "n", "correct", "accuracy", "ci_low", "ci_high", "chance",
    "n_error", "n_skipped", "tokens_per_second", "answer_seconds", "state_bytes", "peak_memory_bytes",
    "trained_segments", "trained_memory_segments",
)  # fmt: skip


def wilson(correct: int, n: int) -> tuple[float, float]:
    """The 95% Wilson interval of a share of `correct` out of `n`; (nan, nan) when n is 0."""
    if n == 0:
        return float("nan"), float("nan")
    interval = binomtest(correct, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def curve(folder: str | Path) -> pd.DataFrame:
    """Accuracy against length of one run: one row per task and length, shortest first, with `COLUMNS`.

    `n` counts the questions that were answered, invalid answers included (they are wrong); errors and skipped ones
    stand beside it. `n_tokens` is the mean length of the context with the question, under the model's tokenizer,
    `chance` the mean accuracy of guessing among the answers that each question allows. Raises `UserError` when `folder`
    is no run.
    """
    run = RunFolder(folder)
    info = run.info
    groups = run.records().groupby(["task", "length"], sort=False)
    rows = [_row(str(task), str(length), group) for (task, length), group in groups]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    trained = info.get("trained_segments", {})
    table["model"] = info["identity"]["model"]
    table["trained_segments"] = pd.array([trained.get("gradient")] * len(table), dtype="Int64")
    table["trained_memory_segments"] = pd.array([trained.get("memory")] * len(table), dtype="Int64")
    order = {task: i for i, task in enumerate(dict.fromkeys(table["task"]))}
    return table.sort_values(
        ["task", "n_tokens"], key=lambda column: column.map(order) if column.name == "task" else column
    ).reset_index(drop=True)


def _row(task: str, length: str, group: pd.DataFrame) -> dict[str, object]:
    asked = group[group["status"].isin(["answered", "invalid"])]
    correct, n = int(asked["correct"].sum()), len(asked)
    low, high = wilson(correct, n)
    read = asked[asked["segments"] > 1]
    seconds = float(read["read_seconds"].sum())
    return {
        "task": task,
        "length": length,
        "n_tokens": round(float(group["model_tokens"].mean())),
        "segments": int(group["segments"].max()),
        "n": n,
        "correct": correct,
        "accuracy": correct / n if n else float("nan"),
        "ci_low": low,
        "ci_high": high,
        "chance": float(group["chance"].mean()),
        "n_error": int((group["status"] == "error").sum()),
        "n_skipped": int((group["status"] == "skipped").sum()),
        "tokens_per_second": round(float(read["model_tokens"].sum()) / seconds) if seconds else float("nan"),
        "answer_seconds": float(asked["answer_seconds"].mean()) if n else float("nan"),
        "state_bytes": int(group["state_bytes"].max()),
        "peak_memory_bytes": int(group["peak_memory_bytes"].max()),
    }


def write_csv(table: pd.DataFrame, path: str | Path) -> None:
    """A table as CSV: UTF-8, `\\n`, four decimals for shares and intervals, empty where there is no number."""
    rounded = table.copy()
    for column in ("accuracy", "ci_low", "ci_high", "chance", "answer_seconds"):
        rounded[column] = rounded[column].astype(float).round(4)
    with atomic_path(path) as temporary:
        rounded.to_csv(temporary, index=False, lineterminator="\n")
