"""The Associative Recurrent Memory Transformer over a decoder (Rodkin et al., arXiv 2407.04841, section 2).

    reading     w1 ... w64 | m1 ... m8         the same memory tokens behind every segment
                    |            |
    layer l     x + read(A_l)  x + read(A_l)   what the layer's own memory holds is added before the layer
                    |            |
                  layer l      layer l
                    |            +-----------> write(A_l), which is read in the next segment
    answering   tail, question | answer        A_l is read, and stays as it is

Knows segments and memory; nothing of documents, samples or scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ...base.errors import UserError
from ...tasks.lexicon import PLACES
from .associative import Associations, AssociativeMemory
from .backbone import fitting_segment, refuse_below_1, refuse_short_vocabulary
from .choosing import AnswerTokens, Continued, choice_log_likelihoods, text_log_likelihoods
from .diagonal import read_diagonally
from .labels import label_columns
from .layerwise import LayerwiseDecoder
from .recurrent_memory import limit_depth, made_again

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

#: How many tokens of an answer there is room for behind a question that fills a segment.
ANSWER_TOKENS = 20
#: Segments that are read diagonally between one filling and emptying of the layers and the next.
_AT_ONCE = 64


class ARMT(nn.Module):
    """Memory tokens, and an associative memory in every layer of a causal model: how it reads.

    Those below add how it answers. The state is what the memories hold, `Associations`, of one size whatever was read,
    in single precision at least. `dimension` is that of keys and queries (d_mem of the paper). Many segments that are
    given at once are read by diagonal batching if `diagonal` is true. With `bptt_depth` gradients reach at most that
    many segments back. `segment_length` is what is left of the backbone's positions, at most 512, unless given.
    """

    mode: str
    incidental = ("diagonal",)  #: It changes the order of the work, and no answer.

    def __init__(
        self,
        backbone: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        memory_tokens: int = 10,
        dimension: int = 64,
        segment_length: int | None = None,
        answer_length: int = 0,
        value_scale: float = 1e-3,
        diagonal: bool = False,
        bptt_depth: int | None = None,
    ):
        super().__init__()
        refuse_short_vocabulary(backbone, tokenizer)
        refuse_below_1(memory_tokens=memory_tokens, dimension=dimension)
        self.backbone = backbone
        self.decoder = LayerwiseDecoder(backbone.base_model)
        if diagonal and not self.decoder.is_uniform:
            raise UserError("the layers of this decoder differ in more than their weights: use diagonal=false")
        if bptt_depth is not None and bptt_depth < 0:
            raise UserError(f"bptt_depth is a number of segments, 0 or more, not {bptt_depth}")
        self.tokenizer = tokenizer
        self.diagonal = diagonal
        self.bptt_depth = bptt_depth
        room = self.decoder.positions - max(memory_tokens, answer_length)
        self.segment_length = fitting_segment(segment_length, room, f"with {memory_tokens} memory tokens")
        words = self.decoder.words.weight.detach()
        self.memory_tokens = nn.Parameter(torch.randn(memory_tokens, words.shape[1]).to(words) * words.std())
        precise = torch.promote_types(words.dtype, torch.float32)
        layers = len(self.decoder.layers)
        self.memory = AssociativeMemory(layers, words.shape[1], dimension, value_scale).to(precise)

    @property
    def segments_at_once(self) -> int:
        """How many segments a reading gives to `read_many`; 1: to `read`, one by one."""
        return _AT_ONCE if self.diagonal else 1

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.memory_tokens.device

    @property
    def dtype(self) -> torch.dtype:
        """What the decoder computes in."""
        return self.memory_tokens.dtype

    def start(self, batch_size: int) -> Associations:
        """Empty memories: [batch, layers, features, hidden] and [batch, layers, features]."""
        return self.memory.start(batch_size)

    def read(self, state: Associations, segment: torch.Tensor) -> Associations:
        """The memories after one segment: int64 [batch, segment_length]."""
        hidden, arguments = self.decoder.enter(self._with_memory_tokens(segment))
        after = []
        for layer in range(len(self.decoder.layers)):
            hidden = self._layer(layer, hidden, arguments, state)
            after.append(self.memory.write(self._written(hidden[None]), *_of_layer(state, layer), _only(layer)))
        matrix, normaliser = (torch.cat(parts).transpose(0, 1) for parts in zip(*after, strict=True))
        if self.training and self.bptt_depth is not None and matrix.requires_grad:
            matrix = limit_depth(matrix, state.matrix, self.bptt_depth)
            normaliser = limit_depth(normaliser, state.normaliser, self.bptt_depth)
        return Associations(matrix, normaliser)

    def read_many(self, state: Associations, segments: torch.Tensor) -> Associations:
        """The memories after several segments, int64 [batch, segments, segment_length]: as if read one by one."""
        if not self.diagonal or (self.training and self.bptt_depth is not None):
            for segment in segments.unbind(1):
                state = self.read(state, segment)
            return state
        return read_diagonally(
            self.decoder,
            self.memory,
            state,
            lambda number: self._with_memory_tokens(segments[:, number]),
            segments.shape[1],
            self._written,
        )

    def rebuild(self) -> tuple[str, dict[str, Any]]:
        """The name and options that make this model again, without its weights: what a checkpoint stores."""
        options = {
            **made_again(self.decoder.config, self.dtype, self.bptt_depth),
            "mode": self.mode,
            "memory_tokens": len(self.memory_tokens),
            "dimension": self.memory.dimension,
            "segment_length": self.segment_length,
            "diagonal": self.diagonal,
        }
        return "armt", options

    def _with_memory_tokens(self, segment: torch.Tensor) -> torch.Tensor:
        """The segment's words, then the memory tokens: [batch, positions, hidden]."""
        return torch.cat([self.decoder.words(segment), self.memory_tokens.expand(len(segment), -1, -1)], 1)

    def _written(self, hidden: torch.Tensor) -> torch.Tensor:
        """What a layer writes, of [group, batch, positions, hidden]: its output at the memory tokens."""
        return hidden[:, :, -len(self.memory_tokens) :]

    def _layer(self, layer: int, hidden: torch.Tensor, arguments: dict[str, Any], state: Associations) -> torch.Tensor:
        """One layer, after what its memory recalls was added."""
        recalled = self.memory.read(hidden[None], *_of_layer(state, layer), _only(layer))
        return self.decoder.run(layer, hidden + recalled[0], arguments)

    def _hidden(self, state: Associations, rows: Sequence[torch.Tensor], wanted: torch.Tensor) -> torch.Tensor:
        """The last hidden states at the positions `wanted`, int64 [batch, n], and no others: [batch, n, hidden].

        Nothing is written. Short rows are padded on the right, where a causal model does not look.
        """
        words = self.decoder.words(nn.utils.rnn.pad_sequence(list(rows), batch_first=True))
        hidden, arguments = self.decoder.enter(words)
        for layer in range(len(self.decoder.layers)):
            hidden = self._layer(layer, hidden, arguments, state)
        return self.decoder.leave(hidden.gather(1, wanted[..., None].expand(-1, -1, hidden.shape[-1])))

    def _ends(self, rows: Sequence[torch.Tensor]) -> torch.Tensor:
        """The position of each row's last token: int64 [batch, 1]."""
        return torch.tensor([[len(row) - 1] for row in rows], device=self.device)


