"""The board: runs side by side, ranked, as tables in a folder. Knows only runs.

SITE/leaderboard.csv        one row per model, task and length (schema.LONG)
SITE/leaderboard_wide.csv   one row per model and task, a column per length, percent: as BABILong's all_results.csv
SITE/summary.csv            one row per model and task: what its curve comes to (schema.SUMMARY)
SITE/curves.parquet         leaderboard.csv with all its digits; depths.parquet the same by depth of the fact
SITE/README.md, datapackage.json    what each column says
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..base.errors import UserError
from ..base.files import atomic_path
from .compare import Entrant, rank_ranges, ranks_of
from .head_to_head import entrants
from .metrics import depth_rows, run_rows
from .plots import plot_curves
from .records import Run, find_runs, read_run
from .schema import COLUMNS, KEY, VERSION
from .summary import THRESHOLD, Score, score_gaps, summary_rows
from .tables import describe_files, harmless, wide, write_csv

if TYPE_CHECKING:
    from .site.asked import Surroundings

#: Rows of these columns in common are compared and ranked: the same question, judged by the same rule.
_CELL = ["task", "length", "scorer", "dataset"]


@dataclass(frozen=True)
class Board:
    """Runs side by side. `rows` has the columns of `schema.LONG`, `summary` those of `schema.SUMMARY`, unrounded.

    `depths` has the columns of `schema.KEY`, then run, depth_low, depth_high, n, correct, accuracy, ci_low, ci_high.
    `runs` holds for each run its folder's name and what its run.json says.
    """

    rows: pd.DataFrame
    summary: pd.DataFrame
    depths: pd.DataFrame
    runs: list[dict[str, Any]]


def conclude_run(folder: str | Path, surroundings: Surroundings | None = None) -> pd.DataFrame:
    """Write `curve.csv`, `curve.png` and `report.html` into a finished run, and return the curve.

    `surroundings` tells the facts of a sample with the text around them, for the report; this room has no text.
    """
    from .site.report import write_report

    run = read_run(folder)
    table = run_rows(run)
    write_csv(table, run.folder / "curve.csv")
    plot_curves(table, run.folder / "curve.png")
    write_report(run, table, surroundings)
    return table


def make_board(
    runs: Sequence[str | Path],
    scorer: str = "strict",
    threshold: float = THRESHOLD,
    on_run: Callable[[Run], None] = lambda run: None,
) -> Board:
    """The board of all `runs`, their answers judged by `scorer` (imported scores without answers keep their own).

    `on_run` is given every run as it is read; none is kept. Raises `UserError` when there is no run, or when two say
    different things of the same.
    """
    tables, summaries, depths, described = [], [], [], []
    rivals: dict[Hashable, list[Entrant | None]] = {}
    scores: list[Score] = []
    for folder in find_runs(runs):
        run = read_run(folder, scorer)
        on_run(run)
        rows = run_rows(run)
        summary, found = summary_rows(run, rows, threshold)
        tables.append(rows)
        summaries.append(summary)
        scores += found
        depths.append(depth_rows(run))
        described.append({"run": run.name, "info": run.info})
        for cell, entrant in zip(_cells(rows), _entrants(run, rows), strict=True):
            rivals.setdefault(cell, []).append(entrant)
    table = pd.concat(tables, ignore_index=True)
    _refuse_doubles(table)
    return Board(
        _in_order(_ranked(table, rivals)),
        _in_order(_ranked_by_score(pd.concat(summaries, ignore_index=True), scores, table)),
        pd.concat(depths, ignore_index=True),
        described,
    )


def write_board(board: Board, output: str | Path) -> Path:
    """Write the tables of a board under `output`, and return the path of leaderboard.csv."""
    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: give --output a folder")
    write_csv(board.rows, folder / "leaderboard.csv")
    write_csv(wide(board.rows), folder / "leaderboard_wide.csv")
    write_csv(board.summary, folder / "summary.csv")
    _write_parquet(board.rows, folder / "curves.parquet")
    _write_parquet(board.depths, folder / "depths.parquet")
    describe_files(folder)
    return folder / "leaderboard.csv"


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    named = table.apply(lambda column: column.map(harmless) if column.dtype == object else column)
    named.attrs = {"rmt_bench_schema": VERSION}
    with atomic_path(path) as temporary:
        named.to_parquet(temporary, index=False, compression="zstd")


def _refuse_doubles(table: pd.DataFrame) -> None:
    doubled = table.duplicated(list(KEY), keep=False)
    if doubled.any():
        row = table[doubled].iloc[0]
        where = table[doubled & (table[list(KEY)] == row[list(KEY)]).all(axis=1)]["run"]
        raise UserError(
            f"two runs hold {row['model']!r} on {row['task']} at {row['length']} ({', '.join(where)}): leave one out, "
            "or name them apart with rmt-bench eval --name"
        )


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Task by task in the order of their numbers, shortest length first."""
    names = table["task"].str.extract(r"^(.*?)(\d*)$")
    keys = {"_name": names[0], "_number": pd.to_numeric(names[1]).fillna(0)}
    by = ["_name", "_number", *(name for name in ("n_tokens", "length") if name in table), "model", "prompt", "run"]
    if "n_tokens" in table:  # models count tokens differently: a length stands where its longest does
        keys["n_tokens"] = table.groupby("length")["n_tokens"].transform("max")
    order = table.assign(**keys).sort_values(by, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _cells(rows: pd.DataFrame) -> Iterable[Hashable]:
    return rows[_CELL].itertuples(index=False, name=None)


def _entrants(run: Run, rows: pd.DataFrame) -> Iterable[Entrant | None]:
    """For each row of a run what it is compared by: its answers, its counts where that is all there is, or nothing."""
    answered = dict(entrants(run))
    for row in rows.itertuples():
        counted = None if pd.isna([row.n, row.correct]).any() else Entrant.counted(row.correct, row.n)  # type: ignore[arg-type]
        yield answered.get((row.task, row.length), counted)  # type: ignore[arg-type]


def _ranked(table: pd.DataFrame, rivals: dict[Hashable, list[Entrant | None]]) -> pd.DataFrame:
    """The rows with the ranks that the noise allows among all of one task, length, scorer and data set."""
    low, high = (pd.Series(pd.NA, index=table.index, dtype="Int64") for _ in range(2))
    for cell, rows in table.groupby(_CELL, sort=False).indices.items():
        known = [(row, entrant) for row, entrant in zip(rows, rivals[cell], strict=True) if entrant and entrant.n > 0]
        if len(known) > 1:
            at = [row for row, _ in known]
            low.iloc[at], high.iloc[at] = rank_ranges([entrant for _, entrant in known])
    return table.assign(rank_low=low, rank_high=high)[list(COLUMNS)]


def _ranked_by_score(summary: pd.DataFrame, scores: list[Score], table: pd.DataFrame) -> pd.DataFrame:
    """The summary with ranks by curve score, among rows of one task, scorer and data set over the same lengths."""
    curves = [name for name in KEY if name != "length"]
    over = (
        table[table["accuracy"].notna()].groupby(curves, sort=False)["length"].agg(lambda named: tuple(sorted(named)))
    )
    lengths = [over.get(key, ()) for key in summary[curves].itertuples(index=False, name=None)]
    low, high = (pd.Series(pd.NA, index=summary.index, dtype="Int64") for _ in range(2))
    cells = summary[["task", "scorer", "dataset"]].assign(lengths=lengths)
    for rows in cells.groupby(list(cells), sort=False).indices.values():
        at = [row for row in rows if scores[row].variance is not None]
        if len(at) > 1:
            low.iloc[at], high.iloc[at] = ranks_of(*score_gaps([scores[row] for row in at]))
    return summary.assign(rank_low=low, rank_high=high)
