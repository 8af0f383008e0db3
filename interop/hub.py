"""What goes to the hub: a data set, a checkpoint with card and curve, a board. Gathers files; base/hub.py sends."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.errors import UserError
from ..base.files import read_json, sha256_file
from ..base.hub import Repository, RepoType

#: The file by which each kind of folder is known, and the command that takes it.
_MARKS = {"manifest.json": "data", "checkpoint.json": "checkpoint", "site.json": "board"}


@dataclass(frozen=True)
class Parcel:
    """Files for a repository, by their paths there; what matches a pattern of `stale` and is not among them goes."""

    repository: Repository
    files: Mapping[str, Path | bytes]
    message: str
    stale: tuple[str, ...] = ()
    sdk: str | None = None

    def send(self, private: bool | None = None) -> str:
        """Put them there in one commit, and return the address. Raises `UserError`, `IncompleteError`."""
        self.repository.put(self.files, self.message, stale=self.stale, private=private, sdk=self.sdk)
        return self.repository.where

    def preview(self) -> Iterator[str]:
        """What `send` would do, line by line; touches nothing."""
        sizes = {name: len(it) if isinstance(it, bytes) else it.stat().st_size for name, it in self.files.items()}
        yield from (f"put     {name}  ({size:,} bytes)" for name, size in sizes.items())
        yield from (f"remove  {pattern} that this one has not" for pattern in self.stale)
        total = f"{len(sizes)} files, {sum(sizes.values()):,} bytes"
        yield f"{total}, would go to {self.repository.where}; nothing was sent"


def data_parcel(folder: str | Path, name: str) -> Parcel:
    """A data set: its files, its manifest, and its card, in which it has its new name.

    Raises `UserError` when there is none, it is not finished, or its bytes are not those that were written.
    """
    from ..generators.card import named
    from ..generators.dataset import Dataset

    repository, path = Repository(name, "dataset"), _of_kind(folder, "data")
    files: dict[str, Path | bytes] = {}
    for file, entry in Dataset(path).manifest["files"].items():
        if not (path / file).is_file() or sha256_file(path / file) != entry["sha256"]:
            raise UserError(f"{path / file} is missing or damaged; see: rmt-bench verify {path}")
        files[file] = path / file
    card = path / "README.md"
    if not card.is_file():
        raise UserError(f"{card} is missing: run the same rmt-bench generate again, it writes what is missing")
    files["manifest.json"] = path / "manifest.json"
    files["README.md"] = named(card.read_text(encoding="utf-8"), name).encode()
    return Parcel(repository, files, "Add a data set of rmt-bench", stale=("*/*.parquet",))


def checkpoint_parcel(folder: str | Path, name: str, run: Path | None = None) -> Parcel:
    """A checkpoint: weights, how it is made, its tokenizer, its plugin if it has one, a card, and the curve of `run`.

    Raises `UserError` when there is none, when its plugin is gone, or when `run` is of other weights.
    """
    from ..bench.model_card import model_card

    repository, path = Repository(name, "model"), _of_kind(folder, "checkpoint")
    if not (path / "checkpoint.json").is_file():
        raise UserError(f"{path} holds no checkpoint (it has no checkpoint.json); make one with: rmt-bench train")
    stored = read_json(path / "checkpoint.json")
    if not (path / "model.safetensors").is_file():
        raise UserError(f"{path} has no model.safetensors: the training was not finished; run the same command again")
    files: dict[str, Path | bytes] = {
        file.relative_to(path).as_posix(): file
        for file in (path / "model.safetensors", *sorted((path / "tokenizer").glob("*")))
    }
    plugin = _plugin(path, stored)
    if plugin is not None:
        files[plugin.name] = plugin
        stored = {**stored, "model": f"{plugin.name}:{stored['model'].rpartition(':')[2]}"}
    files["checkpoint.json"] = (json.dumps(stored, indent=2, ensure_ascii=False) + "\n").encode()
    shown = None
    if run is not None:
        _refuse_other_weights(path, run)
        shown, drawn = _curve(run)
        files |= drawn
    files["README.md"] = model_card(stored, name, shown, plugin and plugin.name).encode()
    return Parcel(repository, files, "Add a checkpoint of rmt-bench")


def board_parcel(site: str | Path, name: str, repo_type: RepoType = "space") -> Parcel:
    """A board, as `leaderboard publish` puts it on the hub. Raises `UserError` when there is none."""
    from ..leaderboard.publish import PAGES, Hub
    from ..leaderboard.site.manifest import site_files

    if repo_type == "model":
        raise UserError("a board is a space, which shows its page, or a dataset")
    path = _of_kind(site, "board")
    target = Hub(name, repo_type)
    contents = target.contents(path, site_files(path))
    return Parcel(Repository(name, repo_type), contents, "Publish the leaderboard", PAGES, target.sdk)


def _of_kind(folder: str | Path, kind: str) -> Path:
    """The folder, or `UserError` where it holds another kind of thing that can be pushed."""
    path = Path(folder)
    there = [found for mark, found in _MARKS.items() if (path / mark).is_file()]
    if there and kind not in there:
        raise UserError(f"{path} holds a {there[0]}: rmt-bench push {there[0]} {path} OWNER/NAME")
    return path


def _plugin(folder: Path, stored: Mapping[str, Any]) -> Path | None:
    """The file of Python that makes the model, if one does. Raises `UserError` when it is gone."""
    from ..bench.checkpoint import plugin_beside

    path, colon, _ = plugin_beside(folder, stored["model"]).rpartition(":")
    if not colon or not path.endswith(".py"):
        return None
    if not Path(path).is_file():
        raise UserError(
            f"{path}, which makes the model of {folder}, is not there: put it back, or beside the checkpoint"
        )
    return Path(path)


def _refuse_other_weights(folder: Path, run: Path) -> None:
    """Raise `UserError` where the weights that a run asked are not those of the checkpoint."""
    from ..bench.evaluate import weights_digest
    from ..bench.setup import Setup
    from ..leaderboard.records import read_info

    identity = read_info(run)["identity"]
    made = Setup(str(folder), dict(identity.get("options", {})), dtype=identity.get("dtype")).make()
    if weights_digest(made) != identity.get("weights"):
        raise UserError(
            f"{run} asked other weights than those of {folder}: evaluate these (rmt-bench eval {folder} ...), and give "
            "that run"
        )


def _curve(run: Path) -> tuple[Any, dict[str, bytes]]:
    """A run's curve for the card, and its picture and table as files."""
    from ..bench.model_card import Shown
    from ..leaderboard.metrics import curve
    from ..leaderboard.plots import plot_curves
    from ..leaderboard.records import read_info
    from ..leaderboard.tables import write_csv

    table = curve(run)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        plot_curves(table, place / "curve.png")
        write_csv(table, place / "curve.csv")
        files = {file.name: file.read_bytes() for file in sorted(place.iterdir())}
    return Shown(table.to_dict("records"), read_info(run), "curve.png"), files
