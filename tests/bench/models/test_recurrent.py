"""The small readers that are trained from nothing: sound, exact where there is a reference, and able to learn."""

import pytest
import torch
from torch import nn

from rmt_bench.base.errors import UserError
from rmt_bench.bench.check import check
from rmt_bench.bench.checkpoint import load_checkpoint, save_checkpoint
from rmt_bench.bench.model import load_model
from rmt_bench.bench.models.mamba2 import Mamba2Layer
from rmt_bench.bench.states import select_rows, tensors

NAMES = ("gru", "lstm", "mamba2", "window-transformer")
LABELS = ("garden", "kitchen", "office")


def _small(name: str, **options):
    torch.manual_seed(0)
    return load_model(name, **{"hidden": 16, "segment_length": 8, "labels": LABELS, **options})


def _tokens(rows: int, count: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(5, 4_000, (rows, count), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", NAMES)
def test_check_is_green_and_the_state_is_flat(name):
    findings = check(_small(name), LABELS)
    assert all(finding.sound for finding in findings), findings


@pytest.mark.parametrize("name", NAMES)
def test_gradients_reach_the_first_segment_through_the_state(name):
    model = _small(name).train()
    state, first = model.start(2), model.embedding(_tokens(2, 8)).detach().requires_grad_()
    _, state = model.reader(first, state)
    state = model.read(state, _tokens(2, 4, 1))
    model.score(state, list(_tokens(2, 3, 2)), [LABELS] * 2).pow(2).sum().backward()
    assert first.grad.abs().max() > 0
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_gives_the_same_scores(name, tmp_path):
    model = _small(name, layers=2)
    folder = save_checkpoint(tmp_path / "checkpoint", name, {}, model, {})
    again = load_checkpoint(folder)
    tokens, prompts = _tokens(2, 8), list(_tokens(2, 5, 1))
    with torch.inference_mode():
        one, other = (each.score(each.read(each.start(2), tokens), prompts, [LABELS] * 2) for each in (model, again))
    assert torch.equal(one, other)


def test_mamba2_computes_what_the_release_computes():
    from transformers import Mamba2Config
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    config = Mamba2Config(
        hidden_size=32, num_heads=2, head_dim=32, state_size=8, n_groups=1, chunk_size=16, num_hidden_layers=1
    )
    torch.manual_seed(0)
    reference, layer = Mamba2Mixer(config, 0).double(), Mamba2Layer(32, 8).double()
    layer.norm = nn.Identity()  # type: ignore[assignment]
    with torch.no_grad():
        layer.into.weight.copy_(reference.in_proj.weight)
        layer.convolution.weight.copy_(reference.conv1d.weight)
        layer.convolution.bias.copy_(reference.conv1d.bias)  # type: ignore[union-attr,arg-type]
        layer.step_bias.copy_(reference.dt_bias)
        layer.log_decay.copy_(reference.A_log)
        layer.skip.copy_(reference.D.uniform_())
        layer.gated_norm.weight.copy_(reference.norm.weight)
        layer.out.weight.copy_(reference.out_proj.weight)
        hidden = torch.randn(3, 150, 32, dtype=torch.float64)
        whole, _ = layer(hidden, layer.start(3))
        state, parts = layer.start(3), []
        for part in hidden.split([70, 1, 64, 15], 1):
            out, state = layer(part, state)
            parts.append(out)
        expected = hidden + reference(hidden)
    # the release's norm and steps are in single precision, whatever the weights are
    torch.testing.assert_close(whole, expected, rtol=0, atol=2e-5)
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=0, atol=1e-12)


def test_a_token_is_felt_for_layers_times_window_tokens_and_no_longer():
    model = _small("window-transformer", window=6, layers=2)

    def felt(after: int) -> float:
        outputs = []
        for seed in (0, 1):
            tokens = torch.cat([_tokens(1, 1, seed), _tokens(1, after, 2)], 1)
            state = model.start(1)
            for segment in tokens.split(4, 1):
                state = model.read(state, segment)
            outputs.append(model.score(state, [_tokens(1, 1, 3)[0]], [LABELS]))
        return float((outputs[0] - outputs[1]).abs().max())

    with torch.inference_mode():
        # the answer is given at the token behind: each layer looks 5 tokens back
        assert felt(9) > 0
        assert felt(10) == 0


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gru", {"layers": 0}, "layers is a number from 1 on, not 0"),
        ("mamba2", {"hidden": 24}, "hidden is a multiple of 16"),
        ("window-transformer", {"heads": 3}, "hidden is a multiple of twice the 3 heads"),
        ("lstm", {"segment_length": 0}, "segment_length is a number from 1 on"),
        ("gru", {"width": 8}, "takes no option 'width'"),
    ],
)
def test_a_size_that_cannot_be_is_refused(name, options, message):
    with pytest.raises(UserError, match=message):
        _small(name, **options)


def test_a_label_that_the_classifier_lacks_is_refused():
    model = _small("gru")
    with pytest.raises(UserError, match="'cinema' is none of them"):
        model.score(model.start(1), [_tokens(1, 3)[0]], [("cinema",)])


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_which_mark_stood_in_the_segment_before(name):
    """Sixty steps on a toy: the answer is the one token of the first segment that is not filler."""
    model = _small(name, hidden=32).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(0)
    accuracy = 0.0
    for _ in range(60):
        target = torch.randint(3, (32,), generator=generator)
        tokens = torch.full((32, 8), 100)
        tokens[torch.arange(32), torch.randint(8, (32,), generator=generator)] = 200 + target
        logits = model.score(model.read(model.start(32), tokens), [torch.tensor([300])] * 32, [LABELS] * 32)
        optimiser.zero_grad()
        nn.functional.cross_entropy(logits, target).backward()
        optimiser.step()
        accuracy = float((logits.argmax(1) == target).float().mean())
    assert accuracy > 0.95


@pytest.mark.parametrize("name", NAMES)
def test_rows_of_a_state_are_those_of_the_batch(name):
    model = _small(name, layers=2)
    with torch.inference_mode():
        state = model.read(model.start(3), _tokens(3, 8))
        picked = select_rows(state, [2, 0])
        scores = model.score(state, list(_tokens(3, 4, 1)), [LABELS] * 3)
        again = model.score(picked, list(_tokens(3, 4, 1)[[2, 0]]), [LABELS] * 2)
    torch.testing.assert_close(again, scores[[2, 0]])
    assert len(tensors(model.start(3))) == len(tensors(state))
