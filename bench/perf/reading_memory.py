"""Does a reader's memory stay flat? The highest memory after 2,048 segments against 64, each in a fresh process.

    python bench/perf/reading_memory.py MODEL... [--segments 64,2048] [--batch-size 1] [--runs 1] [--device cpu]

MODEL is what `rmt-bench eval` takes, with its options behind it: rmt-tiny, "rmt kind=decoder layers=4 hidden=128".
Segments are random tokens, made as they are read; then one question is asked. On the CPU the highest resident memory
of the process is taken (weights and libraries counted in), on an accelerator the most that was allocated there. Exit
code 1 when a model takes more than 5% more.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from typing import Any

_ALLOWED = 1.05


def main() -> None:
    """Print one line for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--segments", default="64,2048")
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    counts = [int(count) for count in options.segments.split(",")]
    if options.in_this_process:
        print(json.dumps(_read(options.models[0], counts[0], options.batch_size, options.device)))
        return
    grown = [model for model in options.models if _compare(model, counts, options) > _ALLOWED]
    if grown:
        sys.exit(f"memory grows with the text: {', '.join(grown)}")


def _compare(model: str, counts: list[int], options: argparse.Namespace) -> float:
    """Print what was found, and return how many times the memory of the fewest segments the most take."""
    found = {count: [_fresh(model, count, options) for _ in range(options.runs)] for count in counts}
    peaks = {count: statistics.median(run["peak"] for run in runs) for count, runs in found.items()}
    ratio = peaks[counts[-1]] / peaks[counts[0]]
    parts = [
        f"{peaks[count]:.1f} MiB at {count:,} segments ({min(run['peak'] for run in runs):.1f} to "
        f"{max(run['peak'] for run in runs):.1f}), state {runs[0]['state']:,} bytes"
        for count, runs in found.items()
    ]
    print(f"{model:40} {ratio:.3f} times: {'; '.join(parts)} (n={options.runs})", flush=True)
    return ratio


def _fresh(model: str, count: int, options: argparse.Namespace) -> dict[str, Any]:
    call = [sys.executable, __file__, model, "--segments", str(count), "--batch-size", str(options.batch_size)]
    done = subprocess.run(
        [*call, "--device", options.device, "--in-this-process"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{model} could not be read with: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def _read(model: str, count: int, batch_size: int, device: str) -> dict[str, float]:
    """Read, ask, and tell the highest memory in MiB and the state's size in bytes."""
    import torch

    from rmt_bench.bench.checkpoint import to_device
    from rmt_bench.bench.environment import peak_memory_bytes
    from rmt_bench.bench.model import answers, load_model
    from rmt_bench.bench.reading import model_device, state_bytes
    from rmt_bench.tasks.lexicon import PLACES

    spec, *arguments = model.split()
    loaded = load_model(spec, **{key: _plain(value) for key, value in (part.split("=", 1) for part in arguments)})
    to_device(loaded, device)
    where, generator = model_device(loaded), torch.Generator().manual_seed(0)

    def tokens(*shape: int) -> torch.Tensor:
        return torch.randint(100, len(loaded.tokenizer), shape, generator=generator).to(where)

    with torch.inference_mode():
        state = loaded.start(batch_size)
        for _ in range(count):
            state = loaded.read(state, tokens(batch_size, loaded.segment_length))
        choices = getattr(loaded, "labels", PLACES)
        answers(loaded, state, list(tokens(batch_size, min(16, loaded.segment_length))), [choices] * batch_size)
    on_cpu = where.type == "cpu"
    peak = peak_memory_bytes() if on_cpu else torch.accelerator.max_memory_allocated(where)
    return {"peak": peak / 2**20, "state": state_bytes(state)}


def _plain(text: str) -> Any:
    """A number, true or false where it is one, else the text itself."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


if __name__ == "__main__":
    main()
