"""The rows of the board: who was asked, and how. One entry is one model as it was asked once.

That is: with one prompt, one scorer, one source and one set of samples. A board may hold several of one model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from .names import file_name, shown

#: The columns that tell entries apart; a table may lack all but the first.
IDENTITY = ("model", "prompt", "scorer", "source", "dataset")


@dataclass(frozen=True, order=True)
class Entry:
    """One model as it was asked and scored; a part that nothing is known of is empty."""

    model: str
    prompt: str = ""
    scorer: str = ""
    source: str = ""
    dataset: str = ""

    @cached_property
    def id(self) -> str:
        """What names it in links, and what its page is called."""
        return file_name(self.model, self.prompt, self.scorer, self.source, self.dataset)


def entry_of(values: Mapping[str, Any]) -> Entry:
    """The entry that a row of a table, or what a run says of itself, belongs to."""
    return Entry(*(_text(values.get(column)) for column in IDENTITY))


def entries_of(table: pd.DataFrame) -> pd.Series:
    """The entry of each row of `table`."""
    columns = [column for column in IDENTITY if column in table]
    known: dict[tuple[Any, ...], Entry] = {}
    rows: Iterable[tuple[Any, ...]] = table[columns].astype(object).itertuples(index=False, name=None)
    found = [known.setdefault(row, entry_of(dict(zip(columns, row, strict=True)))) for row in rows]
    return pd.Series(found, index=table.index, dtype=object)


def _text(value: object) -> str:
    return shown(str(value)) if value is not None and value == value and value is not pd.NA else ""
