"""docs/python.md: its Python blocks run, one after the other, and it names every public function."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import pytest

import rmt_bench as rb

PAGE = (Path(__file__).parents[1] / "docs" / "python.md").read_text(encoding="utf-8")


def test_every_function_is_told_of():
    registering = {"background", "model", "task"}
    functions = [name for name in rb.__all__ if name.islower() and not name.startswith("__")]
    assert not [name for name in functions if f"rb.{name}" not in PAGE and name not in registering | {"clone_state"}]


@pytest.mark.slow
def test_every_block_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mpl.use("agg")
    names: dict[str, object] = {"__name__": "page"}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "python.md", "exec"), names)
    assert {"both.png", "board", "my-gru"} <= {path.name for path in tmp_path.iterdir()}
    mpl.pyplot.close("all")
