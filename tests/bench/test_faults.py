"""A plugin that fails spoils what it was asked, with the reason, and nothing else; the next call asks it that again."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch

from rmt_bench.base.errors import IncompleteError, UserError
from rmt_bench.bench.evaluate import evaluate
from rmt_bench.bench.faults import Failure
from rmt_bench.bench.record import RunFolder

from .toys import Rolling, outcome


class Faulty(Rolling):
    """Raises what it is told to when it reads more than so many rows at once, or when a row has the token `at`."""

    def __init__(self, tokenizer, error: BaseException, rows: int = 99, at: int = -1):
        super().__init__(tokenizer)
        self.error, self.rows, self.at = error, rows, at

    def read(self, state, segment):
        if len(segment) > self.rows or (segment == self.at).any():
            raise self.error
        return super().read(state, segment)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
    ids=["accelerator", "python", "torch on a cpu"],
)
def test_where_memory_runs_out_fewer_documents_are_read_at_once(make_plan, byte_bpe, tmp_path, error):
    plan, heard = make_plan("detect", "200,400", samples=12), []
    evaluate(Rolling(byte_bpe), plan, tmp_path / "whole", name="toy")
    evaluate(Faulty(byte_bpe, error, rows=3), plan, tmp_path / "short", name="toy", batch_size=8, notice=heard.append)
    pd.testing.assert_frame_equal(outcome(tmp_path / "whole"), outcome(tmp_path / "short"))
    assert heard == [f"out of memory with {n} documents of 7 segments at once: going on with {n // 2}" for n in (8, 4)]


def test_one_document_for_which_memory_does_not_suffice_is_an_error_and_the_others_are_answered(
    make_plan, byte_bpe, tmp_path
):
    plan = make_plan("detect", "200", samples=5)
    texts = [set(np.concatenate(list(s.document.tokens())).tolist()) for s in plan.samples(plan.units()[0])]
    (only, *_) = texts[2].difference(*texts[:2], *texts[3:])
    failed = evaluate(Faulty(byte_bpe, MemoryError(), at=only), plan, tmp_path, name="toy", batch_size=4)
    records = RunFolder(tmp_path).records().sort_values("index")
    assert records["status"].tolist() == ["answered", "answered", "error", "answered", "answered"]
    assert failed.failures == (Failure("detect", "200", "out of memory (MemoryError)", 1),)


def test_only_what_failed_is_asked_again(make_plan, byte_bpe, tmp_path):
    plan = make_plan("detect", "200", samples=9)

    class Once(Rolling):
        def answer(self, state, prompts, choices):
            said = super().answer(state, prompts, choices)
            if self.asked == 2:
                raise RuntimeError("out of luck")
            return said

    first, second = Once(byte_bpe), Rolling(byte_bpe)
    failed = evaluate(first, plan, tmp_path / "torn", name="toy", batch_size=3)
    assert failed.failures == (Failure("detect", "200", "RuntimeError: out of luck", 3),)
    assert evaluate(second, plan, tmp_path / "torn", name="toy", batch_size=3).errors == 0
    assert (second.reads, second.asked) == (first.reads // 3, 1)
    evaluate(Rolling(byte_bpe), plan, tmp_path / "whole", name="toy", batch_size=3)
    pd.testing.assert_frame_equal(outcome(tmp_path / "whole"), outcome(tmp_path / "torn"))


def test_more_samples_of_a_length_cost_no_more_than_those_that_are_new(make_plan, byte_bpe, tmp_path):
    model = Rolling(byte_bpe)
    evaluate(Rolling(byte_bpe), make_plan("detect", "200", samples=5), tmp_path, name="toy", batch_size=1)
    evaluate(model, make_plan("detect", "200", samples=8), tmp_path, name="toy", batch_size=1)
    assert model.asked == 3
    assert len(RunFolder(tmp_path).records()) == 8


def test_scores_that_are_no_numbers_are_an_error_of_their_row(make_plan, byte_bpe, tmp_path):
    class Dizzy:
        segment_length, tokenizer = 32, byte_bpe

        def start(self, batch_size):
            return None

        def read(self, state, segment):
            return None

        def score(self, state, prompts, choices):
            scores = torch.eye(len(prompts), len(choices[0]))
            scores[0, 2] = float("nan")
            return scores

    evaluate(Dizzy(), make_plan("detect", "200", samples=3), tmp_path, name="toy")
    records = RunFolder(tmp_path).records().sort_values("index")
    assert records["status"].tolist() == ["error", "answered", "answered"]
    assert records["reason"].tolist() == ["the model's scores are not all numbers (NaN)", "", ""]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (["garden"], "ValueError: the model gave 1 answers to 4 questions"),
        ("four", "ValueError: `answer` gave one text, not a list with one for each row"),
        (None, "TypeError: 'NoneType' object is not iterable"),
    ],
)
def test_the_wrong_number_of_answers_is_an_error_with_its_reason(make_plan, byte_bpe, tmp_path, said, reason):
    class Careless(Rolling):
        def answer(self, state, prompts, choices):
            return said

    outcome_ = evaluate(Careless(byte_bpe), make_plan("detect", "200", samples=4), tmp_path, name="toy")
    assert (outcome_.errors, outcome_.reason) == (4, reason)


def test_a_folder_that_cannot_be_written_to_is_one_line_before_anything_is_read(make_plan, byte_bpe):
    model = Rolling(byte_bpe)
    with pytest.raises(UserError, match=r"cannot write to /proc/nobody .*give --output another folder"):
        evaluate(model, make_plan("detect", "200"), "/proc/nobody", name="toy")
    assert model.reads == 0


def test_a_disk_that_is_full_ends_the_run_and_what_was_finished_is_kept(make_plan, byte_bpe, tmp_path, monkeypatch):
    plan = make_plan("detect", "100,200,400")
    written = []

    def write(table, path, **options):
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        written.append(path)
        return real(table, path, **options)

    import pyarrow.parquet as pq

    real = pq.write_table
    monkeypatch.setattr(pq, "write_table", write)
    with pytest.raises(IncompleteError, match=r"no room for .* make room, and run the same command again"):
        evaluate(Rolling(byte_bpe), plan, tmp_path / "full", name="toy")
    monkeypatch.undo()
    assert len(RunFolder(tmp_path / "full").records()) == 6
    model = Rolling(byte_bpe)
    evaluate(model, plan, tmp_path / "full", name="toy", batch_size=1)
    assert model.asked == 3
    evaluate(Rolling(byte_bpe), plan, tmp_path / "whole", name="toy")
    pd.testing.assert_frame_equal(outcome(tmp_path / "whole"), outcome(tmp_path / "full"))


def test_a_run_of_an_earlier_version_is_read_with_nothing_in_the_columns_it_lacks(make_plan, byte_bpe, tmp_path):
    import pyarrow.parquet as pq

    evaluate(Rolling(byte_bpe), make_plan("detect", "200"), tmp_path, name="toy")
    new = ["peak_device_bytes", "flops_per_token", "segments_since", "probes"]
    for path in (tmp_path / "records").iterdir():
        pq.write_table(pq.read_table(path).drop_columns(new), path)
    assert json.loads((tmp_path / "run.json").read_text())["format"] == 1
    assert len(RunFolder(tmp_path).records()) == 3
    model = Rolling(byte_bpe)
    evaluate(model, make_plan("detect", "200", samples=4), tmp_path, name="toy")
    assert model.asked == 1
    assert len(RunFolder(tmp_path).records()) == 4
