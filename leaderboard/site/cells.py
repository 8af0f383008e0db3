"""A share as a cell of a table: its value, its interval beneath, a tint. What assets/grid.js makes, without scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Cell:
    """`level` is the strength of the tint, 0 to 20; `chance` says that guessing would do as well; `n` may be empty."""

    value: str
    interval: str
    level: int
    chance: bool
    n: str


def cell_of(row: Mapping[Any, Any], share_low_high: Sequence[str] = ("accuracy", "ci_low", "ci_high")) -> Cell | None:
    """The cell of a share and its interval, by their names in `row`, which may have `chance` and `n`.

    None where the share is unknown.
    """
    share, low, high = (row[name] for name in share_low_high)
    if pd.isna(share):
        return None
    known = not (pd.isna(low) or pd.isna(high))
    chance, n = row.get("chance"), row.get("n")
    return Cell(
        value=f"{100 * share:.1f}",
        interval=f"{round(100 * low)}–{round(100 * high)}" if known else "",
        level=max(0, min(20, round(20 * share))),
        chance=known and not pd.isna(chance) and low <= chance <= high,
        n="" if pd.isna(n) else f"{n:,}",
    )
