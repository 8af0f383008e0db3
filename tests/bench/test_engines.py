"""Whoever does the work, here or elsewhere, and whatever happens to them: the records are the same."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from rmt_bench.base.crew import Lost, Told
from rmt_bench.base.engine import Engine
from rmt_bench.base.errors import IncompleteError, UserError
from rmt_bench.bench.engines import Workers, _Losses, _worker
from rmt_bench.bench.evaluate import evaluate
from rmt_bench.bench.jobs import Job, Settings
from rmt_bench.bench.record import RunFolder
from rmt_bench.bench.setup import Setup
from rmt_bench.generators.plan import Unit

from .toys import Rolling, outcome

#: A `Rolling` of its own, which at token `at` hangs, or takes its process along as long as there is no file `but`.
_PLUGIN = """
import os, signal, time
import torch
from transformers import PreTrainedTokenizerFast


class Rolling:
    segment_length = 32

    def __init__(self, tokenizer, at, what, pause):
        self.tokenizer, self.at, self.what, self.pause = tokenizer, at, what, pause

    def start(self, batch_size):
        return torch.zeros(batch_size, dtype=torch.int64)

    def read(self, state, segment):
        time.sleep(self.pause)
        if (segment == self.at).any():
            if self.what == "hang":
                time.sleep(600)
            if self.what == "die":
                os.kill(os.getpid(), signal.SIGKILL)
        for column in segment.unbind(1):
            state = (state * 31 + column) % 1_000_003
        return state

    def answer(self, state, prompts, choices):
        rows = zip(state, prompts, choices)
        return [row[int(self.read(one[None], prompt[None])) % len(row)] for one, prompt, row in rows]


def make(tokenizer, at=-1, what="", pause=0.0):
    return Rolling(PreTrainedTokenizerFast.from_pretrained(tokenizer), at, what, pause)
