"""The command eval: parses, calls `evaluate`, and hands the finished run to whoever shows it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from ..base.console import Sections, given
from ..base.errors import UserError
from ..generators.commands import DATA_FOLDERS, TASK_NAMES, engine_options, plan_options, split_names
from ..generators.passages import Passage, passages
from ..generators.plan import Samples
from .commands import DEVICE, MODEL, MODEL_ARG, QUIET, whole_numbers


@dataclass(frozen=True)
class Finished:
    """A run that just ended, handed to the leaderboard room, which shows it.

    `surroundings` tells the facts of a sample with the text around them (generators/passages.py), by its task, length,
    index and id: the leaderboard has no text.
    """

    folder: Path
    errors: int
    reason: str
    as_json: bool
    surroundings: Callable[[str, str, int, str], list[Passage]] | None = field(default=None, compare=False)


def _distances(context: click.Context, parameter: click.Parameter, value: str | None) -> list[int]:
    """A click callback: distances in segments separated by commas."""
    distances = [] if value is None else whole_numbers(value)
    if distances is None:
        raise UserError(f"--probe takes distances in segments such as 0,4,64, not {value!r}")
    return sorted(set(distances))


_READING_OPTIONS = (
    click.option(
        "--batch-size", type=click.IntRange(min=1), default=8, show_default=True, help="Documents read together."
    ),
    click.option(
        "--one-pass", is_flag=True,
        help="Read a story at all lengths in one pass, as far as its documents begin alike (memorize).",
    ),
    click.option(
        "--probe", "probes", is_flag=False, flag_value="0", default=None, callback=_distances, metavar="[0,4,64]",
        help="Ask each question on the way, too: so many segments after its last supporting fact was read. Says "
        "whether it was ever written, and when it was lost.",
    ),
    click.option(
        "--checkpoint-every", type=click.IntRange(min=1), default=None, metavar="SEGMENTS",
        help="Keep the state of a reading so often, to go on from there. [default: every half minute]",
    ),
)  # fmt: skip
_SETUP_OPTIONS = (
    click.option("--dtype", default=None, help="float64, float32, bfloat16, float16. [default: as the model comes]"),
    click.option("--compile", "compiled", is_flag=True, help="Compile the model's `read` with torch.compile."),
)
_WORKER_OPTIONS = (
    click.option(
        "--timeout", type=click.FloatRange(min=0, min_open=True), default=None, metavar="SECONDS",
        help="Give a batch up when the model takes longer than this to read one segment or to give one answer.",
    ),
    click.option(
        "--cpus", type=click.FloatRange(min=0), default=1, show_default=True,
        help="With ray: processors of each worker.",
    ),
    click.option(
        "--gpus", type=click.FloatRange(min=0), default=0, show_default=True,
        help="With ray: GPUs of each worker; 0.5: two share one.",
    ),
)  # fmt: skip


def _worker_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say who does the work; the command gets them as `workers` (None: this process)."""

    @functools.wraps(command)
    def called(engine: Any, timeout: float | None, cpus: float, gpus: float, **options: Any) -> Any:
        from .engines import Workers

        if engine.name != "ray" and (idle := given("cpus", "gpus")):
            raise UserError(f"{', '.join(idle)} says what workers of a Ray cluster have: give --engine ray too")
        alone = engine.name == "local" and (engine.workers or 1) == 1 and timeout is None
        return command(workers=None if alone else Workers(engine, timeout, cpus, gpus), **options)

    return engine_options(_with(called, _WORKER_OPTIONS))


