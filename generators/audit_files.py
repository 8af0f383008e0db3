"""The files of a data set as an audit reads them: are they whole, and what do their rows say? Knows no checks of text.

What a row says of itself is kept as it stands; only the text of a recipe, which has none, is rendered again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..base.errors import one_line
from ..base.files import sha256_file
from .audit_findings import Findings
from .dataset import Dataset
from .layout import schema_of
from .rows import read_rows, stored_sample
from .samples import Sample

_NUMBERED = re.compile(r"-(\d+)-of-(\d+)\.parquet")


def check_files(dataset: Dataset, task: str, length: str, findings: Findings) -> list[str]:
    """Check the files of one task at one length against the manifest, each by itself; those that can be read."""
    prefix = f"{length}/{task}"
    named = {
        path: said
        for path, said in dataset.manifest["files"].items()
        if path.startswith(prefix) and _NUMBERED.fullmatch(path.removeprefix(prefix))
    }
    if not findings.expect("files", bool(named), prefix, "the manifest names no file of it"):
        return []
    numbers = [match.groups() for match in map(_NUMBERED.search, named) if match]
    missing = set(range(int(numbers[0][1]))) - {int(number) for number, _ in numbers}
    findings.expect("files", not missing, prefix, f"the manifest does not name its files {sorted(missing)}")
    return [path for path, said in named.items() if _check_file(dataset, path, said, findings)]


def _check_file(dataset: Dataset, where: str, said: dict[str, Any], findings: Findings) -> bool:
    """Whether a file can be read; that its hash or its rows are other ones is told, and it is read all the same."""
    import pyarrow.parquet as pq

    path = dataset.folder / where
    if not findings.expect("files", path.is_file(), where, "the file is missing"):
        return False
    findings.expect("files", sha256_file(path) == said["sha256"], where, "its bytes are not those of the manifest")
    try:
        metadata, schema = pq.read_metadata(path), pq.read_schema(path)
    except (OSError, ValueError) as error:
        return findings.expect("files", False, where, f"it is no whole Parquet file ({one_line(error)})")
    rows = metadata.num_rows
    findings.expect("files", rows == said["rows"], where, f"it has {rows} rows, not {said['rows']}")
    whole = schema.equals(schema_of(dataset.store))
    return findings.expect("files", whole, where, "its columns are not those of a data set")


def stored_samples(dataset: Dataset, path: str) -> Iterator[Sample]:
    """The rows of a file as samples, one row group in memory. Raises `UserError` when it cannot be read."""
    for row in read_rows(dataset.folder / path):
        has_text = dataset.store == "text"
        yield stored_sample(row if has_text else {**row, "input": next(dataset.rendered([row])).text})
