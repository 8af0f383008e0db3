import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.check import check
from rmt_bench.bench.model import load_model
from rmt_bench.bench.reading import state_bytes

from .tiny import save_tiny

CHOICES = ("garden", "kitchen", "the old harbour")


@pytest.fixture(scope="module")
def load(tmp_path_factory, byte_bpe):
    def make(family: str, spec: str = "window", config: dict | None = None, **options):
        folder = save_tiny(tmp_path_factory.mktemp(family), family, byte_bpe, **(config or {}))
        return load_model(f"{spec}:{folder}", **{"segment_length": 16, **options})

    return make


def _tokens(rows: int, count: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(5, 690, (rows, count), generator=torch.Generator().manual_seed(seed))


def _score(model, document: torch.Tensor, prompts: list[torch.Tensor]) -> torch.Tensor:
    with torch.inference_mode():
        state = model.start(len(document))
        for segment in document.split(model.segment_length, 1):
            state = model.read(state, segment)
        return model.score(state, prompts, [CHOICES] * len(prompts))


@pytest.mark.parametrize("family", ["llama", "gpt_neox"])
def test_positions_are_those_in_the_cache_and_not_those_in_the_text(load, family):
    """In one layer, a token's key and value depend on nothing but itself and its place: so the cache is a text."""
    model = load(family, config={"num_hidden_layers": 1}, sinks=3, window=20)
    document, prompts = _tokens(2, 16 * 5), list(_tokens(2, 7, 1))
    seen = torch.cat([document[:, :3], document[:, -20:]], 1)
    short = load(family, spec="full", config={"num_hidden_layers": 1})
    torch.testing.assert_close(_score(model, document, prompts), _score(short, seen, prompts), rtol=0, atol=1e-4)


def test_a_text_that_fits_into_the_window_is_read_as_a_whole(load):
    document, prompts = _tokens(2, 32), list(_tokens(2, 7, 1))
    whole = _score(load("llama", spec="full"), document, prompts)
    torch.testing.assert_close(_score(load("llama", window=40), document, prompts), whole, rtol=0, atol=1e-4)
    forgot = _score(load("llama", window=8), document, prompts)
    assert (forgot - whole).abs().max() > 1e-2


@pytest.mark.parametrize("recompute", [False, True])
def test_the_state_is_flat_once_the_window_is_full(load, recompute):
    model = load("llama", sinks=2, window=20, recompute=recompute)
    sizes = []
    with torch.inference_mode():
        state = model.start(1)
        for number in range(6):
            state = model.read(state, _tokens(1, 16, number))
            sizes.append(state_bytes(state))
    assert sizes[0] < sizes[1] == sizes[-1]
    assert (model.state_grows, model.flat_after) == (False, 22)


@pytest.mark.parametrize("options", [{}, {"recompute": True}])
def test_check_is_green(load, options):
    findings = check(load("llama", window=20, **options), CHOICES)
    assert all(finding.sound is not False for finding in findings), findings


def test_a_window_that_is_read_anew_forgets_all_that_it_lost(load):
    """For models whose cache cannot be moved, and as the stricter baseline."""
    model = load("gpt2", sinks=2, window=20, recompute=True)
    document, prompts = _tokens(2, 64), list(_tokens(2, 7, 1))
    other = document.clone()
    other[:, 2:44] = _tokens(2, 42, 5)
    assert torch.equal(_score(model, document, prompts), _score(model, other, prompts))
    seen = torch.cat([document[:, :2], document[:, -20:]], 1)
    torch.testing.assert_close(_score(model, document, prompts), _score(load("gpt2", spec="full"), seen, prompts))


@pytest.mark.parametrize("family", ["gpt2", "mistral", "mamba", "qwen3_next", "kimi_linear"])
def test_a_cache_that_cannot_be_moved_is_refused_and_the_remedy_is_named(load, family):
    model = load(family)
    with pytest.raises(UserError, match=r"cannot be moved: .* add --model-arg recompute=true"):
        model.read(model.start(1), _tokens(1, 16))


def test_a_window_that_the_positions_do_not_hold_is_refused(load):
    config = {"max_position_embeddings": 64}
    assert load("llama", config=config).window == 64 - 4 - 16 - 20
    assert load("mamba", recompute=True).window == 1020
    with pytest.raises(UserError, match="a window of 50 and a segment of 16 tokens do not fit into the 44 tokens"):
        load("llama", config=config, window=50)
    with pytest.raises(UserError, match="sinks is a number of tokens from 0 on"):
        load("llama", sinks=-1)
