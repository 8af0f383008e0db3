"""Diagonal batching of ARMT against reading one by one: seconds, launches, and that both come to the same.

    python bench/perf/armt_diagonal.py [--layers 4,12] [--hidden 128] [--batch 1,8] [--segments 64] [--length 64]
                                       [--family gpt2] [--device auto] [--dtype float32] [--runs 7]

The floor is the bare backbone, called with the same shape for every segment, with no memory at all. A launch is an
operation of PyTorch that computes something (no view), as a dispatch mode counts them: on a GPU one kernel or a few.
Times and launches are of `segments` segments; kinds take turns, so that what else the machine does falls on all alike.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

import torch
from timing import alternating, line
from torch.utils._python_dispatch import TorchDispatchMode

from rmt_bench.bench.checkpoint import to_device
from rmt_bench.bench.model import load_model
from rmt_bench.bench.reading import model_device


class Launches(TorchDispatchMode):
    """Counts operations that are no views."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run `func`, and count it."""
        self.count += not any(out.alias_info and not out.alias_info.is_write for out in func._schema.returns)
        return func(*args, **(kwargs or {}))


def make(options: argparse.Namespace, layers: int, diagonal: bool) -> Any:
    """An ARMT with random weights."""
    torch.manual_seed(0)
    sizes = {"hidden_size": options.hidden, "num_attention_heads": options.heads, "num_hidden_layers": layers,
             "max_position_embeddings": 1024, "vocab_size": 4096}  # fmt: skip
    if options.family != "gpt2":
        sizes["intermediate_size"] = 4 * options.hidden
    model: Any = load_model(
        "armt", config={"model_type": options.family, **sizes}, segment_length=options.length, dtype=options.dtype,
        diagonal=diagonal,
    )  # fmt: skip
    to_device(model, options.device)
    return model


def compare(options: argparse.Namespace, layers: int, batch: int) -> None:
    """Print a line for each way of reading, and one that compares them."""
    models = {False: make(options, layers, False), True: make(options, layers, True)}
    device = model_device(models[False])
    segments = torch.randint(100, 4000, (batch, options.segments, options.length)).to(device)
    embedded = torch.randn(
        batch, options.length + 8, options.hidden, device=device, dtype=models[False].memory_tokens.dtype
    )

    def bare() -> None:
        for _ in range(options.segments):
            models[False].backbone.base_model(inputs_embeds=embedded, use_cache=False)
        wait(device)

    def reading(diagonal: bool) -> Any:
        state = models[diagonal].read_many(models[diagonal].start(batch), segments)
        wait(device)
        return state

    with torch.inference_mode():
        apart, together = reading(False), reading(True)
        bare()
        took = alternating({"bare": bare, "one by one": lambda: reading(False), "diagonal": lambda: reading(True)},
                           options.runs)  # fmt: skip
        counts = [launches(reading, diagonal) for diagonal in (False, True)]
    difference = max(float((a - b).abs().max() / a.abs().max()) for a, b in zip(apart, together, strict=True))
    print(f"{layers} layers of {options.hidden}, batch {batch}, {options.segments} segments of {options.length}")
    for name, times in took.items():
        print("  " + line(name, times, took["bare"], segments.numel()))
    ratios = [one / other for one, other in zip(took["one by one"], took["diagonal"], strict=True)]
    print(
        f"  diagonal is {statistics.median(ratios):.2f} times as fast as one by one "
        f"(n={len(ratios)}; {min(ratios):.2f} to {max(ratios):.2f}), with {counts[1]:,} launches instead of "
        f"{counts[0]:,}; largest difference of a memory, relative to its largest number: {difference:.1e}\n"
    )


def launches(reading: Any, diagonal: bool) -> int:
    """The launches of one reading."""
    with Launches() as counted:
        reading(diagonal)
    return counted.count


def wait(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def main() -> None:
    """Compare for every number of layers and every batch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", default="4,12")
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--batch", default="1,8")
    parser.add_argument("--segments", type=int, default=64)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--family", default="gpt2", choices=["gpt2", "gpt_neox", "llama", "mistral", "qwen2", "qwen3"])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {options.family}, {options.dtype}\n")
    for layers in map(int, options.layers.split(",")):
        for batch in map(int, options.batch.split(",")):
            compare(options, layers, batch)


if __name__ == "__main__":
    main()
