"""A causal language model of Hugging Face and what it keeps of a text, whatever that is called and wherever it is kept.

    argument   cache, past_key_values, cache_params or state, as the release names it
    kept       in an object that goes in and comes out; RecurrentGemma keeps a part in attributes of its layers

Knows tokens and caches; nothing of segments, choices or documents.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from ...base.errors import UserError
from ..states import clone_state, join_rows, select_rows, tensors

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: What releases call the cache that a model takes and gives back.
_ARGUMENTS = ("cache", "past_key_values", "cache_params", "state")


@dataclass
class Kept:
    """What a model has kept of the `seen` tokens that it read: its cache, and what its layers hold beside it.

    `waiting` are tokens that it was given and has not read yet, int64 [batch, n].
    """

    cache: Any = None
    held: dict[str, torch.Tensor] = field(default_factory=dict)
    seen: int = 0
    waiting: torch.Tensor | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no token was given yet."""
        return not self.seen and self.waiting is None

    def copy(self) -> Kept:
        """A copy that may be read into."""
        return clone_state(self)

    def rows(self, rows: Sequence[int]) -> Kept:
        """The same for some rows of the batch, as a copy."""
        return select_rows(self, rows)


@dataclass(frozen=True)
class Growth:
    """Whether what is kept grows without end; and if not, after how many tokens (a window) it has its full size."""

    endless: bool
    flat_after: int = 0


class Causal:
    """A causal language model that is called with what it has kept so far. Raises `UserError` when it keeps nothing."""

    def __init__(self, module: PreTrainedModel):
        self.module = module
        self.config = module.config.get_text_config(decoder=True)
        takes = inspect.signature(module.forward).parameters
        names = [name for name in _ARGUMENTS if name in takes]
        if not names:
            raise UserError(f"{type(module).__name__} takes no cache ({', '.join(_ARGUMENTS)}), so it cannot read on")
        self._argument = names[0]
        self._takes_positions = "position_ids" in takes
        self._takes_keep = "logits_to_keep" in takes

    def read(
        self, kept: Kept, tokens: torch.Tensor, keep: int | torch.Tensor = 1, at: int | None = None
    ) -> tuple[torch.Tensor, Kept]:
        """Read int64 [batch, n] in one call: logits [batch, k, vocabulary], and what is kept.

        The logits are those at the last `keep` tokens, or at the places `keep` says, int64 [k]. The tokens stand behind
        those seen, or from place `at` on. `kept` is used up: what comes back shares its memory.
        """
        cache = kept.cache if kept.seen else self._fresh
        self._put(kept.held)
        given = {self._argument: cache, **self._positions(kept.seen if at is None else at, tokens)}
        logits, out = self._call(tokens, keep, use_cache=True, **given)
        cache = getattr(out, self._argument, None) if self._gives_back else cache
        return logits, Kept(cache, self._take(), kept.seen + tokens.shape[1])

    def read_alone(self, kept: Kept, tokens: torch.Tensor, keep: int | torch.Tensor = 1) -> tuple[torch.Tensor, Kept]:
        """The same, row by row."""
        alone = [self.read(kept.rows([row]), tokens[row : row + 1], keep) for row in range(len(tokens))]
        logits, states = zip(*alone, strict=True)
        return torch.cat(logits), join_rows(states)

    def whole(self, tokens: torch.Tensor, keep: int | torch.Tensor = 1) -> torch.Tensor:
        """The same logits of a text that is read at once, without any cache."""
        self._put({})
        return self._call(tokens, keep, use_cache=False)[0]

    @cached_property
    def growth(self) -> Growth:
        """How the state grows with the text, found by reading a few tokens."""
        with torch.inference_mode():
            _, kept = self.read(Kept(), self._probe(2))
            early = sum(tensor.numel() for tensor in tensors(kept))
            _, kept = self.read(kept, self._probe(2))
        if sum(tensor.numel() for tensor in tensors(kept)) == early:
            return Growth(False)
        layers = [layer for layer in getattr(kept.cache, "layers", [None]) if _holds_keys(layer)]
        windows = [layer.sliding_window for layer in layers if getattr(layer, "is_sliding", False)]
        return Growth(False, max(windows)) if windows and len(windows) == len(layers) else Growth(True)

    @cached_property
    def _learned(self) -> tuple[bool, dict[str, tuple[torch.nn.Module, str]]]:
        """Whether the model gives its cache back, and where it holds more than that: found by reading two tokens."""
        before = self._attributes()
        with torch.inference_mode():
            _, out = self._call(self._probe(2), 1, use_cache=True)
        holders = {name: place for name, place in self._attributes().items() if name not in before}
        return getattr(out, self._argument, None) is not None, holders

    @property
    def _gives_back(self) -> bool:
        return self._learned[0]

    @property
    def _fresh(self) -> Any:
        """What a model that begins is given: nothing, so that it makes its own cache, if only it gives that back."""
        if self._gives_back:
            return None
        from transformers import DynamicCache

        cache = DynamicCache(config=self.module.config)
        if not cache.layers:
            raise UserError(f"{type(self.module).__name__} gives no cache back, so it cannot read on")
        return cache

    def _attributes(self) -> dict[str, tuple[torch.nn.Module, str]]:
        """Where modules have a tensor that is neither parameter nor buffer, by its dotted name."""
        return {
            f"{path}.{name}": (module, name)
            for path, module in self.module.named_modules()
            for name, value in vars(module).items()
            if isinstance(value, torch.Tensor)
        }

    def _put(self, held: dict[str, torch.Tensor]) -> None:
        for name, (module, attribute) in self._learned[1].items():
            setattr(module, attribute, held.get(name))

    def _take(self) -> dict[str, torch.Tensor]:
        return {name: getattr(module, attribute) for name, (module, attribute) in self._learned[1].items()}

    def _call(self, tokens: torch.Tensor, keep: int | torch.Tensor, **given: Any) -> tuple[torch.Tensor, Any]:
        """The logits that are wanted, and all that the model gives."""
        if self._takes_keep:
            given["logits_to_keep"] = keep
        out = self.module(input_ids=tokens, **given)
        if self._takes_keep:
            return out.logits, out
        return out.logits[:, -keep:] if isinstance(keep, int) else out.logits[:, keep], out

    def _positions(self, first: int, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
        """Where the tokens stand: told, because some models (Bamba in 5.24) count each call from 0 otherwise."""
        if not self._takes_positions:
            return {}
        return {"position_ids": torch.arange(first, first + tokens.shape[1], device=tokens.device)[None]}

    def _probe(self, count: int) -> torch.Tensor:
        return torch.zeros((1, count), dtype=torch.int64, device=self.module.device)


def _holds_keys(layer: Any) -> bool:
    keys = getattr(layer, "keys", None)
    return layer is None or (isinstance(keys, torch.Tensor) and keys.numel() > 0)
