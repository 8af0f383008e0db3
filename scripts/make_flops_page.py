"""Make docs/flops.md and docs/flops.png: `python scripts/make_flops_page.py`. Seconds; no weights are loaded.

Figure 3 of the RMT report by formula, which reading of the formula gives its two printed figures, and how far the
formula is from what PyTorch counts. Command, date and machine stand in the page.
"""

from __future__ import annotations

import datetime
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import torch
import transformers

from rmt_bench.bench.flops import (
    FAMILIES,
    READINGS,
    Reading,
    Shape,
    counted_flops,
    forward_flops,
    segment_flops,
    shape_of,
)

ROOT = Path(__file__).parents[1]
COMMAND = "flops --tokens 512..2048k --reading report --plot docs/flops.png"
TOKENS, SEGMENT = 2_048_000, 512
#: How many times fewer operations, as the report prints it (figure 3 and the text about it).
PRINTED = {"OPT-125M": 295, "OPT-175B": 29}
SCORES = {0: "none", 3: "3: softmax (Hoffmann et al.)", 6: "6: softmax 5, scaling 1", 10: "10: those, and dropout 4"}
VOCABULARY = {
    "both": {"embedding": True, "logits": True},
    "one of the two": {"embedding": False, "logits": True},
    "neither": {"embedding": False, "logits": False},
}
TEXT = """# Operations: full attention against segments

Made by `python scripts/make_flops_page.py`, {date}, {machine}, torch {torch}, transformers {transformers}.

![FLOPs against length](flops.png)

`rmt-bench {command}`

The forward pass of OPT models by the formula of Hoffmann et al. 2022 (arXiv 2203.15556, appendix F), after figure 3 of
the RMT report (arXiv 2304.11062). Full attention grows with the square of the length, segments grow linearly; the
larger the model, the later the square matters.

## Which reading gives the report's figures

At 2,048,000 tokens with 512-token segments the report prints 295 times fewer operations for OPT-125M and 29 times for
OPT-175B. The formula leaves open what is counted. All of these are ratios at 2,048,000 tokens and segments of 512;
`within 0.5%` asks that both are that close to the printed figures.

| product with the vocabulary counted for | operations on each attention score | OPT-125M | OPT-175B | within 0.5% |
|---|---|---|---|---|
{readings}

Only one row is: the product with the vocabulary once (either embedding, or logits), and **10 operations on each
attention score**. Appendix F has 3 of them, for the softmax. 10 is how the code of ELECTRA counts (Clark et al. 2020,
arXiv 2003.10555): 5 for the softmax, 1 for the scaling, 4 for dropout. That is `--reading report`. It gives both
figures; that the report's authors counted so is a guess. The formula as it is printed, both products with the
vocabulary and 3 a score, gives {hoffmann[OPT-125M]:.1f} and {hoffmann[OPT-175B]:.2f}; this is the command's default.

What else might have been meant, counting the vocabulary once and 3 a score:

| reading | OPT-125M | OPT-175B | within 0.5% |
|---|---|---|---|
{others}

4,096 segments of 512 (as many segments as the report's longest text has) would be printed as 295 and 29, too, but
hold 2,097,152 tokens. Memory is not free: with 10 of 512 positions, `--memory 10`, reading takes {memory:.1f}% more.

## Against PyTorch

`torch.utils.flop_counter` counts products of matrices only: that is `--reading products`. One pass over 512 positions,
each model built from its configuration without weights:

| model | PyTorch counts | `products` | difference | `hoffmann` | difference |
|---|---|---|---|---|---|
{checks}

`products` is exact. `hoffmann` is above it by what PyTorch does not count: looking words up as a product
(2 n V d), and the softmax (3 a score). Sliding windows are counted as full attention, and a causal mask as no saving:
PyTorch's kernels for it may do less.
"""


def ratios(full: Callable[[Shape], int], segmented: Callable[[Shape], int]) -> dict[str, float]:
    shapes = [FAMILIES[name.lower()] for name in PRINTED]
    return {shape.name: full(shape) / segmented(shape) for shape in shapes}


