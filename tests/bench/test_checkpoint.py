import json

import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.checkpoint import load_checkpoint, save_checkpoint, to_device
from rmt_bench.bench.model import load_model

_SMALL = {"hidden": 16, "heads": 2, "layers": 1, "segment_length": 12, "memory_tokens": 2}


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(1)
    model = load_model("rmt", **_SMALL)
    training = {"trained_segments": {"gradient": 7, "memory": 48}}
    return model, save_checkpoint(tmp_path / "ck", "rmt", _SMALL, model, training)


def test_a_checkpoint_gives_the_same_model_again(saved):
    model, folder = saved
    loaded = load_model(str(folder))
    assert loaded.segment_length == 12
    assert loaded.trained_segments == {"gradient": 7, "memory": 48}  # type: ignore[attr-defined]
    assert not loaded.training  # type: ignore[attr-defined]
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key  # type: ignore[attr-defined]


def test_the_embedded_tokenizer_is_not_copied_and_another_one_is(saved, tmp_path, byte_bpe):
    _, folder = saved
    assert sorted(file.name for file in folder.iterdir()) == ["checkpoint.json", "model.safetensors"]
    byte_bpe.save_pretrained(tmp_path / "words")
    other = load_model("rmt", tokenizer=str(tmp_path / "words"), **_SMALL)
    kept = save_checkpoint(tmp_path / "other", "rmt", _SMALL, other, {})
    assert load_checkpoint(kept).tokenizer.get_vocab() == byte_bpe.get_vocab()


def test_a_plugin_from_a_file_is_found_again_from_any_folder(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from rmt_bench import load_tokenizer\n"
        "import torch\n"
        "class Mine(torch.nn.Linear):\n"
        "    segment_length = 8\n"
        "    def __init__(self, width): super().__init__(width, 2); self.tokenizer = load_tokenizer()\n"
        "    def start(self, n): return None\n"
        "    def read(self, state, segment): return None\n"
        "    def score(self, state, prompts, choices): return torch.zeros(len(prompts), 6)\n"
    )
    monkeypatch.chdir(tmp_path)
    model = load_model("mine.py:Mine", width=3)
    save_checkpoint("ck", "mine.py:Mine", {"width": 3}, model, {})
    monkeypatch.chdir("/")
    assert load_checkpoint(tmp_path / "ck").in_features == 3  # type: ignore[attr-defined]


def test_damage_is_one_line(saved):
    _, folder = saved
    (folder / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(UserError, match="cannot be loaded"):
        load_checkpoint(folder)
    stored = json.loads((folder / "checkpoint.json").read_text())
    (folder / "checkpoint.json").write_text(json.dumps({**stored, "format": 99}))
    with pytest.raises(UserError, match="format 99, this version reads 1"):
        load_checkpoint(folder)
    (folder / "checkpoint.json").write_text("{")
    with pytest.raises(UserError, match="not valid JSON"):
        load_checkpoint(folder)


def test_another_tokenizer_than_the_trained_one_is_refused(saved, tmp_path, byte_bpe):
    _, folder = saved
    byte_bpe.save_pretrained(tmp_path / "words")
    with pytest.raises(UserError, match="trained with another tokenizer"):
        load_checkpoint(folder, tokenizer=str(tmp_path / "words"))


def test_a_device_that_is_not_there_is_one_line():
    with pytest.raises(UserError, match="no device 'nonsense' here"):
        to_device(torch.nn.Linear(1, 1), "nonsense")
