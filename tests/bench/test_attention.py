import numpy as np
import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.attention import Share, look, measure, shares, views
from rmt_bench.bench.model import load_model

_MEMORY, _SEGMENT = 3, 32


class Pointing:
    """Two layers of two heads that look where they are told: the memory at the fact, itself and the question at it."""

    segment_length = _SEGMENT

    def __init__(self, tokenizer, fact: set[int] = frozenset(), roles=None):
        self.tokenizer, self.fact, self.roles = tokenizer, fact, roles

    def start(self, batch_size):
        return 0

    def read(self, state, segment):
        return state + 1

    def score(self, state, prompts, choices):
        return torch.arange(len(choices[0])).float()[None]

    def attend(self, state, tokens, asking):
        roles = ["answer", *["memory"] * _MEMORY, "separator", *["text"] * tokens.shape[1]]
        weights = torch.full((2, 1, 2, len(roles), len(roles)), 1 / len(roles))
        memory = range(1, 1 + _MEMORY)
        here = [5 + i for i in range(tokens.shape[1]) if state * _SEGMENT + i in self.fact]
        weights[1, :, 1] = 0
        weights[1, :, 1, :, memory[0]] = 1
        for own in memory:
            weights[1, :, 1, own] = 0
            weights[1, :, 1, own, here or own] = 1 / max(len(here), 1)
        return weights, self.roles or roles


def _documents(make_plan, tokens: int, count: int = 6, **source):
    plan = make_plan("detect", lengths=str(tokens), samples=count, **source)
    return [sample for unit in plan.units() for sample in plan.samples(unit)]


def _facts(sample, tokenizer) -> set[int]:
    from rmt_bench.generators.tokens import Encoder

    (fact,) = sample.facts
    return set(range(fact.token_start, fact.token_start + len(Encoder(tokenizer).short(fact.text))))


def test_each_operation_finds_the_head_that_does_it_and_nothing_else(make_plan, byte_bpe):
    samples = _documents(make_plan, 120, placement="depth=0.4")
    found = [shares(look(Pointing(byte_bpe, _facts(sample, byte_bpe)), sample)) for sample in samples]
    operations = {one.name: one for one in measure(found)}
    assert list(operations) == ["wait", "write", "keep", "own", "read", "answer"]
    for name in ("write", "own", "read", "answer"):
        one = operations[name]
        assert (one.layer, one.head) == (1, 1)
        assert one.strongest == pytest.approx(1)
        assert one.heads[0] == pytest.approx((one.even, one.even))
        assert one.mean == pytest.approx(np.mean(one.heads))
        assert one.n == len(samples)
    assert operations["keep"].strongest == pytest.approx(1)
    positions = 5 + _SEGMENT
    assert operations["keep"].even == pytest.approx(_MEMORY / positions)
    assert operations["own"].even == pytest.approx(1 / positions)


def test_tags_and_words_say_what_was_read(make_plan, byte_bpe):
    (sample,) = _documents(make_plan, 100, 1, placement="depth=0.5")
    seen = look(Pointing(byte_bpe), sample)
    facts = "".join(
        word for one in seen.segments for word, tag in zip(one.words, one.tags, strict=True) if tag == "fact"
    )
    last = seen.segments[-1]
    asked = "".join(word for word, tag in zip(last.words, last.tags, strict=True) if tag == "question")
    assert facts.strip() == sample.facts[0].text
    assert asked.strip() == sample.question
    assert [one.asking for one in seen.segments] == [False, False, False, True]
    assert seen.answer == sample.choices[-1]


def test_a_fact_beside_the_question_is_neither_written_nor_read_from_memory(make_plan, byte_bpe):
    (sample,) = _documents(make_plan, 84, 1, placement="end")
    found = shares(look(Pointing(byte_bpe, _facts(sample, byte_bpe)), sample))
    assert "read" not in found
    assert "wait" in found
    operations = {one.name: one for one in measure([found])}
    assert operations["read"].n == 0
    assert np.isnan(operations["read"].mean)


def test_an_interval_is_over_documents_and_stays_between_0_and_1():
    found = [{"read": Share(np.full((1, 2), value), 0.1)} for value in (1.0, 1.0, 1.0, 0.8)]
    one = next(operation for operation in measure(found) if operation.name == "read")
    assert one.mean == pytest.approx(0.95)
    assert 0.8 <= one.ci_low < one.mean < one.ci_high <= 1
    assert np.isnan(next(o for o in measure(found[:1]) if o.name == "read").ci_low)


