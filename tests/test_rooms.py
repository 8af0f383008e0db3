"""The direction of imports between the rooms, read from the source: see ARCHITECTURE.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "base": set(),
    "tasks": {"base"},
    "generators": {"base", "tasks"},
    "bench": {"base", "tasks", "generators"},
    "leaderboard": {"base", "bench.record", "tasks.scoring", "tasks.scoring_babilong"},
    "interop": {"base", "tasks", "generators", "bench", "leaderboard"},
}
HEAVY = {"base": {"torch", "transformers", "datasets"}, "tasks": {"torch", "transformers", "datasets"},
         "generators": {"torch"}, "leaderboard": {"torch", "transformers", "datasets"}}  # fmt: skip


def _imports(file: Path) -> Iterator[str]:
    """The absolute names that a file imports; of `from a import b` both `a` and `a.b`."""
    package = ("rmt_bench", *file.relative_to(ROOT).parts[:-1])
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *((node.module,) if node.module else ())))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _files(room: str) -> list[Path]:
    """The modules of a room; a folder without an `__init__.py` holds scripts, which stand outside the package."""
    return sorted(file for file in (ROOT / room).rglob("*.py") if (file.parent / "__init__.py").is_file())


def _allowed(room: str, name: str) -> bool:
    inside = name.removeprefix("rmt_bench").removeprefix(".")
    return any(inside == other or inside.startswith(f"{other}.") for other in {room} | MAY_IMPORT[room])


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_room_imports_only_rooms_below_it(room: str) -> None:
    packages = {"rmt_bench", *(f"rmt_bench.{allowed.split('.')[0]}" for allowed in MAY_IMPORT[room])}
    wrong = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in _files(room)
        for name in _imports(file)
        if name.split(".")[0] == "rmt_bench" and name not in packages and not _allowed(room, name)
    ]
    assert not wrong


@pytest.mark.parametrize("room", HEAVY)
def test_room_without_models_imports_no_model_library_at_its_top(room: str) -> None:
    wrong = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in _files(room)
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
        if name.split(".")[0] in HEAVY[room] and not (isinstance(node, ast.ImportFrom) and node.level)
    ]
    assert not wrong


def test_inside_the_package_imports_are_relative() -> None:
    wrong = [
        str(file.relative_to(ROOT))
        for room in MAY_IMPORT
        for file in _files(room)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "rmt_bench"
    ]
    assert not wrong
