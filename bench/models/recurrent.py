"""Recurrent baselines to train from nothing: `gru` and `lstm`. Their state is the hidden state of every layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from ...tasks.lexicon import PLACES
from ..model import model
from .trainable import SEGMENT, TrainableReader, refuse_no_layers


class GRUReader(nn.GRU):
    """A GRU (Cho et al., arXiv 1406.1078). The state is h: float [layers, batch, hidden]."""

    def __init__(self, hidden: int, layers: int):
        super().__init__(hidden, hidden, layers, batch_first=True)

    def start(self, batch_size: int) -> torch.Tensor:
        """Zeros."""
        return self.weight_hh_l0.new_zeros(self.num_layers, batch_size, self.hidden_size)  # type: ignore[operator]


class LSTMReader(nn.LSTM):
    """An LSTM (Hochreiter and Schmidhuber 1997). The state is (h, c): float [layers, batch, hidden] each."""

    def __init__(self, hidden: int, layers: int):
        super().__init__(hidden, hidden, layers, batch_first=True)
        for name, bias in self.named_parameters():
            if name.startswith("bias_ih"):  # gates are open at first, so that what is read is kept (Gers et al. 2000)
                bias.data[hidden : 2 * hidden] = 1.0

    def start(self, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Zeros."""
        zeros = self.weight_hh_l0.new_zeros(self.num_layers, batch_size, self.hidden_size)  # type: ignore[operator]
        return zeros, zeros


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
    refuse_no_layers(layers=layers, hidden=hidden)
    return TrainableReader(reader(hidden, layers), hidden, name, {"layers": layers}, **options)
