"""Five segments and a question, through the plugin and through the equations; the two share nothing but weights."""

import numpy as np
import pytest
import torch

from rmt_bench.bench.model import load_model

from .equations import bert, gpt2, llama, log_softmax, weights_of

_MEMORY, _SEGMENT, _WIDTH, _VOCABULARY = 3, 12, 16, 4096
_SIZE = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": _WIDTH, "intermediate_size": 40}
_CONFIGS = {
    "bert": {"model_type": "bert", **_SIZE, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
    "gpt2": {"model_type": "gpt2", "n_layer": 2, "n_head": 4, "n_embd": _WIDTH, "n_positions": 40},
    "llama": {"model_type": "llama", **_SIZE, "num_key_value_heads": 2},
}
_DECODERS = {"gpt2": gpt2, "llama": llama}
_PRECISIONS = [("float64", 1e-10), ("float32", 1e-5)]
_CHOICES = ("garden", "the living room")


def _model(family, dtype, **options):
    torch.manual_seed(0)
    config = {**_CONFIGS[family], "vocab_size": _VOCABULARY, "initializer_range": 0.2}
    model = load_model(
        "rmt", config=config, memory_tokens=_MEMORY, segment_length=_SEGMENT, dtype=dtype, labels=_CHOICES, **options
    )
    if dtype == "float64":
        _in_double(model.backbone)  # type: ignore[attr-defined]
    return model


def _in_double(backbone):
    """The release computes Llama's norms and angles in single precision, whatever the model's own is."""
    for module in list(backbone.modules()):
        for name, part in module.named_children():
            if type(part).__name__ == "LlamaRMSNorm":
                norm = torch.nn.RMSNorm(len(part.weight), part.variance_epsilon, dtype=torch.float64)
                norm.weight = part.weight
                setattr(module, name, norm)
            elif type(part).__name__ == "LlamaRotaryEmbedding":
                part.forward = _angles


def _angles(x, position_ids, width=_WIDTH // 4):
    turns = 10_000 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = (position_ids[..., None] * turns).repeat(1, 1, 2)
    return angles.cos(), angles.sin()


def _tokens(rows, length, seed):
    return torch.randint(5, _VOCABULARY, (rows, length), generator=torch.Generator().manual_seed(seed))


def _read_and_score(model):
    """The memory after each of five segments, and the scores of two questions of different length."""
    segments, prompts = [_tokens(2, _SEGMENT, seed) for seed in range(5)], [_tokens(1, n, 9)[0] for n in (7, 10)]
    states = [model.start(2)]
    with torch.inference_mode():
        for segment in segments:
            states.append(model.read(states[-1], segment))
        scores = model.score(states[-1], prompts, [_CHOICES] * 2)
    return segments, prompts, [state.double().numpy() for state in states[1:]], scores.double().numpy()


@pytest.mark.parametrize(("dtype", "tolerance"), _PRECISIONS)
def test_an_encoder_follows_the_equations(dtype, tolerance):
    model = _model("bert", dtype)
    segments, prompts, states, scores = _read_and_score(model)
    body, whole = weights_of(model.backbone.base_model), weights_of(model.backbone)
    words = body["embeddings.word_embeddings.weight"]
    cls, sep = words[[model.tokenizer.cls_token_id]], words[[model.tokenizer.sep_token_id]]
    for row in range(2):
        memory = model.memory.detach().double().numpy()
        for segment, state in zip(segments, states, strict=True):
            x = np.concatenate([cls, memory, sep, words[segment[row].numpy()], sep])
            memory = bert(body, model.config, x)[1 : 1 + _MEMORY]
            np.testing.assert_allclose(state[row], memory, rtol=0, atol=tolerance)
        x = np.concatenate([cls, memory, sep, words[prompts[row].numpy()], sep])
        first = bert(body, model.config, x)[0]
        pooled = np.tanh(first @ body["pooler.dense.weight"].T + body["pooler.dense.bias"])
        logits = pooled @ whole["classifier.weight"].T + whole["classifier.bias"]
        np.testing.assert_allclose(scores[row], logits, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), _PRECISIONS)
@pytest.mark.parametrize("family", _DECODERS)
def test_a_decoder_follows_the_equations(family, dtype, tolerance):
    model, equations = _model(family, dtype), _DECODERS[family]
    segments, prompts, states, scores = _read_and_score(model)
    body, head = weights_of(model.backbone.base_model), weights_of(model.backbone)["lm_head.weight"]
    words = weights_of(model.backbone.get_input_embeddings())["weight"]
    answers = [model.tokenizer.encode(f" {choice}", add_special_tokens=False) for choice in _CHOICES]
    assert [len(answer) for answer in answers] == [1, 5]
    for row in range(2):
        memory = model.memory.detach().double().numpy()
        for segment, state in zip(segments, states, strict=True):
            x = np.concatenate([memory, words[segment[row].numpy()], memory])
            memory = equations(body, model.config, x)[-_MEMORY:]
            np.testing.assert_allclose(state[row], memory, rtol=0, atol=tolerance)
        for answer, score in zip(answers, scores[row], strict=True):
            x = np.concatenate([memory, words[[*prompts[row].tolist(), *answer]]])
            said = log_softmax(equations(body, model.config, x) @ head.T)[-len(answer) - 1 : -1]
            wanted = said[np.arange(len(answer)), answer].sum()
            np.testing.assert_allclose(score, wanted, rtol=0, atol=tolerance)


@pytest.mark.parametrize("family", _DECODERS)
def test_a_classifying_decoder_follows_the_equations(family):
    model, equations = _model(family, "float64", mode="classify"), _DECODERS[family]
    _, prompts, states, scores = _read_and_score(model)
    body, head = weights_of(model.backbone.base_model), weights_of(model.backbone)["score.weight"]
    words = weights_of(model.backbone.get_input_embeddings())["weight"]
    for row in range(2):
        x = np.concatenate([states[-1][row], words[prompts[row].numpy()]])
        np.testing.assert_allclose(scores[row], equations(body, model.config, x)[-1] @ head.T, rtol=0, atol=1e-10)
