"""What was odd about a run's answers, and how often: cut, empty, without a label. Knows records only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pandas as pd

_FIGURE = re.compile(r"\d[\d,]*")
#: Kinds of remarks that are shown; there are rarely more.
_SHOWN = 6


def remarks(records: pd.DataFrame) -> dict[str, int]:
    """How many of the questions that were answered or skipped have each remark, most frequent first.

    Remarks that differ in their figures only ("cut at 64 tokens") count as one, with those figures of the first.
    """
    told: Counter[str] = Counter()
    first: dict[str, str] = {}
    for remark in _each(records):
        kind = first.setdefault(_FIGURE.sub("0", remark), remark)
        told[kind] += 1
    return dict(told.most_common(_SHOWN))


def _each(records: pd.DataFrame) -> Iterator[str]:
    for status, reason in zip(records["status"], records["reason"], strict=True):
        if status == "skipped":
            yield f"skipped: {reason}"
        elif status != "error":
            yield from filter(None, reason.split(", "))
