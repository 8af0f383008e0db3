import pytest
import torch

from rmt_bench.bench.model import load_model
from rmt_bench.bench.models.last_layer import split

from .families import DECODERS, ENCODERS

_SPLIT = {**DECODERS, **{f"{name}'": config for name, config in ENCODERS.items()}}


def _hidden(config, seed=0):
    torch.manual_seed(seed)
    base = load_model("rmt", config=config, memory_tokens=4, segment_length=24).backbone.base_model.eval()  # type: ignore[attr-defined]
    return base, torch.randn(2, 30, base.get_input_embeddings().embedding_dim)


@pytest.mark.parametrize("name", ["gpt2", "llama", "qwen2", "qwen3", "bert'", "roberta'", "eurobert'"])
@pytest.mark.parametrize("rows", [slice(1, 5), slice(-4, None)])
def test_some_rows_alone_are_what_they_are_among_all(name, rows):
    base, embedded = _hidden(_SPLIT[name])
    with torch.inference_mode():
        whole = base(inputs_embeds=embedded).last_hidden_state[:, rows]
        alone = split(base)(embedded, rows)  # type: ignore[misc]
    torch.testing.assert_close(alone, whole, rtol=0, atol=5e-6)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("gpt_neox", {}),
        ("opt", {}),
        ("modernbert'", {}),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}),
        ("qwen2", {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 0}),
    ],
)
def test_what_it_does_not_know_is_not_split(name, change):
    assert split(_hidden({**_SPLIT[name], **change})[0]) is None


def test_the_split_model_follows_its_weights_wherever_they_go():
    model = load_model("rmt", config=DECODERS["llama"], memory_tokens=4, segment_length=24)
    segment = torch.randint(100, 4096, (2, 24))
    model.double()  # type: ignore[attr-defined]
    for parameter in model.parameters():  # type: ignore[attr-defined]
        parameter.data.mul_(1.1)
    with torch.inference_mode():
        split_up = model.read(model.start(2), segment)
        model._last_layer = None  # type: ignore[attr-defined]
        torch.testing.assert_close(split_up, model.read(model.start(2), segment))
