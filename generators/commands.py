"""The commands of this room: generate, and what tasks and backgrounds there are. Each parses, calls, prints."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import click

from ..base.completion import folders_with, names
from ..base.errors import IncompleteError, UserError


def split_names(context: click.Context, parameter: click.Parameter, value: str | None) -> list[str] | None:
    """A click callback: names separated by commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if value is not None else None


def _task_names() -> list[str]:
    from ..tasks.registry import TASKS
    from ..tasks.suites import SUITES

    return [*TASKS.names(), *SUITES]


def _background_names() -> list[str]:
    from .background import BACKGROUNDS

    return BACKGROUNDS.names()


#: How many facts of a story `tasks NAME` shows.
_FACTS = 12
TASK_NAMES = names(_task_names, several=True)
DATA_FOLDERS = folders_with("manifest.json")


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
        "--background", default="prose", show_default=True, shell_complete=names(_background_names, files=True),
        help="The filler: `prose` (embedded, endless), a file or folder of plain text, parquet:PATH[:COLUMN], or "
        "hf:NAME[:CONFIG[:SPLIT[:COLUMN]]] from the hub. See: rmt-bench backgrounds.",
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
    click.option(
        "--distractors", type=float, default=0.0, show_default=True,
        help="Sentences like the facts, about others, for each thousand tokens of context; they change no answer.",
    ),
    click.option(
        "--style", default="none", show_default=True,
        help="`match`: facts stand behind clauses of filler, so that neither length nor shape gives them away.",
    ),
)  # fmt: skip


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what samples are made of, shared by every command that makes some."""
    return _with_options(command, _SOURCE_OPTIONS)


def plan_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which samples, and how many."""
    return _with_options(source_options(command), _COUNT_OPTIONS)


