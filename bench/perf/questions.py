"""What many questions and many lengths cost when one reading serves them all.

python bench/perf/questions.py [--runs 3] [--length 256k] [--samples 8] [--clock wall]

    questions   16 questions about each text against one            target: at most 1.15 times
    one pass    12 lengths of memorize against the longest alone    target: at most 1.10 times

The model is rmt-tiny; each time is that of the whole call of `evaluate`, the index being warm. Run in turn. With
`--clock processor` it is what the call takes of the processors, which says more where others use the machine, too.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from timing import alternating, line

from rmt_bench.bench.evaluate import evaluate
from rmt_bench.bench.model import load_model
from rmt_bench.generators.generate import make_plan


def main() -> None:
    """Two pairs of lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--length", default="256k")
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--clock", choices=["wall", "processor"], default="wall")
    options = parser.parse_args()
    clock = time.perf_counter if options.clock == "wall" else time.process_time
    model: Any = load_model("rmt-tiny")

    def plan(task: str, lengths: str, **knobs: int) -> Any:
        arguments = {"samples": options.samples, "segment_length": model.segment_length, "task_args": knobs}
        return make_plan([task], lengths, model.tokenizer, **arguments)

    def run(samples: Any, **how: Any) -> None:
        with tempfile.TemporaryDirectory() as folder:
            evaluate(model, samples, Path(folder) / "run", batch_size=8, **how)

    one, many = (plan("capacity", options.length, questions=count) for count in (1, 16))
    longest = plan("memorize", "262144")
    lengths = plan("memorize", "128..262144")
    assert len(lengths.lengths) == 12
    run(one)
    run(longest)
    took = alternating({"1 question": lambda: run(one), "16 questions": lambda: run(many)}, options.runs, clock)
    print(f"capacity at {options.length}, {options.samples} texts")
    for name, seconds in took.items():
        print(line(f"  {name}", seconds, took["1 question"]), flush=True)
    works = {
        "262144 alone": lambda: run(longest),
        "12 lengths, one pass": lambda: run(lengths, one_pass=True),
        "12 lengths, each": lambda: run(lengths),
    }
    took = alternating(works, options.runs, clock)
    print(f"memorize, {options.samples} texts")
    for name, seconds in took.items():
        print(line(f"  {name}", seconds, took["262144 alone"]), flush=True)


if __name__ == "__main__":
    main()
