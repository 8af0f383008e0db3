import sys

import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.bench.check import check
from rmt_bench.bench.evaluate import evaluate
from rmt_bench.bench.model import load_model
from rmt_bench.bench.record import RunFolder
from rmt_bench.tasks.reader import read

from .scripted import part, reads_all

_TEXT = (
    "Rain fell on the quay. Mary went to the kitchen. The miller looked up. John went to the office. "
    "Mary went to the garden. Where the road ends, nobody came. Mary went to the hallway. It was late."
)


def _evaluated(model, plan, folder):
    return RunFolder(evaluate(model, plan, folder).folder).records()


@pytest.mark.parametrize(
    ("k", "found"),
    [
        (1, "Mary went to the hallway."),
        (2, "Mary went to the garden. Mary went to the hallway."),
        (9, "Mary went to the kitchen. Mary went to the garden. Mary went to the hallway."),
    ],
)
def test_what_matches_the_question_is_handed_over_in_text_order_and_nothing_else(k, found):
    assert load_model("retrieval", k=k).find(_TEXT, "Where is Mary?") == found


def test_of_sentences_that_match_better_all_go_before_those_that_match_less():
    text = "The apple was red. Mary took the apple to the kitchen. The kitchen was cold. Rain fell."
    found = load_model("retrieval", k=1).find(text, "Where was the apple before the kitchen?")
    assert found == "Mary took the apple to the kitchen."


@pytest.mark.parametrize(
    ("text", "question"),
    [("", "Where is Mary?"), (_TEXT, "Where is Daniel?"), (_TEXT, "Where is it?"), ("It is.", "Where is Mary?")],
)
def test_nothing_is_handed_over_where_nothing_matches(text, question):
    assert load_model("retrieval").find(text, question) == ""


def test_one_fact_is_found_at_every_length_and_a_chain_of_them_is_not(make_plan, tmp_path):
    records = _evaluated(load_model("retrieval", k=5), make_plan("detect,qa1,qa2", "0,1000", samples=20), tmp_path)
    accuracy = records.groupby(["task", "length"])["correct"].mean()
    assert (accuracy["detect"] == 1).all()
    assert (accuracy["qa1"] >= 0.9).all()
    assert (accuracy["qa2"] < 0.2).all()


def test_few_sentences_lose_what_many_keep(make_plan, tmp_path):
    plan = make_plan("qa7", "200", samples=20)
    few, many = (_evaluated(load_model("retrieval", k=k), plan, tmp_path / str(k))["correct"].mean() for k in (1, 50))
    assert few < 0.8
    assert many == 1


def test_a_model_reads_what_was_found(serve, make_plan, tmp_path):
    server = serve(reads_all)
    model = load_model("retrieval:server:fake", k=2, reader_retries=1)
    records = _evaluated(model, make_plan("detect", "0,1000", samples=5), tmp_path)
    assert records["correct"].all()
    for body in server.requests:
        said = body["messages"][-1]["content"]
        context = part(said, "context")
        assert context.count(".") <= 2
        assert read(context, said.rsplit("Question: ", 1)[1].split("\n")[0]) != "unknown"


def test_each_row_keeps_its_own_reply_whatever_is_read_together(serve, make_plan, tmp_path):
    serve(
        lambda said: {"status": 400, "error": {"message": "no"}} if "John" in said.rsplit("Question", 1)[1] else "attic"
    )
    model = load_model("retrieval:server:fake", k=3, reader_retries=0, reader_segment_length=32)
    records = _evaluated(model, make_plan("detect", "0,200", samples=16), tmp_path)
    johns = records["question"].str.contains("John")
    assert 0 < johns.sum() < len(records)
    assert ((records["status"] == "error") == johns).all()


def test_what_a_reader_cannot_take_is_skipped(serve, make_plan, tmp_path):
    serve(lambda said: "attic")
    model = load_model("retrieval:server:fake", reader_max_tokens=300)
    model.reader.max_tokens = 4
    records = _evaluated(model, make_plan("qa1", "0", samples=3), tmp_path)
    assert set(records["status"]) == {"skipped"}
    assert all(reason.startswith("of the reader: ") for reason in records["reason"])


def test_the_readers_prompt_is_part_of_what_a_run_is(serve, tmp_path):
    serve(lambda said: "attic")
    bare, babilong = (load_model("retrieval:server:fake", reader_prompt=name).identity for name in ("bare", "babilong"))
    assert bare != babilong
    assert "reader_retries" in load_model("retrieval:server:fake").incidental


def test_the_plugin_is_sound_and_says_that_it_grows():
    findings = {finding.proof: finding for finding in check(load_model("retrieval"), ("garden", "kitchen"))}
    assert [name for name, finding in findings.items() if finding.sound is False] == []
    assert "as it claims" in findings["the state stays flat"].note


@pytest.mark.parametrize(
    ("spec", "options", "complaint"),
    [
        ("retrieval", {"kk": 3}, r"takes no option 'kk'; did you mean 'k'\?"),
        ("retrieval", {"k": 0}, "k is a number of sentences"),
        ("retrieval", {"reader_k": 3}, "the symbolic reader takes no options"),
        ("retrieval:rmt-tinny", {}, "unknown model 'rmt-tinny'; did you mean 'rmt-tiny'"),
    ],
)
def test_a_wrong_call_is_one_line_with_its_remedy(spec, options, complaint):
    with pytest.raises(UserError, match=complaint):
        load_model(spec, **options)


def test_without_the_library_the_remedy_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(UserError, match=r"pip install 'rmt-bench\[retrieval\]'"):
        load_model("retrieval")
