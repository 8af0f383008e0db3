"""Causal language models of Hugging Face whose state is their cache: Mamba, RWKV, xLSTM, RecurrentGemma, hybrids.

    reading     [bos] w1 ... w512 | w513 ... w1024 |        the cache goes from call to call
    answering   a copy of the cache, then tail, question, then every choice: the likeliest is the answer

Where a release does not read a segment rightly in one call, it is read in the largest pieces that are right; which they
are is proved before the first reading, said once, and kept in run.json. Knows caches; nothing of documents or scores.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ...base.errors import UserError, did_you_mean
from ...generators.tokens import load_tokenizer
from ..model import Reply, likeliest, model
from .backbone import Source, load_config, refuse_short_vocabulary
from .causal import Causal, Kept
from .choosing import AnswerTokens, Continued, choice_log_likelihoods, text_log_likelihoods
from .generating import as_reply, end_tokens
from .piecewise import LONGEST, Way, find_way, read_in

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MODES = ("choice", "generate")
MAX_NEW_TOKENS = 20
SEGMENT = 512


@dataclass(frozen=True)
class Answering:
    """How a language model is asked for an answer.

    `mode` is `choice` (the likeliest of the question's labels; where it has none, what is generated) or `generate`.
    `answer_prefix` and `answer_space` say how an answer is written behind the question, see `AnswerTokens`;
    `per_token` ranks choices by the mean over their tokens; a generated answer has up to `max_new_tokens`.
    """

    mode: str = "choice"
    answer_prefix: str = ""
    answer_space: bool = True
    per_token: bool = False
    max_new_tokens: int = MAX_NEW_TOKENS

    def __post_init__(self) -> None:
        """Raise `UserError` for what cannot be."""
        if self.mode not in MODES:
            raise UserError(f"unknown mode {self.mode!r}{did_you_mean(self.mode, MODES)} (there are: choice, generate)")
        if self.max_new_tokens < 1:
            raise UserError(f"max_new_tokens is a number from 1 on, not {self.max_new_tokens}")


@dataclass(frozen=True)
class Asked:
    """Prompts of one length, read: which `rows` of the batch, the logits [rows, vocabulary] behind them, the cache."""

    rows: list[int]
    logits: torch.Tensor
    kept: Kept


class CachedModel(nn.Module):
    """A causal language model and its cache. The state is a `Kept`; reading uses it up, asking copies it.

    `segment_length` is 512 unless given. `max_tokens` is what the configuration states (`max_position_embeddings`),
    less the room of an answer, where the cache grows with the text, and unlimited where it is flat; 0 lifts it.
    """

    chunk_invariant = True

    def __init__(
        self,
        backbone: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        segment_length: int | None = None,
        max_tokens: int | None = None,
        answering: Answering | None = None,
    ):
        super().__init__()
        refuse_short_vocabulary(backbone, tokenizer)
        self.backbone = backbone
        self.tokenizer = tokenizer
        self.segment_length = SEGMENT if segment_length is None else segment_length
        self.answering = answering or Answering()
        self.causal = Causal(backbone)  # type: ignore[arg-type]
        self._limit = max_tokens
        self._opening = torch.tensor(_opening(tokenizer), dtype=torch.int64)
        self._answers = AnswerTokens(tokenizer, self.answering.answer_prefix, self.answering.answer_space)
        self._proved: dict[tuple[torch.device, torch.dtype], Way] = {}

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.causal.module.device

    @property
    def dtype(self) -> torch.dtype:
        """What it computes in."""
        return self.causal.module.dtype

    @property
    def way(self) -> Way:
        """How this release reads a segment rightly; proved when it is first asked for. Raises `UserError`."""
        key = (self.causal.module.device, self.causal.module.dtype)
        if key not in self._proved:
            self._proved[key] = way = find_way(self.causal, self.segment_length)
            if way != Way(self.segment_length, difference=way.difference):
                logging.getLogger(__name__).warning("%s", self._slow(way))
        return self._proved[key]

    @property
    def state_grows(self) -> bool:
        """Whether the cache grows with the text without end, as that of attention does."""
        return self.causal.growth.endless

    @property
    def flat_after(self) -> int:
        """Tokens after which a cache that does not grow without end has its full size: those of a sliding window."""
        return self.causal.growth.flat_after

    @property
    def max_tokens(self) -> int | None:
        """The longest document, its question counted in; None: any."""
        if self._limit is not None:
            return self._limit or None
        return self.stated_limit() if self.state_grows else None

    @property
    def opens_texts(self) -> bool:
        """Whether it puts the token that begins a text there by itself: where its tokenizer does."""
        return len(self._opening) > 0

    @property
    def about(self) -> dict[str, Any]:
        """What run.json says of the reading."""
        told = {"architecture": type(self.backbone).__name__, "read_in": str(self.way), "state_grows": self.state_grows}
        if self.causal.growth.flat_after > LONGEST:
            told["not_proved"] = f"reading on when its window of {self.flat_after:,} tokens is full"
        return told

    def start(self, batch_size: int) -> Any:
        """Nothing read yet."""
        return Kept()

    def read(self, state: Any, segment: torch.Tensor) -> Any:
        """The cache after one more segment. `state` is used up: copy it (`clone_state`) to read on from it twice."""
        return read_in(self.causal, self.way, state, self._opened(state, segment), keep=0)[1]

    def score(self, state: Any, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]) -> torch.Tensor:
        """The log-likelihood of each row's choices: [batch, n_choices]."""
        tokens = self._answers.rows(choices)
        parts, order = [], []
        for asked in self._ask(state, prompts):
            parts.append(self._rank(asked, [tokens[row] for row in asked.rows]))
            order += asked.rows
        widest = max(part.shape[1] for part in parts)
        parts = [nn.functional.pad(part, (0, widest - part.shape[1]), value=-torch.inf) for part in parts]
        return torch.cat(parts)[torch.tensor(order, device=self.device).argsort()]

    def answer(self, state: Any, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]) -> list[Reply]:
        """Each row's likeliest choice, or what is generated: where there are no choices, or mode is `generate`."""
        replies: dict[int, Reply] = {}
        chooses = [self.answering.mode == "choice" and len(mine) > 0 for mine in choices]
        for asked in self._ask(state, prompts, chooses):
            mine = [choices[row] for row in asked.rows]
            if chooses[asked.rows[0]]:
                said = likeliest(self._rank(asked, self._answers.rows(mine)), mine)
            else:
                said = self._generate(asked)
            replies |= zip(asked.rows, said, strict=True)
        return [replies[row] for row in range(len(prompts))]

    def log_likelihoods(
        self, state: Any, prompts: Sequence[torch.Tensor], texts: Sequence[Sequence[torch.Tensor]]
    ) -> list[list[tuple[float, bool]]]:
        """See `LikelihoodModel`."""
        found: dict[int, list[tuple[float, bool]]] = {}
        for asked in self._ask(state, prompts, prefixed=False):
            mine = [texts[row] for row in asked.rows]
            rated = text_log_likelihoods(asked.logits, self._continued(asked), mine)
            found |= zip(asked.rows, rated, strict=True)
        return [found[row] for row in range(len(prompts))]

    def _ask(
        self, state: Any, prompts: Sequence[torch.Tensor], apart: Sequence[bool] = (), prefixed: bool = True
    ) -> Iterator[Asked]:
        """Prompts are read in groups of one length: a recurrent layer would take padding for text.

        Rows that differ in `apart` come in different groups. An answer's prefix stands behind them, if `prefixed`.
        """
        prefix = self._answers.prefix[: None if prefixed else 0].to(self.device)
        groups: dict[tuple[int, bool], list[int]] = defaultdict(list)
        for row, (prompt, kind) in enumerate(zip(prompts, apart or [False] * len(prompts), strict=True)):
            groups[len(prompt), kind].append(row)
        for rows in groups.values():
            tokens = torch.stack([torch.cat([prompts[row], prefix]) for row in rows])
            logits, kept = self._read_prompts(state, rows, tokens)
            yield Asked(rows, logits[:, -1], kept)

    def _read_prompts(self, state: Any, rows: list[int], tokens: torch.Tensor) -> tuple[torch.Tensor, Kept]:
        """Logits [rows, 1, vocabulary] behind prompts of one length, int64 [rows, n], and what is kept then."""
        return read_in(self.causal, self.way, state.rows(rows), self._opened(state, tokens))

    def _rank(self, asked: Asked, choices: Sequence[Sequence[torch.Tensor]]) -> torch.Tensor:
        return choice_log_likelihoods(asked.logits, self._continued(asked), choices, self.answering.per_token)

    def _continued(self, asked: Asked) -> Continued:
        def continued(which: torch.Tensor, more: torch.Tensor) -> torch.Tensor:
            return read_in(self.causal, self.way, asked.kept.rows(which.tolist()), more, more.shape[1])[0]

        return continued

    def _generate(self, asked: Asked) -> list[Reply]:
        """What is generated greedily behind each prompt, up to an end-of-text token."""
        ends = end_tokens(self.backbone, self.tokenizer)
        stops = torch.tensor(ends, dtype=torch.int64, device=self.device)
        made, logits, kept = asked.logits.argmax(-1)[:, None], asked.logits, asked.kept
        while made.shape[1] < self.answering.max_new_tokens and not torch.isin(made, stops).any(1).all():
            logits, kept = read_in(self.causal, self.way, kept, made[:, -1:])
            made = torch.cat([made, logits[:, -1].argmax(-1)[:, None]], 1)
        return [as_reply(self.tokenizer, row, ends) for row in made.tolist()]

    def _opened(self, state: Any, tokens: torch.Tensor) -> torch.Tensor:
        """A document's first tokens, with those in front that the tokenizer opens a text with ([bos])."""
        return self._behind_opening(tokens) if state.is_empty else tokens

    def _behind_opening(self, tokens: torch.Tensor) -> torch.Tensor:
        return torch.cat([self._opening.to(tokens.device).expand(len(tokens), -1), tokens], 1)

    def stated_limit(self) -> int | None:
        """How many tokens of document and question the configuration leaves room for.

        What is written around them is left out, and as many tokens of an answer as may be generated: a choice is read
        behind the question, too, and positions that are learned end in an exception.
        """
        stated = getattr(self.causal.config, "max_position_embeddings", None)
        if not isinstance(stated, int) or stated < 1:
            return None
        return stated - len(self._opening) - len(self._answers.prefix) - self.answering.max_new_tokens

    def _slow(self, way: Way) -> str:
        import transformers

        return (
            f"{type(self.backbone).__name__} of transformers {transformers.__version__} does not read on rightly in "
            f"every call; it is read in the largest way that is right: {way} (within {way.difference:.0e} of reading "
            "whole)"
        )


