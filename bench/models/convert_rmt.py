"""Checkpoints of the RMT authors' own code, read as what this project's RMT is made of.

    model_best.pth                            {"model_state_dict": {...}, ...}   their first trainer
    model_best/pytorch_model.bin              {...}                              their trainer with accelerate
    model_best/model.safetensors              {...}                              the same, later

    decoder   memory_cell.memory              [memory_tokens, hidden]: the first memory
              memory_cell.model.*             the backbone, a language model
    encoder   mem_token_ids                   which rows of the word embeddings are the first memory
              model.*                         the backbone, a classifier, with those rows behind its vocabulary
              model.embeddings.weight         the same word embeddings once more
              cls_token, sep_token, ...       token ids, which the tokenizer tells as well

As github.com/booydar/recurrent-memory-transformer names things, in `MemoryCell` and
`RMTEncoderForSequenceClassification`. Such a file holds no configuration: that has to be named. What it was trained
with has to be given as well: a decoder's segment_size as segment_length; an encoder's labels in their order (its
input_size of 512 with 10 memory tokens is a segment_length of 499, the default). Decoders of their BABILong runs answer
behind the token GEN: answer_prefix=GEN, answer_space=false.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ...base.errors import UserError, one_line
from ...generators.tokens import load_tokenizer
from .backbone import Kind, Source, load_config

_SUFFIXES = (".pth", ".pt", ".bin", ".safetensors")
_IN_FOLDER = ("model.safetensors", "pytorch_model.bin", "model_best.pth")
_CELL = "memory_cell."
#: Buffers that older releases of transformers stored, and that are computed from the configuration.
_COMPUTED = (".attn.bias", ".attn.masked_bias", ".attention.bias", ".attention.masked_bias",
             ".rotary_emb.inv_freq", ".embeddings.position_ids", ".embeddings.token_type_ids")  # fmt: skip
#: What in a name tells of another model.
_STRANGE = {".W_mq.": "the associative memory of an ARMT", ".lora_": "a LoRA adapter, to be merged first"}


def find_weights(path: str) -> Path | None:
    """The file of weights that `path` names: itself, or what lies in a folder that has no config.json."""
    found = Path(path)
    if path and found.is_file() and found.suffix in _SUFFIXES:
        return found
    if path and found.is_dir() and not (found / "config.json").is_file():
        return next((found / name for name in _IN_FOLDER if (found / name).is_file()), None)
    if found.suffix in _SUFFIXES:
        raise UserError(f"no such file: {path}")
    return None


def read_weights(path: Path, config: str | dict[str, Any] | None, tokenizer: str | None) -> Source:
    """What the checkpoint at `path` holds, of the backbone that `config` names.

    Raises `UserError` when the file is damaged, holds no RMT, or `config` is missing.
    """
    if config is None:
        raise UserError(
            f"{path} does not say what its backbone is: add --model-arg config=NAME_OR_FOLDER, the model it was "
            "trained from, or the JSON file with its configuration"
        )
    named = config if isinstance(config, str) and not config.endswith(".json") else None
    words = load_tokenizer(tokenizer or named)
    loaded = load_config(config)
    state = _state_dict(path)
    kind: Kind
    if f"{_CELL}memory" in state:
        kind, (weights, memory) = "decoder", _decoder(state, path)
    elif "mem_token_ids" in state:
        kind, (weights, memory) = "encoder", _encoder(state, path)
    else:
        raise UserError(
            f"{path} holds no RMT of the authors' code: it has neither {_CELL}memory nor mem_token_ids, but for "
            f"instance {next(iter(state), 'nothing')}"
        )
    return Source(loaded, words, weights=weights, kind=kind, memory=memory)


def _state_dict(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file by name. Nothing in it is run: PyTorch's `weights_only`."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            stored: Any = load_file(path)
        else:
            stored = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, SafetensorError, pickle.UnpicklingError) as error:
        raise UserError(
            f"{path} cannot be read ({one_line(error)}): it is damaged, or holds more than tensors and numbers; then "
            "save its model_state_dict alone, with the code that wrote it"
        ) from error
    if isinstance(stored, Mapping) and "model_state_dict" in stored:
        stored = stored["model_state_dict"]
    if not isinstance(stored, Mapping):
        raise UserError(f"{path} holds a {type(stored).__name__}, not the weights of a model by name")
    return {str(key).removeprefix("module."): value for key, value in stored.items() if isinstance(value, torch.Tensor)}


def _decoder(state: dict[str, torch.Tensor], path: Path) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    for key in state:
        what = next((what for mark, what in _STRANGE.items() if mark in key), None)
        if what or not key.startswith((f"{_CELL}memory", f"{_CELL}model.")):
            raise UserError(f"{path} is no plain RMT, it has {what or 'the layers of memory retrieval'}: {key}")
    return _below(state, f"{_CELL}model."), state[f"{_CELL}memory"].clone()


def _encoder(state: dict[str, torch.Tensor], path: Path) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """The word embeddings lose the rows behind the vocabulary: those are the memory."""
    ids = state["mem_token_ids"]
    weights = _below(state, "model.")
    weights.pop("embeddings.weight", None)
    tables = [key for key in weights if key.endswith("embeddings.word_embeddings.weight")]
    if len(tables) != 1 or len(weights[tables[0]]) != int(ids[-1]) + 1:
        raise UserError(f"{path} has no word embeddings that end with its {len(ids)} memory tokens")
    words = weights[tables[0]]
    weights[tables[0]] = words[: int(ids[0])].clone()
    return weights, words[ids].clone()


def _below(state: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """What stands below a prefix, without what is computed anyway."""
    return {
        key.removeprefix(prefix): value
        for key, value in state.items()
        if key.startswith(prefix) and not key.endswith(_COMPUTED)
    }
