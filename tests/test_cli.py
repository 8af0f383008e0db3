"""The command line as a user meets it: what it prints, where it goes, and its exit codes."""

import json
import sys
from dataclasses import dataclass

import pandas as pd
import pytest

from rmt_bench.cli import main

GRU = """
import torch
from rmt_bench import load_tokenizer

class GRU(torch.nn.Module):
    segment_length = 64
    def __init__(self, width=32):
        super().__init__()
        self.tokenizer = load_tokenizer()
        self.embedding = torch.nn.Embedding(len(self.tokenizer), width)
        self.gru, self.head = torch.nn.GRU(width, width, batch_first=True), torch.nn.Linear(width, 6)
    def start(self, batch_size): return torch.zeros(1, batch_size, self.head.in_features)
    def read(self, state, segment): return self.gru(self.embedding(segment), state)[1]
    def score(self, state, prompts, choices):
        rows = [self.read(state[:, i:i + 1].contiguous(), prompt[None]) for i, prompt in enumerate(prompts)]
        return self.head(torch.cat(rows, 1)[-1])
"""


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def rmt_bench(tmp_path, story, monkeypatch, capsys):
    """Runs `rmt-bench ARGUMENTS` in an empty folder; "STORY" stands for a file of plain text."""
    (tmp_path / "gru.py").write_text(GRU)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Done:
        words = [str(story) if word == "STORY" else word for word in arguments]
        monkeypatch.setattr(sys, "argv", ["rmt-bench", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Done(int(ended.value.code or 0), printed.out, printed.err)

    return run


_SMALL = ("--tasks", "detect", "--lengths", "0", "--samples", "2", "--background", "STORY")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (["evil", "random"], "unknown command 'evil'; did you mean 'eval'"),
        (["eval", "rmt-tinny", *_SMALL], "unknown model 'rmt-tinny'; did you mean 'rmt-tiny'"),
        (["eval", "random", "--tasks", "detekt", "--lengths", "0"], "unknown task 'detekt'; did you mean 'detect'"),
        (["eval", "random", "--tasks", "qa21", "--lengths", "0"], "unknown task 'qa21'; did you mean"),
        (["eval", "random", "--tasks", "detect", "--lengths", "4q"], "not a length: '4q'; write 0, 512, 4k"),
        (["eval", "random", "--tasks", "detect"], "give --tasks and --lengths"),
        (["eval", "random", *_SMALL[:4], "--background", "prosa"], "unknown background 'prosa'; did you mean 'prose'"),
        (["eval", "random", *_SMALL[:4], "--background", "text:missing"], "no such file or folder: missing"),
        (["eval", "random", *_SMALL[:4], "--background", "./empty"], "empty"),
        (["eval", "random", *_SMALL, "--tokenizer", "no/such"], "no tokenizer could be loaded from 'no/such'"),
        (["eval", "random", *_SMALL, "--model-arg", "width"], "--model-arg takes KEY=VALUE"),
        (["eval", "random", *_SMALL, "--model-arg", "width=1"], "takes no option 'width'"),
        (["eval", "random", *_SMALL, "--device", "gpuu"], ""),
        (["eval", "gru.py:GUR", *_SMALL], "has no factory 'GUR'; did you mean 'GRU'"),
        (["eval", "random", *_SMALL, "--output", "full"], "holds something that is no run"),
        (["eval", "random", "--data", "full"], "holds no data set"),
        (["generate", *_SMALL, "--output", "full"], "holds something that is no data set"),
        (["generate", *_SMALL[:2], "--output", "new"], "Missing option '--lengths'"),
        (["train", "random", "--tasks", "detect", "--output", "new", "--background", "STORY"], "cannot be trained"),
        (["train", "rmt", "--tasks", "detect", "--output", "n", "--curriculum", "7..1"], "growing numbers of segments"),
        (["leaderboard", "build", "full", "--output", "site"], "holds no run"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_one_line_with_the_remedy_and_exit_code_2(rmt_bench, tmp_path, call, says):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("years of work")
    (tmp_path / "empty").mkdir()
    done = rmt_bench(*call)
    if not says:
        assert done.returncode == 0  # `random` has no weights: any device will do
        return
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.splitlines()) == 1
    assert [file.name for file in (tmp_path / "full").iterdir()] == ["thesis.tex"]


def test_a_plugin_of_ten_lines_is_evaluated_and_its_curve_drawn(rmt_bench, tmp_path):
    done = rmt_bench(
        "eval", "gru.py:GRU", "--model-arg", "width=8", "--tasks", "detect,memorize", "--lengths", "0,300",
        "--samples", "5", "--background", "STORY", "--output", "run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "curve: run/curve.png" in done.stdout
    table = pd.read_csv(tmp_path / "run" / "curve.csv")
    assert list(zip(table["task"], table["length"].astype(str), table["n"], strict=True)) == [
        (task, length, 5) for task in ("detect", "memorize") for length in ("0", "300")
    ]
    assert (tmp_path / "run" / "curve.png").stat().st_size > 10_000


def test_the_curve_as_json_is_all_there_is_on_standard_output(rmt_bench):
    done = rmt_bench("eval", "majority", *_SMALL, "--json")
    told = json.loads(done.stdout)
    assert told["curve"][0]["n"] == 2
    assert told["run"].startswith("runs/majority-")


def test_a_model_that_fails_ends_with_exit_code_1_and_keeps_the_rest(rmt_bench, tmp_path):
    (tmp_path / "moody.py").write_text(
        GRU + "class Moody(GRU):\n"
        "    def read(self, state, segment):\n"
        "        if segment.shape[1] == 64: raise RuntimeError('not today')\n"
        "        return super().read(state, segment)\n"
    )
    done = rmt_bench("eval", "moody.py:Moody", *_SMALL[:2], "--lengths", "0,300", *_SMALL[4:], "--output", "run")
    assert done.returncode == 1
    assert done.stderr == (
        "Error: 2 questions ended in an error (the first: RuntimeError: not today); the rest is kept, and the same "
        "command asks those again\n"
    )
    assert pd.read_csv(tmp_path / "run" / "curve.csv")["n_error"].tolist() == [0, 2]


def test_runs_become_a_board(rmt_bench, tmp_path):
    for model in ("random", "majority"):
        assert rmt_bench("eval", model, *_SMALL, "--output", f"runs/{model}").returncode == 0
    done = rmt_bench("leaderboard", "build", "runs", "--output", "site")
    assert done.stdout == "page: site/index.html\ntable: site/leaderboard.csv\n"
    assert set(pd.read_csv(tmp_path / "site" / "leaderboard.csv")["model"]) == {"random", "majority"}


def test_training_writes_a_checkpoint_that_eval_takes(rmt_bench, tmp_path):
    done = rmt_bench(
        "train", "gru.py:GRU", "--tasks", "detect", "--output", "ck", "--background", "STORY", "--curriculum", "1seg",
        "--roll", "none", "--promote", "0", "--decay-steps", "2", "--batch-size", "2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    training = json.loads((tmp_path / "ck" / "checkpoint.json").read_text())["training"]
    assert [stage["stage"] for stage in training["stages"]] == ["1 segment", "decay"]
    assert training["trained_segments"] == {"gradient": 1, "memory": 1}
    assert not (tmp_path / "ck" / "resume.safetensors").exists()
    assert rmt_bench("eval", "ck", *_SMALL).returncode == 0
    assert "holds a trained model" in rmt_bench("train", "gru.py:GRU", "--tasks", "detect", "--output", "ck").stderr


@pytest.mark.parametrize("command", ["tasks", "models", "backgrounds"])
def test_what_there_is_is_listed_for_people_and_for_machines(rmt_bench, command):
    listed = json.loads(rmt_bench(command, "--json").stdout)
    assert listed
    assert all(name in rmt_bench(command).stdout and what for name, what in listed.items())


_REPORT = ["memorize", "detect", "reasoning"]


def test_a_task_and_a_model_say_what_they_are_and_what_can_be_set(rmt_bench):
    told = " ".join(rmt_bench("tasks", "qa1").stdout.split())
    assert all(part in told for part in ("who is where?", "`paraphrase` words facts", "unanswerable 0.0", "? -> "))
    assert "half" not in json.loads(rmt_bench("tasks", "qa1", "--json").stdout)["knobs"]
    assert "... and 88 more" in rmt_bench("tasks", "niah_multikey_2").stdout
    described = json.loads(rmt_bench("tasks", "qa1", "--json").stdout)
    assert described["knobs"]["facts"] == 0
    assert described["example"]["questions"][0]["answer"] in described["example"]["questions"][0]["choices"]
    assert list(json.loads(rmt_bench("tasks", "report", "--json").stdout)) == [*_REPORT, "report"]
    options = json.loads(rmt_bench("models", "rmt", "--json").stdout)["options"]
    assert options["memory_tokens"] == 8
    assert options["memory_deadband"] == 0
    assert "backbone" not in options  # it stands behind a colon
    shipped = json.loads(rmt_bench("models", "rmt-tiny-reasoning", "--json").stdout)["options"]
    assert (shipped["memory_deadband"], shipped["memory_noise"]) == (0.45, 0)  # as its checkpoint has them
    assert "memory_tokens        8" in rmt_bench("models", "rmt").stdout
    for command, name, close in (("tasks", "qa21", "qa2"), ("models", "rtm", "rmt")):
        refused = rmt_bench(command, name)
        assert refused.returncode == 2
        assert f"did you mean '{close}'?" in refused.stderr


def test_what_a_task_or_a_model_must_be_told_is_named(rmt_bench, tmp_path, monkeypatch):
    monkeypatch.setenv("RMT_BENCH_PLUGINS", "")  # it is as before when this ends
    (tmp_path / "parcels_to_be_told.py").write_text(
        "from dataclasses import dataclass\nfrom rmt_bench import Task, model, task\n"
        "@task('parcels')\n@dataclass(frozen=True)\n"
        "class Parcels(Task):\n    'Where are the parcels?'\n\n    town: str\n"
        "@model('to-be-told')\ndef made(*, path, dtype=complex):\n    'My own.'\n"
    )
    plugin = ("--plugin", str(tmp_path / "parcels_to_be_told.py"))
    assert "town        (required)" in rmt_bench(*plugin, "tasks", "parcels").stdout
    assert json.loads(rmt_bench(*plugin, "tasks", "parcels", "--json").stdout)["example"] is None
    assert "path             (required)" in rmt_bench(*plugin, "models", "to-be-told").stdout
    assert json.loads(rmt_bench(*plugin, "models", "to-be-told", "--json").stdout)["options"]["path"] == "(required)"