class ClassifyingARMT(ARMT):
    """Answers with a classifier's label, from the hidden state of the last token."""

    mode = "classify"

    def __init__(
        self,
        backbone: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        labels: Sequence[str] = PLACES,
        **options: Any,
    ):
        super().__init__(backbone, tokenizer, **options)
        self.labels = tuple(labels)

    def score(
        self, state: Associations, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]
    ) -> torch.Tensor:
        """The classifier's logits for each row's choices: [batch, n_choices].

        Raises `UserError` when a choice is no label of the classifier.
        """
        columns = label_columns(self.labels, choices).to(self.device)
        last = self._hidden(state, prompts, self._ends(prompts))[:, 0]
        return self.backbone.score(last).gather(1, columns)  # type: ignore[operator]

    def rebuild(self) -> tuple[str, dict[str, Any]]:
        """The name and options that make this model again, without its weights: what a checkpoint stores."""
        name, options = super().rebuild()
        return name, {**options, "labels": list(self.labels)}


class ChoosingARMT(ARMT):
    """Answers with the choice that its language model's head finds likeliest behind the question.

    `answer_prefix` and `answer_space` say how an answer is written there, see `AnswerTokens`. A question without
    choices has no answer.
    """

    mode = "choice"

    def __init__(
        self,
        backbone: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        answer_prefix: str = "",
        answer_space: bool = True,
        **options: Any,
    ):
        self._answers = AnswerTokens(tokenizer, answer_prefix, answer_space)
        super().__init__(
            backbone, tokenizer, answer_length=len(self._answers.prefix) + ANSWER_TOKENS, **options
        )  # fmt: skip
        self._answer_options = {"answer_prefix": answer_prefix, "answer_space": answer_space}

    def score(
        self, state: Associations, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]
    ) -> torch.Tensor:
        """The log-likelihood of each row's choices: [batch, n_choices].

        Raises `UserError` where there are no choices, or one is longer than `ANSWER_TOKENS`.
        """
        tokens = self._answers.rows(choices)
        longest = max((len(choice) for mine in tokens for choice in mine), default=0)
        if not all(tokens) or longest > ANSWER_TOKENS:
            raise UserError(
                f"this model takes the likeliest of given choices, of at most {ANSWER_TOKENS} tokens: ask it a task "
                "whose questions have such choices"
            )
        prefix = self._answers.prefix.to(self.device)
        rows = [torch.cat([prompt, prefix]) for prompt in prompts]
        return choice_log_likelihoods(*self._behind(state, rows), tokens)

    def log_likelihoods(
        self, state: Associations, prompts: Sequence[torch.Tensor], texts: Sequence[Sequence[torch.Tensor]]
    ) -> list[list[tuple[float, bool]]]:
        """See `LikelihoodModel`. Raises `UserError` when a text is longer than there are positions left."""
        longest = max(len(row) + len(text) - 1 for row, mine in zip(prompts, texts, strict=True) for text in mine)
        if longest > self.decoder.positions:
            raise UserError(
                f"prompt and text need {longest} positions, the decoder has {self.decoder.positions}: give a smaller "
                "segment_length"
            )
        return text_log_likelihoods(*self._behind(state, prompts), texts)

    def _behind(self, state: Associations, rows: Sequence[torch.Tensor]) -> tuple[torch.Tensor, Continued]:
        """The logits right behind `rows`, and what continues them."""

        def continued(which: torch.Tensor, more: torch.Tensor) -> torch.Tensor:
            longer = [torch.cat([rows[row], new]) for row, new in zip(which.tolist(), more, strict=True)]
            begun = self._ends(rows)[which]
            behind = torch.arange(1, more.shape[1] + 1, device=self.device)
            return self._logits(Associations(*(part[which] for part in state)), longer, begun + behind)

        return self._logits(state, rows, self._ends(rows))[:, 0], continued

    def rebuild(self) -> tuple[str, dict[str, Any]]:
        """The name and options that make this model again, without its weights: what a checkpoint stores."""
        name, options = super().rebuild()
        return name, {**options, **self._answer_options}

    def _logits(self, state: Associations, rows: Sequence[torch.Tensor], wanted: torch.Tensor) -> torch.Tensor:
        """The logits at the positions `wanted`: [batch, n, vocabulary]."""
        head = self.backbone.get_output_embeddings()
        return head(self._hidden(state, rows, wanted))  # type: ignore[misc]


def _of_layer(state: Associations, layer: int) -> tuple[torch.Tensor, torch.Tensor]:
    """One layer's matrix and normaliser, as a group of one layer."""
    return state.matrix[None, :, layer], state.normaliser[None, :, layer]


def _only(layer: int) -> slice:
    return slice(layer, layer + 1)
