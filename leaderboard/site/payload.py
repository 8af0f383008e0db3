"""What the scripts of a page read: a table as compact JSON, whole columns side by side.

    {"entries": [{"id": ..., "model": ...}], "tasks": ["qa1"], "lengths": [{"label": "4k", "tokens": 4005}],
     "rows": {"entry": [0, 0, 1], "task": [0, 0, 0], "length": [0, 1, 0], "accuracy": [9200, 8750, null], ...},
     "scores": {"entry": [0, 1], "task": [0, 0], "curve_score": [9100, 3300], ...}}

Shares are in ten-thousandths; what is unknown is null, without end "inf"; `effective` is a place in `lengths`. A column
with one value throughout is that value alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from ..metrics import DEPTHS
from .entries import Entry

_SHARES = ("accuracy", "ci_low", "ci_high", "chance")
_COUNTS = (
    "n", "correct", "n_tokens", "rank_low", "rank_high", "n_error", "n_skipped", "tokens_per_second", "state_bytes",
    "peak_memory_bytes", "peak_device_bytes", "flops_per_token",
)  # fmt: skip
#: Columns of the table of scores (schema.SUMMARY), those that are shares and those that are not.
_SCORE_SHARES = ("curve_score", "curve_score_low", "curve_score_high", "threshold")
_SCORE_COUNTS = (
    "rank_low", "rank_high", "half_life_tokens", "half_life_low", "half_life_high", "shortest_tokens", "longest_tokens",
)  # fmt: skip


def payload(table: pd.DataFrame, entries: Sequence[Entry], scores: pd.DataFrame | None = None) -> dict[str, Any]:
    """The rows of `table` (with its column `entry`) and of `scores`, for `entries` in their order."""
    tasks = list(dict.fromkeys(table["task"].astype(str)))
    lengths = length_order(table)
    places = {
        "entry": {entry: number for number, entry in enumerate(entries)},
        "task": {task: number for number, task in enumerate(tasks)},
        "length": {label: number for number, label in enumerate(lengths.index)},
    }
    trained = _trained(table)
    return {
        "entries": [_entry(entry, trained.get(entry, {})) for entry in entries],
        "tasks": tasks,
        "lengths": [{"label": str(label), "tokens": _whole(tokens)} for label, tokens in lengths.items()],
        "rows": {**_placed(table, places), **_columns(table, _SHARES, _COUNTS)},
        "scores": None if scores is None else _scores(scores, places),
    }


def depths_payload(depths: pd.DataFrame) -> dict[str, dict[str, dict[int, list[Any]]]]:
    """Accuracy by depth, by task, length and tenth of the text: n, correct, ends of the interval."""
    found: dict[str, dict[str, dict[int, list[Any]]]] = {}
    for row in depths.to_dict("records"):
        parts = found.setdefault(row["task"], {}).setdefault(row["length"], {})
        ends = [_whole(np.rint(row[end] * 10_000)) for end in ("ci_low", "ci_high")]
        parts[round(row["depth_low"] * DEPTHS)] = [row["n"], row["correct"], *ends]
    return found


def length_order(table: pd.DataFrame) -> pd.Series:
    """The lengths of `table`, shortest first: by label, the median of their tokens."""
    medians = table.groupby(table["length"].astype(str), sort=False)["n_tokens"].median()
    return medians.sort_values(kind="stable", na_position="last")


def island(value: Any) -> Markup:
    """`value` as JSON that can stand inside a <script> element: nothing in it can end the element or open a comment."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _entry(entry: Entry, trained: dict[str, int | str | None]) -> dict[str, Any]:
    return {"id": entry.id} | asdict(entry) | trained


def _trained(table: pd.DataFrame) -> dict[Entry, dict[str, int | str | None]]:
    """How many tokens training saw, where a model says so: in the longest gradient, and in the longest memory."""
    found: dict[Entry, dict[str, int | str | None]] = {}
    for name, column in (("gradient", "trained_segments"), ("memory", "trained_memory_segments")):
        if column not in table or "segments" not in table:
            continue
        known = table.dropna(subset=[column, "n_tokens", "segments"])
        known = known[known["segments"] > 0].drop_duplicates("entry", keep="last")
        tokens = known["n_tokens"].astype(float) / known["segments"].astype(float) * known[column].astype(float)
        for entry, count in zip(known["entry"], tokens, strict=True):
            found.setdefault(entry, {})[name] = _whole(count)
    return found


def _placed(table: pd.DataFrame, places: dict[str, dict[Any, int]]) -> dict[str, Any]:
    return {
        "entry": [places["entry"][entry] for entry in table["entry"]],
        "task": [places["task"][task] for task in table["task"].astype(str)],
        "length": [places["length"][label] for label in table["length"].astype(str)],
    }


def _scores(scores: pd.DataFrame, places: dict[str, dict[Any, int]]) -> dict[str, Any]:
    here = scores[scores["entry"].isin(places["entry"]) & scores["task"].astype(str).isin(places["task"])]
    at: dict[str, list[int | None]] = {
        "entry": [places["entry"][entry] for entry in here["entry"]],
        "task": [places["task"][task] for task in here["task"].astype(str)],
    }
    if "effective_length" in here:
        at["effective"] = [places["length"].get(label) for label in here["effective_length"]]
    return {**at, **_columns(here, _SCORE_SHARES, _SCORE_COUNTS)}


def _columns(table: pd.DataFrame, shares: Sequence[str], counts: Sequence[str]) -> dict[str, Any]:
    made = {name: _wholes(table[name], 10_000) for name in shares if name in table}
    made |= {name: _wholes(table[name]) for name in counts if name in table}
    return {name: values[0] if len(set(values)) == 1 else values for name, values in made.items()}


def _wholes(column: pd.Series, scale: int = 1) -> list[int | str | None]:
    """The numbers of a column, times `scale`, as whole ones; what is no number is None."""
    scaled = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=math.nan) * scale
    return [_whole(value) for value in np.rint(scaled).tolist()]


def _whole(value: float) -> int | str | None:
    if math.isfinite(value):
        return round(value)
    return "inf" if value == math.inf else None
