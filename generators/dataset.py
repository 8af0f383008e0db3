"""Data sets on disk: samples as Parquet, a manifest and a card, in the layout of RMT-team/babilong.

    DIR/README.md                                a Hugging Face card: configurations = lengths, splits = tasks
    DIR/manifest.json                            what was asked for, versions, rows and SHA-256 of each file
    DIR/<length>/<task>-00000-of-00001.parquet

The same call gives the same bytes; called again it makes what is missing.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..base.errors import UserError
from ..base.files import (
    atomic_path,
    digest,
    is_temporary,
    read_json,
    remove_temporaries,
    sha256_file,
    sole_writer,
    write_json,
    write_text,
)
from .haystack import PlacedFact
from .lengths import Length
from .plan import SHARD, Plan, Unit
from .samples import Sample

FORMAT = 1
_FACT = pa.struct(
    [
        ("text", pa.string()),
        ("char_start", pa.int64()),
        ("char_end", pa.int64()),
        ("token_start", pa.int64()),
        ("depth", pa.float64()),
        ("supporting", pa.bool_()),
    ]
)

#: One row of a data file: BABILong's three columns first.
SCHEMA = pa.schema(
    [
        ("question", pa.string()),
        ("target", pa.string()),
        ("input", pa.large_string()),
        ("id", pa.string()),
        ("task", pa.string()),
        ("length", pa.string()),
        ("index", pa.int64()),
        ("n_tokens", pa.int64()),
        ("n_chars", pa.int64()),
        ("choices", pa.list_(pa.string())),
        ("facts", pa.list_(_FACT)),
        ("seed", pa.int64()),
        ("haystack_id", pa.string()),
        ("wraps", pa.int64()),
    ]
)
#: Characters of text in a row group, about: long samples have one each.
_ROW_GROUP = 4_000_000


def generate_dataset(
    plan: Plan, output: str | Path, progress: Callable[[str, int], None] = lambda file, tokens: None
) -> Path:
    """Write the samples of `plan` under `output`. `progress` hears of every sample: its file, its tokens.

    Files that stand there complete are kept; what a killed call left unfinished is removed. Raises `UserError` when
    `output` holds something else, or another process is writing there.
    """
    folder = Path(output)
    for name in plan.tasks:
        if not re.fullmatch(r"\w+", name):
            raise UserError(f"task name {name!r} cannot be the name of a split: letters, digits and _ only")
    asked = {"format": FORMAT, "versions": _versions(), "plan": _describe(plan)}
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: give --output a folder")
    with sole_writer(folder):
        recorded = _claim(folder, asked)
        remove_temporaries(folder)
        files = {path: _made(plan, folder, path, recorded.get(path), progress) for path in _files(plan)}
        write_json(folder / "manifest.json", {**asked, "files": files})
        write_text(folder / "README.md", _card(plan, files))
    return folder


def _files(plan: Plan) -> dict[str, tuple[str, Length]]:
    """The data files of a plan: each one's task and length."""
    return {
        f"{length.label}/{name}-00000-of-00001.parquet": (name, length)
        for name in plan.tasks
        for length in plan.lengths.values()
    }


def _made(
    plan: Plan, folder: Path, relative: str, recorded: dict[str, Any] | None, progress: Callable[[str, int], None]
) -> dict[str, Any]:
    """Make one data file unless it stands there whole; what the manifest says of it."""
    path = folder / relative
    name, length = _files(plan)[relative]
    indexes = range(plan.count(length))
    if _whole(path, recorded):
        progress(relative, len(indexes) * length.context_tokens(0, plan.source.segment_length))
    else:
        samples = (plan.source.samples(name, plan.tasks[name], length, index) for index in indexes)
        _write(path, itertools.chain.from_iterable(samples), lambda tokens: progress(relative, tokens))
    tokens = pq.read_table(path, columns=["n_tokens"]).column(0).to_numpy()
    return {
        "rows": len(tokens),
        "n_tokens": [int(tokens.min()), int(tokens.max())],
        "sha256": sha256_file(path),
    }


def _whole(path: Path, recorded: dict[str, Any] | None) -> bool:
    """Whether a data file is there and sound: as the manifest says, or readable where it says nothing yet."""
    if not path.is_file():
        return False
    if recorded is not None:
        return sha256_file(path) == recorded["sha256"]
    try:
        return pq.read_schema(path).equals(SCHEMA)
    except (OSError, pa.ArrowInvalid):
        return False


def _describe(plan: Plan) -> dict[str, Any]:
    described = {
        "tasks": {name: task.knobs() for name, task in plan.tasks.items()},
        "lengths": [length.label for length in plan.lengths.values()],
        "samples": {length.label: plan.count(length) for length in plan.lengths.values()},
        **plan.identity(),
    }
    return json.loads(json.dumps(described))


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("rmt-bench", "numpy", "pyarrow", "tokenizers", "transformers")}


