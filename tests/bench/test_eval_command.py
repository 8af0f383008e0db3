"""What `rmt-bench eval` makes of its options."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from rmt_bench.base.errors import UserError
from rmt_bench.bench.engines import Workers
from rmt_bench.bench.eval_command import Finished, eval_command
from rmt_bench.bench.record import RunFolder
from rmt_bench.generators.dataset import generate_dataset
from rmt_bench.generators.generate import make_plan
from rmt_bench.generators.tokens import load_tokenizer


def _call(*arguments: object) -> Any:
    return CliRunner().invoke(eval_command, [str(part) for part in arguments], standalone_mode=False)


def _small(story, folder) -> tuple[object, ...]:
    return "--lengths", "0,300", "--samples", 3, "--background", story, "--output", folder / "run", "--quiet"


def test_questions_and_probes_reach_the_records(story, tmp_path):
    call = ("oracle", "--tasks", "capacity", "--task-arg", "facts=4", "--questions", 4, "--probe", "0,1")
    done = _call(*call, *_small(story, tmp_path), "--model-arg", "segment_length=64")
    assert done.return_value == Finished(tmp_path / "run", 0, "", False), done.exception
    records = RunFolder(tmp_path / "run").records()
    assert records.groupby(["length", "haystack_id"]).size().tolist() == [4] * 6
    assert records["correct"].all()
    asked = {probe["distance"] for probes in records["probes"] for probe in probes}
    assert asked == {0, 1}


def test_several_reasons_for_errors_are_summed_up_one_line_each(story, tmp_path):
    (tmp_path / "moody.py").write_text(
        "from rmt_bench.bench.models.baselines import Majority\n"
        "class Moody(Majority):\n"
        "    def answer(self, state, prompts, choices):\n"
        "        raise RuntimeError('no luck' if len(prompts) > 1 else 'alone')\n"
    )
    done = _call(f"{tmp_path}/moody.py:Moody", "--tasks", "detect", *_small(story, tmp_path), "--batch-size", 2)
    assert done.return_value.errors == 6
    assert done.stderr.splitlines() == [
        "failed: detect at 0: 2 x RuntimeError: no luck",
        "failed: detect at 300: 2 x RuntimeError: no luck",
        "failed: detect at 0: 1 x RuntimeError: alone",
        "failed: detect at 300: 1 x RuntimeError: alone",
    ]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--probe", "soon"), "distances in segments such as 0,4,64"),
        (("--questions", 2), r"detect can ask one question about a text; several: .*capacity"),
        (("--probe", "--one-pass"), "leave out one_pass"),
        (("--dtype", "float99"), "unknown dtype"),
        (("--dtype", "float64"), "no torch module"),
        (("--address", "auto"), "give --engine ray too"),
        (("--probe", "\u00b2"), "distances in segments such as 0,4,64"),
        (("--gpus", 1), "--gpus says what workers of a Ray cluster have: give --engine ray"),
        (("--questions", 2, "--task-arg", "questions=3"), "--questions 2 and --task-arg questions=3"),
    ],
)
def test_what_makes_no_sense_is_one_line(story, tmp_path, options, complaint):
    done = _call("oracle", "--tasks", "detect", *_small(story, tmp_path), *options)
    assert isinstance(done.exception, UserError)
    with pytest.raises(UserError, match=complaint):
        raise done.exception


@pytest.mark.parametrize(
    ("options", "by_workers"),
    [((), False), (("--workers", 1), False), (("--workers", 2), True), (("--timeout", 60), True)],
)
def test_this_process_does_the_work_unless_workers_or_a_timeout_are_asked_for(
    story, tmp_path, monkeypatch, options, by_workers
):
    asked: list[Workers | None] = []

    def evaluate(*arguments: Any, workers: Workers | None, **more: Any) -> Any:
        asked.append(workers)
        raise UserError("seen")

    monkeypatch.setattr("rmt_bench.bench.evaluate.evaluate", evaluate)
    _call("oracle", "--tasks", "detect", *_small(story, tmp_path), *options)
    assert [workers is not None for workers in asked] == [by_workers]


@pytest.fixture(scope="module")
def stored(tmp_path_factory, story):
    """A small data set with its texts."""
    plan = make_plan(["detect"], "0,300", load_tokenizer(), samples=2, background=str(story))
    return generate_dataset(plan, tmp_path_factory.mktemp("text") / "data")


def test_a_data_set_refuses_what_it_has_settled_and_would_ignore(stored, tmp_path):
    for given in (("--samples", 1), ("--background", "prose"), ("--distractors", 3), ("--task-arg", "facts=2")):
        done = _call("oracle", "--data", stored, "--output", tmp_path / "run", "--quiet", *given)
        assert isinstance(done.exception, UserError), given
        assert str(done.exception).startswith(f"{stored} holds its samples: leave out {given[0]}")


def test_lengths_of_a_data_set_may_have_spaces_between(stored, tmp_path):
    done = _call("oracle", "--data", stored, "--lengths", "0, 300", "--output", tmp_path / "run", "--quiet")
    assert done.exception is None
    assert set(RunFolder(tmp_path / "run").records()["length"]) == {"0", "300"}


def test_the_background_of_a_recipe_may_lie_elsewhere_now(story, tmp_path):
    before, now = tmp_path / "before" / story.name, tmp_path / "now" / story.name
    for file in (before, now):
        file.parent.mkdir()
        file.write_bytes(story.read_bytes())
    plan = make_plan(["detect"], "0,300", load_tokenizer(), samples=2, background=str(before))
    folder = generate_dataset(plan, tmp_path / "data", store="recipe")
    before.unlink()
    call = ("oracle", "--data", folder, "--output", tmp_path / "run", "--quiet")
    assert isinstance(_call(*call).exception, UserError)
    assert _call(*call, "--background", now).exception is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("--probe", "4,0"), ("--probe", "0,4,4"), True),
        (("--probe", "0"), ("--probe", "4"), False),
        (("--name", "mine"), ("--name", "yours"), False),
        (("--model-arg", "patience=3"), ("--model-arg", "patience=5"), True),
    ],
)
def test_the_folder_that_a_run_gets_is_the_same_if_the_run_is(story, tmp_path, monkeypatch, one, other, same):
    (tmp_path / "plugin.py").write_text(
        "from rmt_bench.bench.models.baselines import Majority\n"
        "class Patient(Majority):\n"
        "    incidental = ('patience',)\n"
        "    def __init__(self, patience=1):\n"
        "        super().__init__()\n"
    )
    monkeypatch.chdir(tmp_path)
    options = ("--tasks", "detect", "--lengths", 0, "--samples", 1, "--background", story, "--quiet")
    folders = [_call("plugin.py:Patient", *options, *given).return_value.folder for given in (one, other)]
    assert (folders[0] == folders[1]) == same
