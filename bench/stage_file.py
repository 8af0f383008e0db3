"""Stages written down: a TOML file that says what training reads, and when, where the flags do not say enough.

    rate = 1e-3                                      what all stages share, each may say otherwise

    [[stage]]
    segments = 1                                     documents of up to so many segments, as far as gradients reach
    tokens = 28                                      contexts of at most so many tokens
    tasks.reasoning = { level = 1 }                  other tasks than --tasks, or other knobs of theirs
    placement = "start"                              where facts lie, as --placement has it
    promote = 0.96                                   the accuracy that ends it

    [[stage]]
    segments = 7
    roll = 48                                        of longer documents the first segments are read without gradient

After them comes the decay, at the length of the last stage, as with flags. Those in bench/recipes/ go by their names.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.errors import UserError, did_you_mean, one_line
from ..generators.placement import check_placement
from ..generators.plan import load_tasks
from ..tasks.episode import Task
from .curriculum import Stage, stage_name

RECIPES = Path(__file__).parent / "recipes"
_KNOWN = {"name", "segments", "roll", "tokens", "tasks", "rate", "promote", "placement"}


@dataclass(frozen=True)
class WrittenStages:
    """The stages of a file, and the tasks that they name."""

    stages: tuple[Stage, ...]
    tasks: dict[str, Task]


def recipe_names() -> list[str]:
    """The stages that ship."""
    return sorted(file.stem for file in RECIPES.glob("*.toml"))


def read_stages(name: str) -> WrittenStages:
    """The stages of a file, or of one that ships.

    Raises `UserError` for a file that is not there, is no TOML, or says what no stage has.
    """
    shipped = RECIPES / f"{name}.toml"
    path = shipped if shipped.is_file() else Path(name)
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        close = did_you_mean(name, recipe_names())
        raise UserError(f"--stages {name}: no such file{close} (there ship: {', '.join(recipe_names())})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"--stages {name} is no TOML file: {one_line(error)}") from error
    stages = said.pop("stage", None)
    if not isinstance(stages, list) or not stages or not all(isinstance(stage, dict) for stage in stages):
        raise UserError(f"--stages {name} has no [[stage]]; see: {RECIPES}")
    tasks: dict[str, Task] = {}
    made = tuple(_stage(f"stage {number}", {**said, **stage}, tasks) for number, stage in enumerate(stages, 1))
    return WrittenStages(made, tasks)


def _stage(where: str, said: dict[str, Any], tasks: dict[str, Task]) -> Stage:
    """One stage; tasks that it names are added to `tasks`."""
    for key in said:
        if key not in _KNOWN:
            raise UserError(f"{where} has an unknown `{key}`{did_you_mean(key, _KNOWN)} (there are: {_listed()})")
    gradient = _count(where, said, "segments", 1)
    if gradient is None:
        raise UserError(f"{where} has no `segments`: say up to how many it reads")
    memory = _count(where, said, "roll", gradient + 1) or gradient
    return Stage(
        str(said.get("name") or stage_name(gradient, memory)),
        gradient,
        memory,
        tokens=_count(where, said, "tokens", 1),
        tasks=tuple(_tasks(where, said.get("tasks", {}), tasks)),
        rate=_number(where, said, "rate", 1),
        promote=_number(where, said, "promote", 1),
        placement=_placement(where, said.get("placement")),
    )


def _placement(where: str, said: Any) -> str | None:
    if said is not None and not isinstance(said, str):
        raise UserError(f'{where}: `placement` is a word such as "start", not {said!r}')
    return said and check_placement(said)


def _tasks(where: str, said: Any, tasks: dict[str, Task]) -> list[str]:
    """The names, in the stream, of the tasks that a stage reads."""
    if not isinstance(said, dict) or not all(isinstance(knobs, dict) for knobs in said.values()):
        raise UserError(f"{where}: tasks are written as  tasks.detect = {{}}  or  tasks.qa1 = {{ facts = 4 }}")
    names = []
    for task, knobs in said.items():
        said_of_it = [f"{key}={value}" for key, value in knobs.items()] or ["as it is"]  # --task-arg is of --tasks only
        name = " ".join([task, *said_of_it])
        tasks[name] = load_tasks([task], knobs)[task]
        names.append(name)
    return names


def _count(where: str, said: dict[str, Any], key: str, least: int) -> int | None:
    value = said.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
        raise UserError(f"{where}: `{key}` is a whole number from {least} on, not {value!r}")
    return value


def _number(where: str, said: dict[str, Any], key: str, most: float) -> float | None:
    value = said.get(key)
    if value is not None and (not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= most):
        raise UserError(f"{where}: `{key}` is a number above 0, up to {most}, not {value!r}")
    return value


def _listed() -> str:
    return ", ".join(sorted(_KNOWN))
