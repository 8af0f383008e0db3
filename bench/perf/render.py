"""How fast samples are rendered and written, beside what copying and bare pyarrow take in the same run.

    python bench/perf/render.py [--background prose] [--lengths 128k,1M,2M] [--task detect] [--runs 15]

rendering   a sample is laid out and its text joined; the floor joins the same sentences, cut before, by `" ".join`
writing     a file of samples, from nothing to disk; the floor is pyarrow writing the same column of texts with the same
            options, and syncing
end to end  the same file, as tokens a second, beside the 225,000 of BABILong's generator (measured before this project
            began, on one core; it is not run here)
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from timing import alternating, line

from rmt_bench.generators.background import load_background
from rmt_bench.generators.haystack import Filler, Haystack
from rmt_bench.generators.layout import SCHEMA
from rmt_bench.generators.lengths import Length, parse_lengths
from rmt_bench.generators.rows import write_samples, writer_options
from rmt_bench.generators.samples import Sample, Source
from rmt_bench.generators.tokens import load_tokenizer
from rmt_bench.tasks.registry import load_task

BABILONG = 225_000


def sentences(hay: Haystack) -> list[str]:
    """The sentences of a document, one by one."""
    cut = []
    for piece in hay.pieces:
        if isinstance(piece, Filler):
            index = hay.shelf.volume(piece.volume)
            cut += [index.slice_text(number, number + 1) for number in range(piece.start, piece.stop)]
        else:
            cut.append(hay.facts[piece])
    return cut


def main() -> None:
    """Print the lines of every length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--background", default="prose")
    parser.add_argument("--lengths", default="128k,1M,2M")
    parser.add_argument("--task", default="detect")
    parser.add_argument("--tokenizer", default="embedded")
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    source = Source(load_background(options.background), load_tokenizer(options.tokenizer))
    task = load_task(options.task)
    for length in parse_lengths(options.lengths):
        print(f"{options.task} at {length.label} over {source.background.name}")
        rendering(source, options.task, task, length, options.runs)
        writing(source, options.task, task, length, options.runs)


def rendering(source: Source, name: str, task: object, length: Length, runs: int) -> None:
    """Lay out and join, beside a bare join."""
    made = source.samples(name, task, length, 0)[0]  # type: ignore[arg-type]
    assert isinstance(made.document, Haystack)
    cut = sentences(made.document)
    assert " ".join(cut) == made.text

    def document(render: Callable[[Haystack], object]) -> Callable[[], object]:
        return lambda: render(source.samples(name, task, length, 0)[0].document)  # type: ignore[arg-type]

    took = alternating(
        {"floor": lambda: " ".join(cut), "bytes": document(Haystack.utf8), "text": document(Haystack.text)}, runs
    )
    print(line("  floor: join of sentences", took["floor"], tokens=made.n_tokens))
    print(line("  rendered as text", took["text"], took["floor"], made.n_tokens))
    print(line("  rendered as UTF-8", took["bytes"], took["floor"], made.n_tokens))


def writing(source: Source, name: str, task: object, length: Length, runs: int) -> None:
    """A file of some eight million tokens, beside bare pyarrow."""
    assert length.tokens
    count = max(8_000_000 // length.tokens, 1)

    def samples() -> list[Sample]:
        return list(itertools.chain.from_iterable(source.samples(name, task, length, i) for i in range(count)))  # type: ignore[arg-type]

    texts = [sample.text for sample in samples()]
    schema = pa.schema([SCHEMA.field("input")])
    columns = writer_options(schema)
    groups = max(4_000_000 // len(texts[0].encode()), 1)
    parts = [
        pa.table([pa.array(texts[i : i + groups], pa.large_string())], schema=schema) for i in range(0, count, groups)
    ]
    with tempfile.TemporaryDirectory() as folder:

        def bare() -> None:
            path = Path(folder, "bare.parquet")
            with pq.ParquetWriter(path, schema, **columns) as writer:
                for part in parts:
                    writer.write_table(part)
            with path.open("rb") as written:
                os.fsync(written.fileno())

        took = alternating(
            {"floor": bare, "ours": lambda: write_samples(Path(folder, "ours.parquet"), samples(), "text")}, runs
        )
    tokens = sum(sample.n_tokens for sample in samples())
    print(line(f"  floor: pyarrow, {count} texts", took["floor"], tokens=tokens))
    print(line("  a data file, end to end", took["ours"], took["floor"], tokens))
    print(f"  {tokens / statistics.median(took['ours']) / BABILONG:.0f} times BABILong's {BABILONG:,} tokens/s")


if __name__ == "__main__":
    main()
