"""Tasks by name: `@task("mine")` registers one, `load_task("mine")` makes it."""

from __future__ import annotations

import dataclasses
from typing import Any, get_type_hints

from ..base.errors import UserError, did_you_mean
from ..base.registry import REQUIRED, Registry
from .episode import Task, knob_name

_MEMORY = "rmt_bench.tasks.memory"
#: Which module has which of the tasks beyond bAbI.
_BEYOND = {
    "needle": (
        "needle", "passkey", "niah_single_1", "niah_single_2", "niah_single_3", "niah_multikey_1", "niah_multikey_2",
        "niah_multikey_3", "niah_multivalue", "niah_multiquery",
    ),
    "tracing": ("vt", "cwe", "fwe"),
    "recall": ("remember", "rewrite", "recall_multi", "induction", "selective_copy"),
    "capacity": ("capacity", "interference"),
    "order": ("order", "count"),
}  # fmt: skip
#: Which module tells the stories of which bAbI tasks.
_BABI = {
    "movements": (1, 6, 9, 10, 11, 12, 13, 14),
    "things": (2, 3, 5, 7, 8),
    "relations": (4, 17, 18, 19),
    "kinds": (15, 16, 20),
}
_MODULES = {number: f"rmt_bench.tasks.babi.{module}" for module, numbers in _BABI.items() for number in numbers}

TASKS: Registry[type[Task]] = Registry(
    kind="task",
    group="rmt_bench.tasks",
    listing="rmt-bench tasks",
    builtin={
        "memorize": _MEMORY,
        "detect": _MEMORY,
        "reasoning": _MEMORY,
        **{f"qa{number}": _MODULES[number] for number in sorted(_MODULES)},
        **{name: f"rmt_bench.tasks.{module}" for module, names in _BEYOND.items() for name in names},
    },
)
task = TASKS.register


def load_task(name: str, **knobs: Any) -> Task:
    """Make the task called `name`. A knob's value may be a string, as from a command line: its field says its type.

    Raises `UserError` for an unknown name or knob, and for a value that a knob cannot have.
    """
    factory = TASKS.get(name)
    known = {knob_name(field): field.name for field in dataclasses.fields(factory)}
    for knob in knobs:
        if knob not in known:
            listed = ", ".join(known) or "none"
            raise UserError(f"task {name!r} has no knob {knob!r}{did_you_mean(knob, known)} (it has: {listed})")
    types = get_type_hints(factory) if knobs else {}
    return factory(**{known[knob]: _of_type(knob, value, types[known[knob]]) for knob, value in knobs.items()})


def settings(name: str) -> dict[str, Any]:
    """The knobs of the task called `name`, as they are unless told otherwise. Raises `UserError` for an unknown name.

    One that must be given is `REQUIRED`. `half` is not among them: it tells the words of training from those of
    evaluation, and is set by the split.
    """
    found: dict[str, Any] = {}
    for field in dataclasses.fields(TASKS.get(name)):
        made = REQUIRED if field.default_factory is dataclasses.MISSING else field.default_factory()
        found[knob_name(field)] = made if field.default is dataclasses.MISSING else field.default
    return {knob: default for knob, default in found.items() if knob != "half"}


_EXPECTED = {
    int: "a whole number, such as 10",
    float: "a number, such as 0.25",
    bool: "true or false",
    str: "a word",
}
_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _of_type(knob: str, value: Any, wanted: Any) -> Any:
    """`value` as the type of its field, read from a string where need be; fields of other types are left alone."""
    if wanted not in _EXPECTED or type(value) is wanted:
        return value
    try:
        if isinstance(value, str):
            return _TRUTH[value.strip().lower()] if wanted is bool else wanted(value)
        if wanted is float and type(value) is int:
            return float(value)
    except (KeyError, ValueError):
        pass
    raise UserError(f"{knob}={value}: expected {_EXPECTED[wanted]}")
