"""Which files a site is made of: `site.json`. What it does not name is not ours: neither published nor removed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ...base.errors import UserError
from ...base.files import read_json, write_json

MANIFEST = "site.json"
INDEX = "index.html"
FORMAT = 1


def site_files(site: str | Path) -> list[str]:
    """The files of a site, relative to its folder, the manifest among them and the index last.

    Raises `UserError` when `site` is no site, when a file of it is missing, or when its manifest names a file outside.
    """
    folder = Path(site)
    if not (folder / MANIFEST).is_file():
        raise UserError(f"{folder} holds no site (it has no {MANIFEST}); make one with: rmt-bench leaderboard build")
    files = _named(folder)
    if missing := [name for name in files if not (folder / name).is_file()]:
        raise UserError(f"{folder} lacks {missing[0]}: build the site again with rmt-bench leaderboard build")
    return [*sorted({*files, MANIFEST} - {INDEX}), INDEX]


def write_manifest(site: str | Path, files: Iterable[str]) -> None:
    """Say which files the site in `site` is made of."""
    write_json(Path(site) / MANIFEST, {"format": FORMAT, "files": sorted(files)})


def prepare(target: str | Path) -> list[str]:
    """What an earlier site left in `target`, which may be missing or empty; those names may be replaced or removed.

    Raises `UserError` when `target` is a file, or holds a page that is none of ours.
    """
    folder = Path(target)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: name a folder")
    if (folder / MANIFEST).is_file():
        return _named(folder)
    if (folder / INDEX).exists():
        raise UserError(f"{folder} holds an {INDEX} that no leaderboard made: name another folder")
    return []


def remove_stale(target: str | Path, before: Iterable[str], now: Iterable[str]) -> list[str]:
    """Remove from `target` the files that an earlier site had and this one has not; returns their names."""
    stale = sorted(set(before) - set(now) - {MANIFEST})
    for name in stale:
        (Path(target) / name).unlink(missing_ok=True)
    return stale


def inside(folder: Path, name: str) -> Path:
    """The path of `name` in `folder`. Raises `UserError` when that lies elsewhere, be it through a link."""
    path = folder / name
    if PurePosixPath(name).is_absolute() or not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{name!r} lies outside {folder}: nothing is written, read or removed there")
    return path


def _named(folder: Path) -> list[str]:
    said = read_json(folder / MANIFEST)
    files = said.get("files") if isinstance(said, dict) else None
    if not isinstance(files, list) or not all(isinstance(name, str) and name for name in files):
        raise UserError(f"{folder / MANIFEST} is damaged: build the site again with rmt-bench leaderboard build")
    for name in files:
        inside(folder, name)
    return files
