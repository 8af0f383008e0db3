"""Curves as pictures: accuracy against length. Knows only tables with the columns of metrics.COLUMNS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ..base.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Inches of a picture of its own.
SIZE = (9, 5.2)
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MARKS = "osD^vP*"


def plot_curves(table: pd.DataFrame, path: str | Path, title: str = "") -> None:
    """Draw `draw_curves` as a PNG of its own; whatever else a process draws, and with what, is left alone."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    draw_curves(table, figure.subplots(), title)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=140, metadata={"Software": None})


def draw_curves(table: pd.DataFrame, axes: Axes, title: str = "") -> None:
    """Draw one line per model and task onto `axes`: accuracy with 95% intervals over a log axis of tokens.

    The chance level is dotted; where models say how many segments training saw, its end is marked: the longest
    gradient, and the longest memory.
    """
    import matplotlib as mpl

    with mpl.rc_context({"text.parse_math": False}):  # a name may have a $
        _draw(table, axes, title)


def _draw(table: pd.DataFrame, axes: Axes, title: str) -> None:
    models = table["model"].nunique()
    for number, ((model, task), group) in enumerate(table.groupby(["model", "task"], sort=False)):
        label = str(task) if models == 1 else f"{model}, {task}"
        _line(axes, group[group["n"] > 0], label, number)
    for chance in sorted(set(table["chance"].round(4))):
        axes.axhline(chance, color="0.45", linestyle=":", linewidth=1)
        axes.annotate(
            f"chance, {chance:.3g}", (0.004, chance),
            xycoords=("axes fraction", "data"), va="bottom", color="0.35", size=8,
        )  # fmt: skip
    marked = _mark_training(axes, table)
    axes.set_xscale("log")
    axes.set_xlim(*_limits([*table["n_tokens"].clip(lower=1), *marked]))
    axes.set_ylim(-0.02, 1.06)
    axes.xaxis.set_major_formatter(lambda tokens, _: short_tokens(tokens))
    axes.xaxis.set_minor_formatter(lambda tokens, _: "")
    axes.set_xlabel("length of the text with its question, in tokens (log scale)")
    axes.set_ylabel("accuracy, with 95% interval")
    axes.set_title(title or ", ".join(dict.fromkeys(table["model"])), loc="left", parse_math=False)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="best")


def _line(axes: Axes, group: pd.DataFrame, label: str, number: int) -> None:
    colour = _COLOURS[number % len(_COLOURS)]
    tokens, accuracy = group["n_tokens"].clip(lower=1), group["accuracy"]
    low, high = (accuracy - group["ci_low"]).clip(lower=0), (group["ci_high"] - accuracy).clip(lower=0)
    axes.errorbar(
        tokens, accuracy, yerr=[low, high], label=label, color=colour,
        marker=_MARKS[number % len(_MARKS)], markersize=5, capsize=3, linewidth=1.6, elinewidth=1,
    )  # fmt: skip
    for x, top, n in zip(tokens, group["ci_high"], group["n"], strict=True):
        axes.annotate(f"n={n}", (x, top), xytext=(0, 5), textcoords="offset points", ha="center", size=7, color=colour)


def _mark_training(axes, table: pd.DataFrame) -> list[float]:
    """Mark how far training saw; returns where, in tokens."""
    marks: dict[tuple[float, int], list[str]] = {}
    for column, what in {"trained_segments": "gradient", "trained_memory_segments": "memory"}.items():
        known = table.dropna(subset=[column])
        for segments in sorted(set(known[column])):
            row = known[known[column] == segments].iloc[-1]
            tokens = float(row["n_tokens"]) / float(row["segments"]) * float(segments)
            marks.setdefault((tokens, int(segments)), []).append(what)
    for (tokens, segments), whats in marks.items():
        axes.axvline(tokens, color="0.55", linestyle="--", linewidth=1)
        axes.annotate(
            f"longest {' and '.join(whats)}\nin training: {segments} segments", (tokens, 0.26),
            xycoords=("data", "axes fraction"), xytext=(3, 0), textcoords="offset points", rotation=90, size=8,
            color="0.35", va="bottom",
        )  # fmt: skip
    return [tokens for tokens, _ in marks]


def _limits(tokens: Sequence[float]) -> tuple[float, float]:
    """The ends of the axis: a little more than what is shown, and no less than a power of ten."""
    low, high = min(tokens) / 1.6, max(tokens) * 1.6
    return min(low, high / 12), high


def short_tokens(count: float) -> str:
    """A number of tokens as lengths are spoken of: 4k, 2M."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:g}{unit}"
    return f"{count:g}"
