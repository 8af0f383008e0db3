"""The commands of this room: eval, check, train, and what models there are. Each parses, calls, prints."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from ..base.errors import UserError
from ..generators.commands import plan_options, source_options, split_names
from ..generators.plan import Samples


@dataclass(frozen=True)
class Finished:
    """A run that just ended, handed to the leaderboard room, which shows it."""

    folder: Path
    errors: int
    reason: str
    as_json: bool


def _model_args(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals or not key:
            raise UserError(f"--model-arg takes KEY=VALUE, not {value!r}")
        options[key] = _plain(text)
    return options


def _plain(text: str) -> Any:
    """A value as the command line writes it: a number, true, false, none, or the text itself."""
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def _segments(context: click.Context, parameter: click.Parameter, value: str) -> list[int]:
    """A click callback: `1..7seg` counts one by one, `9,14seg` as written, `none` is empty."""
    if value == "none":
        return []
    low, dots, high = value.removesuffix("seg").partition("..")
    counts = [low, high] if dots else low.split(",")
    if not all(count.strip().isdigit() for count in counts):
        raise UserError(f"--{parameter.name} takes segments such as 1..7seg or 1,2,4seg, not {value!r}")
    numbers = [int(count) for count in counts]
    return list(range(numbers[0], numbers[1] + 1)) if dots else numbers


_MODEL_ARG = click.option(
    "--model-arg", "model_args", multiple=True, callback=_model_args, metavar="KEY=VALUE",
    help="An option of the model; may be given several times.",
)  # fmt: skip
_DEVICE = click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, mps; auto finds one.")
_QUIET = click.option("--quiet", is_flag=True, help="No progress bar.")


@click.command("models")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def models_command(as_json: bool) -> None:
    """List the models there are.

    Beside these, MODEL may be a checkpoint folder, `path/to/file.py:factory` or `package.module:factory`.
    """
    from ..base.console import print_listing, summary
    from .model import MODELS

    print_listing({name: summary(MODELS.get(name)) for name in MODELS.names()}, as_json)


@click.command("eval")
@click.argument("model")
@click.option("--tasks", callback=split_names, help="Tasks, separated by commas: detect,qa1. See: rmt-bench tasks.")
@click.option("--lengths", help="Context lengths in tokens: 0, 4k, 1k..2M (doubling), 7seg, 1..7seg.")
@click.option("--data", type=click.Path(), help="Evaluate on a data set that rmt-bench generate made, instead.")
@click.option("--output", type=click.Path(), help="The run's folder. [default: runs/MODEL-HASH]")
@click.option("--name", help="What the model is called in tables and plots. [default: MODEL]")
@click.option("--batch-size", type=click.IntRange(min=1), default=8, show_default=True, help="Documents read together.")
@click.option("--tokenizer", help="What counts tokens: a folder or a hub name. [default: the model's own]")
@click.option("--json", "as_json", is_flag=True, help="Print the curve as JSON, for machines.")
@_MODEL_ARG
@_DEVICE
@_QUIET
@plan_options
def eval_command(
    model: str,
    tasks: list[str] | None,
    lengths: str | None,
    data: str | None,
    output: str | None,
    name: str | None,
    batch_size: int,
    tokenizer: str | None,
    as_json: bool,
    model_args: dict[str, Any],
    device: str,
    quiet: bool,
    **options: Any,
) -> Finished:
    """Evaluate MODEL: how accurate are its answers at each length?

    MODEL is a name (see: rmt-bench models), a checkpoint folder, `path/to/file.py:factory` or
    `package.module:factory`. Samples are made on the fly, and need no disk, or come from --data. Ends with a table,
    `curve.csv` and `curve.png` in the run's folder. The same command again does what is missing, and nothing twice.

    \b
    rmt-bench eval rmt-tiny --tasks detect --lengths 1k..32k
    rmt-bench eval rmt-tiny --tasks detect --lengths 1..7seg,64seg,31936seg --token-budget 8M
    rmt-bench eval my_model.py:make --model-arg width=256 --data DIR
    """
    import torch

    from .checkpoint import to_device
    from .evaluate import evaluate
    from .model import load_model

    torch.manual_seed(options["seed"])  # a model without weights of its own is the same one when the run goes on
    loaded: Any = load_model(model, **model_args)
    to_device(loaded, device)
    samples = _samples(loaded, tasks, lengths, data, tokenizer, options)
    folder = output or _default_folder(model, model_args, samples)
    with _bar(samples, loaded.segment_length, quiet or as_json) as progress:
        outcome = evaluate(
            loaded, samples, folder, name=name or model, options=model_args, batch_size=batch_size, progress=progress
        )
    return Finished(outcome.folder, outcome.errors, outcome.reason, as_json)


def _samples(
    model: Any, tasks: list[str] | None, lengths: str | None, data: str | None, tokenizer: str | None, options: Any
) -> Samples:
    from ..generators.dataset import Dataset
    from ..generators.generate import make_plan
    from ..generators.tokens import load_tokenizer

    if data is not None:
        return Dataset(data, tasks, lengths.split(",") if lengths else None)
    if not tasks or not lengths:
        raise UserError("give --tasks and --lengths (such as --tasks detect --lengths 1k..32k), or --data DIR")
    counted_by = load_tokenizer(tokenizer) if tokenizer else model.tokenizer
    return make_plan(tasks, lengths, counted_by, segment_length=model.segment_length, **options)


def _default_folder(model: str, model_args: dict[str, Any], samples: Samples) -> Path:
    from ..base.files import digest

    label = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in Path(model).name)
    return Path("runs") / f"{label}-{digest(model, model_args, samples.identity())[:8]}"


@contextlib.contextmanager
def _bar(samples: Samples, segment_length: int, quiet: bool) -> Iterator[Any]:
    """A progress bar over all tokens of all units; what a finished unit holds is counted when it is passed over."""
    from ..base.console import advance, progress_bar, side_bar
    from ..generators.lengths import parse_lengths
    from ..generators.plan import Plan

    def size(unit: Any) -> int:
        return (unit.stop - unit.start) * parse_lengths(unit.length)[0].context_tokens(0, segment_length)

    with progress_bar(sum(map(size, samples.units())), "tokens", quiet=quiet) as bar:
        if isinstance(samples, Plan):
            samples.source.watch = side_bar(bar, "characters")
        yield lambda unit, tokens: advance(
            bar, size(unit) if tokens is None else tokens, f"{unit.task} at {unit.length}"
        )


@click.command("check")
@click.argument("model")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@_MODEL_ARG
@_DEVICE
def check_command(model: str, as_json: bool, model_args: dict[str, Any], device: str) -> None:
    """Prove that MODEL is a sound plugin, or say what is wrong with it.

    Random segments are read in two ways that must come to the same: twice, with a question in between, in a batch and
    row by row, after another document. Exit code 1 when a proof fails: then no curve of it is to be trusted.

    \b
    rmt-bench check path/to/mine.py:factory
    """
    import torch

    from ..base.console import print_json, print_table
    from ..base.errors import IncompleteError
    from ..tasks.lexicon import PLACES
    from .check import check
    from .checkpoint import to_device
    from .model import load_model

    torch.manual_seed(0)
    loaded: Any = load_model(model, **model_args)
    to_device(loaded, device)
    findings = check(loaded, getattr(loaded, "labels", PLACES))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table(("proof", "", "difference", "tolerance", "note"), [_finding_cells(finding) for finding in findings])
    if failed := [finding.proof for finding in findings if finding.sound is False]:
        raise IncompleteError(f"{model} is unsound: {', '.join(failed)}; do not trust a curve of it")


def _finding_cells(finding: Any) -> list[str]:
    word = {True: "sound", False: "UNSOUND", None: "-"}[finding.sound]
    numbers = ("-" if value is None else f"{value:.1e}" for value in (finding.difference, finding.tolerance))
    return [finding.proof, word, *numbers, finding.note]


_RECIPE_OPTIONS = (
    click.option(
        "--curriculum", default="1..7seg", show_default=True, callback=_segments,
        help="The stages: documents of up to so many segments, one after the other.",
    ),
    click.option(
        "--roll", default="9,14,21,32,48seg", show_default=True, callback=_segments,
        help="Stages after those: longer documents, of which the last segments only get gradients; or none.",
    ),
    click.option("--rate", type=float, default=1e-3, show_default=True, help="Learning rate, after warm-up."),
    click.option(
        "--roll-rate", type=float, default=5e-4, show_default=True, help="Learning rate from the first --roll stage on."
    ),
    click.option(
        "--promote", type=click.FloatRange(0, 1), default=0.99, show_default=True, help="Accuracy that ends a stage."
    ),
    click.option(
        "--max-steps", type=click.IntRange(min=1), default=3000, show_default=True, help="Steps that a stage may take."
    ),
    click.option(
        "--decay-steps", type=click.IntRange(min=1), default=200, show_default=True,
        help="Steps of the last stage, in which the rate falls to zero.",
    ),
)  # fmt: skip


def _recipe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_RECIPE_OPTIONS):
        command = option(command)
    return command


@click.command("train")
@click.argument("model")
@click.option("--tasks", required=True, callback=split_names, help="What to train on: detect,memorize.")
@click.option("--output", required=True, type=click.Path(), help="The checkpoint's folder: new, or one to go on with.")
@_recipe_options
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="Documents in a step.")
@click.option(
    "--save-every", type=click.IntRange(min=1), default=200, show_default=True, help="Steps between snapshots."
)
@_MODEL_ARG
@_DEVICE
@_QUIET
@source_options
def train_command(
    model: str,
    tasks: list[str],
    output: str,
    batch_size: int,
    save_every: int,
    model_args: dict[str, Any],
    device: str,
    quiet: bool,
    background: str,
    seed: int,
    placement: str | None,
    task_args: dict[str, str],
    facts: str | None,
    distractors: float,
    style: str,
    curriculum: list[int],
    roll: list[int],
    **recipe_options: Any,
) -> None:
    """Train MODEL by curriculum on a stream of fresh samples, and keep a checkpoint.

    A stage ends when its accuracy is good enough. After the curriculum the memory is rolled: documents grow, but
    gradients reach the last segments only. MODEL is anything that `eval` takes, as long as it is a torch module with a
    `score` method. Interrupted, the same command goes on from the last snapshot, to the same weights.

    \b
    rmt-bench train rmt --tasks detect --output my-rmt
    rmt-bench eval my-rmt --tasks detect --lengths 1..7seg,64seg,2048seg
    """
    import torch

    from ..generators.background import load_background
    from ..generators.plan import load_tasks
    from ..generators.samples import Source
    from .checkpoint import to_device
    from .curriculum import make_stages
    from .model import load_model, takes
    from .stream import Stream
    from .train import train
    from .trainer import Recipe

    recipe = Recipe(tuple(make_stages(curriculum, roll)), seed=seed, **recipe_options)
    made_tasks = load_tasks(tasks, task_args, facts)
    if takes(model, "labels"):
        labels = dict.fromkeys(label for made in made_tasks.values() for label in made.labels)
        model_args = {"labels": list(labels), **model_args}
    torch.manual_seed(seed)
    loaded: Any = load_model(model, **model_args)
    to_device(loaded, device)
    source = Source(
        load_background(background), loaded.tokenizer, seed, placement, "train", segment_length=loaded.segment_length,
        distractors=distractors, style=style,
    )  # fmt: skip
    stream = Stream(made_tasks, source, loaded.segment_length, batch_size)
    with _stage_bar(len(recipe.stages), quiet) as on_step:
        folder = train(
            loaded, stream, recipe, output, spec=model, options=model_args, on_step=on_step, save_every=save_every
        )
    click.echo(f"{folder}: trained; see how far it reads with: rmt-bench eval {folder} --tasks {','.join(tasks)} ...")


@contextlib.contextmanager
def _stage_bar(stages: int, quiet: bool) -> Iterator[Any]:
    """A progress bar over stages, and a line for each that is learned."""
    from ..base.console import advance, progress_bar

    with progress_bar(stages, "stages", quiet=quiet) as bar:
        seen: list[str] = []

        def on_step(report: Any) -> None:
            new = report.stage not in seen[-1:]
            if new:
                seen.append(report.stage)
            advance(
                bar,
                int(new and len(seen) > 1),
                f"{report.stage}, step {report.step:,}: loss {report.loss:.3f}, accuracy {report.recent_accuracy:.1%}",
            )

        yield on_step
