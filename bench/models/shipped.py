"""Checkpoints that ship in the package, by name; made by scripts/train_checkpoints.py, which says how.

Both have 8 memory tokens and segments of 64 tokens of the embedded tokenizer.
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


@model("rmt-tiny-reasoning")
def rmt_tiny_reasoning(**options: Any) -> SegmentModel:
    """An RMT that ships, too: a small pre-norm encoder, its memory with a deadband, trained here on `reasoning`."""
    return load_checkpoint(CHECKPOINTS / "rmt-tiny-reasoning", **options)
