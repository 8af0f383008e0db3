"""The commands push data, push checkpoint, push board. Each parses, gathers, sends or lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from .hub import Parcel

_FOLDER = click.argument("folder", type=click.Path())
_NAME = click.argument("name", metavar="OWNER/NAME")
_PRIVATE = click.option("--private", is_flag=True, help="If the repository is new, only its owner sees it.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="List what would go where, and send nothing.")


def _push(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every command takes: FOLDER OWNER/NAME --private --dry-run."""
    return _FOLDER(_NAME(_PRIVATE(_DRY_RUN(command))))


@click.group("push")
def push_group() -> None:
    """Put a data set, a checkpoint or a board on the Hugging Face hub.

    The repository is made if need be, and everything goes there in one commit. Log in by `hf auth login`, or set
    HF_TOKEN; neither is ever shown. A board can be put elsewhere, too: rmt-bench leaderboard publish.
    """


@push_group.command("data", short_help="A data set, which datasets.load_dataset then reads.")
@_push
def data_command(folder: str, name: str, private: bool, dry_run: bool) -> None:
    """Put the data set in FOLDER (see: rmt-bench generate) on the hub.

    Every file is compared with its hash before. Then `datasets.load_dataset("OWNER/NAME", "4k", split="qa1")` reads it.
    """
    from .hub import data_parcel

    _send(data_parcel(folder, name), private, dry_run)


@push_group.command("checkpoint", short_help="A trained model, with its card and curve.")
@_push
@click.option(
    "--run", type=click.Path(), help="A run of these weights (see: rmt-bench eval); its curve goes into the card."
)
def checkpoint_command(folder: str, name: str, private: bool, dry_run: bool, run: str | None) -> None:
    """Put the trained model in FOLDER (see: rmt-bench train) on the hub, with a card that says how it was made.

    \b
    rmt-bench eval my-rmt --tasks detect --lengths 1k..32k --output runs/my-rmt
    rmt-bench push checkpoint my-rmt OWNER/NAME --run runs/my-rmt
    rmt-bench eval hf:OWNER/NAME --tasks detect --lengths 1k..32k        anywhere
    """
    from pathlib import Path

    from .hub import checkpoint_parcel

    _send(checkpoint_parcel(folder, name, None if run is None else Path(run)), private, dry_run)


@push_group.command("board", short_help="A leaderboard, as a page.")
@_push
@click.option(
    "--repo-type", type=click.Choice(["space", "dataset"]), default="space", show_default=True,
    help="A static Space, which shows the page, or a dataset.",
)  # fmt: skip
def board_command(folder: str, name: str, private: bool, dry_run: bool, repo_type: Any) -> None:
    """Put the board in FOLDER (see: rmt-bench leaderboard build) on the hub."""
    from .hub import board_parcel

    _send(board_parcel(folder, name, repo_type), private, dry_run)


def _send(parcel: Parcel, private: bool, dry_run: bool) -> None:
    if dry_run:
        for line in parcel.preview():
            click.echo(line)
    else:
        click.echo(f"{len(parcel.files)} files are at {parcel.send(private or None)}")
