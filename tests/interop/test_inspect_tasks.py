"""Our tasks in inspect_ai: found by name, asked of its mock model and of a local server, judged by our scorer."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("inspect_ai", reason="inspect_ai is not installed: pip install 'rmt-bench[inspect]'")
import inspect_ai
from inspect_ai.model import ModelOutput, ModelUsage, get_model

from rmt_bench.bench.models.baselines import entailed
from rmt_bench.generators.generate import generate
from rmt_bench.generators.plan import Plan
from rmt_bench.leaderboard.board import make_board
from rmt_bench.leaderboard.inspect_logs import import_inspect
from rmt_bench.tasks.registry import TASKS


def _mock(answer) -> Any:
    """inspect's mock model with answers of ours; it counts no tokens, for which it would go to the network."""

    def said(messages, tools, choice, config):
        output = ModelOutput.from_content("mockllm/model", answer(messages[-1].text))
        output.usage = ModelUsage()
        return output

    return get_model("mockllm/model", custom_outputs=said)


def _read(prompt: str) -> str:
    """What the text of a `babilong` prompt entails."""
    context = prompt.split("<context>\n")[-1].split("\n</context>")[0]
    return entailed(context, prompt.rsplit("Question: ", 1)[1].split("\n")[0])


def _eval(tmp_path: Path, task: str, model: Any, **arguments: Any) -> Any:
    (log,) = inspect_ai.eval(
        task, model=model, task_args=arguments, log_dir=str(tmp_path), display="none", fail_on_error=False
    )
    return log


def test_every_task_of_ours_is_one_of_theirs_and_those_of_babi_are_called_babilong():
    from inspect_ai._util.registry import registry_lookup

    for name in TASKS.names():
        called = f"babilong_{name}" if name.startswith("qa") else name
        assert registry_lookup("task", f"rmt_bench/{called}"), name


@pytest.mark.slow
def test_an_inspect_task_has_the_samples_of_our_own_call_and_a_reader_answers_all_of_them(tmp_path):
    log = _eval(tmp_path, "rmt_bench/babilong_qa1", _mock(_read), length="300", samples=3, seed=7)
    plan = generate(["qa1"], "300", samples=3, seed=7)
    assert isinstance(plan, Plan)
    assert [sample.metadata["id"] for sample in log.samples] == [sample.id for sample in plan]
    assert all(sample.text in asked.input for sample, asked in zip(plan, log.samples, strict=True))
    (score,) = log.results.scores
    assert (score.name, score.metrics["accuracy"].value) == ("strict", 1.0)


@pytest.mark.slow
def test_the_scorer_is_ours_and_several_lengths_are_told_apart(tmp_path):
    answers = iter(["the garden, or the kitchen", "gardens"] * 2)
    log = _eval(tmp_path, "rmt_bench/detect", _mock(lambda prompt: next(answers)), length=["0", "200"], samples=2)
    told = [sample.scores["strict"] for sample in log.samples]
    assert {score.metadata["status"] for score in told} == {"invalid"}
    assert {score.metadata["reason"] for score in told} == {"several labels", "no label"}
    assert set(log.results.scores[0].metrics) >= {"0", "200", "all"}
    row = make_board(import_inspect(log.location, tmp_path / "runs").runs).rows
    assert row[["task", "length", "n", "correct"]].to_numpy().tolist() == [
        ["detect", "0", 2, 0],
        ["detect", "200", 2, 0],
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "message"), [({"length": "4x"}, "not a length"), ({"prompt": "no"}, "unknown prompt")]
)
def test_a_wrong_argument_is_told_in_one_line(tmp_path, wrong, message):
    from inspect_ai._util.error import PrerequisiteError

    with pytest.raises(PrerequisiteError) as caught:
        _eval(tmp_path, "rmt_bench/detect", _mock(_read), **wrong)
    assert message in str(caught.value)


@pytest.mark.slow
def test_a_local_server_answers_an_inspect_task(tmp_path, monkeypatch):
    pytest.importorskip("openai", reason="openai is not installed: pip install 'rmt-bench[server]'")
    server = _module("misbehaving_server")
    behaviour = server.Behaviour(_read)
    with server.serving(behaviour) as url:
        monkeypatch.setenv("LOCAL_BASE_URL", url)
        monkeypatch.setenv("LOCAL_API_KEY", "none")
        log = _eval(tmp_path, "rmt_bench/babilong_qa2", "openai-api/local/fake", length=200, samples=4)
    assert len(behaviour.requests) == 4
    assert log.results.scores[0].metrics["accuracy"].value == 1.0


def _module(name: str) -> Any:
    """A module of the tests of another room."""
    path = Path(__file__).parents[1] / "bench" / "models" / f"{name}.py"
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
