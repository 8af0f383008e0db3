"""`rmt-bench train`: from a model to a checkpoint. Parses, calls, prints."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import click

from ..base.console import Sections, given
from ..base.errors import UserError
from ..generators.commands import TASK_NAMES, source_options, split_names
from .commands import DEVICE, MODEL, MODEL_ARG, QUIET, whole_numbers


def _segments(context: click.Context, parameter: click.Parameter, value: str) -> list[int]:
    """A click callback: `1..7seg` counts one by one, `9,14seg` as written, `none` is empty."""
    if value == "none":
        return []
    low, dots, high = value.partition("..")
    numbers = whole_numbers(f"{low},{high}" if dots else value)
    if numbers is None or (dots and len(numbers) != 2):
        raise UserError(f"--{parameter.name} takes segments such as 1..7seg or 1,2,4seg, not {value!r}")
    return list(range(numbers[0], numbers[1] + 1)) if dots else numbers


def _rate(value: str) -> float:
    """A learning rate. Raises `ValueError` for what is none."""
    rate = float(value)
    if not 0 < rate < float("inf"):
        raise ValueError
    return rate


_RATE = click.types.FuncParamType(_rate)
_RATE.name = "float"
_RECIPE_OPTIONS = (
    click.option(
        "--curriculum", default="1..7seg", show_default=True, callback=_segments,
        help="The stages: documents of up to so many segments, one after the other.",
    ),
    click.option(
        "--roll", default="9,14,21,32,48seg", show_default=True, callback=_segments,
        help="Stages after those: longer documents, of which the last segments only get gradients; or none.",
    ),
    click.option(
        "--stages", metavar="FILE",
        help="Stages from a TOML file, in place of --curriculum and --roll, or the name of one that ships "
        "(qa1, qa1-rmt, reasoning); see bench/stage_file.py.",
    ),
    click.option("--until", metavar="STAGE", help="Leave out the stages behind the one of this name."),
    click.option("--rate", type=_RATE, default=1e-3, show_default=True, help="Learning rate, after warm-up."),
    click.option(
        "--roll-rate", type=_RATE, default=5e-4, show_default=True, help="Learning rate from the first --roll stage on."
    ),
    click.option(
        "--promote", type=click.FloatRange(0, 1), default=0.99, show_default=True, help="Accuracy that ends a stage."
    ),
    click.option(
        "--max-steps", type=click.IntRange(min=1), default=3000, show_default=True, help="Steps that a stage may take."
    ),
    click.option(
        "--patience", type=click.IntRange(min=1), default=None,
        help="Give a stage up when its accuracy has not risen for so many steps. [default: never]",
    ),
    click.option(
        "--total-steps", type=click.IntRange(min=1), default=None,
        help="Train for exactly so many steps, the decay included, whatever is learned by then: the same budget for "
        "every model. [default: until all is learned]",
    ),
    click.option(
        "--decay-steps", type=click.IntRange(min=1), default=200, show_default=True,
        help="Steps of the last stage, in which the rate falls to zero.",
    ),
    click.option(
        "--average", type=click.FloatRange(0, 1, max_open=True), is_flag=False, flag_value=0.99, default=None,
        metavar="[DECAY]",
        help="Keep the moving average of the weights over steps, not the last ones; each step keeps so much of it "
        "(0.99 where no number is given).",
    ),
)  # fmt: skip
_STREAM_OPTIONS = (
    click.option(
        "--streams", type=click.IntRange(min=0), default=0, show_default=True,
        help="Carry so many documents from step to step in the last stage (a multiple of --batch-size): memories grow "
        "old, and are asked on the way.",
    ),
    click.option(
        "--stream-length", type=click.IntRange(min=2), default=60, show_default=True,
        help="Segments of a carried document at the most; the length is log-uniform.",
    ),
    click.option(
        "--hold", type=click.FloatRange(min=0), default=3.0, show_default=True,
        help="With --streams: the weight of the loss on what segments without facts change in the memory.",
    ),
)  # fmt: skip
_RUN_OPTIONS = (
    click.option(
        "--save-every", type=click.IntRange(min=1), default=200, show_default=True, help="Steps between snapshots."
    ),
    click.option(
        "--precision", type=click.Choice(["no", "bf16"]), default=None,
        help="Compute in bfloat16 where that is safe, by accelerate. [default: as accelerate launch says, or no]",
    ),
    click.option("--tensorboard", is_flag=True, help="Log for TensorBoard, too, in the folder OUTPUT/tensorboard."),
)  # fmt: skip


def _train_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_RECIPE_OPTIONS + _STREAM_OPTIONS + _RUN_OPTIONS):
        command = option(command)
    return command


_SECTIONS = {
    "What it learns": ("tasks", "background", "seed", "placement", "task_args", "facts", "distractors", "style"),
    "The model": ("model_args", "device", "precision"),
    "Stages": (
        "curriculum", "roll", "stages", "until", "promote", "max_steps", "patience", "total_steps", "decay_steps",
    ),
    "Steps": ("batch_size", "rate", "roll_rate", "average"),
    "Carried streams": ("streams", "stream_length", "hold"),
    "What is kept": ("output", "save_every", "tensorboard"),
}  # fmt: skip


@click.command("train", cls=Sections, sections=_SECTIONS)
@MODEL
@click.option(
    "--tasks", required=True, callback=split_names, shell_complete=TASK_NAMES, help="What to train on: detect,memorize."
)
@click.option("--output", required=True, type=click.Path(), help="The checkpoint's folder: new, or one to go on with.")
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="Documents in a step.")
@_train_options
@MODEL_ARG
@DEVICE
@QUIET
@source_options
def train_command(
    model: str,
    tasks: list[str],
    output: str,
    batch_size: int,
    streams: int,
    stream_length: int,
    hold: float,
    save_every: int,
    precision: str | None,
    tensorboard: bool,
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
    stages: str | None,
    until: str | None,
    **recipe_options: Any,
) -> None:
    """Train MODEL by curriculum, and keep a checkpoint.

    A stage ends when its accuracy is good enough. After the curriculum the memory is rolled: documents grow, but
    gradients reach the last segments only. MODEL is anything that `eval` takes, as long as it is a torch module with a
    `score` method. Interrupted, the same command goes on from the last snapshot, to the same weights. Several processes
    started by `accelerate launch` share each batch (on processors, too, with its --multi_gpu).

    \b
    rmt-bench train rmt --tasks detect --output my-rmt
    rmt-bench eval my-rmt --tasks detect --lengths 1..7seg,64seg,2048seg
    accelerate launch --num_processes 2 -m rmt_bench train rmt --tasks detect --output my-rmt
    rmt-bench train rmt --model-arg memory_deadband=0.45 --streams 64 --average --tasks reasoning --output mine
    """
    import torch

    from ..generators.background import load_background
    from ..generators.plan import load_tasks
    from ..generators.samples import Source
    from .carried import CarriedRecipe
    from .checkpoint import to_device
    from .curriculum import make_stages, stages_until, with_last_stage
    from .model import load_model, takes
    from .processes import find_processes
    from .stage_file import read_stages
    from .stream import Stream
    from .train import train
    from .trainer import Recipe

    if not tasks:
        raise UserError("give --tasks (such as --tasks detect); see: rmt-bench tasks")
    if not streams and (idle := given("stream_length", "hold")):
        raise UserError(f"{', '.join(idle)} is of carried streams: give --streams too")
    if streams % batch_size:
        raise UserError(f"--streams {streams} is no multiple of --batch-size {batch_size}: streams are read in batches")
    carried = CarriedRecipe(streams // batch_size, stream_length, hold=hold) if streams else None
    others: dict[str, Any] = {}
    if stages is None:
        planned = make_stages(curriculum, roll)
    elif idle := given("curriculum", "roll"):
        raise UserError(f"the stages are those of --stages: leave out {', '.join(idle)}")
    else:
        written = read_stages(stages)
        planned, others = written.stages, written.tasks
    if until is not None:
        planned = stages_until(planned, until)
    planned = with_last_stage(planned, stream_length if streams else 0)
    if not any(stage.rolls for stage in planned) and given("roll_rate"):
        raise UserError("no stage rolls: leave out --roll-rate, or give --roll")
    if recipe_options["total_steps"] is not None and (idle := given("max_steps", "patience")):
        raise UserError(f"--total-steps says when training ends: leave out {', '.join(idle)}")
    total, decay = recipe_options["total_steps"], recipe_options["decay_steps"]
    if total is not None and total <= decay:
        raise UserError(f"--total-steps {total} leaves nothing before the decay: give more, or fewer --decay-steps")
    recipe = Recipe(planned, seed=seed, carried=carried, **recipe_options)
    processes = find_processes(precision, device)
    made_tasks = load_tasks(tasks, task_args, facts)
    if takes(model, "labels"):
        every = [*made_tasks.values(), *others.values()]
        labels = dict.fromkeys(label for made in every for label in made.labels)
        model_args = {"labels": list(labels), **model_args}
    torch.manual_seed(seed)
    loaded: Any = load_model(model, **model_args)
    to_device(loaded, processes.device or device)
    source = Source(
        load_background(background), loaded.tokenizer, seed, placement, "train", segment_length=loaded.segment_length,
        distractors=distractors, style=style,
    )  # fmt: skip
    share = processes.rank, processes.count
    stream = Stream(made_tasks, source, loaded.segment_length, batch_size, share, others)
    with _stage_bar(len(recipe.stages), quiet or not processes.is_first) as on_step:
        folder = train(
            loaded, stream, recipe, output, spec=model, options=model_args, on_step=on_step, save_every=save_every,
            processes=processes, tensorboard=tensorboard,
        )  # fmt: skip
    if processes.is_first:
        told = f"rmt-bench eval {folder} --tasks {','.join(tasks)} ..."
        click.echo(f"{folder}: trained; see how far it reads with: {told}")


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
