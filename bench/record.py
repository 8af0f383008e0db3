"""A run on disk: `run.json` and `records/<unit>.parquet`. The seam to the leaderboard; imports no torch.

A record is one question asked of one model about one sample. A unit is a shard of the samples of one task at one
length; its file is named by the hash of what it is, and is whole or absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..base.errors import UserError
from ..base.files import atomic_path, is_temporary, read_json, remove_temporaries, sole_writer, write_json
from ..tasks.guessing import odds
from ..tasks.scoring import Status

FORMAT = 1

#: One row of a unit's file.
SCHEMA = pa.schema(
    [
        ("sample_id", pa.string()),
        ("haystack_id", pa.string()),
        ("task", pa.string()),
        ("length", pa.string()),
        ("index", pa.int64()),
        ("n_tokens", pa.int64()),
        ("model_tokens", pa.int64()),
        ("segments", pa.int64()),
        ("question", pa.string()),
        ("target", pa.string()),
        ("choices", pa.list_(pa.string())),
        ("output", pa.large_string()),
        ("answer", pa.string()),
        ("correct", pa.bool_()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("depths", pa.list_(pa.float64())),
        ("read_seconds", pa.float64()),
        ("answer_seconds", pa.float64()),
        ("state_bytes", pa.int64()),
        ("peak_memory_bytes", pa.int64()),
    ],
    metadata={"rmt_bench_format": str(FORMAT)},
)


@dataclass(frozen=True)
class Record:
    """One question asked of one model about one sample.

    `n_tokens` are the context's tokens under the data set's tokenizer, `model_tokens` those under the model's, the
    question included in the latter; `segments` counts every segment read, the last one with the question too.
    `output` is what the model said, `answer` what was extracted from it. `depths` are those of the supporting facts.
    `read_seconds` and `answer_seconds` are this row's share of its batch. `state_bytes` is one row's state at the end
    of the text; `peak_memory_bytes` is the process's highest resident memory so far.
    """

    sample_id: str
    haystack_id: str
    task: str
    length: str
    index: int
    n_tokens: int
    model_tokens: int
    segments: int
    question: str
    target: str
    choices: tuple[str, ...]
    output: str
    answer: str
    correct: bool
    status: Status
    reason: str
    depths: tuple[float, ...]
    read_seconds: float
    answer_seconds: float
    state_bytes: int
    peak_memory_bytes: int


assert [field.name for field in fields(Record)] == SCHEMA.names


class RunFolder:
    """The folder of a run: opened for writing by the harness, read by everybody."""

    def __init__(self, path: str | Path):
        self.path = Path(path)

    @property
    def info(self) -> dict[str, Any]:
        """What was run: `run.json`. Raises `UserError` when the folder holds no run."""
        if not (self.path / "run.json").is_file():
            raise UserError(f"{self.path} holds no run (it has no run.json); see: rmt-bench eval --help")
        info = read_json(self.path / "run.json")
        if info.get("format") != FORMAT:
            raise UserError(f"{self.path} has run format {info.get('format')!r}, this version reads {FORMAT}")
        return info

    @contextmanager
    def opened(self, info: dict[str, Any]) -> Iterator[None]:
        """Begin the run that `info` describes, or go on with it, as the folder's only writer.

        `info["identity"]` is what must agree for a run to be the same; the rest (versions, hardware) may differ.
        Raises `UserError` when the folder holds something else, or another process is writing to it.
        """
        self._refuse_other(info)
        with sole_writer(self.path):
            remove_temporaries(self.path)
            self._refuse_other(info)
            if not (self.path / "run.json").is_file():
                write_json(self.path / "run.json", {"format": FORMAT, **info})
            yield

    def _refuse_other(self, info: dict[str, Any]) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"{self.path} is a file: give --output a folder")
        if (self.path / "run.json").is_file():
            if differing := _differences(self.info["identity"], info["identity"]):
                raise UserError(
                    f"{self.path} holds another run ({', '.join(differing)} differ): give --output another folder"
                )
        elif self.path.is_dir() and not all(map(is_temporary, self.path.iterdir())):
            raise UserError(f"{self.path} holds something that is no run: give --output a new or empty folder")

    def unit_path(self, unit: str) -> Path:
        """Where the records of a unit are."""
        return self.path / "records" / f"{unit}.parquet"

    def write_unit(self, unit: str, records: Sequence[Record]) -> None:
        """Keep a finished unit: under its name when it is whole, or not at all."""
        table = pa.Table.from_pylist([asdict(record) for record in records], schema=SCHEMA)
        with atomic_path(self.unit_path(unit)) as temporary:
            pq.write_table(table, temporary, compression="zstd")

    def is_finished(self, unit: str) -> bool:
        """Whether a unit stands there whole and without an error; one with errors is worth another try."""
        path = self.unit_path(unit)
        return path.is_file() and "error" not in pq.read_table(path, columns=["status"])["status"].to_pylist()

    def records(self) -> pd.DataFrame:
        """One row for each sample asked about, in the order in which units were finished, with `SCHEMA`'s columns.

        Another column, `chance`, says how likely a guess is right (see tasks/guessing.py).

        Where a sample stands in two units (an earlier call cut its shards otherwise) the later one counts.
        """
        units = sorted((self.path / "records").glob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)
        tables = [pq.read_table(path, schema=SCHEMA) for path in units]
        table = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
        records = table.to_pandas().drop_duplicates("sample_id", keep="last").reset_index(drop=True)
        asked = zip(records["question"], records["choices"], strict=True)
        records["chance"] = [odds(question, list(choices)) for question, choices in asked]
        return records

    def errors(self) -> list[str]:
        """Why questions ended in an error, one reason for each of them."""
        records = self.records()
        return records.loc[records["status"] == "error", "reason"].tolist()


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    return [key for key in {**before, **now} if before.get(key) != now.get(key)]
