"""Is a submitted leaderboard.csv sound? Every line that is not is named, with what is wrong. The file is streamed.

A cell is checked for its type; a row for what must agree in it (correct <= n, accuracy = correct / n, the interval);
the file for columns that are missing, misspelt or doubled, and for rows that say the same thing twice.
"""

from __future__ import annotations

import array
import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.errors import UserError, did_you_mean
from .intervals import wilson
from .schema import COLUMNS, KEY, LONG, Column
from .tables import is_formula, nominal_tokens

#: The longest line that is read: a longer one is no row of a leaderboard.
_LONGEST = 1 << 20
#: Half a unit of the fourth decimal, which is what leaderboard.csv is rounded to.
_ROUNDING = 0.5e-4 + 1e-9
_SHARES = ("accuracy", "ci_low", "ci_high", "chance")
_SEGMENTS = re.compile(r"[0-9]+seg")
_BY_NAME = {column.name: column for column in LONG}


@dataclass(frozen=True)
class Finding:
    """What is wrong, and in which line of the file (the header is line 1)."""

    line: int
    message: str


def validate(path: str | Path) -> Iterator[Finding]:
    """Everything that is wrong with a leaderboard file, line by line; rows that are doubled come last.

    Raises `UserError` when it is no such file at all: no text, no CSV, a required column missing.
    """
    file = Path(path)
    if not file.is_file():
        raise UserError(f"no such file: {file}")
    with file.open("r", encoding="utf-8-sig", errors="strict", newline="") as text:
        rows = csv.reader(_lines(text, file), strict=True)
        header = next(_rows(rows, file), None)
        if header is None:
            raise UserError(f"{file} is empty; a leaderboard begins with a header: {','.join(COLUMNS[:3])},...")
        names = header[1]
        yield from (Finding(1, message) for message in _header(names, file))
        yield from _Checker(names).check(_rows(rows, file))


def _lines(text: Iterator[str], file: Path) -> Iterator[str]:
    """Lines of bounded length. Raises `UserError` when the file is no text, or has no lines."""
    number = 0
    while True:
        number += 1
        try:
            line = text.readline(_LONGEST)  # type: ignore[attr-defined]
        except UnicodeDecodeError as error:
            raise UserError(f"{file} is no CSV: it is not UTF-8 text (around line {number}: {error.reason})") from error
        if len(line) == _LONGEST and not line.endswith("\n"):
            raise UserError(f"{file} is no leaderboard: line {number} is longer than {_LONGEST:,} characters")
        if not line:
            return
        yield line


