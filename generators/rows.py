"""Samples as rows of a Parquet file, and back. Knows one file, not the folder around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..base.errors import UserError
from ..base.files import atomic_path
from .haystack import Haystack, PlacedFact
from .layout import schema_of
from .samples import Sample

#: Bytes of text in a row group, about: long samples have one each.
_ROW_GROUP = 4_000_000
_LONG = "input"
#: The fields of a sample that are columns as they are.
_KEPT = (
    "id", "task", "length", "index", "seed", "n_tokens", "n_chars", "question", "haystack_id", "wraps", "n_distractors",
)  # fmt: skip


def write_samples(path: Path, samples: Iterable[Sample], store: str) -> None:
    """Write a data file, whole or not at all; a row group at a time is in memory."""
    schema = schema_of(store)
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema, **writer_options(schema)) as writer:
        rows: list[dict[str, Any]] = []
        texts: list[bytes] = []
        size = 0
        for sample in samples:
            rows.append(_row(sample))
            if store == "text":
                texts.append(_haystack(sample).utf8())
                size += len(texts[-1])
            else:
                rows[-1]["input_sha256"] = _haystack(sample).sha256()
            if size >= _ROW_GROUP:
                writer.write_table(_table(rows, texts, schema))
                rows, texts, size = [], [], 0
        if rows:
            writer.write_table(_table(rows, texts, schema))


def writer_options(schema: pa.Schema) -> dict[str, Any]:
    """How data files are encoded and compressed: measured by bench/perf/parquet.py."""
    short = [name for name in schema.names if name != _LONG]
    return {"compression": "zstd", "compression_level": 3, "use_dictionary": short, "write_statistics": short}


def _haystack(sample: Sample) -> Haystack:
    assert isinstance(sample.document, Haystack)
    return sample.document


def _row(sample: Sample) -> dict[str, Any]:
    return {
        **{name: getattr(sample, name) for name in _KEPT},
        "target": sample.answer,
        "choices": list(sample.choices),
        "facts": [asdict(fact) for fact in sample.facts],
    }


def _table(rows: list[dict[str, Any]], texts: list[bytes], schema: pa.Schema) -> pa.Table:
    """Rows as a table; the texts go into it as the bytes that they are."""
    position = schema.get_field_index(_LONG)
    if position < 0:
        return pa.Table.from_pylist(rows, schema)
    offsets = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(texts))]
    column = pa.Array.from_buffers(pa.large_string(), len(texts), buffers)
    return pa.Table.from_pylist(rows, schema.remove(position)).add_column(position, schema.field(position), column)


def whole_file(path: Path, store: str) -> bool:
    """Whether there is a data file that can be read. Files are written whole, so one that can be is complete."""
    try:
        return path.is_file() and pq.read_schema(path).equals(schema_of(store))
    except (OSError, pa.ArrowInvalid):
        return False


def token_counts(path: Path) -> np.ndarray:
    """The tokens of every sample of a data file."""
    return pq.read_table(path, columns=["n_tokens"]).column(0).to_numpy()


def read_rows(path: Path, start: int = 0, stop: int | None = None) -> Iterator[dict[str, Any]]:
    """Rows start..stop of a data file, row group by row group. Raises `UserError` when it cannot be read."""
    try:
        file = pq.ParquetFile(path)
        stop = file.metadata.num_rows if stop is None else stop
        row = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if row + rows > start and row < stop:
                yield from file.read_row_group(group).slice(max(start - row, 0), stop - max(row, start)).to_pylist()
            row += rows
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(f"{path} cannot be read ({error}); generate it again") from error


@dataclass(frozen=True)
class StoredText:
    """A context that was read from a file."""

    stored: str

    def text(self) -> str:
        """The whole context."""
        return self.stored


def stored_sample(row: dict[str, Any]) -> Sample:
    """The sample of a row that holds its text."""
    return Sample(
        **{name: row[name] for name in _KEPT},
        answer=row["target"],
        choices=tuple(row["choices"]),
        facts=tuple(PlacedFact(**fact) for fact in row["facts"]),
        document=StoredText(row["input"]),
    )
