"""What reading costs is measured where it arises: on the segment, in the batch, apart from what is done only once."""

from __future__ import annotations

import subprocess
import sys
import time

import torch
from torch import nn

from rmt_bench.bench.cost import flops_per_token
from rmt_bench.bench.evaluate import evaluate
from rmt_bench.bench.record import RunFolder

from .toys import Rolling


class Linear(nn.Module):
    """Two matrices for each token, and attention of one head among the tokens of a segment."""

    segment_length = 16

    def __init__(self, tokenizer=None, width: int = 32, attend: bool = False):
        super().__init__()
        self.tokenizer = tokenizer
        self.embedding = nn.Embedding(1_000, width)
        self.one, self.other = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)
        self.attend = attend
        self.once = lambda: None

    def start(self, batch_size):
        return torch.zeros(batch_size, self.embedding.embedding_dim)

    def read(self, state, segment):
        self.once()
        inner = self.other(self.one(self.embedding(segment)))
        if self.attend:
            heads = inner[:, None]
            inner = nn.functional.scaled_dot_product_attention(heads, heads, heads)[:, 0]
        return state + inner.sum(1)

    def answer(self, state, prompts, choices):
        return [row[0] for row in choices]


def test_operations_are_those_of_the_products_of_matrices():
    assert flops_per_token(Linear()) == 2 * 2 * 32 * 128
    assert flops_per_token(Linear(attend=True)) == 2 * 2 * 32 * 128 + 2 * 2 * 16 * 32


def test_operations_of_what_is_no_torch_module_are_not_known(make_plan, byte_bpe, tmp_path):
    evaluate(Rolling(byte_bpe), make_plan("detect", "200"), tmp_path, name="toy")
    assert RunFolder(tmp_path).records()["flops_per_token"].isna().all()


_TWO_PEAKS = """
import numpy as np, torch
from rmt_bench.bench.cost import Peaks
peaks = Peaks(torch.device("cpu"))
big = np.ones(30_000_000)
peaks.begin()
with_big = peaks.host_bytes
del big
peaks.begin()
without = peaks.host_bytes
again = np.ones(10_000_000)
print(with_big - without, peaks.host_bytes - without)
"""


def test_the_highest_memory_is_that_since_it_was_begun():
    told = subprocess.run([sys.executable, "-c", _TWO_PEAKS], check=True, capture_output=True, text=True).stdout
    fallen, risen = map(int, told.split())
    assert fallen > 200_000_000
    assert risen > 70_000_000


def test_what_a_model_does_only_once_is_not_in_its_time(make_plan, byte_bpe, tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])  # a clock that nothing moves but the model
    model = Linear(byte_bpe)

    def compiles():
        now[0] += 100
        model.once = lambda: None

    model.once = compiles
    evaluate(model, make_plan("detect", "200"), tmp_path, name="toy")
    assert now == [100]
    records = RunFolder(tmp_path).records()
    assert (records["read_seconds"] == 0).all()
    assert (records["flops_per_token"] == 2 * 2 * 32 * 128).all()
