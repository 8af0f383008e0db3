"""Stages from a file: what is read from it, what is refused, and that those that ship can be trained by."""

import json

import pytest
from click.testing import CliRunner

from rmt_bench.base.errors import UserError
from rmt_bench.bench.stage_file import read_stages, recipe_names
from rmt_bench.bench.train_command import train_command
from rmt_bench.tasks.memory import Reasoning


def _written(tmp_path, text: str) -> str:
    (tmp_path / "stages.toml").write_text(text)
    return str(tmp_path / "stages.toml")


def test_a_stage_says_what_it_reads_and_shares_what_stands_above(tmp_path):
    written = read_stages(
        _written(
            tmp_path,
            "rate = 0.002\npromote = 0.9\n"
            "[[stage]]\nsegments = 1\ntokens = 28\ntasks.reasoning = { level = 2 }\npromote = 0.95\n"
            "[[stage]]\nname = 'long'\nsegments = 7\nroll = 48\nrate = 1e-3\nplacement = 'start'\n",
        )
    )
    first, second = written.stages
    assert (first.gradient, first.memory, first.tokens, first.rate, first.promote) == (1, 1, 28, 0.002, 0.95)
    assert (second.name, second.gradient, second.memory, second.rate, second.promote) == ("long", 7, 48, 1e-3, 0.9)
    assert written.tasks == {"reasoning level=2": Reasoning(level=2)}
    assert first.tasks == ("reasoning level=2",)
    assert second.tasks == ()
    assert (first.placement, second.placement) == (None, "start")


def test_a_task_without_knobs_is_not_that_of_the_command_line(tmp_path):
    written = read_stages(_written(tmp_path, "[[stage]]\nsegments = 1\ntasks.reasoning = {}\n"))
    assert written.tasks == {"reasoning as it is": Reasoning()}
    assert written.stages[0].tasks == ("reasoning as it is",)


@pytest.mark.parametrize("name", recipe_names())
def test_stages_that_ship_can_be_read(name):
    assert read_stages(name).stages
    assert name in CliRunner().invoke(train_command, ["--help"]).output.partition("one that ships")[2][:60]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rate = ", "is no TOML file"),
        ("rate = 1.0", r"has no \[\[stage\]\]"),
        ("[[stage]]\ntokens = 3", "stage 1 has no `segments`"),
        ("[[stage]]\nsegments = 0", "`segments` is a whole number from 1 on, not 0"),
        ("[[stage]]\nsegments = 2\nroll = 2", "`roll` is a whole number from 3 on, not 2"),
        ("[[stage]]\nsegments = 2\nsegmnts = 2", "unknown `segmnts`; did you mean 'segments'"),
        ("[[stage]]\nsegments = 2\nrate = 'fast'", "`rate` is a number above 0, up to 1, not 'fast'"),
        ("[[stage]]\nsegments = 2\nplacement = 'strat'", "unknown placement 'strat'"),
        ("[[stage]]\nsegments = 2\nplacement = 0.5", "`placement` is a word"),
        ("[[stage]]\nsegments = 2\ntasks = 'detect'", "tasks are written as"),
        ("[[stage]]\nsegments = 2\ntasks.detekt = {}", "detekt"),
        ("[[stage]]\nsegments = 2\ntasks.qa1 = { facs = 3 }", "facs"),
    ],
)
def test_what_is_no_stage_is_refused_in_one_line(tmp_path, text, says):
    with pytest.raises(UserError, match=says) as caught:
        read_stages(_written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_names_those_that_ship():
    with pytest.raises(UserError, match=r"no such file.*there ship: .*reasoning"):
        read_stages("reasonning")


def test_training_reads_what_its_stages_say(story, tmp_path):
    stages = _written(
        tmp_path,
        "promote = 0.01\n[[stage]]\nname = 'easy'\nsegments = 1\ntokens = 20\ntasks.detect = {}\n"
        "[[stage]]\nsegments = 2\nroll = 3\n",
    )
    call = ["rmt", "--model-arg", "hidden=16", "--model-arg", "heads=2", "--model-arg", "segment_length=32"]
    call += ["--tasks", "memorize", "--stages", stages, "--batch-size", "4", "--decay-steps", "2", "--quiet"]
    call += ["--device", "cpu", "--background", str(story), "--output", str(tmp_path / "ck")]
    done = CliRunner().invoke(train_command, call, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    said = json.loads((tmp_path / "ck" / "checkpoint.json").read_text())["training"]
    assert [stage["stage"] for stage in said["stages"]] == ["easy", "roll to 3", "decay"]
    assert said["trained_segments"] == {"gradient": 2, "memory": 3}
    shorter = CliRunner().invoke(train_command, [*call[:-1], str(tmp_path / "short"), "--until", "easy"])
    assert shorter.exit_code == 0, shorter.output
    said = json.loads((tmp_path / "short" / "checkpoint.json").read_text())["training"]
    assert [stage["stage"] for stage in said["stages"]] == ["easy", "decay"]
    with pytest.raises(UserError, match="the stages are those of --stages: leave out --roll"):
        CliRunner().invoke(train_command, [*call, "--roll", "9seg"], catch_exceptions=False)
