import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.model import load_model
from rmt_bench.bench.models.recurrent_memory import limit_depth

_LABELS = ("garden", "kitchen", "office")
_READS = 5


def _model(kind, **options):
    torch.manual_seed(0)
    return load_model(
        "rmt", kind=kind, hidden=16, heads=2, segment_length=8, memory_tokens=2, memory_noise=0, labels=_LABELS,
        **options,
    ).double().train()  # type: ignore[attr-defined]  # fmt: skip


def _gradients(model, reads_without=0):
    """The gradient of every parameter, after five reads of which the first are read without gradients."""
    model.zero_grad()
    generator = torch.Generator().manual_seed(1)
    state = model.start(3)
    for number in range(_READS):
        with torch.set_grad_enabled(number >= reads_without):
            state = model.read(state, torch.randint(100, 4096, (3, 8), generator=generator))
    prompts = list(torch.randint(100, 4096, (3, 5), generator=generator))
    torch.nn.functional.cross_entropy(model.score(state, prompts, [_LABELS] * 3), torch.tensor([0, 1, 2])).backward()
    return {
        name: torch.zeros_like(value) if value.grad is None else value.grad.clone()
        for name, value in model.named_parameters()
    }


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
@pytest.mark.parametrize("depth", [0, 1, 3, 5, 9])
def test_gradients_reach_as_many_segments_back_as_they_may(kind, depth):
    limited = _gradients(_model(kind, bptt_depth=depth))
    reference = _gradients(_model(kind), reads_without=max(_READS - depth, 0))
    for name, gradient in reference.items():
        torch.testing.assert_close(limited[name], gradient, rtol=0, atol=1e-12)
    assert bool(reference["memory"].any()) == (depth >= _READS)


def test_the_memory_itself_is_the_same_however_far_gradients_reach():
    deep, shallow = _model("decoder"), _model("decoder", bptt_depth=1)
    segment = torch.randint(100, 4096, (2, 8), generator=torch.Generator().manual_seed(0))
    assert torch.equal(shallow.read(shallow.start(2), segment), deep.read(deep.start(2), segment))


def test_a_loss_in_between_still_sees_its_own_segments():
    weight = torch.ones((), requires_grad=True)
    memory = torch.ones(1, requires_grad=True)
    for _ in range(3):
        memory = limit_depth(memory * weight, memory, depth=2)
    (gradient,) = torch.autograd.grad(memory.sum(), weight)
    assert float(gradient) == 2


def test_a_depth_below_zero_is_refused():
    with pytest.raises(UserError, match="bptt_depth is a number of segments, 0 or more, not -1"):
        _model("decoder", bptt_depth=-1)


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_a_compiled_reader_has_the_very_weights_and_names_of_another(kind):
    plain, compiled = _model(kind), _model(kind, compile=True)
    assert list(compiled.state_dict()) == list(plain.state_dict())
