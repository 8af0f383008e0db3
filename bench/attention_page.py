"""Attention as pictures: a PNG of heat maps, and one self-contained page to look closer. Knows looks, no models."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..base.files import atomic_path, write_text
from .attention import Look, Operation, Segment, views

_TEMPLATE = Path(__file__).parent / "data" / "attention.html.jinja"
#: What marks a position on the axes.
COLOURS = {
    "memory": "#2f6db3",
    "written": "#1f8a8a",
    "answer": "#7b4fa3",
    "separator": "#8a9097",
    "text": "#e4e6e8",
    "fact": "#d9631e",
    "question": "#2e8b57",
}
#: What the operations are, in words.
MEANING = {
    "wait": "memory to memory, before any fact",
    "write": "memory to the fact, where there is one",
    "keep": "memory to memory, after a fact",
    "own": "each memory token to itself, after a fact",
    "read": "question to memory, the facts in earlier segments",
    "answer": "the position that answers to memory, the same",
}
#: Cells of heat maps that a page holds, at a byte each: with more, it shows layers only, or all heads in the mean.
_CELLS = 6_000_000


def plot_look(look: Look, operations: Sequence[Operation], path: str | Path, title: str) -> None:
    """Draw a row of heat maps, one for each segment: of all heads in the mean, and of each operation's strongest head.

    Rows are queries, columns are keys; strips along both say what stands there. Darker is more, on a square-root scale
    that the maps of a row share.
    """
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    rows = [("all layers and heads", -1, -1)]
    for name in ("write", "keep", "read"):
        one = next(operation for operation in operations if operation.name == name)
        if one.n:
            rows.append((f"{name}: layer {one.layer + 1}, head {one.head + 1}", one.layer, one.head))
    count = len(look.segments)
    figure, panels = plt.subplots(
        len(rows), count, figsize=(3.1 * count + 0.8, 3.3 * len(rows) + 1.0), layout="constrained", squeeze=False
    )
    for line, (name, layer, head) in zip(panels, rows, strict=True):
        maps = [one.weights.mean((0, 1)) if layer < 0 else one.weights[layer, head] for one in look.segments]
        top = max(float(weights.max()) for weights in maps)
        for axes, segment, weights in zip(line, look.segments, maps, strict=True):
            axes.imshow(np.sqrt(weights), cmap="magma_r", vmin=0, vmax=top**0.5, interpolation="nearest")
            _strips(axes, segment)
        line[0].set_ylabel(f"{name}\n(at most {top:.2f})", size=9)
    for number, axes in enumerate(panels[0]):
        asked = " with the question" if look.segments[number].asking else ""
        axes.set_title(f"segment {number + 1}{asked}", size=10, pad=18)
    used = [tag for tag in COLOURS if any(tag in segment.tags for segment in look.segments)]
    handles = [mpl.patches.Patch(color=COLOURS[tag], label=tag) for tag in used]  # type: ignore[attr-defined]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    figure.suptitle(title, x=0.01, ha="left", size=11)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})
    plt.close(figure)


def _strips(axes: Any, segment: Segment) -> None:
    """Colour each position, above the map for keys and left of it for queries."""
    size = len(segment.tags)
    width = 0.035 * size
    for position, tag in enumerate(segment.tags):
        for corner, wide, high in (
            ((position - 0.5, -0.5 - 1.4 * width), 1, width),
            ((-0.5 - 1.4 * width, position - 0.5), width, 1),
        ):
            axes.add_patch(_rectangle(corner, wide, high, COLOURS[tag]))
    axes.set(xticks=[], yticks=[], xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5))
    axes.spines[:].set_visible(False)


def _rectangle(corner: tuple[float, float], width: float, height: float, colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(corner, width, height, color=colour, linewidth=0, clip_on=False)


def write_page(look: Look, operations: Sequence[Operation], path: str | Path, context: dict[str, Any]) -> None:
    """Write the page, which needs nothing but itself. `context` has `model`, `task`, `command` and `date` as text."""
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    shown = _shown(look.segments)
    segments = [
        {
            "tags": segment.tags,
            "words": segment.words,
            "maps": {name: _packed(weights) for name, weights in views(segment) if name in shown},
        }
        for segment in look.segments
    ]
    # What a script element holds ends at the first `</`, whatever stands around it.
    data = json.dumps({"segments": segments, "colours": COLOURS}).replace("</", "<\\/")
    everything = {
        **context,
        "look": look,
        "operations": operations,
        "meaning": MEANING,
        "colours": {tag: colour for tag, colour in COLOURS.items() if any(tag in one.tags for one in look.segments)},
        "views": shown,
        "whole": len(shown) == len(list(views(look.segments[0]))),
        "data": data,
    }
    write_text(path, template.render(**everything))


def _shown(segments: Sequence[Segment]) -> list[str]:
    """The names of as many maps as the page has room for."""
    cells = sum(len(segment.tags) ** 2 for segment in segments)
    layers, heads = segments[0].weights.shape[:2]
    names = [name for name, _ in views(segments[0])]
    room = next((count for count in (1 + layers + layers * heads, 1 + layers) if count * cells <= _CELLS), 1)
    return names[:room]


def _packed(weights: np.ndarray) -> str:
    """A map as bytes in base64, row by row: 255 times the root of each weight, so that small ones are told apart."""
    return base64.b64encode(np.round(255 * np.sqrt(weights)).astype(np.uint8).tobytes()).decode()
