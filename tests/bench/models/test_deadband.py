import copy
from collections import namedtuple
from dataclasses import dataclass

import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.checkpoint import load_checkpoint, save_checkpoint
from rmt_bench.bench.model import load_model
from rmt_bench.bench.models.deadband import hold, with_deadband

_SMALL = {"segment_length": 12, "memory_tokens": 3, "hidden": 16, "heads": 2, "layers": 1}


def _segment(rows: int = 2, seed: int = 0) -> torch.Tensor:
    return torch.randint(5, 4_000, (rows, 12), generator=torch.Generator().manual_seed(seed))


def test_a_row_keeps_its_value_unless_the_root_mean_square_of_its_change_reaches_the_threshold():
    before = torch.zeros(1, 4, 4)
    after = torch.zeros(1, 4, 4)
    after[0, 1] = 0.44
    after[0, 2] = 0.46
    after[0, 3, 0] = 0.92  # a root mean square of 0.46
    held = hold(before, after, 0.45)
    assert torch.equal(held[0, :2], before[0, :2])
    assert torch.equal(held[0, 2:], after[0, 2:])


def test_gradients_go_to_what_is_taken():
    before = torch.zeros(1, 2, 4, requires_grad=True)
    change = torch.tensor([[[0.1], [1.0]]], requires_grad=True)
    hold(before, before.detach() + change.expand(1, 2, 4), 0.45).sum().backward()
    assert before.grad.tolist() == [[[1, 1, 1, 1], [0, 0, 0, 0]]]  # type: ignore[union-attr]
    assert change.grad.tolist() == [[[0], [4]]]  # type: ignore[union-attr]


_Pair = namedtuple("_Pair", "h c")


@dataclass
class _Cache:
    layers: list
    seen: torch.Tensor
    name: str = "cache"


def test_states_are_held_wherever_their_tensors_are_nested():
    def state(value, seen):
        return {"pair": _Pair(torch.full((2, 3), value), [torch.full((1, 2, 3), value)]),
                "cache": _Cache([torch.full((2, 3), value)], torch.tensor(seen))}  # fmt: skip

    held = hold(state(0.0, 1), state(0.1, 2), 0.45)
    assert held["pair"].h.max() == held["pair"].c[0].max() == held["cache"].layers[0].max() == 0
    assert held["cache"].seen == 2  # what only counts goes on
    assert type(held["cache"]) is _Cache
    moved = hold(state(0.0, 1), state(0.9, 2), 0.45)
    assert moved["pair"].h.min() == moved["cache"].layers[0].min() == pytest.approx(0.9)


def test_a_state_that_grows_is_refused():
    with pytest.raises(UserError, match="state grows or changes: leave the option out"):
        hold([torch.zeros(1, 4, 2)], [torch.zeros(1, 8, 2)], 0.45)
    with pytest.raises(UserError, match="state grows or changes"):
        hold([torch.zeros(1, 4, 2)], [torch.zeros(1, 4, 2), torch.zeros(1, 4, 2)], 0.45)


@pytest.mark.parametrize("training", [False, True])
def test_a_model_reads_with_its_deadband_in_training_as_in_evaluation(training):
    torch.manual_seed(0)
    model = load_model("rmt", memory_noise=0.0, **_SMALL)
    model.train(training)  # type: ignore[attr-defined]
    with torch.set_grad_enabled(training):
        before = model.read(model.start(2), _segment())
        after = model.read(before, _segment(seed=1))
        change = (after - before).square().mean(-1).sqrt().detach()
        threshold = float(change.flatten().sort().values[2:4].mean())  # three of the six tokens change by less
        given = with_deadband(copy.deepcopy(model), threshold).read(before, _segment(seed=1))
    kept = (given == before).all(-1)
    assert torch.equal(kept, change < threshold)
    assert kept.sum() == 3
    assert torch.equal(given[~kept], after[~kept])


def test_a_deadband_of_0_changes_nothing_and_takes_one_off():
    torch.manual_seed(0)
    model = load_model("rmt", **_SMALL)
    plain = model.read(model.start(2), _segment())
    with_deadband(model, 100.0)
    assert torch.equal(model.read(model.start(2), _segment()), model.start(2))
    with_deadband(model, 0)
    assert torch.equal(model.read(model.start(2), _segment()), plain)


