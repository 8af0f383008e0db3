"""The commands about other people's numbers, and about whether numbers hold. Each parses, calls, prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from ..base.completion import folders_with, names
from ..base.errors import IncompleteError, UserError
from ..tasks.scoring import SCORERS

RUN_FOLDERS = folders_with("run.json")
_OUTPUT = click.option("--output", required=True, type=click.Path(), help="The folder that the run folders go to.")
#: Findings that are printed, unless --all is given.
_SHOWN = 100


def _known_scorer(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        SCORERS.get(value)  # refuses an unknown one
    return value


def scorer_option(default: str | None, text: str) -> Callable[..., Any]:
    """The option --scorer."""
    return click.option(
        "--scorer", default=default, show_default=default, callback=_known_scorer, help=text,
        shell_complete=names(SCORERS.names),
    )  # fmt: skip


@click.command("scorers")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def scorers_command(as_json: bool) -> None:
    """List what can count as a right answer."""
    from ..base.console import print_listing, summary

    print_listing({name: summary(SCORERS.get(name)) for name in SCORERS.names()}, as_json)


@click.group("import")
def import_group() -> None:
    """Make run folders of results from elsewhere.

    `leaderboard build` reads them as it reads runs made here.
    """


@import_group.command("babilong")
@click.argument("folder", type=click.Path())
@_OUTPUT
def import_babilong_command(folder: str, output: str) -> None:
    """Import BABILong's predictions: every qa1_4k_... .csv below FOLDER, one run for each model and prompt.

    A model is called as the folder that its files lie in, as seen from FOLDER.
    """
    from .babilong_files import import_predictions

    _tell(import_predictions(folder, output))


@import_group.command("babilong-results")
@click.argument("file", type=click.Path())
@_OUTPUT
def import_results_command(file: str, output: str) -> None:
    """Import BABILong's all_results.csv: accuracies without n, so without intervals and ranks."""
    from .babilong_files import import_results

    _tell(import_results(file, output))


@import_group.command("lm-eval")
@click.argument("file", type=click.Path())
@_OUTPUT
def import_lm_eval_command(file: str, output: str) -> None:
    """Import a results JSON of lm-evaluation-harness, with the answers beside it where --log_samples kept them."""
    from .lm_eval_files import import_lm_eval

    _tell(import_lm_eval(file, output))


@import_group.command("inspect")
@click.argument("file", type=click.Path())
@_OUTPUT
def import_inspect_command(file: str, output: str) -> None:
    """Import a log of inspect_ai (.eval or .json)."""
    from .inspect_logs import import_inspect

    _tell(import_inspect(file, output))


def _tell(outcome: Any) -> None:
    for note in outcome.notes:
        click.echo(f"note: {note}", err=True)
    for problem in outcome.problems[:_SHOWN]:
        click.echo(f"not imported: {problem}", err=True)
    for run in outcome.runs:
        click.echo(run)
    if outcome.problems:
        raise IncompleteError(f"{len(outcome.problems)} could not be imported (the first: {outcome.problems[0]})")


@click.command("validate")
@click.argument("file", type=click.Path())
@click.option("--all", "everything", is_flag=True, help=f"Print every finding, not the first {_SHOWN}.")
def validate_command(file: str, everything: bool) -> None:
    """Check a leaderboard.csv that somebody made, line by line.

    Exit code 0: sound; 1: some lines are not; 2: FILE is no leaderboard at all.
    """
    from .tables import harmless
    from .validate import validate

    found = 0
    for finding in validate(file):
        found += 1
        if everything or found <= _SHOWN:
            click.echo(harmless(f"{file}:{finding.line}: {finding.message}"))
    if found > _SHOWN and not everything:
        click.echo(f"... and {found - _SHOWN:,} more; see them with --all")
    if found:
        raise IncompleteError(f"{file} is not sound: {found:,} findings")
    click.echo(f"{file} is sound")


@click.command("rescore")
@click.argument("run", type=click.Path(), shell_complete=RUN_FOLDERS)
@scorer_option(None, "Judge by this one. [default: the scorer that judged the run]")
@click.option("--show", default=10, show_default=True, type=click.IntRange(min=0), help="Answers judged otherwise.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def rescore_command(run: str, scorer: str | None, show: int, as_json: bool) -> None:
    """Judge every stored answer of RUN again: do the scores agree?

    Exit code 1 when they do not, although the scorer is the same. Nothing is written.
    """
    from ..base.console import print_json, print_table
    from .rescore import rescore

    found = rescore(run, scorer)
    changed = found.changed.head(show)
    if as_json:
        told = {"scorer": found.scorer, "stored": found.stored, "agrees": found.agrees}
        print_json({**told, "table": found.table.to_dict("records"), "changed": changed.to_dict("records")})
    else:
        columns = ["task", "length", "n", f"correct, stored ({found.stored})", f"again ({found.scorer})", "differ"]
        print_table(columns, [[str(cell) for cell in row] for row in found.table.itertuples(index=False)])
        for row in changed.itertuples():
            asked = f"{row.task} at {row.length}: {row.question!r}, right: {row.target!r}, said: {row.output!r:.200}"
            click.echo(f"{asked}: {_word(row.stored)}, again {_word(row.again)}")
        click.echo("every answer is judged as it was" if found.agrees else f"{len(found.changed)} answers differ")
    if not found.agrees and found.scorer == found.stored:
        raise IncompleteError(f"the stored scores of {run} do not follow from its answers: {len(found.changed)} differ")


def _word(correct: object) -> str:
    return "right" if correct else "wrong"


@click.command("compare")
@click.argument("first", type=click.Path(), shell_complete=RUN_FOLDERS)
@click.argument("second", type=click.Path(), shell_complete=RUN_FOLDERS)
@scorer_option("strict", "What counts as a right answer.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def compare_command(first: str, second: str, scorer: str, as_json: bool) -> None:
    """Compare two runs, FIRST less SECOND, pair by pair.

    The difference of accuracies with its 95% interval, and McNemar's p, for each task and length. Where they share few
    samples or none they are compared as two independent groups, and the table says so.
    """
    from ..base.console import print_json, print_table
    from .head_to_head import head_to_head

    rows = head_to_head(first, second, scorer)
    if not rows:
        raise UserError(f"{first} and {second} have no task and length in common")
    if as_json:
        print_json([{"task": task, "length": length, **asdict(found)} for task, length, found in rows])
        return
    columns = ["task", "length", "shared samples", "difference", "95% interval", "p"]
    cells = [
        [task, length, f"{found.n:,}" if found.paired else "few or none: unpaired", f"{found.difference:+.1%}",
         f"{found.low:+.1%} to {found.high:+.1%}", f"{found.p_value:.2g}"]
        for task, length, found in rows
    ]  # fmt: skip
    click.echo(f"{first} less {second}, by {scorer}")
    print_table(columns, cells)


COMMANDS = (import_group, validate_command, rescore_command, compare_command, scorers_command)
