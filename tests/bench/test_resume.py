"""A run that was disturbed goes on where it stood, and comes to what an undisturbed one comes to."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from rmt_bench.base.errors import IncompleteError
from rmt_bench.bench.evaluate import evaluate
from rmt_bench.bench.record import RunFolder
from rmt_bench.generators.dataset import Dataset, generate_dataset

from .toys import Noisy, Rolling, outcome

#: Segments of 32 tokens in a document of 2,000.
_LONG = 62


def _same(one: Path, other: Path) -> None:
    pd.testing.assert_frame_equal(outcome(one), outcome(other))


@pytest.mark.parametrize("toy", [Rolling, Noisy])
@pytest.mark.parametrize("stored", [False, True], ids=["on the fly", "from a data set"])
def test_a_reading_that_was_interrupted_goes_on_where_it_stood(make_plan, byte_bpe, tmp_path, toy, stored):
    plan = make_plan("detect", "2000,100", samples=5)
    samples = Dataset(generate_dataset(plan, tmp_path / "data")) if stored else plan
    whole = toy(byte_bpe)
    evaluate(whole, samples, tmp_path / "whole", name="toy", batch_size=2)
    reads = []
    for stops_at in (50, 30, 40, 500):
        model = toy(byte_bpe, stops_at)
        try:
            evaluate(model, samples, tmp_path / "torn", name="toy", batch_size=2, checkpoint_every=8)
        except KeyboardInterrupt:
            reads.append(model.reads - 1)
    reads.append(model.reads)
    _same(tmp_path / "whole", tmp_path / "torn")
    again = sum(reads) - whole.reads
    assert len(reads) == 4
    assert 0 < again <= 8 * 3
    assert not (tmp_path / "torn" / "partial").exists()


def test_finished_batches_of_an_unfinished_unit_are_not_read_again(make_plan, byte_bpe, tmp_path):
    plan = make_plan("detect", "200", samples=9)
    with pytest.raises(KeyboardInterrupt):
        evaluate(Rolling(byte_bpe, 50), plan, tmp_path, name="toy", batch_size=1, checkpoint_every=1)
    model = Rolling(byte_bpe)
    evaluate(model, plan, tmp_path, name="toy", batch_size=1, checkpoint_every=1)
    assert model.reads == 9 * 6 - 49


def test_with_another_batch_size_the_reading_is_begun_again_and_nothing_else(make_plan, byte_bpe, tmp_path):
    plan = make_plan("detect", "2000", samples=6)
    evaluate(Rolling(byte_bpe), plan, tmp_path / "whole", name="toy", batch_size=2)
    with pytest.raises(KeyboardInterrupt):
        evaluate(Rolling(byte_bpe, 100), plan, tmp_path / "torn", name="toy", batch_size=2, checkpoint_every=10)
    model = Rolling(byte_bpe)
    evaluate(model, plan, tmp_path / "torn", name="toy", batch_size=3, checkpoint_every=10)
    assert model.reads == 2 * _LONG
    _same(tmp_path / "whole", tmp_path / "torn")


def test_a_state_that_cannot_be_saved_is_said_once_and_the_rest_is_kept(make_plan, byte_bpe, tmp_path):
    class Closed(Rolling):
        def start(self, batch_size):
            return {**super().start(batch_size), "live": lambda: 0}

    plan, heard = make_plan("detect", "2000", samples=4), []
    model = Closed(byte_bpe, 100)
    with pytest.raises(KeyboardInterrupt):
        evaluate(model, plan, tmp_path, name="toy", batch_size=2, checkpoint_every=5, notice=heard.append)
    assert len(heard) == 1
    assert "holds a function" in heard[0]
    again = Closed(byte_bpe)
    evaluate(again, plan, tmp_path, name="toy", batch_size=2, checkpoint_every=5, notice=heard.append)
    assert again.reads == _LONG
    assert len(RunFolder(tmp_path).records()) == 4


def test_a_damaged_journal_is_said_and_its_unit_begun_again(make_plan, byte_bpe, tmp_path):
    plan, heard = make_plan("detect", "2000", samples=2), []
    with pytest.raises(KeyboardInterrupt):
        evaluate(Rolling(byte_bpe, 50), plan, tmp_path, name="toy", checkpoint_every=5)
    (journal,) = (tmp_path / "partial").iterdir()
    journal.write_bytes(journal.read_bytes()[:100])
    model = Rolling(byte_bpe)
    evaluate(model, plan, tmp_path, name="toy", checkpoint_every=5, notice=heard.append)
    assert model.reads == _LONG
    assert "begun again" in heard[0]


def test_a_full_disk_while_a_state_is_saved_does_not_end_the_run(make_plan, byte_bpe, tmp_path, monkeypatch):
    def full(*args: Any, **more: Any) -> None:
        raise IncompleteError("no room for it")

    heard: list[str] = []
    monkeypatch.setattr("safetensors.torch.save_file", full)
    model = Rolling(byte_bpe)
    evaluate(model, make_plan("detect", "2000"), tmp_path, name="toy", checkpoint_every=5, notice=heard.append)
    assert len(heard) == 1
    assert "not saved (IncompleteError: no room for it)" in heard[0]
    assert set(RunFolder(tmp_path).records()["status"]) == {"answered"}


_PLUGIN = """
import os
from toys import Noisy
from rmt_bench.generators.tokens import load_tokenizer


def make(tokenizer, log):
    class Logged(Noisy):
        def read(self, state, segment):
            os.write(file, b"r" * len(segment))
            return super().read(state, segment)

    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    return Logged(load_tokenizer(tokenizer))