@pytest.mark.parametrize("name", ["rmt", "gru", "lstm", "armt", "mamba2"])
def test_every_model_with_a_state_of_one_size_takes_it(name):
    torch.manual_seed(0)
    model = load_model(name, segment_length=12, memory_deadband=1e9)
    with torch.no_grad():
        first = model.read(model.start(2), _segment())
        second = model.read(first, _segment(seed=1))
        free = with_deadband(copy.deepcopy(model), 0).read(first, _segment(seed=1))
    from rmt_bench.bench.states import tensors

    rows = [i for i, tensor in enumerate(tensors(first)) if tensor.ndim > 1]
    assert rows
    assert all(torch.equal(tensors(first)[i], tensors(second)[i]) for i in rows)
    assert not all(torch.equal(tensors(first)[i], tensors(free)[i]) for i in rows)


def test_a_checkpoint_remembers_it_and_it_can_be_given_or_taken_at_the_test(tmp_path):
    torch.manual_seed(0)
    model = load_model("rmt", memory_deadband=0.45, **_SMALL)
    folder = save_checkpoint(tmp_path / "held", "rmt", {}, model, {})
    loaded = load_checkpoint(folder)
    assert loaded.memory_deadband == 0.45  # type: ignore[attr-defined]
    assert torch.equal(loaded.read(loaded.start(2), _segment()), model.read(model.start(2), _segment()))
    assert load_model(str(folder), memory_deadband=0).memory_deadband == 0  # type: ignore[attr-defined]
    plain = save_checkpoint(tmp_path / "plain", "rmt", {}, load_model("rmt", **_SMALL), {})
    assert load_model(str(plain), memory_deadband=0.2).memory_deadband == 0.2  # type: ignore[attr-defined]
    assert not hasattr(load_checkpoint(plain), "memory_deadband")


def test_a_plugin_from_a_file_keeps_it_in_its_checkpoint(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from rmt_bench import load_tokenizer\n"
        "import torch\n"
        "class Mine(torch.nn.Linear):\n"
        "    segment_length = 8\n"
        "    def __init__(self, width): super().__init__(width, 2); self.tokenizer = load_tokenizer()\n"
        "    def start(self, n): return torch.zeros(n, 3)\n"
        "    def read(self, state, segment): return state + segment[:, :1] / 10\n"
        "    def score(self, state, prompts, choices): return torch.zeros(len(prompts), 6)\n"
    )
    spec, options = f"{tmp_path}/mine.py:Mine", {"width": 3, "memory_deadband": 0.45}
    folder = save_checkpoint(tmp_path / "ck", spec, options, load_model(spec, **options), {})
    model = load_checkpoint(folder)
    assert model.read(torch.zeros(2, 3), torch.tensor([[4], [5]])).tolist() == [[0, 0, 0], [0.5, 0.5, 0.5]]


def test_segments_that_come_at_once_are_held_one_by_one():
    torch.manual_seed(0)
    model = load_model("armt", segment_length=12, diagonal=True, memory_deadband=0.05)
    segments = torch.stack([_segment(seed=seed) for seed in range(4)], 1)
    with torch.no_grad():
        state = model.start(2)
        for segment in segments.unbind(1):
            state = model.read(state, segment)
        together = model.read_many(model.start(2), segments)  # type: ignore[attr-defined]
    assert torch.equal(together.matrix, state.matrix)


@pytest.mark.parametrize("threshold", ["much", -1.0, float("nan"), True, None])
def test_a_threshold_that_is_no_number_from_0_on_is_refused(threshold):
    with pytest.raises(UserError, match=r"memory_deadband is a number from 0 on, such as 0\.45"):
        load_model("rmt", memory_deadband=threshold, **_SMALL)


def test_it_does_not_go_with_a_limited_back_propagation():
    with pytest.raises(UserError, match="memory_deadband and bptt_depth do not go together"):
        load_model("rmt", memory_deadband=0.45, bptt_depth=2, **_SMALL)


@dataclass(frozen=True)
class _Frozen:
    cells: torch.Tensor


def test_a_state_that_may_not_be_written_to_is_held_too():
    held = hold(_Frozen(torch.zeros(1, 2)), _Frozen(torch.full((1, 2), 0.1)), 0.45)
    assert (type(held), held.cells.tolist()) == (_Frozen, [[0, 0]])


@pytest.mark.parametrize("name", ["random", "majority"])
def test_a_model_whose_state_has_nothing_to_hold_is_refused(name):
    model = load_model(name, memory_deadband=0.45)
    with pytest.raises(UserError, match="rows of floating-point numbers; this one's has none: "):
        model.read(model.start(2), _segment())
