"""RUN/report.html: one run as one file that needs nothing else, on paper or in a browser, and asks no network.

Everything of the page lies in it: styles, the few scripts (named to the browser by their hashes; no other runs),
drawings as SVG. Its parts are those of the board's page of a model.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from ...base.files import write_text
from ..capture import captured, decayed
from ..distance import since_rows
from ..metrics import depth_rows
from ..plots import short_tokens
from ..records import Run, read_records
from ..summary import THRESHOLD, summary_rows
from .asked import COLUMNS, Asked, Surroundings, asked
from .build import with_entry
from .cells import Cell, cell_of
from .details import about, reasons
from .drawing import Line, Plot, drawn, swatch
from .entries import Entry, entry_of
from .pages import asset, environment
from .payload import depths_payload, island, payload

REPORT = "report.html"
#: Of the board's scripts those that a report has a use for, in order, and its own.
_SCRIPTS = ("format.js", "tip.js", "data.js", "grid.js", "depths.js", "copy.js", "report.js")
#: Columns of the records that capture, retention and reasons are counted from.
_KEPT = ["task", "length", "haystack_id", "correct", "status", "reason", "probes"]
_STYLES = ("style.css", "tables.css", "report.css")
#: What only a report loads.
OWN_ASSETS = ("report.js", "report.css")


def write_report(run: Run, rows: pd.DataFrame, surroundings: Surroundings | None = None) -> Path:
    """Write `report.html` into the folder of a run, and return its path.

    `rows` are the run's (metrics.run_rows). `surroundings` tells the facts of a sample with the text around them, for
    some of the questions that are shown; without it the report says how to see a whole text.
    """
    table = with_entry(rows)
    entry = entry_of(run.labels)
    data = _data(run, table, entry)
    records = read_records(run.folder, (*COLUMNS, "haystack_id"))
    shown = asked(run, rows, records, surroundings)
    answers = records.select(_KEPT).to_pandas()
    theme, scripts = asset("theme.js"), "\n".join(map(asset, _SCRIPTS))
    page = (
        environment()
        .get_template("report.html")
        .render(
            entry=entry,
            runs=[about(run.info)],
            reasons=reasons(answers),
            rows=[_row(row) for row in table.to_dict("records")],
            heads=_heads(table),
            swatch=swatch,
            threshold=f"{THRESHOLD:.0%}",
            tasks=list(dict.fromkeys(table["task"])),
            lengths=list(dict.fromkeys(table["length"])),
            curve=_curve(table, data["entries"][0]),
            scores=_scores(run, rows),
            since=_since(since_rows(run)),
            captured=_captured(captured(answers), decayed(answers), rows),
            asked=shown,
            passages=any(one.passages for one in shown),
            n_asked=len(run.answers),
            kinds=_kinds(shown),
            data=island(data),
            style=Markup("\n".join(map(asset, _STYLES))),
            theme=Markup(theme),
            scripts=Markup(scripts),
            hashes=[_hash(theme), _hash(scripts)],
        )
    )
    path = run.folder / REPORT
    write_text(path, page)
    return path


def _data(run: Run, table: pd.DataFrame, entry: Entry) -> dict[str, Any]:
    """What the scripts read: as on the board's page of a model."""
    depths = depth_rows(run)
    told = {} if depths.empty else depths_payload(with_entry(depths))
    return payload(table, [entry]) | {"ranked": {"rows": [], "scores": []}, "pages": {}, "depths": told}


