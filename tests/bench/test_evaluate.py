import json

import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.evaluate import evaluate
from rmt_bench.bench.model import Reply
from rmt_bench.bench.record import RunFolder
from rmt_bench.generators.dataset import Dataset, generate_dataset


class Parrot:
    """Says `garden` to everything, and counts what it reads; raises on its `fails_at`-th answer."""

    segment_length = 32

    def __init__(self, tokenizer, fails_at: int = -1):
        self.tokenizer = tokenizer
        self.fails_at = fails_at
        self.tokens_read = self.asked = 0

    def start(self, batch_size):
        return ()

    def read(self, state, segment):
        self.tokens_read += segment.numel()
        return (*state, segment)

    def answer(self, state, prompts, choices):
        self.asked += 1
        if self.asked == self.fails_at:
            raise RuntimeError("out of luck\nand more")
        return ["The garden."] * len(prompts)


class Listener(Parrot):
    """Says the whole text it was given, and the question."""

    def answer(self, state, prompts, choices):
        rows = (torch.cat([*(segment[i] for segment in state), prompt]) for i, prompt in enumerate(prompts))
        return [self.tokenizer.decode(row) for row in rows]


def test_every_question_becomes_a_record_with_its_score(make_plan, byte_bpe, tmp_path):
    plan = make_plan(samples=8)
    outcome = evaluate(Parrot(byte_bpe), plan, tmp_path / "run", name="parrot")
    records = RunFolder(outcome.folder).records()
    assert len(records) == 16
    assert set(records["status"]) == {"answered"}
    assert set(records["answer"]) == {"garden"}
    assert ((records["target"] == "garden") == records["correct"]).all()
    assert (records.loc[records["length"] == "200", "segments"] == 7).all()
    assert (records["model_tokens"] > records["n_tokens"]).all()


def test_the_model_hears_the_sample_word_for_word(make_plan, byte_bpe, tmp_path):
    plan = make_plan("detect,reasoning", "0,50,200,1000")
    records = RunFolder(evaluate(Listener(byte_bpe), plan, tmp_path, batch_size=2).folder).records()
    said = dict(zip(records["sample_id"], records["output"], strict=True))
    samples = [sample for unit in plan.units() for sample in plan.samples(unit)]
    assert len(said) == len(samples) == 24
    assert all(said[sample.id] == f"{sample.text} {sample.question}" for sample in samples)


def test_a_stored_data_set_is_heard_like_one_made_on_the_fly(make_plan, byte_bpe, tmp_path):
    plan = make_plan("detect", "50,200")
    stored = Dataset(generate_dataset(plan, tmp_path / "data"))
    fly, disk = (
        RunFolder(evaluate(Listener(byte_bpe), samples, tmp_path / name).folder).records().set_index("sample_id")
        for samples, name in ((plan, "fly"), (stored, "disk"))
    )
    assert fly["output"].to_dict() == disk["output"].to_dict()


def test_a_model_with_another_tokenizer_is_given_the_same_words(make_plan, wordpiece, tmp_path):
    plan = make_plan("detect", "200", samples=2)
    records = RunFolder(evaluate(Listener(wordpiece), plan, tmp_path).folder).records()
    assert len(records) == 2
    assert (records["model_tokens"] != records["n_tokens"]).all()
    for sample, said in zip(plan.samples(plan.units()[0]), records.sort_values("index")["output"], strict=True):
        assert said == wordpiece.decode(wordpiece.encode(f"{sample.text} {sample.question}", add_special_tokens=False))


def test_the_same_call_again_reads_nothing_and_a_longer_one_reads_what_is_new(make_plan, byte_bpe, tmp_path):
    evaluate(Parrot(byte_bpe), make_plan(lengths="200"), tmp_path, name="p")
    again, more = Parrot(byte_bpe), Parrot(byte_bpe)
    evaluate(again, make_plan(lengths="200"), tmp_path, name="p")
    assert again.asked == 0
    evaluate(more, make_plan(lengths="200,400"), tmp_path, name="p")
    assert more.tokens_read == 3 * 12 * 32
    assert len(RunFolder(tmp_path).records()) == 6


def test_a_model_that_raises_spoils_its_batch_only_and_is_asked_again_next_time(make_plan, byte_bpe, tmp_path):
    plan = make_plan(lengths="200", samples=6)
    outcome = evaluate(Parrot(byte_bpe, fails_at=2), plan, tmp_path, name="p", batch_size=2)
    records = RunFolder(tmp_path).records()
    assert (outcome.errors, outcome.reason) == (2, "RuntimeError: out of luck")
    assert records["status"].value_counts().to_dict() == {"answered": 4, "error": 2}
    assert evaluate(Parrot(byte_bpe), plan, tmp_path, name="p").errors == 0


def test_a_question_longer_than_a_segment_is_skipped_with_the_reason(make_plan, byte_bpe, tmp_path):
    parrot = Parrot(byte_bpe)
    parrot.segment_length = 2
    evaluate(parrot, make_plan(lengths="0"), tmp_path)
    records = RunFolder(tmp_path).records()
    assert set(records["status"]) == {"skipped"}
    assert records["reason"].str.contains("a segment 2").all()
    assert parrot.asked == 0


