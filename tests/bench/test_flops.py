import numpy as np
import pytest
import transformers

from rmt_bench.base.errors import UserError
from rmt_bench.bench.flops import (
    FAMILIES,
    READINGS,
    cost,
    counted_flops,
    forward_flops,
    load_shape,
    segment_flops,
    shape_of,
)

_TINY = {
    "opt": transformers.OPTConfig(
        num_hidden_layers=3, hidden_size=48, ffn_dim=96, num_attention_heads=4, vocab_size=500, word_embed_proj_dim=48
    ),
    "gpt2": transformers.GPT2Config(n_layer=2, n_embd=32, n_head=2, vocab_size=300),
    "llama, gated, with shared keys": transformers.LlamaConfig(
        num_hidden_layers=2, hidden_size=64, intermediate_size=160, num_attention_heads=8, num_key_value_heads=2,
        vocab_size=400,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", _TINY)
def test_products_are_exactly_what_pytorch_counts(name):
    config = _TINY[name]
    assert forward_flops(shape_of(config, name), 40, READINGS["products"]) == counted_flops(config, 40)


@pytest.mark.parametrize("name", _TINY)
def test_hoffmann_counts_the_lookup_of_words_and_the_softmax_besides(name):
    config, n = _TINY[name], 40
    shape = shape_of(config, name)
    lookup = 2 * n * config.vocab_size * config.hidden_size
    softmax = 3 * config.num_hidden_layers * config.num_attention_heads * n * n
    assert forward_flops(shape, n, READINGS["hoffmann"]) - counted_flops(config, n) == lookup + softmax


def test_opt_175b_follows_appendix_f_term_by_term():
    n, d, key, heads, layers, f, vocabulary = 2048, 12288, 128, 96, 96, 4 * 12288, 50272
    attention = (
        2 * 3 * n * d * key * heads
        + 2 * n * n * key * heads
        + 3 * heads * n * n
        + 2 * n * n * key * heads
        + 2 * n * key * heads * d
    )
    dense = 2 * n * (d * f + d * f)
    whole = 2 * n * vocabulary * d + layers * (attention + dense) + 2 * n * d * vocabulary
    assert forward_flops(FAMILIES["opt-175b"], n, READINGS["hoffmann"]) == whole


def test_a_named_model_has_the_shape_of_its_configuration():
    assert shape_of(transformers.OPTConfig(), "OPT-125M") == FAMILIES["opt-125m"]


@pytest.mark.parametrize(("model", "printed"), [("opt-125m", 295), ("opt-175b", 29)])
def test_one_reading_gives_the_ratios_that_the_report_prints(model, printed):
    ratios = {name: cost(FAMILIES[model], 2_048_000, reading).ratio for name, reading in READINGS.items()}
    assert ratios["report"] == pytest.approx(printed, rel=0.005)
    assert ratios["hoffmann"] != pytest.approx(printed, rel=0.005)
    assert ratios["products"] != pytest.approx(printed, rel=0.005)


def test_segments_grow_linearly_and_full_attention_with_the_square():
    shape = FAMILIES["opt-125m"]
    lengths = 512 * 2 ** np.arange(6, 12)
    segmented = [segment_flops(shape, int(n), READINGS["products"], 512) for n in lengths]
    assert np.ptp(segmented / lengths) == 0
    full = np.array([forward_flops(shape, int(n), READINGS["products"]) for n in lengths], dtype=float)
    assert np.diff(np.log2(full))[-1] == pytest.approx(2, abs=0.05)


def test_one_segment_costs_what_one_pass_does_and_a_rest_only_what_it_holds():
    shape, reading = FAMILIES["opt-1.3b"], READINGS["hoffmann"]
    assert cost(shape, 512, reading).ratio == 1
    whole, rest = forward_flops(shape, 512, reading), forward_flops(shape, 10 + 3, reading)
    assert segment_flops(shape, 2 * 502 + 3, reading, 512, memory=10) == 2 * whole + rest
    assert cost(shape, 2 * 502 + 3, reading, 512, memory=10).segments == 3


def test_memory_that_leaves_no_room_for_text_is_refused():
    with pytest.raises(UserError, match="512 positions of memory leave no room for text in a segment of 512"):
        cost(FAMILIES["opt-125m"], 1000, READINGS["products"], 512, 512)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (transformers.T5Config(), "an encoder and a decoder"),
        (transformers.MambaConfig(num_hidden_layers=2), "no Transformer over tokens"),
        (transformers.AlbertConfig(), "not a stack of 12 like blocks"),
        (transformers.MixtralConfig(num_hidden_layers=2, hidden_size=32, intermediate_size=32, num_attention_heads=2,
                                    num_key_value_heads=2, vocab_size=50), "does not hold for experts"),
    ],
)  # fmt: skip
def test_what_the_formula_does_not_describe_is_refused(config, says):
    with pytest.raises(UserError, match=says):
        shape_of(config, "it")


def test_a_configuration_is_read_from_a_folder_and_a_wrong_name_says_what_was_meant(tmp_path):
    _TINY["gpt2"].save_pretrained(tmp_path)
    assert load_shape(str(tmp_path)).block_weights == 12 * 32**2
    with pytest.raises(UserError, match=r"no model 'opt-125n'; did you mean 'opt-125m'"):
        load_shape("opt-125n")
