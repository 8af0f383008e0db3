"""Puts a site where others can see it: a folder, a branch of a git repository, or a repository on the hub.

Only what the site's manifest names goes there, and only what an earlier board left there is replaced or removed.
Secrets stay where they are: git and huggingface_hub find their own, and a password in an address is not shown.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ..base.errors import UserError
from ..base.files import atomic_path
from ..base.hub import Repository
from .site.manifest import MANIFEST, inside, prepare, remove_stale, site_files, write_manifest

RepoType = Literal["space", "dataset"]
_GIT_ADDRESS = re.compile(r"^(?:git@|ssh://|https?://|git://|file://)|\.git/?$")
_PASSWORD = re.compile(r"(?<=//)[^/@\s]+@")


class Target(Protocol):
    """A place that a site can be put."""

    @property
    def where(self) -> str:
        """What it is called, without secrets."""
        ...

    def stale(self, files: Sequence[str]) -> list[str]:
        """What an earlier board has there and this one has not, as far as can be said from here."""
        ...

    def put(self, site: Path, files: Sequence[str]) -> str:
        """Put the files of `site` there, and say what was done."""
        ...


def target_of(to: str, branch: str = "gh-pages", repo_type: RepoType = "space") -> Target:
    """The place that `to` means: `hf:OWNER/NAME`, `git:REMOTE` or a git address, else a folder.

    Raises `UserError` when it is nothing of these.
    """
    kind, _, rest = to.partition(":")
    if kind == "hf":
        Repository(rest, repo_type)  # refuses what is no name
        return Hub(rest, repo_type)
    if kind == "git" and not to.startswith("git://"):
        return Git(_remote(rest), branch)
    if _GIT_ADDRESS.search(to):
        return Git(_remote(to), branch)
    if not to:
        raise UserError("--to names no place: write hf:OWNER/NAME, a folder, or git:REMOTE")
    return Folder(Path(to))


def publish(site: str | Path, target: Target) -> str:
    """Put `site` where `target` says, and return what was done. Raises `UserError`, `IncompleteError`."""
    return target.put(Path(site), site_files(site))


def preview(site: str | Path, target: Target) -> Iterator[str]:
    """What `publish` would do, line by line; touches nothing."""
    folder, files = Path(site), site_files(site)
    total = 0
    for name in files:
        size = (folder / name).stat().st_size
        total += size
        yield f"put     {name}  ({size:,} bytes)"
    yield from (f"remove  {name}" for name in target.stale(files))
    yield f"{len(files)} files, {total:,} bytes, would go to {target.where}; nothing was sent"


@dataclass(frozen=True)
class Folder:
    """A folder on this machine; each file is whole or absent at any time, and the index comes last."""

    path: Path

    @property
    def where(self) -> str:
        """Its path."""
        return str(self.path)

    def stale(self, files: Sequence[str]) -> list[str]:
        """What would be removed."""
        return sorted({name for name in prepare(self.path) if (self.path / name).is_file()} - set(files))

    def put(self, site: Path, files: Sequence[str]) -> str:
        """Copy the site; other files there stay."""
        if self.path.resolve() == site.resolve():
            raise UserError(f"{self.path} is the site itself: name another folder")
        copy_site(site, files, self.path)
        return f"{len(files)} files are in {self.path}"


@dataclass(frozen=True)
class Git:
    """A branch of a git repository, as pages are served from; history is kept, and nothing is forced."""

    address: str
    branch: str

    @property
    def where(self) -> str:
        """The address without a password, and the branch."""
        return f"branch {self.branch} of {_PASSWORD.sub('***@', self.address)}"

    def stale(self, files: Sequence[str]) -> list[str]:
        """What would be removed; asks the repository for the branch."""
        with self._checked_out() as work:
            return Folder(work).stale(files)

    def put(self, site: Path, files: Sequence[str]) -> str:
        """Commit the site on top of the branch, and push it."""
        with self._checked_out() as work:
            copy_site(site, files, work)
            (work / ".nojekyll").touch()
            self._git(work, "add", "--all", "--force", ".")
            if not self._git(work, "status", "--porcelain"):
                return f"{self.where} holds this board already"
            self._git(work, *self._author(work), "commit", "--quiet", "--message", "Publish the leaderboard")
            self._git(work, "push", "--quiet", "target", f"HEAD:refs/heads/{self.branch}")
        return f"{len(files)} files are in {self.where}"

    @contextmanager
    def _checked_out(self) -> Iterator[Path]:
        """A working tree of the branch, empty where there is no such branch yet."""
        if shutil.which("git") is None:
            raise UserError("git is not installed: install it, or publish to a folder")
        with tempfile.TemporaryDirectory() as name:
            work = Path(name)
            self._git(work, "init", "--quiet")
            self._git(work, "check-ref-format", "--branch", self.branch)
            self._git(work, "remote", "add", "--", "target", self.address)
            if self._git(work, "ls-remote", "target", f"refs/heads/{self.branch}"):
                self._git(work, "fetch", "--quiet", "--depth", "1", "target", f"refs/heads/{self.branch}")
                self._git(work, "checkout", "--quiet", "--detach", "FETCH_HEAD")
            yield work

    def _author(self, work: Path) -> list[str]:
        """Who commits: whom git knows, else this program."""
        try:
            self._git(work, "config", "user.email")
        except UserError:
            return ["-c", "user.name=rmt-bench", "-c", "user.email=rmt-bench@localhost"]
        return []

    def _git(self, work: Path, *arguments: str) -> str:
        here = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")  # of the repository that we may be called from
        plain = {key: value for key, value in os.environ.items() if key not in here}
        done = subprocess.run(
            ["git", "-c", "core.autocrlf=false", *arguments],
            cwd=work,
            env={**plain, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
        if done.returncode:
            said = " ".join(_PASSWORD.sub("***@", done.stderr or done.stdout).split()[:60])
            raise UserError(f"{self.where} cannot be reached or written: git said: {said or 'nothing'}")
        return done.stdout.strip()


@dataclass(frozen=True)
class Hub:
    """A repository on the Hugging Face hub: a static Space shows the page, a dataset holds its files."""

    name: str
    repo_type: RepoType

    @property
    def where(self) -> str:
        """The repository's address."""
        return self._repository.where

    def stale(self, files: Sequence[str]) -> list[str]:
        """Patterns, since the hub is not asked."""
        return [f"{', '.join(PAGES)} of an earlier board that this one has not"]

    def put(self, site: Path, files: Sequence[str]) -> str:
        """Make the repository where there is none, and put the site there in one commit."""
        self._repository.put(self.contents(site, files), "Publish the leaderboard", stale=PAGES, sdk=self.sdk)
        return f"{len(files)} files are at {self.where}"

    @property
    def _repository(self) -> Repository:
        return Repository(self.name, self.repo_type)

    @property
    def sdk(self) -> str | None:
        """How a Space is shown: as it is."""
        return "static" if self.repo_type == "space" else None

    def contents(self, site: Path, files: Sequence[str]) -> dict[str, Path | bytes]:
        """What goes there: the files of the site, and for a Space its card."""
        contents: dict[str, Path | bytes] = {name: inside(site, name) for name in files}
        return contents | (self._card(site, files) if self.sdk else {})

    def _card(self, site: Path, files: Sequence[str]) -> dict[str, bytes]:
        """A Space is shown if its README says how: so the site's is made to, or where it has none, one is written."""
        if "README.md" in files:
            return {"README.md": _CARD.encode() + (site / "README.md").read_bytes()}
        return {} if self._repository.has("README.md") else {"README.md": _CARD.encode()}


