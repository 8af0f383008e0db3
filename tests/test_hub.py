"""To the hub and back: what is gathered, and the whole way over HTTP against a hub on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from click.testing import CliRunner
from huggingface_hub import ModelCard

import rmt_bench as rb
from rmt_bench.bench.checkpoint import read_training, save_checkpoint
from rmt_bench.bench.models.shipped import CHECKPOINTS
from rmt_bench.interop.hub import board_parcel, checkpoint_parcel, data_parcel
from rmt_bench.interop.hub_commands import push_group

from .fake_hub import TOKEN, FakeHub, Stored

PLUGIN = """
import torch
import rmt_bench as rb


class Last(torch.nn.Module):
    segment_length = 64

    def __init__(self, size=3):
        super().__init__()
        self.tokenizer, self.head = rb.load_tokenizer(), torch.nn.Linear(1, size)

    def start(self, batch_size):
        return torch.zeros(batch_size, 1)

    def read(self, state, segment):
        return state + 1

    def score(self, state, prompts, choices):
        return self.head(state)
"""


@pytest.fixture
def plugin(tmp_path):
    """A checkpoint whose model is a file of Python."""
    file = tmp_path / "mine" / "last.py"
    file.parent.mkdir()
    file.write_text(PLUGIN)
    torch.manual_seed(0)
    model = rb.load_model(f"{file}:Last", size=6)
    training = {"trained_segments": {"gradient": 1, "memory": 2}, "samples": {"tasks": {"detect": {}}}}
    return save_checkpoint(tmp_path / "checkpoint", f"{file}:Last", {"size": 6}, model, training)


@pytest.fixture(scope="module")
def samples(story):
    return rb.generate(["detect"], "0,300", samples=3, background=str(story))


@pytest.fixture
def data(story, tmp_path):
    rb.generate(["detect"], "0,300", samples=3, background=str(story), output=tmp_path / "data")
    return tmp_path / "data"


def _arrived(parcel: Any, folder: Path) -> Path:
    """The files of a parcel as somebody finds them who downloads them."""
    for name, content in parcel.files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    return folder


def test_a_data_set_goes_whole_and_its_card_calls_it_by_its_name(data):
    (data / "notes.txt").write_text("mine")
    parcel = data_parcel(data, "me/data")
    assert set(parcel.files) == {
        "0/detect-00000-of-00001.parquet", "300/detect-00000-of-00001.parquet", "README.md", "manifest.json",
    }  # fmt: skip
    card = parcel.files["README.md"]
    assert isinstance(card, bytes)
    assert 'load_dataset("me/data", "0", split="detect")' in card.decode()
    assert "me/data" not in (data / "README.md").read_text()


def test_a_damaged_data_set_is_not_sent(data):
    file = data / "300" / "detect-00000-of-00001.parquet"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(rb.UserError, match="missing or damaged"):
        data_parcel(data, "me/data")


def test_what_holds_something_else_is_refused_with_the_command_that_takes_it(data):
    with pytest.raises(rb.UserError, match=r"rmt-bench push checkpoint .* OWNER/NAME"):
        data_parcel(CHECKPOINTS / "rmt-tiny", "me/x")
    with pytest.raises(rb.UserError, match="rmt-bench push data"):
        checkpoint_parcel(data, "me/x")
    with pytest.raises(rb.UserError, match="rmt-bench push data"):
        board_parcel(data, "me/x")


@pytest.mark.parametrize(
    ("parcel", "says"),
    [(data_parcel, "generate"), (checkpoint_parcel, "rmt-bench train"), (board_parcel, "leaderboard build")],
)
def test_a_folder_with_nothing_to_push_names_the_command_that_makes_it(tmp_path, parcel, says):
    with pytest.raises(rb.UserError, match=says):
        parcel(tmp_path / "none", "me/x")


def test_a_checkpoint_carries_its_curve_as_table_picture_and_model_index(plugin, samples):
    run = rb.evaluate(str(plugin), samples, progress=False)
    parcel = checkpoint_parcel(plugin, "me/last", run.folder)
    card = ModelCard(parcel.files["README.md"].decode())  # type: ignore[union-attr]
    table = run.curve().table
    assert [found.metric_value for found in card.data.eval_results] == table["accuracy"].round(4).tolist()
    assert "![accuracy against length](curve.png)" in card.text
    assert parcel.files["curve.png"][:8] == b"\x89PNG\r\n\x1a\n"  # type: ignore[index]
    assert "Gradients reached back 1 segment at most, and a memory lived through 2 at most" in card.text


def test_a_run_of_other_weights_is_no_curve_of_this_checkpoint(plugin, samples, tmp_path):
    run = rb.evaluate(rb.load_model(f"{tmp_path}/mine/last.py:Last", size=6), samples, progress=False)
    with pytest.raises(rb.UserError, match="asked other weights"):
        checkpoint_parcel(plugin, "me/last", run.folder)


def test_a_plugin_goes_along_and_is_run_only_for_whoever_trusts_it(plugin, tmp_path):
    there = _arrived(checkpoint_parcel(plugin, "me/last"), tmp_path / "there")
    (tmp_path / "mine" / "last.py").unlink()
    assert json.loads((there / "checkpoint.json").read_text())["model"] == "last.py:Last"
    with pytest.raises(rb.UserError, match="trust_code"):
        rb.from_pretrained(there)
    loaded: Any = rb.from_pretrained(there, trust_code=True)
    torch.manual_seed(0)
    assert torch.equal(loaded.head.weight, torch.nn.Linear(1, 6).weight)
    with pytest.raises(rb.UserError, match="is not there: put it back"):
        checkpoint_parcel(plugin, "me/last")


@pytest.mark.parametrize("spec", ["os:system", "subprocess:run", "nowhere.py:Model", "hf:them/other", "cached:name"])
def test_code_that_a_checkpoint_of_others_names_is_not_run(spec, tmp_path, monkeypatch):
    (tmp_path / "checkpoint.json").write_text(json.dumps({"format": 1, "model": spec, "options": {}}))
    monkeypatch.setattr("rmt_bench.bench.pretrained.load_checkpoint", lambda *_, **__: pytest.fail("it was made"))
    with pytest.raises(rb.UserError, match="code that is not part of rmt-bench"):
        rb.from_pretrained(tmp_path)


def test_a_checkpoint_made_from_another_needs_only_itself(plugin, tmp_path):
    again: Any = rb.load_model(str(plugin))
    second = save_checkpoint(tmp_path / "second", str(plugin), {}, again, {})
    stored = json.loads((second / "checkpoint.json").read_text())
    assert stored["model"] == f"{tmp_path}/mine/last.py:Last"
    assert stored["options"] == {"size": 6}


def test_a_checkpoint_of_the_hub_can_be_trained_on_and_needs_no_hub_then(plugin, tmp_path, monkeypatch):
    there = _arrived(checkpoint_parcel(plugin, "me/last"), tmp_path / "commit")
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(
        "rmt_bench.base.hub.Repository.fetch",
        lambda self, patterns, revision=None: asked.append((self.name, *patterns, revision)) or there,
    )
    loaded: Any = rb.load_model("hf:me/last@v1", trust_code=True)
    assert loaded.trained_segments == {"gradient": 1, "memory": 2}
    assert asked[0] == ("me/last", "checkpoint.json", "v1")
    assert asked[1][-1] == "commit"  # what was looked at is what is loaded
    second = save_checkpoint(tmp_path / "second", "hf:me/last", {}, loaded, {})
    assert json.loads((second / "checkpoint.json").read_text())["model"] == f"{there}/last.py:Last"
    assert read_training("hf:me/last")["trained_segments"]["memory"] == 2


@pytest.mark.parametrize("name", ["me", "a/b/c", "", "me/da ta"])
def test_a_name_that_no_repository_has_is_refused(data, name):
    with pytest.raises(rb.UserError, match="write OWNER/NAME"):
        data_parcel(data, name)


def test_a_dry_run_lists_each_file_and_asks_nobody(data, monkeypatch):
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: pytest.fail("asked the hub"))
    done = CliRunner().invoke(push_group, ["data", str(data), "me/data", "--dry-run"])
    assert done.exit_code == 0, done.output
    assert [line.split()[1] for line in done.output.splitlines() if line.startswith("put")] == [
        "0/detect-00000-of-00001.parquet", "300/detect-00000-of-00001.parquet", "manifest.json", "README.md",
    ]  # fmt: skip
    assert done.output.splitlines()[-1].endswith("huggingface.co/datasets/me/data; nothing was sent")


def test_without_a_network_a_checkpoint_of_the_hub_says_what_to_do():
    with pytest.raises(rb.UserError, match="nothing of it was kept here"):
        rb.load_model("hf:nobody/nothing")


_ELSEWHERE = """
import sys
import rmt_bench as rb
from datasets import get_dataset_config_names, load_dataset

