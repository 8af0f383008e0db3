from collections import OrderedDict, deque, namedtuple
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from rmt_bench.bench.state_parts import UnsavableError, fork, state_bytes, take_apart

Pair = namedtuple("Pair", "left right")


@dataclass
class Memory:
    cells: torch.Tensor
    step: int
    history: list[torch.Tensor]


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


def _every_kind() -> dict[Any, Any]:
    return {
        "memory": Memory(torch.arange(6.0).view(2, 3), 4, [torch.ones(2), torch.zeros(2, dtype=torch.bfloat16)]),
        7: (None, True, 2.5, "word", torch.float16, torch.device("cpu"), torch.Size([2, 3])),
        "window": deque([torch.ones(1), torch.zeros(1)], maxlen=2),
        "pair": Pair(np.arange(3), np.float32(0.5)),
        "ordered": OrderedDict(a=[], b={}),
        "set": {1, 2},
    }


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and bool((one == other).all())
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple, deque)):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Memory):
        return _same(vars(one), vars(other))
    return one == other


def test_a_state_of_every_kind_is_the_same_again_when_it_is_put_together():
    state = _every_kind()
    again = take_apart(state).together()
    assert _same(state, again)
    assert again["window"].maxlen == 2


def test_a_fork_shares_no_tensor_with_its_origin():
    state = _every_kind()
    copy = fork(state)
    assert _same(state, copy)
    state["memory"].cells.add_(1)
    state["window"][0].zero_()
    state["pair"].left[0] = 9
    assert _same(copy, _every_kind())


def test_one_tensor_held_twice_is_one_tensor_in_the_fork():
    tensor = torch.zeros(2)
    one, other = fork([tensor, {"again": tensor}])
    assert one is other["again"]
    assert one is not tensor


def test_a_chain_of_a_hundred_thousand_links_is_taken_apart_and_put_together():
    chain = None
    for link in range(100_000):
        chain = (chain, link)
    copy, links = fork(chain), 0
    while copy is not None:
        copy, link = copy
        links += 1
        assert link == 100_000 - links
    assert links == 100_000


def test_a_cache_of_transformers_reads_on_alike_after_a_fork():
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(n_layer=2, n_embd=16, n_head=2, vocab_size=50, bos_token_id=0, eos_token_id=0)
    model = GPT2LMHeadModel(config).eval()
    tokens = torch.randint(50, (2, 12))
    with torch.inference_mode():
        cache = model(tokens[:, :6], use_cache=True).past_key_values
        copy = fork(cache)
        model(tokens[:, 3:6], past_key_values=cache, use_cache=True)  # changes the cache in place
        after = model(tokens[:, 6:], past_key_values=copy, use_cache=True).logits
        whole = model(tokens).logits[:, 6:]
    assert state_bytes(copy) > 0
    assert torch.allclose(after, whole, atol=1e-5)


@pytest.mark.parametrize(
    ("value", "named"),
    [(lambda: 0, "function"), (torch.nn.Linear(1, 1), "Linear"), (Slotted(1), "Slotted"), (b"bytes", "bytes")],
)
def test_what_cannot_be_written_down_is_named(value, named):
    with pytest.raises(UnsavableError, match=named):
        take_apart([value])


def test_a_fork_shares_a_model_and_copies_what_else_it_does_not_know():
    model, slotted = torch.nn.Linear(1, 1), Slotted([1])
    same, copied = fork((model, slotted))
    assert same is model
    assert copied.value == [1]
    assert copied.value is not slotted.value


def test_a_state_that_holds_itself_is_refused():
    state: list[Any] = []
    state.append([state])
    with pytest.raises(UnsavableError, match="holds itself"):
        fork(state)


def test_the_bytes_of_a_state_are_found_wherever_they_are_nested():
    shared = torch.zeros(4, dtype=torch.float64)
    state = {"a": [torch.zeros(2, 3), shared], "b": SimpleNamespace(cache=(shared, torch.zeros(1, dtype=torch.int8)))}
    assert state_bytes(state) == 24 + 32 + 1


def test_a_state_of_a_class_that_is_nobody_elses_is_forked_and_not_saved():
    @dataclass
    class Inner:
        cells: torch.Tensor

    state = Inner(torch.ones(2, 3))
    copy = fork(state)
    assert (type(copy), copy.cells.data_ptr() != state.cells.data_ptr()) == (Inner, True)
    with pytest.raises(UnsavableError, match=r"<locals>\.Inner"):
        take_apart(state)


def test_a_class_in_a_state_is_kept_by_its_name():
    assert take_apart([Memory, torch.Tensor]).together() == [Memory, torch.Tensor]