def _rows(rows, file: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of their last line."""
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise UserError(f"{file} is no CSV: line {rows.line_num}: {error}") from error
        if row is None:
            return
        if row:
            yield rows.line_num, row


def _header(names: Sequence[str], file: Path) -> Iterator[str]:
    for column in LONG:
        if column.required and column.name not in names:
            raise UserError(
                f"{file} is no leaderboard: it has no column {column.name!r}"
                f"{did_you_mean(column.name, names)}; see: docs/leaderboard.md"
            )
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"column {name!r} stands there {names.count(name)} times"
        if name not in COLUMNS:
            yield f"unknown column {name[:80]!r}{did_you_mean(name, COLUMNS)}"


class _Checker:
    """The rows of a file with these columns."""

    def __init__(self, names: Sequence[str]):
        self._names = names
        self._columns = [_BY_NAME.get(name) for name in names]
        self._key = [names.index(name) for name in KEY if name in names]
        self._keys, self._at = array.array("q"), array.array("q")

    def check(self, rows: Iterator[tuple[int, list[str]]]) -> Iterator[Finding]:
        """What is wrong with the rows."""
        for line, row in rows:
            if len(row) != len(self._names):
                yield Finding(line, f"{len(row)} cells, the header has {len(self._names)}")
                continue
            self._keys.append(hash(tuple(row[place] for place in self._key)))
            self._at.append(line)
            for message in self._row(row):
                yield Finding(line, message)
        yield from self._doubled()

    def _row(self, row: Sequence[str]) -> Iterator[str]:
        numbers: dict[str, float] = {}
        given = {name for name, cell in zip(self._names, row, strict=True) if cell}
        for column, name, cell in zip(self._columns, self._names, row, strict=True):
            if column is None or column.kind == "string":
                yield from _text_cell(column, name, cell)
            elif cell:
                message = _number_cell(column, cell, numbers)
                if message:
                    yield message
        if not (given >= {"n", "correct"} or "accuracy" in given):
            yield "neither n and correct nor an accuracy is given"
        yield from _agreement(numbers)

    def _doubled(self) -> Iterator[Finding]:
        keys, at = np.frombuffer(self._keys, dtype=np.int64), np.frombuffer(self._at, dtype=np.int64)
        order = np.argsort(keys, kind="stable")
        same = np.flatnonzero(keys[order][1:] == keys[order][:-1])
        for first, second in sorted((int(at[order[i + 1]]), int(at[order[i]])) for i in same):
            yield Finding(first, f"says the same as line {second}: one model, task and length, twice")


def _text_cell(column: Column | None, name: str, cell: str) -> Iterator[str]:
    if cell and is_formula(cell):
        yield f"{name} begins as a formula does: {cell[:40]!r}; put an apostrophe before it"
    if column is None:
        return
    if column.required and not cell.strip():
        yield f"{name} is empty"
    elif name == "length" and nominal_tokens(cell) is None and not _SEGMENTS.fullmatch(cell):
        yield f"length {cell[:40]!r} is none: write 0, 512, 4k, 4Ki, 2M or 7seg"


def _number_cell(column: Column, cell: str, numbers: dict[str, float]) -> str:
    """What is wrong with a cell that holds a number; one that does is added to `numbers`."""
    try:
        value = float(cell)
    except ValueError:
        return f"{column.name} is no number: {cell[:40]!r}"
    if "_" in cell or cell != cell.strip() or not cell.isascii():  # what Python takes for a number, and others do not
        return f"{column.name} is no plain number: {cell[:40]!r}"
    if not math.isfinite(value):
        return f"{column.name} is {cell[:40]}: leave the cell empty where there is no number"
    if value < 0:
        return f"{column.name} is negative: {cell[:40]}"
    if column.kind == "integer" and value != int(value):
        return f"{column.name} is no whole number: {cell[:40]}"
    if column.name in _SHARES and value > 1:
        return f"{column.name} is above 1: {cell[:40]}"
    numbers[column.name] = value
    return ""


def _agreement(told: Mapping[str, float]) -> Iterator[str]:
    """What does not agree within a row."""
    n, correct, accuracy = told.get("n"), told.get("correct"), told.get("accuracy")
    low, high = told.get("ci_low"), told.get("ci_high")
    if n is not None and correct is not None and correct > n:
        yield f"correct is {correct:.0f} of n = {n:.0f}"
    elif n and correct is not None:
        if accuracy is not None and abs(accuracy - correct / n) > _ROUNDING:
            yield f"accuracy is {accuracy:g}, correct / n is {correct / n:.4f}"
        if low is not None and high is not None and told.get("n_haystacks", -1) == n:
            right = wilson(correct, n)
            if max(abs(low - right[0]), abs(high - right[1])) > 2 * _ROUNDING:
                told_by = f"Wilson's of {correct:.0f} of {n:.0f} is {right[0]:.4f} to {right[1]:.4f}"
                yield f"the interval is {low:g} to {high:g}; {told_by}"
    if (
        accuracy is not None
        and low is not None
        and high is not None
        and not low - _ROUNDING <= accuracy <= high + _ROUNDING
    ):
        yield f"accuracy {accuracy:g} is outside its interval, {low:g} to {high:g}"
    if told.get("rank_low", 1) < 1 or told.get("rank_low", 1) > told.get("rank_high", math.inf):
        yield "ranks begin at 1, and rank_low is no larger than rank_high"
