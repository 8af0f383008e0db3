"""The commands of this room, and what is shown when a run has finished. Each parses, calls, prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pandas as pd


@click.group("leaderboard")
def leaderboard_group() -> None:
    """Compare runs: tables and boards, made from their records."""


@leaderboard_group.command("build")
@click.argument("runs", nargs=-1, required=True, type=click.Path())
@click.option("--output", required=True, type=click.Path(), help="The folder that leaderboard.csv goes to.")
def build_command(runs: tuple[str, ...], output: str) -> None:
    """Write leaderboard.csv: one row per model, task and length of all RUNS.

    Each of RUNS is a folder that rmt-bench eval made, or a folder of such folders.
    """
    from .board import build_board

    click.echo(build_board(runs, output))


def conclude(finished: Any) -> None:
    """Draw the curve of a run that just ended, show it, and say where it lies."""
    from ..base.console import print_json, print_table
    from ..base.errors import IncompleteError
    from .board import conclude_run

    table = conclude_run(finished.folder)
    if finished.as_json:
        print_json({"run": str(finished.folder), "curve": _plain(table)})
    else:
        columns, rows = _shown(table)
        print_table(columns, rows, title=str(table["model"].iloc[0]))
        click.echo(f"curve: {finished.folder / 'curve.png'}\ntable: {finished.folder / 'curve.csv'}")
    if finished.errors:
        raise IncompleteError(
            f"{finished.errors} questions ended in an error (the first: {finished.reason}); "
            "the rest is kept, and the same command asks those again"
        )


def _plain(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return table.astype(object).where(table.notna(), None).to_dict("records")


def _shown(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Columns and rows for people; errors and skipped questions are shown where there are any."""
    cells = {
        "task": table["task"].astype(str),
        "length": table["length"].astype(str),
        "segments": table["segments"].map("{:,}".format),
        "n": table["n"].map("{:,}".format),
        "accuracy": table["accuracy"].map(_share),
        "95% interval": table["ci_low"].map(_share) + " - " + table["ci_high"].map(_share),
        "chance": table["chance"].map(_share),
        "tokens/s": table["tokens_per_second"].map(lambda speed: f"{speed:,.0f}" if speed > 0 else "-"),
    }
    for column, count in (("errors", table["n_error"]), ("skipped", table["n_skipped"])):
        if count.any():
            cells[column] = count.map("{:,}".format)
    return list(cells), [list(row) for row in zip(*cells.values(), strict=True)]


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1%}"