"""


@pytest.mark.slow
def test_kill_at_ten_random_instants_changes_no_record_and_repeats_few_segments(story, byte_bpe, tmp_path):
    byte_bpe.save_pretrained(tmp_path / "tokenizer")
    (tmp_path / "plugin.py").write_text(_PLUGIN)
    every, batch = 100, 2

    def start(output: str) -> subprocess.Popen[str]:
        call = [
            sys.executable, "-m", "rmt_bench", "eval", f"{tmp_path}/plugin.py:make", "--tasks", "detect,memorize",
            "--lengths", "100,20k", "--samples", "6", "--batch-size", str(batch), "--background", str(story),
            "--model-arg", f"tokenizer={tmp_path}/tokenizer", "--model-arg", f"log={log}",
            "--checkpoint-every", str(every), "--output", str(tmp_path / output), "--name", "toy",
        ]  # fmt: skip
        paths = {"PYTHONPATH": str(Path(__file__).parent), "RMT_BENCH_CACHE": str(tmp_path / "cache")}
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(call, env={**os.environ, **paths}, **pipes)

    log, dice, midway = tmp_path / "log", random.Random(7), 0
    assert start("whole").wait() == 0
    whole = log.stat().st_size
    log.write_bytes(b"")
    for number in range(10):
        process, before = start("killed"), log.stat().st_size
        if number % 5 == 0:
            time.sleep(dice.uniform(0.5, 5))
        else:
            enough = before + dice.randint(1, whole // 8)
            while log.stat().st_size < enough and process.poll() is None:
                time.sleep(0.001)
        assert process.poll() is None
        process.kill()
        process.wait()
        midway += any((tmp_path / "killed").glob("partial/*.safetensors"))
    process = start("killed")
    assert process.wait() == 0, process.stderr and process.stderr.read()
    assert midway >= 5
    _same(tmp_path / "whole", tmp_path / "killed")
    assert whole <= log.stat().st_size <= whole + 10 * every * batch
    assert not list((tmp_path / "killed").rglob("*.tmp"))


def test_the_random_stream_of_a_batch_does_not_depend_on_those_before_it(make_plan, byte_bpe, tmp_path):
    evaluate(Noisy(byte_bpe), make_plan("detect", "200,400"), tmp_path / "both", name="toy")
    torch.manual_seed(3)
    evaluate(Noisy(byte_bpe), make_plan("detect", "400"), tmp_path / "one", name="toy")
    both = outcome(tmp_path / "both")
    pd.testing.assert_frame_equal(both[both["length"] == "400"], outcome(tmp_path / "one"))


class _Small(Rolling):
    """Has memory for two documents at once, which it finds out in the middle of reading more."""

    def _mixed(self, state, segment):
        if len(segment) > 2 and state["steps"][0] > 30:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super()._mixed(state, segment)


def test_half_a_batch_that_was_interrupted_is_gone_on_with_though_the_whole_does_not_fit(make_plan, byte_bpe, tmp_path):
    plan = make_plan("detect", "2000", samples=4)
    model = _Small(byte_bpe, 31 + 1 + 50)
    with pytest.raises(KeyboardInterrupt):
        evaluate(model, plan, tmp_path, name="toy", batch_size=4, checkpoint_every=10)
    again = _Small(byte_bpe)
    evaluate(again, plan, tmp_path, name="toy", batch_size=4, checkpoint_every=10)
    assert again.reads <= 2 * _LONG - 50 + 10
    assert set(RunFolder(tmp_path).records()["status"]) == {"answered"}


class _Moody(Rolling):
    """Raises when it is first asked."""

    def answer(self, state, prompts, choices):
        if not self.asked:
            self.asked += 1
            raise RuntimeError("no luck")
        return super().answer(state, prompts, choices)


def test_a_batch_that_failed_and_is_tried_again_costs_the_interrupted_one_nothing(make_plan, byte_bpe, tmp_path):
    plan = make_plan("detect", "2000", samples=4)
    with pytest.raises(KeyboardInterrupt):
        evaluate(_Moody(byte_bpe, _LONG + 50), plan, tmp_path / "torn", name="toy", batch_size=2, checkpoint_every=70)
    # the failure of the first batch was kept, and where the second one stood
    with pytest.raises(KeyboardInterrupt):
        evaluate(Rolling(byte_bpe, 40), plan, tmp_path / "torn", name="toy", batch_size=2, checkpoint_every=1000)
    model = Rolling(byte_bpe)
    evaluate(model, plan, tmp_path / "torn", name="toy", batch_size=2, checkpoint_every=1000)
    evaluate(Rolling(byte_bpe), plan, tmp_path / "whole", name="toy", batch_size=2)
    _same(tmp_path / "whole", tmp_path / "torn")
    assert model.reads < 2 * _LONG


def test_with_fewer_samples_a_unit_takes_no_more_than_its_own_from_an_interrupted_pass(make_plan, byte_bpe, tmp_path):
    many, few = (make_plan("memorize", "1k,2k", samples=count) for count in (6, 1))
    how: dict[str, Any] = {"name": "toy", "batch_size": 1, "one_pass": True, "checkpoint_every": 1}
    with pytest.raises(KeyboardInterrupt):
        evaluate(Rolling(byte_bpe, 150), many, tmp_path, **how)
    evaluate(Rolling(byte_bpe), few, tmp_path, **how)
    assert len(RunFolder(tmp_path).records()) == 2
