"""The Recurrent Memory Transformer over an encoder (Bulatov et al., arXiv 2304.11062, section 3).

    input    [CLS] m1 m2 ... m8 [SEP] w1 w2 ... w64 [SEP]
    output     .   m1'm2'... m8'  .    .  .      .    .      the last hidden states at the memory positions
                    |
                    +--> the memory of the next segment

Knows segments and memory; nothing of documents, samples or scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ...base.errors import UserError
from ...tasks.lexicon import PLACES
from .backbone import fitting_segment, positions
from .labels import label_columns
from .recurrent_memory import RecurrentMemory

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

#: [CLS], and a [SEP] on either side of the segment.
SPECIAL = 3


class RMTEncoder(RecurrentMemory):
    """Memory tokens and segment-level recurrence around any encoder with a sequence classification head.

    `segment_length` is what is left of the encoder's positions, at most 512, unless given. `memory` are the first
    memory tokens, float [memory_tokens, hidden]; drawn at random where only their number is given.
    """

    def __init__(
        self,
        backbone: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        memory: int | torch.Tensor = 10,
        segment_length: int | None = None,
        labels: Sequence[str] = PLACES,
        **options: Any,
    ):
        if isinstance(memory, int):
            scale = getattr(backbone.config, "initializer_range", 0.02)
            first = torch.randn(memory, backbone.config.hidden_size) * scale  # type: ignore[union-attr,call-overload]
        else:
            first = memory
        super().__init__(backbone, tokenizer, first, **options)
        known = positions(backbone)
        room = None if known is None else known - len(first) - SPECIAL
        self.segment_length = fitting_segment(segment_length, room, f"with {len(first)} memory tokens")
        self.labels = tuple(labels)
        self._ids = {role: _special_id(tokenizer, role) for role in ("cls", "sep", "pad")}

    def read(self, state: torch.Tensor, segment: torch.Tensor) -> torch.Tensor:
        """The memory after one segment: [batch, memory_tokens, hidden]."""
        rows = slice(1, 1 + len(self.memory))
        return self._memory_after(self._embed(state, segment), rows, state, segment.shape[1] == self.segment_length)

    def score(
        self, state: torch.Tensor, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]
    ) -> torch.Tensor:
        """The classifier's logits for each row's choices: [batch, n_choices].

        Raises `UserError` when a choice is no label of the classifier.
        """
        columns = label_columns(self.labels, choices).to(self.device)
        lengths = [len(prompt) for prompt in prompts]
        padded = nn.utils.rnn.pad_sequence(list(prompts), batch_first=True, padding_value=self._ids["pad"])
        embedded = self._embed(state, padded, lengths)
        logits = self.backbone(inputs_embeds=embedded, attention_mask=self._mask(lengths)).logits
        return logits.gather(1, columns)

    def attend(self, state: torch.Tensor, tokens: torch.Tensor, asking: bool) -> tuple[torch.Tensor, list[str]]:
        """What each position attends to, and what stands there; see bench/attention.py."""
        memory, text = ["memory"] * len(self.memory), ["text"] * tokens.shape[1]
        return self._attention(self._embed(state, tokens)), ["answer", *memory, "separator", *text, "separator"]

    def rebuild(self) -> tuple[str, dict[str, Any]]:
        """The name and options that make this model again, without its weights: what a checkpoint stores."""
        name, options = super().rebuild()
        return name, {**options, "labels": list(self.labels)}

    def _embed(self, memory: torch.Tensor, tokens: torch.Tensor, lengths: Sequence[int] = ()) -> torch.Tensor:
        """[CLS] memory [SEP] tokens [SEP] as embeddings; in padded rows the last [SEP] follows the row's own end."""
        ends = tokens.new_full((len(tokens), 1), self._ids["sep"])
        if len(set(lengths)) > 1:
            ids = torch.cat([tokens, tokens.new_full((len(tokens), 1), self._ids["pad"])], 1)
            ids[torch.arange(len(tokens)), torch.tensor(lengths)] = self._ids["sep"]
        else:
            ids = torch.cat([tokens, ends], 1)
        words = self._words()
        return torch.cat([words(torch.full_like(ends, self._ids["cls"])), memory, words(ends), words(ids)], 1)

    def _mask(self, lengths: Sequence[int]) -> torch.Tensor | None:
        """1 where a token stands, 0 on padding: [batch, positions]; None when no row is padded."""
        if len(set(lengths)) == 1:
            return None
        used = torch.tensor(lengths, device=self.device) + len(self.memory) + SPECIAL
        return (torch.arange(int(used.max()), device=self.device) < used[:, None]).long()


def _special_id(tokenizer: PreTrainedTokenizerBase, role: str) -> int:
    token = getattr(tokenizer, f"{role}_token_id")
    if token is None:
        raise UserError(
            f"the tokenizer {tokenizer.name_or_path!r} has no {role}_token, which an encoder's segment needs: "
            "choose another (tokenizer=NAME_OR_FOLDER), or a decoder"
        )
    return int(token)
