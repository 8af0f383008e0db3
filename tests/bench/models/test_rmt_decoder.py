import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.model import Reply, answers, load_model

from .families import DECODERS

_CHOICES = ("garden", "the living room", "office")


def _model(family="llama", **options):
    torch.manual_seed(0)
    return load_model("rmt", config=DECODERS[family], memory_tokens=4, segment_length=24, **options)


def _tokens(rows, length, seed=0):
    return torch.randint(100, 4096, (rows, length), generator=torch.Generator().manual_seed(seed))


def _read(model, rows=2):
    return model.read(model.start(rows), _tokens(rows, 24))


@pytest.fixture(autouse=True)
def _inference():
    with torch.inference_mode():
        yield


def test_the_memory_is_written_behind_the_segment_and_sees_all_of_it():
    model = _model()
    segment = _tokens(1, 24)
    for place in (0, 23):
        changed = segment.clone()
        changed[0, place] += 1
        assert not torch.allclose(model.read(model.start(1), changed), model.read(model.start(1), segment))


def test_it_asks_the_backbone_for_logits_at_the_last_token_only(monkeypatch):
    model, asked = _model(), []
    forward = model.backbone.forward  # type: ignore[attr-defined]

    def watched(**options):
        made = forward(**options)
        asked.append(tuple(made.logits.shape[:2]))
        return made

    monkeypatch.setattr(model.backbone, "forward", watched)  # type: ignore[attr-defined]
    state = _read(model)
    assert asked == []
    model.score(state, list(_tokens(2, 9)), [("garden", "office")] * 2)  # type: ignore[attr-defined]
    assert asked == [(2, 1)]


def test_rows_with_choices_choose_and_rows_without_generate():
    model = _model(max_new_tokens=3)
    state, prompts = _read(model), list(_tokens(2, 9))
    chosen, free = answers(model, state, prompts, [_CHOICES, ()])
    assert chosen.text in _CHOICES
    assert free == answers(_model(max_new_tokens=3, mode="generate"), state, prompts, [(), ()])[1]
    assert free.reason == "cut after 3 tokens"


def test_rows_may_have_different_numbers_of_choices():
    model = _model()
    state, prompts = _read(model), list(_tokens(2, 9))
    together = answers(model, state, prompts, [_CHOICES, ("office",)])
    alone = answers(model, state[:1], prompts[:1], [_CHOICES])
    assert together == [alone[0], Reply("office")]


def test_an_answer_prefix_stands_between_prompt_and_answer():
    model, other = _model(), _model(answer_prefix="GEN", answer_space=False)
    state, prompt = _read(model, 1), _tokens(1, 9)[0]
    gen, garden = (torch.tensor(model.tokenizer.encode(text, add_special_tokens=False)) for text in ("GEN", "garden"))
    embedded = torch.cat([state[0], model.backbone.get_input_embeddings()(torch.cat([prompt, gen, garden]))])[None]  # type: ignore[attr-defined]
    logits = model.backbone(inputs_embeds=embedded).logits[0].log_softmax(-1)[-len(garden) - 1 : -1]  # type: ignore[attr-defined]
    by_hand = logits[torch.arange(len(garden)), garden].sum()
    torch.testing.assert_close(other.score(state, [prompt], [("garden",)])[0, 0], by_hand)  # type: ignore[attr-defined]


def test_the_mean_over_tokens_may_be_compared_instead_of_the_sum():
    total, mean = _model(), _model(per_token=True)
    state, prompts = _read(total), list(_tokens(2, 9))
    lengths = torch.tensor([len(total.tokenizer.encode(f" {choice}", add_special_tokens=False)) for choice in _CHOICES])
    scores = [model.score(state, prompts, [_CHOICES] * 2) for model in (total, mean)]  # type: ignore[attr-defined]
    torch.testing.assert_close(scores[1] * lengths, scores[0])


def test_generation_ends_with_the_token_that_ends_a_text():
    model = _model(mode="generate", max_new_tokens=8)
    state, prompts = _read(model), list(_tokens(2, 9))
    whole = answers(model, state, prompts, [(), ()])[0]
    tokens = model.tokenizer.encode(whole.text, add_special_tokens=False)
    model.backbone.generation_config.eos_token_id = [tokens[3]]  # type: ignore[attr-defined]
    cut = answers(model, state, prompts, [(), ()])[0]
    assert cut == Reply(str(model.tokenizer.decode(tokens[: tokens.index(tokens[3])])).strip())


def test_answering_leaves_the_state_as_it_was():
    model = _model()
    state = _read(model)
    before = state.clone()
    answers(model, state, list(_tokens(2, 9)), [_CHOICES, ()])
    assert torch.equal(state, before)


def test_a_segment_that_the_backbone_cannot_hold_with_an_answer_is_refused():
    with pytest.raises(
        UserError, match=r"segment_length is 1\.\.72 with 4 memory tokens and 20 tokens of answer, not 73"
    ):
        load_model("rmt", config=DECODERS["gpt2"], memory_tokens=4, segment_length=73)
    with pytest.raises(UserError, match=r"segment_length is 1\.\.88 with 4 memory tokens, not 89"):
        load_model("rmt", config=DECODERS["gpt2"], memory_tokens=4, segment_length=89, mode="classify")
    assert load_model("rmt", config=DECODERS["gpt2"], memory_tokens=4).segment_length == 72


def test_a_choice_that_does_not_fit_behind_the_prompt_is_refused_and_not_cut():
    model = load_model("rmt", config=DECODERS["gpt2"], memory_tokens=4, max_new_tokens=1)
    prompt = list(_tokens(1, model.segment_length))
    assert model.score(model.start(1), prompt, [("garden",)]).shape == (1, 1)  # type: ignore[attr-defined]
    with pytest.raises(UserError, match="give a smaller segment_length, or a larger max_new_tokens"):
        model.score(model.start(1), prompt, [("the room with the large window to the garden",)])  # type: ignore[attr-defined]


def test_scores_that_are_no_numbers_are_an_error_and_no_answer():
    model = _model()
    torch.nn.init.constant_(model.backbone.get_output_embeddings().weight, torch.nan)  # type: ignore[attr-defined]
    (reply,) = answers(model, model.start(1), list(_tokens(1, 9)), [_CHOICES])
    assert (reply.status, reply.text) == ("error", "")
