"""How fast RMT reads, against a bare loop over the same backbone's forward on segments of the same shape.

    python bench/perf/rmt_speed.py [--shapes tiny,4x128,bert-base] [--kinds encoder,decoder] [--batch-size 8]
                                   [--runs 7] [--threads 1] [--device cpu] [--compile]

floor          backbone(input_ids), all positions, without memory: what the reading would cost if memory were free
whole          RMT with the whole last layer computed
rmt            RMT as it is: of the last layer, only what the memory needs
bfloat16       the same with dtype=bfloat16; float16 is not tried on a CPU
compiled       the same with compile=true (with --compile; the first read, which compiles, is told apart)

Weights are random, and so are tokens. All take turns, and on a CPU it is the processor's time that counts, so that
what else the machine does disturbs little; speed is the median of the floor's time over the median time. Then each
answers as many questions as there are documents, after 8 segments: how many answers are those of `whole`, and how far
the memory is from its, relative to the largest value. What bfloat16 does to a trained model's answers is told by
`rmt-bench eval rmt-tiny --model-arg dtype=bfloat16`.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from rmt_bench.bench.checkpoint import to_device
from rmt_bench.bench.model import answers, load_model
from rmt_bench.bench.perf.timing import alternating, line, seconds
from rmt_bench.bench.reading import model_device
from rmt_bench.tasks.lexicon import PLACES

#: layers, hidden, heads, memory tokens, positions of a segment with its memory.
_SHAPES = {"tiny": (2, 64, 4, 8, 75), "4x128": (4, 128, 4, 10, 512), "bert-base": (12, 768, 12, 10, 512)}
_SPECIAL = {"encoder": 3, "decoder": 0}
_MEMORIES = {"encoder": 1, "decoder": 2}


def main() -> None:
    """Print a block of lines for each shape and kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default=",".join(_SHAPES))
    parser.add_argument("--kinds", default="encoder,decoder")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for shape in options.shapes.split(","):
        for kind in options.kinds.split(","):
            _report(shape, kind, options)


def _report(shape: str, kind: str, options: argparse.Namespace) -> None:
    readers = _readers(shape, kind, options)
    model = readers["whole"]
    segment = _tokens(model, options.batch_size, model.segment_length)
    works: dict[str, Callable[[], object]] = {"floor": _floor(model, shape, options)}
    works |= {name: _reading(reader, segment) for name, reader in readers.items()}
    print(f"\n{kind}, {shape}: {options.batch_size} x {segment.shape[1]} tokens, {options.threads} threads")
    clock = time.process_time if options.device == "cpu" else time.perf_counter
    with torch.inference_mode():
        first = {name: seconds(work, 1)[0] for name, work in works.items()}
        took = alternating(works, options.runs, clock)
    outcomes = {name: _outcome(reader, options.batch_size) for name, reader in readers.items()}
    for name, times in took.items():
        middle = statistics.median(times)
        speed = statistics.median(took["floor"]) / middle
        parts = [line(name, times), f"{segment.numel() / middle:9,.0f} tokens/s", f"{speed:5.2f} x the floor's speed"]
        if name in outcomes:
            parts.append(_agreement(outcomes[name], outcomes["whole"]))
        if "compiled" in name:
            parts.append(f"the first took {first[name]:.1f} s")
        print("  ".join(parts), flush=True)


def _readers(shape: str, kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """One model in several ways: the same weights."""
    layers, hidden, heads, memory, positions = _SHAPES[shape]
    size = {"layers": layers, "hidden": hidden, "heads": heads, "memory_tokens": memory}
    length = positions - _MEMORIES[kind] * memory - _SPECIAL[kind]

    def made(**more: Any) -> Any:
        torch.manual_seed(0)
        reader = load_model("rmt", kind=kind, **size, segment_length=length, **more)
        to_device(reader, options.device)
        return reader

    readers = {"whole": made(), "rmt": made(), "bfloat16": made(dtype="bfloat16")}
    readers["whole"]._last_layer = None
    if options.compile:
        readers |= {"compiled": made(compile=True), "bfloat16 compiled": made(compile=True, dtype="bfloat16")}
    return readers


def _floor(model: Any, shape: str, options: argparse.Namespace) -> Callable[[], object]:
    base, ids = copy.deepcopy(model.backbone.base_model), _tokens(model, options.batch_size, _SHAPES[shape][-1])
    more = model._options

    def forward() -> None:
        base(input_ids=ids, **more)
        _wait(model)

    return forward


def _reading(model: Any, segment: torch.Tensor) -> Callable[[], object]:
    state = [model.start(len(segment))]

    def read() -> None:
        state[0] = model.read(state[0], segment)
        _wait(model)

    return read


def _outcome(model: Any, rows: int) -> tuple[torch.Tensor, list[str]]:
    """The memory after 8 segments, and the answers to a question for each document."""
    torch.manual_seed(1)
    with torch.inference_mode():
        state = model.start(rows)
        for _ in range(8):
            state = model.read(state, _tokens(model, rows, model.segment_length))
        said = answers(model, state, list(_tokens(model, rows, 16)), [PLACES] * rows)
    return state.double(), [reply.text for reply in said]


def _agreement(one: tuple[torch.Tensor, list[str]], other: tuple[torch.Tensor, list[str]]) -> str:
    same = sum(a == b for a, b in zip(one[1], other[1], strict=True))
    difference = float((one[0] - other[0]).abs().max() / other[0].abs().max())
    return f"answers {same}/{len(other[1])}, memory {difference:.0e} away"


def _tokens(model: Any, rows: int, length: int) -> torch.Tensor:
    return torch.randint(100, len(model.tokenizer), (rows, length)).to(model_device(model))


def _wait(model: Any) -> None:
    if model_device(model).type != "cpu":
        torch.accelerator.synchronize()


if __name__ == "__main__":
    main()
