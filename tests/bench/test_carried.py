import math
from collections import Counter

import numpy as np
import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.carried import Carried, CarriedRecipe
from rmt_bench.bench.curriculum import Stage

from .toys import Marks, Summing

_STAGE = Stage("streams", 2, 12, decays=True)
_RECIPE = CarriedRecipe(batches=2, longest=12, reads=3, hold=0.0)


def _carried(recipe=_RECIPE, kind=Summing) -> Carried:
    torch.manual_seed(0)
    return Carried(kind(), Marks(), _STAGE, recipe, 0)  # type: ignore[arg-type]


def _step(carried: Carried, number: int):
    return carried.step(number, np.random.default_rng(number))


def _steps(carried: Carried, count: int) -> None:
    for number in range(count):
        _step(carried, number)


def test_a_memory_is_what_reading_the_document_so_far_gives_and_keeps_no_history():
    carried = _carried(CarriedRecipe(batches=1, longest=12, hold=0.0))
    number = 0
    while 0 not in carried._batches or carried._batches[0].read < 4:
        _step(carried, number)
        number += 1
    batch = carried._batches[0]
    again = carried._begin(batch.begun)
    state = again.state
    for _ in range(batch.read):
        state = carried.model.read(state, again.next()[0])
    torch.testing.assert_close(batch.state, state.detach())
    assert not batch.state.requires_grad


class _Noting(Summing):
    """Notes whether the state that it gets has a history."""

    def __init__(self):
        super().__init__()
        self.histories: list[bool] = []

    def read(self, state, segment):
        self.histories.append(state.requires_grad)
        return super().read(state, segment)


def test_gradients_reach_the_segments_of_the_step_and_no_further():
    carried = _carried(kind=_Noting)
    read = set()
    for number in range(40):
        carried.model.histories.clear()
        done = _step(carried, number)
        assert carried.model.histories == [False, True, True][: done.segments]
        read.add(done.segments)
    assert read == {1, 2, 3}


def test_only_rows_whose_fact_was_read_are_asked_on_the_way_and_all_at_the_end():
    carried = _carried()
    seen = Counter()
    for number in range(60):
        before = dict(carried._batches)
        done = _step(carried, number)
        gone = [place for place in before if carried._batches.get(place) is not before[place]]
        if gone:
            assert done.asked == 8
        seen["end" if gone else "way"] += 1
    assert min(seen["end"], seen["way"]) > 5
    batch = carried._begin(1_000)
    while batch.left:
        batch.next()
        if batch.left:
            known = sum(example.known_after <= batch.tokens for example in batch.examples)
            assert len(carried._ask(batch)[1]) == known


def test_what_is_asked_is_the_question_after_what_was_read():
    carried = _carried()
    batch = next(batch for seed in range(50) if (batch := carried._begin(seed)).left == 2)
    segment, _ = batch.next()
    batch.state = carried.model.read(batch.state, segment)
    logits, targets = carried._ask(batch)
    known = [i for i, example in enumerate(batch.examples) if example.known_after <= 8]
    assert 0 < len(known) < 8
    expected = carried.model.score(batch.state, [torch.tensor([9])] * 8, [()] * 8)[known]
    torch.testing.assert_close(logits, expected)
    assert targets.tolist() == [batch.examples[i].target for i in known]


def test_lengths_are_log_uniform():
    carried = _carried(CarriedRecipe(batches=1, longest=64))
    lengths = [carried._begin(number).documents.shape.segments for number in range(400)]
    assert min(lengths) == 2
    assert max(lengths) >= 60
    below = sum(length < math.sqrt(2 * 64) for length in lengths) / len(lengths)
    assert below == pytest.approx(0.5, abs=0.08)


class _Drifting(Summing):
    """Adds 2 to its state with every segment, whatever it holds."""

    def read(self, state, segment):
        return state + 2 + 0 * self.embedding.weight.sum()


def test_the_hold_loss_is_the_squared_change_over_segments_without_a_fact():
    recipe = CarriedRecipe(batches=1, longest=12, reads=1, hold=3.0)
    plain = CarriedRecipe(batches=1, longest=12, reads=1, hold=0.0)
    differences = set()
    for number in range(12):
        losses = [float(_step(_carried(each, _Drifting), number).loss.detach()) for each in (recipe, plain)]
        differences.add(round(losses[0] - losses[1], 4))
    assert differences == {12.0}  # 3 times 2 squared


def test_segments_with_a_fact_may_change_the_memory():
    carried = _carried()
    batch = carried._begin(3)
    for _ in range(batch.left):
        start = batch.tokens
        segment, idle = batch.next()
        for example, row, is_idle in zip(batch.examples, segment, idle, strict=True):
            here = start <= example.facts[0][0] < start + segment.shape[1]
            assert is_idle == (not here)
            assert bool((row > 0).any()) == here


def test_streams_go_on_from_what_was_kept():
    whole, cut = _carried(), _carried()
    for number in range(17):
        _step(whole, number)
        _step(cut, number)
    kept = {name: tensor.clone() for name, tensor in cut.tensors().items()}
    resumed = _carried()
    resumed.restore(cut.places(), kept)
    for number in range(17, 40):
        one, other = _step(whole, number), _step(resumed, number)
        assert torch.equal(one.loss, other.loss)
        assert (one.asked, one.right, one.segments) == (other.asked, other.right, other.segments)


class _Sideways(Summing):
    """A state with layers first, as a GRU has it."""

    def start(self, batch_size):
        return super().start(batch_size)[None]

    def read(self, state, segment):
        return super().read(state[0], segment)[None]

    def score(self, state, prompts, choices):
        return super().score(state[0], prompts, choices)


def test_a_state_whose_rows_do_not_come_first_is_carried_without_the_hold_loss():
    recipe = CarriedRecipe(batches=1, longest=12, hold=1.0)
    with pytest.raises(UserError, match="use --hold 0"):
        _carried(recipe, _Sideways)
    _steps(_carried(CarriedRecipe(batches=1, longest=12, hold=0.0), _Sideways), 20)


class _Live(Summing):
    """A state that holds a function."""

    def start(self, batch_size):
        return [super().start(batch_size), print]

    def read(self, state, segment):
        return [super().read(state[0], segment), print]

    def score(self, state, prompts, choices):
        return super().score(state[0], prompts, choices)


def test_a_state_that_cannot_be_kept_is_refused():
    with pytest.raises(UserError, match="streams cannot be carried: the state of this model holds"):
        _carried(CarriedRecipe(batches=1, longest=12, hold=0.0), _Live)
