"""Diagonal batching (Sivtsov et al., arXiv 2506.05229): many segments in fewer, larger launches, to the same numbers.

A layer needs what the layer below made of the same segment, and its own memory after the segment before. So layer l of
segment s and layer l - 1 of segment s + 1 can run together:

    step      1    2    3    4    5    6
    layer 0   s1   s2   s3   s4
    layer 1        s1   s2   s3   s4
    layer 2             s1   s2   s3   s4

n segments through L layers take n + L - 1 steps instead of n L, each with the launches of one layer. Knows layers and
their memory; nothing of tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .associative import Associations, AssociativeMemory
from .layerwise import LayerwiseDecoder


def read_diagonally(
    decoder: LayerwiseDecoder,
    memory: AssociativeMemory,
    state: Associations,
    embed: Callable[[int], torch.Tensor],
    segments: int,
    written: Callable[[torch.Tensor], torch.Tensor],
) -> Associations:
    """The associations after `segments` segments more.

    `embed(s)` gives the embeddings of segment s, [batch, positions, hidden]; `written` picks what is written of the
    outputs [group, batch, positions, hidden] of a group of layers. One segment for each layer is in hand, and no more.
    """
    depth = len(decoder.layers)
    run = decoder.stacked()
    matrix, normaliser = (part.transpose(0, 1) for part in state)
    waiting: list[torch.Tensor] = []
    arguments: dict[str, Any] = {}
    for step in range(segments + depth - 1):
        if step < segments:
            entering, arguments = decoder.enter(embed(step))
            waiting = [entering[None], *waiting]
        hidden = torch.cat(waiting)
        layers = slice(max(0, step - segments + 1), min(step + 1, depth))
        own = matrix[layers], normaliser[layers]
        hidden = run(hidden + memory.read(hidden, *own, layers), layers, arguments)
        after = memory.write(written(hidden), *own, layers)
        matrix, normaliser = (_put(part, new, layers) for part, new in zip((matrix, normaliser), after, strict=True))
        waiting = [hidden[: depth - 1 - layers.start]]  # what left the last layer has been written, and is done
    return Associations(matrix.transpose(0, 1), normaliser.transpose(0, 1))


def _put(whole: torch.Tensor, part: torch.Tensor, layers: slice) -> torch.Tensor:
    """`whole` with `part` in place of its `layers`; a copy, unless that is all of them."""
    if len(part) == len(whole):
        return part
    return torch.cat([whole[: layers.start], part, whole[layers.stop :]])
