"""Tables as files: CSV that no spreadsheet executes, the wide table, and a description of every column beside them."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pandas as pd

from ..base.files import atomic_path, write_json, write_text
from .schema import KEY, LONG, SUMMARY, VERSION, Column, as_markdown

#: What makes a spreadsheet take a cell for a formula, in ASCII and as East Asian full-width characters.
_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
_SHARES = (
    "accuracy",
    "ci_low",
    "ci_high",
    "chance",
    "answer_seconds",
    "curve_score",
    "curve_score_low",
    "curve_score_high",
)
_FINE = ("retention", "retention_low", "retention_high")
_ROUNDED = ("half_life_tokens", "half_life_low", "half_life_high")
_UNITS = {"": 1, "k": 1_000, "ki": 1_024, "m": 1_000_000, "mi": 1_048_576}
_LENGTH = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ki|mi|k|m|)", re.IGNORECASE)


def harmless(text: str) -> str:
    """A cell that a spreadsheet shows and never executes, on one line.

    What looks like a formula, behind white space or marks that are not seen too, gets an apostrophe before it; control
    characters become spaces, and what is no valid Unicode a question mark.
    """
    text = valid_text(text)
    text = "".join(" " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter for letter in text)
    return f"'{text}" if is_formula(text) else text


def valid_text(text: str) -> str:
    """`text` with a question mark for what no file in UTF-8 can hold: halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode("utf-8")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet might take a cell for a formula."""
    for letter in text:
        if letter in _FORMULA:
            return True
        if not letter.isspace() and unicodedata.category(letter) not in ("Cc", "Cf"):
            return False
    return False


def nominal_tokens(length: str) -> int | None:
    """The tokens that a length's name stands for: `4k` is 4000; None for one that is no number of tokens (`7seg`)."""
    match = _LENGTH.fullmatch(length)
    return round(float(match[1]) * _UNITS[match[2].lower()]) if match else None


def write_csv(table: pd.DataFrame, path: str | Path) -> None:
    """A table as CSV: UTF-8, `\\n`, four decimals for shares and seconds, empty where there is no number."""
    shown = table.copy()
    for column in shown:
        if column in _SHARES:
            shown[column] = shown[column].astype(float).round(4)
        elif column in _FINE:
            shown[column] = shown[column].astype(float).round(8)
        elif column in _ROUNDED:
            shown[column] = shown[column].astype(float).round(0)
        elif not pd.api.types.is_numeric_dtype(shown[column]):
            shown[column] = shown[column].map(lambda cell: harmless(cell) if isinstance(cell, str) else cell)
    shown.columns = [harmless(str(column)) for column in shown.columns]
    with atomic_path(path) as temporary:
        shown.to_csv(temporary, index=False, lineterminator="\n")


def wide(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per model and task, one column per length, accuracies in percent: as BABILong's `all_results.csv`.

    The first columns and the names of the lengths are as there (no filler is `0k`); what else tells rows apart comes
    last. A length that was not asked is empty, not -1; there are no rows of means, since tables with holes have none.
    """
    named = rows.assign(
        length=["0k" if nominal_tokens(str(length)) == 0 else str(length) for length in rows["length"]],
        percent=(100 * rows["accuracy"]).round(2),
    ).rename(columns={"model": "model_name"})
    first = named.drop_duplicates("length")
    nominal = pd.Series([nominal_tokens(str(length)) for length in first["length"]], index=first.index, dtype=float)
    size = nominal.fillna(first["n_tokens"].astype(float))
    lengths = first["length"].iloc[size.argsort(kind="stable")].tolist()
    labels = ["model_name", "task", *(name for name in KEY if name not in ("model", "task", "length"))]
    cells = named.drop_duplicates([*labels, "length"]).set_index([*labels, "length"])["percent"].unstack("length")
    table = cells.reindex(columns=lengths).reindex(pd.MultiIndex.from_frame(named[labels].drop_duplicates()))
    return table.reset_index()[["model_name", "task", *lengths, *labels[2:]]]


def describe_files(folder: Path) -> None:
    """Write README.md and datapackage.json: what every column of the tables says, for people and for machines."""
    files = {"leaderboard.csv": LONG, "summary.csv": SUMMARY}
    parts = [
        "# Leaderboard\n",
        f"Schema version {VERSION}. Made by rmt-bench; docs/leaderboard.md there says how to read it.\n",
    ]
    for name, columns in files.items():
        parts.append(f"## {name}\n\n{as_markdown(columns)}\n")
    write_text(folder / "README.md", "\n".join(parts))
    resources = [
        {
            "name": Path(name).stem, "path": name, "profile": "tabular-data-resource", "encoding": "utf-8",
            "schema": {"fields": [_field(column) for column in columns], "missingValues": [""]},
        }
        for name, columns in files.items()
    ]  # fmt: skip
    package = {"name": "rmt-bench-leaderboard", "version": str(VERSION), "resources": resources}
    write_json(folder / "datapackage.json", package)


def _field(column: Column) -> dict[str, object]:
    field: dict[str, object] = {"name": column.name, "type": column.kind, "description": column.meaning}
    return {**field, "constraints": {"required": True}} if column.required else field
