"""Backgrounds read from tables, one document a row: `parquet:PATH[:COLUMN]` and `hf:NAME[:CONFIG[:SPLIT[:COLUMN]]]`.

A table is read in volumes of some 64 million characters, so that a source of any size needs the memory of a few rows
and the time of the volumes that are read. Knows no tokens.
"""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

from ..base.errors import UserError, did_you_mean, one_line
from ..base.files import cache_folder, digest, read_json, sha256_file, write_json
from .background import Background, background
from .plain_text import sentences_of

#: Characters in a volume, about: some 16 million tokens, which are indexed in well under a minute.
VOLUME = 64_000_000
#: In how many volumes of a file a text may begin.
_FIRST_VOLUMES = 8
_BATCH_ROWS = 16
#: The branch where the hub keeps a data set as Parquet whose own files are a loading script.
_CONVERTED = "refs/convert/parquet"
_PATIENCE = 5


@background("parquet")
class ParquetText(Background):
    """A Parquet file, or every `.parquet` file below a folder, a document in each row: `parquet:PATH[:COLUMN]`.

    COLUMN is `text` unless it is given, or the only column of strings. Train and test draw from the same rows: for a
    fair test give training another path.
    """

    def __init__(self, where: str = ""):
        path, _, column = (where, "", "") if Path(where).expanduser().exists() else where.rpartition(":")
        self.path = Path(path or column).expanduser()
        if not where:
            raise UserError("the background `parquet` needs a file or folder: parquet:PATH or parquet:PATH:COLUMN")
        if not self.path.exists():
            raise UserError(f"no such file or folder: {self.path}")
        found = sorted(self.path.rglob("*.parquet")) if self.path.is_dir() else [self.path]
        self.files = [file for file in found if file.is_file()]
        if not self.files:
            raise UserError(f"{self.path} holds no .parquet file: name another folder, or a file")
        self.column = self._column(column if path else "")
        self.name = f"parquet:{self.path.resolve().name}:{self.column}"
        self._volumes = list(self._bind())
        self.volumes = len(self._volumes)
        self.first_volumes = min(self.volumes, _FIRST_VOLUMES)

    @property
    def fingerprint(self) -> str:
        """A hash of the files' bytes, in order, and of the column's name."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return digest("parquet", VOLUME, self.column, [sha256_file(file) for file in self.files])

    def size(self, volume: int) -> int:
        """The bytes of the column in the volume's row groups."""
        return sum(size for _, _, size in self._volumes[volume])

    def sentences(self, volume: int, split: str) -> Iterator[str]:
        """Every sentence of every row."""
        for file, group, _ in self._volumes[volume]:
            batches = _opened(file).iter_batches(_BATCH_ROWS, row_groups=[group], columns=[self.column])
            for text in (value for batch in batches for value in batch.column(0).to_pylist()):
                yield from sentences_of(text or "")

    def _column(self, asked: str) -> str:
        schema = _opened(self.files[0]).schema_arrow
        texts = [field.name for field in schema if "string" in str(field.type)]
        return _choose_column(str(self.path), asked, schema.names, texts)

    def _bind(self) -> Iterator[list[tuple[Path, int, int]]]:
        """Row groups in order, each with its bytes, put together to volumes."""
        volume: list[tuple[Path, int, int]] = []
        for file in self.files:
            opened = _opened(file)
            if self.column not in opened.schema_arrow.names:
                raise UserError(f"{file} has no column {self.column!r}; leave it out, or name another column")
            number = opened.schema_arrow.names.index(self.column)
            for group in range(opened.num_row_groups):
                if sum(size for _, _, size in volume) >= VOLUME:
                    yield volume
                    volume = []
                size = opened.metadata.row_group(group).column(number).total_uncompressed_size
                volume.append((file, group, size))
        yield volume


