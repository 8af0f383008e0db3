"""Every family that transformers has, as a tiny random model in a folder: read in segments as it is read at once."""

import logging

import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.check import check
from rmt_bench.bench.model import answers, load_model
from rmt_bench.bench.models.cached import CachedModel
from rmt_bench.bench.models.causal import Causal, Kept
from rmt_bench.bench.state_parts import take_apart
from rmt_bench.bench.states import tensors

from .tiny import FAMILIES, save_tiny, tiny_model

CHOICES = ("garden", "kitchen", "the old harbour")
#: Flat, or flat behind a window.
FLAT = {"mamba", "falcon_mamba", "mamba2", "rwkv", "recurrent_gemma", "xlstm", "lara_mini", "mistral"}


@pytest.fixture(scope="module")
def load(tmp_path_factory, byte_bpe):
    """`load("mamba")`: a tiny model of a family, loaded by its name as a user would."""

    def make(family: str, kind: str = "cached", config: dict | None = None, **options) -> CachedModel:
        folder = save_tiny(tmp_path_factory.mktemp(family), family, byte_bpe, **(config or {}))
        return load_model(f"{kind}:{folder}", **{"segment_length": 16, **options})  # type: ignore[return-value]

    return make


def _tokens(rows: int, count: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(5, 690, (rows, count), generator=torch.Generator().manual_seed(seed))


def _whole_likelihoods(model: CachedModel, texts: list[torch.Tensor]) -> torch.Tensor:
    """What the release itself finds of every choice behind a text, read in one call without a cache."""
    encoder = model._answers._encoder
    rows = []
    for text in texts:
        row = []
        for choice in CHOICES:
            answer = torch.tensor(encoder.encode([choice])[0])
            logits = model.backbone(input_ids=torch.cat([text, answer])[None], use_cache=False).logits[0].float()
            said = logits.log_softmax(-1)[len(text) - 1 : -1]
            row.append(said.gather(1, answer[:, None]).sum())
        rows.append(torch.stack(row))
    return torch.stack(rows)


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_after_segments_are_those_of_the_text_read_at_once(load, family):
    model = load(family)
    document, prompts = _tokens(2, 37), [_tokens(1, 9, 1)[0], _tokens(1, 4, 2)[0]]
    with torch.inference_mode():
        state = model.start(2)
        for segment in document.split(16, 1):
            state = model.read(state, segment)
        scores = model.score(state, prompts, [CHOICES] * 2)
        again = model.score(state, prompts, [CHOICES] * 2)
        whole = _whole_likelihoods(model, [torch.cat(pair) for pair in zip(document, prompts, strict=True)])
    assert torch.equal(scores, again)
    torch.testing.assert_close(scores, whole, rtol=0, atol=2e-4)
    assert model.state_grows == (family not in FLAT)


@pytest.mark.parametrize("family", ["mamba2", "rwkv", "llama", "nemotron_h"])
def test_check_is_green(load, family):
    findings = check(load(family, segment_length=8), CHOICES)
    assert all(finding.sound for finding in findings), findings


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"mamba2", "rwkv", "llama", "nemotron_h"}))
def test_check_is_green_for_every_family(load, family):
    findings = check(load(family, segment_length=8), CHOICES)
    assert all(finding.sound for finding in findings), findings


def test_a_release_that_does_not_read_on_rightly_is_told_of_once(load, caplog):
    model = load("recurrent_gemma")
    broken = "one token a call"
    with caplog.at_level(logging.WARNING):
        about = model.about
        model.read(model.start(1), _tokens(1, 16))
    if about["read_in"] != broken:
        pytest.skip("this release of transformers has mended it")
    assert [record.message for record in caplog.records if broken in record.message] == caplog.messages
    assert len(caplog.messages) == 1


def test_a_window_is_full_where_it_says_so(load):
    model = load("mistral")
    assert (model.state_grows, model.flat_after) == (False, 24)
    assert load("llama").state_grows
    assert load("llama").max_tokens == 4096 - 20
    assert load("llama", max_tokens=0).max_tokens is None
    assert load("llama", max_tokens=100).max_tokens == 100
    assert model.max_tokens is None


