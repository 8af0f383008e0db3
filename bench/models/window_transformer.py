"""A small Transformer with sliding windows, to train from nothing: the reader that must forget.

    every layer, every token     attends to itself and the `window` - 1 tokens before, across segments

So what is read is felt for `layers` x `window` tokens at the most. Pre-norm, rotary positions. The state is all layers'
keys and values of the last tokens, which come from the segment before, as in Transformer-XL (Dai et al., arXiv
1901.02860); gradients pass through them where there are any.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from ...base.errors import UserError
from ...tasks.lexicon import PLACES
from ..model import model
from .backbone import SEGMENT, refuse_below_1
from .trainable import TrainableReader

#: Keys and values, float [batch, 2, heads, tokens, width], for each layer; keys are not yet turned by their positions.
WindowState = list[torch.Tensor]


class WindowLayer(nn.Module):
    """Attention over a window, then a feed-forward network."""

    def __init__(self, hidden: int, heads: int, window: int):
        super().__init__()
        self.heads, self.window = heads, window
        self.attention_norm, self.norm = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.into, self.out = nn.Linear(hidden, 3 * hidden), nn.Linear(hidden, hidden)
        self.inner = nn.Sequential(nn.Linear(hidden, 4 * hidden), nn.GELU(), nn.Linear(4 * hidden, hidden))

    def forward(self, hidden: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Outputs [batch, n, hidden], and the keys and values of the last window - 1 tokens."""
        made = self.into(self.attention_norm(hidden)).unflatten(-1, (3, self.heads, -1)).permute(0, 2, 3, 1, 4)
        kept = torch.cat([state, made[:, 1:]], 3)
        count, total = hidden.shape[1], kept.shape[3]
        place = torch.arange(total, device=hidden.device)
        behind = place[total - count :, None] - place
        attended = F.scaled_dot_product_attention(
            _turned(made[:, 0], place[total - count :]),
            _turned(kept[:, 0], place),
            kept[:, 1],
            attn_mask=(behind >= 0) & (behind < self.window),
        )
        hidden = hidden + self.out(attended.transpose(1, 2).flatten(2))
        return hidden + self.inner(self.norm(hidden)), kept[:, :, :, max(total - self.window + 1, 0) :]


def _turned(vectors: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """[batch, heads, n, width] turned by rotary positions (Su et al., arXiv 2104.09864)."""
    half = vectors.shape[-1] // 2
    rates = 10_000.0 ** -(torch.arange(half, device=vectors.device) / half)
    angles = (places[:, None] * rates).to(vectors.dtype)
    one, other = vectors.split(half, -1)
    return torch.cat([one * angles.cos() - other * angles.sin(), other * angles.cos() + one * angles.sin()], -1)


class WindowReader(nn.Module):
    """Layers with windows, and a norm."""

    def __init__(self, hidden: int, layers: int, heads: int, window: int):
        super().__init__()
        self.window = window
        self._shape = heads, hidden // heads
        self.layers = nn.ModuleList(WindowLayer(hidden, heads, window) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden)

    def start(self, batch_size: int) -> WindowState:
        """No tokens."""
        heads, width = self._shape
        return [self.norm.weight.new_zeros(batch_size, 2, heads, 0, width) for _ in self.layers]

    def forward(self, hidden: torch.Tensor, state: WindowState) -> tuple[torch.Tensor, WindowState]:
        """Outputs [batch, n, hidden], and the next state."""
        after = []
        for layer, before in zip(self.layers, state, strict=True):
            hidden, new = layer(hidden, before)
            after.append(new)
        return self.norm(hidden), after


@model("window-transformer")
def window_transformer(
    *,
    layers: int = 2,
    hidden: int = 64,
    heads: int = 4,
    window: int | None = None,
    segment_length: int = SEGMENT,
    labels: Sequence[str] = PLACES,
    tokenizer: str | None = None,
) -> TrainableReader:
    """A small Transformer whose tokens see the last `window` tokens (a segment), untrained: it must forget."""
    window = segment_length if window is None else window
    refuse_below_1(layers=layers, hidden=hidden, heads=heads, window=window)
    if hidden % (2 * heads):
        raise UserError(f"hidden is a multiple of twice the {heads} heads, not {hidden}")
    return TrainableReader(
        WindowReader(hidden, layers, heads, window), hidden, "window-transformer",
        {"layers": layers, "heads": heads, "window": window},
        segment_length=segment_length, labels=labels, tokenizer=tokenizer,
    )  # fmt: skip