def _opened(file: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(file, buffer_size=1 << 20)
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(f"{file} is no Parquet file ({one_line(error)}): leave it out, or get it again") from error


def _choose_column(where: str, asked: str, names: Sequence[str], texts: Sequence[str]) -> str:
    """The column that is asked for, else `text`, else the only one of strings. Raises `UserError` naming all."""
    if asked and asked not in names:
        raise UserError(f"{where} has no column {asked!r}{did_you_mean(asked, names)} (it has: {', '.join(names)})")
    if asked or "text" in texts:
        return asked or "text"
    if len(texts) != 1:
        raise UserError(f"{where} has no column `text`; name one after a colon (it has: {', '.join(names)})")
    return texts[0]


@background("hf")
class HubText(Background):
    """A data set of the Hugging Face hub, streamed: `hf:NAME[:CONFIG[:SPLIT[:COLUMN]]]`, such as `hf:deepmind/pg19`.

    NAME may be a local folder, and may end in `@REVISION`. SPLIT is `train`, COLUMN is `text` or the only column of
    strings, unless they are given. Train and test draw from the same rows: for a fair test give training another split.

    Nobody knows how many volumes there are until they are read: where each begins is kept in the cache folder.
    """

    volumes = None
    first_volumes = 1

    def __init__(self, where: str = ""):
        parts = where.split(":")
        if not parts[0] or len(parts) > 4:
            raise UserError("the background `hf` needs the name of a data set: hf:NAME[:CONFIG[:SPLIT[:COLUMN]]]")
        name, config, split, column = parts + [""] * (4 - len(parts))
        self.source, _, self.revision = name.partition("@")
        self.config, self.split, self.column = config, split or "train", column
        self.local = Path(self.source).expanduser().is_dir()
        label = Path(self.source).resolve().name if self.local else name
        self.name = f"hf:{label}:{config}:{self.split}:{column}".rstrip(":")

    @property
    def fingerprint(self) -> str:
        """A hash of the revision of the data set on the hub, or of a local folder's files, and of what is chosen."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return digest("hf", VOLUME, self.config, self.split, self.column, self._contents())

    def sentences(self, volume: int, split: str) -> Iterator[str]:
        """Every sentence of every row."""
        for text in self._documents(volume):
            yield from sentences_of(text)

    def following(self, volume: int) -> int:
        """The next volume, or the first one after that with the last row."""
        return 0 if self._span(volume)["last"] else volume + 1

    def size(self, volume: int) -> int:
        """What a volume has at the most, about."""
        return VOLUME

    def _documents(self, volume: int) -> Iterator[str]:
        """The rows of a volume; once all are read, where it ends is written down."""
        begin = self._span(volume - 1)["stop"] if volume else 0
        stop, characters = begin, 0
        with closing(self._rows(begin)) as rows:
            for text in rows:
                yield text
                stop += 1
                characters += len(text)
                if characters >= VOLUME:
                    break
            write_json(self._note(volume), {"stop": stop, "last": next(rows, None) is None})

    def _span(self, volume: int) -> dict[str, Any]:
        """Where a volume ends; the rows are read again where that is not written down."""
        if not self._note(volume).is_file():
            for _ in self._documents(volume):
                pass
        return read_json(self._note(volume))

    def _note(self, volume: int) -> Path:
        return cache_folder() / "streams" / self.fingerprint[:32] / f"{volume}.json"

    def _rows(self, begin: int) -> Generator[str, None, None]:
        """The text of every row from number `begin` on."""
        try:
            column = ""
            for row in self._stream().skip(begin):
                texts = [name for name, value in row.items() if isinstance(value, str)]
                column = column or _choose_column(self.name, self.column, list(row), texts)
                yield row[column] or ""
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"the data set {self.source!r} cannot be read ({one_line(error)}); see: {_HELP}") from error

    def _stream(self) -> Any:
        import datasets

        def load(revision: str | None) -> Any:
            return datasets.load_dataset(
                self.source, self.config or None, split=self.split, revision=revision, streaming=True
            )

        if self.local:
            return load(None)
        _reach_hub(self.source)
        try:
            return load(self.revision or None)
        except RuntimeError as error:
            if self.revision or "scripts" not in str(error):
                raise
            return load(_CONVERTED)

    def _contents(self) -> str:
        """What the data set's rows are, as a hash."""
        if self.local:
            folder = Path(self.source).expanduser()
            files = sorted(file for file in folder.rglob("*") if file.is_file())
            return digest([(file.relative_to(folder).as_posix(), sha256_file(file)) for file in files])
        if len(self.revision) == 40:
            return self.revision
        _reach_hub(self.source)
        from huggingface_hub import HfApi

        try:
            return str(HfApi().dataset_info(self.source, revision=self.revision or None, timeout=_PATIENCE).sha)
        except Exception as error:
            raise UserError(
                f"the hub has no data set {self.source!r} to give ({one_line(error).rstrip('.: ')}); see: {_HELP}"
            ) from error


_HELP = "https://huggingface.co/datasets"


def _reach_hub(name: str) -> None:
    """Raise `UserError` within seconds when the hub is out of reach: its own clients would try for a minute."""
    remedy = f"to use {name!r} offline, download it and give its folder: hf:FOLDER"
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON"):
        raise UserError(f"the hub is switched off (HF_HUB_OFFLINE); {remedy}")
    hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    try:
        urllib.request.urlopen(urllib.request.Request(hub, method="HEAD"), timeout=_PATIENCE).close()
    except urllib.error.HTTPError:
        return
    except (OSError, ValueError) as error:
        raise UserError(f"the hub {hub} is out of reach ({one_line(error)}); {remedy}") from error
