"""A Hugging Face model as a segment model's backbone: which kind it is, and how to load or make one.

Knows architectures, configurations and how many tokens they have positions for; nothing of memory or answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from ...base.errors import UserError, did_you_mean, one_line

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

Kind = Literal["encoder", "decoder"]
Head = Literal["classifier", "language model"]
#: Tokens in a segment of a small model that is made here, unless told otherwise.
SEGMENT = 64
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16, "float64": torch.float64}


def load_config(source: str | dict[str, Any]) -> PreTrainedConfig:
    """A configuration: from a hub name, a folder, a JSON file, or its content as a dict with a `model_type`.

    Raises `UserError` when there is none.
    """
    from transformers import AutoConfig

    try:
        if isinstance(source, str) and source.endswith(".json"):
            source = json.loads(Path(source).read_text(encoding="utf-8"))
        return AutoConfig.from_pretrained(source) if isinstance(source, str) else AutoConfig.for_model(**source)
    except (OSError, ValueError, TypeError, KeyError) as error:
        named = f" from {source!r}" if isinstance(source, str) else ""
        raise UserError(
            f"no configuration could be loaded{named}: it takes a hub name, a folder with a config.json, or a JSON "
            f"file with a model_type ({one_line(error)})"
        ) from error


def kind_of(config: PreTrainedConfig) -> Kind:
    """Whether a model reads in both directions or from left to right only.

    What can be trained by masking words is an encoder. Raises `UserError` for what is neither, such as T5.
    """
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING

    if not getattr(config, "is_encoder_decoder", False):
        if type(config) in MODEL_FOR_MASKED_LM_MAPPING:
            return "encoder"
        if type(config) in MODEL_FOR_CAUSAL_LM_MAPPING:
            return "decoder"
    raise UserError(
        f"a {config.model_type!r} model is neither an encoder such as BERT nor a decoder such as GPT-2; "
        "kind=encoder or kind=decoder takes it as one"
    )


@dataclass(frozen=True)
class Source:
    """Where a backbone comes from: a `name` or folder, `weights` that are in hand, or neither: random weights.

    What `weights` say of themselves goes along: their `kind`, and the memory tokens they were trained with.
    """

    config: PreTrainedConfig
    tokenizer: PreTrainedTokenizerBase
    name: str = ""
    weights: dict[str, torch.Tensor] | None = None
    kind: Kind | None = None
    memory: torch.Tensor | None = None

    def backbone(self, head: Head, **options: Any) -> PreTrainedModel:
        """The model, with a classifier (made anew where there is none) or a language model's head.

        `options`: `labels` (how many a classifier has), `dtype` and `attn_implementation`. Raises `UserError` when it
        cannot be loaded.
        """
        try:
            keywords = _keywords(head, **options)
            if self.weights is not None:
                return _from_weights(self.weights, self.config, head, keywords)
            if self.name:
                return _auto_class(head).from_pretrained(self.name, **keywords, ignore_mismatched_sizes=True)
            return _from_config(self.config, head, keywords)
        except (OSError, ValueError, ImportError, RuntimeError) as error:
            what = repr(self.name) if self.name else f"a {self.config.model_type!r} configuration"
            raise UserError(f"no model could be loaded from {what}: {one_line(error)}") from error


def _from_weights(
    weights: dict[str, torch.Tensor], config: PreTrainedConfig, head: Head, keywords: dict[str, Any]
) -> PreTrainedModel:
    """A model with exactly these weights. Raises `UserError` when some are missing, left over or of another shape."""
    config.num_labels = keywords.pop("num_labels", config.num_labels)
    with torch.device("meta"):
        model_class = type(_auto_class(head).from_config(config))
    made, found = model_class.from_pretrained(
        None, config=config, state_dict=weights, output_loading_info=True, ignore_mismatched_sizes=True, **keywords
    )
    for complaint in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if wrong := sorted(map(str, found[complaint])):
            raise UserError(
                f"the weights are not those of a {model_class.__name__} with this configuration and these labels: "
                f"{len(wrong)} {complaint.replace('_', ' ')}, such as {wrong[0]}"
            )
    return made


def _from_config(config: PreTrainedConfig, head: Head, keywords: dict[str, Any]) -> PreTrainedModel:
    config.num_labels = keywords.pop("num_labels", config.num_labels)
    dtype = keywords.pop("dtype")
    made = _auto_class(head).from_config(config, **keywords)
    return made if dtype == "auto" else made.to(dtype)


def small_gpt2(vocabulary: int, size: Mapping[str, int], positions: int) -> dict[str, Any]:
    """The configuration of a small GPT-2 without dropout, as `load_config` takes it; `size` is of `small_size`."""
    return {
        "model_type": "gpt2",
        "vocab_size": vocabulary,
        "n_layer": size["layers"],
        "n_embd": size["hidden"],
        "n_head": size["heads"],
        "n_positions": positions,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
        "resid_pdrop": 0.0,
        "bos_token_id": None,
        "eos_token_id": None,
    }


def small_size(**given: int | None) -> dict[str, int]:
    """`layers`, `hidden` and `heads` of a small model that is made here: as given, else 2, 64 and 4."""
    default = {"layers": 2, "hidden": 64, "heads": 4}
    size = {name: count for name, count in given.items() if count is not None}
    refuse_below_1(**size)
    return {**default, **size}


def refuse_size(**given: int | str | None) -> None:
    """Raise `UserError` for a size that was given where a backbone or a configuration has its own."""
    for name, count in given.items():
        if count is not None:
            raise UserError(f"{name} is of the small model that is made without one: leave it out, or name no backbone")


def refuse_below_1(**counts: int) -> None:
    """Raise `UserError` for a count that is not a number from 1 on."""
    for name, count in counts.items():
        if not isinstance(count, int) or count < 1:
            raise UserError(f"{name} is a number from 1 on, not {count!r}")


def positions(backbone: nn.Module) -> int | None:
    """How many positions a backbone can tell apart; None: as many as one likes."""
    stated = getattr(backbone.config, "max_position_embeddings", None)
    table = getattr(getattr(backbone.base_model, "embeddings", None), "position_embeddings", None)
    # RoBERTa and its kin count from the padding token's id on.
    skipped = getattr(table, "padding_idx", None)
    return stated if stated is None or skipped is None else stated - skipped - 1


def fitting_segment(wanted: int | None, room: int | None, with_what: str) -> int:
    """The segment length: what was wanted, else the room there is, at most 512. Raises `UserError` for another."""
    if room is not None and room < 1:
        raise UserError(f"the backbone has no positions left for a segment {with_what}: take fewer")
    length = min(512 if room is None else room, 512) if wanted is None else wanted
    if length < 1 or (room is not None and length > room):
        limits = "from 1 on" if room is None else f"1..{room}"
        raise UserError(f"segment_length is {limits} {with_what}, not {length}")
    return length


def refuse_short_vocabulary(backbone: nn.Module, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raises `UserError` when there are tokens that the backbone does not embed."""
    rows = backbone.get_input_embeddings().num_embeddings  # type: ignore[operator]
    if len(tokenizer) > rows:
        raise UserError(
            f"the tokenizer {tokenizer.name_or_path!r} has {len(tokenizer):,} tokens, the model embeds {rows:,}: "
            "give the tokenizer it was made with (tokenizer=NAME_OR_FOLDER)"
        )


def _auto_class(head: Head) -> Any:
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    return AutoModelForSequenceClassification if head == "classifier" else AutoModelForCausalLM


def _keywords(
    head: Head, labels: int = 0, dtype: str | None = None, attn_implementation: str | None = None
) -> dict[str, Any]:
    """The options as Hugging Face names them."""
    if dtype is not None and dtype not in _DTYPES:
        raise UserError(f"unknown dtype {dtype!r}{did_you_mean(dtype, _DTYPES)} (there are: {', '.join(_DTYPES)})")
    keywords: dict[str, Any] = {"dtype": _DTYPES[dtype] if dtype else "auto"}
    if head == "classifier" and labels:
        keywords["num_labels"] = labels
    if attn_implementation:
        keywords["attn_implementation"] = attn_implementation
    return keywords
