"""Recurrent baselines to train from nothing: `gru` and `lstm`. Their state is the hidden state of every layer.

Torch has layers first in a hidden state, a state of this project has the batch first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from ...tasks.lexicon import PLACES
from ..model import model
from .backbone import SEGMENT, refuse_below_1
from .trainable import TrainableReader


class GRUReader(nn.GRU):
    """A GRU (Cho et al., arXiv 1406.1078). The state is h: float [batch, layers, hidden]."""

    def __init__(self, hidden: int, layers: int):
        super().__init__(hidden, hidden, layers, batch_first=True)

    def start(self, batch_size: int) -> torch.Tensor:
        """Zeros."""
        return self.weight_hh_l0.new_zeros(batch_size, self.num_layers, self.hidden_size)  # type: ignore[operator]

    def forward(self, embedded: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[override]
        """Outputs [batch, n, hidden], and the next state."""
        outputs, after = super().forward(embedded, _swapped(state))
        return outputs, _swapped(after)


class LSTMReader(nn.LSTM):
    """An LSTM (Hochreiter and Schmidhuber 1997). The state is (h, c): float [batch, layers, hidden] each."""

    def __init__(self, hidden: int, layers: int):
        super().__init__(hidden, hidden, layers, batch_first=True)
        for name, bias in self.named_parameters():
            if name.startswith("bias_ih"):  # gates are open at first, so that what is read is kept (Gers et al. 2000)
                bias.data[hidden : 2 * hidden] = 1.0

    def start(self, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Zeros."""
        zeros = self.weight_hh_l0.new_zeros(batch_size, self.num_layers, self.hidden_size)  # type: ignore[operator]
        return zeros, zeros.clone()

    def forward(  # type: ignore[override]
        self, embedded: torch.Tensor, state: tuple[torch.Tensor, torch.Tensor]
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """Outputs [batch, n, hidden], and the next state."""
        outputs, (hidden, cell) = super().forward(embedded, (_swapped(state[0]), _swapped(state[1])))
        return outputs, (_swapped(hidden), _swapped(cell))


def _swapped(state: torch.Tensor) -> torch.Tensor:
    """Layers and batch changed over."""
    return state.transpose(0, 1).contiguous()


@model("gru")
def gru(
    *,
    layers: int = 1,
    hidden: int = 128,
    segment_length: int = SEGMENT,
    labels: Sequence[str] = PLACES,
    tokenizer: str | None = None,
) -> TrainableReader:
    """A GRU, untrained: `layers` of width `hidden`, an embedding of that width, a classifier among `labels`."""
    return _made("gru", GRUReader, layers, hidden, segment_length=segment_length, labels=labels, tokenizer=tokenizer)


@model("lstm")
def lstm(
    *,
    layers: int = 1,
    hidden: int = 128,
    segment_length: int = SEGMENT,
    labels: Sequence[str] = PLACES,
    tokenizer: str | None = None,
) -> TrainableReader:
    """An LSTM, untrained: `layers` of width `hidden`, an embedding of that width, a classifier among `labels`."""
    return _made("lstm", LSTMReader, layers, hidden, segment_length=segment_length, labels=labels, tokenizer=tokenizer)


def _made(name: str, reader: Any, layers: int, hidden: int, **options: Any) -> TrainableReader:
    refuse_below_1(layers=layers, hidden=hidden)
    return TrainableReader(reader(hidden, layers), hidden, name, {"layers": layers}, **options)
