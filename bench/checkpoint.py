"""A trained model on disk: `model.safetensors`, `checkpoint.json`, and the tokenizer unless it is the embedded one.

checkpoint.json says how to make the model again (its name and options) and how it was trained. A model tells that by
`rebuild()`; one that does not is made again from the name and options it was first made with.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ..base.errors import UserError, one_line
from ..base.files import atomic_path, read_json, write_json
from ..generators.tokens import Encoder, load_tokenizer
from .model import HUB, SegmentModel, load_model

FORMAT = 1
_WEIGHTS = "model.safetensors"


def save_checkpoint(
    folder: str | Path, spec: str, options: dict[str, Any], model: Any, training: dict[str, Any]
) -> Path:
    """Write `model`, made by `load_model(spec, **options)`, and what `training` says of its making."""
    from safetensors.torch import save_model

    folder = Path(folder)
    if hasattr(model, "rebuild"):
        spec, options = model.rebuild()
    else:
        spec, options = _first_made(spec, options)
    encoder = Encoder(model.tokenizer)
    if encoder.fingerprint != Encoder(load_tokenizer()).fingerprint:
        model.tokenizer.save_pretrained(folder / "tokenizer")
    with atomic_path(folder / _WEIGHTS) as temporary:
        save_model(model, str(temporary))
    write_json(
        folder / "checkpoint.json",
        {
            "format": FORMAT,
            "model": spec,
            "options": options,
            "tokenizer_fingerprint": encoder.fingerprint,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "training": training,
        },
    )
    return folder


def _first_made(spec: str, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name and options of a model that was made from a checkpoint, as they were before it was one; of a file its path.

    So a checkpoint needs no other one to be loaded.
    """
    if (before := _stored(spec)) is not None:
        folder, stored = before
        return _first_made(plugin_beside(folder, stored["model"]), {**stored["options"], **options})
    return (str(Path(spec).absolute()) if Path(spec.partition(":")[0]).is_file() else spec), options


def load_checkpoint(folder: str | Path, **options: Any) -> SegmentModel:
    """The trained model in `folder`, in evaluation mode. `options` override those it was made with.

    Raises `UserError` when the folder is no checkpoint, is damaged, or needs another tokenizer.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_model as load_weights

    folder = Path(folder)
    if not (folder / "checkpoint.json").is_file():
        raise UserError(f"{folder} is no checkpoint: it has no checkpoint.json; see: rmt-bench train --help")
    stored = read_json(folder / "checkpoint.json")
    if stored.get("format") != FORMAT:
        raise UserError(f"{folder} has checkpoint format {stored.get('format')!r}, this version reads {FORMAT}")
    own_tokenizer = folder / "tokenizer"
    if own_tokenizer.is_dir():
        options.setdefault("tokenizer", str(own_tokenizer))
    made: Any = load_model(plugin_beside(folder, stored["model"]), **{**stored["options"], **options})
    if Encoder(made.tokenizer).fingerprint != stored["tokenizer_fingerprint"]:
        raise UserError(f"{folder} was trained with another tokenizer than {made.tokenizer.name_or_path!r}")
    try:
        load_weights(made, str(folder / _WEIGHTS))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise UserError(f"the weights in {folder / _WEIGHTS} cannot be loaded: {one_line(error)}") from error
    made.trained_segments = stored["training"].get("trained_segments", {})
    return made.eval()


def plugin_beside(folder: Path, spec: str) -> str:
    """`spec`, where it is FILE.py:FACTORY and that file came with the checkpoint, as the path that it has there."""
    file = folder / spec.partition(":")[0]
    return f"{file}:{spec.partition(':')[2]}" if file.suffix == ".py" and file.is_file() else spec


def read_training(spec: str) -> dict[str, Any]:
    """What the checkpoint that `spec` names says of its training; nothing where it names none."""
    found = _stored(spec)
    return found[1]["training"] if found else {}


def _stored(spec: str) -> tuple[Path, dict[str, Any]] | None:
    """The folder and the checkpoint.json of the checkpoint that `spec` names, be it on the hub, if it names one."""
    if spec.startswith(HUB):
        from .pretrained import checkpoint_folder

        spec = str(checkpoint_folder(spec))
    path = Path(spec) / "checkpoint.json"
    return (path.parent, read_json(path)) if path.is_file() else None


def to_device(model: Any, device: str) -> None:
    """Move a model that is a torch module to `device` (`auto`: an accelerator where there is one).

    Raises `UserError` when there is no such device.
    """
    if not isinstance(model, torch.nn.Module):
        return
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    try:
        model.to((accelerator or "cpu") if device == "auto" else device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"no device {device!r} here ({one_line(error)}): use --device cpu or auto") from error
