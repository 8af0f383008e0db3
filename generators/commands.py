"""The commands of this room: generate, and what tasks and backgrounds there are. Each parses, calls, prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ..base.errors import UserError


def split_names(context: click.Context, parameter: click.Parameter, value: str | None) -> list[str] | None:
    """A click callback: names separated by commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if value is not None else None


def _knobs(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    for value in values:
        if "=" not in value:
            raise UserError(f"--task-arg takes KEY=VALUE, such as facts=10; not {value!r}")
    return {key.strip(): text.strip() for key, _, text in (value.partition("=") for value in values)}


def _budget(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    from .lengths import parse_lengths

    if value in (None, "none"):
        return None
    lengths = parse_lengths(value)
    if len(lengths) != 1 or not lengths[0].tokens:
        raise UserError(f"--token-budget takes one number of tokens such as 16M, or none; not {value!r}")
    return lengths[0].tokens


_COUNT_OPTIONS = (
    click.option(
        "--samples", type=click.IntRange(min=1), default=100, show_default=True,
        help="Samples of each task at each length.",
    ),
    click.option(
        "--token-budget", callback=_budget, default="none", show_default=True,
        help="Take fewer samples where all of one length would hold more tokens than this (16M, say), "
        "but never fewer than --min-samples.",
    ),
    click.option("--min-samples", type=click.IntRange(min=1), default=4, show_default=True, help="See --token-budget."),
)  # fmt: skip
_SOURCE_OPTIONS = (
    click.option(
        "--background", default="prose", show_default=True,
        help="The filler: `prose` (embedded, endless), or a file or folder of plain text. See: rmt-bench backgrounds.",
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="Another seed, other samples."),
    click.option(
        "--placement", default=None,
        help="Where facts lie: uniform, start, end, spread, depth=0.25. [default: as each task has it]",
    ),
    click.option(
        "--task-arg", "task_args", multiple=True, metavar="KEY=VALUE", callback=_knobs,
        help="A knob of the tasks (facts=10, say), for every task of the call that has it. May be given again.",
    ),
    click.option(
        "--facts", default=None, metavar="babi:PATH",
        help="Take the stories of qa1 to qa20 from the official bAbI files: a folder, .zip or .tar.gz.",
    ),
)  # fmt: skip


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what samples are made of, shared by every command that makes some."""
    for option in reversed(_SOURCE_OPTIONS):
        command = option(command)
    return command


def plan_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which samples, and how many."""
    command = source_options(command)
    for option in reversed(_COUNT_OPTIONS):
        command = option(command)
    return command


@click.command("generate")
@click.option(
    "--tasks", required=True, callback=split_names, help="Tasks, separated by commas: detect,qa1. See: rmt-bench tasks."
)
@click.option(
    "--lengths",
    required=True,
    help="Context lengths in tokens: 0, 512, 4k (1000s), 4Ki (1024s), 2M, a range 1k..2M (doubling), 7seg.",
)
@click.option("--output", required=True, type=click.Path(), help="A new or empty folder, or one to go on with.")
@click.option("--tokenizer", default="embedded", show_default=True, help="What counts tokens: a folder or a hub name.")
@click.option("--segment-length", type=click.IntRange(min=1), help="The model's segment, for lengths such as 7seg.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@plan_options
def generate_command(tasks: list[str], lengths: str, output: str, tokenizer: str, quiet: bool, **options: Any) -> None:
    """Write a data set: facts hidden in filler at exact lengths, as Parquet.

    The folder loads with `datasets.load_dataset(DIR, "4k", split="qa1")`; lengths are configurations, tasks are splits.
    The same call gives the same bytes, and sample i of a task has the same story at every length.

    \b
    rmt-bench generate --tasks qa1,detect --lengths 0,4k,32k --samples 100 --output data
    """
    from ..base.console import advance, progress_bar
    from .dataset import generate_dataset
    from .generate import make_plan
    from .tokens import load_tokenizer

    plan = make_plan(tasks, lengths, load_tokenizer(tokenizer), **options)
    counts = [
        plan.count(length) * length.context_tokens(0, options["segment_length"]) for length in plan.lengths.values()
    ]
    with progress_bar(sum(counts) * len(plan.tasks), "tokens", quiet=quiet) as bar:
        folder = generate_dataset(plan, output, lambda file, tokens: advance(bar, tokens, file))
    click.echo(f"{folder}: {len(plan.tasks)} tasks x {len(plan.lengths)} lengths; see {folder}/README.md")


@click.command("tasks")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def tasks_command(as_json: bool) -> None:
    """List the tasks there are."""
    from ..base.console import print_listing, summary
    from ..tasks.registry import TASKS

    print_listing({name: summary(TASKS.get(name)) for name in TASKS.names()}, as_json)


@click.command("backgrounds")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def backgrounds_command(as_json: bool) -> None:
    """List the backgrounds there are: what filler is made of."""
    from ..base.console import print_listing, summary
    from .background import BACKGROUNDS

    print_listing({name: summary(BACKGROUNDS.get(name)) for name in BACKGROUNDS.names()}, as_json)
