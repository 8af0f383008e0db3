"""What can be done with a state without knowing what it is: copy it, take some of its rows. For writers of plugins.

    state = clone_state(state)          a copy: whatever is read into it, the first one stays as it is
    state = select_rows(state, [2, 0])  the state of rows 2 and 0 of the batch
    state = join_rows([one, another])   both side by side

A state may be a tensor, or tensors inside lists, tuples, dicts and objects with attributes, such as the caches of
`transformers`. Gradients flow through all of these. How a state is taken apart is told by state_parts.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from .state_parts import fork as clone_state
from .state_parts import take_apart

__all__ = ["clone_state", "join_rows", "select_rows", "tensors"]


def tensors(state: Any) -> list[torch.Tensor]:
    """Every tensor in a state, in the same order for states of one make."""
    return take_apart(state, sharing=True).tensors


def select_rows(state: Any, rows: Sequence[int]) -> Any:
    """A copy of `state` for some rows of its batch, in the order given; a row may be given twice.

    Rows are the first dimension of every tensor with two dimensions or more; smaller tensors (a counter, a length) are
    of the whole batch. Raises `ValueError` when the tensors disagree about how many rows there are.
    """
    sizes = {len(tensor) for tensor in tensors(state) if tensor.ndim > 1}
    if len(sizes) > 1:
        raise ValueError(f"the tensors of this state have {sorted(sizes)} rows: which of them is the batch?")
    return _changed(state, lambda tensor: tensor.index_select(0, torch.tensor(rows, device=tensor.device)))


def join_rows(states: Sequence[Any]) -> Any:
    """One state for the batch that the rows of several make up, in order: what `select_rows` took apart.

    Tensors of fewer than two dimensions are the first one's. All must be of one make.
    """
    parts = zip(*([tensor for tensor in tensors(state) if tensor.ndim > 1] for state in states), strict=True)
    return _changed(states[0], lambda tensor: torch.cat(next(parts)))


def _changed(state: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """A copy of `state` in which every tensor that has rows is changed, in order."""
    parts = take_apart(state, sharing=True)
    changed = [change(tensor) if tensor.ndim > 1 else tensor.clone() for tensor in parts.tensors]
    return replace(parts, tensors=changed).together()
