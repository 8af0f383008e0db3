"""How much memory a very long document takes while it is streamed, over the mapping of its index.

    python bench/perf/memory.py [--length 50M] [--background prose] [--segment 512]

The index is built by another process, so that this one has streamed nothing before. Anonymous memory (RssAnon of
/proc/self/status) is looked at with every hundredth segment or piece; pages of the mapped index are not counted, since
the system takes them back when it needs them. Linux only.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from rmt_bench.generators.background import load_background
from rmt_bench.generators.haystack import Haystack
from rmt_bench.generators.lengths import parse_lengths
from rmt_bench.generators.samples import Source
from rmt_bench.generators.tokens import load_tokenizer
from rmt_bench.tasks.registry import load_task


def anonymous() -> float:
    """Megabytes of anonymous memory now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def segments(hay: Haystack, size: int):
    """The document as int64 arrays of `size` tokens, as a model reads it; the rest at the end is left out."""
    rest = np.empty(0, dtype=np.int64)
    for piece in hay.tokens():
        at = 0
        while at < len(piece):
            taken = piece[at : at + size - len(rest)]
            rest, at = np.concatenate([rest, taken]), at + len(taken)
            if len(rest) == size:
                yield rest
                rest = np.empty(0, dtype=np.int64)


def document(options: argparse.Namespace) -> Haystack:
    """The first document of `detect`, laid out and not yet rendered."""
    source = Source(load_background(options.background), load_tokenizer())
    (sample,) = source.samples("detect", load_task("detect"), parse_lengths(options.length)[0], 0)
    assert isinstance(sample.document, Haystack)
    return sample.document


def main() -> None:
    """Print one line for tokens, one for text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--length", default="50M")
    parser.add_argument("--background", default="prose")
    parser.add_argument("--segment", type=int, default=512)
    parser.add_argument("--index-only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.index_only:
        for _ in document(options).text_pieces():
            pass
        return
    subprocess.run([sys.executable, *sys.argv, "--index-only"], check=True)
    document(argparse.Namespace(length="4k", background=options.background))  # the tokenizer is loaded
    before = anonymous()
    hay = document(options)
    for name, stream in (("tokens", segments(hay, options.segment)), ("text", hay.text_pieces())):
        started, peak, count = time.perf_counter(), before, 0
        for count, _ in enumerate(stream, 1):
            if not count % 100:
                peak = max(peak, anonymous())
        took = time.perf_counter() - started
        print(
            f"{name:7} {hay.n_tokens:,} tokens in {count:,} pieces, {took:.2f} s: at most {peak - before:.1f} MB "
            f"over the {before:.0f} MB from before (n=1; looked at {count // 100:,} times)"
        )


if __name__ == "__main__":
    main()
