from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.generators.background import load_background
from rmt_bench.generators.lengths import parse_lengths
from rmt_bench.generators.plan import SHARD, Plan, load_tasks
from rmt_bench.generators.samples import Source
from rmt_bench.tasks.memory import Detect
from rmt_bench.tasks.registry import TASKS


@pytest.fixture
def source(story: Path, wordpiece: Any) -> Source:
    return Source(load_background(str(story)), wordpiece)


def _plan(source: Source, tasks: str = "detect", lengths: str = "100,1k", samples: int = 10, **options: Any) -> Plan:
    return Plan(load_tasks(tasks.split(",")), parse_lengths(lengths), samples, source, **options)


def test_units_cover_every_sample_once_in_order(source: Source) -> None:
    plan = _plan(source, "memorize,detect", "0,100", SHARD + 5)
    units = plan.units()
    assert [(u.task, u.length, u.start, u.stop) for u in units] == [
        (task, length, start, stop)
        for task in ("memorize", "detect")
        for length in ("0", "100")
        for start, stop in ((0, SHARD), (SHARD, SHARD + 5))
    ]
    assert [s.index for u in units[:2] for s in plan.samples(u)] == list(range(SHARD + 5))


def test_unit_is_named_by_what_it_is_and_not_by_its_company(source: Source) -> None:
    alone = {u.name for u in _plan(source).units()}
    assert alone <= {u.name for u in _plan(source, "memorize,detect", "50,100,1k").units()}
    assert len({u.name for u in _plan(source, "memorize,detect", "50,100,1k").units()}) == 6
    other = Source(source.background, source.encoder.tokenizer, seed=1)
    assert alone.isdisjoint(u.name for u in _plan(other).units())


def test_budget_takes_fewer_samples_of_long_texts_but_never_too_few(source: Source) -> None:
    plan = _plan(source, lengths="0,100,1k,100k", samples=50, token_budget=20_000, min_samples=3)
    assert [plan.count(length) for length in plan.lengths.values()] == [50, 50, 20, 3]
    assert [_plan(source, samples=7).count(length) for length in plan.lengths.values()] == [7] * 4


def test_samples_under_a_budget_are_the_first_ones(source: Source) -> None:
    few, many = _plan(source, samples=50, token_budget=4_000), _plan(source, samples=50)
    ids = [[s.id for u in plan.units() if u.length == "1k" for s in plan.samples(u)] for plan in (few, many)]
    assert ids[0] == ids[1][:4]


def test_identity_says_which_knobs_were_turned(source: Source, turned: type[Detect]) -> None:
    lengths = parse_lengths("0")
    usual, other = (Plan(load_tasks(["turned"], knobs), lengths, 1, source) for knobs in ({}, {"facts": "3"}))
    assert usual.identity()["knobs"] == {}
    assert other.identity()["knobs"] == {"turned": {"facts": 3}}
    assert usual.units()[0].name != other.units()[0].name


@pytest.fixture
def turned() -> type[Detect]:
    from dataclasses import dataclass

    @TASKS.register("turned")
    @dataclass(frozen=True)
    class Turned(Detect):
        """A task with a knob."""

        facts: int = 1

    return Turned


def test_knob_goes_to_every_task_that_has_it(turned: type[Detect]) -> None:
    tasks = load_tasks(["detect", "turned"], {"facts": "3"})
    assert tasks["turned"].knobs() == {"facts": 3}
    assert tasks["detect"].knobs() == {}


def test_knob_that_no_task_has_is_refused_with_the_closest(turned: type[Detect]) -> None:
    with pytest.raises(UserError, match=r"no task of detect, turned has a knob 'fact'; did you mean 'facts'\?"):
        load_tasks(["detect", "turned"], {"fact": "3"})
    with pytest.raises(UserError, match="they have: language"):
        load_tasks(["detect"], {"facts": "3"})


@pytest.mark.parametrize(
    ("names", "knobs", "facts", "said"),
    [
        (["qa1"], None, "babi:/no/such", "no such file or folder: /no/such"),
        (["qa1"], None, "squad:x", "facts come from babi:PATH"),
        (["qa1"], None, "babi:", "facts come from babi:PATH"),
        (["detect"], None, "babi:/no/such", "no task 'detect'"),
        (["qa1"], {"facts": 3}, "babi:x", "the official files have no knobs: leave out --facts, or facts"),
        (["detcet"], None, None, "did you mean 'detect'"),
    ],
)
def test_wrong_call_is_told_in_one_line(names: list[str], knobs: Any, facts: str | None, said: str) -> None:
    with pytest.raises(UserError) as raised:
        load_tasks(names, knobs, facts)
    assert said in str(raised.value)


def test_plan_without_tasks_or_samples_is_refused(source: Source) -> None:
    with pytest.raises(UserError, match="no task given"):
        Plan({}, parse_lengths("0"), 1, source)
    with pytest.raises(UserError, match="samples is a number from 1 on"):
        _plan(source, samples=0)


def test_official_files_tell_the_stories_they_hold(source: Source, real_data: Path) -> None:
    plan = Plan(load_tasks(["qa3", "qa7"], facts=f"babi:{real_data / 'babi'}"), parse_lengths("0"), 3, source)
    for unit in plan.units():
        for sample in plan.samples(unit):
            assert sample.text == " ".join(fact.text for fact in sample.facts)
            assert sample.answer
            assert sum(fact.supporting for fact in sample.facts) >= 1
