import json

import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.check import check
from rmt_bench.bench.evaluate import evaluate
from rmt_bench.bench.model import load_model
from rmt_bench.bench.record import RunFolder

from .conftest import KEY
from .misbehaving_server import FAULTS
from .scripted import part, question, reads_all

_PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")


def _records(model, plan, folder, **how):
    return RunFolder(evaluate(model, plan, folder, name="server:fake", **how).folder).records()


def test_the_server_is_told_the_whole_text_and_the_question(serve, make_plan, tmp_path):
    server = serve(reads_all)
    plan = make_plan("detect,qa1", "0,200,1000", samples=3)
    records = _records(load_model("server:fake"), plan, tmp_path)
    assert len(records) == 18
    assert records["correct"].all()
    heard = {(part(prompt, "context"), question(prompt)) for prompt in _prompts(server)}
    assert heard == {(s.text, s.question) for unit in plan.units() for s in plan.samples(unit)}


def test_faults_lose_no_sample_and_double_none_and_the_next_call_asks_the_failed_ones_only(serve, make_plan, tmp_path):
    plan = make_plan("detect", "0,200", samples=200)
    samples = [sample for unit in plan.units() for sample in plan.samples(unit)]
    right = {(sample.text, sample.question): sample.answer for sample in samples}
    wanted = {sample.id for sample in samples}
    server = serve(lambda said: right[part(said, "context"), question(said)], faults=FAULTS, rate=0.05, stall=1)
    model = load_model("server:fake", retries=0, timeout=0.5, concurrency=32)

    records = _records(model, plan, tmp_path, batch_size=64)
    assert len(records) == len(wanted) == 400
    assert set(records["sample_id"]) == wanted
    assert set(server.struck) == set(FAULTS)
    assert (records["status"] == "error").sum() >= sum(server.struck.values()) > 50
    assert records.loc[records["status"] == "answered", "correct"].all()

    server.faults = ()
    failed, before = int((records["status"] == "error").sum()), len(server.requests)
    records = _records(load_model("server:fake", retries=0), plan, tmp_path, batch_size=64)
    assert len(server.requests) - before == failed
    assert len(records) == 400
    assert set(records["status"]) == {"answered"}
    assert records["correct"].all()


def test_the_key_is_in_no_file_of_a_run_and_in_nothing_that_is_said(serve, make_plan, tmp_path, caplog, capfd):
    caplog.set_level("DEBUG")
    answers = iter([{"status": 400, "error": {"message": f"Bearer {KEY}"}}, f"{KEY} garden"])
    serve(lambda prompt: next(answers))
    records = _records(load_model("server:fake", retries=0), make_plan("detect", "0", samples=2), tmp_path)
    assert sorted(records["status"]) == ["answered", "error"]
    for file in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert KEY.encode() not in file.read_bytes(), file
    told = capfd.readouterr()
    assert KEY not in caplog.text + told.out + told.err
    assert any("[key]" in text for text in [*records["output"], *records["reason"]])
    with pytest.raises(UserError, match="takes no option 'api_key'"):
        load_model("server:fake", api_key=KEY)


def test_cut_and_empty_answers_are_told_in_the_records(serve, make_plan, tmp_path):
    said = iter([{"content": "the gar", "finish_reason": "length"}, {"content": ""}, "garden"])
    serve(lambda prompt: next(said))
    records = _records(load_model("server:fake", concurrency=1), make_plan("detect", "0", samples=3), tmp_path)
    assert records["reason"].tolist()[:2] == ["no label, cut at 64 tokens", "no label, empty answer"]


def test_a_base_model_that_goes_on_is_heard_to_its_first_line(serve):
    serve(lambda prompt: {"content": " garden\nQuestion: Where", "finish_reason": "length"})
    for options, expected in (({"api": "completion"}, "garden"), ({}, "garden\nQuestion: Where")):
        (reply,) = _ask(load_model("server:fake", prompt="bare", **options))
        assert reply.text == expected
        assert ("cut" in reply.reason) == (expected != "garden")


