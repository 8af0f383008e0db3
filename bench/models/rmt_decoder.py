"""The Recurrent Memory Transformer over a decoder (Bulatov et al., arXiv 2207.06881, section 3; 2304.11062, section 3).

    reading     m1 ... m8 | w1 w2 ... w64 | m1 ... m8        the memory is read in front, and written behind
                                            m1'... m8'       the last hidden states there: the next segment's memory
    answering   m1 ... m8 | tail, question | answer

What is written sees the memory and the whole segment; attention is causal, so what is read in front does not.
Knows segments and memory; nothing of documents, samples or scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from ...base.errors import UserError
from ...tasks.lexicon import PLACES
from ..model import Reply, likeliest
from .backbone import fitting_segment, positions
from .choosing import AnswerTokens, Continued, choice_log_likelihoods, text_log_likelihoods
from .generating import as_reply, end_tokens
from .labels import label_columns
from .recurrent_memory import RecurrentMemory

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MAX_NEW_TOKENS = 20  #: How long a generated answer may be, unless told.


class RMTDecoder(RecurrentMemory):
    """Memory tokens around any causal model: how it reads. Those below add how it answers.

    `segment_length` is what is left of the backbone's positions, at most 512, unless given; room is kept for an answer
    of `answer_length` tokens. `memory` are the first memory tokens, float [memory_tokens, hidden]; drawn at random, as
    wide as the word embeddings are, where only their number is given.
    """

    mode: str
    _options: ClassVar[dict[str, Any]] = {"use_cache": False}

    def __init__(
        self,
        backbone: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        memory: int | torch.Tensor = 10,
        segment_length: int | None = None,
        answer_length: int = 0,
        **options: Any,
    ):
        first = _drawn(backbone, memory) if isinstance(memory, int) else memory
        super().__init__(backbone, tokenizer, first, **options)
        self._positions, count = positions(backbone), len(first)
        room = None if self._positions is None else self._positions - count - max(count, answer_length)
        what = f"with {count} memory tokens" + f" and {answer_length} tokens of answer" * bool(answer_length)
        self.segment_length = fitting_segment(segment_length, room, what)

    def read(self, state: torch.Tensor, segment: torch.Tensor) -> torch.Tensor:
        """The memory after one segment: [batch, memory_tokens, hidden]."""
        embedded = torch.cat([state, self._words()(segment), state], 1)
        rows = slice(-len(self.memory), None)
        return self._memory_after(embedded, rows, state, segment.shape[1] == self.segment_length)

    def attend(self, state: torch.Tensor, tokens: torch.Tensor, asking: bool) -> tuple[torch.Tensor, list[str]]:
        """What each position attends to, and what stands there; see bench/attention.py."""
        parts, roles = [state, self._words()(tokens)], ["memory"] * len(self.memory) + ["text"] * tokens.shape[1]
        if not asking:
            parts, roles = [*parts, state], [*roles, *["written"] * len(self.memory)]
        return self._attention(torch.cat(parts, 1), use_cache=False), roles

    def rebuild(self) -> tuple[str, dict[str, Any]]:
        """The name and options that make this model again, without its weights: what a checkpoint stores."""
        name, options = super().rebuild()
        return name, {"kind": "decoder", "mode": self.mode, **options}

    def _embed(self, memory: torch.Tensor, rows: Sequence[torch.Tensor]) -> torch.Tensor:
        """memory, tokens as embeddings. Short rows are padded on the right, where a causal model does not look."""
        return torch.cat([memory, self._words()(nn.utils.rnn.pad_sequence(list(rows), batch_first=True))], 1)

    def _ends(self, rows: Sequence[torch.Tensor]) -> torch.Tensor:
        """The position of each row's last token: int64 [batch]."""
        return torch.tensor([len(self.memory) + len(row) - 1 for row in rows], device=self.device)


