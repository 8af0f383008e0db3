"""How fast filler is indexed, beside one batched call of the same tokenizer over the same text.

    python bench/perf/index.py [--background PATH] [--tokenizer embedded] [--runs 5]

Indexing reads, splits, looks for words of the tasks, tokenises and writes. Two floors: the tokenizer as transformers
calls it (`tokenizer(sentences)`), and its Rust core alone (`encode_batch_fast`), which makes no Python lists.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

from timing import alternating, line

from rmt_bench.generators.background import load_background
from rmt_bench.generators.indexing import build_index
from rmt_bench.generators.tokens import Encoder, load_tokenizer
from rmt_bench.tasks.lexicon import OFFICIAL


def main() -> None:
    """Print the three lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--background", required="RMT_BENCH_DATA" not in os.environ)
    parser.add_argument("--tokenizer", default="embedded")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    path = options.background or str(Path(os.environ["RMT_BENCH_DATA"]) / "books")
    background, tokenizer = load_background(path), load_tokenizer(options.tokenizer)
    encoder = Encoder(tokenizer)
    sentences = list(background.sentences(0, "test"))
    tokens = sum(map(len, encoder.encode(sentences)))
    with tempfile.TemporaryDirectory() as folder:

        def ours() -> None:
            made = Path(folder, "index")
            made.mkdir()
            build_index(made, encoder, OFFICIAL, background.sentences(0, "test"))
            shutil.rmtree(made)

        took = alternating(
            {
                "called": lambda: tokenizer(sentences, add_special_tokens=False),
                "core": lambda: encoder._backend.encode_batch_fast(sentences, add_special_tokens=False),
                "ours": ours,
            },
            options.runs,
        )
    print(f"{len(sentences):,} sentences, {tokens:,} tokens of {background.name} under {encoder.name}")
    print(line("floor: tokenizer(sentences)", took["called"], tokens=tokens))
    print(line("floor: encode_batch_fast", took["core"], tokens=tokens))
    print(line("index, beside the first", took["ours"], took["called"], tokens))
    print(line("index, beside the second", took["ours"], took["core"], tokens))


if __name__ == "__main__":
    main()
