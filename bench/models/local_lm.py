"""Texts in, texts out, by a causal language model on this machine; what `Endpoint` is for one behind a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch

from ...base.errors import UserError
from ...generators.tokens import load_tokenizer
from ..model import Factory, Reply, refuse_unknown_options
from .backbone import Source, load_config, positions
from .endpoint import Endpoint
from .generating import end_tokens, until_end
from .thinking import spoken


class LanguageModel(Protocol):
    """Says something to each of some texts. `identity` is what its answers depend on, as plain values."""

    identity: dict[str, Any]

    def ask(self, texts: Sequence[str], max_tokens: int, *, least: Sequence[int] | None = None) -> list[Reply]:
        """What it says to each text, in at most `max_tokens` tokens; see `Endpoint.ask`."""
        ...


class LocalModel(torch.nn.Module):
    """A causal language model from a hub name or a folder, that says what is likeliest (no sampling).

    Where its tokenizer has a chat template, a text is put to it as a user's message. `thinking_tokens` are granted on
    top of an answer's own. Raises `UserError` when it cannot be loaded.
    """

    def __init__(
        self,
        name: str,
        *,
        dtype: str | None = None,
        attn_implementation: str | None = None,
        thinking_tokens: int = 0,
    ):
        super().__init__()
        if thinking_tokens < 0:
            raise UserError(f"thinking_tokens are 0 or more, not {thinking_tokens}")
        self.tokenizer = load_tokenizer(name)
        source = Source(load_config(name), self.tokenizer, name=name)
        self.model: Any = source.backbone("language model", dtype=dtype, attn_implementation=attn_implementation).eval()
        self.identity = {"thinking_tokens": thinking_tokens}
        self._thinking = thinking_tokens

    def ask(self, texts: Sequence[str], max_tokens: int, *, least: Sequence[int] | None = None) -> list[Reply]:
        """What it says to each text; one that has no place in its positions, answer included, is `skipped`."""
        budget = max_tokens + self._thinking
        prompts = [self._prompt(text) for text in texts]
        room = positions(self.model)
        fitting = [row for row, prompt in enumerate(prompts) if room is None or len(prompt) + budget <= room]
        said = dict(zip(fitting, self._continue([prompts[row] for row in fitting], budget), strict=True))
        return [said.get(row) or self._too_long(prompt, budget, room) for row, prompt in enumerate(prompts)]

    def _prompt(self, text: str) -> list[int]:
        if not getattr(self.tokenizer, "chat_template", None):
            return self.tokenizer.encode(text)
        message = [{"role": "user", "content": text}]
        templated = self.tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
        return self.tokenizer.encode(str(templated), add_special_tokens=False)

    def _continue(self, prompts: Sequence[list[int]], budget: int) -> list[Reply]:
        if not prompts:
            return []
        width = max(map(len, prompts))
        padding = self.tokenizer.pad_token_id or 0
        tokens = torch.tensor([[padding] * (width - len(prompt)) + prompt for prompt in prompts])
        mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        device, ends = self.model.device, end_tokens(self.model, self.tokenizer)
        made = self.model.generate(
            input_ids=tokens.to(device),
            attention_mask=mask.to(device),
            max_new_tokens=budget,
            do_sample=False,
            num_beams=1,
            pad_token_id=padding,
            eos_token_id=ends or None,
            temperature=None,
            top_p=None,
            top_k=None,
        )
        return [self._reply(row[width:].tolist(), ends, budget) for row in made]

    def _reply(self, tokens: list[int], ends: list[int], budget: int) -> Reply:
        """A reply; it was cut if the model did not end it. What stands behind the end is padding, be it a word."""
        kept, ended = until_end(tokens, ends)
        text = str(self.tokenizer.decode(kept, skip_special_tokens=True))
        said = spoken(text, "", "stop" if ended else "length", budget, self._thinking > 0)
        return Reply(said.text, "answered", said.note)

    def _too_long(self, prompt: list[int], budget: int, room: int | None) -> Reply:
        return Reply("", "skipped", f"prompt and answer have {len(prompt) + budget:,} tokens, the model takes {room:,}")


def load_lm(name: str, options: Mapping[str, Any], spec: str, asking: Factory) -> Endpoint | LocalModel:
    """The language model that `name` names: `server:MODEL_NAME`, or a hub name or folder of one to be run here.

    `spec` and its factory `asking` are what asks for it, for errors. Raises `UserError` for options that neither takes.
    """
    if not name:
        raise UserError(f"which language model? write {spec}server:MODEL_NAME, or {spec}FOLDER for one to be run here")
    kind, _, rest = name.partition(":")
    factory = Endpoint if kind == "server" else LocalModel
    refuse_unknown_options(f"{spec}{name}", options, asking, factory)
    return factory(rest if kind == "server" else name, **options)
