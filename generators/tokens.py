"""Sentences as tokens that can be joined: tokenise once, splice ever after. Knows nothing of models or facts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.errors import UserError, one_line

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

#: The tokenizer that ships: byte-level BPE, trained by scripts/train_tokenizer.py.
EMBEDDED = Path(__file__).parent / "data" / "tokenizer.json"
_PROBES = ("Where is the river?", '"No," she said.', "It rained; nobody came.", "I went home!")


def load_tokenizer(name: str | None = None) -> PreTrainedTokenizerBase:
    """A fast tokenizer: the embedded one, or any that `AutoTokenizer` finds under a hub name or in a folder.

    Raises `UserError` when it cannot be loaded, or is not a fast one (this project needs its exact, batched calls).
    """
    if name in (None, "", "embedded"):
        return _embedded()
    assert name is not None
    from transformers import AutoTokenizer

    if not Path(name).is_dir() and (Path(name).exists() or name.startswith(("/", ".", "~")) or name.count("/") > 1):
        raise UserError(f"no such folder: {name!r}; a tokenizer is a folder with its files, or a hub name")
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
    except Exception as error:
        files = "tokenizer.json, or its vocabulary and tokenizer_config.json"
        needs = files if Path(name).is_dir() else "the hub in reach, or to be a folder"
        why = one_line(error).rstrip(":")
        raise UserError(f"no tokenizer could be loaded from {name!r}: it needs {needs} ({why})") from error
    if not getattr(tokenizer, "is_fast", False):
        raise UserError(f"the tokenizer {name!r} has no fast version; choose one that has a tokenizer.json")
    return tokenizer


@lru_cache(maxsize=1)
def _embedded() -> PreTrainedTokenizerBase:
    from transformers import PreTrainedTokenizerFast

    special = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(EMBEDDED), **special)
    tokenizer.name_or_path = "embedded"
    return tokenizer


class Encoder:
    """A tokenizer that turns sentences into tokens as they stand inside a text.

    `encode(["One.", "Two."])` joined gives the tokens of `" One. Two."`: the space between sentences belongs to the
    one that follows, where the tokenizer marks it at all. That this holds is tried on a few sentences at the start,
    and on the filler when an index is built. `marks_space` tells whether a text's first sentence, which has no space
    before it, has other tokens than `encode` gives; `text` gives those.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase):
        self.tokenizer = tokenizer
        self._backend = _own_copy(tokenizer)
        self.short = lru_cache(maxsize=100_000)(self._short)
        self._lead = self._find_lead()

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs to encode; the tokenizer itself, slow to load, stays here."""
        kept = {name: getattr(self, name) for name in ("name", "fingerprint", "unknown", "dtype", "_lead")}
        return {**kept, "_backend": self._backend.to_str()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        from tokenizers import Tokenizer

        self.__dict__.update(state, _backend=Tokenizer.from_str(state["_backend"]))
        self.short = lru_cache(maxsize=100_000)(self._short)

    @cached_property
    def name(self) -> str:
        """The name it was loaded by; of a folder, its own name and not where it lies."""
        name = str(self.tokenizer.name_or_path)
        return Path(name).resolve().name if name and Path(name).exists() else name

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the whole tokenizer: vocabulary, merges and rules. Two with the same one give the same tokens."""
        return hashlib.sha256(self._backend.to_str().encode()).hexdigest()

    @property
    def marks_space(self) -> bool:
        """Whether a sentence's tokens hold the space before it."""
        return bool(self._lead)

    @cached_property
    def unknown(self) -> int | None:
        """The token for what the tokenizer cannot write, if it has one."""
        token = self.tokenizer.unk_token_id
        return token if isinstance(token, int) else None

    @cached_property
    def dtype(self) -> np.dtype:
        """The smallest unsigned integer type that holds every token."""
        return np.dtype(np.uint16 if len(self.tokenizer) <= 2**16 else np.uint32)

    def encode(self, sentences: Sequence[str]) -> list[list[int]]:
        """The tokens of each sentence as it stands after another one; no special tokens."""
        encoded = self._backend.encode_batch_fast([self._lead + text for text in sentences], add_special_tokens=False)
        return [encoding.ids for encoding in encoded]

    def text(self, text: str) -> np.ndarray:
        """The tokens of a whole text, as a model's own tokenizer would read it; no special tokens."""
        return np.asarray(self._backend.encode(text, add_special_tokens=False).ids, dtype=self.dtype)

    def encodings(self, texts: Sequence[str]) -> list[Any]:
        """Whole texts as `tokenizers.Encoding`s, by all cores: their tokens, and which characters each stands for."""
        return self._backend.encode_batch(list(texts), add_special_tokens=False)

    def _short(self, sentence: str) -> np.ndarray:
        """The tokens of a fact or a question, remembered. Raises `UserError` when one is the unknown token."""
        tokens = np.asarray(self.encode([sentence])[0], dtype=self.dtype)
        if self.unknown is not None and self.unknown in tokens:
            raise UserError(
                f"the tokenizer {self.name!r} cannot write {sentence!r} (it gives the unknown token); "
                "choose another, or check that its folder is complete"
            )
        return tokens

    def _find_lead(self) -> str:
        def ids(text: str) -> list[int]:
            return self._backend.encode(text, add_special_tokens=False).ids

        for lead in ("", " "):
            if all(ids(f"{a} {b}") == ids(a) + ids(lead + b) for a in _PROBES for b in _PROBES):
                return lead
        raise UserError(
            f"the tokenizer {self.name!r} merges across the space between sentences, so texts cannot be spliced; "
            "choose another"
        )


def _own_copy(tokenizer: PreTrainedTokenizerBase) -> Any:
    """The tokenizer's backend without truncation and padding, whatever its owner sets there."""
    from tokenizers import Tokenizer

    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise UserError(f"the tokenizer {tokenizer.name_or_path!r} is not a fast one; load it with AutoTokenizer")
    copy = Tokenizer.from_str(backend.to_str())
    copy.no_truncation()
    copy.no_padding()
    return copy
