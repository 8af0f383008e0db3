"""The command show: a run that was made, on the terminal. Parses, reads, prints."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .commands_data import RUN_FOLDERS

if TYPE_CHECKING:
    import pandas as pd

#: Columns of a bar of the plot.
_WIDTH = 60


@click.command("show")
@click.argument("run", type=click.Path(), shell_complete=RUN_FOLDERS)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def show_command(run: str, as_json: bool) -> None:
    """Show RUN, the folder of a run: its table, and its curve as bars.

    Where questions were asked on the way (eval --probe), capture and retention stand below: the share of facts that
    was written at all, and the share of those that was still there at the end. A run that goes on can be shown, too.
    The last line says where its report is: RUN/report.html, for a browser, with single questions and their answers.

    \b
    rmt-bench show runs/rmt-tiny-1a2b3c4d
    """
    from ..base.console import print_json, print_table
    from ..bench.record import RunFolder
    from .capture import capture_rows, decay_rows
    from .commands import plain, shown
    from .metrics import curve
    from .site.report import REPORT

    table = curve(run)
    captured, decay = capture_rows(run), decay_rows(run)
    if as_json:
        print_json({"run": run, "curve": plain(table), "capture": plain(captured), "decay": plain(decay)})
        return
    info = RunFolder(run).info
    print_table(*shown(table), title=str(info["identity"]["model"]))
    click.echo()
    print_plot(table)
    print_capture(run)
    click.echo(f"made by: {info['command']}\non: {info['date']}, {info['hardware']['system']}")
    report = Path(run) / REPORT
    click.echo(f"report: {report if report.is_file() else 'none yet; it is written when the command above ends'}")


def print_plot(table: pd.DataFrame) -> None:
    """A bar for each task and length: as long as the accuracy is high. Below it, a thin line is the 95% interval."""
    from rich.bar import Bar
    from rich.console import Console
    from rich.table import Table

    for task, group in table[table["n"].fillna(0) > 0].groupby("task", sort=False):
        plot = Table(box=None, pad_edge=False, title=str(task), title_justify="left", header_style="dim")
        plot.add_column("length", justify="right")
        plot.add_column(f"0%{'50%'.center(_WIDTH - 6)}100%", width=_WIDTH)
        for row in group.to_dict("records"):
            plot.add_row(str(row["length"]), Bar(1, 0, float(row["accuracy"]), width=_WIDTH))
            plot.add_row("", _line(float(row["ci_low"]), float(row["ci_high"])))
        Console(width=_WIDTH + 20).print(plot)


def _line(low: float, high: float) -> str:
    """An interval on the scale of the bars."""
    start, stop = round(low * (_WIDTH - 1)), round(high * (_WIDTH - 1))
    return " " * start + "|" + "-" * max(stop - start - 1, 0) + "|" * (stop > start)


def print_capture(run: str | Path) -> None:
    """Capture and retention, where the run has probes."""
    from ..base.console import print_table
    from .capture import capture_rows

    table = capture_rows(run)
    if table.empty:
        return
    columns = ("task", "length", "n", "capture", "95%", "retention", "95%", "recovery", "accuracy")
    rows = [
        [
            str(row["task"]), str(row["length"]), f"{row['n']:,}",
            _share(row["capture"]), _interval(row, "capture"), _share(row["retention"]), _interval(row, "retention"),
            _share(row["recovery"]), _share(row["accuracy"]),
        ]
        for row in table.to_dict("records")
    ]  # fmt: skip
    print_table(columns, rows, title="accuracy = capture x retention + (1 - capture) x recovery")


def _interval(row: dict, name: str) -> str:
    return f"{_share(row[f'{name}_low'])} - {_share(row[f'{name}_high'])}"


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1%}"
