"""A causal language model that forgets: attention sinks and a window (StreamingLLM, Xiao et al., arXiv 2309.17453).

    cache      s1 s2 s3 s4 | w501 ... w1520        the first tokens, and the last 1020
    positions   0  1  2  3     4 ...  1023         as they stand in the cache, not in the text (section 3.2)
    reading    + w1521 ... w2032                   then w501 ... w1012 are dropped, and the others move up

Keys are kept as they were turned by their positions, so moving up turns them back by as many places. That this is
right for a model is proved at its first reading. What the window has lost is still felt a little: keys and values of
later layers were computed while it was seen. With `recompute` the window is read anew for every question (the paper's
sliding window with re-computation), and nothing is felt; that is right for any model.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch

from ...base.errors import UserError
from ..model import model
from .cached import MAX_NEW_TOKENS, Answering, CachedModel, load_backbone
from .causal import Kept
from .full_context import Rereading
from .piecewise import MOST, difference, in_single

_WINDOW = 1020


class _Forgetting(CachedModel):
    """Whatever keeps the first `sinks` tokens and the last `window`: the state is flat once these are full."""

    def __init__(self, *made_of: Any, sinks: int, window: int | None, **options: Any):
        super().__init__(*made_of, **options)
        self.sinks = sinks
        self.window = _fitting(self, sinks, window)

    @property
    def state_grows(self) -> bool:
        """It does not, once the window is full."""
        return False

    @property
    def flat_after(self) -> int:
        """Tokens after which the window is full."""
        return self.sinks + self.window

    @property
    def about(self) -> dict[str, Any]:
        """What run.json says of the reading."""
        return {**super().about, "state_grows": False, "sinks": self.sinks, "window": self.window}


class Window(_Forgetting):
    """Attention sinks and a window over the cache. A segment is read against the whole cache, which is then cut.

    So the last token of a segment sees up to `sinks` + `window` + a segment.
    """

    chunk_invariant = False

    def read(self, state: Kept, segment: torch.Tensor) -> Kept:
        """The cache after one more segment, cut to its size. `state` is used up."""
        rotary = self._rotary
        kept = super().read(state, segment)
        surplus = kept.seen - self.sinks - self.window
        if surplus > 0:
            for layer in kept.cache.layers:
                last = rotary.back(layer.keys[:, :, -self.window :], surplus)
                layer.keys = torch.cat([layer.keys[:, :, : self.sinks], last], 2)
                layer.values = torch.cat([layer.values[:, :, : self.sinks], layer.values[:, :, -self.window :]], 2)
            kept = replace(kept, seen=self.sinks + self.window)
        return kept

    @cached_property
    def _rotary(self) -> _Rotary:
        """How keys are turned. Raises `UserError` when that is not known of this model."""
        rotary = _Rotary(self.backbone)
        with torch.inference_mode(), in_single(self.backbone):
            if not self._moves(rotary):
                raise UserError(
                    f"the cache of {type(self.backbone).__name__} cannot be moved: it is not of plain attention in "
                    "every layer, or its positions are not rotary as this project knows them; add --model-arg "
                    "recompute=true, which reads the window anew for every question"
                )
        return rotary

    def _moves(self, rotary: _Rotary) -> bool:
        """Whether tokens read from place 37 on, and moved up by 37, are those that are read from place 0 on."""
        tokens = torch.arange(16, device=self.device)[None] % self.causal.config.vocab_size
        (_, here), (_, there) = (self.causal.read(Kept(), tokens, at=place) for place in (0, 37))
        layers = getattr(here.cache, "layers", [])
        if not layers or not all(type(layer).__name__ == "DynamicLayer" for layer in layers) or not rotary.is_known:
            return False
        bound = MOST[torch.float32]
        return all(
            difference(one.keys, rotary.back(other.keys, 37)) < bound and difference(one.values, other.values) < bound
            for one, other in zip(layers, there.cache.layers, strict=True)
        )


class RereadWindow(_Forgetting, Rereading):
    """Attention sinks and a window over tokens, which are read anew for every question."""

    def read(self, state: torch.Tensor, segment: torch.Tensor) -> torch.Tensor:
        """The first `sinks` tokens and the last `window`: int32 [batch, n]."""
        tokens = super().read(state, segment)
        if tokens.shape[1] <= self.flat_after:
            return tokens
        return torch.cat([tokens[:, : self.sinks], tokens[:, -self.window :]], 1)


class _Rotary:
    """The rotary positions of a model, and how its own code turns a key by them."""

    def __init__(self, backbone: torch.nn.Module):
        self._turn = getattr(sys.modules[type(backbone).__module__], "apply_rotary_pos_emb", None)
        found = [module for module in backbone.modules() if type(module).__name__.endswith("RotaryEmbedding")]
        self._positions = found[0] if found else None

    @property
    def is_known(self) -> bool:
        """Whether the model has such positions."""
        return self._turn is not None and self._positions is not None

    def back(self, keys: torch.Tensor, places: int) -> torch.Tensor:
        """Keys [batch, heads, n, width] as if they stood `places` further to the front."""
        assert self._turn is not None
        assert self._positions is not None
        exact = keys.float()
        place = torch.tensor([[places]], device=keys.device)
        cosine, sine = self._positions(exact, place)
        scale = getattr(self._positions, "attention_scaling", 1.0)
        return self._turn(exact, exact, cosine / scale, -sine / scale)[1].to(keys.dtype)


def _fitting(made: CachedModel, sinks: int, window: int | None) -> int:
    """The window: what was wanted, else 1020 or what the positions leave. Raises `UserError` for what cannot be."""
    if sinks < 0 or (window is not None and window < 1):
        raise UserError(f"sinks is a number of tokens from 0 on and window one from 1 on, not {sinks} and {window}")
    limit = made.stated_limit()
    room = None if limit is None else limit - sinks - made.segment_length
    wanted = _WINDOW if window is None and room is None else min(_WINDOW, room or 0) if window is None else window
    if wanted < 1 or (room is not None and wanted > room):
        raise UserError(
            f"{sinks} sinks, a window of {wanted} and a segment of {made.segment_length} tokens do not fit into the "
            f"{limit} tokens that the model has positions for beside an answer: give a smaller window, or a smaller "
            "segment_length"
        )
    return wanted


@model("window")
def window(
    name: str = "",
    *,
    sinks: int = 4,
    window: int | None = None,
    recompute: bool = False,
    segment_length: int | None = None,
    mode: str = "choice",
    answer_prefix: str = "",
    answer_space: bool = True,
    per_token: bool = False,
    max_new_tokens: int = MAX_NEW_TOKENS,
    tokenizer: str | None = None,
    dtype: str | None = None,
    attn_implementation: str | None = None,
) -> Window | RereadWindow:
    """A causal language model that sees the first `sinks` tokens and the last `window` only: `window:NAME_OR_FOLDER`.

    The model that forgets, to compare memories with (StreamingLLM, arXiv 2309.17453). The window is 1020 tokens, or
    what the model's positions leave. It needs rotary positions; with `recompute=true`, which reads the window anew for
    every question, any model will do. How it answers, and `dtype` and the like, are options as of `cached`.
    """
    answering = Answering(mode, answer_prefix, answer_space, per_token, max_new_tokens)
    made_of = load_backbone("window", name, tokenizer, dtype, attn_implementation)
    kind = RereadWindow if recompute else Window
    return kind(*made_of, segment_length, answering=answering, sinks=sinks, window=window).eval()
