"""The Hugging Face hub: files go there in one commit, a repository comes here. Knows nothing of what they hold.

Secrets stay where they are: huggingface_hub finds its own (hf auth login, HF_TOKEN), and HF_ENDPOINT names another hub.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from .errors import IncompleteError, UserError, one_line

RepoType = Literal["model", "dataset", "space"]
_NAME = r"[\w.-]+/[\w.-]+"


@dataclass(frozen=True)
class Repository:
    """A repository on the hub, OWNER/NAME. Raises `UserError` when `name` is not of that form."""

    name: str
    kind: RepoType

    def __post_init__(self) -> None:
        if not re.fullmatch(_NAME, self.name):
            raise UserError(f"{self.name!r} names no repository on the hub: write OWNER/NAME")

    @property
    def where(self) -> str:
        """Its address."""
        from huggingface_hub import constants

        prefix = "" if self.kind == "model" else f"{self.kind}s/"
        return f"{constants.ENDPOINT}/{prefix}{self.name}"

    def has(self, file: str) -> bool:
        """Whether it holds `file`; not where there is no such repository. Raises as `put` does."""
        from huggingface_hub import HfApi

        with _told(f"{self.where} cannot be read"):
            return HfApi().file_exists(self.name, file, repo_type=self.kind)

    def put(
        self,
        files: Mapping[str, Path | bytes],
        message: str,
        *,
        stale: Sequence[str] = (),
        private: bool | None = None,
        sdk: str | None = None,
    ) -> None:
        """Make the repository where there is none, and put `files` there in one commit.

        `files` are contents, or where they lie here, by their paths there. What else is there and matches a pattern of
        `stale` is removed; the rest stays. `private` says whether only its owner sees a new repository (None: what the
        owner has set), `sdk` how a Space is shown. Raises `UserError` when nobody is logged in who may write there,
        and `IncompleteError` when the hub cannot be reached.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

        api = HfApi()
        with _told(f"{self.where} cannot be written"):
            api.create_repo(self.name, repo_type=self.kind, private=private, space_sdk=sdk, exist_ok=True)
            there = api.list_repo_files(self.name, repo_type=self.kind) if stale else []
            gone = [name for name in there if name not in files and any(fnmatch(name, mark) for mark in stale)]
            api.create_commit(
                self.name,
                [
                    *(CommitOperationAdd(name, content) for name, content in files.items()),
                    *(CommitOperationDelete(name) for name in gone),
                ],
                commit_message=message,
                repo_type=self.kind,
            )

    def fetch(self, patterns: Sequence[str], revision: str | None = None) -> Path:
        """The folder here that holds the files that match one of `patterns`, brought from the hub where need be.

        `revision` is a branch, a tag or a commit (None: the main branch). Raises `UserError` when there is no such
        repository or revision, or when the hub cannot be reached and nothing was brought before.
        """
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError

        with _told(f"{self.where} cannot be read"):
            try:
                found = snapshot_download(
                    self.name, repo_type=self.kind, revision=revision, allow_patterns=list(patterns)
                )
            except LocalEntryNotFoundError as error:
                raise UserError(
                    f"{self.where} cannot be reached, and nothing of it was kept here: download it where there is a "
                    "network (hf download), and name the folder"
                ) from error
            except RevisionNotFoundError as error:
                raise UserError(
                    f"{self.where} has no revision {revision!r}: see its page for branches and tags"
                ) from error
            except RepositoryNotFoundError as error:
                raise UserError(
                    f"there is no {self.where}, or it is not for everybody to see: check the name, or hf auth login"
                ) from error
        return Path(found)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Tell in one line what the hub's library says was wrong."""
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        HTTPError,
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
    )

    try:
        yield
    except (LocalTokenNotFoundError, HFValidationError, OfflineModeIsEnabled) as error:
        raise UserError(f"{what}: {one_line(error)}; see: hf auth login") from error
    except HfHubHTTPError as error:
        raise UserError(
            f"{what}: {one_line(error)}; log in with `hf auth login`, or set HF_TOKEN, as someone who may do so"
        ) from error
    except ValueError as error:  # the hub does not take the card
        raise UserError(f"{what}: {error}") from error
    except HTTPError as error:
        raise IncompleteError(f"{what}: the hub cannot be reached ({one_line(error)}); try again") from error