"""


@pytest.fixture
def setup(tmp_path: Path, byte_bpe: Any) -> Any:
    """Makes setups of the plugin: `setup(at=7, what="hang")`."""
    byte_bpe.save_pretrained(tmp_path / "tokenizer")
    (tmp_path / "plugin.py").write_text(_PLUGIN)

    def made(**options: Any) -> Setup:
        return Setup(f"{tmp_path}/plugin.py:make", {"tokenizer": f"{tmp_path}/tokenizer", **options})

    return made


def _evaluate(setup: Setup, plan: Any, folder: Path, workers: Workers | None = None, **more: Any) -> Any:
    kept = {"tokenizer": setup.options["tokenizer"]}
    return evaluate(setup.spec, plan, folder, options=kept, setup=setup, workers=workers, **more)


def _only_in(plan: Any, number: int) -> int:
    """A token of sample `number` of the first unit that no other sample has."""
    texts = [{int(t) for piece in sample.document.tokens() for t in piece} for sample in plan.samples(plan.units()[0])]
    return min(texts[number].difference(*texts[:number], *texts[number + 1 :]))


@pytest.mark.slow
def test_two_workers_give_the_records_of_one_process(make_plan, setup, tmp_path):
    plan, heard = make_plan("detect,memorize", "100,400", samples=70), []
    _evaluate(setup(), plan, tmp_path / "one")
    two = Workers(Engine(workers=2))
    _evaluate(setup(), plan, tmp_path / "two", two, progress=lambda unit, tokens: heard.append(tokens))
    pd.testing.assert_frame_equal(outcome(tmp_path / "one"), outcome(tmp_path / "two"))
    assert sum(heard) == 2 * 70 * (96 + 384)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "timeout", "reason"),
    [("hang", 5, "no sign of life for 5 s"), ("die", None, r"its process died (SIGKILL), 2 times")],
)
def test_a_plugin_that_hangs_or_dies_spoils_its_batch_and_the_next_call_asks_that_again(
    make_plan, setup, tmp_path, what, timeout, reason
):
    plan = make_plan("detect", "400", samples=8)
    _evaluate(setup(), plan, tmp_path / "whole", batch_size=2)
    broken = setup(at=_only_in(plan, 5), what=what)
    spoiled = _evaluate(broken, plan, tmp_path / "torn", Workers(Engine(), timeout), batch_size=2)
    assert [(failure.count, failure.reason) for failure in spoiled.failures] == [(2, reason)]
    records = RunFolder(tmp_path / "torn").records().sort_values("index")
    assert records["status"].tolist() == ["answered"] * 4 + ["error"] * 2 + ["answered"] * 2
    assert _evaluate(setup(), plan, tmp_path / "torn", batch_size=2).errors == 0
    pd.testing.assert_frame_equal(outcome(tmp_path / "whole"), outcome(tmp_path / "torn"))


@pytest.mark.slow
def test_the_work_of_a_killed_worker_is_gone_on_with_by_the_next_one(make_plan, setup, tmp_path):
    plan, killed = make_plan("detect", "4k", samples=6), []
    _evaluate(setup(), plan, tmp_path / "whole", batch_size=3)

    def kill(unit: Unit, tokens: int | None) -> None:
        import multiprocessing

        if tokens and not killed:
            (child,) = multiprocessing.active_children()
            child.kill()
            killed.append(child.pid)

    slow = setup(pause=0.005)
    _evaluate(slow, plan, tmp_path / "torn", Workers(Engine(), 60), batch_size=3, checkpoint_every=10, progress=kill)
    assert killed
    pd.testing.assert_frame_equal(outcome(tmp_path / "whole"), outcome(tmp_path / "torn"))


@pytest.mark.slow
def test_two_nodes_of_ray_of_which_one_is_removed_give_the_records_of_one_process(make_plan, setup, tmp_path, cluster):
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    plan, removed = make_plan("detect,memorize", "200,1k", samples=70), []
    _evaluate(setup(), plan, tmp_path / "one")
    records = tmp_path / "two" / "records"

    def remove(unit: Unit, tokens: int | None) -> None:
        if not removed and records.exists() and len(list(records.glob("*.parquet"))) >= 3:
            cluster.remove_node(nodes[0], allow_graceful=False)
            removed.append(time.monotonic())

    workers = Workers(Engine("ray", address=cluster.address))
    _evaluate(setup(pause=0.01), plan, tmp_path / "two", workers, progress=remove, checkpoint_every=20)
    assert removed
    assert len(list(records.glob("*.parquet"))) == 8
    pd.testing.assert_frame_equal(outcome(tmp_path / "one"), outcome(tmp_path / "two"))


def test_workers_need_the_name_of_a_model(make_plan, byte_bpe, tmp_path):
    with pytest.raises(UserError, match="give its name"):
        evaluate(Rolling(byte_bpe), make_plan(), tmp_path, workers=Workers(Engine(workers=2)))


def test_a_batch_is_given_up_when_it_hangs_or_when_it_took_two_workers_along():
    job = Job((Unit("detect", "1k", 0, 2, "name"),))
    losses = _Losses()
    losses.hear(Told(job, ("begins", (("a", "b"),))))
    assert losses.again(Lost(job, "it died", hung=False)) == job
    losses.hear(Told(job, ("begins", (("a", "b"),))))
    assert losses.again(Lost(job, "it died", hung=False)).spoiled == dict.fromkeys("ab", "it died, 2 times")
    losses.hear(Told(job, ("begins", (("c",),))))
    assert losses.again(Lost(job, "silence", hung=True)).spoiled == {"c": "silence"}
    losses = _Losses()
    assert losses.again(Lost(job, "it died", hung=False)) == job
    with pytest.raises(IncompleteError, match="before it read anything"):
        losses.again(Lost(job, "it died", hung=False))


@pytest.mark.parametrize(
    ("more", "complaint"),
    [({"dtype": "float31"}, "did you mean 'float32'"), ({"dtype": "float16"}, "no torch module: leave out --dtype")],
)
def test_a_setup_that_makes_no_sense_is_refused_in_one_line(setup, more, complaint):
    with pytest.raises(UserError, match=complaint):
        Setup(setup().spec, setup().options, **more).make()


@pytest.mark.slow
def test_a_folder_that_is_called_as_the_model_is_not_the_model_of_a_worker(make_plan, setup, tmp_path, monkeypatch):
    (tmp_path / "majority").mkdir()
    monkeypatch.chdir(tmp_path)
    plan = make_plan("detect", "0", samples=1)
    done = evaluate("majority", plan, tmp_path / "run", setup=Setup("majority"), workers=Workers(Engine(), 60))
    assert done.errors == 0


def test_a_worker_looks_for_files_where_its_caller_does(make_plan, setup, tmp_path, monkeypatch):
    line = SimpleNamespace(number=0, threads=None)
    monkeypatch.chdir("/")
    _worker(Setup("plugin.py:make", setup().options), make_plan(), Settings(Path("partial")), tmp_path, line)
    assert Path.cwd() == tmp_path


def test_dtype_is_the_models_and_makes_another_run(make_plan, tmp_path):
    plan = make_plan("detect", "0", samples=2)
    half = Setup("rmt", {"layers": 1, "hidden": 16, "heads": 2}, dtype="bfloat16")
    made: Any = half.make()
    assert {str(weight.dtype) for weight in made.parameters()} == {"torch.bfloat16"}
    evaluate(made, plan, tmp_path, name="rmt", setup=half)
    with pytest.raises(UserError, match=r"another run .*dtype"):
        evaluate("rmt", plan, tmp_path, options=dict(half.options))
