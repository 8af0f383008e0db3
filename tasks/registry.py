"""Tasks by name: `@task("mine")` registers one, `load_task("mine")` makes it."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..base.errors import UserError, did_you_mean
from ..base.registry import Registry
from .episode import Task

_MEMORY = "rmt_bench.tasks.memory"
_BABI = "rmt_bench.tasks.babi"

TASKS: Registry[type[Task]] = Registry(
    kind="task",
    group="rmt_bench.tasks",
    listing="rmt-bench tasks",
    builtin={"memorize": _MEMORY, "detect": _MEMORY, "reasoning": _MEMORY, "qa1": _BABI},
)
task = TASKS.register


def load_task(name: str, **knobs: Any) -> Task:
    """Make the task called `name`. Raises `UserError` for an unknown name or knob."""
    factory = TASKS.get(name)
    known = [field.name for field in dataclasses.fields(factory)]
    for knob in knobs:
        if knob not in known:
            listed = ", ".join(known) or "none"
            raise UserError(f"task {name!r} has no knob {knob!r}{did_you_mean(knob, known)} (it has: {listed})")
    return factory(**knobs)