def _claim(folder: Path, asked: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Make `folder` the place of this data set, or refuse: it may hold the same one, unfinished, and nothing else.

    The files that its manifest says are finished. A claim that no data file followed is given up.
    """
    manifest = folder / "manifest.json"
    if manifest.is_file():
        stored = read_json(manifest)
        before, now = stored.get("plan", {}), asked["plan"]
        if before == now:
            return stored["files"]
        if stored.get("files") or any(folder.rglob("*.parquet")):
            differing = ", ".join(key for key in now if before.get(key) != now[key])
            raise UserError(
                f"{folder} holds another data set (it differs in {differing}): give --output another folder"
            )
    elif not all(map(is_temporary, folder.iterdir())):
        raise UserError(f"{folder} holds something that is no data set: give --output a new or empty folder")
    write_json(manifest, {**asked, "files": {}})
    return {}


def _write(path: Path, samples: Iterator[Sample], on_sample: Callable[[int], None]) -> None:
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, SCHEMA, compression="zstd") as writer:
        rows: list[dict[str, Any]] = []
        characters = 0
        for sample in samples:
            rows.append(_row(sample))
            characters += sample.n_chars
            if characters >= _ROW_GROUP:
                writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
                rows, characters = [], 0
            on_sample(sample.n_tokens)
        if rows:
            writer.write_table(pa.Table.from_pylist(rows, SCHEMA))


def _row(sample: Sample) -> dict[str, Any]:
    return {
        "question": sample.question,
        "target": sample.answer,
        "input": sample.text,
        "id": sample.id,
        "task": sample.task,
        "length": sample.length,
        "index": sample.index,
        "n_tokens": sample.n_tokens,
        "n_chars": sample.n_chars,
        "choices": list(sample.choices),
        "facts": [asdict(fact) for fact in sample.facts],
        "seed": sample.seed,
        "haystack_id": sample.haystack_id,
        "wraps": sample.wraps,
    }


def _card(plan: Plan, files: dict[str, dict[str, object]]) -> str:
    from jinja2 import Environment

    template = (Path(__file__).parent / "data" / "card.md.jinja").read_text(encoding="utf-8")
    tasks = {name: (type(task).__doc__ or "").strip().splitlines()[0] for name, task in plan.tasks.items()}
    environment = Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    return environment.from_string(template).render(
        lengths=[length.label for length in plan.lengths.values()], tasks=tasks, plan=plan.identity(), files=files
    )


@dataclass(frozen=True)
class _StoredText:
    """A context that was read from a file."""

    stored: str

    def text(self) -> str:
        return self.stored


class Dataset:
    """A data set folder as a source of samples for evaluation; `tasks` and `lengths` choose from it (None: all)."""

    def __init__(self, folder: str | Path, tasks: list[str] | None = None, lengths: list[str] | None = None):
        self.folder = Path(folder)
        if not (self.folder / "manifest.json").is_file():
            what = "holds no data set (it has no manifest.json)" if self.folder.exists() else "does not exist"
            raise UserError(f"{self.folder} {what}; make one with: rmt-bench generate --output {self.folder}")
        self.manifest = read_json(self.folder / "manifest.json")
        if not self.manifest.get("files"):
            raise UserError(f"{self.folder} was not finished; run the same rmt-bench generate again")
        self.tasks = self._choose("task", list(self.manifest["plan"]["tasks"]), tasks)
        self.lengths = self._choose("length", self.manifest["plan"]["lengths"], lengths)

    def identity(self) -> dict[str, Any]:
        """What the data set was made from, and the hash of its files."""
        hashes = {name: file["sha256"] for name, file in self.manifest["files"].items()}
        return {**self.manifest["plan"], "files": digest(hashes)}

    def units(self) -> list[Unit]:
        """Task by task, length by length, shard by shard."""
        return [
            self._unit(task, length, start) for task in self.tasks for length in self.lengths
            for start in range(0, self._file(task, length)["rows"], SHARD)
        ]  # fmt: skip

    def __iter__(self) -> Iterator[Sample]:
        """Every sample, unit by unit."""
        return itertools.chain.from_iterable(map(self.samples, self.units()))

    def samples(self, unit: Unit) -> Iterator[Sample]:
        """The samples of one unit, read row group by row group."""
        path = self.folder / f"{unit.length}/{unit.task}-00000-of-00001.parquet"
        try:
            file = pq.ParquetFile(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise UserError(f"{path} cannot be read ({error}); generate it again") from error
        row = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if row + rows > unit.start and row < unit.stop:
                wanted = file.read_row_group(group).slice(max(unit.start - row, 0), unit.stop - max(row, unit.start))
                yield from (_stored_sample(values) for values in wanted.to_pylist())
            row += rows

    def _choose(self, kind: str, there: list[str], asked: list[str] | None) -> list[str]:
        for name in asked or ():
            if name not in there:
                raise UserError(f"{self.folder} has no {kind} {name!r}; it has: {', '.join(there)}")
        return asked or there

    def _file(self, task: str, length: str) -> dict[str, Any]:
        return self.manifest["files"][f"{length}/{task}-00000-of-00001.parquet"]

    def _unit(self, task: str, length: str, start: int) -> Unit:
        file = self._file(task, length)
        stop = min(start + SHARD, file["rows"])
        return Unit(task, length, start, stop, digest(file["sha256"], start, stop)[:24])


def _stored_sample(row: dict[str, Any]) -> Sample:
    kept = ("id", "task", "length", "index", "seed", "n_tokens", "n_chars", "question", "haystack_id", "wraps")
    return Sample(
        **{key: row[key] for key in kept},
        answer=row["target"],
        choices=tuple(row["choices"]),
        facts=tuple(PlacedFact(**fact) for fact in row["facts"]),
        document=_StoredText(row["input"]),
    )
