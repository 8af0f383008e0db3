"""Curves as small drawings inside a page: SVG by Matplotlib, in the colours of the page's theme. Knows no names.

Whatever other people wrote (a model, a task) stands outside, in the page's own legend; a drawing holds numbers only.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from markupsafe import Markup

#: So many names of places have room below a plot.
_MOST_LABELS = 10
#: Colours of the page (assets/style.css). Matplotlib draws with stand-ins, which are replaced by these.
_THEME = {"#010100": "--ink", "#010101": "--muted", "#010102": "--rule"} | {
    f"#0102{number:02x}": f"--line-{number}" for number in range(8)
}
_INK, _MUTED, _RULE, *_LINES = _THEME
#: Marks and dashes as in the legends of the board (assets/chart.js).
MARKS = ("o", "s", "D", "^", "p", "*", "P", "v")
#: Inches of a drawing on a wide screen and on a narrow one; both are in the page, and one is shown.
_SIZES = {"wide": (10.4, 3.9), "narrow": (4.6, 3.3)}
#: Inches on the left, on the right, below and above. (To have them found by Matplotlib takes longer than all the rest.)
_MARGINS = (0.55, 0.12, 0.5, 0.08)


@dataclass(frozen=True)
class Line:
    """A line with its 95% intervals, as shares: [points] each."""

    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Plot:
    """What is drawn: lines over a log axis, or over evenly spaced `places` when there are such.

    `levels` are shares that are dotted (chance), `marks` places on the log axis that are dashed, with what they say.
    """

    lines: Sequence[Line]
    x_label: str
    places: Sequence[str] = ()
    levels: Sequence[float] = ()
    marks: Mapping[float, str] = field(default_factory=dict)
    x_format: Callable[[float], str] = "{:g}".format


def drawn(plot: Plot, name: str) -> Markup:
    """The plot twice, for wide and for narrow screens; `name` tells its parts from those of other drawings."""
    return Markup("").join(
        Markup('<div class="drawn {}">{}</div>').format(size, _svg(plot, f"{name}-{size}", inches))
        for size, inches in _SIZES.items()
    )


def mark_of(number: int) -> str:
    """The mark of a line: colours come again after eight lines, and then have other marks."""
    return MARKS[(number + number // len(MARKS)) % len(MARKS)]


def swatch(number: int) -> Markup:
    """A line with its mark, for a legend."""
    from matplotlib.markers import MarkerStyle
    from matplotlib.transforms import Affine2D

    style = MarkerStyle(mark_of(number))
    outlines = style.get_path().transformed(style.get_transform() + Affine2D().scale(9, -9)).to_polygons()
    path = "".join("M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in np.asarray(outline)) + "z" for outline in outlines)
    return Markup(
        '<svg class="swatch line-{}" viewBox="-14 -8 28 16" width="28" height="16" aria-hidden="true">'
        '<line x1="-14" x2="14" y1="0" y2="0"></line><path d="{}"></path></svg>'
    ).format(number % len(_LINES), path)


def _svg(plot: Plot, name: str, inches: tuple[float, float]) -> Markup:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {
        "svg.fonttype": "none", "svg.hashsalt": name, "font.size": 9.5, "text.color": _INK, "axes.labelcolor": _INK,
        "xtick.color": _MUTED, "ytick.color": _MUTED, "axes.edgecolor": _RULE, "grid.color": _RULE,
    }  # fmt: skip
    with mpl.rc_context(settings):
        figure = Figure(figsize=inches)
        width, height = inches
        left, right, below, above = _MARGINS
        figure.subplots_adjust(left / width, below / height, 1 - right / width, 1 - above / height)
        _draw(figure.subplots(), plot)
        made = io.StringIO()
        figure.savefig(made, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inline(made.getvalue(), name)


def _draw(axes, plot: Plot) -> None:
    for number, line in enumerate(plot.lines):
        colour, dash = _LINES[number % len(_LINES)], "--" if number % len(_LINES) > 3 else "-"
        axes.fill_between(line.x, line.low, line.high, color=colour, alpha=0.13, linewidth=0)
        axes.plot(line.x, line.y, color=colour, linestyle=dash, marker=mark_of(number), markersize=5)
    for level in plot.levels:
        axes.axhline(level, color=_MUTED, linestyle=":", linewidth=1)
    if plot.places:
        axes.set_xlim(-0.4, len(plot.places) - 0.6)
        every = 1 + len(plot.places) // _MOST_LABELS  # long labels of many places would run into each other
        axes.set_xticks(range(0, len(plot.places), every), plot.places[::every])
    else:
        _log_axis(axes, plot)
    axes.set_ylim(-0.03, 1.04)
    axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1], ["0", "20", "40", "60", "80", "100"])
    axes.set_xlabel(plot.x_label)
    axes.set_ylabel("accuracy, %")
    axes.grid(linewidth=0.8)
    axes.tick_params(length=0)
    axes.spines[["top", "right"]].set_visible(False)


def _log_axis(axes, plot: Plot) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    axes.set_xscale("log")
    shown = [x for line in plot.lines for x in line.x] + list(plot.marks)
    low, high = min(shown) / 1.5, max(shown) * 1.5
    axes.set_xlim(min(low, high / 12), high)
    axes.xaxis.set_major_formatter(lambda x, _: plot.x_format(x))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if max(shown) < 100 * min(shown) else (1,)))
    axes.xaxis.set_minor_locator(NullLocator())
    for x, says in plot.marks.items():
        axes.axvline(x, color=_MUTED, linestyle="--", linewidth=1)
        axes.annotate(
            says, (x, 0.03), xycoords=("data", "axes fraction"), xytext=(-3, 0), textcoords="offset points",
            rotation=90, ha="right", va="bottom", size=8, color=_MUTED,
        )  # fmt: skip


def _inline(svg: str, name: str) -> Markup:
    """The drawing as part of a page: no prologue, ids of its own, and the theme's colours in place of stand-ins."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="([\w.]+_\d+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'^<svg[^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', svg, count=1)
    for stand_in, variable in _THEME.items():
        svg = svg.replace(stand_in, f"var({variable})")
    return Markup(svg)
