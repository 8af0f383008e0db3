"""Which of some answers a language model finds likeliest after a prompt. Knows tokens and logits; nothing of models.

    prompt          choice         what is summed
    Where is Mary?  office         log p(office | prompt)
                    living room    log p(living | prompt) + log p(room | prompt living)

A model gives the logits after its prompts, and a function that continues them; see `choice_log_likelihoods`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch

from ...base.errors import UserError
from ...generators.tokens import Encoder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

#: continued(rows, tokens): logits [k, n, vocabulary] after each of `tokens`, int64 [k, n], read behind the prompts of
#: `rows`, int64 [k]. Shorter continuations are padded on the right, with a token of their own; what a causal model
#: says there is not looked at.
Continued = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class AnswerTokens:
    """How an answer is written behind a prompt: [prompt] [prefix] [answer].

    `prefix` is text that opens every answer ("Answer:"; "" for none). With `space` an answer is a word of the sentence
    before it, and its tokens hold the space in front; without it stands alone.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, prefix: str = "", space: bool = True):
        self._encoder = Encoder(tokenizer)
        self.prefix = torch.from_numpy(self._encoder.text(prefix).astype("int64"))
        self._space = space
        self._tokens = lru_cache(maxsize=10_000)(self._encode)

    def rows(self, choices: Sequence[Sequence[str]]) -> list[list[torch.Tensor]]:
        """The tokens of every row's choices: int64 [n] each, n > 0. Raises `UserError` for a choice that has none."""
        return [[self._tokens(choice) for choice in row] for row in choices]

    def _encode(self, choice: str) -> torch.Tensor:
        tokens = self._encoder.short(choice) if self._space else self._encoder.text(choice)
        if not len(tokens):
            raise UserError(f"the choice {choice!r} has no token, so it has no likelihood: ask for free text instead")
        return torch.from_numpy(tokens.astype("int64"))


def choice_log_likelihoods(
    first: torch.Tensor,
    continued: Continued,
    choices: Sequence[Sequence[torch.Tensor]],
    per_token: bool = False,
) -> torch.Tensor:
    """The log-likelihood of every row's choices: [batch, most choices], -inf where a row has fewer.

    `first` holds the logits [batch, vocabulary] right after each prompt; `choices` the tokens of each row's choices.
    Where every choice is a single token, that is all it takes; `continued` is asked about longer ones, as many at a
    time as there are prompts. `per_token` gives the mean over a choice's tokens instead of their sum.
    """
    rated = _rated(first, continued, choices)
    total = rated.totals
    if per_token:
        total = total / torch.tensor([len(one) for row in choices for one in row], device=first.device)
    scores = total.new_full((len(first), max(map(len, choices), default=0)), -torch.inf)
    return scores.index_put((rated.rows, rated.columns), total)


def text_log_likelihoods(
    first: torch.Tensor, continued: Continued, texts: Sequence[Sequence[torch.Tensor]]
) -> list[list[tuple[float, bool]]]:
    """For each text of each row its log-likelihood, and whether each of its tokens is the likeliest at its place.

    `first`, `continued` and `texts` are as in `choice_log_likelihoods`.
    """
    rated = _rated(first, continued, texts)
    pairs = iter(zip(rated.totals.tolist(), rated.greedy.tolist(), strict=True))
    return [[next(pairs) for _ in row] for row in texts]


@dataclass(frozen=True)
class _Rated:
    """One entry for each text, row by row: its place (row, column), its log-likelihood, whether it is the likeliest."""

    rows: torch.Tensor
    columns: torch.Tensor
    totals: torch.Tensor
    greedy: torch.Tensor


def _rated(first: torch.Tensor, continued: Continued, texts: Sequence[Sequence[torch.Tensor]]) -> _Rated:
    device = first.device
    places = [(row, column) for row, mine in enumerate(texts) for column in range(len(mine))]
    tokens = [texts[row][column].to(device) for row, column in places]
    rows, columns = torch.tensor(places, dtype=torch.int64, device=device).view(-1, 2).unbind(1)
    heads = torch.stack([one[0] for one in tokens]) if tokens else rows
    total, greedy = _log_softmax(first)[rows, heads], first.argmax(-1)[rows] == heads
    longer = [index for index, one in enumerate(tokens) if len(one) > 1]
    for start in range(0, len(longer), len(first)):
        part = torch.tensor(longer[start : start + len(first)], device=device)
        more, still = _rest(continued, rows[part], [tokens[index] for index in part.tolist()])
        total = total.index_add(0, part, more)
        greedy = greedy.index_put((part,), greedy[part] & still)
    return _Rated(rows, columns, total, greedy)


def _rest(
    continued: Continued, rows: torch.Tensor, tokens: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Of all tokens but the first, each given what stands before it: the log-likelihood [k], and whether each is the
    likeliest [k].
    """
    given = [one[:-1] for one in tokens]
    longest = max(map(len, given))
    padded = torch.stack([torch.cat([one, one[-1:].expand(longest - len(one))]) for one in given])
    wanted = torch.nn.utils.rnn.pad_sequence([one[1:] for one in tokens], batch_first=True)
    is_token = torch.arange(longest, device=rows.device) < torch.tensor(
        [[len(one)] for one in given], device=rows.device
    )
    logits = continued(rows, padded)
    likelihoods = _log_softmax(logits).gather(-1, wanted[..., None])[..., 0]
    greedy = (logits.argmax(-1) == wanted) | ~is_token
    return likelihoods.masked_fill(~is_token, 0).sum(1), greedy.all(1)


def _log_softmax(logits: torch.Tensor) -> torch.Tensor:
    """In single precision at least: half precision cannot tell near choices apart."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(-1)
