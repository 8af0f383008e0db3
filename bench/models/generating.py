"""What a language model generated: where it ends, and what it says. Knows tokens; nothing of states or documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..model import Reply

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def end_tokens(backbone: Any, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The tokens that end a text: those the model is generated with, else its configuration's, else the tokenizer's.

    There may be none.
    """
    stated = (
        getattr(getattr(backbone, "generation_config", None), "eos_token_id", None),
        getattr(backbone.config.get_text_config(decoder=True), "eos_token_id", None),
        tokenizer.eos_token_id,
    )
    found: Any = next((tokens for tokens in stated if tokens is not None), [])
    return [int(token) for token in (found if isinstance(found, list) else [found])]


def until_end(tokens: Sequence[int], ends: Sequence[int]) -> tuple[list[int], bool]:
    """The tokens before the first of `ends`, and whether there is one. What stands behind it is padding."""
    stop = next((at for at, token in enumerate(tokens) if token in ends), None)
    return list(tokens[:stop]), stop is not None


def as_reply(tokenizer: PreTrainedTokenizerBase, tokens: Sequence[int], ends: Sequence[int]) -> Reply:
    """A generated answer; its reason says where it was cut, if it did not end."""
    kept, ended = until_end(tokens, ends)
    text = tokenizer.decode(kept, skip_special_tokens=True)
    return Reply(str(text).strip(), reason="" if ended else f"cut after {len(kept)} tokens")
