"""Curves as pictures: accuracy against length. Knows only tables with the columns of metrics.COLUMNS."""

from __future__ import annotations

import math
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
_DASHES = ("-", "--", "-.", ":")
#: Points: of the small print, of a line of it, and of the width of one of its letters, a little more than most have.
_SMALL, _LINE, _LETTER = 8, 11, 4.4
#: Letters of a name in the legend, at the most: a longer one would leave no room for the lines.
_NAME = 40


def plot_curves(table: pd.DataFrame, path: str | Path, title: str = "") -> None:
    """Draw `draw_curves` as a PNG of its own; whatever else a process draws, and with what, is left alone."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    draw_curves(table, figure.subplots(), title)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=140, metadata={"Software": None})


def draw_curves(table: pd.DataFrame, axes: Axes, title: str = "") -> None:
    """Draw one line per model and task onto `axes`: accuracy with 95% intervals over a log axis of tokens.

    Several runs of one model and task, such as seeds of its training, are thinner lines of one colour. Along the top
    stands how many questions were asked at each length. The chance level is dotted; where models say how many segments
    training saw, its end is marked: the longest gradient, and the longest memory.
    """
    import matplotlib as mpl

    with mpl.rc_context({"text.parse_math": False}):  # a name may have a $
        _draw(table, axes, title)


def _draw(table: pd.DataFrame, axes: Axes, title: str) -> None:
    models, tasks = table["model"].nunique(), table["task"].nunique()
    groups = list(table.groupby(["model", "task"], sort=False))
    for number, ((model, task), group) in enumerate(groups):
        label = str(task) if models == 1 else str(model) if tasks == 1 else f"{model}, {task}"
        label = label if len(label) <= _NAME else f"{label[: _NAME - 1]}…"
        runs = [run for _, run in group[group["n"] > 0].groupby("run", sort=False, dropna=False)]
        for place, run in enumerate(runs):
            _line(axes, run, "_nolegend_" if place else label, number, len(groups) - 1 - number, thin=len(runs) > 1)
    for chance in sorted(set(table["chance"].round(4))):
        axes.axhline(chance, color="0.45", linestyle=":", linewidth=1)
        axes.annotate(
            f"chance, {chance:.3g}", (0.004, chance),
            xycoords=("axes fraction", "data"), va="bottom", color="0.35", size=_SMALL,
        )  # fmt: skip
    marks = _training(table)
    axes.set_xscale("log")
    axes.set_xlim(*_limits([*table["n_tokens"].clip(lower=1), *(tokens for tokens, _ in marks)]))
    _say_n(axes, table[table["n"] > 0])
    rows = _mark_training(axes, marks)
    axes.xaxis.set_major_formatter(lambda tokens, _: short_tokens(tokens))
    axes.xaxis.set_minor_formatter(lambda tokens, _: "")
    axes.set_xlabel("length of the text with its question, in tokens (log scale)")
    axes.set_ylabel("accuracy, with 95% interval")
    heading = title or ", ".join(dict.fromkeys(table["model"]))
    axes.set_title(heading, loc="left", parse_math=False, pad=6 + _LINE * rows)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if not axes.get_legend_handles_labels()[0]:
        return  # nothing was answered, or nothing has a name
    if models * tasks == 1:
        axes.legend(frameon=False, loc="best")
    else:  # beside the lines, which may go anywhere
        axes.legend(
            frameon=False, loc="upper left", bbox_to_anchor=(1, 1), fontsize=_SMALL,
            title=str(table["task"].iloc[0]) if tasks == 1 else None, title_fontsize=_SMALL,
        )  # fmt: skip


def _line(axes: Axes, run: pd.DataFrame, label: str, number: int, above: int, thin: bool) -> None:
    """One run; the more curves are drawn `above` it, the wider, so that one that they run along is seen beneath."""
    rim = 0.6 * min(above, 5)
    tokens, accuracy = run["n_tokens"].clip(lower=1), run["accuracy"]
    low, high = (accuracy - run["ci_low"]).clip(lower=0), (run["ci_high"] - accuracy).clip(lower=0)
    axes.errorbar(
        tokens, accuracy, yerr=[low, high], label=label, color=_COLOURS[number % len(_COLOURS)],
        linestyle=_DASHES[number // len(_COLOURS) % len(_DASHES)], marker=_MARKS[number % len(_MARKS)],
        markersize=(4 if thin else 5) + 2 * rim, capsize=2 if thin else 3, linewidth=(1 if thin else 1.6) + rim,
        elinewidth=0.7 if thin else 1,
    )  # fmt: skip


def _say_n(axes: Axes, table: pd.DataFrame) -> None:
    """How many questions stand behind the points of each length, or from how many to how many.

    What would stand on its neighbour stands a line higher, for which room is made. A legend may yet take a third of the
    width.
    """
    said = []
    for _, points in table.groupby("length", sort=False):
        least, most = int(points["n"].min()), int(points["n"].max())
        tokens = float(points["n_tokens"].clip(lower=1).median())
        said.append((tokens, f"n={least}" if least == most else f"n={least}-{most}"))
    ends: list[float] = []
    for tokens, text in sorted(said):
        place, half = _points_from_left(axes, tokens) / 1.5, len(text) * _LETTER / 2
        row = _free_line(ends, place - half, place + half + _LETTER)
        axes.annotate(text, (tokens, 1.045 + 0.045 * row), ha="center", size=_SMALL - 1, color="0.35")
    axes.set_ylim(-0.02, 1.09 + 0.045 * max(len(ends) - 1, 0))


def _points_from_left(axes: Axes, tokens: float) -> float:
    """Where a length lies, in typographic points from the left of the picture, while no legend stands beside it."""
    low, high = map(math.log, axes.get_xlim())
    return (math.log(tokens) - low) / (high - low) * axes.get_window_extent().width / axes.figure.dpi * 72


def _free_line(ends: list[float], first: float, last: float) -> int:
    """The lowest line that is free from `first` on; `ends` says where each line ends, now this one at `last`."""
    row = next((number for number, end in enumerate(ends) if end < first), len(ends))
    ends[row : row + 1] = [last]
    return row


def _training(table: pd.DataFrame) -> list[tuple[float, str]]:
    """Where, in tokens, training ended, and in what sense; the shortest first."""
    marks: dict[tuple[float, int], list[str]] = {}
    for column, what in {"trained_segments": "gradient", "trained_memory_segments": "memory"}.items():
        known = table.dropna(subset=[column])
        for segments in sorted(set(known[column])):
            row = known[known[column] == segments].iloc[-1]
            tokens = float(row["n_tokens"]) / float(row["segments"]) * float(segments)
            marks.setdefault((tokens, int(segments)), []).append(what)
    return [
        (tokens, f"longest {' and '.join(whats)} in training: {segments} segments")
        for (tokens, segments), whats in sorted(marks.items())
    ]


def _mark_training(axes: Axes, marks: Sequence[tuple[float, str]]) -> int:
    """A line at each mark, and above the picture what it is; returns how many lines that takes."""
    wide = axes.get_window_extent().width / axes.figure.dpi * 72
    ends: list[float] = []
    for tokens, said in marks:
        place = _points_from_left(axes, tokens)
        to_left = place + len(said) * _LETTER > wide
        first = place - len(said) * _LETTER if to_left else place
        row = _free_line(ends, first, first + (len(said) + 2) * _LETTER)
        axes.axvline(tokens, color="0.55", linestyle="--", linewidth=1)
        axes.annotate(
            said, (tokens, 1), xycoords=("data", "axes fraction"), xytext=(0, 3 + _LINE * row),
            textcoords="offset points", ha="right" if to_left else "left", size=_SMALL, color="0.35",
            annotation_clip=False,
        )  # fmt: skip
    return len(ends)


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
