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
from .armt_decoder import ANSWER_TOKENS, ChoosingARMT, ClassifyingARMT
from .backbone import SEGMENT, Source, load_config, refuse_below_1, refuse_size, small_gpt2, small_size
from .labels import as_labels

_MODES = {made.mode: made for made in (ChoosingARMT, ClassifyingARMT)}


@model("armt")
def armt(
    backbone: str = "",
    *,
    mode: str | None = None,
    config: str | dict[str, Any] | None = None,
    layers: int | None = None,
    hidden: int | None = None,
    heads: int | None = None,
    memory_tokens: int = 8,
    dimension: int = 32,
    segment_length: int | None = None,
    labels: str | Sequence[str] = PLACES,
    answer_prefix: str | None = None,
    answer_space: bool | None = None,
    diagonal: bool = False,
    bptt_depth: int | None = None,
    tokenizer: str | None = None,
    dtype: str | None = None,
) -> ChoosingARMT | ClassifyingARMT:
    """An Associative Recurrent Memory Transformer: `armt:NAME_OR_FOLDER` puts memory around a decoder from there.

    Plain `armt` makes a small GPT-2 with segments of 64 tokens, of `layers` (2), `hidden` (64) and `heads` (4); with
    `config` (a folder, a hub name, a JSON file, a dict) what that says, with random weights. Both classify among
    `labels` (`mode=classify`). A decoder that is loaded takes the likeliest choice (`mode=choice`); `answer_prefix` and
    `answer_space` say how an answer is written behind the question.

    The memory is new, and holds next to nothing until it is trained: `dimension` is that of its keys, `bptt_depth`
    limits how many segments back gradients reach. `diagonal` reads many segments in fewer launches; see
    bench/perf/armt_diagonal.py for when that pays. The tokenizer is the backbone's own, else the embedded one.
    """
    if backbone and config is not None:
        raise UserError(f"{backbone!r} has a configuration of its own: give it, or `config`, and not both")
    mode = mode or ("choice" if backbone else "classify")
    if mode not in _MODES:
        raise UserError(f"unknown mode {mode!r}{did_you_mean(mode, _MODES)} (there are: {', '.join(_MODES)})")
    options: dict[str, Any] = {"answer_prefix": answer_prefix, "answer_space": answer_space}
    options = {option: value for option, value in options.items() if value is not None}
    if mode == "classify":
        if options:
            raise UserError(f"`{next(iter(options))}` says how an answer is written, and this is mode=classify")
        options = {"labels": as_labels(labels)}
    sizes = {"layers": layers, "hidden": hidden, "heads": heads}
    if backbone or config is not None:
        refuse_size(**sizes)
    else:
        segment_length = SEGMENT if segment_length is None else segment_length
        refuse_below_1(segment_length=segment_length)
        answer = 0 if mode == "classify" else ANSWER_TOKENS + len((answer_prefix or "").encode())
        room = max(memory_tokens, answer)
        config = small_gpt2(len(load_tokenizer(tokenizer)), small_size(**sizes), segment_length + room)
        config["activation_function"] = "gelu"  # one launch; GPT-2's own approximation of it takes several
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
