import json
import random
from dataclasses import replace

import pytest
import torch

from rmt_bench.base.errors import IncompleteError, UserError
from rmt_bench.bench.carried import CarriedRecipe
from rmt_bench.bench.curriculum import make_stages, with_last_stage
from rmt_bench.bench.processes import Alone
from rmt_bench.bench.snapshot import Snapshot
from rmt_bench.bench.stream import Batch
from rmt_bench.bench.trainer import Recipe, Trainer

from .toys import Marks, Summing

_STAGES = make_stages([1, 2], [4])
_RECIPE = Recipe(with_last_stage(_STAGES), rate=0.05, roll_rate=0.02, warmup=5, window=5, decay_steps=10)
#: Everything there is: carried streams and an average of the weights.
_FULL = replace(
    _RECIPE,
    stages=with_last_stage(_STAGES, 12),
    decay_steps=40,
    average=0.9,
    carried=CarriedRecipe(3, 12),
)


def _trainer(folder, recipe=_RECIPE, name="toy") -> Trainer:
    torch.manual_seed(0)
    return Trainer(Summing(), Marks(), recipe, Snapshot(folder, name))  # type: ignore[arg-type]


def _weights(trainer) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in trainer.model.parameters()])


class _InterruptError(Exception):
    pass


def _stop_at(step):
    def on_step(report):
        if report.step == step:
            raise _InterruptError

    return on_step


def test_training_learns_every_stage_in_turn(tmp_path):
    trainer = _trainer(tmp_path)
    progress = trainer.run()
    assert [stage["stage"] for stage in progress.learned] == ["1 segment", "2 segments", "roll to 4", "decay"]
    assert all(stage["accuracy"] >= 0.99 for stage in progress.learned[:-1])
    assert sum(stage["steps"] for stage in progress.learned) == progress.step
    assert not trainer.model.training


def test_gradients_reach_the_last_segments_only(tmp_path):
    trainer = _trainer(tmp_path)
    segments: list[int] = []
    trainer.run(lambda report: segments.append(report.segments))
    assert max(segments) > 2
    assert trainer.model.with_gradient == [min(count, 2) - 1 for count in segments]


@pytest.mark.parametrize("recipe", [_RECIPE, _FULL], ids=["plain", "streams and average"])
@pytest.mark.parametrize("step", [3, 17, 41, -1])
def test_an_interrupted_training_goes_on_to_the_same_weights(tmp_path, recipe, step):
    undisturbed = _trainer(tmp_path / "whole", recipe)
    steps = undisturbed.run(save_every=10).step
    step = step if step >= 0 else random.SystemRandom().randrange(steps)
    with pytest.raises(_InterruptError):
        _trainer(tmp_path / "cut", recipe).run(_stop_at(step), save_every=10)
    resumed = _trainer(tmp_path / "cut", recipe)
    assert resumed.progress.step <= step
    resumed.run(save_every=10)
    assert torch.equal(_weights(resumed), _weights(undisturbed)), step
    assert resumed.progress.step == steps


def test_the_averaged_weights_are_what_comes_out(tmp_path):
    last: list[torch.Tensor] = []
    averaged = _trainer(tmp_path / "averaged", replace(_RECIPE, average=0.9))
    averaged.run(lambda report: last.append(_weights(averaged)))
    plain = _trainer(tmp_path / "plain")
    plain.run()
    assert torch.equal(last[-1], _weights(plain))  # averaging leaves the training itself alone
    first = _weights(_trainer(tmp_path / "new"))
    expected = first
    for weights in last:
        expected = 0.9 * expected + 0.1 * weights
    torch.testing.assert_close(_weights(averaged), expected)


def test_the_last_stage_carries_streams_and_some_whole_documents(tmp_path):
    reports = []
    trainer = _trainer(tmp_path, _FULL)
    trainer.run(reports.append)
    streams = [report for report in reports if report.stage == "streams"]
    assert len(streams) == 40
    assert [report.rate for report in streams] == pytest.approx([0.02 * (1 - i / 40) for i in range(40)])
    assert any(report.accuracy is None for report in streams)  # nothing can be asked yet
    assert trainer.progress.learned[-1]["stage"] == "streams"


def test_streams_are_refused_to_several_processes(tmp_path):
    processes = Alone()
    processes.count = 2
    with pytest.raises(UserError, match="carried streams are read by one process: leave --streams out"):
        Trainer(Summing(), Marks(), _FULL, Snapshot(tmp_path, "toy"), processes)  # type: ignore[arg-type]


def test_what_is_off_leaves_no_trace_in_the_identity_of_a_training():
    assert not {"average", "carried"} & _RECIPE.identity().keys()
    assert _FULL.identity()["carried"] == {"batches": 3, "longest": 12, "reads": 3, "ordinary": 0.35, "hold": 3.0}


