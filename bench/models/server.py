"""A model behind a server: any OpenAI-compatible chat or completion endpoint, asked about the whole text at once.

rmt-bench eval server:MODEL_NAME --model-arg base_url=http://localhost:8000/v1 --tasks qa1 --lengths 0,4k,32k
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from ...base.errors import UserError
from ..model import Reply, model, refuse_unknown_options
from .endpoint import Endpoint
from .kept_text import SEGMENT, KeepsText
from .prompting import load_prompt
from .thinking import first_line

#: The share of its tokens that a text surely has under any other tokenizer, and under the server's own.
_SURELY, _SURELY_OWN = 0.3, 0.9


@model("server")
class Server(KeepsText):
    """An OpenAI-compatible server (vLLM, llama.cpp, hosted): `server:MODEL_NAME`, with `base_url=http://HOST:PORT/v1`.

    Its state is the text, so it grows. `prompt` is `babilong` (instruction, examples, context, question, form of the
    answer), `bare`, or the path of a Jinja template that is filled with `context`, `question` and `choices`.
    `answer_tokens` is how long an answer may be; with `one_line` it ends with its first line (None: where the server
    completes texts, and base models go on for ever). `max_tokens`, else what the server's list of models says, is how
    long a text it takes, answer and thinking counted in; a longer one is skipped, as is one that the server refuses as
    too long. Tokens are counted with `tokenizer`, which should be the model's own: the embedded one only comes near.
    The remaining options are those of `Endpoint`: api, thinking_tokens, temperature, seed, concurrency, retries,
    timeout. The harness never has more requests open than its batch size.
    """

    incidental = Endpoint.INCIDENTAL

    def __init__(
        self,
        name: str = "",
        prompt: str = "babilong",
        *,
        answer_tokens: int = 64,
        one_line: bool | None = None,
        max_tokens: int | None = None,
        tokenizer: str | None = None,
        segment_length: int = SEGMENT,
        **endpoint: Any,
    ):
        refuse_unknown_options(f"server:{name}", endpoint, Server, Endpoint)
        if answer_tokens < 1:
            raise UserError(f"answer_tokens is a number from 1 on, not {answer_tokens}")
        super().__init__(segment_length, tokenizer)
        self._prompt = load_prompt(prompt, ("context", "question"), ("context", "question"), {"choices": ()})
        self._endpoint = Endpoint(name, **endpoint)
        self._answer_tokens = answer_tokens
        self._one_line = self._endpoint.identity["api"] == "completion" if one_line is None else one_line
        self._surely = _SURELY if tokenizer is None else _SURELY_OWN
        limit = max_tokens or self._endpoint.max_tokens
        spent = answer_tokens + self._endpoint.identity["thinking_tokens"]
        self.max_tokens = max(limit - spent - self._overhead(), 0) if limit else None
        self.identity = {
            **self._endpoint.identity,
            "prompt": self._prompt.identity,
            "answer_tokens": answer_tokens,
            "one_line": self._one_line,
        }
        self.about = {"base_url": self._endpoint.base_url, "listed_max_tokens": self._endpoint.max_tokens}

    def answer(self, state: Any, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]) -> list[Reply]:
        """What the server says to each row's prompt; what fails is the reply of its row alone."""
        rows = self.tokens(state, prompts)
        texts = [
            self._prompt.fill(context=context, question=question, choices=tuple(row))
            for (context, question), row in zip(self.texts(state, prompts), choices, strict=True)
        ]
        least = [int(len(row) * self._surely) for row in rows]
        replies = self._endpoint.ask(texts, self._answer_tokens, least=least)
        return [only_first_line(reply) for reply in replies] if self._one_line else replies

    def _overhead(self) -> int:
        """Tokens of the prompt around context and question."""
        around = self._prompt.fill(context="", question="Where is Mary?", choices=())
        return len(self.tokenizer.encode(around, add_special_tokens=False))


def only_first_line(reply: Reply) -> Reply:
    """A reply that ends with its first line."""
    text, note = first_line(reply.text, reply.reason)
    return replace(reply, text=text, reason=note)
