"""Whether a data set folder is what its manifest says: files, schema, rows, hashes.

Whether what the files say makes sense is another question: see audit.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..base.errors import UserError, one_line
from ..base.files import is_temporary, sha256_file
from .dataset import Dataset
from .layout import schema_of
from .rows import read_rows


@dataclass(frozen=True)
class Damage:
    """A file of a data set, relative to its folder, and what is wrong with it."""

    file: str
    what: str


def verify(data: Dataset, progress: Callable[[str], None] = lambda file: None) -> Iterator[Damage]:
    """Yield what is damaged, file by file; `progress` hears of every data file once it is looked at.

    The texts of a recipe are rendered again and compared with their hashes. Raises `UserError` when that cannot be
    done here, because background, tokenizer or official stories are not at hand.
    """
    if data.store == "recipe":
        _ = data.plan
    for path, entry in data.manifest["files"].items():
        yield from (Damage(path, what) for what in _wrong(data, path, entry))
        progress(path)
    yield from _strangers(data)


def _wrong(data: Dataset, path: str, entry: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one data file. Where its bytes are the right ones, the rest is, too, save texts it lacks."""
    file = data.folder / path
    if not file.is_file():
        yield "it is missing"
    elif sha256_file(file) != entry["sha256"]:
        yield from ["its bytes are not those that were written (SHA-256)", *_unlike(file, data.store, entry)]
    elif data.store == "recipe":
        try:
            for _ in data.rendered(read_rows(file)):
                pass
        except UserError as error:
            yield str(error)


def _unlike(file: Path, store: str, entry: dict[str, Any]) -> Iterator[str]:
    """How a file whose bytes are other ones looks."""
    try:
        found = pq.ParquetFile(file)
    except (OSError, pa.ArrowInvalid) as error:
        yield f"it cannot be read ({one_line(error)})"
        return
    if not found.schema_arrow.equals(schema_of(store)):
        yield "its columns are not those of a data set"
    if found.metadata.num_rows != entry["rows"]:
        yield f"it has {found.metadata.num_rows} rows, not {entry['rows']}"


def _strangers(data: Dataset) -> Iterator[Damage]:
    """Files that should be there and are not, or the other way round."""
    if not (data.folder / "README.md").is_file():
        yield Damage("README.md", "it is missing")
    for file in sorted(data.folder.rglob("*")):
        name = file.relative_to(data.folder).as_posix()
        if is_temporary(file):
            yield Damage(name, "it was left by a call that was killed")
        elif file.suffix == ".parquet" and name not in data.manifest["files"]:
            yield Damage(name, "it does not belong to this data set")