def _drawn(backbone: Any, count: int) -> torch.Tensor:
    """First memory tokens at random, as wide as the word embeddings are."""
    words = backbone.get_input_embeddings().weight.detach()
    return torch.randn(count, words.shape[1]) * words.float().std()


class ClassifyingRMT(RMTDecoder):
    """Answers with a classifier's label, from the hidden state of the last token."""

    mode = "classify"

    def __init__(
        self, backbone: nn.Module, tokenizer: PreTrainedTokenizerBase, *, labels: Sequence[str] = PLACES, **options: Any
    ):
        super().__init__(backbone, tokenizer, **options)
        self.labels = tuple(labels)

    def score(
        self, state: torch.Tensor, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]
    ) -> torch.Tensor:
        """The classifier's logits for each row's choices: [batch, n_choices].

        Raises `UserError` when a choice is no label of the classifier.
        """
        columns = label_columns(self.labels, choices).to(self.device)
        hidden = self._hidden(self._embed(state, prompts))
        last = hidden[torch.arange(len(prompts), device=self.device), self._ends(prompts)]
        return self.backbone.score(last).gather(1, columns)  # type: ignore[operator]

    def rebuild(self) -> tuple[str, dict[str, Any]]:
        """The name and options that make this model again, without its weights: what a checkpoint stores."""
        name, options = super().rebuild()
        return name, {**options, "labels": list(self.labels)}


