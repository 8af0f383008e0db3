"""States taken apart into tensors and plain values: what a fork and a save are made of. Knows no model and no file.

A state is whatever a model makes it: tensors in lists, tuples, dicts, dataclasses, caches of transformers, one in the
other. It is taken apart into a list of nodes, each of which names earlier ones, so a chain of a million links is no
deeper than a flat list.

    (memory, {"step": 7})    nodes  tensor 0 | "step" | 7 | dict [1, 2] | tuple [0, 3]      tensors  memory
"""

from __future__ import annotations

import copy
import sys
import types
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np
import torch

#: The name of a kind, then the words that say which: plain values, and at the end the numbers of the children.
Node = list[Any]

#: Values that are written as they are.
_PLAIN = (type(None), bool, int, float, str)
_SEQUENCES: dict[str, type] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
_MAPPINGS: dict[str, type] = {"dict": dict, "ordered": OrderedDict}
#: What code, not a state, is made of: a fork shares it, and it cannot be written down.
_LIVE = (
    types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.ModuleType, torch.nn.Module,
)  # fmt: skip


class UnsavableError(Exception):
    """A state holds something that cannot be written down: the message names its type."""


@dataclass(frozen=True)
class Parts:
    """A state taken apart: `nodes` in an order in which each names earlier ones only, and the `tensors` they name.

    `shared` is what a fork has in common with its origin: functions, models.
    """

    nodes: list[Node]
    tensors: list[torch.Tensor]
    shared: list[Any] = field(default_factory=list)

    def together(self) -> Any:
        """The state again, of the tensors as they now are. Raises `UnsavableError` where a class is not known here."""
        made: list[Any] = []
        for kind, *words in self.nodes:
            made.append(_MAKERS[kind](made, self, *words))
        return made[-1]


def take_apart(state: Any, sharing: bool = False) -> Parts:
    """A state in its parts; the tensors are its own, not copies.

    Raises `UnsavableError` when it holds functions, models, open files and the like (with `sharing`, such are kept as
    a fork keeps them), or holds itself.
    """
    return _Taking(sharing).parts(state)


def fork(state: Any) -> Any:
    """A copy of a state that shares no tensor with it, so that one may be read on and the other asked.

    What cannot be taken apart is copied by `copy.deepcopy`, which raises what it raises. Raises `UnsavableError` when
    the state holds itself.
    """
    parts = take_apart(state, sharing=True)
    return replace(parts, tensors=[tensor.clone() for tensor in parts.tensors]).together()


def state_bytes(state: Any) -> int:
    """The bytes of all tensors in a state, wherever they are nested (objects that hold tensors in attributes too)."""
    seen: set[int] = set()
    total = 0
    waiting = [state]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, torch.Tensor):
            total += value.numel() * value.element_size()
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple, set, deque)):
            waiting.extend(value)
        elif hasattr(value, "__dict__"):
            waiting.extend(vars(value).values())
    return total