def test_the_rate_warms_up_is_lower_while_rolling_and_falls_to_zero(tmp_path):
    rates: dict[str, list[float]] = {}
    _trainer(tmp_path).run(lambda report: rates.setdefault(report.stage, []).append(report.rate))
    assert rates["1 segment"][:5] == pytest.approx([0.01, 0.02, 0.03, 0.04, 0.05])
    assert set(rates["roll to 4"]) == {0.02}
    assert rates["decay"] == pytest.approx([0.02 * (1 - i / 10) for i in range(10)])


def test_a_stage_that_is_not_learned_stops_training_and_keeps_what_there_is(tmp_path):
    hopeless = Recipe(_RECIPE.stages, rate=0.0, window=5, max_steps=12)
    trainer = _trainer(tmp_path, hopeless)
    with pytest.raises(IncompleteError, match="`1 segment` was not learned in 12 steps"):
        trainer.run()
    assert _trainer(tmp_path, hopeless).progress.step == 12


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(UserError, match="cannot be trained"):
        Trainer(object(), Marks(), _RECIPE, None)  # type: ignore[arg-type]


def test_a_folder_with_another_training_is_refused(tmp_path):
    with pytest.raises(_InterruptError):
        _trainer(tmp_path).run(_stop_at(5), save_every=2)
    with pytest.raises(UserError, match="another training"):
        _trainer(tmp_path, name="other")


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match=r"something else \(thesis.tex\)"):
        Snapshot(tmp_path, "toy")


def test_a_damaged_snapshot_says_what_to_do(tmp_path):
    (tmp_path / "resume.safetensors").write_bytes(b"not a snapshot")
    with pytest.raises(UserError, match=r"damaged .*delete it to train anew"):
        _trainer(tmp_path)


def test_the_log_goes_on_where_training_does(tmp_path):
    def run(on_step):
        snapshot = Snapshot(tmp_path, "toy")
        torch.manual_seed(0)
        trainer = Trainer(Summing(), Marks(), _RECIPE, snapshot)  # type: ignore[arg-type]

        def report(step):
            snapshot.log({"step": step.step})
            on_step(step)

        trainer.run(report, save_every=10)

    with pytest.raises(_InterruptError):
        run(_stop_at(17))
    run(lambda step: None)
    steps = [json.loads(line)["step"] for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert steps == list(range(len(steps)))


def test_a_stage_that_gets_no_better_is_given_up(tmp_path):
    hopeless = Recipe(_RECIPE.stages, rate=0.0, window=5, patience=30)
    with pytest.raises(IncompleteError, match=r"`1 segment` has not got better for 30 steps .* higher --patience"):
        _trainer(tmp_path, hopeless).run()


def test_a_budget_is_spent_whole_on_the_last_stage_when_all_is_learned(tmp_path):
    whole = replace(_RECIPE, total_steps=300)
    progress = _trainer(tmp_path, whole).run()
    assert progress.step == 300
    assert [stage["stage"] for stage in progress.learned] == ["1 segment", "2 segments", "roll to 4", "decay"]
    assert progress.learned[-1]["steps"] == 10


def test_a_budget_that_ends_early_decays_at_the_stage_it_came_to(tmp_path):
    short = replace(_RECIPE, rate=0.0, total_steps=40)
    trainer = _trainer(tmp_path, short)
    segments: list[int] = []
    progress = trainer.run(lambda report: segments.append(report.segments))
    assert [(stage["stage"], stage["steps"]) for stage in progress.learned] == [("1 segment", 30), ("decay", 10)]
    assert set(segments) == {1}
    assert trainer.longest == (1, 1)


def test_what_training_saw_is_what_was_trained(tmp_path):
    trainer = _trainer(tmp_path)
    trainer.run()
    assert trainer.longest == (2, 4)


class _TwoTasks(Marks):
    """Of its two tasks one cannot be told: its marks say nothing."""

    def names(self, stage):
        return ("marks", "noise")

    def batch(self, number, segments, stage, rng):
        if number % 2:
            return super().batch(number, segments, stage, rng)
        (group,) = super().batch(number, segments, stage, rng).groups
        return Batch("noise", [[replace(example, target=int(rng.integers(3))) for example in group]])


def test_a_stage_is_not_learned_while_one_of_its_tasks_is_not(tmp_path):
    recipe = replace(_RECIPE, max_steps=200)
    trainer = Trainer(Summing(), _TwoTasks(), recipe, Snapshot(tmp_path, "toy"))  # type: ignore[arg-type]
    with pytest.raises(IncompleteError, match="`1 segment` was not learned in 200 steps"):
        trainer.run()
    recent = trainer.progress.recent
    assert sum(recent["marks"]) / len(recent["marks"]) > 0.99
    assert len(recent["marks"]) == len(recent["noise"]) == 3  # they share the window of 5 steps
