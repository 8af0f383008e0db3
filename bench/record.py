"""A run on disk: `run.json` and `records/<unit>.parquet`. The seam to the leaderboard; imports no torch.

A record is one question asked of one model about one sample. A unit is a shard of the samples of one task at one
length; its file is named by the hash of what it is, and is whole or absent.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..base.errors import UserError, one_line
from ..base.files import atomic_path, is_temporary, read_json, remove_temporaries, sole_writer, write_json
from ..tasks.guessing import odds
from ..tasks.scoring import Status

FORMAT = 1

_PROBE = pa.struct(
    [("distance", pa.int64()), ("answer", pa.string()), ("correct", pa.bool_()), ("status", pa.string())]
)
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
        ("peak_device_bytes", pa.int64()),
        ("flops_per_token", pa.float64()),
        ("segments_since", pa.int64()),
        ("probes", pa.list_(_PROBE)),
    ],
    metadata={"rmt_bench_format": str(FORMAT)},
)


@dataclass(frozen=True)
class Probe:
    """The same question, asked on the way: `distance` segments after the one in which the last supporting fact ends."""

    distance: int
    answer: str
    correct: bool
    status: Status


@dataclass(frozen=True)
class Record:
    """One question asked of one model about one sample.

    `n_tokens` are the context's tokens under the data set's tokenizer, `model_tokens` those under the model's, the
    question included in the latter; `segments` counts every segment read, the last one with the question too.
    `output` is what the model said, `answer` what was extracted from it. `depths` are those of the supporting facts.
    `read_seconds` and `answer_seconds` are this row's share of its batch. `state_bytes` is one row's state at the end
    of the text; `peak_memory_bytes` is the highest resident memory of the process while its batch was read and asked,
    `peak_device_bytes` that of the accelerator (0: there is none). `flops_per_token` are floating-point operations
    while reading, counted on one segment (None: the model is no torch module). `segments_since` is how many segments
    were read after the one in which the last supporting fact ends, the question's included (0: they are one and the
    same; None: nothing supports the answer). `probes` are what was asked on the way.
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
    peak_device_bytes: int = 0
    flops_per_token: float | None = None
    segments_since: int | None = None
    probes: tuple[Probe, ...] = ()


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
        Raises `UserError` when the folder holds something else, cannot be written to, or another process writes to it.
        """
        self._refuse_other(info)
        self._refuse_unwritable()
        with sole_writer(self.path):
            remove_temporaries(self.path)
            self._refuse_other(info)
            self._write_info(info)
            yield

    def _write_info(self, info: dict[str, Any]) -> None:
        """Write run.json when a run begins; when it goes on with tasks that are new to it, add these."""
        path = self.path / "run.json"
        before = self.info if path.is_file() else {"format": FORMAT, **info, "tasks": []}
        tasks = in_order(info.get("tasks", ()), before.get("tasks", ()))
        if not path.is_file() or set(tasks) != set(before.get("tasks", ())):
            write_json(path, {**before, "tasks": tasks})

    def _refuse_unwritable(self) -> None:
        """Better now than when the first hours of reading are to be kept."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.path).close()
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR):
                why = f"cannot write to {self.path} ({os.strerror(error.errno)})"
                raise UserError(f"{why}: give --output another folder") from error
            raise

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
        with atomic_path(self.unit_path(unit)) as temporary:
            pq.write_table(as_table(records), temporary, compression="zstd")

    def is_finished(self, unit: str) -> bool:
        """Whether a unit stands there whole and without an error; one with errors is worth another try."""
        path = self.unit_path(unit)
        return path.is_file() and "error" not in _read(path, columns=["status"])["status"].to_pylist()

    def kept(self) -> dict[str, Record]:
        """All records that need not be made again, by sample: those that are no errors."""
        records = map(as_record, self._table().to_pylist())
        return {record.sample_id: record for record in records if record.status != "error"}

    def records(self) -> pd.DataFrame:
        """One row for each sample asked about, with `SCHEMA`'s columns: task by task, in the order in which they were
        asked, the shortest length first.

        Another column, `chance`, says how likely a guess is right (see tasks/guessing.py).

        Where a sample stands in two units (an earlier call cut its shards otherwise) the later one counts.
        """
        records = self._in_order(self._table().to_pandas().drop_duplicates("sample_id", keep="last"))
        asked = zip(records["question"], records["choices"], strict=True)
        records["chance"] = [odds(question, list(choices)) for question, choices in asked]
        return records

    def _in_order(self, records: pd.DataFrame) -> pd.DataFrame:
        """Rows in an order that does not hang on which unit was finished first."""
        tasks = self.info.get("tasks", ()) if (self.path / "run.json").is_file() else ()
        place = {task: number for number, task in enumerate(in_order(records["task"].unique(), tasks))}
        shortest = records.groupby("length")["n_tokens"].min()
        keys = {"_task": records["task"].map(place), "_size": records["length"].map(shortest)}
        by = [*keys, "length", "index", "sample_id"]
        return records.assign(**keys).sort_values(by).drop(columns=list(keys)).reset_index(drop=True)

    def _table(self) -> pa.Table:
        """All rows of all units, in the order in which these were finished; columns of a later version are null."""
        units = sorted((self.path / "records").glob("*.parquet"), key=lambda path: (path.stat().st_mtime_ns, path.name))
        tables = [_read(path, schema=SCHEMA) for path in units]
        return pa.concat_tables(tables) if tables else SCHEMA.empty_table()


def _read(path: Path, **what: Any) -> pa.Table:
    """A file of records. Raises `UserError` when it is damaged."""
    try:
        return pq.read_table(path, **what)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} is damaged ({one_line(error)}): delete it, and run the same command again") from error


def as_table(records: Sequence[Record]) -> pa.Table:
    """Records as rows."""
    return pa.Table.from_pylist([asdict(record) for record in records], schema=SCHEMA)


def as_record(row: Mapping[str, Any]) -> Record:
    """A row, or what JSON made of one, as a record."""
    probes = tuple(Probe(**probe) for probe in row["probes"] or ())
    return Record(**{**row, "choices": tuple(row["choices"]), "depths": tuple(row["depths"]), "probes": probes})


def in_order(found: Iterable[str], known: Iterable[str]) -> list[str]:
    """All of `known`, then what was `found` besides, each once; tasks in the order in which they were asked, say."""
    return list(dict.fromkeys([*known, *found]))


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    return [key for key in {**before, **now} if before.get(key) != now.get(key)]
