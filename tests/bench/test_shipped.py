"""What ships does what README says of it. Slow: real readings, up to two million tokens."""

import json
import subprocess
import sys

import pandas as pd
import pytest

from rmt_bench.bench.evaluate import evaluate
from rmt_bench.bench.model import load_model
from rmt_bench.bench.models.shipped import CHECKPOINTS
from rmt_bench.generators.generate import generate
from rmt_bench.leaderboard.metrics import curve

SEED = 7  # no training, and no figure of the docs, has seen it


def _curve(model: str, folder, tasks: str, lengths: str, samples: int) -> pd.DataFrame:
    loaded = load_model(model)
    plan = generate(tasks.split(","), lengths, samples=samples, seed=SEED, segment_length=loaded.segment_length)
    return curve(evaluate(loaded, plan, folder, name=model).folder).set_index(["task", "length"])


SHIPPED = sorted(folder.name for folder in CHECKPOINTS.iterdir())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_checkpoint_says_how_it_was_made_and_answers_by_its_name(name, tmp_path):
    training = json.loads((CHECKPOINTS / name / "checkpoint.json").read_text())["training"]
    assert training["command"].startswith("rmt-bench train ")
    assert f"--seed {training['recipe']['seed']}" in training["command"]
    assert {"steps", "seconds", "stages", "date", "versions", "hardware"} <= training.keys()
    assert training["samples"]["split"] == "train"
    task = next(iter(training["samples"]["tasks"]))
    length = "1seg" if name == "window-tiny" else "4seg"  # a window of 64 tokens sees no more
    assert _curve(name, tmp_path, task, length, 64)["accuracy"].min() >= 0.9


def test_five_architectures_were_trained_on_the_same_samples_for_as_long():
    five = [name for name in SHIPPED if name.endswith("-tiny")]
    said = [json.loads((CHECKPOINTS / name / "checkpoint.json").read_text()) for name in five]
    assert len({one["model"] for one in said}) == len(said) == 5
    for what in ("steps", "recipe", "samples"):
        assert len({json.dumps(one["training"][what], sort_keys=True) for one in said}) == 1, what


def test_checkpoints_are_small():
    sizes = [sum(file.stat().st_size for file in (CHECKPOINTS / name).iterdir()) for name in SHIPPED]
    assert max(sizes) < 3_000_000
    assert sum(sizes) < 12_000_000


def test_rmt_tiny_answers_a_few_questions_within_its_curriculum(tmp_path):
    assert _curve("rmt-tiny", tmp_path, "detect", "1..7seg", 16)["accuracy"].min() >= 15 / 16


@pytest.mark.slow
def test_rmt_tiny_is_right_at_the_segments_of_its_curriculum_and_far_beyond(tmp_path):
    table = _curve("rmt-tiny", tmp_path, "detect", "1..7seg,64seg", 500)
    assert (table["n"] == 500).all()
    assert table["accuracy"].min() >= 0.99


@pytest.mark.slow
def test_rmt_tiny_reads_two_million_tokens_and_answers(tmp_path):
    table = _curve("rmt-tiny", tmp_path, "detect", "31936seg", 4)
    row = table.iloc[0]
    assert (row["segments"], row["n_tokens"], row["correct"]) == (31_936, 2_043_904, 4)


@pytest.mark.slow
def test_rmt_tiny_reasoning_reasons_within_its_curriculum_and_far_beyond(tmp_path):
    table = _curve("rmt-tiny-reasoning", tmp_path, "reasoning", "7seg,64seg", 500)
    assert (table["n"] == 500).all()
    assert table.loc[("reasoning", "7seg"), "accuracy"] >= 0.97
    assert table.loc[("reasoning", "64seg"), "accuracy"] >= 0.9


@pytest.mark.slow
def test_memory_does_not_grow_with_the_text(tmp_path):
    def peak(length: str, run: str, model: str = "rmt-tiny") -> int:
        call = [sys.executable, "-m", "rmt_bench", "eval", model, "--tasks", "detect", "--lengths", length]
        call += ["--samples", "1", "--seed", str(SEED), "--output", str(tmp_path / run), "--json"]
        told = subprocess.run(call, check=True, capture_output=True, text=True).stdout
        return json.loads(told)["curve"][0]["peak_memory_bytes"]

    peak("2M", "first", "random")  # so that the readings below find the filler indexed
    assert peak("2M", "long") <= 1.10 * peak("32k", "short")


@pytest.mark.slow
def test_the_oracle_is_always_right_and_random_is_at_chance(tmp_path):
    tasks = "memorize,detect,reasoning,qa1"
    oracle = _curve("oracle", tmp_path / "oracle", tasks, "0,4k,128k", 100)
    assert (oracle["accuracy"] == 1).all()
    assert (_curve("oracle", tmp_path / "far", tasks, "2M", 2)["accuracy"] == 1).all()
    guessed = _curve("random", tmp_path / "random", tasks, "0,4k", 400)
    assert (guessed["chance"].round(4) == round(1 / 6, 4)).all()
    outside = (guessed["ci_low"] > guessed["chance"]) | (guessed["ci_high"] < guessed["chance"])
    assert outside.sum() <= 2  # of 8 intervals at 95%
