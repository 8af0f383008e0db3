"""What a data set folder looks like: its files, their schema, its manifest. Knows not how samples are made or read.

DIR/README.md                                a Hugging Face card: configurations = lengths, splits = tasks
DIR/manifest.json                            what was asked for, versions, rows and SHA-256 of each file
DIR/<length>/<task>-00000-of-00003.parquet   some 16 million tokens of samples, or one sample
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..base.errors import UserError, did_you_mean
from ..base.files import is_temporary, read_json, write_json
from .plan import Plan

FORMAT = 1
#: `text` keeps every context; `recipe` keeps its hash, and what it takes to render it again.
STORES = ("text", "recipe")
#: Tokens in a file, about, and samples at the most: a file is what a worker makes at a time.
_FILE_TOKENS = 16_000_000
_FILE_SAMPLES = 4_096

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
        ("n_distractors", pa.int64()),
    ]
)
#: A row of a recipe: the hash of the context stands where the context would.
RECIPE_SCHEMA = SCHEMA.set(SCHEMA.get_field_index("input"), pa.field("input_sha256", pa.string()))


def schema_of(store: str) -> pa.Schema:
    """The columns of a data file. Raises `UserError` for an unknown store."""
    if store not in STORES:
        raise UserError(f"unknown store {store!r}{did_you_mean(store, STORES)}; there is: {', '.join(STORES)}")
    return RECIPE_SCHEMA if store == "recipe" else SCHEMA


@dataclass(frozen=True)
class DataFile:
    """Samples start..stop of one task at one length, as the file number `number` of `count`."""

    task: str
    length: str
    start: int
    stop: int
    number: int
    count: int

    @property
    def path(self) -> str:
        """Where it lies in the folder."""
        return f"{self.length}/{self.task}-{self.number:05d}-of-{self.count:05d}.parquet"


def data_files(plan: Plan) -> list[DataFile]:
    """The data files of a plan, in order."""
    files = []
    for task in plan.tasks:
        for length in plan.lengths.values():
            samples = plan.count(length)
            each = min(max(_FILE_TOKENS // max(plan.tokens(length), 1), 1), _FILE_SAMPLES)
            starts = range(0, samples, each)
            files += [
                DataFile(task, length.label, start, min(start + each, samples), number, len(starts))
                for number, start in enumerate(starts)
            ]
    return files


def describe(plan: Plan) -> dict[str, Any]:
    """What the manifest says of a plan: everything that its samples depend on."""
    described = {
        "tasks": {name: task.knobs() for name, task in plan.tasks.items()},
        "lengths": [length.label for length in plan.lengths.values()],
        "samples": {length.label: plan.count(length) for length in plan.lengths.values()},
        **plan.identity(),
    }
    return json.loads(json.dumps(described))


def new_manifest(plan: Plan, store: str) -> dict[str, Any]:
    """The manifest of a data set none of whose files is finished.

    That of a recipe holds the call that made the plan, too. Raises `UserError` for a plan that no call made.
    """
    schema_of(store)
    manifest = {"format": FORMAT, "store": store, "versions": _versions(), "plan": describe(plan)}
    if store == "recipe":
        if plan.call is None:
            raise UserError("this plan was put together by hand and cannot be kept as a recipe: make it by make_plan")
        manifest["recipe"] = json.loads(json.dumps(plan.call))
    return manifest


def claim(folder: Path, asked: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Make `folder` the place of this data set, or refuse: it may hold the same one, unfinished, and nothing else.

    The files that its manifest says are finished. A claim that no data file followed is given up.
    """
    manifest = folder / "manifest.json"
    if manifest.is_file():
        stored = read_json(manifest)
        before, now = ({"store": each.get("store"), **each.get("plan", {})} for each in (stored, asked))
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


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a finished data set. Raises `UserError` when there is none."""
    if not (folder / "manifest.json").is_file():
        what = "holds no data set (it has no manifest.json)" if folder.exists() else "does not exist"
        raise UserError(f"{folder} {what}; make one with: rmt-bench generate --output {folder}")
    manifest = read_json(folder / "manifest.json")
    if not manifest.get("files"):
        raise UserError(f"{folder} was not finished; run the same rmt-bench generate again")
    return manifest


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("rmt-bench", "numpy", "pyarrow", "tokenizers", "transformers")}
