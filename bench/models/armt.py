"""`armt`: which Associative Recurrent Memory Transformer is meant, and what it is made of.

How one reads and answers is told by armt_decoder.py, its memory by associative.py, diagonal batching by diagonal.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...base.errors import UserError, did_you_mean
from ...generators.tokens import load_tokenizer
from ...tasks.lexicon import PLACES
from ..model import model
from .armt_decoder import ChoosingARMT, ClassifyingARMT
from .backbone import Source, load_config

_MODES = {made.mode: made for made in (ChoosingARMT, ClassifyingARMT)}


@model("armt")
def armt(
    backbone: str = "",
    *,
    mode: str | None = None,
    config: str | dict[str, Any] | None = None,
    layers: int = 2,
    hidden: int = 64,
    heads: int = 4,
    memory_tokens: int = 8,
    dimension: int = 32,
    segment_length: int | None = None,
    labels: Sequence[str] = PLACES,
    answer_prefix: str = "",
    answer_space: bool = True,
    diagonal: bool = False,
    bptt_depth: int | None = None,
    tokenizer: str | None = None,
    dtype: str | None = None,
) -> ChoosingARMT | ClassifyingARMT:
    """An Associative Recurrent Memory Transformer: `armt:NAME_OR_FOLDER` puts memory around a decoder from there.

    Plain `armt` makes a small GPT-2 with segments of 64 tokens, of `layers`, `hidden` and `heads`; with `config` (a
    folder, a hub name, a JSON file, a dict) what that says, with random weights. Both classify among `labels`
    (`mode=classify`). A decoder that is loaded takes the likeliest choice (`mode=choice`); `answer_prefix` and
    `answer_space` say how an answer is written behind the question.

    The memory is new, and holds next to nothing until it is trained: `dimension` is that of its keys, `bptt_depth`
    limits how many segments back gradients reach. `diagonal` reads many segments in fewer launches; see
    bench/perf/armt_diagonal.py for when that pays. The tokenizer is the backbone's own, else the embedded one.
    """
    if not backbone and config is None:
        segment_length = segment_length or 64
        config = _small_gpt2(len(load_tokenizer(tokenizer)), layers, hidden, heads, memory_tokens + segment_length)
    if backbone and config is not None:
        raise UserError(f"{backbone!r} has a configuration of its own: give it, or `config`, and not both")
    mode = mode or ("choice" if backbone else "classify")
    if mode not in _MODES:
        raise UserError(f"unknown mode {mode!r}{did_you_mean(mode, _MODES)} (there are: {', '.join(_MODES)})")
    options: dict[str, Any] = {"answer_prefix": answer_prefix, "answer_space": answer_space}
    if mode == "classify":
        options = {"labels": tuple(labels.split(",") if isinstance(labels, str) else labels)}
    source = Source(load_config(backbone or config or ""), load_tokenizer(tokenizer or backbone), name=backbone)
    head = "classifier" if mode == "classify" else "language model"
    return _MODES[mode](
        source.backbone(head, labels=len(options.get("labels", ())), dtype=dtype, attn_implementation="sdpa"),
        source.tokenizer,
        memory_tokens=memory_tokens,
        dimension=dimension,
        segment_length=segment_length,
        diagonal=diagonal,
        bptt_depth=bptt_depth,
        **options,
    )


def _small_gpt2(vocabulary: int, layers: int, hidden: int, heads: int, positions: int) -> dict[str, Any]:
    return {
        "model_type": "gpt2",
        "vocab_size": vocabulary,
        "n_layer": layers,
        "n_embd": hidden,
        "n_head": heads,
        "n_positions": positions,
        "activation_function": "gelu",
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
        "resid_pdrop": 0.0,
        "bos_token_id": None,
        "eos_token_id": None,
    }
