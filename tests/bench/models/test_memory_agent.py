import re
from dataclasses import replace

import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.check import check
from rmt_bench.bench.evaluate import evaluate
from rmt_bench.bench.model import Reply, load_model
from rmt_bench.bench.record import RunFolder
from rmt_bench.bench.state_parts import state_bytes, take_apart

from .scripted import part, question, takes_notes

_SMALL = {"segment_length": 64, "memory_tokens": 48}
_PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")


def _agent(**options):
    return load_model("memory-agent:server:fake", **{**_SMALL, **options})


def _evaluated(model, plan, folder):
    return RunFolder(evaluate(model, plan, folder).folder).records()


def _read(agent, *texts):
    state = agent.start(1)
    for text in texts:
        state = agent.read(state, _tokens(agent, text)[None])
    return state


def _tokens(agent, text):
    return torch.tensor(agent.tokenizer.encode(text, add_special_tokens=False))


@pytest.mark.parametrize(("slots", "lengths", "segments"), [(1, "0,200,1000,3000", 40), (3, "0,1000", 12)])
def test_who_writes_down_what_matters_is_right_at_every_length(serve, make_plan, tmp_path, slots, lengths, segments):
    serve(takes_notes)
    agent = _agent(slots=slots, memory_tokens=96 * slots)
    records = _evaluated(agent, make_plan("detect,qa1", lengths, samples=4), tmp_path)
    assert records["segments"].max() > segments
    assert records.loc[records["task"] == "detect", "correct"].all()
    if slots == 1:  # of several, the notes are no longer in the order of the text
        assert records["correct"].all()
    assert records["state_bytes"].nunique() == 1


def test_the_question_is_not_known_while_the_memory_is_written(serve, make_plan, tmp_path):
    server = serve(takes_notes)
    plan = make_plan("detect", "200", samples=4)
    _evaluated(_agent(), plan, tmp_path)
    asked = {sample.question for unit in plan.units() for sample in plan.samples(unit)}
    writing = [text for text in _prompts(server) if "Write the new" in text]
    assert writing
    assert not any(question in text for text in writing for question in asked)


def test_with_the_question_before_it_stands_above_every_passage_and_the_state_grows(serve, make_plan, tmp_path):
    server = serve(takes_notes)
    agent = _agent(question="before")
    assert agent.state_grows
    records = _evaluated(agent, make_plan("detect", "0,200", samples=4), tmp_path)
    assert records["correct"].all()
    writing = [text for text in _prompts(server) if "Write the new" in text]
    asked = {re.search(r"<question>\n(.*)\n</question>", text)[1] for text in writing}
    assert asked == set(records["question"])


def test_the_memory_is_cut_at_its_size_and_the_record_says_so(serve, make_plan, tmp_path):
    serve(lambda said: "garden" if "Write the new" not in said else "word " * 500)
    agent = _agent()
    state = _read(agent, "Rain fell.", "It was late.")
    (memory,) = agent.remembered(state, 0)
    assert ("word " * 500).startswith(memory)
    assert (state.slots >= 0).all()
    (reply,) = agent.answer(state, [_tokens(agent, "Where is Mary?")], [_PLACES])
    assert reply.reason == "memory cut at 2 of 2 passages"
    records = _evaluated(agent, make_plan("detect", "200", samples=1), tmp_path)
    assert re.search(r"memory cut at (\d+) of \1 passages", records["reason"][0])


def test_an_empty_memory_does_not_replace_the_last_one(serve):
    said = iter(["Mary: garden.", "", {"content": "<think>so", "finish_reason": "length"}, "garden"])
    serve(lambda prompt: next(said))
    agent = _agent()
    state = _read(agent, "A fell.", "B fell.", "C fell.")
    assert agent.remembered(state, 0) == ["Mary: garden."]
    (reply,) = agent.answer(state, [_tokens(agent, "Where is Mary?")], [_PLACES])
    assert (reply.text, reply.reason) == ("garden", "nothing written at 2 of 3 passages")


def test_of_several_slots_one_is_written_at_a_time_in_turn_and_sees_the_others(serve):
    said = iter(["one", "two", "three", "four"])
    server = serve(lambda prompt: next(said))
    agent = _agent(slots=3, memory_tokens=30)
    state = _read(agent, "A fell.", "B fell.", "C fell.", "D fell.")
    assert agent.remembered(state, 0) == ["four", "two", "three"]
    last = _prompts(server)[-1]
    assert part(last, "memory") == "one"
    assert part(last, "others") == "two\nthree"
    assert state.slots.shape == (1, 3, 10)


