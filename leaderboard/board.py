"""The board: runs side by side in one table, `leaderboard.csv`. Knows only runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..base.errors import UserError
from .metrics import curve, write_csv
from .plots import plot_curves


def conclude_run(folder: str | Path) -> pd.DataFrame:
    """Write `curve.csv` and `curve.png` into a finished run, and return the curve."""
    table = curve(folder)
    write_csv(table, Path(folder) / "curve.csv")
    plot_curves(table, Path(folder) / "curve.png")
    return table


def build_board(runs: Sequence[str | Path], output: str | Path) -> Path:
    """Write `leaderboard.csv` under `output`: one row per model, task and length of all `runs`.

    A folder that is no run itself stands for the runs right below it. Raises `UserError` when there is none.
    """
    folders = [found for run in runs for found in _runs(Path(run))]
    table = pd.concat([curve(folder) for folder in folders], ignore_index=True)
    if (doubled := table.duplicated(["model", "task", "length"])).any():
        row = table[doubled].iloc[0]
        raise UserError(
            f"two runs hold {row['model']!r} on {row['task']} at {row['length']}: leave one out, "
            "or name them apart with rmt-bench eval --name"
        )
    target = Path(output) / "leaderboard.csv"
    write_csv(table.sort_values(["task", "n_tokens", "model"], kind="stable"), target)
    return target


def _runs(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"no such folder: {folder}; make a run with: rmt-bench eval")
    if (folder / "run.json").is_file():
        return [folder]
    below = sorted(child for child in folder.iterdir() if (child / "run.json").is_file())
    if not below:
        raise UserError(f"{folder} holds no run, and no folder right below it does; make one with: rmt-bench eval")
    return below
