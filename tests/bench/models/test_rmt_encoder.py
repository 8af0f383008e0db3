import copy

import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.model import load_model
from rmt_bench.bench.models.rmt_encoder import RMTEncoder

_PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")


@pytest.fixture(scope="module")
def rmt() -> RMTEncoder:
    torch.manual_seed(0)
    model = load_model("rmt", segment_length=12, memory_tokens=3, hidden=16, heads=2)
    return model.double().eval()  # type: ignore[attr-defined]


def _segments(count: int, rows: int, length: int = 12, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(5, 4_000, (rows, length), generator=generator) for _ in range(count)]


def _read(model: RMTEncoder, segments: list[torch.Tensor]) -> torch.Tensor:
    state = model.start(len(segments[0]))
    for segment in segments:
        state = model.read(state, segment)
    return state


def test_answering_leaves_the_state_as_it_was(rmt):
    with torch.no_grad():
        state = _read(rmt, _segments(2, 2))
        before = state.clone()
        rmt.score(state, list(_segments(1, 2, 5)[0]), [_PLACES] * 2)
    assert torch.equal(state, before)


def test_a_batch_equals_its_rows(rmt):
    segments = _segments(3, 4)
    with torch.no_grad():
        together = _read(rmt, segments)
        alone = [_read(rmt, [segment[row : row + 1] for segment in segments]) for row in range(4)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-12)


def test_padding_changes_nothing(rmt):
    prompts = [_segments(1, 1, length)[0][0] for length in (4, 9, 12)]
    with torch.no_grad():
        state = _read(rmt, _segments(2, 3))
        together = rmt.score(state, prompts, [_PLACES] * 3)
        alone = [rmt.score(state[i : i + 1], [prompt], [_PLACES]) for i, prompt in enumerate(prompts)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-12)


def test_choices_are_scored_in_the_order_they_are_asked(rmt):
    with torch.no_grad():
        state, prompts = rmt.start(2), list(_segments(1, 2, 6)[0])
        straight = rmt.score(state, prompts, [_PLACES, _PLACES])
        turned = rmt.score(state, prompts, [_PLACES[::-1], _PLACES[2:4] * 3])
    assert torch.equal(turned[0], straight[0].flip(0))
    assert torch.equal(turned[1], straight[1, [2, 3] * 3])


def test_a_label_that_the_classifier_lacks_is_refused(rmt):
    with pytest.raises(UserError, match="'cinema' is none of them"):
        rmt.score(rmt.start(1), [torch.tensor([7])], [("garden", "cinema")])


def test_noise_is_added_only_where_gradients_are(rmt):
    noisy = copy.deepcopy(rmt).train()
    noisy.memory_noise = 0.5
    segment = _segments(1, 1)
    still = _read(rmt, segment)
    assert not torch.allclose(_read(noisy, segment), still)
    with torch.no_grad():
        torch.testing.assert_close(_read(noisy, segment), still)


def test_a_segment_that_the_encoder_cannot_hold_is_refused():
    config = {"model_type": "bert", "vocab_size": 4096, "hidden_size": 16, "num_hidden_layers": 1,
              "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 40}  # fmt: skip
    with pytest.raises(UserError, match=r"segment_length is 1\.\.29 with 8 memory tokens, not 30"):
        load_model("rmt", config=config, segment_length=30)
    assert load_model("rmt", config=config).segment_length == 29


def test_any_encoder_with_a_classification_head_is_wrapped(tmp_path):
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    config = DistilBertConfig(vocab_size=4096, dim=16, n_layers=1, n_heads=2, hidden_dim=32, max_position_embeddings=64)
    DistilBertForSequenceClassification(config).save_pretrained(tmp_path)
    model = load_model(f"rmt:{tmp_path}", tokenizer="embedded", memory_tokens=4)
    assert model.segment_length == 57
    logits = model.score(model.read(model.start(2), _segments(1, 2, 57)[0]), list(_segments(1, 2, 9)[0]), [_PLACES] * 2)  # type: ignore[attr-defined]
    assert logits.shape == (2, 6)
