"""Which codec and encoding for the texts? Megabytes a second and a size for each, on one sample's text.

python bench/perf/parquet.py [--background prose] [--length 2M] [--runs 5]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from timing import alternating

from rmt_bench.generators.background import load_background
from rmt_bench.generators.lengths import parse_lengths
from rmt_bench.generators.samples import Source
from rmt_bench.generators.tokens import load_tokenizer
from rmt_bench.tasks.registry import load_task

CODECS: list[tuple[str, int | None]] = [
    ("none", None), ("snappy", None), ("lz4", None), ("gzip", 6), ("zstd", 1), ("zstd", 3), ("zstd", 6), ("zstd", 9),
]  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--background", default="prose")
    parser.add_argument("--length", default="2M")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    source = Source(load_background(options.background), load_tokenizer())
    (sample,) = source.samples("detect", load_task("detect"), parse_lengths(options.length)[0], 0)
    table = pa.table({"input": pa.array([sample.text], pa.large_string())})
    size = len(sample.text.encode())
    print(f"one text of {sample.n_tokens:,} tokens, {size / 1e6:.1f} MB, over {source.background.name}")
    print(
        f"{'codec':10} {'dictionary':10} {'write MB/s':>10} {'read MB/s':>10} {'MB a 1M tokens':>15}   n={options.runs}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for codec, level in CODECS:
            for dictionary in (True, False):
                path = Path(folder, "text.parquet")
                how: dict[str, Any] = {"compression": codec, "compression_level": level}
                how |= {"use_dictionary": dictionary, "write_statistics": dictionary}
                took = alternating(
                    {
                        "write": lambda how=how, path=path: pq.write_table(table, path, **how),
                        "read": lambda path=path: pq.read_table(path),
                    },
                    options.runs,
                )
                speed = {name: size / 1e6 / statistics.median(times) for name, times in took.items()}
                name = codec if level is None else f"{codec}-{level}"
                mega = path.stat().st_size / sample.n_tokens
                print(
                    f"{name:10} {dictionary!s:10} {speed['write']:10.0f} {speed['read']:10.0f} {mega:15.2f}", flush=True
                )


if __name__ == "__main__":
    main()