def test_a_text_longer_than_the_model_takes_is_skipped_and_not_sent(serve, make_plan, tmp_path):
    server = serve(reads_all, listing=[{"id": "fake", "max_model_len": 700}])
    model = load_model("server:fake")
    records = _records(model, make_plan("detect", "0,1000", samples=2), tmp_path)
    assert records.groupby("length")["status"].unique().map(list).to_dict() == {"0": ["answered"], "1000": ["skipped"]}
    assert all("the model takes" in reason for reason in records.loc[records["length"] == "1000", "reason"])
    assert len(server.requests) == 2
    assert model.max_tokens < 700 - 64
    assert load_model("server:fake", max_tokens=5_000).max_tokens > 4_000


def test_a_server_that_reads_less_than_it_was_sent_gives_no_answer(serve, make_plan, tmp_path):
    usage = {"prompt_tokens": 100, "completion_tokens": 1, "total_tokens": 101}
    serve(lambda prompt: {"content": "garden", "usage": usage})
    records = _records(load_model("server:fake"), make_plan("detect", "0,1000", samples=2), tmp_path)
    assert records.groupby("length")["status"].unique().map(list).to_dict() == {"0": ["answered"], "1000": ["skipped"]}


def test_a_run_does_not_go_on_with_another_prompt_under_the_same_name(serve, make_plan, tmp_path):
    serve(lambda prompt: "garden")
    template = tmp_path / "mine.jinja"
    plan = make_plan("detect", "0", samples=2)
    template.write_text("{{ context }} {{ question }}")
    _records(load_model("server:fake", prompt=str(template)), plan, tmp_path / "run")
    template.write_text("{{ context }} {{ question }}!")
    with pytest.raises(UserError, match=r"holds another run \(settings differ\)"):
        _records(load_model("server:fake", prompt=str(template)), plan, tmp_path / "run")


def test_how_often_to_try_again_is_no_part_of_what_a_run_is(serve, make_plan, tmp_path):
    serve(lambda prompt: "garden")
    plan = make_plan("detect", "0", samples=2)
    for retries in (1, 2):
        evaluate("server:fake", plan, tmp_path, options={"retries": retries, "prompt": "bare"})
    info = json.loads((tmp_path / "run.json").read_text())
    assert info["identity"]["options"] == {"prompt": "bare"}
    assert info["identity"]["settings"]["temperature"] == 0.0
    assert info["identity"]["settings"]["prompt"]["name"] == "bare"
    assert info["about"]["retries"] == 1
    assert info["about"]["base_url"].startswith("http://127.0.0.1")


def test_the_plugin_is_sound(serve):
    serve(lambda prompt: f"{_PLACES[sum(prompt.encode()) % 6]}")
    findings = check(load_model("server:fake"), _PLACES)
    assert [finding.proof for finding in findings if finding.sound is False] == []
    assert sum(finding.sound is True for finding in findings) >= 6


def test_a_tokenizer_that_loses_words_is_refused(serve, wordpiece, tmp_path):
    serve(lambda prompt: "garden")
    wordpiece.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="does not give back the text"):
        load_model("server:fake", tokenizer=str(tmp_path))


def test_the_command_line_goes_from_the_name_to_the_curve(serve, tmp_path, capsys):
    from rmt_bench.cli import cli

    serve(reads_all)
    call = ["eval", "server:fake", "--tasks", "detect", "--lengths", "4k", "--samples", "4", "--quiet",
            "--background", "noise", "--output", str(tmp_path / "run")]  # fmt: skip
    cli.main(call, standalone_mode=False)
    assert "100.0%" in capsys.readouterr().out


def _ask(model):
    prompt = torch.tensor(model.tokenizer.encode("Mary went home. Where is Mary?", add_special_tokens=False))
    return model.answer(model.start(1), [prompt], [_PLACES])


def _prompts(server):
    return [body["messages"][-1]["content"] for body in server.requests]


def test_an_option_is_looked_for_among_all_there_are(serve):
    serve(reads_all)
    with pytest.raises(
        UserError, match=r"takes no option 'promt'; did you mean 'prompt'\? \(it takes: .*answer_tokens"
    ):
        load_model("server:fake", promt="bare")
    with pytest.raises(UserError, match=r"takes no option 'slot'; did you mean 'slots'\?"):
        load_model("memory-agent:server:fake", slot=2)
    with pytest.raises(UserError, match="answer_tokens is a number from 1 on, not 0"):
        load_model("server:fake", answer_tokens=0)
