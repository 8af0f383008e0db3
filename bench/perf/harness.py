"""What the harness adds to a model: `evaluate` against a bare loop that feeds the same tokens to the same model.

python bench/perf/harness.py [--runs 5] [--length 64k] [--gpt2-length 2k]

    floor      tokens in memory as tensors; start, read, read ..., answer, and nothing else
    reading    what evaluate says it spent on reading and answering
    whole      the whole call: samples made and tokenised, records scored and written, run.json; and once more as
               processor time, which says more where others use the machine, too

The index of the filler is warm, and both are run in turn. Target: reading at most 1.05 times the floor.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from timing import line

from rmt_bench.bench.documents import LockStep
from rmt_bench.bench.evaluate import evaluate
from rmt_bench.bench.model import answers, load_model
from rmt_bench.bench.reading import model_device
from rmt_bench.bench.record import RunFolder
from rmt_bench.generators.generate import make_plan


class Gpt2:
    """A GPT-2 of the usual size with random weights; it reads 64 tokens at a time, and keeps its last hidden state."""

    segment_length = 64

    def __init__(self) -> None:
        from transformers import GPT2Config, GPT2Model

        torch.manual_seed(0)
        self.tokenizer = load_model("rmt-tiny").tokenizer
        self._model = GPT2Model(GPT2Config(bos_token_id=0, eos_token_id=0)).eval()

    def start(self, batch_size: int) -> torch.Tensor:
        """Nothing was read."""
        return torch.zeros(batch_size, self._model.config.n_embd)

    def read(self, state: torch.Tensor, segment: torch.Tensor) -> torch.Tensor:
        """The last hidden state of the segment: [batch, hidden]."""
        return self._model(segment, use_cache=False).last_hidden_state[:, -1]

    def answer(self, state: torch.Tensor, prompts: Any, choices: Any) -> list[str]:
        """The first choice: answering is not what is measured."""
        return [row[0] for row in choices]


def floor(model: Any, plan: Any, batch_size: int) -> Callable[[], None]:
    """The bare loop over the samples of a plan; everything but the model's own work is done beforehand."""
    from rmt_bench.bench.documents import Document

    encoder = plan.source.encoder
    samples = list(plan)
    batches = []
    for first in range(0, len(samples), batch_size):
        some = samples[first : first + batch_size]
        documents = [Document(list(s.document.tokens()), s.n_tokens, encoder.short(s.question)) for s in some]
        step = LockStep(documents, model.segment_length, model_device(model))
        batches.append((list(step.segments()), step.prompts(), [sample.choices for sample in some]))

    def run() -> None:
        with torch.inference_mode():
            for segments, prompts, choices in batches:
                state = model.start(len(prompts))
                for segment in segments:
                    state = model.read(state, segment)
                answers(model, state, prompts, choices)

    return run


def measure(name: str, model: Any, length: str, batch_size: int, runs: int) -> None:
    """Three lines for one model at one batch size."""
    plan = make_plan(["detect"], length, model.tokenizer, samples=batch_size, segment_length=model.segment_length)
    bare = floor(model, plan, batch_size)
    took: dict[str, list[float]] = {"floor": [], "reading": [], "whole": []}
    worked: dict[str, list[float]] = {"floor": [], "whole": []}
    bare()
    for _ in range(runs):
        begun, busy = time.perf_counter(), time.process_time()
        bare()
        took["floor"].append(time.perf_counter() - begun)
        worked["floor"].append(time.process_time() - busy)
        with tempfile.TemporaryDirectory() as folder:
            begun, busy = time.perf_counter(), time.process_time()
            evaluate(model, plan, Path(folder) / "run", name=name, batch_size=batch_size)
            took["whole"].append(time.perf_counter() - begun)
            worked["whole"].append(time.process_time() - busy)
            records = RunFolder(Path(folder) / "run").records()
            took["reading"].append(float((records["read_seconds"] + records["answer_seconds"]).sum()))
    tokens = sum(sample.n_tokens for sample in plan)
    print(f"{name}, batch {batch_size}, {length}")
    for part, seconds in took.items():
        print(line(f"  {part}", seconds, None if part == "floor" else took["floor"], tokens), flush=True)
    print(line("  whole, processor time", worked["whole"], worked["floor"]), flush=True)


def main() -> None:
    """rmt-tiny at two batch sizes, then GPT-2."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--length", default="64k")
    parser.add_argument("--gpt2-length", default="2k")
    options = parser.parse_args()
    for batch_size in (8, 32):
        measure("rmt-tiny", load_model("rmt-tiny"), options.length, batch_size, options.runs)
    measure("gpt2, random weights", Gpt2(), options.gpt2_length, 1, options.runs)


if __name__ == "__main__":
    main()
