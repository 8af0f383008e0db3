"""The script tells a reader that stays flat from one that keeps what it reads."""

import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).parents[3] / "bench" / "perf" / "reading_memory.py"
_HOARDER = """
import torch
from rmt_bench import load_tokenizer

class Hoarder:
    def __init__(self):
        self.tokenizer, self.segment_length = load_tokenizer(), 64

    def start(self, batch_size):
        return ()

    def read(self, state, segment):
        return (*state, torch.ones(500_000))

    def answer(self, state, prompts, choices):
        return [row[0] for row in choices]
"""


def _run(*models: str) -> subprocess.CompletedProcess:
    call = [sys.executable, str(_SCRIPT), *models, "--segments", "16,128"]
    return subprocess.run(call, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_an_rmt_stays_flat_encoder_and_decoder():
    done = _run("rmt-tiny", "rmt kind=decoder layers=2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" times: ") == 2
    assert done.stdout.count("state 2,048 bytes") == 4


@pytest.mark.slow
def test_a_reader_that_keeps_all_is_named(tmp_path):
    (tmp_path / "hoarder.py").write_text(_HOARDER)
    done = _run(f"{tmp_path / 'hoarder.py'}:Hoarder")
    assert done.returncode == 1
    assert "memory grows with the text: " in done.stderr
    assert "state 256,000,000 bytes" in done.stdout
