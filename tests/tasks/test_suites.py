"""Suites stand for their tasks wherever tasks are named."""

import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.generators.plan import load_tasks
from rmt_bench.tasks.registry import TASKS
from rmt_bench.tasks.suites import SUITES, expand


def test_every_suite_is_made_of_tasks_and_none_is_called_as_one():
    assert not SUITES.keys() & set(TASKS.names())
    assert all(set(tasks) <= set(TASKS.names()) for _, tasks in SUITES.values())


def test_a_suite_expands_in_its_place_and_no_task_comes_twice():
    assert expand(["qa2", "report", "detect"]) == ["qa2", "memorize", "detect", "reasoning"]
    assert list(load_tasks(["babilong"])) == [f"qa{number}" for number in range(1, 11)]


def test_an_unknown_name_is_answered_with_the_closest_task_or_suite():
    with pytest.raises(UserError, match=r"unknown task 'babilon'; did you mean 'babilong'\?"):
        load_tasks(["babilon"])
