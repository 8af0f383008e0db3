"""`rmt`: which Recurrent Memory Transformer is meant, and what it is made of.

How one reads and answers is told by rmt_encoder.py and rmt_decoder.py, where weights come from by backbone.py and, for
checkpoints of the authors' own code, convert_rmt.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...base.errors import UserError, did_you_mean
from ...generators.tokens import load_tokenizer
from ...tasks.lexicon import PLACES
from ..model import model
from .backbone import SEGMENT, Source, kind_of, load_config, refuse_below_1, refuse_size, small_gpt2, small_size
from .convert_rmt import find_weights, read_weights
from .labels import as_labels
from .rmt_decoder import MAX_NEW_TOKENS, ChoosingRMT, ClassifyingRMT, GeneratingRMT, RMTDecoder
from .rmt_encoder import SPECIAL, RMTEncoder

_MODES: dict[str, type[RMTDecoder]] = {made.mode: made for made in (ChoosingRMT, GeneratingRMT, ClassifyingRMT)}
_GENERATING = ("answer_prefix", "answer_space", "max_new_tokens")
#: Which options say how a model of each mode answers.
_ANSWERS = {"choice": (*_GENERATING, "per_token"), "generate": _GENERATING, "classify": (), "encoder": ()}


@model("rmt")
def rmt(
    backbone: str = "",
    *,
    kind: str | None = None,
    mode: str | None = None,
    config: str | dict[str, Any] | None = None,
    layers: int | None = None,
    hidden: int | None = None,
    heads: int | None = None,
    family: str | None = None,
    memory_tokens: int = 8,
    segment_length: int | None = None,
    labels: str | Sequence[str] | None = None,
    answer_prefix: str | None = None,
    answer_space: bool | None = None,
    max_new_tokens: int | None = None,
    per_token: bool | None = None,
    memory_noise: float = 0.1,
    bptt_depth: int | None = None,
    tokenizer: str | None = None,
    dtype: str | None = None,
    attn_implementation: str | None = None,
    compile: bool = False,
) -> RMTEncoder | RMTDecoder:
    """A Recurrent Memory Transformer: `rmt:NAME_OR_FOLDER` puts memory around a model from there, `rmt` makes one.

    Whether that is an encoder or a decoder its configuration tells; `kind` overrules it. An encoder classifies among
    `labels` (by default bAbI's six places). A decoder takes the likeliest choice (`mode=choice`, the default),
    generates greedily (`generate`), or classifies (`classify`); `answer_prefix`, `answer_space`, `max_new_tokens` and
    `per_token` say how, see rmt_decoder.py.

    Plain `rmt` makes a small BERT with segments of 64 tokens, of `layers` (2), `hidden` (64) and `heads` (4); with
    `family=eurobert` an encoder that normalises first and turns its keys by their positions (RoPE), which learns to
    reason where BERT does not; with `kind=decoder` a small GPT-2; with `config` (a folder, a hub name, a JSON file, a
    dict) what that says, with random weights. `rmt:model_best.pth` reads a checkpoint of the authors' own code, which
    holds the first memory; `config` names its backbone, and `labels`, in their order, what a classifier was trained to
    tell.

    `memory_noise` is added in training only, and makes the memory last; the report's RMT has none. `bptt_depth` limits
    how many segments back gradients reach. The tokenizer is the backbone's own, else the embedded one. `dtype`
    (bfloat16 ...) and `compile` make reading faster where bench/perf/rmt_speed.py says so.
    """
    answers: dict[str, Any] = {
        "answer_prefix": answer_prefix, "answer_space": answer_space, "max_new_tokens": max_new_tokens,
        "per_token": per_token,
    }  # fmt: skip
    answers = {option: value for option, value in answers.items() if value is not None}
    refuse_below_1(memory_tokens=memory_tokens)
    sizes = {"layers": layers, "hidden": hidden, "heads": heads}
    if family is not None and (family not in _SMALL or kind == "decoder"):
        raise UserError(f"family is that of a small encoder, {' or '.join(_SMALL)}, not {family!r}")
    if backbone or config is not None:
        refuse_size(**sizes, family=family)
    else:
        segment_length = SEGMENT if segment_length is None else segment_length
        refuse_below_1(segment_length=segment_length)
        vocabulary, size, read = len(load_tokenizer(tokenizer)), small_size(**sizes), memory_tokens + segment_length
        if kind == "decoder":
            config = small_gpt2(vocabulary, size, read + max(memory_tokens, _answer_room(answers)))
        else:
            config = _SMALL[family or "bert"](vocabulary, size, read + SPECIAL)
    source = _source(backbone, config, tokenizer)
    kind = kind or source.kind or kind_of(source.config)
    reader = _reader(kind, mode, answers)
    if reader in (RMTEncoder, ClassifyingRMT):
        answers["labels"] = _labels(labels, source)
    loading = {"labels": len(answers.get("labels", ())), "dtype": dtype, "attn_implementation": attn_implementation}
    return reader(
        source.backbone("classifier" if "labels" in answers else "language model", **loading),
        source.tokenizer,
        memory=memory_tokens if source.memory is None else source.memory,
        segment_length=segment_length,
        memory_noise=memory_noise,
        bptt_depth=bptt_depth,
        compiled=compile,
        **answers,
    )


def _source(backbone: str, config: str | dict[str, Any] | None, tokenizer: str | None) -> Source:
    """Where the backbone comes from: a checkpoint of the authors, a name, or a configuration."""
    if weights := find_weights(backbone):
        return read_weights(weights, config, tokenizer)
    if not backbone:
        assert config is not None
        return Source(load_config(config), load_tokenizer(tokenizer))
    if config is not None:
        raise UserError(f"{backbone!r} has a configuration of its own: give it, or `config`, and not both")
    return Source(load_config(backbone), load_tokenizer(tokenizer or backbone), name=backbone)


def _labels(labels: str | Sequence[str] | None, source: Source) -> Sequence[str]:
    if labels is None and source.weights is not None:
        raise UserError(
            "the checkpoint does not say what its classifier's outputs stand for: add --model-arg labels=A,B,C, in the "
            "order that it was trained with"
        )
    return PLACES if labels is None else as_labels(labels)


def _reader(kind: str, mode: str | None, answers: dict[str, Any]) -> Any:
    """The class that reads and answers so. Raises `UserError` for what there is not, or does not go together."""
    if kind not in ("encoder", "decoder"):
        raise UserError(f"kind is encoder or decoder, not {kind!r}")
    if kind == "encoder" and mode is not None:
        raise UserError("an encoder has no mode, it classifies: leave `mode` out, or take a decoder")
    mode = mode or ("choice" if kind == "decoder" else "encoder")
    if mode not in _ANSWERS or (kind == "decoder" and mode == "encoder"):
        raise UserError(f"unknown mode {mode!r}{did_you_mean(mode, _MODES)} (there are: {', '.join(_MODES)})")
    for option in answers:
        if option not in _ANSWERS[mode]:
            raise UserError(f"`{option}` says how a decoder writes an answer, and this is {_a(mode)}: leave it out")
    return _MODES.get(mode, RMTEncoder)


def _a(mode: str) -> str:
    return "an encoder" if mode == "encoder" else f"mode={mode}"


def _answer_room(answers: dict[str, Any]) -> int:
    """How many tokens an answer and its prefix may take, at most: a prefix has no more tokens than bytes."""
    return len(str(answers.get("answer_prefix", "")).encode()) + answers.get("max_new_tokens", MAX_NEW_TOKENS)


def _small_bert(vocabulary: int, size: Mapping[str, int], positions: int) -> dict[str, Any]:
    return {
        "model_type": "bert",
        "vocab_size": vocabulary,
        "num_hidden_layers": size["layers"],
        "hidden_size": size["hidden"],
        "num_attention_heads": size["heads"],
        "intermediate_size": 4 * size["hidden"],
        "max_position_embeddings": positions,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "type_vocab_size": 1,
    }


def _small_eurobert(vocabulary: int, size: Mapping[str, int], positions: int) -> dict[str, Any]:
    heads = size["heads"]
    return {
        "model_type": "eurobert",
        "vocab_size": vocabulary,
        "num_hidden_layers": size["layers"],
        "hidden_size": size["hidden"],
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
        "intermediate_size": 8 * size["hidden"] // 3,
        "max_position_embeddings": positions,
        "rope_parameters": {"rope_type": "default", "rope_theta": 100.0},
        "initializer_range": 0.1,
        "attention_dropout": 0.0,
        "classifier_pooling": "bos",
        **dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id", "mask_token_id"), 0),
    }


#: Encoders that are made here, by the family of Hugging Face that they are of.
_SMALL = {"bert": _small_bert, "eurobert": _small_eurobert}