_ENGINE_OPTIONS = (
    click.option(
        "--workers", type=click.IntRange(min=1), default=None,
        help="Processes that work at once. [default: 1; with ray, all that the cluster has]",
    ),
    click.option(
        "--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True,
        help="Work on this machine, or on a Ray cluster whose machines share a file system (rmt-bench[ray]).",
    ),
    click.option("--address", default=None, help="The Ray cluster, such as `auto` or ray://HOST:10001."),
)  # fmt: skip
_WHERE_OPTIONS = (
    click.option("--background", default=None, help="Where a recipe's filler lies now, if it was moved."),
    click.option("--tokenizer", default=None, help="Where a recipe's tokenizer lies now, if it was moved."),
    click.option("--facts", default=None, metavar="babi:PATH", help="Where its official stories lie now."),
)


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where the work is done; the command gets them as one `engine`."""

    @functools.wraps(command)
    def called(workers: int | None, engine: str, address: str | None, **options: Any) -> Any:
        from ..base.engine import Engine

        return command(engine=Engine(engine, workers, address), **options)

    return _with_options(called, _ENGINE_OPTIONS)


def _with_options(command: Callable[..., Any], options: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command


def _where_options(command: Callable[..., Any]) -> Callable[..., Any]:
    return _with_options(command, _WHERE_OPTIONS)


@click.command("generate")
@click.option(
    "--tasks",
    required=True,
    callback=split_names,
    shell_complete=TASK_NAMES,
    help="Tasks and suites of tasks, separated by commas: detect,qa1. See: rmt-bench tasks.",
)
@click.option(
    "--lengths",
    required=True,
    help="Context lengths in tokens: 0, 512, 4k (1000s), 4Ki (1024s), 2M, a range 1k..2M (doubling), 7seg.",
)
@click.option("--output", required=True, type=click.Path(), help="A new or empty folder, or one to go on with.")
@click.option("--tokenizer", default="embedded", show_default=True, help="What counts tokens: a folder or a hub name.")
@click.option("--segment-length", type=click.IntRange(min=1), help="The model's segment, for lengths such as 7seg.")
@click.option(
    "--store",
    default="text",
    show_default=True,
    help="`text`, or `recipe`: hashes in place of the texts, which are rendered again when they are read.",
)
@click.option("--quiet", is_flag=True, help="No progress bar.")
@engine_options
@plan_options
def generate_command(
    tasks: list[str], lengths: str, output: str, tokenizer: str, store: str, quiet: bool, engine: Any, **options: Any
) -> None:
    """Write a data set: facts hidden at exact lengths, as Parquet.

    The folder loads with `datasets.load_dataset(DIR, "4k", split="qa1")`; lengths are configurations, tasks are splits.
    The same call gives the same bytes, however many workers there are and wherever it was interrupted: called again it
    makes what is missing. Sample i of a task has the same story at every length.

    \b
    rmt-bench generate --tasks qa1,detect --lengths 0,4k,32k --samples 100 --output data
    rmt-bench generate --tasks qa1 --lengths 2M --store recipe --workers 2 --output small
    rmt-bench generate --tasks qa1 --lengths 128k --background hf:deepmind/pg19 --output books
    """
    from .dataset import generate_dataset
    from .generate import make_plan
    from .tokens import load_tokenizer

    plan = make_plan(tasks, lengths, load_tokenizer(tokenizer), **options)
    with _plan_bar(plan, quiet) as on_file:
        folder = generate_dataset(plan, output, on_file, store=store, engine=engine)
    click.echo(f"{folder}: {len(plan.tasks)} tasks x {len(plan.lengths)} lengths; see {folder}/README.md")


@contextlib.contextmanager
def _plan_bar(plan: Any, quiet: bool) -> Iterator[Callable[[str, int], None]]:
    """A progress bar over all tokens of a plan, and one below it while filler is indexed."""
    from ..base.console import advance, progress_bar, side_bar

    counts = [plan.count(length) * plan.tokens(length) for length in plan.lengths.values()]
    with progress_bar(sum(counts) * len(plan.tasks), "tokens", quiet=quiet) as bar:
        plan.source.watch = side_bar(bar, "characters")
        yield lambda file, tokens: advance(bar, tokens, file)


@click.command("materialize")
@click.argument("folder", type=click.Path(), shell_complete=DATA_FOLDERS)
@click.option("--output", required=True, type=click.Path(), help="A new or empty folder, or one to go on with.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@engine_options
@_where_options
def materialize_command(folder: str, output: str, quiet: bool, engine: Any, **where: Any) -> None:
    """Write the texts of a data set that was stored as a recipe.

    FOLDER was made by `rmt-bench generate --store recipe`.

    The output is, byte for byte, what `--store text` would have written; every text is compared with its hash.

    \b
    rmt-bench materialize small --output full
    """
    from .dataset import Dataset
    from .recipe import materialize

    data = Dataset(folder, **where)
    with contextlib.ExitStack() as stack:
        on_file = stack.enter_context(_plan_bar(data.plan, quiet)) if data.store == "recipe" else None
        made = materialize(data, output, on_file or (lambda file, tokens: None), engine)
    click.echo(f"{made}: every text is the one that was hashed")


@click.command("verify")
@click.argument("folder", type=click.Path(), shell_complete=DATA_FOLDERS)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@_where_options
def verify_command(folder: str, as_json: bool, quiet: bool, **where: Any) -> None:
    """Is every file of a data set the one that was written?

    Hashes, columns and rows are compared with the manifest of FOLDER; the texts of a recipe are rendered again and
    compared with their hashes. Names what is damaged; the exit code is 1 when something is.
    """
    from ..base.console import advance, print_json, progress_bar
    from .dataset import Dataset
    from .verify import verify

    data = Dataset(folder, **where)
    files = data.manifest["files"]
    with progress_bar(len(files), "files", quiet=quiet or as_json) as bar:
        damages = list(verify(data, lambda file: advance(bar, 1, file)))
    if as_json:
        print_json([{"file": damage.file, "what": damage.what} for damage in damages])
    for damage in () if as_json else damages:
        click.echo(f"{folder}/{damage.file}: {damage.what}")
    if damages:
        damaged = len({damage.file for damage in damages})
        raise IncompleteError(f"damaged files: {damaged}; the same rmt-bench generate makes them again")
    if not as_json:
        click.echo(f"{folder}: {len(files)} files, {sum(file['rows'] for file in files.values())} rows, all sound")


@click.command("audit")
@click.argument("folder", type=click.Path(), shell_complete=DATA_FOLDERS)
@click.option("--output", type=click.Path(dir_okay=False), metavar="FILE.html", help="Write a page with plots, too.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.option("--tokenizer", default=None, help="Where the data set's tokenizer lies, where its name does not say.")
@click.option("--background", default=None, help="Where its filler lies: texts are then compared with the plan's, too.")
@click.option("--facts", default=None, metavar="babi:PATH", help="Where its official stories lie.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def audit_command(folder: str, output: str | None, as_json: bool, quiet: bool, **where: Any) -> None:
    """Prove the data set in FOLDER sound, or say what is not.

    Every text is searched, read by a symbolic reader and tokenised again; every story is told again from the plan.
    Measures, too, how far facts stand out from filler and what questions alone give away. Exit code 1 when a check
    fails. Needs rmt-bench[audit].

    \b
    rmt-bench audit data --output audit.html
    rmt-bench audit data --background path/to/books --json
    """
    from ..base.console import advance, print_json, progress_bar
    from .audit import audit
    from .audit_page import print_report, write_page

    with progress_bar(None, "tokens", quiet=quiet or as_json) as bar:
        report = audit(folder, progress=lambda what, tokens: advance(bar, tokens, what), **where)
    if output:
        write_page(report, output)
    if as_json:
        print_json(report.as_dict())
    else:
        print_report(report, output)
    if failed := report.failed:
        listed = ", ".join(f"{check.name} ({check.failures:,} of {check.checked:,})" for check in failed)
        raise IncompleteError(f"{folder} is unsound: {listed}; generate it again, or do not trust it")


@click.command("tasks")
@click.argument("name", default="", shell_complete=names(_task_names))
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def tasks_command(name: str, as_json: bool) -> None:
    """List the tasks, and the suites that stand for several; or say what the task NAME asks, and what can be set.

    \b
    rmt-bench tasks
    rmt-bench tasks qa1
    """
    from ..base.console import print_listing, summary
    from ..tasks.registry import TASKS
    from ..tasks.suites import SUITES, described, expand

    if name and name not in SUITES:
        _describe(name, as_json)
        return
    listed = expand([name]) if name else TASKS.names()
    suites = {name: described()[name]} if name else described()
    print_listing({one: summary(TASKS.get(one)) for one in listed} | suites, as_json)


def _describe(name: str, as_json: bool) -> None:
    """One task: what it asks, its knobs, and a story where it can be told with the knobs as they are."""
    import numpy as np

    from ..base.console import paragraphs, print_described, print_json
    from ..base.registry import REQUIRED
    from ..tasks.episode import Task
    from ..tasks.registry import TASKS, load_task, settings

    kind = TASKS.get(name)
    own = [one for one in kind.__mro__ if issubclass(one, Task) and one is not Task]
    knobs = settings(name)
    episode = None if REQUIRED in knobs.values() else load_task(name).episode(np.random.default_rng(0))
    if as_json:
        example = episode and asdict(episode)
        print_json({"name": name, "about": paragraphs(*own), "knobs": knobs, "example": example})
        return
    print_described(name, paragraphs(*own), "--task-arg", knobs)
    if episode is None:
        return
    click.echo("A story, without its filler:\n")
    for fact in episode.facts[:_FACTS]:
        click.echo(f"  {fact}")
    if len(episode.facts) > _FACTS:
        click.echo(f"  ... and {len(episode.facts) - _FACTS} more")
    for question in episode.questions:
        click.echo(f"  {question.text}  -> {question.answer}")


@click.command("backgrounds")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def backgrounds_command(as_json: bool) -> None:
    """List the backgrounds there are: what filler is made of."""
    from ..base.console import print_listing, summary
    from .background import BACKGROUNDS

    print_listing({name: summary(BACKGROUNDS.get(name)) for name in BACKGROUNDS.names()}, as_json)