def test_a_model_that_does_not_show_its_attention_is_refused(make_plan):
    (sample,) = _documents(make_plan, 60, 1)
    with pytest.raises(UserError, match="Oracle does not show its attention"):
        look(load_model("oracle"), sample)


def test_a_model_that_shows_it_wrongly_is_told_how(make_plan, byte_bpe):
    (sample,) = _documents(make_plan, 60, 1)
    with pytest.raises(UserError, match="role 'word'; roles are memory, written, answer, separator, text"):
        look(Pointing(byte_bpe, roles=["word"]), sample)
    with pytest.raises(UserError, match="gave 2 roles, 1 of them text"):
        look(Pointing(byte_bpe, roles=["memory", "text"]), sample)


@pytest.fixture(scope="module", params=["encoder", "decoder"])
def rmt(request):
    torch.manual_seed(0)
    shape = {"segment_length": 12, "memory_tokens": 3, "hidden": 16, "heads": 2, "layers": 1}
    return load_model("rmt", kind=request.param, **shape).double().eval()  # type: ignore[attr-defined]


def _by_hand(rmt, embedded):
    """The weights of the only layer, from its own queries and keys: [heads, positions, positions]."""
    if rmt.config.model_type == "bert":
        bert = rmt.backbone.bert
        hidden, attention = bert.embeddings(inputs_embeds=embedded), bert.encoder.layer[0].attention.self
        query, key = attention.query(hidden), attention.key(hidden)
    else:
        gpt = rmt.backbone.transformer
        block = gpt.h[0]
        query, key, _ = block.attn.c_attn(block.ln_1(embedded + gpt.wpe.weight[: embedded.shape[1]])).split(16, dim=-1)
    query, key = (part[0].view(-1, 2, 8).transpose(0, 1) for part in (query, key))
    scores = query @ key.transpose(1, 2) / 8**0.5
    if rmt.config.model_type != "bert":
        scores = scores.masked_fill(torch.ones_like(scores[0]).triu(1).bool(), -torch.inf)
    return scores.softmax(-1)


def test_an_rmt_shows_the_softmax_of_its_own_queries_and_keys(rmt):
    tokens = torch.arange(100, 112)[None]
    with torch.no_grad():
        state = rmt.read(rmt.start(1), tokens)
        weights, roles = rmt.attend(state, tokens, False)
        if rmt.config.model_type == "bert":
            embedded = rmt._embed(state, tokens)
        else:
            embedded = torch.cat([state, rmt._words()(tokens), state], 1)
        torch.testing.assert_close(weights[0, 0], _by_hand(rmt, embedded), rtol=0, atol=1e-12)
    assert weights.shape == (1, 1, 2, len(roles), len(roles))
    assert roles.count("text") == 12


def test_showing_attention_leaves_an_rmt_as_it_was(rmt):
    tokens = torch.arange(100, 112)[None]
    with torch.no_grad():
        before = rmt.read(rmt.start(1), tokens)
        rmt.attend(before, tokens[:, :5], True)
        assert torch.equal(rmt.read(rmt.start(1), tokens), before)
    assert rmt.config._attn_implementation == "sdpa"


def test_what_a_decoder_writes_comes_last_and_only_where_it_reads():
    rmt = load_model("rmt", kind="decoder", segment_length=12, memory_tokens=3, hidden=16, heads=2)
    tokens = torch.arange(100, 112)[None]
    with torch.no_grad():
        reading = rmt.attend(rmt.start(1), tokens, False)[1]  # type: ignore[attr-defined]
        asking = rmt.attend(rmt.start(1), tokens, True)[1]  # type: ignore[attr-defined]
    assert reading == ["memory"] * 3 + ["text"] * 12 + ["written"] * 3
    assert asking == ["memory"] * 3 + ["text"] * 12


def test_views_are_means_of_heads(make_plan, byte_bpe):
    (sample,) = _documents(make_plan, 60, 1)
    segment = look(Pointing(byte_bpe), sample).segments[0]
    maps = dict(views(segment))
    assert list(maps)[:4] == ["all layers and heads", "layer 1", "layer 2", "layer 1, head 1"]
    np.testing.assert_allclose(maps["layer 2"], (maps["layer 2, head 1"] + maps["layer 2, head 2"]) / 2, rtol=1e-6)
    np.testing.assert_allclose(maps["all layers and heads"].sum(-1), 1, rtol=1e-5)
