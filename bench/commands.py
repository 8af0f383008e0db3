"""The commands of this room: check, and what models there are. Each parses, calls, prints.

The longer ones (eval, train, attention, flops) have a module each.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from typing import Any

import click

from ..base.completion import names
from ..base.errors import UserError


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


def whole_numbers(text: str) -> list[int] | None:
    """Numbers of segments separated by commas, with or without `seg` at the end; None for anything else."""
    parts = [part.strip() for part in text.removesuffix("seg").split(",")]
    return [int(part) for part in parts] if all(part.isdecimal() for part in parts) else None


def _model_names() -> list[str]:
    from .model import MODELS

    return MODELS.names()


MODEL = click.argument("model", shell_complete=names(_model_names, files=True))
MODEL_ARG = click.option(
    "--model-arg", "model_args", multiple=True, callback=_model_args, metavar="KEY=VALUE",
    help="An option of the model; may be given several times.",
)  # fmt: skip
DEVICE = click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, mps; auto finds one.")
QUIET = click.option("--quiet", is_flag=True, help="No progress bar.")


@click.command("models")
@click.argument("name", default="", shell_complete=names(_model_names))
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def models_command(name: str, as_json: bool) -> None:
    """List the models there are; or say what NAME is, and what can be set.

    Beside these, MODEL may be a checkpoint folder, `path/to/file.py:factory` or `package.module:factory`.

    \b
    rmt-bench models
    rmt-bench models rmt
    """
    from ..base.console import paragraphs, print_described, print_json, print_listing, summary
    from .model import MODELS, settings

    if not name:
        print_listing({one: summary(MODELS.get(one)) for one in MODELS.names()}, as_json)
    elif as_json:
        print_json({"name": name, "about": paragraphs(MODELS.get(name)), "options": settings(name)})
    else:
        print_described(name, paragraphs(MODELS.get(name)), "--model-arg", settings(name))


@click.command("check")
@MODEL
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@MODEL_ARG
@DEVICE
def check_command(model: str, as_json: bool, model_args: dict[str, Any], device: str) -> None:
    """Prove that MODEL is a sound plugin, or say what is wrong.

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
