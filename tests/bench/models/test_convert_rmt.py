"""Checkpoints are written here as the authors' code names things, from models whose outputs are known."""

import json
import os

import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.model import load_model

_SIZE = {"vocab_size": 4096, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
         "intermediate_size": 32, "max_position_embeddings": 64, "initializer_range": 0.3}  # fmt: skip
_CONFIGS = {
    "bert": {"model_type": "bert", **_SIZE},
    "gpt2": {"model_type": "gpt2", "vocab_size": 4096, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64,
             "initializer_range": 0.3},
    "gpt_neox": {"model_type": "gpt_neox", **_SIZE},
    "opt": {"model_type": "opt", "vocab_size": 4096, "hidden_size": 16, "word_embed_proj_dim": 16, "ffn_dim": 32,
            "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 64, "init_std": 0.3},
}  # fmt: skip
_LABELS = ("garden", "kitchen", "office")
_OPTIONS = {"memory_tokens": 3, "segment_length": 20, "labels": _LABELS}


@pytest.fixture
def config_file(tmp_path):
    """Writes a configuration as the JSON file that --model-arg config names."""

    def write(family):
        path = tmp_path / f"{family}.json"
        path.write_text(json.dumps(_CONFIGS[family]))
        return str(path)

    return write


def _decoder_state(model):
    """What `RecurrentWrapper(MemoryCell(...)).state_dict()` holds, with a buffer of an older transformers."""
    backbone = {f"memory_cell.model.{key}": value for key, value in model.backbone.state_dict().items()}
    mask = {"memory_cell.model.transformer.h.0.attn.bias": torch.ones(1, 1, 64, 64)}
    return {"memory_cell.memory": model.memory.detach(), **backbone, **mask}


def _encoder_state(model):
    """What `RMTEncoderForSequenceClassification.state_dict()` holds: the memory lies behind the vocabulary."""
    backbone = {f"model.{key}": value for key, value in model.backbone.state_dict().items()}
    words = "model.bert.embeddings.word_embeddings.weight"
    backbone[words] = torch.cat([backbone[words], model.memory.detach()])
    vocabulary = model.config.vocab_size
    return {
        **backbone,
        "model.embeddings.weight": backbone[words],
        "cls_token": torch.tensor([2]),
        "sep_token": torch.tensor([3]),
        "mem_token_ids": torch.arange(vocabulary, vocabulary + len(model.memory)),
    }


def _scores(model):
    segments = torch.randint(100, 4096, (2, 2, 20), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        state = model.read(model.read(model.start(2), segments[0]), segments[1])
        return model.score(state, [segments[0, 0, :5], segments[0, 1, :9]], [_LABELS] * 2)


def _made(family):
    torch.manual_seed(0)
    return load_model("rmt", config=_CONFIGS[family], **_OPTIONS)


@pytest.mark.parametrize("family", ["gpt2", "gpt_neox", "opt"])
def test_a_decoder_of_the_authors_scores_as_ours_does_with_the_same_weights(family, tmp_path, config_file):
    model = _made(family)
    path = tmp_path / "model_best.pth"
    trained = {"iteration": 7, "epoch": 1, "optimizer_state_dict": {"state": {}, "param_groups": [{"lr": 0.1}]}}
    torch.save({"model_state_dict": _decoder_state(model), **trained}, path)
    read = load_model(f"rmt:{path}", config=config_file(family), segment_length=20)
    assert torch.equal(_scores(read), _scores(model))
    assert type(read) is type(model)


def test_an_encoder_of_the_authors_scores_as_ours_does_with_the_same_weights(tmp_path, config_file):
    model = _made("bert")
    path = tmp_path / "model_best.pth"
    torch.save({"model_state_dict": _encoder_state(model)}, path)
    read = load_model(f"rmt:{path}", config=config_file("bert"), segment_length=20, labels="garden,kitchen,office")
    assert torch.equal(_scores(read), _scores(model))
    assert type(read) is type(model)
    assert read.backbone.get_input_embeddings().num_embeddings == 4096  # type: ignore[attr-defined]


def test_a_folder_that_accelerate_wrote_is_read_though_tied_weights_are_stored_once(tmp_path, config_file):
    from safetensors.torch import save_file

    model = _made("gpt2")
    state = {key: value.clone() for key, value in _decoder_state(model).items() if "lm_head" not in key}
    (tmp_path / "model_best").mkdir()
    save_file(state, tmp_path / "model_best" / "model.safetensors")
    read = load_model(f"rmt:{tmp_path / 'model_best'}", config=config_file("gpt2"), segment_length=20)
    assert torch.equal(_scores(read), _scores(model))


def test_what_is_read_can_be_kept_as_a_checkpoint_of_this_project(tmp_path, config_file):
    from rmt_bench.bench.checkpoint import load_checkpoint, save_checkpoint

    model = _made("gpt2")
    torch.save(_decoder_state(model), tmp_path / "pytorch_model.bin")
    read = load_model(f"rmt:{tmp_path / 'pytorch_model.bin'}", config=config_file("gpt2"), segment_length=20)
    save_checkpoint(tmp_path / "kept", "rmt", {}, read, {})
    assert torch.equal(_scores(load_checkpoint(tmp_path / "kept")), _scores(model))


def _refused(state, path, **options):
    torch.save(state, path)
    with pytest.raises(UserError) as refusal:
        load_model(f"rmt:{path}", **options)
    return str(refusal.value)


def test_without_a_configuration_it_is_said_how_to_name_one(tmp_path):
    said = _refused({"memory_cell.memory": torch.zeros(1)}, tmp_path / "model_best.pth")
    assert "add --model-arg config=NAME_OR_FOLDER" in said


def test_an_encoder_needs_the_order_of_its_labels(tmp_path, config_file):
    state, config = _encoder_state(_made("bert")), config_file("bert")
    assert "add --model-arg labels=A,B,C" in _refused(state, tmp_path / "a.pth", config=config)
    said = _refused(state, tmp_path / "b.pth", config=config, labels="garden,office")
    assert "with this configuration and these labels: 2 mismatched keys, such as" in said


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"memory_cell.model.transformer.h.0.W_mq.weight": torch.zeros(1)}, "an ARMT"),
        ({"memory_cell.model.transformer.h.0.attn.c_attn.lora_A.default.weight": torch.zeros(1)}, "a LoRA adapter"),
        ({"q_proj.weight": torch.zeros(1)}, "retrieval"),
        ({"memory_cell.model.transformer.h.7.ln_1.weight": torch.zeros(16)}, "1 unexpected keys"),
    ],
)
def test_what_is_no_plain_rmt_is_refused_by_what_it_is(change, complaint, tmp_path, config_file):
    state = {**_decoder_state(_made("gpt2")), **change}
    assert complaint in _refused(state, tmp_path / "model_best.pth", config=config_file("gpt2"))


def test_weights_that_are_missing_are_not_made_up(tmp_path, config_file):
    state = _decoder_state(_made("gpt2"))
    del state["memory_cell.model.transformer.h.1.ln_2.bias"]
    said = _refused(state, tmp_path / "model_best.pth", config=config_file("gpt2"))
    assert "1 missing keys, such as transformer.h.1.ln_2.bias" in said


def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path, config_file):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "sprung"),))

    said = _refused({"model_state_dict": Trap()}, tmp_path / "model_best.pth", config=config_file("gpt2"))
    assert "it is damaged, or holds more than tensors and numbers" in said
    assert not (tmp_path / "sprung").exists()


def test_a_file_of_another_model_and_one_that_is_not_there_are_said_to_be(tmp_path, config_file):
    config = config_file("gpt2")
    assert "has neither memory_cell.memory nor mem_token_ids, but for instance wte.weight" in _refused(
        {"wte.weight": torch.zeros(1)}, tmp_path / "model_best.pth", config=config
    )
    with pytest.raises(UserError, match="no such file"):
        load_model(f"rmt:{tmp_path / 'other.pth'}", config=config)