def _hash(script: str) -> str:
    """What a content security policy calls a script that may run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _row(row: dict[Any, Any]) -> dict[str, Any]:
    """A row of the table of results, for people."""
    return {
        "task": row["task"],
        "length": row["length"],
        "tokens": _count(row["n_tokens"]),
        "segments": _count(row["segments"]),
        "n": _count(row["n"]),
        "accuracy": cell_of(row),
        "chance": _percent(row["chance"]),
        "errors": _count(row["n_error"]),
        "skipped": _count(row["n_skipped"]),
        "speed": _count(row["tokens_per_second"]),
        "state": _size(row["state_bytes"]),
        "memory": _size(row["peak_memory_bytes"]),
    }


def _heads(table: pd.DataFrame) -> dict[str, str]:
    """What the columns after the accuracy are called; errors and skipped questions are shown where there are any."""
    failed = {"errors": "n_error", "skipped": "n_skipped"}
    some = {name: name.capitalize() for name, column in failed.items() if table[column].fillna(0).any()}
    cost = {"speed": "Tokens/s", "state": "State", "memory": "Peak memory"}
    return {"chance": "Chance", "n": "n", **some, "tokens": "Tokens", "segments": "Segments", **cost}


def _curve(table: pd.DataFrame, trained: dict[str, Any]) -> dict[str, Any] | None:
    """Accuracy by length: the drawing, and the tasks that have a line in it; None where nothing was answered."""
    asked_at = table[table["accuracy"].notna() & table["n_tokens"].notna()]
    if asked_at.empty:
        return None
    lines = [
        _line(group["n_tokens"].astype(float).clip(lower=1), group) for _, group in asked_at.groupby("task", sort=False)
    ]
    marks = {
        float(max(1, trained[name])): f"{says} in training"
        for name, says in (("gradient", "longest gradient"), ("memory", "longest text"))
        if trained.get(name)
    }
    plot = Plot(
        lines, "length of the text with its question, in tokens (log scale)", levels=_chances(asked_at), marks=marks,
        x_format=short_tokens,
    )  # fmt: skip
    return {"drawing": drawn(plot, "curve"), "tasks": list(dict.fromkeys(asked_at["task"]))}


def _line(x: Sequence[float] | pd.Series, group: pd.DataFrame) -> Line:
    shares = (group[name].astype(float).tolist() for name in ("accuracy", "ci_low", "ci_high"))
    return Line(list(x), *shares)


def _chances(rows: pd.DataFrame) -> list[float]:
    return sorted(set(rows["chance"].dropna().astype(float).round(3)))


def _since(rows: pd.DataFrame) -> dict[str, Any] | None:
    """Accuracy by distance: the drawing, and a table with a row for each task; None where no distance is known."""
    if rows.empty:
        return None
    parts = rows[["since_low", "since_high"]].drop_duplicates().sort_values("since_low")
    names = [_span(low, high) for low, high in parts.itertuples(index=False)]
    place = {low: number for number, low in enumerate(parts["since_low"])}
    lines, table = [], []
    for task, group in rows.groupby("task", sort=False):
        at = [place[low] for low in group["since_low"]]
        lines.append(_line(at, group))
        cells: list[Cell | None] = [None] * len(names)
        for number, row in zip(at, group.to_dict("records"), strict=True):
            cells[number] = cell_of(row)
        table.append((task, cells))
    label = "segments read since the last fact that the answer needs"
    return {"drawing": drawn(Plot(lines, label, places=names, levels=_chances(rows)), "since"),
            "tasks": [task for task, _ in table], "names": names, "table": table}  # fmt: skip


def _span(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def _captured(shares: pd.DataFrame, decay: pd.DataFrame, rows: pd.DataFrame) -> dict[str, Any] | None:
    """Capture and retention as cells, and accuracy at each distance of a probe; None where the run was not probed."""
    if decay.empty:
        return None
    order = {cell: number for number, cell in enumerate(zip(rows["task"], rows["length"], strict=True))}
    distances = sorted(set(decay["distance"]))
    at: dict[tuple[str, str], dict[int, Cell | None]] = {}
    for row in decay.to_dict("records"):
        at.setdefault((row["task"], row["length"]), {})[row["distance"]] = cell_of(row)
    names = ("capture", "retention", "recovery", "accuracy")
    parts = {
        (row["task"], row["length"]): (row["n"], [cell_of(row | {"n": None}, _ends(name)) for name in names])
        for row in shares.to_dict("records")
    }
    places = sorted(at, key=order.__getitem__)
    return {
        "names": names,
        "shares": [(*place, *parts[place]) for place in places if place in parts],
        "distances": distances,
        "decay": [(*place, [at[place].get(distance) for distance in distances]) for place in places],
    }


def _ends(name: str) -> tuple[str, str, str]:
    """A share and the ends of its interval, as the tables call them."""
    return name, f"{name}_low", f"{name}_high"


def _scores(run: Run, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """What each task's curve comes to."""
    found, _ = summary_rows(run, rows)
    return [
        {
            "task": row["task"],
            "score": cell_of(row, _ends("curve_score")),
            "effective": row["effective_length"] or "none",
            "retention": _interval(row, "retention", "{:.5f}".format),
            "half_life": _half_life(row),
        }
        for row in found.to_dict("records")
    ]


def _interval(row: dict[Any, Any], name: str, form: Any) -> str:
    values = [row[part] for part in _ends(name)]
    return "{} ({}–{})".format(*map(form, values)) if all(map(_known, values)) else "–"


def _half_life(row: dict[Any, Any]) -> str:
    def told(tokens: float) -> str:
        return "∞" if math.isinf(tokens) else short_tokens(float(f"{tokens:.3g}"))

    values = [row[name] for name in ("half_life_tokens", "half_life_low", "half_life_high")]
    return "{} ({}–{})".format(*map(told, values)) if all(map(_known, values)) else "–"


def _kinds(shown: Sequence[Asked]) -> dict[str, list[str]]:
    """What the shown questions can be filtered by."""
    return {name: list(dict.fromkeys(getattr(one, name) for one in shown)) for name in ("task", "length", "verdict")}


def _known(value: Any) -> bool:
    return not pd.isna(value)


def _count(value: Any) -> str:
    return f"{round(value):,}" if _known(value) else "–"


def _percent(value: Any) -> str:
    return f"{value:.1%}" if _known(value) else "–"


def _size(value: Any) -> str:
    if not _known(value):
        return "–"
    for size, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{round(value)} B"
