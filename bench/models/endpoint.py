"""Texts in, texts out, by a server that speaks the OpenAI protocol: many at once, tried again, every failure named.

Whatever goes wrong with one text is the reply to that text, and touches no other. Knows nothing of samples or states.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING, Any, Literal, get_args

from ...base.errors import UserError, did_you_mean, one_line
from ..model import Reply
from .thinking import Spoken, spoken

if TYPE_CHECKING:
    import openai

Api = Literal["chat", "completion"]
#: Where servers say, in their list of models, how many tokens one takes.
_LIMITS = ("max_model_len", "context_length", "context_window", "max_context_length", "n_ctx", "n_ctx_train")
#: How long a list of models is waited for: a server that is there has it at hand.
_LISTING_SECONDS = 30.0
_TOO_LONG = re.compile(
    r"context.?(length|window|size)|maximum (context|prompt|input)|(prompt|input|request).{0,40} too (long|large)"
    r"|too many (input )?tokens",
    re.IGNORECASE | re.DOTALL,
)
#: What is written where the key stood, should a server send it back.
_KEY = "[key]"


class MalformedReplyError(Exception):
    """A server answered with something that is no reply: HTML, half a JSON, no choice in it."""


class Endpoint:
    """One model on one server.

    `base_url` (or `OPENAI_BASE_URL`) is where it is, up to and with `/v1`; the key is `OPENAI_API_KEY`, and nowhere
    else: it stands in no attribute that is written down, and is struck out of whatever the server sends. `api` is
    `chat` or `completion`. `thinking_tokens` are granted on top of an answer's own to a model that reasons first.
    `temperature` and `seed` are sent as they are; None leaves one out, for servers that refuse it. At most
    `concurrency` requests are open at a time. A request that finds no server, is turned away (408, 409, 429, 5xx),
    takes longer than `timeout` seconds, or brings a malformed reply is tried `retries` times more, each time later, or
    when `Retry-After` says, if that is within a minute. Raises `UserError` for wrong options, or when nobody answers.
    """

    #: Options that say how to get an answer, and do not change it: a run may go on with others.
    INCIDENTAL = ("base_url", "concurrency", "retries", "timeout")

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api: Api = "chat",
        thinking_tokens: int = 0,
        temperature: float | None = 0.0,
        seed: int | None = 0,
        concurrency: int = 8,
        retries: int = 5,
        timeout: float = 600.0,
    ):
        _refuse_wrong(name, api, thinking_tokens, concurrency, retries, timeout)
        self.name = name
        self.base_url = _address(base_url)
        self.identity = {"api": api, "thinking_tokens": thinking_tokens, "temperature": temperature, "seed": seed}
        self._api = api
        self._thinking = thinking_tokens
        sampling = {"temperature": temperature, "seed": seed}
        self._sampling: dict[str, Any] = {name: value for name, value in sampling.items() if value is not None}
        self._concurrency = concurrency
        self._retries = retries
        self._client = _client(self.base_url, retries, timeout)
        self.max_tokens = self._listed_limit(min(timeout, _LISTING_SECONDS))

    def ask(self, texts: Sequence[str], max_tokens: int, *, least: Sequence[int] | None = None) -> list[Reply]:
        """What the model says to each text, in order, in at most `max_tokens` tokens besides its thinking.

        A reply that was cut, or is empty, says so in its `reason`. A text that is too long for the model is `skipped`;
        so is one of which the server says that it read fewer tokens than `least`: such a server cuts what is too long
        and does not tell. Raises `UserError` when the server refuses the key or does not have the model.
        """
        least = least or [0] * len(texts)
        if not texts:
            return []
        asked = [(text, max_tokens, fewest) for text, fewest in zip(texts, least, strict=True)]
        with ThreadPool(min(self._concurrency, len(asked))) as pool:  # its threads are not waited for at Ctrl-C
            return pool.starmap(self._reply, asked, chunksize=1)

    def _reply(self, text: str, max_tokens: int, least: int) -> Reply:
        import openai

        try:
            said, read = self._said(text, max_tokens)
        except (openai.AuthenticationError, openai.NotFoundError) as error:
            raise UserError(f"{self._clean(one_line(error))} ({self._remedy(error)})") from None
        except openai.APIStatusError as error:
            too_long = error.status_code == 413 or (
                error.status_code == 400 and _TOO_LONG.search(f"{error} {error.code}")
            )
            return Reply("", "skipped" if too_long else "error", self._clean(one_line(error)))
        except (openai.APIError, MalformedReplyError) as error:
            unreached = type(error) is openai.APIConnectionError  # it says no more than that; its cause does
            return Reply("", "error", self._clean(one_line(error.__cause__ or error if unreached else error)))
        if read is not None and read < least:
            return Reply("", "skipped", f"the server read {read:,} tokens of at least {least:,}: it cuts long texts")
        if said.filtered:
            return Reply(self._clean(said.text), "skipped", said.note)
        return Reply(self._clean(said.text), "answered", said.note)

    def _said(self, text: str, max_tokens: int) -> tuple[Spoken, int | None]:
        """What came back, and how many tokens the server says it read. A malformed reply is asked for again."""
        for attempt in range(self._retries + 1):
            try:
                return self._once(text, max_tokens)
            except MalformedReplyError:
                if attempt == self._retries:
                    raise
                time.sleep(min(0.5 * 2**attempt, 8.0))
        raise AssertionError("unreachable")

    def _once(self, text: str, max_tokens: int) -> tuple[Spoken, int | None]:
        budget = max_tokens + self._thinking
        try:
            if self._api == "completion":
                made: Any = self._client.completions.create(
                    model=self.name, prompt=text, max_tokens=budget, **self._sampling
                )
            else:
                limit = "max_completion_tokens" if self._thinking else "max_tokens"
                asked: dict[str, Any] = {"messages": [{"role": "user", "content": text}], limit: budget}
                made = self._client.chat.completions.create(model=self.name, **asked, **self._sampling)
        except ValueError as error:  # JSON that ends too early, or is none
            raise MalformedReplyError(f"the reply is no JSON ({one_line(error)})") from error
        return _read_reply(made, budget, self._thinking > 0), _tokens_read(made)

    def _listed_limit(self, timeout: float) -> int | None:
        """How many tokens the server says the model takes; None when it does not say."""
        import openai

        try:
            listed: Any = self._client.with_options(timeout=timeout, max_retries=1).models.list()
            models = list(listed.data)
        except openai.AuthenticationError as error:
            raise UserError(f"{self._clean(one_line(error))} ({self._remedy(error)})") from None
        except openai.APIConnectionError as error:
            why = self._clean(one_line(error.__cause__ or error))
            raise UserError(
                f"no server answers at {self.base_url} ({why}); is it running, and is base_url right?"
            ) from None
        except (openai.APIStatusError, ValueError, AttributeError, TypeError):
            return None  # a list is a courtesy that not every server offers
        entries = (model.model_dump() for model in models if getattr(model, "id", None) == self.name)
        return next((limit for entry in entries if (limit := _limit(entry))), None)

    def _remedy(self, error: openai.APIStatusError) -> str:
        if error.status_code == 401:
            return "set OPENAI_API_KEY to the key of this server"
        return f"is {self.name!r} a model of {self.base_url}? curl {self.base_url}/models lists them"

    def _clean(self, text: str) -> str:
        """A server's words without the key, should it have sent it back."""
        key = os.environ.get("OPENAI_API_KEY", "")
        return text.replace(key, _KEY) if key else text


