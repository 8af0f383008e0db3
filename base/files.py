"""Files that are whole or absent, and the hashes that name them. Knows nothing of what they hold."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

from .errors import IncompleteError, UserError

#: What the system says when nothing more can be written: no space, no quota, no larger file.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it becomes `path`, on failure nothing is left.

    Raises `IncompleteError` when the disk is full.
    """
    target = Path(path)
    with _room_for(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        with _room_for(target):
            yield temporary
        with _room_for(target), temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; on success it becomes `path`.

    When another process finished the same folder first, theirs stays and ours is dropped: callers name
    folders by the hash of their contents, so both are equal. Raises `IncompleteError` when the disk is full.
    """
    target = Path(path)
    with _room_for(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    try:
        with _room_for(target):
            yield temporary
        temporary.chmod(0o777 & ~_umask())
        try:
            os.replace(temporary, target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _room_for(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise IncompleteError(
            f"no room for {target} ({os.strerror(error.errno)}); what was finished is kept: make room, and run the "
            "same command again"
        ) from error


@contextmanager
def locked(path: str | os.PathLike[str]) -> Iterator[None]:
    """Wait until no other process holds the lock file `path`, and hold it; a killed process holds nothing."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(target, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def sole_writer(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Make `folder` if need be, and hold it as its only writer. Raises `UserError` when another process holds it."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"another process is writing to {folder}: wait for it, or name another folder") from error
        yield
    finally:
        os.close(handle)


def is_temporary(path: Path) -> bool:
    """Whether `path` is called as `atomic_path` and `atomic_folder` call what is not finished."""
    return path.name.startswith(".") and path.suffix == ".tmp"


def remove_temporaries(folder: Path, pattern: str = ".*.tmp") -> None:
    """Remove what a killed process left unfinished below `folder`; the caller is its only writer."""
    for left in filter(is_temporary, list(folder.rglob(pattern))):
        shutil.rmtree(left) if left.is_dir() else left.unlink()


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write UTF-8 text with `\\n` line ends, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write JSON, indented and in the order given, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read JSON. Raises `UserError` naming the file when it is missing or damaged."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"no such file: {path}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid JSON ({error}); delete it or restore it") from error


def sha256_file(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's bytes, as hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(*parts: object) -> str:
    """The SHA-256, as hex, of plain values in order: what gives samples, units and caches their names.

    Parts are hashed as canonical JSON, so `digest("a", "b")` and `digest("ab")` differ.
    """
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def cache_folder() -> Path:
    """Where things that can be built again are kept: `RMT_BENCH_CACHE`, else the user's cache folder."""
    return Path(os.environ.get("RMT_BENCH_CACHE") or platformdirs.user_cache_dir("rmt-bench"))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