def _opening(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The tokens that a tokenizer puts in front of a text by itself."""
    plain = tokenizer.encode("a", add_special_tokens=False)
    opened = tokenizer.encode("a")
    at = next((i for i in range(len(opened)) if opened[i : i + len(plain)] == plain), 0)
    return opened[:at]


def load_backbone(
    spec: str, name: str, tokenizer: str | None, dtype: str | None, attn_implementation: str | None
) -> tuple[nn.Module, PreTrainedTokenizerBase]:
    """The causal language model and the tokenizer of a hub name or folder. Raises `UserError` when there are none."""
    if not name:
        raise UserError(f"say which causal language model to read with: {spec}:NAME_OR_FOLDER")
    source = Source(load_config(name), load_tokenizer(tokenizer or name), name=name)
    backbone = source.backbone("language model", dtype=dtype, attn_implementation=attn_implementation)
    return backbone.eval(), source.tokenizer


@model("cached")
def cached(
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
) -> CachedModel:
    """A causal language model whose state is its cache: `cached:NAME_OR_FOLDER`, a recurrent one or any other.

    It is read 512 tokens at a time, or `segment_length`. It takes the likeliest choice (`mode=choice`), or says what
    it likes (`mode=generate`); `answer_prefix`, `answer_space`, `per_token` and `max_new_tokens` say how. `max_tokens`
    overrules the length that the configuration leaves; 0 lifts it. `dtype` (bfloat16 ...) and `attn_implementation` are
    the hub's own.
    """
    answering = Answering(mode, answer_prefix, answer_space, per_token, max_new_tokens)
    made_of = load_backbone("cached", name, tokenizer, dtype, attn_implementation)
    return CachedModel(*made_of, segment_length, max_tokens, answering).eval()