class GeneratingRMT(RMTDecoder):
    """Answers with what it generates greedily, up to the end-of-text token or `max_new_tokens`.

    `answer_prefix` and `answer_space` say how an answer is written behind the question; see `AnswerTokens`.
    """

    mode = "generate"

    def __init__(
        self,
        backbone: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        *,
        answer_prefix: str = "",
        answer_space: bool = True,
        max_new_tokens: int = MAX_NEW_TOKENS,
        **options: Any,
    ):
        if max_new_tokens < 1:
            raise UserError(f"max_new_tokens is a number from 1 on, not {max_new_tokens}")
        self._answers = AnswerTokens(tokenizer, answer_prefix, answer_space)
        super().__init__(backbone, tokenizer, answer_length=len(self._answers.prefix) + max_new_tokens, **options)
        self._answer_options = {
            "answer_prefix": answer_prefix, "answer_space": answer_space, "max_new_tokens": max_new_tokens
        }  # fmt: skip

    def answer(
        self, state: torch.Tensor, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]
    ) -> list[Reply]:
        """What it generates for each row; the choices are not looked at."""
        return self._generate(state, self._opened(prompts))

    def rebuild(self) -> tuple[str, dict[str, Any]]:
        """The name and options that make this model again, without its weights: what a checkpoint stores."""
        name, options = super().rebuild()
        return name, {**options, **self._answer_options}

    def _opened(self, prompts: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Prompts with the prefix of the answer behind them."""
        prefix = self._answers.prefix.to(self.device)
        return [torch.cat([prompt, prefix]) for prompt in prompts]

    def _generate(self, memory: torch.Tensor, rows: Sequence[torch.Tensor]) -> list[Reply]:
        """Generates for all rows at once, padded on the left, so that all go on at one place."""
        from transformers import GenerationConfig

        longest = max(map(len, rows))
        embedded, mask = [], []
        for one, row in zip(memory, rows, strict=True):
            blank = one.new_zeros(longest - len(row), one.shape[1])
            embedded.append(torch.cat([blank, one, self._words()(row)]))
            mask.append(torch.arange(len(embedded[-1]), device=self.device) >= len(blank))
        limit, ends = int(self._answer_options["max_new_tokens"]), end_tokens(self.backbone, self.tokenizer)
        made = self.backbone.generate(  # type: ignore[operator]
            inputs_embeds=torch.stack(embedded),
            attention_mask=torch.stack(mask).long(),
            generation_config=GenerationConfig(
                do_sample=False, max_new_tokens=limit, eos_token_id=ends or None, pad_token_id=ends[0] if ends else 0
            ),
        )
        return [as_reply(self.tokenizer, row, ends) for row in made.tolist()]


class ChoosingRMT(GeneratingRMT):
    """Answers with the choice that is likeliest behind the prompt, or generates where there are no choices."""

    mode = "choice"

    def __init__(
        self, backbone: nn.Module, tokenizer: PreTrainedTokenizerBase, *, per_token: bool = False, **options: Any
    ):
        super().__init__(backbone, tokenizer, **options)
        self._per_token = per_token
        if per_token:
            self._answer_options["per_token"] = True

    def score(
        self, state: torch.Tensor, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]
    ) -> torch.Tensor:
        """The log-likelihood of each row's choices: [batch, n_choices]; with `per_token` the mean over its tokens.

        Raises `UserError` when a choice is longer than the backbone has positions left for.
        """
        tokens = self._answers.rows(choices)
        return choice_log_likelihoods(*self._behind(state, self._opened(prompts), tokens), tokens, self._per_token)

    def log_likelihoods(
        self, state: torch.Tensor, prompts: Sequence[torch.Tensor], texts: Sequence[Sequence[torch.Tensor]]
    ) -> list[list[tuple[float, bool]]]:
        """See `LikelihoodModel`. Raises `UserError` when a text is longer than there are positions left."""
        return text_log_likelihoods(*self._behind(state, prompts, texts), texts)

    def answer(
        self, state: torch.Tensor, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]
    ) -> list[Reply]:
        """The likeliest choice of each row that has some; what is generated for the others."""
        replies: dict[int, Reply] = {}
        asked = [row for row, mine in enumerate(choices) if mine]
        free = [row for row, mine in enumerate(choices) if not mine]
        if asked:
            mine = [choices[row] for row in asked]
            scores = self.score(state[asked], [prompts[row] for row in asked], mine)
            replies |= zip(asked, likeliest(scores, mine), strict=True)
        if free:
            replies |= zip(free, self._generate(state[free], self._opened([prompts[i] for i in free])), strict=True)
        return [replies[row] for row in range(len(prompts))]

    def _behind(
        self, state: torch.Tensor, rows: Sequence[torch.Tensor], tokens: Sequence[Sequence[torch.Tensor]]
    ) -> tuple[torch.Tensor, Continued]:
        """The logits right behind `rows`, and what continues them; refuses `tokens` that have no place there."""
        self._refuse_long(rows, tokens)

        def continued(which: torch.Tensor, more: torch.Tensor) -> torch.Tensor:
            begun = [rows[row] for row in which.tolist()]
            behind = torch.arange(1, more.shape[1] + 1, device=self.device)
            longer = [torch.cat([row, new]) for row, new in zip(begun, more, strict=True)]
            return self._logits(state[which], longer, self._ends(begun)[:, None] + behind)

        return self._logits(state, rows, self._ends(rows)[:, None])[:, 0], continued

    def _logits(self, memory: torch.Tensor, rows: Sequence[torch.Tensor], wanted: torch.Tensor) -> torch.Tensor:
        """The logits at the positions `wanted`, int64 [k, n], and nowhere else: [k, n, vocabulary]."""
        kept, index = wanted.unique(return_inverse=True)
        embedded = self._embed(memory, rows)
        logits = self.backbone(inputs_embeds=embedded, use_cache=False, logits_to_keep=kept).logits
        return logits[torch.arange(len(rows), device=self.device)[:, None], index]

    def _refuse_long(self, rows: Sequence[torch.Tensor], tokens: Sequence[Sequence[torch.Tensor]]) -> None:
        for row, mine in zip(rows, tokens, strict=True):
            needed = len(self.memory) + len(row) + max(map(len, mine), default=0) - 1
            if self._positions is not None and needed > self._positions:
                raise UserError(
                    f"memory, prompt and the longest choice need {needed} positions, the backbone has "
                    f"{self._positions}: give a smaller segment_length, or a larger max_new_tokens"
                )
