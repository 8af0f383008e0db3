"""Every family by its name on the command line: evaluated on `detect` at 4k, end to end."""

import json
import sys

import pytest

from rmt_bench.cli import main

from .tiny import save_tiny


@pytest.fixture
def evaluated(tmp_path, story, monkeypatch, byte_bpe):
    """Runs `rmt-bench eval SPEC` on two samples of 4k tokens; gives the run's folder."""

    def run(spec: str, *arguments: str):
        kind, _, family = spec.partition(":")
        if family:
            spec = f"{kind}:{save_tiny(tmp_path / family, family, byte_bpe, max_position_embeddings=8192)}"
        command = ["rmt-bench", "eval", spec, "--tasks", "detect", "--lengths", "4k", "--samples", "2", "--quiet"]
        where = ["--background", str(story), "--output", str(tmp_path / "run")]
        monkeypatch.setattr(sys, "argv", [*command, *where, *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        return tmp_path / "run"

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    "spec",
    [
        "gru", "lstm", "mamba2", "window-transformer", "full:llama", "full:gpt2", "window:llama",
        # one of each way to be read: in whole segments, row by row, with a state beside the cache, a token or two late
        "cached:mamba2", "cached:rwkv", "cached:recurrent_gemma", "cached:nemotron_h",
    ],
)  # fmt: skip
def test_it_is_evaluated_at_4k(evaluated, spec):
    import pandas as pd

    folder = evaluated(spec, "--json")
    (row,) = pd.read_csv(folder / "curve.csv").to_dict("records")
    assert (row["n"], row["n_error"], row["n_skipped"]) == (2, 0, 0)


@pytest.mark.slow
def test_how_it_was_read_is_kept_in_the_run(evaluated):
    folder = evaluated("cached:rwkv", "--model-arg", "segment_length=64")
    about = json.loads((folder / "run.json").read_text())["about"]
    assert about["architecture"] == "RwkvForCausalLM"
    assert about["read_in"].startswith("64 tokens a call")
    assert about["state_grows"] is False
