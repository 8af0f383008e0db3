"""Mamba-2 in plain torch (Dao and Gu, arXiv 2405.21060), small, to train from nothing through start, read and score.

    a layer     x --> norm --> in --> z | x B C --> convolution of 4 --> scan --> norm(y * silu(z)) --> out --> + x
                                    | dt
    the scan    S_t = exp(dt_t A) S_t-1 + dt_t x_t B_t',   y_t = S_t C_t + D x_t        for every head

The release's own classes write into their cache in place, which gradients do not survive; these give a new state. That
they compute what those compute is a test.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from ...base.errors import UserError
from ...tasks.lexicon import PLACES
from ..model import model
from .backbone import SEGMENT, refuse_below_1
from .trainable import TrainableReader

_WIDTH = 4  #: Tokens that the convolution sees.
_EXPAND = 2
_HEAD = 32
#: Tokens that are scanned at once, as a masked product of two matrices (section 6 of the paper).
_CHUNK = 64


class LayerState(NamedTuple):
    """The convolution's last inputs [batch, channels, 3], and the scan's S [batch, heads, width, state]."""

    inputs: torch.Tensor
    scan: torch.Tensor


class Mamba2Layer(nn.Module):
    """One layer, with its norm and its residual connection."""

    def __init__(self, hidden: int, state_size: int):
        super().__init__()
        inner = _EXPAND * hidden
        self.heads, self.state_size = inner // _HEAD, state_size
        self.channels = inner + 2 * state_size
        self.norm = nn.RMSNorm(hidden, eps=1e-5)
        self.into = nn.Linear(hidden, inner + self.channels + self.heads, bias=False)
        self.convolution = nn.Conv1d(self.channels, self.channels, _WIDTH, groups=self.channels)
        steps = torch.exp(torch.empty(self.heads).uniform_(math.log(1e-3), math.log(1e-1)))
        self.step_bias = nn.Parameter(steps + torch.log(-torch.expm1(-steps)))  # softplus of it is the step
        self.log_decay = nn.Parameter(torch.log(torch.arange(1.0, self.heads + 1)))
        self.skip = nn.Parameter(torch.ones(self.heads))
        self.gated_norm = nn.RMSNorm(inner, eps=1e-5)
        self.out = nn.Linear(inner, hidden, bias=False)

    def start(self, batch_size: int) -> LayerState:
        """Zeros."""
        zeros = self.skip.new_zeros
        return LayerState(
            zeros(batch_size, self.channels, _WIDTH - 1), zeros(batch_size, self.heads, _HEAD, self.state_size)
        )

    def forward(self, hidden: torch.Tensor, state: LayerState) -> tuple[torch.Tensor, LayerState]:
        """Outputs [batch, n, hidden], and the state behind the last token."""
        inner = self.heads * _HEAD
        gate, mixed, steps = self.into(self.norm(hidden)).split([inner, self.channels, self.heads], -1)
        inputs = torch.cat([state.inputs, mixed.transpose(1, 2)], 2)
        mixed = F.silu(self.convolution(inputs)).transpose(1, 2)
        values, keys, queries = mixed.split([inner, self.state_size, self.state_size], -1)
        values = values.unflatten(-1, (self.heads, _HEAD))
        said, scan = self._scan(values, F.softplus(steps + self.step_bias), keys, queries, state.scan)
        said = (said + values * self.skip[:, None]).flatten(2)
        out = self.out(self.gated_norm(said * F.silu(gate)))
        return hidden + out, LayerState(inputs[:, :, -(_WIDTH - 1) :], scan)

    def _scan(
        self, values: torch.Tensor, steps: torch.Tensor, keys: torch.Tensor, queries: torch.Tensor, scan: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        parts = []
        for value, step, key, query in zip(
            *(whole.split(_CHUNK, 1) for whole in (values, steps, keys, queries)), strict=True
        ):
            said, scan = _chunk(value, step, -self.log_decay.exp(), key, query, scan)
            parts.append(said)
        return torch.cat(parts, 1), scan


def _chunk(
    values: torch.Tensor, steps: torch.Tensor, rate: torch.Tensor, keys: torch.Tensor, queries: torch.Tensor,
    scan: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    """A chunk at once: values [batch, n, heads, width], steps [batch, n, heads], keys and queries [batch, n, state]."""
    decay = (steps * rate).cumsum(1).transpose(1, 2)
    count = decay.shape[-1]
    earlier = torch.ones(count, count, dtype=torch.bool, device=decay.device).tril()
    between = (decay[..., None] - decay[..., None, :]).masked_fill(~earlier, -torch.inf).exp()
    stepped = (values * steps[..., None]).transpose(1, 2)
    within = ((queries @ keys.transpose(1, 2))[:, None] * between) @ stepped
    before = (queries[:, None] @ scan.transpose(2, 3)) * decay.exp()[..., None]
    left = (stepped * (decay[..., -1:] - decay).exp()[..., None]).transpose(2, 3) @ keys[:, None]
    return (within + before).transpose(1, 2), scan * decay[..., -1].exp()[..., None, None] + left


class Mamba2Reader(nn.Module):
    """Layers of Mamba-2, one on the other, and a norm. The state is a `LayerState` for each."""

    def __init__(self, hidden: int, layers: int, state_size: int):
        super().__init__()
        self.layers = nn.ModuleList(Mamba2Layer(hidden, state_size) for _ in range(layers))
        self.norm = nn.RMSNorm(hidden, eps=1e-5)

    def start(self, batch_size: int) -> list[LayerState]:
        """Zeros."""
        return [layer.start(batch_size) for layer in self.layers]  # type: ignore[operator]

    def forward(self, hidden: torch.Tensor, state: list[LayerState]) -> tuple[torch.Tensor, list[LayerState]]:
        """Outputs [batch, n, hidden], and the next state."""
        after = []
        for layer, before in zip(self.layers, state, strict=True):
            hidden, new = layer(hidden, before)
            after.append(new)
        return self.norm(hidden), after


@model("mamba2")
def mamba2(
    *,
    layers: int = 2,
    hidden: int = 64,
    state_size: int = 32,
    segment_length: int = SEGMENT,
    labels: Sequence[str] = PLACES,
    tokenizer: str | None = None,
) -> TrainableReader:
    """A small Mamba-2, untrained: `layers` of width `hidden`, with `state_size` numbers a channel."""
    refuse_below_1(layers=layers, hidden=hidden, state_size=state_size)
    if hidden * _EXPAND % _HEAD:
        raise UserError(f"hidden is a multiple of {_HEAD // _EXPAND}, the width of half a head, not {hidden}")
    return TrainableReader(
        Mamba2Reader(hidden, layers, state_size), hidden, "mamba2", {"layers": layers, "state_size": state_size},
        segment_length=segment_length, labels=labels, tokenizer=tokenizer,
    )  # fmt: skip
