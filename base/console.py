"""What a person at a terminal sees: progress bars, tables, lists. Knows nothing of what is shown."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from time import monotonic
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

#: Columns of a table that goes to a file or a pipe, where nothing need be made to fit.
_WIDE = 200
_TEXT_WIDTH = 100
#: Seconds between two pictures of a bar in a notebook.
_NOTEBOOK_SECONDS = 0.25


class Sections(click.Command):
    """A command whose options are listed under headings: `sections` says which of them, by name, stand under each.

    What is named nowhere stands below, under `Other options`.
    """

    def __init__(self, *arguments: Any, sections: Mapping[str, Sequence[str]], **more: Any):
        super().__init__(*arguments, **more)
        self.sections = sections

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options into `formatter`, section by section."""
        left = {parameter.name: parameter.get_help_record(ctx) for parameter in self.get_params(ctx)}
        parts = {title: [left.pop(name) for name in names] for title, names in self.sections.items()}
        for title, records in {**parts, "Other options": list(left.values())}.items():
            if rows := [record for record in records if record is not None]:
                with formatter.section(title):
                    formatter.write_dl(rows)


def given(*names: str) -> list[str]:
    """Which options of the running command, of those named, the user gave: as they are written, such as `--seed`."""
    context = click.get_current_context()
    return [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name in names and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{_short(speed)}/s" if speed else "", style="cyan")


class _NotebookProgress(Progress):
    """A bar in a notebook: an output of the cell that is written over, and empty at the end. Needs no widgets."""

    def start(self) -> None:
        """Show it."""
        from IPython.display import DisplayHandle

        self._handle = DisplayHandle()
        self._due = monotonic() + _NOTEBOOK_SECONDS
        self._handle.display(self.make_tasks_table(self.tasks))

    def update(self, *arguments: Any, **more: Any) -> None:
        """See `Progress.update`; what is shown follows a few times a second."""
        super().update(*arguments, **more)
        if monotonic() > self._due:
            self._due = monotonic() + _NOTEBOOK_SECONDS
            self._handle.update(self.make_tasks_table(self.tasks))

    def stop(self) -> None:
        """Leave nothing of it."""
        self._due = math.inf
        self._handle.update({"text/plain": "", "text/html": ""}, raw=True)


@contextmanager
def progress_bar(total: float | None, unit: str, *, quiet: bool = False) -> Iterator[Progress]:
    """A progress bar with a rate and an estimate: on standard error if that is a terminal, or in a notebook.

    Nothing is shown elsewhere, nor when `quiet`.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), _Rate(),
        TextColumn("{task.fields[unit]}"), TimeElapsedColumn(), TextColumn("eta"), TimeRemainingColumn(),
    )  # fmt: skip
    if console.is_jupyter and not quiet:
        bar: Progress = _NotebookProgress(*columns, console=console)
    else:
        bar = Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True)
    with bar as progress:
        progress.add_task("", total=total, unit=unit)
        yield progress


def advance(progress: Progress, count: float, description: str | None = None) -> None:
    """Move the bar on, and say what is being done."""
    task = progress.task_ids[0]
    progress.update(task, advance=count, description=description)


def side_bar(progress: Progress, unit: str) -> Callable[[str, float | None], AbstractContextManager[Any]]:
    """Shows other work that the main work waits for, below its bar, once it moves: `with show(what, total) as step`."""

    @contextmanager
    def show(what: str, total: float | None) -> Iterator[Callable[[float], None]]:
        tasks: list[TaskID] = []

        def step(count: float) -> None:
            if not tasks:
                tasks.append(progress.add_task(what, total=total, unit=unit))
            progress.update(tasks[0], advance=count)

        try:
            yield step
        finally:
            for task in tasks:
                progress.remove_task(task)

    return show


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """A table on standard output: text to the left, numbers to the right; only the last column may wrap."""
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        numeric = rows and all(row[number][:1].isdigit() or row[number] in ("", "-") for row in rows)
        table.add_column(column, justify="right" if numeric else "left", no_wrap=number < len(columns) - 1)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console()
    if not console.is_terminal:
        console.width = _WIDE
    console.print(table)


def print_listing(things: Mapping[str, str], as_json: bool) -> None:
    """Names and what they are, as a table or as JSON."""
    if as_json:
        print_json(dict(things))
    else:
        print_table(["name", "what it is"], list(things.items()))


def print_described(name: str, said: Sequence[str], flag: str, settings: Mapping[str, Any]) -> None:
    """What one thing says of itself, and a table of what can be set of it by the option `flag`, with defaults."""
    click.echo(f"{name}: {said[0]}\n")
    for paragraph in said[1:]:
        click.echo(click.wrap_text(paragraph, _TEXT_WIDTH) + "\n")
    if settings:
        print_table((flag, "default"), [(key, _as_given(value)) for key, value in settings.items()])
        click.echo("")


def _as_given(value: Any) -> str:
    """A default as a user would write it."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def paragraphs(*things: object) -> list[str]:
    """What things say of themselves: the first summary, and the paragraphs below the summary of each."""
    said = [inspect.cleandoc(thing.__doc__ or "").split("\n\n") for thing in things]
    return [" ".join(part.split()) for part in (said[0][0], *(part for parts in said for part in parts[1:]))]


def summary(thing: object) -> str:
    """What a thing says of itself: the first line of its docstring."""
    return (thing.__doc__ or "").strip().partition("\n")[0]


def print_json(value: Any) -> None:
    """JSON on standard output, for machines."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def _short(count: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.1f}{letter}"
    return f"{count:.1f}"
