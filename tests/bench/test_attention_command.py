import base64
import json
import re

import numpy as np
import pytest
from click.testing import CliRunner

from rmt_bench.base.errors import UserError
from rmt_bench.bench.attention_command import attention_command


def _run(story, folder, *arguments: str) -> str:
    call = ["rmt-tiny", "--task", "detect", "--background", str(story), "--output", str(folder), *arguments]
    done = CliRunner().invoke(attention_command, call, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_shipped_model_writes_the_fact_into_memory_and_reads_it_from_there(story, tmp_path):
    said = json.loads(_run(story, tmp_path, "--samples", "12", "--json"))
    operations = {one["name"]: one for one in said["operations"]}
    for name in ("write", "read", "answer"):
        assert operations[name]["ci_low"] > 3 * operations[name]["even"], name
    kept = json.loads((tmp_path / "attention.json").read_text())
    assert kept["operations"] == said["operations"]


def test_the_page_holds_the_maps_and_needs_no_network(story, tmp_path):
    said = _run(story, tmp_path, "--samples", "2", "--show", "1", "--segments", "3")
    assert "right answers: " in said
    page = (tmp_path / "attention.html").read_text()
    assert not re.search(r"(?:src|href)\s*=|https?://|url\(|@import", page)
    data = json.loads(re.search(r'<script id="data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert len(data["segments"]) == 3
    for segment in data["segments"]:
        size = len(segment["tags"])
        for name, packed in segment["maps"].items():
            cells = np.frombuffer(base64.b64decode(packed), dtype=np.uint8).reshape(size, size)
            np.testing.assert_allclose(((cells / 255) ** 2).sum(-1), 1, atol=0.05, err_msg=name)
    assert (tmp_path / "attention.png").read_bytes()[:4] == b"\x89PNG"


def test_a_page_of_a_large_model_leaves_heads_out_and_says_so(story, tmp_path, monkeypatch):
    monkeypatch.setattr("rmt_bench.bench.attention_page._CELLS", 40_000)
    _run(story, tmp_path, "--samples", "1", "--segments", "2")
    page = (tmp_path / "attention.html").read_text()
    assert "Not all heads are shown" in page
    assert "layer 2" in page
    assert '"layer 1, head 1"' not in page


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["rmt-tiny", "--show", "64"], "of 64 documents the last is 63"),
        (["oracle"], "does not show its attention"),
        (["rmt-tiny", "--task", "detekt"], "did you mean 'detect'"),
    ],
)
def test_a_wrong_call_names_the_remedy(arguments, says):
    with pytest.raises(UserError, match=says):
        CliRunner().invoke(attention_command, arguments, catch_exceptions=False)


def test_a_suite_is_no_single_task(story, tmp_path):
    call = ["rmt-tiny", "--task", "babi", "--background", str(story), "--output", str(tmp_path)]
    with pytest.raises(UserError, match="--task takes one task, and babi is several"):
        raise CliRunner().invoke(attention_command, call, standalone_mode=False).exception  # type: ignore[misc]
