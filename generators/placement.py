"""Where facts lie in the filler: relative depths, 0 at the start and 1 at the end. Knows nothing of text."""

from __future__ import annotations

import numpy as np

from ..base.errors import UserError, did_you_mean

_KNOWN = ("uniform", "start", "end", "spread", "depth=0.25")


def check_placement(placement: str) -> str:
    """`placement` itself, or a `UserError` that lists what there is."""
    depths(placement, 1, np.random.default_rng(0))
    return placement


def depths(placement: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """Relative depths of `count` facts in story order: float64 [count], ascending, in 0..1.

    `uniform` draws each fact's depth independently; `start` and `end` put all of them there; `depth=0.25` at that
    depth; `spread` at the middles of `count` equal parts. The draw does not depend on the length of the text, so
    that one sample has the same depths at every length.
    """
    if placement == "uniform":
        return np.sort(rng.random(count))
    if placement == "start":
        return np.zeros(count)
    if placement == "end":
        return np.ones(count)
    if placement == "spread":
        return (np.arange(count) + 0.5) / max(count, 1)
    name, _, value = placement.partition("=")
    if name == "depth":
        try:
            depth = float(value)
        except ValueError:
            depth = -1.0
        if not 0 <= depth <= 1:
            raise UserError(f"placement {placement!r}: the depth is a number from 0 to 1, as in depth=0.25")
        return np.full(count, depth)
    close = did_you_mean(placement, _KNOWN)
    raise UserError(f"unknown placement {placement!r}{close}; there is: {', '.join(_KNOWN)}")