def _client(base_url: str, retries: int, timeout: float) -> openai.OpenAI:
    try:
        import openai
    except ImportError as error:
        raise UserError("a model behind a server needs the package openai: pip install 'rmt-bench[server]'") from error
    key = os.environ.get("OPENAI_API_KEY") or "none"  # the client wants one; a server without keys does not look
    return openai.OpenAI(base_url=base_url, api_key=key, max_retries=retries, timeout=timeout)


def _address(base_url: str | None) -> str:
    address = (base_url or os.environ.get("OPENAI_BASE_URL", "")).rstrip("/")
    if not address:
        raise UserError("which server? give base_url=http://HOST:PORT/v1, or set OPENAI_BASE_URL")
    if not re.match(r"https?://[^/@?\s]+[^@?\s]*$", address):
        raise UserError(
            "base_url is http://HOST:PORT/v1, without a name, a key or a query in it (the key: OPENAI_API_KEY)"
        )
    return address


def _refuse_wrong(name: str, api: str, thinking: int, concurrency: int, retries: int, timeout: float) -> None:
    if not name:
        raise UserError("which model of the server? write server:MODEL_NAME")
    if api not in get_args(Api):
        raise UserError(f"api is chat or completion, not {api!r}{did_you_mean(str(api), get_args(Api))}")
    if thinking < 0 or retries < 0 or concurrency < 1 or timeout <= 0:
        raise UserError("thinking_tokens and retries are 0 or more, concurrency 1 or more, timeout above 0 seconds")


def _read_reply(made: Any, budget: int, thinks: bool) -> Spoken:
    """The text of a reply. Raises `MalformedReplyError` when there is none in it."""
    choices = getattr(made, "choices", None)
    if not choices:
        raise MalformedReplyError(f"the reply has no choices: {str(made)[:80]!r}")
    choice = choices[0]
    message = getattr(choice, "message", None)
    text = getattr(choice, "text", None) if message is None else message.content
    thought = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None)
    if message is None and text is None:
        raise MalformedReplyError("the reply's choice has neither a message nor a text")
    return spoken(text or "", str(thought or ""), str(choice.finish_reason), budget, thinks)


def _tokens_read(made: Any) -> int | None:
    count = getattr(getattr(made, "usage", None), "prompt_tokens", None)
    return count if isinstance(count, int) and count > 0 else None


def _limit(entry: dict[str, Any]) -> int | None:
    """The limit in one entry of a list of models, at its top or in a part of it (llama.cpp has it in `meta`)."""
    parts = [entry, *(part for part in entry.values() if isinstance(part, dict))]
    found = (part[name] for part in parts for name in _LIMITS if isinstance(part.get(name), int))
    return next((limit for limit in found if limit > 0), None)
