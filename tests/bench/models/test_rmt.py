import json

import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.checkpoint import load_checkpoint, save_checkpoint
from rmt_bench.bench.model import load_model
from rmt_bench.bench.models.rmt_decoder import ChoosingRMT, ClassifyingRMT, GeneratingRMT
from rmt_bench.bench.models.rmt_encoder import RMTEncoder

from .families import DECODERS, ENCODERS

_LABELS = ("garden", "office")


def _score(model):
    segment = torch.randint(100, 4096, (2, model.segment_length), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        return model.score(model.read(model.start(2), segment), list(segment[:, :7]), [_LABELS] * 2)


@pytest.mark.parametrize("family", [*DECODERS, *ENCODERS])
def test_the_configuration_decides_what_a_backbone_is(family):
    model = load_model("rmt", config={**DECODERS, **ENCODERS}[family])
    assert type(model) is (RMTEncoder if family in ENCODERS else ChoosingRMT)


@pytest.mark.parametrize("family", ["bert", "llama"])
def test_a_folder_of_hugging_face_is_wrapped_with_its_weights_and_tokenizer(family, tmp_path, byte_bpe):
    made = load_model("rmt", config={**DECODERS, **ENCODERS}[family], dtype="bfloat16")
    made.backbone.save_pretrained(tmp_path)  # type: ignore[attr-defined]
    byte_bpe.save_pretrained(tmp_path)
    model = load_model(f"rmt:{tmp_path}", memory_tokens=5, segment_length=16)
    assert type(model) is type(made)
    assert model.dtype == torch.bfloat16  # type: ignore[attr-defined]
    assert len(model.tokenizer) == len(byte_bpe)
    for name, weight in made.backbone.base_model.state_dict().items():  # type: ignore[attr-defined]
        assert torch.equal(model.backbone.base_model.state_dict()[name], weight)  # type: ignore[attr-defined]


def test_a_decoder_answers_as_its_mode_says():
    assert type(load_model("rmt", kind="decoder")) is ChoosingRMT
    assert type(load_model("rmt", kind="decoder", mode="generate")) is GeneratingRMT
    assert type(load_model("rmt", kind="decoder", mode="classify")) is ClassifyingRMT


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "encoder", "labels": _LABELS, "bptt_depth": 2},
        {"kind": "decoder", "answer_prefix": "Answer:", "per_token": True, "memory_noise": 0.2},
        {"kind": "decoder", "mode": "classify", "labels": _LABELS, "dtype": "float64"},
        {"config": DECODERS["llama"], "segment_length": 30, "answer_space": False},
        {"config": DECODERS["opt"], "segment_length": 30},
    ],
)
def test_a_checkpoint_brings_back_the_very_model(options, tmp_path):
    torch.manual_seed(1)
    model = load_model("rmt", **options)
    save_checkpoint(tmp_path / "kept", "rmt", options, model, {})
    stored = json.loads((tmp_path / "kept" / "checkpoint.json").read_text())
    assert stored["model"] == "rmt"
    read = load_checkpoint(tmp_path / "kept")
    assert type(read) is type(model)
    assert read.rebuild() == model.rebuild()  # type: ignore[attr-defined]
    assert torch.equal(_score(read), _score(model))


def test_a_checkpoint_trained_to_choose_can_be_asked_to_generate(tmp_path):
    save_checkpoint(tmp_path / "kept", "rmt", {}, load_model("rmt", kind="decoder"), {})
    model = load_checkpoint(tmp_path / "kept", mode="generate")
    assert type(model) is GeneratingRMT


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"kind": "both"}, "kind is encoder or decoder, not 'both'"),
        ({"segment_length": 0}, "segment_length is a number from 1 on, not 0"),
        ({"memory_tokens": 0}, "memory_tokens is a number from 1 on, not 0"),
        ({"memory_tokens": 0, "kind": "decoder"}, "memory_tokens is a number from 1 on, not 0"),
        ({"layers": 0}, "layers is a number from 1 on, not 0"),
        ({"config": DECODERS["gpt2"], "layers": 7}, "layers is of the small model that is made without one"),
        ({"kind": "decoder", "mode": "chose"}, "unknown mode 'chose'; did you mean 'choice'?"),
        ({"kind": "decoder", "mode": "encoder"}, "unknown mode 'encoder'"),
        ({"mode": "generate"}, "an encoder has no mode, it classifies"),
        ({"max_new_tokens": 4}, "`max_new_tokens` says how a decoder writes an answer, and this is an encoder"),
        ({"kind": "decoder", "mode": "generate", "per_token": True}, "and this is mode=generate: leave it out"),
        ({"dtype": "bfloat"}, "unknown dtype 'bfloat'; did you mean 'bfloat16'?"),
        ({"config": {"model_type": "t5"}}, "a 't5' model is neither an encoder such as BERT nor a decoder"),
        ({"config": {"model_type": "gpt-9"}}, "no configuration could be loaded"),
        ({"config": "no/such/folder"}, "no configuration could be loaded from 'no/such/folder'"),
        ({"config": {**DECODERS["gpt2"], "vocab_size": 700}}, "has 4,096 tokens, the model embeds 700"),
        ({"config": {**ENCODERS["bert"], "model_type": "electra", "embedding_size": 8}}, "words are 8 wide, states 32"),
        ({"backbone": "some/model", "config": {"model_type": "gpt2"}}, "give it, or `config`, and not both"),
    ],
)
def test_a_wrong_call_is_one_line_that_says_what_is_wrong(options, complaint):
    with pytest.raises(UserError) as refusal:
        load_model("rmt", **options)
    assert complaint in str(refusal.value)


def test_a_folder_without_a_model_is_said_to_be_one(tmp_path):
    with pytest.raises(UserError, match="no configuration could be loaded from"):
        load_model(f"rmt:{tmp_path}")


def test_a_tokenizer_without_the_tokens_that_an_encoder_needs_is_refused(tmp_path, byte_bpe):
    from transformers import PreTrainedTokenizerFast

    PreTrainedTokenizerFast(tokenizer_object=byte_bpe.backend_tokenizer).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="has no cls_token, which an encoder's segment needs"):
        load_model("rmt", tokenizer=str(tmp_path))
    assert load_model("rmt", tokenizer=str(tmp_path), kind="decoder").segment_length == 64


@pytest.mark.slow
def test_a_decoder_is_trained_kept_and_evaluated_by_the_command_line(tmp_path):
    from click.testing import CliRunner

    from rmt_bench.bench.record import RunFolder
    from rmt_bench.cli import cli

    kept, run = str(tmp_path / "kept"), tmp_path / "run"
    training = ["--curriculum", "1..2", "--roll", "none", "--promote", "0", "--decay-steps", "2", "--batch-size", "4"]
    options = ["--model-arg", "kind=decoder", "--model-arg", "bptt_depth=1", "--tasks", "detect", "--quiet"]
    noise = ["--background", "noise"]
    evaluation = ["--tasks", "detect", "--lengths", "4k", "--samples", "4", "--output", str(run), "--quiet"]
    for call in (["train", "rmt", "--output", kept, *training, *options, *noise], ["eval", kept, *evaluation, *noise]):
        assert CliRunner().invoke(cli, call, catch_exceptions=False).exit_code == 0
    records = RunFolder(run).records()
    assert records["status"].tolist() == ["answered"] * 4
    assert (records["segments"] > 50).all()


def test_labels_may_be_written_with_spaces_between():
    assert load_model("rmt", labels="kitchen, garden").labels == ("kitchen", "garden")  # type: ignore[attr-defined]
