"""Curves and comparisons of runs as objects for a notebook: a table, a picture, HTML. Knows only runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ..base.errors import UserError
from .head_to_head import head_to_head
from .metrics import curve
from .plots import SIZE, draw_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class Curve:
    """Accuracy against length, of one model or several.

    `table` has one row per model, task and length, shortest first; its columns are those of leaderboard.csv
    (docs/leaderboard.md): `n`, `correct`, `accuracy`, `ci_low`, `ci_high`, `chance`, costs.
    """

    table: pd.DataFrame

    def plot(self, axes: Axes | None = None, *, title: str = "") -> Axes:
        """Draw a line for each model and task, with 95% intervals and the chance level, and return the axes.

        Without `axes` they are those of a new figure of pyplot: a notebook shows it below the cell, `plt.show()` in a
        window, and `axes.figure.savefig("curve.png")` writes it.
        """
        if axes is None:
            import matplotlib.pyplot as plt

            axes = plt.subplots(figsize=SIZE, layout="constrained")[1]
        draw_curves(self.table, axes, title)
        return axes

    def __repr__(self) -> str:
        return _shown(self.table).to_string(index=False)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return _shown(self.table).to_html(index=False, border=0)


@dataclass(frozen=True, repr=False)
class Comparison:
    """A run less each of others, pair by pair, and the curves of all.

    `table` has one row per other run, task and length: `model`, `less`, `task`, `length`, `n` (samples that both were
    asked), `difference` of the accuracies with `ci_low` and `ci_high` (95%), McNemar's `p_value`, and whether it is
    `paired` (few samples in common: two independent groups).
    """

    table: pd.DataFrame
    curve: Curve

    def plot(self, axes: Axes | None = None, *, title: str = "") -> Axes:
        """Draw all curves into one picture; see `Curve.plot`."""
        return self.curve.plot(axes, title=title)

    def __repr__(self) -> str:
        return _told(self.table).to_string(index=False)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return _told(self.table).to_html(index=False, border=0)


def compare_runs(folders: Sequence[str | Path], scorer: str = "strict") -> Comparison:
    """The first of several runs less each of the others, their answers judged by `scorer`.

    Runs of models with one name are told apart by numbers. Raises `UserError` for fewer than two, and where two of them
    have no task and length in common.
    """
    if len(folders) < 2:
        raise UserError("one run is compared with others: give two or more")
    curves = [curve(folder, scorer) for folder in folders]
    names = _apart([str(table["model"].iloc[0]) for table in curves])
    rows = []
    for other, name in zip(folders[1:], names[1:], strict=True):
        found = head_to_head(folders[0], other, scorer)
        if not found:
            raise UserError(f"{names[0]} and {name} have no task and length in common: evaluate both on the same")
        for task, length, difference in found:
            told = asdict(difference)
            ends = {"ci_low": told.pop("low"), "ci_high": told.pop("high")}
            rows.append({"model": names[0], "less": name, "task": task, "length": length, **told, **ends})
    columns = ["model", "less", "task", "length", "n", "difference", "ci_low", "ci_high", "p_value", "paired"]
    together = pd.concat(
        [table.assign(model=name) for table, name in zip(curves, names, strict=True)], ignore_index=True
    )
    return Comparison(pd.DataFrame(rows, columns=columns), Curve(together))


def _apart(names: list[str]) -> list[str]:
    """Names, with numbers where two are alike."""
    return [f"{name} ({number})" if names.count(name) > 1 else name for number, name in enumerate(names, 1)]


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that a person looks at first; models where there are several, errors where there are any."""
    cells = {
        "model": table["model"],
        "task": table["task"],
        "length": table["length"],
        "segments": table["segments"],
        "n": table["n"],
        "accuracy": table["accuracy"].map(_share),
        "95% interval": table["ci_low"].map(_share) + " to " + table["ci_high"].map(_share),
        "chance": table["chance"].map(_share),
        "errors": table["n_error"],
        "skipped": table["n_skipped"],
    }
    idle = [name for name in ("errors", "skipped") if not cells[name].any()]
    idle += ["model"] if table["model"].nunique() < 2 else []
    return pd.DataFrame({name: column for name, column in cells.items() if name not in idle})


def _told(table: pd.DataFrame) -> pd.DataFrame:
    cells = {
        "model": table["model"],
        "less": table["less"],
        "task": table["task"],
        "length": table["length"],
        "shared samples": table["n"],
        "difference": table["difference"].map(_points),
        "95% interval": table["ci_low"].map(_points) + " to " + table["ci_high"].map(_points),
        "p": table["p_value"].map("{:.2g}".format),
    }
    return pd.DataFrame(cells)


def _share(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.1%}"


def _points(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:+.1%}"
