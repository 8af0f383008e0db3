"""Data sets on disk: samples as Parquet, a manifest and a card, in the layout of RMT-team/babilong (see layout.py).

The same call gives the same bytes, whatever the engine; called again it makes what is missing.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ..base.engine import Engine, run
from ..base.errors import UserError
from ..base.files import digest, remove_temporaries, sha256_file, sole_writer, write_json, write_text
from .card import card
from .layout import DataFile, claim, data_files, new_manifest, read_manifest
from .plan import SHARD, Plan, Unit
from .rows import read_rows, stored_sample, token_counts, whole_file, write_samples
from .samples import Sample


def generate_dataset(
    plan: Plan,
    output: str | Path,
    progress: Callable[[str, int], None] = lambda file, tokens: None,
    *,
    store: str = "text",
    engine: Engine | None = None,
) -> Path:
    """Write the samples of `plan` under `output`. `progress` hears of every finished file: its name, its tokens.

    `store` `recipe` leaves the texts out and keeps their hashes. Files that stand there complete are kept; what a
    killed call left unfinished is removed. On a cluster, `output` is a folder that every machine sees. Raises
    `UserError` when `output` holds something else, or another process is writing there.
    """
    folder = Path(output)
    for name in plan.tasks:
        if not re.fullmatch(r"\w+", name):
            raise UserError(f"task name {name!r} cannot be the name of a split: letters, digits and _ only")
    asked = new_manifest(plan, store)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: give --output a folder")
    with sole_writer(folder):
        recorded = claim(folder, asked)
        remove_temporaries(folder)
        wanted = data_files(plan)
        missing = {file.task for file in wanted if not (folder / file.path).is_file()}
        for task in missing if engine else ():
            plan.source.prepare(plan.tasks[task])
        files: dict[str, dict[str, Any]] = {}
        for file, entry in run(partial(make_file, plan, folder.resolve(), store, recorded), wanted, engine):
            files[file.path] = entry
            progress(file.path, (file.stop - file.start) * plan.tokens(plan.lengths[file.length]))
        remove_temporaries(folder)
        write_json(folder / "manifest.json", {**asked, "files": {file.path: files[file.path] for file in wanted}})
        write_text(folder / "README.md", card(plan, store, sum(entry["rows"] for entry in files.values())))
    return folder


def make_file(
    plan: Plan, folder: Path, store: str, recorded: dict[str, dict[str, Any]], file: DataFile
) -> dict[str, Any]:
    """Make one data file unless it stands there whole; what the manifest says of it. A unit of work for an engine."""
    path = folder / file.path
    entry = recorded.get(file.path)
    if entry is not None and path.is_file() and sha256_file(path) == entry["sha256"]:
        return entry
    if entry is not None or not whole_file(path, store):
        length = plan.lengths[file.length]
        samples = (
            plan.source.samples(file.task, plan.tasks[file.task], length, index)
            for index in range(file.start, file.stop)
        )
        write_samples(path, itertools.chain.from_iterable(samples), store)
    tokens = token_counts(path)
    return {"rows": len(tokens), "n_tokens": [int(tokens.min()), int(tokens.max())], "sha256": sha256_file(path)}


class Dataset:
    """A data set folder as a source of samples for evaluation; `tasks` and `lengths` choose from it (None: all).

    The texts of a recipe are rendered again as they are asked for, and each is checked against its hash. `background`,
    `tokenizer` and `facts` say where these lie now, if not where they lay.
    """

    def __init__(
        self,
        folder: str | Path,
        tasks: list[str] | None = None,
        lengths: list[str] | None = None,
        *,
        background: str | None = None,
        tokenizer: str | None = None,
        facts: str | None = None,
    ):
        self.folder = Path(folder)
        self.manifest = read_manifest(self.folder)
        self.tasks = self._choose("task", list(self.manifest["plan"]["tasks"]), tasks)
        self.lengths = self._choose("length", self.manifest["plan"]["lengths"], lengths)
        self._sources = {"background": background, "tokenizer": tokenizer, "facts": facts}

    @property
    def store(self) -> str:
        """`text` or `recipe`."""
        return self.manifest["store"]

    @cached_property
    def plan(self) -> Plan:
        """The plan that a recipe was made by. Raises `UserError` when what it needs is not at hand."""
        from .recipe import plan_again

        return plan_again(self.folder, self.manifest, **self._sources)

    def identity(self) -> dict[str, Any]:
        """What the data set was made from, and the hash of its files."""
        hashes = {name: file["sha256"] for name, file in self.manifest["files"].items()}
        return {**self.manifest["plan"], "files": digest(hashes)}

    def units(self) -> list[Unit]:
        """Task by task, length by length, shard by shard; numbered by rows."""
        return [
            Unit(task, length, first + start, first + stop, digest(self._hash(path), start, stop)[:24])
            for task in self.tasks
            for length in self.lengths
            for path, first, rows in self.files(task, length)
            for start, stop in ((start, min(start + SHARD, rows)) for start in range(0, rows, SHARD))
        ]

    def __iter__(self) -> Iterator[Sample]:
        """Every sample, unit by unit."""
        return itertools.chain.from_iterable(map(self.samples, self.units()))

    def samples(self, unit: Unit) -> Iterator[Sample]:
        """The samples of one unit, read row group by row group."""
        rows = itertools.chain.from_iterable(
            read_rows(self.folder / path, max(unit.start - first, 0), unit.stop - first)
            for path, first, count in self.files(unit.task, unit.length)
            if unit.start < first + count and first < unit.stop
        )
        return map(stored_sample, rows) if self.store == "text" else self.rendered(rows)

    def rendered(self, rows: Iterable[dict[str, Any]]) -> Iterator[Sample]:
        """The samples of a recipe's rows. Raises `UserError` where a text is not the one that was hashed."""
        from .recipe import render

        return render(self.plan, self.folder, rows)

    def _choose(self, kind: str, there: list[str], asked: list[str] | None) -> list[str]:
        for name in asked or ():
            if name not in there:
                raise UserError(f"{self.folder} has no {kind} {name!r}; it has: {', '.join(there)}")
        return asked or there

    def files(self, task: str, length: str) -> Iterator[tuple[str, int, int]]:
        """The files of a task at a length, in order: path in the folder, number of the first row, rows."""
        first = 0
        for path, file in self.manifest["files"].items():
            if re.fullmatch(rf"{re.escape(length)}/{re.escape(task)}-\d+-of-\d+\.parquet", path):
                yield path, first, file["rows"]
                first += file["rows"]

    def _hash(self, path: str) -> str:
        return self.manifest["files"][path]["sha256"]