def test_generation_goes_on_as_the_release_generates(load):
    for family in ("llama", "rwkv", "nemotron_h"):
        model = load(family, mode="generate", max_new_tokens=5)
        document, prompt = _tokens(1, 32), _tokens(1, 6, 1)
        with torch.inference_mode():
            state = model.start(1)
            for segment in document.split(16, 1):
                state = model.read(state, segment)
            (reply,) = answers(model, state, [prompt[0]], [CHOICES])
            text = torch.cat([document, prompt], 1)
            for _ in range(5):
                text = torch.cat([text, model.backbone(text, use_cache=False).logits[:, -1:].argmax(-1)], 1)
        assert reply.text == model.tokenizer.decode(text[0, 38:], skip_special_tokens=True).strip()
        assert reply.reason == "cut after 5 tokens"


def test_generation_ends_with_the_text(load):
    model = load("llama", mode="generate", max_new_tokens=50)
    with torch.inference_mode():
        first = model.backbone(_tokens(1, 6), use_cache=False).logits[0, -1].argmax()
    model.causal.config.eos_token_id = int(first)
    assert answers(model, model.start(1), [_tokens(1, 6)[0]], [()])[0].text == ""


def test_a_question_without_choices_is_answered_freely_and_one_with_choices_by_the_likeliest(load):
    model = load("llama", max_new_tokens=3)
    replies = answers(model, model.start(2), list(_tokens(2, 6)), [(), CHOICES])
    assert replies[0].reason == "cut after 3 tokens"
    assert replies[1].text in CHOICES


def test_the_tokens_that_open_a_text_are_read_once(load, byte_bpe):
    from tokenizers.processors import TemplateProcessing

    model = load("llama")
    byte_bpe = model.tokenizer
    byte_bpe.backend_tokenizer.post_processor = TemplateProcessing(single="[CLS] $A", special_tokens=[("[CLS]", 2)])
    opened = CachedModel(model.backbone, byte_bpe, segment_length=16)
    document, prompt = _tokens(1, 32), _tokens(1, 5, 1)
    with torch.inference_mode():
        state = opened.start(1)
        for segment in document.split(16, 1):
            state = opened.read(state, segment)
        scores = opened.score(state, list(prompt), [CHOICES])
        first = opened.score(opened.start(1), list(prompt), [CHOICES])
        opening = torch.tensor([2])
        whole = _whole_likelihoods(opened, [torch.cat([opening, document[0], prompt[0]])])
        alone = _whole_likelihoods(opened, [torch.cat([opening, prompt[0]])])
    torch.testing.assert_close(scores, whole, rtol=0, atol=1e-4)
    torch.testing.assert_close(first, alone, rtol=0, atol=1e-4)


def test_what_is_asked_for_wrongly_is_one_line(load, tmp_path, byte_bpe):
    for message, make in {
        "say which causal language model": lambda: load_model("cached"),
        "no configuration could be loaded": lambda: load_model(f"cached:{tmp_path}"),
        "unknown mode 'choise'; did you mean 'choice'": lambda: load("llama", mode="choise"),
        "takes no option 'widow'": lambda: load("llama", widow=3),
        "max_new_tokens is a number from 1 on": lambda: load("llama", max_new_tokens=0),
        "tokens, the model embeds 50": lambda: CachedModel(tiny_model("llama", 50), byte_bpe),
    }.items():
        with pytest.raises(UserError, match=message):
            make()


def test_scores_that_are_no_numbers_are_an_error_and_no_answer(load):
    model = load("llama")
    model.way  # noqa: B018 - proved while the weights are numbers
    torch.nn.init.constant_(model.causal.module.get_output_embeddings().weight, torch.nan)
    (reply,) = answers(model, model.start(1), [_tokens(1, 6)[0]], [CHOICES])
    assert (reply.status, reply.text) == ("error", "")


def test_at_the_end_of_the_positions_there_is_room_for_an_answer(load):
    """Learned positions end in an exception, not in a worse answer."""
    for choices in (CHOICES, ()):
        model = load("gpt2", config={"n_positions": 64})
        state = model.start(1)
        question = 16
        for segment in _tokens(1, model.max_tokens - question).split(16, 1):
            state = model.read(state, segment)
        (reply,) = answers(model, state, [_tokens(1, question, 1)[0]], [choices])
        assert reply.status == "answered"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_state_of_every_family_can_be_kept_on_disk(family):
    causal = Causal(tiny_model(family, 700))
    with torch.inference_mode():
        _, kept = causal.read(Kept(), _tokens(2, 8))
        again = take_apart(kept).together()
    assert all(torch.equal(one, other) for one, other in zip(tensors(kept), tensors(again), strict=True))