#: Pages of models and tasks, of which a board may have others than an earlier one.
PAGES = ("models/*.html", "tasks/*.html")
#: What tells the hub to show the page.
_CARD = """\
---
title: rmt-bench leaderboard
sdk: static
app_file: index.html
---

"""


def copy_site(site: Path, files: Sequence[str], target: Path) -> None:
    """Copy `files` of `site` into `target`, the last of them last, and remove what an earlier board left there.

    Interrupted at any time, it can be done again. Raises `UserError` when that would write over what is not ours.
    """
    before = prepare(target)
    if foreign := [name for name in files if name not in (*before, MANIFEST) and inside(target, name).exists()]:
        raise UserError(f"{target} holds a {foreign[0]} that no leaderboard made: name another folder")
    write_manifest(target, {*before, *files} - {MANIFEST})
    for name in (name for name in files if name != MANIFEST):
        _copy(site, name, target)
    remove_stale(target, before, files)
    _copy(site, MANIFEST, target)


def _copy(site: Path, name: str, target: Path) -> None:
    with atomic_path(inside(target, name)) as temporary:
        shutil.copyfile(inside(site, name), temporary)


def _remote(name: str) -> str:
    """The address of a git remote: a path here, what the repository here calls so, or an address as it stands."""
    if not name:
        raise UserError("git: names no remote: write git:origin, or git:ADDRESS")
    if Path(name).exists():
        return str(Path(name).resolve())
    if re.search("[/:]", name):
        return name
    found = subprocess.run(["git", "remote", "get-url", "--", name], capture_output=True, text=True)
    if found.returncode or not found.stdout.strip():
        raise UserError(f"the repository here has no remote {name!r}: see `git remote`, or write git:ADDRESS")
    return found.stdout.strip()
