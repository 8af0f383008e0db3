"""FLOPs against length as a picture, in the manner of figure 3 of the RMT report. Knows costs, no models."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from ..base.files import atomic_path
from .flops import Cost


def plot_costs(costs: Sequence[Cost], path: str | Path, title: str) -> None:
    """Draw one colour a model: full attention as a line, segments dashed, and the ratio at the longest text, as a PNG.

    `costs` hold each model's lengths one after the other.
    """
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 5.6), layout="constrained")
    models = [(model, sorted(group, key=lambda one: one.tokens)) for model, group in groupby(costs, lambda c: c.model)]
    for number, (model, points) in enumerate(models):
        colour = plt.get_cmap("viridis")(number / max(len(models), 2))
        tokens, last = [one.tokens for one in points], points[-1]
        axes.plot(tokens, [one.full for one in points], "-o", color=colour, markersize=4, label=model)
        axes.plot(tokens, [one.segmented for one in points], "--", color=colour)
        axes.annotate(
            f"{last.ratio:.3g} times", (last.tokens, last.full),
            xytext=(6, 0), textcoords="offset points", va="center", color=colour, size=9,
        )  # fmt: skip
    axes.plot([], [], "-", color="0.3", label="full attention")
    axes.plot([], [], "--", color="0.3", label="in segments")
    axes.set(
        xscale="log", yscale="log", xlabel="tokens read (log scale)", ylabel="FLOPs of the forward pass (log scale)"
    )
    axes.set_title(title, loc="left", size=10)
    axes.margins(x=0.1)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})
    plt.close(figure)
