from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from rmt_bench.base import registry as module
from rmt_bench.base.errors import UserError
from rmt_bench.base.registry import Registry


class _Point:
    dist = None
    value = "their_package:thing"

    def __init__(self, name: str, outcome: Any):
        self.name, self.outcome = name, outcome

    def load(self) -> Any:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def things(monkeypatch: pytest.MonkeyPatch) -> Registry[object]:
    points = [_Point("theirs", 3), _Point("broken", ImportError("no torch"))]

    def entry_points(group: str, name: str | None = None) -> list[_Point]:
        return [point for point in points if group == "some.things" and name in (None, point.name)]

    monkeypatch.setattr(module, "entry_points", entry_points)
    made: Registry[object] = Registry("thing", "some.things", "rmt-bench things", {"built": "rmt_bench_built_thing"})
    built = ModuleType("rmt_bench_built_thing")
    made.register("mine")(1)
    monkeypatch.setitem(sys.modules, "rmt_bench_built_thing", built)
    made.register("built")(2)
    return made


def test_names_are_built_in_then_registered_then_plugged_in(things: Registry[object]) -> None:
    assert things.names() == ["built", "mine", "theirs", "broken"]


def test_thing_is_found_wherever_it_comes_from(things: Registry[object]) -> None:
    assert [things.get(name) for name in ("mine", "built", "theirs")] == [1, 2, 3]


def test_unknown_name_gets_the_closest_one_and_the_listing(things: Registry[object]) -> None:
    with pytest.raises(UserError, match=r"^unknown thing 'thiers'; did you mean 'theirs'\? see: rmt-bench things$"):
        things.get("thiers")
    with pytest.raises(UserError, match=r"^unknown thing 'qqq'; see: rmt-bench things$"):
        things.get("qqq")


def test_broken_plugin_is_one_line_that_names_it(things: Registry[object]) -> None:
    with pytest.raises(
        UserError, match=r"the thing 'broken' of the package .* cannot be loaded \(ImportError: no torch"
    ):
        things.get("broken")