class _Taking:
    """Takes one state apart, children first, without recursion."""

    def __init__(self, sharing: bool) -> None:
        self._sharing = sharing
        self._made = Parts([], [])
        self._known: dict[int, int] = {}
        self._kept: list[Any] = []  # what an id belongs to must not be freed before the end

    def parts(self, state: Any) -> Parts:
        entered: set[int] = set()
        waiting: list[tuple[Any, Node, list[Any]]] = [(state, [], [])]
        while waiting:
            value, node, children = waiting.pop()
            if id(value) in self._known:
                continue
            if not node:
                node, children = self._shape(value)
                if children:
                    if id(value) in entered:
                        raise UnsavableError(f"a {_name(type(value))} that holds itself")
                    entered.add(id(value))
                    waiting.append((value, node, children))
                    waiting.extend((child, [], []) for child in children)
                    continue
            numbers = [[self._known[id(child)] for child in children]] if children else []
            self._known[id(value)] = len(self._made.nodes)
            self._kept.append(value)
            self._made.nodes.append([*node, *numbers])
        return self._made

    def _shape(self, value: Any) -> tuple[Node, list[Any]]:
        """A value's node, without its children, and these."""
        kind = type(value)
        if isinstance(value, torch.Tensor):
            return ["tensor", self._tensor(value)], []
        if kind in _PLAIN:
            return ["plain", value], []
        for name, sequence in _SEQUENCES.items():
            if kind is sequence:
                return [name], self._held(value)
        for name, mapping in _MAPPINGS.items():
            if kind is mapping:
                return [name], self._held(part for item in value.items() for part in item)
        return self._special(value)

    def _special(self, value: Any) -> tuple[Node, list[Any]]:
        kind = type(value)
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            return ["array", self._tensor(torch.from_numpy(np.ascontiguousarray(value)))], []
        if isinstance(value, np.generic) and value.dtype.kind in "biuf":
            return ["number", value.dtype.str, value.item()], []
        if isinstance(value, torch.dtype | torch.device):
            return [kind.__name__, str(value).removeprefix("torch.")], []
        if isinstance(value, torch.Size):
            return ["size", list(value)], []
        if isinstance(value, Enum):
            return ["enum", *self._address(kind), value.name], []
        if isinstance(value, type):
            return ["class", *self._address(value)], []
        if isinstance(value, deque) and kind is deque:
            return ["deque", value.maxlen], self._held(value)
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            return ["named", *self._address(kind)], self._held(value)
        if isinstance(value, _LIVE) or not hasattr(value, "__dict__") or _has_more(value):
            return self._foreign(value), []
        return ["object", *self._address(kind)], self._held(part for item in vars(value).items() for part in item)

    def _address(self, kind: type) -> tuple[type | str, str]:
        """How a node names a class: on disk by module and name, in a fork by itself, wherever it was made."""
        address = kind.__module__, kind.__qualname__
        if self._sharing:
            return kind, ""
        _class_at(*address)
        return address

    def _foreign(self, value: Any) -> Node:
        """What is not made of parts: it goes into a fork as it is, or as a copy, and not to disk."""
        if not self._sharing:
            raise UnsavableError(f"a {_name(type(value))}")
        self._made.shared.append(value if isinstance(value, _LIVE) else copy.deepcopy(value))
        return ["shared", len(self._made.shared) - 1]

    def _tensor(self, tensor: torch.Tensor) -> int:
        self._made.tensors.append(tensor)
        return len(self._made.tensors) - 1

    def _held(self, values: Iterable[Any]) -> list[Any]:
        """Children as a list that keeps those alive which were made on the way."""
        children = list(values)
        self._kept.append(children)
        return children


def _has_more(value: Any) -> bool:
    """Whether an object is more than its attributes: slots, or the contents of a built-in it derives from."""
    bases = type(value).__mro__[:-1]
    return any(getattr(base, "__slots__", ()) or base.__module__ == "builtins" for base in bases)


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")


def _class_at(module: type | str, name: str) -> Any:
    """A class that is known in this process; nothing is imported for it. See `_Taking._address`."""
    if isinstance(module, type):
        return module
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type):
        raise UnsavableError(f"a {module}.{name}, which is not known here")
    return found


def _pairs(made: Sequence[Any], children: Sequence[int]) -> Iterator[tuple[Any, Any]]:
    return ((made[key], made[value]) for key, value in zip(children[::2], children[1::2], strict=True))


def _object(made: list[Any], parts: Parts, module: type | str, name: str, children: Sequence[int] = ()) -> Any:
    kind = _class_at(module, name)
    value = kind.__new__(kind)
    vars(value).update(_pairs(made, children))
    return value


def _sequence(kind: type) -> Callable[..., Any]:
    return lambda made, parts, children=(): kind(made[child] for child in children)


def _mapping(kind: type) -> Callable[..., Any]:
    return lambda made, parts, children=(): kind(_pairs(made, children))


#: What makes a value of its node's words: the values made before, all parts, then the words.
_MAKERS: dict[str, Callable[..., Any]] = {
    "tensor": lambda made, parts, number: parts.tensors[number],
    "array": lambda made, parts, number: parts.tensors[number].numpy().copy(),
    "number": lambda made, parts, kind, value: np.dtype(kind).type(value),
    "plain": lambda made, parts, value: value,
    "dtype": lambda made, parts, name: getattr(torch, name),
    "device": lambda made, parts, name: torch.device(name),
    "size": lambda made, parts, sizes: torch.Size(sizes),
    "class": lambda made, parts, module, name: _class_at(module, name),
    "enum": lambda made, parts, module, name, member: _class_at(module, name)[member],
    "shared": lambda made, parts, number: parts.shared[number],
    "deque": lambda made, parts, maxlen, children=(): deque((made[child] for child in children), maxlen),
    "named": lambda made, parts, module, name, children=(): _class_at(module, name)(*(made[c] for c in children)),
    "object": _object,
    **{name: _sequence(kind) for name, kind in _SEQUENCES.items()},
    **{name: _mapping(kind) for name, kind in _MAPPINGS.items()},
}
