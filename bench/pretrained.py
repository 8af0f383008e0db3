"""Checkpoints of others: from the hub, or a folder that came from there. Runs no code that they name, unless told.

A checkpoint says how its model is made (checkpoint.json): by a name that is registered here, whose weights are numbers
and nothing else; or by a plugin, which is a file of Python beside it and is run only for whoever trusts it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..base.errors import UserError
from ..base.files import read_json
from ..base.hub import Repository
from .checkpoint import load_checkpoint
from .model import HUB, MODELS, SegmentModel

_RECIPE = "checkpoint.json"
#: What a checkpoint is made of; what else a repository holds stays there.
_PARTS = (_RECIPE, "model.safetensors", "tokenizer/*", "*.py")


def from_pretrained(
    name_or_folder: str | Path, *, revision: str | None = None, trust_code: bool = False, **options: Any
) -> SegmentModel:
    """The trained model that `OWNER/NAME` is on the hub, or that lies in a folder, in evaluation mode.

    `revision` is a branch, a tag or a commit of the repository, for which `OWNER/NAME@REVISION` is short. `options`
    override those that the model was made with. What was downloaded once is not downloaded again. Raises `UserError`
    when there is no such checkpoint, and when its model is a plugin and `trust_code` was not given: then it would run
    code that others wrote.
    """
    folder = checkpoint_folder(name_or_folder, revision)
    if not trust_code:
        _refuse_code(folder, str(name_or_folder))
    return load_checkpoint(folder, **options)


def checkpoint_folder(name_or_folder: str | Path, revision: str | None = None) -> Path:
    """The folder of a checkpoint, downloaded if it is on the hub. Raises `UserError` when there is none."""
    if Path(name_or_folder).is_dir():
        return Path(name_or_folder)
    name, _, tagged = str(name_or_folder).removeprefix(HUB).partition("@")
    repository = Repository(name, "model")
    commit = repository.fetch([_RECIPE], revision or tagged or None)
    if not (commit / _RECIPE).is_file():
        raise UserError(
            f"{repository.where} holds no checkpoint of rmt-bench (no checkpoint.json); models of transformers are "
            f"read by rmt:{name}, cached:{name} or full:{name}; see: rmt-bench models"
        )
    return repository.fetch(_PARTS, commit.name)


def _refuse_code(folder: Path, name: str) -> None:
    """Raise `UserError` where making the model would run what is neither part of this package nor installed with it."""
    if not (folder / _RECIPE).is_file():
        return  # which is told by whoever reads it
    spec = str(read_json(folder / _RECIPE).get("model"))
    if spec not in MODELS.names():
        raise UserError(
            f"the model of {name} is made by {spec!r}, code that is not part of rmt-bench: look at it in {folder}, and "
            "if you trust it say trust_code=True (--model-arg trust_code=true)"
        )
