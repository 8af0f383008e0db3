"""`rmt-bench attention`: figure 6 of the RMT report from a model's own weights. Parses, calls, prints."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..base.console import Sections
from ..base.errors import UserError
from ..generators.commands import TASK_NAMES, source_options
from .commands import DEVICE, MODEL, MODEL_ARG, QUIET

if TYPE_CHECKING:
    from .attention import Look, Operation

_COLUMNS = ("operation", "what", "n", "share", "95% interval", "even", "strongest head")


_SECTIONS = {
    "Documents": (
        "task", "segments", "samples", "background", "seed", "placement", "task_args", "facts", "distractors", "style",
    ),
    "The model": ("model_args", "device"),
    "What comes out": ("show", "output", "as_json", "quiet"),
}  # fmt: skip


@click.command("attention", cls=Sections, sections=_SECTIONS)
@MODEL
@click.option(
    "--task", default="reasoning", show_default=True, shell_complete=TASK_NAMES,
    help="What it is asked. See: rmt-bench tasks.",
)  # fmt: skip
@click.option(
    "--segments", type=click.IntRange(min=2), default=4, show_default=True, help="How long the documents are."
)
@click.option(
    "--samples", type=click.IntRange(min=1), default=64, show_default=True, help="Documents that the numbers are over."
)
@click.option("--show", type=click.IntRange(min=0), default=0, show_default=True, help="Which of them is drawn.")
@click.option("--output", type=click.Path(), help="The folder for the pictures. [default: runs/attention-MODEL-TASK]")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON, for machines.")
@MODEL_ARG
@DEVICE
@QUIET
@source_options
def attention_command(
    model: str,
    task: str,
    segments: int,
    samples: int,
    show: int,
    output: str | None,
    as_json: bool,
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
) -> None:
    """Show where MODEL looks as it reads and answers: does the memory take in the fact, keep it, and give it back?

    Draws, for each segment of one document, what attends to what: attention.png, and attention.html to look closer
    (one file, no network). Says over all documents how much attention goes from memory to the fact, from memory to
    itself where there is no fact, and from the question to memory.

    \b
    rmt-bench attention rmt-tiny --task detect --segments 4
    """
    import torch

    from ..base.console import advance, print_json, print_table, progress_bar
    from ..generators.background import load_background
    from ..generators.lengths import Length
    from ..generators.plan import load_tasks
    from ..generators.samples import Source
    from ..tasks.scoring import strict
    from .attention import look, measure, refuse_blind, shares
    from .checkpoint import to_device
    from .model import load_model

    if show >= samples:
        raise UserError(f"--show {show}: of {samples} documents the last is {samples - 1}")
    torch.manual_seed(seed)
    loaded: Any = load_model(model, **model_args)
    refuse_blind(loaded)
    to_device(loaded, device)
    tasks = load_tasks([task], task_args, facts)
    if len(tasks) > 1:
        raise UserError(f"--task takes one task, and {task} is several: {', '.join(tasks)}")
    (made,) = tasks.values()
    source = Source(
        load_background(background), loaded.tokenizer, seed, placement, segment_length=loaded.segment_length,
        distractors=distractors, style=style,
    )  # fmt: skip
    length = Length(f"{segments}seg", segments=segments)
    drawn, right, found = None, 0, []
    with progress_bar(samples, "documents", quiet=quiet or as_json) as bar:
        for index in range(samples):
            one = look(loaded, source.samples(task, made, length, index)[0])
            drawn = one if index == show else drawn  # the maps of a large model are too large to keep them all
            right += strict(one.answer, one.sample.answer, one.sample.choices, one.sample.question).correct
            found.append(shares(one))
            advance(bar, 1)
    assert drawn is not None
    operations = measure(found)
    folder = Path(output or Path("runs") / f"attention-{Path(model).name}-{task}")
    _draw(folder, model, task, drawn, operations)
    if as_json:
        print_json({"folder": str(folder), "operations": [_plain(one) for one in operations]})
    else:
        print_table(_COLUMNS, [_cells(one) for one in operations])
        click.echo(
            f"right answers: {right} of {samples}\nmaps: {folder / 'attention.png'}, {folder / 'attention.html'}"
        )


def _draw(folder: Path, model: str, task: str, one: Look, operations: list[Operation]) -> None:
    """Both pictures, and the numbers beside them."""
    from ..base.files import write_json
    from .attention_page import plot_look, write_page
    from .environment import environment

    ran = environment()
    plot_look(one, operations, folder / "attention.png", f"{model}, {task}: {one.sample.question} {one.answer}")
    context = {"model": model, "task": task, "command": ran["command"], "date": ran["date"][:10]}
    write_page(one, operations, folder / "attention.html", context)
    numbers = {"model": model, "task": task, "operations": [_plain(operation) for operation in operations], **ran}
    write_json(folder / "attention.json", numbers)


def _plain(one: Operation) -> dict[str, Any]:
    """An operation as JSON has it: what is not known is null."""
    return {key: None if value != value else value for key, value in asdict(one).items()}


def _cells(one: Operation) -> list[str]:
    from .attention_page import MEANING

    if not one.n:
        return [one.name, MEANING[one.name], "0", *["-"] * 4]
    interval = f"{one.ci_low:.3f} - {one.ci_high:.3f}" if one.n > 1 else "-"
    strongest = f"{one.strongest:.3f} (layer {one.layer + 1}, head {one.head + 1})"
    return [one.name, MEANING[one.name], f"{one.n:,}", f"{one.mean:.3f}", interval, f"{one.even:.3f}", strongest]