assert get_dataset_config_names("me/data") == ["0", "300"]
whole = load_dataset("me/data", "300", split="detect")
assert list(load_dataset("me/data", "300", split="detect", streaming=True)) == list(whole)
assert whole["question"] == [sample.question for sample in rb.Dataset(sys.argv[1], lengths=["300"])]
tiny = rb.load_model("hf:me/rmt-tiny")
assert tiny.trained_segments == {"gradient": 7, "memory": 48}
assert rb.from_pretrained("me/rmt-tiny", revision="main").segment_length == 64
said = []
for name in ("me/none", "me/rmt-tiny@v2", "me/gpt"):
    try:
        rb.from_pretrained(name)
    except rb.UserError as error:
        said.append(str(error))
assert "there is no http" in said[0] and "has no revision 'v2'" in said[1] and "cached:me/gpt" in said[2], said
"""


@pytest.mark.slow
def test_what_is_pushed_is_loaded_elsewhere_over_http(data, story, tmp_path):
    """Every call is made by huggingface_hub and datasets themselves; the hub is one of this machine."""
    hub = FakeHub()
    rb.build_board([rb.evaluate("random", data, progress=False)], tmp_path / "board")
    shorter = rb.generate(["detect"], "0", samples=2, background=str(story), output=tmp_path / "shorter")
    with hub.serving() as url:
        environment = {
            **os.environ, "HF_ENDPOINT": url, "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1",
            "HF_HOME": str(tmp_path / "home"), "HF_DATASETS_CACHE": str(tmp_path / "home" / "datasets"),
        }  # fmt: skip

        def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run([sys.executable, *words], env={**environment, **more}, capture_output=True, text=True)

        refused = run("-m", "rmt_bench", "push", "data", str(data), "me/data", HF_TOKEN="hf_another")
        assert refused.returncode == 2
        assert refused.stderr.count("\n") == 1
        assert "hf auth login" in refused.stderr
        assert not hub.repositories
        for words in (
            ("data", str(data), "me/data", "--private"),
            ("checkpoint", str(CHECKPOINTS / "rmt-tiny"), "me/rmt-tiny"),
            ("board", str(tmp_path / "board"), "me/board"),
        ):
            done = run("-m", "rmt_bench", "push", *words)
            assert done.returncode == 0, done.stderr
        assert hub.repositories["datasets/me/data"].made["visibility"] == "private"
        sent = hub.repositories["datasets/me/data"].files
        assert all(sent[name] == (data / name).read_bytes() for name in sent if name != "README.md")
        hub.repositories["models/me/gpt"] = Stored({"config.json": b"{}", "model.safetensors": b"large"})
        elsewhere = run("-c", _ELSEWHERE, str(data))
        assert elsewhere.returncode == 0, elsewhere.stderr
        assert not [asked for asked in hub.requests if "me/gpt" in asked and "safetensors" in asked]
        board = hub.repositories["spaces/me/board"]
        assert board.made["sdk"] == "static"
        assert board.files["README.md"].startswith(b"---\ntitle: rmt-bench leaderboard\nsdk: static\n")
        assert board.files["index.html"] == (tmp_path / "board" / "index.html").read_bytes()
        again = run("-m", "rmt_bench", "push", "data", str(shorter.folder), "me/data")
        assert again.returncode == 0, again.stderr
        left = hub.repositories["datasets/me/data"]
        assert set(left.files) == {"0/detect-00000-of-00001.parquet", "README.md", "manifest.json"}
        assert left.commits == ["Add a data set of rmt-bench"] * 2
        hub.repositories.clear()
        kept = run("-c", "import rmt_bench as rb; rb.load_model('hf:me/rmt-tiny')", HF_HUB_OFFLINE="1")
        assert kept.returncode == 0, kept.stderr
