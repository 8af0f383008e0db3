import numpy as np
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.bench.curriculum import Stage, draw_step, make_stages, stages_until, with_last_stage


def _draws(stage: Stage, count: int = 2_000):
    rng = np.random.default_rng(0)
    return [draw_step(stage, rng) for _ in range(count)]


def test_stages_end_where_one_is_told():
    stages = make_stages([1, 2, 7], [14])
    assert [stage.name for stage in stages_until(stages, "2 segments")] == ["1 segment", "2 segments"]
    assert stages_until(stages, "roll to 14") == stages
    with pytest.raises(UserError, match=r"no stage is called '2 segment'; did you mean '2 segments'.*roll to 14"):
        stages_until(stages, "2 segment")


def test_stages_grow_then_roll_then_decay():
    stages = with_last_stage(make_stages([1, 2, 7], [14, 48]))
    assert [stage.name for stage in stages] == [
        "1 segment",
        "2 segments",
        "7 segments",
        "roll to 14",
        "roll to 48",
        "decay",
    ]
    assert [(stage.gradient, stage.memory) for stage in stages[-3:]] == [(7, 14), (7, 48), (7, 48)]
    assert [stage.decays for stage in stages] == [False] * 5 + [True]


def test_without_rolling_training_never_sees_more_than_gradients_reach():
    stages = with_last_stage(make_stages(range(1, 8), []))
    assert max(step.segments for stage in stages for step in _draws(stage, 200)) == 7


def test_a_plain_stage_is_at_full_length_half_of_the_time_and_judged_there_only():
    steps = _draws(make_stages([4], [])[0])
    assert {step.segments for step in steps} == {1, 2, 3, 4}
    assert all(step.counts == (step.segments == 4) for step in steps)
    assert sum(step.segments == 4 for step in steps) / len(steps) == pytest.approx(5 / 8, abs=0.03)


def test_a_rolled_stage_is_judged_on_rolled_documents_only():
    steps = _draws(make_stages([7], [12])[1])
    assert {step.segments for step in steps if step.counts} == set(range(7, 13))
    assert {step.segments for step in steps if not step.counts} == set(range(1, 8))
    assert sum(step.counts for step in steps) / len(steps) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(("segments", "roll"), [([], []), ([0, 1], []), ([2, 1], []), ([1, 7], [7]), ([7], [14, 9])])
def test_numbers_that_do_not_grow_are_refused(segments, roll):
    with pytest.raises(UserError, match="segments"):
        make_stages(segments, roll)
