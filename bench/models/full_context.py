"""Full context: a causal language model that keeps every token, and reads the whole text in one call when it is asked.

    reading     w1 ... w512, w513 ... w1024, ...      kept as tokens
    answering   [bos] w1 ......... wn, question       one call, as the model was trained; then the choices

The ceiling that a memory is compared with, up to the length that the model takes: longer documents are skipped.
"""

from __future__ import annotations

from typing import Any

import torch

from ..model import model
from .cached import MAX_NEW_TOKENS, Answering, CachedModel, load_backbone
from .causal import Kept
from .piecewise import read_in


class Rereading(CachedModel):
    """A causal language model that reads a text anew for every question. The state is the text: int32 [batch, n]."""

    def start(self, batch_size: int) -> torch.Tensor:
        """No tokens yet."""
        return torch.empty((batch_size, 0), dtype=torch.int32, device=self.device)

    def read(self, state: torch.Tensor, segment: torch.Tensor) -> torch.Tensor:
        """The tokens so far."""
        return torch.cat([state, segment.to(torch.int32)], 1)

    @property
    def about(self) -> dict[str, Any]:
        """What run.json says of the reading."""
        return {"architecture": type(self.backbone).__name__, "read_in": "one call for every question"}

    def _read_prompts(self, state: torch.Tensor, rows: list[int], tokens: torch.Tensor) -> tuple[torch.Tensor, Kept]:
        text = torch.cat([state[rows].to(torch.int64), tokens], 1)
        return read_in(self.causal, self.way, Kept(), self._behind_opening(text))


class FullContext(Rereading):
    """Keeps the whole text.

    `max_tokens` is what the configuration leaves beside an answer, if it states a length; 0 lifts it.
    """

    @property
    def state_grows(self) -> bool:
        """It does."""
        return True

    @property
    def max_tokens(self) -> int | None:
        """The longest document, its question counted in; None: any."""
        return self.stated_limit() if self._limit is None else self._limit or None


@model("full")
def full(
    name: str = "",
    *,
    segment_length: int | None = None,
    max_tokens: int | None = None,
    mode: str = "choice",
    answer_prefix: str = "",
    answer_space: bool = True,
    per_token: bool = False,
    max_new_tokens: int = MAX_NEW_TOKENS,
    tokenizer: str | None = None,
    dtype: str | None = None,
    attn_implementation: str | None = None,
) -> FullContext:
    """A causal language model that is given the whole text at once: `full:NAME_OR_FOLDER`.

    Documents longer than its configuration (`max_position_embeddings`) leaves beside an answer are skipped;
    `max_tokens` overrules that, 0 lifts it. How it answers, and `dtype` and the like, are options as of `cached`.
    """
    answering = Answering(mode, answer_prefix, answer_space, per_token, max_new_tokens)
    made_of = load_backbone("full", name, tokenizer, dtype, attn_implementation)
    return FullContext(*made_of, segment_length, max_tokens, answering).eval()
