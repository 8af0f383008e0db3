from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from rmt_bench.base.errors import UserError
from rmt_bench.generators.commands import (
    backgrounds_command,
    generate_command,
    plan_options,
    tasks_command,
)
from rmt_bench.generators.generate import generate, make_plan


@pytest.fixture(scope="module")
def saved(wordpiece: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("saved") / "toy"
    wordpiece.save_pretrained(folder)
    return str(folder)


def _generate(*arguments: str) -> Result:
    return CliRunner().invoke(generate_command, list(arguments))


def test_generate_writes_a_data_set_and_says_where(saved: str, story: Path, tmp_path: Path) -> None:
    output = tmp_path / "data"
    result = _generate(
        "--tasks", "detect, memorize", "--lengths", "0,200", "--samples", "3", "--background", str(story),
        "--tokenizer", saved, "--placement", "end", "--output", str(output),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert str(output) in result.output
    plan = json.loads((output / "manifest.json").read_text())["plan"]
    assert (list(plan["tasks"]), plan["placement"], plan["tokenizer"]) == (["detect", "memorize"], "end", "toy")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tasks", "detcet"], "did you mean 'detect'"),
        (["--tasks", ""], "no task given"),
        (["--lengths", "4q"], "not a length: '4q'"),
        (["--lengths", "7seg"], "--segment-length"),
        (["--background", "porse"], "did you mean 'prose'"),
        (["--background", "/no/such"], "no such file or folder"),
        (["--placement", "middle"], "unknown placement 'middle'"),
        (["--token-budget", "lots"], "not a length"),
        (["--token-budget", "1k,2k"], "--token-budget takes one number"),
        (["--tokenizer", "/no/such"], "no such folder: '/no/such'"),
        (["--task-arg", "facts"], "--task-arg takes KEY=VALUE"),
        (["--task-arg", "nonsense=3"], "has a knob 'nonsense'"),
        (["--facts", "babi:/no/such"], "no task 'detect'"),
    ],
)
def test_wrong_call_is_a_users_error(saved: str, story: Path, tmp_path: Path, arguments: list[str], said: str) -> None:
    usual = {
        "--tasks": "detect", "--lengths": "200", "--samples": "1", "--background": str(story), "--tokenizer": saved,
        "--output": str(tmp_path / "data"),
    }  # fmt: skip
    options = usual | dict(zip(arguments[::2], arguments[1::2], strict=True))
    result = _generate(*(part for option in options.items() for part in option))
    assert isinstance(result.exception, UserError), result.output
    assert said in str(result.exception)


@pytest.mark.parametrize("content", [None, "nonsense"])
def test_tokenizer_that_cannot_be_loaded_is_a_users_error(story: Path, tmp_path: Path, content: str | None) -> None:
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    if content:
        (folder / "tokenizer.json").write_text(content)
    result = _generate(
        "--tasks", "detect", "--lengths", "1", "--tokenizer", str(folder), "--output", str(tmp_path / "d")
    )
    assert isinstance(result.exception, UserError)
    assert "no tokenizer could be loaded" in str(result.exception)


def test_every_option_of_a_plan_is_a_parameter_of_make_plan_with_the_same_default() -> None:
    @click.command()
    @plan_options
    def command(**options: Any) -> None:
        raise AssertionError

    values = command.make_context("command", []).params
    parameters = {name: p for name, p in inspect.signature(make_plan).parameters.items() if p.kind == p.KEYWORD_ONLY}
    assert set(values) == set(parameters) - {"segment_length"}
    assert {name: value or None for name, value in values.items()} == {
        name: parameters[name].default or None for name in values
    }


def test_the_python_call_gives_samples_on_the_fly_or_from_disk(story: Path, wordpiece: Any, tmp_path: Path) -> None:
    options = {"tokenizer": wordpiece, "samples": 3, "background": str(story)}
    fly = list(generate(["detect"], "0,100", **options))
    disk = list(generate(["detect"], "0,100", output=tmp_path / "d", **options))
    assert [sample.id for sample in fly] == [sample.id for sample in disk]
    assert [sample.text for sample in fly] == [sample.text for sample in disk]
    assert len(fly) == 6


def test_knobs_may_be_given_again_and_hold_an_equals_sign() -> None:
    @click.command()
    @plan_options
    def command(**options: Any) -> None:
        click.echo(json.dumps(options["task_args"]))

    result = CliRunner().invoke(command, ["--task-arg", "facts=10", "--task-arg", "text=a=b"])
    assert json.loads(result.output) == {"facts": "10", "text": "a=b"}


def test_tasks_are_listed_with_what_they_are() -> None:
    listed = json.loads(CliRunner().invoke(tasks_command, ["--json"]).output)
    assert listed["detect"] == "One fact anywhere in the text, the question at the end: who is where?"
    assert "memorize" in CliRunner().invoke(tasks_command).output


def test_backgrounds_are_listed_with_what_they_are() -> None:
    listed = json.loads(CliRunner().invoke(backgrounds_command, ["--json"]).output)
    assert set(listed) >= {"prose", "text"}
