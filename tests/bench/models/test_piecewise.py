"""A toy language model with one fault each: the proof must find the largest pieces that are right, or refuse."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedConfig

from rmt_bench.base.errors import UserError
from rmt_bench.bench.models.causal import Causal, Growth, Kept
from rmt_bench.bench.models.piecewise import Way, find_way, in_single, read_in

VOCABULARY = 50


class Recurrent(nn.Module):
    """A GRU over embeddings, called as the models of Hugging Face are. Subclasses break what it begins a call with."""

    def __init__(self, width: int = 16):
        super().__init__()
        torch.manual_seed(0)
        self.config = PreTrainedConfig(vocab_size=VOCABULARY)
        self.embedding = nn.Embedding(VOCABULARY, width)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, VOCABULARY)
        self.largest_call = 0

    @property
    def device(self):
        return self.head.weight.device

    @property
    def dtype(self):
        return self.head.weight.dtype

    def forward(self, input_ids, cache=None, use_cache=True, logits_to_keep=0):
        if cache is not None:
            self.largest_call = max(self.largest_call, input_ids.shape[1])
            cache = self.begin(cache, input_ids.shape[1])
        outputs, after = self.gru(self.embedding(input_ids), None if cache is None else cache[:, 0][None])
        after = self.end(after[0][:, None], input_ids.shape[1], cache is not None)
        kept = outputs[:, -logits_to_keep:] if isinstance(logits_to_keep, int) else outputs[:, logits_to_keep]
        return SimpleNamespace(logits=self.head(kept), cache=after if use_cache else None)

    def begin(self, cache, count):
        return cache

    def end(self, cache, count, begun):
        return cache


class Forgetful(Recurrent):
    """Begins anew in every call of several tokens, as Mamba did."""

    def begin(self, cache, count):
        return cache if count == 1 else torch.zeros_like(cache)


class Slightly(Recurrent):
    """The same, but so little that logits do not tell: what is forgotten is worth 1e-4."""

    def begin(self, cache, count):
        return cache if count == 1 else cache * (1 - 1e-4)


class Mixing(Recurrent):
    """Mixes the rows of a batch in calls of one token, as RWKV did."""

    def begin(self, cache, count):
        return cache if count > 1 else cache.mean(0, keepdim=True).expand_as(cache)


class Drifting(Recurrent):
    """Takes other steps in calls of one token, as Nemotron-H did."""

    def begin(self, cache, count):
        return cache if count > 1 else cache * 0.99


class Blocked(Recurrent):
    """Reads on rightly in whole blocks of 8, and token by token."""

    def begin(self, cache, count):
        return cache if count == 1 or count % 8 == 0 else torch.zeros_like(cache)


class Bounded(Recurrent):
    """Reads on rightly in up to 8 tokens a call."""

    def begin(self, cache, count):
        return cache if count <= 8 else torch.zeros_like(cache)


class Amnesic(Recurrent):
    """Forgets at every call."""

    def begin(self, cache, count):
        return torch.zeros_like(cache)


class Misplaced(Recurrent):
    """Answers rightly and keeps something else in calls of several tokens."""

    def end(self, cache, count, begun):
        return cache if count == 1 or not begun else cache + 0.1


@pytest.mark.parametrize(
    ("broken", "way"),
    [
        (Recurrent, Way(32)),
        (Forgetful, Way(1)),
        (Slightly, Way(1)),
        (Mixing, Way(32, singles="alone")),
        (Drifting, Way(32, singles="never")),
        (Blocked, Way(32, single_rest=True)),
        (Bounded, Way(8)),
        (Misplaced, Way(1)),
    ],
)
def test_the_largest_way_that_is_right_is_found(broken, way):
    found = find_way(Causal(broken()), 32)
    assert (found.piece, found.single_rest, found.singles) == (way.piece, way.single_rest, way.singles)
    assert found.difference < 1e-5


@pytest.mark.parametrize("segment", [48, 96, 128])
def test_a_model_with_few_positions_is_proved_within_them(segment):
    config = GPT2Config(vocab_size=64, n_embd=16, n_layer=1, n_head=2, n_positions=128, initializer_range=0.3)
    assert find_way(Causal(GPT2LMHeadModel(config).eval()), segment).piece == segment


@pytest.mark.parametrize("broken", [Recurrent, Forgetful, Mixing, Drifting, Blocked, Bounded])
@pytest.mark.parametrize("counts", [[32, 32, 1], [32, 5, 9], [1, 1, 1, 3], [7], [2, 33], [64, 1, 1, 1]])
def test_what_is_read_in_such_pieces_is_what_is_read_at_once(broken, counts):
    model = broken()
    causal = Causal(model)
    way = find_way(causal, 32)
    tokens = torch.randint(VOCABULARY, (3, sum(counts)), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        kept = Kept()
        for piece in tokens.split(counts, dim=1):
            logits, kept = read_in(causal, way, kept, piece, min(piece.shape[1], 3))
        expected = causal.whole(tokens, logits.shape[1])
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-5)


def test_a_model_that_reads_on_rightly_in_no_pieces_is_refused():
    with pytest.raises(UserError, match="Amnesic of this release of transformers does not read on rightly"):
        find_way(Causal(Amnesic()), 32)


def test_a_model_without_a_cache_is_refused():
    class Blind(Recurrent):
        def forward(self, input_ids):
            return super().forward(input_ids)

    with pytest.raises(UserError, match="Blind takes no cache"):
        Causal(Blind())


def test_half_precision_does_not_hide_a_fault():
    model = Slightly().to(torch.bfloat16)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    assert find_way(Causal(model), 16).piece == 1
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


def test_weights_come_back_in_the_precision_they_had():
    model = Recurrent().to(torch.float16)
    with in_single(model):
        assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    assert {weight.dtype for weight in model.parameters()} == {torch.float16}


def test_a_flat_state_is_told_from_one_that_grows():
    class Growing(Recurrent):
        def end(self, cache, count, begun):
            return torch.cat([cache, cache.new_zeros(len(cache), 1 + begun, cache.shape[2])], 1)

    assert Causal(Recurrent()).growth == Growth(False)
    assert Causal(Growing()).growth.endless


def test_the_first_call_takes_everything():
    assert Way(1).sizes(40, begun=False) == [40]
    assert Way(8).sizes(20) == [8, 8, 4]
    assert Way(8, single_rest=True).sizes(18) == [8, 8, 1, 1]
    assert Way(8, singles="never").sizes(17) == [8, 7, 2]
