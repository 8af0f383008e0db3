"""The commands of this room, and what is shown when a run has finished. Each parses, calls, prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import click

from .commands_data import COMMANDS, RUN_FOLDERS, scorer_option

if TYPE_CHECKING:
    import pandas as pd


@click.group("leaderboard")
def leaderboard_group() -> None:
    """Compare runs: tables and boards, made from their records."""


for _command in COMMANDS:
    leaderboard_group.add_command(_command)


@leaderboard_group.command("build")
@click.argument("runs", nargs=-1, required=True, type=click.Path(), shell_complete=RUN_FOLDERS)
@click.option("--output", required=True, type=click.Path(), help="The folder that leaderboard.csv goes to.")
@scorer_option("strict", "What counts as a right answer; see: rmt-bench leaderboard scorers.")
@click.option(
    "--threshold", default=0.85, show_default=True, type=click.FloatRange(0, 1),
    help="The accuracy that an effective length asks for.",
)  # fmt: skip
def build_command(runs: tuple[str, ...], output: str, scorer: str, threshold: float) -> None:
    """Put RUNS side by side: tables, and a page to look at.

    Writes leaderboard.csv, one row per model, task and length, and index.html.

    Each of RUNS is a folder that rmt-bench eval or rmt-bench leaderboard import made, or a folder of such folders.
    Beside it: leaderboard_wide.csv, summary.csv (effective length, retention, curve score), curves.parquet,
    depths.parquet, and README.md, which says what each column is.
    """
    from .site.whole import build_leaderboard

    index = build_leaderboard(runs, output, scorer, threshold)
    click.echo(f"page: {index}\ntable: {index.with_name('leaderboard.csv')}")


@leaderboard_group.command("serve")
@click.argument("site", type=click.Path())
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0: any that is free.")
@click.option("--browser/--no-browser", default=True, help="Whether to open a browser; it does by default.")
def serve_command(site: str, port: int, browser: bool) -> None:
    """Show a board to this machine alone, until Ctrl-C."""
    from .site.server import serve

    serve(site, port, browser, click.echo)


@leaderboard_group.command("publish")
@click.argument("site", type=click.Path())
@click.option("--to", required=True, help="hf:OWNER/NAME, a folder, git:REMOTE (origin, a path), or a git address.")
@click.option("--branch", default="gh-pages", show_default=True, help="Of a git repository: the branch to push to.")
@click.option(
    "--repo-type", type=click.Choice(["space", "dataset"]), default="space", show_default=True,
    help="On the hub: a static Space, which shows the page, or a dataset.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="List what would go where, and send nothing.")
def publish_command(site: str, to: str, branch: str, repo_type: Literal["space", "dataset"], dry_run: bool) -> None:
    """Put a board where others can see it.

    Logins are those of git and of the hub (hf auth login, or HF_TOKEN); they are never shown.
    """
    from .publish import preview, publish, target_of

    target = target_of(to, branch, repo_type)
    if dry_run:
        for line in preview(site, target):
            click.echo(line)
    else:
        click.echo(publish(site, target))


def conclude(finished: Any) -> None:
    """Draw the curve of a run that just ended, write its report, show it, and say where all lies."""
    from ..base.console import print_json, print_table
    from ..base.errors import IncompleteError
    from ..bench.record import RunFolder
    from .board import conclude_run
    from .remarks import remarks
    from .show_command import print_capture
    from .site.report import REPORT

    table = conclude_run(finished.folder, finished.surroundings)
    odd = remarks(RunFolder(finished.folder).records())
    if finished.as_json:
        print_json({"run": str(finished.folder), "curve": plain(table), "remarks": odd})
    else:
        columns, rows = shown(table)
        print_table(columns, rows, title=str(table["model"].iloc[0]))
        for remark, count in odd.items():
            click.echo(f"{count:,} x {remark}")
        print_capture(finished.folder)
        for what, name in (("curve", "curve.png"), ("table", "curve.csv"), ("report", REPORT)):
            click.echo(f"{what}: {finished.folder / name}")
    if finished.errors:
        raise IncompleteError(
            f"{finished.errors} questions ended in an error (the first: {finished.reason}); "
            "the rest is kept, and the same command asks those again"
        )


def plain(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """Rows for machines."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


def shown(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
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
