import copy

import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.check import check
from rmt_bench.bench.evaluate import evaluate
from rmt_bench.bench.model import load_model
from rmt_bench.bench.models.local_lm import LocalModel, load_lm
from rmt_bench.bench.record import RunFolder
from rmt_bench.generators.tokens import load_tokenizer

from .tiny import save_tiny

_PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    tokenizer = load_tokenizer()
    ends = {"eos_token_id": tokenizer.sep_token_id, "pad_token_id": tokenizer.pad_token_id}
    folder = tmp_path_factory.mktemp("llama")
    return save_tiny(folder, "llama", tokenizer, max_position_embeddings=1_024, **ends)


def test_what_is_said_is_what_is_likeliest_token_by_token(folder):
    lm = LocalModel(folder, dtype="float64")
    texts = ["Rain fell on the quay.", "Mary went", "It was a long way to the mill, and nobody came."]
    for text, reply in zip(texts, lm.ask(texts, 6), strict=True):
        tokens = lm.tokenizer.encode(text)
        with torch.inference_mode():
            for _ in range(6):
                tokens.append(int(lm.model(torch.tensor([tokens])).logits[0, -1].argmax()))
        said = tokens[-6:]
        assert reply.text == lm.tokenizer.decode(said, skip_special_tokens=True).strip()
        assert reply.reason == ("" if lm.tokenizer.sep_token_id in said else "cut at 6 tokens")


def test_a_chat_template_is_used_where_there_is_one(folder):
    lm = LocalModel(folder)
    plain = lm.ask(["Mary went"], 3)
    lm.tokenizer.chat_template = "{% for m in messages %}[CLS]{{ m.content }}[SEP]{% endfor %}"
    assert lm._prompt("Mary went") == lm.tokenizer.encode("[CLS]Mary went[SEP]", add_special_tokens=False)
    assert lm.ask(["Mary went"], 3) != plain


def test_a_text_without_a_place_in_the_positions_is_skipped(folder):
    short, long = LocalModel(folder).ask(["Mary went", "Mary went " * 600], 8)
    assert short.status == "answered"
    assert long.status == "skipped"
    assert "the model takes 1,024" in long.reason


def test_an_agent_with_it_is_sound_and_goes_through_the_harness(folder, make_plan, tmp_path):
    agent = load_model(f"memory-agent:{folder}", segment_length=24, memory_tokens=16, answer_tokens=4)
    findings = check(agent, _PLACES)
    assert [finding.proof for finding in findings if finding.sound is False] == []
    records = RunFolder(evaluate(agent, make_plan("detect", "0,200", samples=2), tmp_path).folder).records()
    assert set(records["status"]) <= {"answered", "invalid"}
    assert records["state_bytes"].nunique() == 1
    weights = RunFolder(tmp_path).info["identity"]["weights"]
    assert weights is not None


def test_a_wrong_option_is_told():
    with pytest.raises(UserError, match=r"takes no option 'concurrency'.*it takes: .*dtype"):
        load_lm("FOLDER", {"concurrency": 3}, "memory-agent:", load_lm)


def test_what_stands_behind_the_end_of_an_answer_is_no_part_of_it(tmp_path, byte_bpe):
    """A tokenizer such as GPT-2's has no padding token, so rows that end early are filled up with a word."""
    byte_bpe = copy.deepcopy(byte_bpe)
    byte_bpe.pad_token = None
    lm = LocalModel(save_tiny(tmp_path, "llama", byte_bpe))
    texts = ["Rain fell on the quay.", "Mary went"]
    first = [lm.ask([text], 1)[0].text for text in texts]
    tokens = [int(lm.model(torch.tensor([lm.tokenizer.encode(text)])).logits[0, -1].argmax()) for text in texts]
    assert tokens[0] != tokens[1]
    lm.model.generation_config.eos_token_id = tokens[0]
    ended, cut = lm.ask(texts, 6)
    assert (ended.text, ended.reason) == ("", "empty answer")
    assert cut.text.startswith(first[1])


def test_an_answer_ends_where_the_tokenizer_says_if_the_model_does_not(tmp_path, byte_bpe):
    byte_bpe = copy.deepcopy(byte_bpe)
    lm = LocalModel(save_tiny(tmp_path, "llama", byte_bpe))
    token = int(lm.model(torch.tensor([lm.tokenizer.encode("Mary went")])).logits[0, -1].argmax())
    lm.tokenizer.eos_token = lm.tokenizer.convert_ids_to_tokens(token)
    assert lm.ask(["Mary went"], 6)[0].reason == "empty answer"