def _setup_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what is asked; the command gets them as `setup`."""

    @functools.wraps(command)
    def called(
        model: str, model_args: dict[str, Any], device: str, dtype: str | None, compiled: bool, seed: int, **more: Any
    ) -> Any:
        from .setup import Setup

        return command(setup=Setup(model, model_args, device, dtype, compiled, seed), seed=seed, **more)

    return MODEL(MODEL_ARG(DEVICE(_with(called, _SETUP_OPTIONS))))


def _with(command: Callable[..., Any], options: tuple[Callable[..., Any], ...]) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command


_SECTIONS = {
    "What is asked": ("tasks", "lengths", "samples", "token_budget", "min_samples", "questions", "data", "tokenizer"),
    "How samples are made": ("seed", "background", "placement", "task_args", "facts", "distractors", "style"),
    "The model": ("model_args", "device", "dtype", "compiled"),
    "How it reads": ("batch_size", "one_pass", "probes", "checkpoint_every"),
    "Who does the work": ("workers", "timeout", "engine", "address", "cpus", "gpus"),
    "What comes out": ("output", "name", "as_json", "quiet"),
}
#: What a data set has settled, and where the parts of one that was stored as a recipe may lie now.
_SETTLED = ("samples", "token_budget", "min_samples", "questions", "placement", "task_args", "distractors", "style")
_MOVED = ("background", "tokenizer", "facts")


@click.command("eval", cls=Sections, sections=_SECTIONS)
@click.option(
    "--tasks", callback=split_names, shell_complete=TASK_NAMES,
    help="Tasks, separated by commas: detect,qa1. See: rmt-bench tasks.",
)  # fmt: skip
@click.option("--lengths", help="Context lengths in tokens: 0, 4k, 1k..2M (doubling), 7seg, 1..7seg.")
@click.option(
    "--data", type=click.Path(), shell_complete=DATA_FOLDERS,
    help="Ask what this data set holds; --tasks and --lengths choose from it.",
)  # fmt: skip
@click.option("--output", type=click.Path(), help="The run's folder. [default: runs/MODEL-HASH]")
@click.option("--name", help="What the model is called in tables and plots. [default: MODEL]")
@click.option("--tokenizer", help="What counts tokens: a folder or a hub name. [default: the model's own]")
@click.option(
    "--questions", type=click.IntRange(min=1), default=None,
    help="Ask so many questions about each text, after one reading (tasks that can: capacity, remember ...).",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the curve as JSON, for machines.")
@QUIET
@_setup_options
@functools.partial(_with, options=_READING_OPTIONS)
@_worker_options
@plan_options
def eval_command(
    setup: Any,
    tasks: list[str] | None,
    lengths: str | None,
    data: str | None,
    output: str | None,
    name: str | None,
    tokenizer: str | None,
    questions: int | None,
    as_json: bool,
    quiet: bool,
    batch_size: int,
    one_pass: bool,
    probes: list[int],
    checkpoint_every: int | None,
    workers: Any,
    **options: Any,
) -> Finished:
    """Evaluate MODEL: how accurate are its answers at each length?

    MODEL is a name (see: rmt-bench models), a checkpoint folder, `hf:OWNER/NAME` (one on the hub),
    `path/to/file.py:factory` or `package.module:factory`. Samples are made on the fly, and need no disk, or come from
    --data. Ends with a table, `curve.csv`, `curve.png` and `report.html` in the run's folder. The same command again
    does what is missing or failed, and nothing twice; a reading that was interrupted goes on where it stood.

    \b
    rmt-bench eval rmt-tiny --tasks detect --lengths 1k..32k
    rmt-bench eval rmt-tiny --tasks detect --lengths 1..7seg,64seg,31936seg --token-budget 8M
    rmt-bench eval rmt-tiny --tasks memorize --lengths 1k..256k --one-pass
    rmt-bench eval rmt-tiny --tasks capacity --questions 4 --task-arg facts=4 --lengths 4k --probe 0,16
    rmt-bench eval my_model.py:make --model-arg width=256 --data DIR --workers 2 --timeout 60
    """
    from .evaluate import evaluate
    from .reading_bar import reading_bar

    loaded: Any = (setup if workers is None else setup.for_a_look).make()
    samples = _samples(loaded, tasks, lengths, data, tokenizer, questions, options)
    folder = output or _default_folder(setup, name, getattr(loaded, "incidental", ()), probes, samples)
    with reading_bar(samples, loaded.segment_length, quiet or as_json) as progress:
        outcome = evaluate(
            loaded, samples, folder, name=name or setup.spec, options=dict(setup.options), setup=setup,
            batch_size=batch_size, one_pass=one_pass, probes=probes, checkpoint_every=checkpoint_every,
            workers=workers, progress=progress, notice=lambda text: click.echo(f"Note: {text}", err=True),
        )  # fmt: skip
    for failure in outcome.failures if len(outcome.failures) > 1 else ():
        click.echo(f"failed: {failure}", err=True)
    return Finished(outcome.folder, outcome.errors, outcome.reason, as_json, functools.partial(passages, samples))


def _samples(
    model: Any,
    tasks: list[str] | None,
    lengths: str | None,
    data: str | None,
    tokenizer: str | None,
    questions: int | None,
    options: dict[str, Any],
) -> Samples:
    from ..generators.generate import make_plan
    from ..generators.tokens import load_tokenizer

    if data is not None:
        return _stored(data, tasks, lengths, {"tokenizer": tokenizer, **options})
    if not tasks or not lengths:
        raise UserError("give --tasks and --lengths (such as --tasks detect --lengths 1k..32k), or --data DIR")
    counted_by = load_tokenizer(tokenizer) if tokenizer else model.tokenizer
    if questions is not None:
        if "questions" in options["task_args"]:
            also = options["task_args"]["questions"]
            raise UserError(f"--questions {questions} and --task-arg questions={also} say the same thing: give one")
        _refuse_single_questions(tasks)
        options = {**options, "task_args": {**options["task_args"], "questions": str(questions)}}
    return make_plan(tasks, lengths, counted_by, segment_length=model.segment_length, **options)


def _stored(folder: str, tasks: list[str] | None, lengths: str | None, options: dict[str, Any]) -> Samples:
    """A data set. Raises `UserError` for options that would change nothing of it."""
    from ..generators.dataset import Dataset

    chosen = [length.strip() for length in lengths.split(",")] if lengths else None
    moved = {name: options[name] for name in _MOVED if given(name)}
    made = Dataset(folder, tasks, chosen, **moved)
    idle = given(*_SETTLED) + (given(*_MOVED) if made.store == "text" else [])
    if idle:
        raise UserError(f"{folder} holds its samples: leave out {', '.join(idle)}, or generate another with them")
    return made


def _refuse_single_questions(tasks: list[str]) -> None:
    """Raise `UserError` where a task can ask one question about a text only."""
    from dataclasses import fields

    from ..tasks.registry import TASKS
    from ..tasks.suites import expand

    def several(task: str) -> bool:
        return any(field.name == "questions" for field in fields(TASKS.get(task)))

    if single := [task for task in expand(tasks) if task in TASKS.names() and not several(task)]:
        able = ", ".join(filter(several, TASKS.names()))
        raise UserError(f"--questions: {', '.join(single)} can ask one question about a text; several: {able}")


def _default_folder(
    setup: Any, name: str | None, incidental: Sequence[str], probes: list[int], samples: Samples
) -> Path:
    """One and the same for calls that are of one run, and no other: see the identity in `evaluate`."""
    from ..base.files import digest

    label = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name or Path(setup.spec).name)
    options = {key: value for key, value in setup.options.items() if key not in incidental}
    more = [part for part in (setup.identity, probes, name) if part]
    return Path("runs") / f"{label}-{digest(setup.spec, options, samples.identity(), *more)[:8]}"
