"""Training as a user starts it: every option together, interrupted and taken up again, and shared by processes."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner
from safetensors.torch import load_file

from rmt_bench.base.errors import UserError
from rmt_bench.base.files import sole_writer
from rmt_bench.bench.snapshot import Snapshot
from rmt_bench.bench.train_command import train_command

_MODEL = ("rmt", "--model-arg", "hidden=16", "--model-arg", "heads=2", "--model-arg", "segment_length=32")
_SHORT = (
    "--tasks", "detect", "--curriculum", "1,2seg", "--roll", "none", "--promote", "0", "--batch-size", "4",
    "--decay-steps", "6", "--save-every", "4", "--quiet", "--device", "cpu",
)  # fmt: skip
_EVERYTHING = (
    "--model-arg", "memory_deadband=0.3", "--streams", "8", "--stream-length", "5", "--average", "0.9", "--tensorboard",
    "--precision", "bf16",
)  # fmt: skip


def _call(story, folder, *more: str) -> list[str]:
    return [*_MODEL, *_SHORT, "--background", str(story), "--output", str(folder), *more]


def _train(story, folder, *more: str) -> None:
    done = CliRunner().invoke(train_command, _call(story, folder, *more), catch_exceptions=False)
    assert done.exit_code == 0, done.output


def _weights(folder) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def _log(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]


class _InterruptError(Exception):
    pass


@pytest.mark.parametrize("more", [(), _EVERYTHING], ids=["plain", "everything"])
def test_an_interrupted_training_comes_to_the_same_weights(story, tmp_path, monkeypatch, more):
    _train(story, tmp_path / "whole", *more)
    log = Snapshot.log

    def stop(self, line):
        log(self, line)
        if line["step"] == 43:
            raise _InterruptError

    with monkeypatch.context() as patch:
        patch.setattr(Snapshot, "log", stop)
        with pytest.raises(_InterruptError):
            CliRunner().invoke(train_command, _call(story, tmp_path / "cut", *more), catch_exceptions=False)
    assert (tmp_path / "cut" / "resume.safetensors").is_file()
    _train(story, tmp_path / "cut", *more)
    assert _weights(tmp_path / "cut") == _weights(tmp_path / "whole")
    assert _log(tmp_path / "cut") == _log(tmp_path / "whole")


def test_a_checkpoint_says_with_what_it_was_trained(story, tmp_path):
    _train(story, tmp_path / "ck", *_EVERYTHING)
    said = json.loads((tmp_path / "ck" / "checkpoint.json").read_text())
    assert said["options"]["memory_deadband"] == 0.3
    assert said["training"]["recipe"]["average"] == 0.9
    assert said["training"]["recipe"]["carried"]["batches"] == 2
    assert said["training"]["precision"] == "bf16"
    assert said["training"]["trained_segments"] == {"gradient": 2, "memory": 5}


def test_tensorboard_shows_what_the_log_holds(story, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    _train(story, tmp_path / "ck", "--tensorboard")
    logged = _log(tmp_path / "ck")
    events = EventAccumulator(str(tmp_path / "ck" / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {"loss", "accuracy", "recent_accuracy", "rate", "segments"}
    for name in ("loss", "accuracy", "rate"):
        assert [one.step for one in events.Scalars(name)] == [line["step"] for line in logged]
        assert [one.value for one in events.Scalars(name)] == pytest.approx([line[name] for line in logged], rel=1e-5)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--streams", "6"), "--streams 6 is no multiple of --batch-size 4"),
        (("--total-steps", "6"), "--total-steps 6 leaves nothing before the decay"),
        (("--model-arg", "memory_deadband=much"), "memory_deadband is a number from 0 on"),
    ],
)
def test_a_wrong_call_names_the_remedy(story, tmp_path, more, says):
    with pytest.raises(UserError, match=says):
        _train(story, tmp_path / "ck", *more)


def _launch(story, folder, *more: str) -> subprocess.CompletedProcess:
    # accelerate starts several processes on processors only where it is told that they were several accelerators.
    launch = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1",
              "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]  # fmt: skip
    call = [sys.executable, *launch, "-m", "rmt_bench", "train", *_call(story, folder, *more)]
    return subprocess.run(call, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})


@pytest.mark.slow
def test_two_processes_share_each_batch_come_to_what_one_does_and_go_on_from_an_interruption(story, tmp_path):
    plain = ("--model-arg", "memory_noise=0", "--average")
    _train(story, tmp_path / "one", *plain)
    done = _launch(story, tmp_path / "two", *plain)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("trained; see how far it reads") == 1
    assert json.loads((tmp_path / "two" / "checkpoint.json").read_text())["training"]["processes"] == 2
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    assert max((two[name] - tensor).abs().max() for name, tensor in one.items()) < 1e-5
    logs = [_log(tmp_path / name) for name in ("one", "two")]
    assert [line["accuracy"] for line in logs[0]] == [line["accuracy"] for line in logs[1]]
    assert [line["loss"] for line in logs[0]] == pytest.approx([line["loss"] for line in logs[1]], rel=1e-4)

    stopped = _launch(story, tmp_path / "cut", *plain, "--max-steps", "9")
    assert stopped.returncode != 0
    assert "was not learned in 9 steps" in stopped.stderr
    resumed = _launch(story, tmp_path / "cut", *plain)
    assert resumed.returncode == 0, resumed.stderr
    assert _weights(tmp_path / "cut") == _weights(tmp_path / "two")
    assert _log(tmp_path / "cut") == logs[1]


def test_two_trainings_do_not_write_to_one_folder_at_once(story, tmp_path):
    with sole_writer(tmp_path):
        done = CliRunner().invoke(train_command, _call(story, tmp_path), standalone_mode=False)
    with pytest.raises(UserError, match="another process is writing to"):
        raise done.exception or AssertionError(done.output)


def test_what_a_killed_training_left_half_written_is_removed(story, tmp_path):
    (tmp_path / ".resume.safetensors.abc.tmp").write_bytes(b"half")
    _train(story, tmp_path)
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_training_that_is_refused_leaves_no_folder_behind(story, tmp_path):
    call = ["oracle", *_SHORT, "--background", str(story), "--output", str(tmp_path / "new")]
    done = CliRunner().invoke(train_command, call, standalone_mode=False)
    assert isinstance(done.exception, UserError)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (("--hold", "1"), "--hold is of carried streams: give --streams too"),
        (("--stream-length", "9"), "--stream-length is of carried streams: give --streams too"),
        (("--roll-rate", "0.1"), "no stage rolls: leave out --roll-rate"),
        (("--curriculum", "\u00b2"), "takes segments such as"),
    ],
)
def test_options_that_would_do_nothing_are_refused(story, tmp_path, more, complaint):
    done = CliRunner().invoke(train_command, _call(story, tmp_path / "new", *more), standalone_mode=False)
    with pytest.raises(UserError, match=complaint):
        raise done.exception or AssertionError(done.output)
