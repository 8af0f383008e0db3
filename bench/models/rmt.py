"""The Recurrent Memory Transformer over a Hugging Face encoder (Bulatov et al., arXiv 2304.11062, section 3).

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

from ...base.errors import UserError, one_line
from ...generators.tokens import load_tokenizer
from ...tasks.lexicon import PLACES
from ..model import model

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

#: [CLS], and a [SEP] on either side of the segment.
_SPECIAL = 3


class RMT(nn.Module):
    """Memory tokens and segment-level recurrence around any encoder with a sequence classification head.

    The state is the memory: float [batch, memory_tokens, hidden]. `segment_length` is what is left of the encoder's
    positions unless given. While training, Gaussian noise of `memory_noise` is added to the memory after every
    segment that is read with gradients (0: the RMT of the report).
    """

    def __init__(
        self,
        backbone: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        memory_tokens: int = 10,
        segment_length: int | None = None,
        labels: Sequence[str] = PLACES,
        memory_noise: float = 0.0,
    ):
        super().__init__()
        self.backbone = backbone
        self.config: PreTrainedConfig = backbone.config  # type: ignore[assignment]
        self.tokenizer = tokenizer
        self.labels = tuple(labels)
        self.memory_noise = memory_noise
        room = self.config.max_position_embeddings - memory_tokens - _SPECIAL
        self.segment_length = segment_length or room
        if not 0 < self.segment_length <= room:
            raise UserError(f"segment_length is 1..{room} with {memory_tokens} memory tokens, not {segment_length}")
        scale = getattr(self.config, "initializer_range", 0.02)
        self.memory = nn.Parameter(torch.randn(memory_tokens, self.config.hidden_size) * scale)
        self._columns = {label: i for i, label in enumerate(self.labels)}

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.memory.device

    def start(self, batch_size: int) -> torch.Tensor:
        """The learned first memory, for each document."""
        return self.memory.expand(batch_size, -1, -1)

    def read(self, state: torch.Tensor, segment: torch.Tensor) -> torch.Tensor:
        """The memory after one segment: [batch, memory_tokens, hidden]."""
        hidden = self.backbone.base_model(inputs_embeds=self._embed(state, segment)).last_hidden_state  # type: ignore[operator]
        memory = hidden[:, 1 : 1 + len(self.memory)]
        if self.training and self.memory_noise and torch.is_grad_enabled():
            memory = memory + self.memory_noise * torch.randn_like(memory)
        return memory

    def score(
        self, state: torch.Tensor, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]
    ) -> torch.Tensor:
        """The classifier's logits for each row's choices: [batch, n_choices].

        Raises `UserError` when a choice is no label of the classifier.
        """
        columns = torch.tensor([[self._column(choice) for choice in row] for row in choices], device=self.device)
        lengths = [len(prompt) for prompt in prompts]
        padded = nn.utils.rnn.pad_sequence(list(prompts), batch_first=True, padding_value=self._id("pad"))
        embedded = self._embed(state, padded, lengths)
        logits = self.backbone(inputs_embeds=embedded, attention_mask=self._mask(lengths)).logits
        return logits.gather(1, columns)

    def rebuild(self) -> tuple[str, dict[str, Any]]:
        """The name and options that make this model again, without its weights: what a checkpoint stores."""
        return "rmt", {
            "config": {**self.config.to_diff_dict(), "model_type": self.config.model_type},
            "memory_tokens": len(self.memory),
            "segment_length": self.segment_length,
            "labels": list(self.labels),
            "memory_noise": self.memory_noise,
        }

    def _embed(self, memory: torch.Tensor, tokens: torch.Tensor, lengths: Sequence[int] = ()) -> torch.Tensor:
        """[CLS] memory [SEP] tokens [SEP] as embeddings; in padded rows the last [SEP] follows the row's own end."""
        ends = tokens.new_full((len(tokens), 1), self._id("sep"))
        if len(set(lengths)) > 1:
            ids = torch.cat([tokens, tokens.new_full((len(tokens), 1), self._id("pad"))], 1)
            ids[torch.arange(len(tokens)), torch.tensor(lengths)] = self._id("sep")
        else:
            ids = torch.cat([tokens, ends], 1)
        words = self.backbone.get_input_embeddings()  # type: ignore[operator]
        cls = words(torch.full_like(ends, self._id("cls")))
        return torch.cat([cls, memory.to(cls.dtype), words(ends), words(ids)], 1)

    def _mask(self, lengths: Sequence[int]) -> torch.Tensor | None:
        """1 where a token stands, 0 on padding: [batch, positions]; None when no row is padded."""
        if len(set(lengths)) == 1:
            return None
        used = torch.tensor(lengths, device=self.device) + len(self.memory) + _SPECIAL
        return (torch.arange(int(used.max()), device=self.device) < used[:, None]).long()

    def _column(self, choice: str) -> int:
        if choice not in self._columns:
            raise UserError(
                f"this model answers with {', '.join(self.labels)}, and {choice!r} is none of them: "
                "ask it a task with these labels, or train one that has it"
            )
        return self._columns[choice]

    def _id(self, role: str) -> int:
        return int(getattr(self.tokenizer, f"{role}_token_id"))


@model("rmt")
def rmt(
    backbone: str = "",
    *,
    layers: int = 2,
    hidden: int = 64,
    heads: int = 4,
    memory_tokens: int = 8,
    segment_length: int | None = None,
    labels: Sequence[str] = PLACES,
    memory_noise: float = 0.1,
    tokenizer: str | None = None,
    config: dict[str, Any] | None = None,
) -> RMT:
    """An RMT around an encoder: `rmt:NAME_OR_FOLDER` loads one from there; plain `rmt` makes a small BERT.

    `layers`, `hidden`, `heads` and a default of 64 tokens a segment shape the small BERT; they are not used with
    `backbone` or `config` (a Hugging Face configuration as a dict). The tokenizer is the backbone's own, else the
    embedded one. `memory_noise` is added in training only, and makes the memory last; the report's RMT has none.
    """
    from transformers import AutoConfig, AutoModelForSequenceClassification

    labels = labels.split(",") if isinstance(labels, str) else labels
    common = {"memory_tokens": memory_tokens, "labels": labels, "memory_noise": memory_noise}
    if backbone:
        try:
            encoder = AutoModelForSequenceClassification.from_pretrained(
                backbone, num_labels=len(labels), ignore_mismatched_sizes=True
            )
        except (OSError, ValueError) as error:
            raise UserError(f"no encoder could be loaded from {backbone!r}: {one_line(error)}") from error
        return RMT(encoder, load_tokenizer(tokenizer or backbone), segment_length=segment_length, **common)
    words = load_tokenizer(tokenizer)
    if config is None:
        segment_length = segment_length or 64
        config = _small_bert(len(words), layers, hidden, heads, memory_tokens + segment_length + _SPECIAL)
    made = AutoConfig.for_model(**config)
    made.num_labels = len(labels)
    return RMT(AutoModelForSequenceClassification.from_config(made), words, segment_length=segment_length, **common)


def _small_bert(vocabulary: int, layers: int, hidden: int, heads: int, positions: int) -> dict[str, Any]:
    return {
        "model_type": "bert",
        "vocab_size": vocabulary,
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "intermediate_size": 4 * hidden,
        "max_position_embeddings": positions,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "type_vocab_size": 1,
    }