def test_a_document_longer_than_the_model_takes_is_skipped_and_never_cut(make_plan, byte_bpe, tmp_path):
    parrot = Parrot(byte_bpe)
    parrot.max_tokens = 250
    evaluate(parrot, make_plan(lengths="200,400"), tmp_path)
    records = RunFolder(tmp_path).records()
    assert records.groupby("length")["status"].unique().map(list).to_dict() == {"200": ["answered"], "400": ["skipped"]}
    assert records.loc[records["length"] == "400", "reason"].str.contains("the model takes 250").all()
    assert parrot.tokens_read == 3 * 6 * 32


def test_a_model_may_say_of_one_row_that_it_has_no_answer_and_why(make_plan, byte_bpe, tmp_path):
    class Frank(Parrot):
        def answer(self, state, prompts, choices):
            return ["garden", Reply("", "error", "the line was dead"), Reply("garden", reason="cut at 1 token")]

    evaluate(Frank(byte_bpe), make_plan(lengths="200"), tmp_path)
    records = RunFolder(tmp_path).records().sort_values("index")
    assert list(records["status"]) == ["answered", "error", "answered"]
    assert list(records["reason"]) == ["", "the line was dead", "cut at 1 token"]
    assert records["correct"].sum() == (records["target"] == "garden")[[0, 2]].sum()


def test_a_folder_that_holds_another_run_is_refused_and_says_what_differs(make_plan, byte_bpe, tmp_path):
    evaluate(Parrot(byte_bpe), make_plan(lengths="0"), tmp_path, name="one")
    with pytest.raises(UserError, match=r"another run .*model"):
        evaluate(Parrot(byte_bpe), make_plan(lengths="0"), tmp_path, name="two")
    with pytest.raises(UserError, match=r"another run .*samples"):
        evaluate(Parrot(byte_bpe), make_plan(lengths="0", seed=1), tmp_path, name="one")


def test_two_evaluations_do_not_write_to_one_folder_at_once(make_plan, byte_bpe, tmp_path):
    def intrude(unit, tokens):
        with pytest.raises(UserError, match="another process is writing"):
            evaluate(Parrot(byte_bpe), make_plan(lengths="200"), tmp_path, name="p")
        intruded.append(unit)

    intruded: list = []
    evaluate(Parrot(byte_bpe), make_plan(lengths="200"), tmp_path, name="p", progress=intrude)
    assert intruded
    assert len(RunFolder(tmp_path).records()) == 3


def test_what_a_killed_evaluation_left_unfinished_is_swept_away(make_plan, byte_bpe, tmp_path):
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / ".unit.parquet.x.tmp").write_bytes(b"half")
    (tmp_path / ".run.json.x.tmp").write_bytes(b"half")
    with pytest.raises(UserError, match="no run"):
        evaluate(Parrot(byte_bpe), make_plan(lengths="0"), tmp_path, name="p")
    (tmp_path / "records" / ".unit.parquet.x.tmp").unlink()
    (tmp_path / "records").rmdir()
    evaluate(Parrot(byte_bpe), make_plan(lengths="0"), tmp_path, name="p")
    (tmp_path / "records" / ".unit.parquet.x.tmp").write_bytes(b"half")
    evaluate(Parrot(byte_bpe), make_plan(lengths="0"), tmp_path, name="p")
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_run_says_what_it_takes_to_repeat_it(make_plan, byte_bpe, tmp_path):
    evaluate(Parrot(byte_bpe), make_plan(lengths="0"), tmp_path, name="p", options={"width": 3})
    info = json.loads((tmp_path / "run.json").read_text())
    assert info["identity"]["options"] == {"width": 3}
    assert info["identity"]["samples"]["seed"] == 0
    assert {"command", "date", "versions", "hardware"} <= info.keys()


def test_the_answer_does_not_depend_on_the_batch_size(make_plan, byte_bpe, tmp_path):
    plan = make_plan("detect", "0,50,200")
    one, many = (
        RunFolder(evaluate(Listener(byte_bpe), plan, tmp_path / str(size), batch_size=size).folder).records()
        for size in (1, 8)
    )
    assert one.set_index("sample_id")["output"].to_dict() == many.set_index("sample_id")["output"].to_dict()


def test_a_run_that_goes_on_with_another_task_names_both_in_the_order_in_which_they_were_asked(
    make_plan, byte_bpe, tmp_path
):
    for tasks in ("reasoning", "detect,reasoning", "reasoning"):
        evaluate(Parrot(byte_bpe), make_plan(tasks), tmp_path, name="parrot")
    assert RunFolder(tmp_path).info["tasks"] == ["reasoning", "detect"]
    assert RunFolder(tmp_path).records()["task"].tolist() == ["reasoning"] * 6 + ["detect"] * 6


def test_a_damaged_file_of_records_is_named_in_one_line(make_plan, byte_bpe, tmp_path):
    evaluate(Parrot(byte_bpe), make_plan(lengths="0"), tmp_path, name="parrot")
    (unit,) = (tmp_path / "records").iterdir()
    unit.write_bytes(unit.read_bytes()[:200])
    with pytest.raises(UserError, match=rf"{unit.name} is damaged .* delete it"):
        evaluate(Parrot(byte_bpe), make_plan(lengths="0"), tmp_path, name="parrot")
