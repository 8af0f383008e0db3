"""Checkpoints that ship in the package, by name; made by scripts/train_checkpoints.py, which says how.

All read segments of 64 tokens of the embedded tokenizer. The five that end in `-tiny` were trained on `detect` with the
same samples and the same number of steps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..checkpoint import load_checkpoint
from ..model import SegmentModel, model

CHECKPOINTS = Path(__file__).parent / "checkpoints"


@model("rmt-tiny")
def rmt_tiny(**options: Any) -> SegmentModel:
    """The RMT that ships: a small BERT with memory, trained here on `detect`; it holds one fact."""
    return load_checkpoint(CHECKPOINTS / "rmt-tiny", **options)


@model("armt-tiny")
def armt_tiny(**options: Any) -> SegmentModel:
    """An associative RMT, trained as rmt-tiny was."""
    return load_checkpoint(CHECKPOINTS / "armt-tiny", **options)


@model("gru-tiny")
def gru_tiny(**options: Any) -> SegmentModel:
    """A GRU, trained as rmt-tiny was."""
    return load_checkpoint(CHECKPOINTS / "gru-tiny", **options)


@model("mamba2-tiny")
def mamba2_tiny(**options: Any) -> SegmentModel:
    """A Mamba-2, trained as rmt-tiny was."""
    return load_checkpoint(CHECKPOINTS / "mamba2-tiny", **options)


@model("window-tiny")
def window_tiny(**options: Any) -> SegmentModel:
    """A Transformer that sees a window only, trained as rmt-tiny was."""
    return load_checkpoint(CHECKPOINTS / "window-tiny", **options)


@model("rmt-tiny-reasoning")
def rmt_tiny_reasoning(**options: Any) -> SegmentModel:
    """An RMT that reasons: a small pre-norm encoder, its memory with a deadband, trained here on `reasoning`."""
    return load_checkpoint(CHECKPOINTS / "rmt-tiny-reasoning", **options)
