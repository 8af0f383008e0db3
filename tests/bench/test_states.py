from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from rmt_bench.bench.states import clone_state, join_rows, select_rows, tensors


@dataclass
class Layered:
    """A state such as a cache: tensors in a dict in an object, a counter, a flag that changes."""

    layers: dict[int, Any]
    seen: torch.Tensor = field(default_factory=lambda: torch.tensor([7]))
    begun: dict[int, bool] = field(default_factory=lambda: {0: False})


def _layered(rows: int = 3) -> Layered:
    one = torch.arange(rows * 4.0).view(rows, 4)
    return Layered({0: [one, None], 1: (one[:, None] * 10, "plain")})


def test_a_clone_shares_no_tensor_and_no_flag_with_its_origin():
    state = _layered()
    copy = clone_state(state)
    copy.layers[0][0].zero_()
    copy.begun[0] = True
    assert state.layers[0][0].any()
    assert state.begun == {0: False}


def test_a_clone_passes_gradients_on():
    weight = torch.ones(2, 2, requires_grad=True)
    clone_state([weight * 3])[0].sum().backward()
    assert torch.equal(weight.grad, torch.full((2, 2), 3.0))


def test_rows_are_taken_in_the_order_asked_and_may_recur():
    picked = select_rows(_layered(), [2, 0, 2])
    assert torch.equal(picked.layers[0][0], _layered().layers[0][0][[2, 0, 2]])
    assert torch.equal(picked.layers[1][0], _layered().layers[1][0][[2, 0, 2]])
    assert torch.equal(picked.seen, torch.tensor([7]))


def test_rows_taken_apart_and_joined_are_the_state_again():
    state = _layered()
    joined = join_rows([select_rows(state, [row]) for row in range(3)])
    assert all(torch.equal(a, b) for a, b in zip(tensors(joined), tensors(state), strict=True))


def test_tensors_that_disagree_about_the_rows_are_refused():
    with pytest.raises(ValueError, match=r"\[2, 3\] rows: which of them is the batch"):
        select_rows([torch.zeros(2, 1), torch.zeros(3, 1)], [0])
