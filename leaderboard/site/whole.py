"""From runs to a board that can be looked at: the tables, and the page made of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..board import make_board, write_board
from ..summary import THRESHOLD
from .build import build_site
from .details import Told
from .manifest import prepare

#: What write_board leaves in the folder, and the page offers.
TABLES = (
    "leaderboard.csv", "leaderboard_wide.csv", "summary.csv", "curves.parquet", "depths.parquet", "datapackage.json",
    "README.md",
)  # fmt: skip


def build_leaderboard(
    runs: Sequence[str | Path], output: str | Path, scorer: str = "strict", threshold: float = THRESHOLD
) -> Path:
    """Write the tables and the page of all `runs` into the folder `output`, and return the path of its index.

    Raises `UserError` as `make_board` and `build_site` do; then `output` is as it was.
    """
    prepare(output)
    told = Told()
    board = make_board(runs, scorer, threshold, on_run=told.add)
    write_board(board, output)
    return build_site(board.rows, output, scores=board.summary, depths=board.depths, told=told, downloads=TABLES)
