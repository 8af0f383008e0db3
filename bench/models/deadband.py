"""The deadband: a memory token keeps its old value unless a segment changes it by more than a threshold.

    before       after reading       kept, threshold 0.45
    m1           m1 + 0.1            m1            the root mean square of the change is below it
    m2           m2 + 0.9            m2 + 0.9

It is no part of RMT, but a change to it, and to any other model with a state of tensors; it has no parameters. What
drifts a little in every segment without a fact is held; what a fact writes goes through. The option `memory_deadband`
gives it to every model, in training as in evaluation: `--model-arg memory_deadband=0.45`.

A token is a row along the last dimension of any floating-point tensor of the state: a memory token of an RMT, the
hidden vector of a layer of a GRU, one row of the associative matrix of an ARMT or of the state of a Mamba-2.
"""

from __future__ import annotations

import copy
from typing import Any

import torch

from ...base.errors import UserError
from ..states import clone_state, tensors


def with_deadband(model: Any, threshold: float) -> Any:
    """`model` with a deadband on its state; 0 takes one off again. Its weights and their names stay as they are.

    Raises `UserError` when the threshold is no number from 0 on, or the model limits its back-propagation in time (its
    `bptt_depth` counts segments by the graph between them, to which a deadband adds).
    """
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not threshold >= 0:
        raise UserError(f"memory_deadband is a number from 0 on, such as 0.45, not {threshold!r}")
    if threshold and getattr(model, "bptt_depth", None) is not None:
        raise UserError("memory_deadband and bptt_depth do not go together: leave one of them out")
    if not hasattr(model, "memory_deadband"):
        model.__class__ = _held(type(model))
    model.memory_deadband = float(threshold)
    return model


def hold(before: Any, after: Any, threshold: float) -> Any:
    """The state `after`, in which every row that changed by less than `threshold` is as it was `before`.

    The change is the root mean square over the row. Gradients go to what is taken, old or new. Raises `UserError` when
    the states are not of one make, such as a cache that grows.
    """
    if isinstance(after, torch.Tensor):
        return _hold_rows(before, after, threshold)
    if isinstance(after, list | tuple):
        if not isinstance(before, list | tuple) or len(before) != len(after):
            raise _changing()
        held = [hold(old, new, threshold) for old, new in zip(before, after, strict=True)]
        return type(after)(*held) if hasattr(after, "_fields") else type(after)(held)
    if isinstance(after, dict):
        if not isinstance(before, dict) or before.keys() != after.keys():
            raise _changing()
        return {key: hold(before[key], new, threshold) for key, new in after.items()}
    if hasattr(after, "__dict__") and not isinstance(after, torch.nn.Module | type) and not callable(after):
        if type(before) is not type(after):
            raise _changing()
        made = copy.copy(after)
        vars(made).update(hold(vars(before), vars(after), threshold))  # a frozen dataclass, too
        return made
    return after


def _hold_rows(before: Any, after: torch.Tensor, threshold: float) -> torch.Tensor:
    if not _has_rows(after):
        return after
    if not isinstance(before, torch.Tensor) or before.shape != after.shape:
        raise _changing()
    change = (after.detach() - before.detach()).square().mean(-1, keepdim=True).sqrt()
    return torch.where(change < threshold, before.to(after.dtype), after)


def _has_rows(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() and tensor.ndim > 1


def _changing() -> UserError:
    return UserError(
        "memory_deadband takes a model whose state has tensors of the same shapes after every segment; this one's "
        "state grows or changes: leave the option out"
    )


def _held(kind: type) -> type:
    """The class `kind` with a deadband after every segment."""

    class Held(kind):  # type: ignore[valid-type,misc]
        """The same model; see bench/models/deadband.py."""

        memory_deadband: float

        def read(self, state: Any, segment: torch.Tensor) -> Any:
            """The state after one more segment, of which only large changes are taken."""
            if not self.memory_deadband:
                return super().read(state, segment)
            before = state if isinstance(state, torch.Tensor) else clone_state(state)  # a cache may be changed in place
            after = super().read(state, segment)
            if not any(map(_has_rows, tensors(after))):
                raise UserError(
                    "memory_deadband takes a model whose state has rows of floating-point numbers; this one's has "
                    "none: leave the option out"
                )
            return hold(before, after, self.memory_deadband)

    if hasattr(kind, "read_many"):

        def read_many(self: Any, state: Any, segments: torch.Tensor) -> Any:
            """The state after several segments, read one by one, since the deadband comes after each."""
            if not self.memory_deadband:
                return super(Held, self).read_many(state, segments)
            for segment in segments.unbind(1):
                state = self.read(state, segment)
            return state

        Held.read_many = read_many  # type: ignore[attr-defined]
    if hasattr(kind, "rebuild"):

        def rebuild(self: Any) -> tuple[str, dict[str, Any]]:
            """The name and options that make this model again, without its weights: what a checkpoint stores."""
            name, options = super(Held, self).rebuild()
            return name, {**options, "memory_deadband": self.memory_deadband}

        Held.rebuild = rebuild  # type: ignore[attr-defined]
    Held.__name__, Held.__qualname__ = kind.__name__, kind.__qualname__
    return Held