def test_a_sentence_that_two_segments_share_is_read_whole(serve):
    server = serve(takes_notes)
    agent = _agent()
    state = _read(agent, "Rain fell. Mary went to the", " garden. It was late")
    assert agent.remembered(state, 0) == ["Mary went to the garden."]
    agent.answer(state, [_tokens(agent, " at night. Where is Mary?")], [_PLACES])
    assert [part(text, "passage") for text in _prompts(server)] == [
        "Rain fell.", "Mary went to the garden.", "It was late at night.",
    ]  # fmt: skip


def test_a_text_without_sentences_is_read_as_it_comes(serve):
    server = serve(takes_notes)
    _read(_agent(), "rain and " * 20, "snow and " * 20)
    assert [part(text, "passage").split()[0] for text in _prompts(server)] == ["rain", "snow"]


def test_a_row_that_fails_fails_alone_and_is_asked_no_more(serve, make_plan, tmp_path):
    def says(prompt):
        broken = "Write the new" in prompt and "John" in part(prompt, "passage")
        return {"status": 400, "error": {"message": "out of order"}} if broken else takes_notes(prompt)

    server = serve(says)
    records = _evaluated(_agent(retries=0), make_plan("detect", "400", samples=12), tmp_path)
    johns = records["question"].str.contains("John")
    assert 0 < johns.sum() < 12
    assert (records.loc[johns, "status"] == "error").all()
    assert records.loc[johns, "reason"].str.startswith("writing the memory: BadRequestError").all()
    assert records.loc[~johns, "correct"].all()
    after = [text for text in _prompts(server) if "Write the new" not in text]
    assert len(after) == (~johns).sum()


def test_the_state_is_the_same_size_whatever_was_read(serve):
    serve(takes_notes)
    agent = _agent()
    assert state_bytes(agent.start(1)) == state_bytes(_read(agent, *["Mary went to the garden."] * 9))


def test_the_plugin_is_sound(serve):
    serve(lambda said: f"note {sum(said.encode())}" if "Write the new" in said else _PLACES[sum(said.encode()) % 6])
    for options in ({"slots": 2}, {"question": "before"}):
        findings = check(_agent(**options), _PLACES)
        assert [finding.proof for finding in findings if finding.sound is False] == [], options


def test_prompts_and_sizes_are_part_of_what_a_run_is(serve, tmp_path):
    serve(takes_notes)
    mine = tmp_path / "mine.jinja"
    mine.write_text("{{ memory }} {{ passage }} {{ question }}")
    told = [
        _agent(**options).identity
        for options in ({}, {"slots": 2}, {"question": "before"}, {"answer_prompt": str(mine)})
    ]
    assert all(one != other for i, one in enumerate(told) for other in told[:i])


def test_a_model_that_writes_does_not_cost_a_request_to_count_operations(serve, make_plan, tmp_path):
    server = serve(takes_notes)
    _evaluated(_agent(), make_plan("detect", "0", samples=2), tmp_path)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("spec", "options", "complaint"),
    [
        ("memory-agent", {}, "write memory-agent:server:MODEL_NAME, or memory-agent:FOLDER"),
        ("memory-agent:server:fake", {"question": "now"}, "question is before or after"),
        ("memory-agent:server:fake", {"slots": 9, "memory_tokens": 8}, "memory_tokens at least one for each slot"),
        ("memory-agent:server:fake", {"retires": 3}, "takes no option 'retires'; did you mean 'retries'"),
        (
            "memory-agent:server:fake",
            {"write_prompt": "memory-wrote"},
            "unknown prompt 'memory-wrote'; did you mean 'memory-write'",
        ),
        ("memory-agent:/no/such/folder", {}, "no such folder"),
    ],
)
def test_a_wrong_call_is_one_line_with_its_remedy(serve, spec, options, complaint):
    serve(takes_notes)
    with pytest.raises(UserError, match=complaint):
        load_model(spec, **options)


def _prompts(server):
    return [body["messages"][-1]["content"] for body in server.requests]


def test_the_scripted_model_writes_names_only_and_answers_from_its_notes():
    passage = "<memory>\nJohn ran.\n</memory>\n<passage>\nRain fell. Mary went to the garden.\n</passage>\n"
    assert takes_notes(f"{passage}Write the new memory") == "John ran. Mary went to the garden."
    assert takes_notes(f"{passage}Question: Where is Mary?\nAnswer:") == "garden"
    assert question("Question: A?\nQuestion: B?\nAnswer:") == "B?"


def test_a_memory_can_be_saved_and_gone_on_with(serve):
    serve(takes_notes)
    agent = _agent()
    state = replace(_read(agent, "Mary went to the garden. It was"), failed=(Reply("", "error", "gone"),))
    again = take_apart(state).together()
    assert torch.equal(again.slots, state.slots)
    assert torch.equal(again.carry, state.carry)
    assert again.failed == state.failed
    assert agent.answer(again, [_tokens(agent, "Where is Mary?")], [_PLACES]) == [Reply("", "error", "gone")]