def simple(reading: Reading, tokens: int = TOKENS, segment: int = SEGMENT, memory: int = 0) -> dict[str, float]:
    return ratios(
        lambda shape: forward_flops(shape, tokens, reading),
        lambda shape: segment_flops(shape, tokens, reading, segment, memory),
    )


def causal(reading: Reading) -> dict[str, float]:
    """Half the scores of every pass are masked, and not computed."""

    def half(whole: Callable[[Shape], int]) -> Callable[[Shape], int]:
        return lambda shape: (whole(shape) + whole(replace(shape, heads=0))) // 2

    return ratios(
        half(lambda shape: forward_flops(shape, TOKENS, reading)),
        half(lambda shape: segment_flops(shape, TOKENS, reading, SEGMENT)),
    )


def row(cells: Iterable[str], found: dict[str, float]) -> str:
    close = all(abs(found[model] / printed - 1) <= 0.005 for model, printed in PRINTED.items())
    values = [f"{found['OPT-125M']:.2f}", f"{found['OPT-175B']:.2f}", "**yes**" if close else "no"]
    return f"| {' | '.join([*cells, *values])} |"


def readings() -> str:
    return "\n".join(
        row([counted, label], simple(Reading(**products, per_score=per_score)))
        for counted, products in VOCABULARY.items()
        for per_score, label in SCORES.items()
    )


def others() -> str:
    once = replace(READINGS["hoffmann"], embedding=False)
    variants = {
        "forward; or forward and backward, which is three times as much for both ways of reading": simple(once),
        "a causal mask that saves half of the scores": causal(once),
        "10 of the 512 positions are memory (4,080 segments)": simple(once, memory=10),
        "10 positions of memory beside 512 of text": simple(once, segment=522, memory=10),
        "499 of the 512 positions are text, as in the report's BERT": simple(once, memory=13),
        "4,096 segments of 512: 2,097,152 tokens": simple(once, tokens=4096 * 512),
        "the feed-forward layer counted once (2 n d f in place of 4 n d f)": ratios(
            lambda shape: forward_flops(_thin(shape), TOKENS, once),
            lambda shape: segment_flops(_thin(shape), TOKENS, once, SEGMENT),
        ),
    }
    return "\n".join(row([name], found) for name, found in variants.items())


def _thin(shape: Shape) -> Shape:
    return replace(shape, block_weights=shape.block_weights - 4 * shape.width**2)


def checks() -> str:
    configs = {
        "OPT-125M": transformers.OPTConfig(),
        "GPT-2": transformers.GPT2Config(),
        "Llama, 4 blocks of 512, 8 heads that share 2 keys, gated": transformers.LlamaConfig(
            num_hidden_layers=4, hidden_size=512, intermediate_size=1536, num_attention_heads=8, num_key_value_heads=2
        ),
    }
    lines = []
    for name, config in configs.items():
        counted = counted_flops(config, SEGMENT)
        shape = shape_of(config, name)
        cells = [name, f"{counted:,}"]
        for reading in ("products", "hoffmann"):
            formula = forward_flops(shape, SEGMENT, READINGS[reading])
            cells += [f"{formula:,}", f"{100 * (formula / counted - 1):+.2f}%"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    if readings().count("yes") != 1:
        raise SystemExit("the page says that one reading gives both figures, and that is not so: rewrite it")
    subprocess.run([sys.executable, "-m", "rmt_bench", *COMMAND.split()], check=True, cwd=ROOT)
    small = FAMILIES["opt-125m"]
    once = replace(READINGS["hoffmann"], embedding=False)
    memory = segment_flops(small, TOKENS, once, SEGMENT, 10) / segment_flops(small, TOKENS, once, SEGMENT) - 1
    text = TEXT.format(
        date=datetime.datetime.now(datetime.UTC).date(),
        machine=platform.platform(),
        torch=torch.__version__,
        transformers=transformers.__version__,
        command=COMMAND,
        readings=readings(),
        hoffmann=simple(READINGS["hoffmann"]),
        others=others(),
        memory=100 * memory,
        checks=checks(),
    )
    (ROOT / "docs/flops.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
