"""Checkpoints that ship in the package, by name; made by scripts/train_checkpoints.py, which says how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..checkpoint import load_checkpoint
from ..model import SegmentModel, model

CHECKPOINTS = Path(__file__).parent / "checkpoints"


@model("rmt-tiny")
def rmt_tiny(**options: Any) -> SegmentModel:
    """The RMT that ships: a small BERT with 8 memory tokens and segments of 64, trained here on `detect`."""
    return load_checkpoint(CHECKPOINTS / "rmt-tiny", **options)
