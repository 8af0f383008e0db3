"""Publishing: to a folder, to a git repository on this machine, and to a hub that only notes what it is told."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from click.testing import CliRunner
from huggingface_hub.errors import HTTPError, LocalTokenNotFoundError

from rmt_bench.base.errors import IncompleteError, UserError
from rmt_bench.leaderboard import publish as publishing
from rmt_bench.leaderboard.commands import leaderboard_group
from rmt_bench.leaderboard.publish import Folder, Git, Hub, preview, publish, target_of
from rmt_bench.leaderboard.site import build_site
from rmt_bench.leaderboard.site.manifest import site_files

from .sites import board, without_plotly


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    without_plotly(monkeypatch)


@pytest.fixture
def site(tmp_path):
    """A site of two models, and beside it a file that is none of its own."""
    folder = tmp_path / "site"
    build_site(board("a", "b"), folder)
    (folder / "secrets.txt").write_text("hf_token")
    return folder


@pytest.fixture
def remote(tmp_path, monkeypatch):
    """A bare git repository; git reads no settings of the machine."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    path = tmp_path / "remote.git"
    _git("init", "--quiet", "--bare", str(path))
    return path


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def _branch(remote: Path) -> set[str]:
    return set(_git("-C", str(remote), "ls-tree", "-r", "--name-only", "gh-pages").splitlines())


def _tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_gets_the_files_of_the_site_and_no_others(site, tmp_path):
    said = publish(site, target_of(str(tmp_path / "public")))
    assert _tree(tmp_path / "public") == set(site_files(site))
    assert said == f"{len(site_files(site))} files are in {tmp_path / 'public'}"


def test_publishing_again_removes_old_pages_and_keeps_what_others_put_there(site, tmp_path):
    target = Folder(tmp_path / "public")
    publish(site, target)
    (target.path / "CNAME").write_text("board.example")
    build_site(board("b"), site)
    assert [line for line in preview(site, target) if line.startswith("remove")] == [
        f"remove  {name}" for name in sorted(_tree(target.path) - set(site_files(site)) - {"CNAME"})
    ]
    publish(site, target)
    assert _tree(target.path) == {*site_files(site), "CNAME"}


@pytest.mark.parametrize("place", ["foreign", "file", "site"])
def test_a_place_that_is_not_ours_is_refused_and_left_alone(site, tmp_path, place):
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "index.html").write_text("my own")
    (tmp_path / "file").write_text("my own")
    before = _tree(tmp_path)
    with pytest.raises(UserError, match=r"name (a|another) folder"):
        publish(site, target_of(str(tmp_path / place)))
    assert _tree(tmp_path) == before


def test_a_file_of_the_same_name_that_no_board_made_is_not_written_over(site, tmp_path):
    (tmp_path / "public" / "assets").mkdir(parents=True)
    (tmp_path / "public" / "assets" / "style.css").write_text("mine")
    with pytest.raises(UserError, match=r"holds a assets/style\.css that no leaderboard made"):
        publish(site, Folder(tmp_path / "public"))
    assert _tree(tmp_path / "public") == {"assets/style.css"}


def test_a_folder_where_publishing_was_interrupted_is_finished_by_the_same_call(site, tmp_path, monkeypatch):
    target = Folder(tmp_path / "public")
    publish(site, target)
    before = _tree(target.path)
    build_site(board("b", "c"), site)
    copied = []
    monkeypatch.setattr(publishing, "_copy", lambda *told: copied.append(told) if len(copied) < 5 else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        publish(site, target)
    monkeypatch.undo()
    publish(site, target)
    assert _tree(target.path) == set(site_files(site)) != before


def test_a_site_that_lacks_a_file_is_not_published(site, tmp_path):
    (site / "index.html").unlink()
    with pytest.raises(UserError, match=r"lacks index\.html"):
        publish(site, Folder(tmp_path / "public"))
    assert not (tmp_path / "public").exists()


def test_a_git_branch_gets_the_site_as_a_commit_on_top_of_what_was_there(site, remote):
    publish(site, target_of(str(remote)))
    build_site(board("b"), site)
    publish(site, target_of(f"git:{remote}"))
    assert _branch(remote) == {*site_files(site), ".nojekyll"}
    assert _git("-C", str(remote), "rev-list", "--count", "gh-pages") == "2"


def test_publishing_the_same_board_twice_makes_one_commit(site, remote):
    publish(site, Git(str(remote), "gh-pages"))
    assert publish(site, Git(str(remote), "gh-pages")).endswith("holds this board already")
    assert _git("-C", str(remote), "rev-list", "--count", "gh-pages") == "1"


def test_a_git_branch_keeps_files_that_no_board_made_and_other_branches(site, remote, tmp_path):
    work = tmp_path / "work"
    _git("clone", "--quiet", str(remote), str(work))
    _git("-C", str(work), "checkout", "--quiet", "-b", "gh-pages")
    (work / "CNAME").write_text("board.example")
    _git("-C", str(work), "add", "CNAME")
    _git("-C", str(work), "-c", "user.name=x", "-c", "user.email=x@y", "commit", "--quiet", "--message", "mine")
    _git("-C", str(work), "push", "--quiet", "origin", "gh-pages", "gh-pages:main")
    publish(site, Git(str(remote), "gh-pages"))
    assert "CNAME" in _branch(remote)
    assert _git("-C", str(remote), "ls-tree", "-r", "--name-only", "main") == "CNAME"


def test_a_remote_may_be_called_as_the_repository_here_calls_it(site, remote, tmp_path, monkeypatch):
    _git("init", "--quiet", str(tmp_path / "here"))
    _git("-C", str(tmp_path / "here"), "remote", "add", "origin", str(remote))
    monkeypatch.chdir(tmp_path / "here")
    assert target_of("git:origin") == Git(str(remote), "gh-pages")
    with pytest.raises(UserError, match="no remote 'orign'"):
        target_of("git:orign")


def test_a_remote_that_cannot_be_reached_is_told_in_one_line_without_its_password(site, remote):
    target = Git("https://me:sesame@127.0.0.1:1/board.git", "gh-pages")
    with pytest.raises(UserError, match="cannot be reached") as refused:
        publish(site, target)
    assert "sesame" not in str(refused.value)
    assert "sesame" not in target.where


def test_a_branch_that_git_does_not_allow_is_refused(site, remote):
    with pytest.raises(UserError, match="not a valid branch name"):
        publish(site, Git(str(remote), "--force"))


class _Hub:
    """Notes what it is told, as `HfApi` would be told it."""

    def __init__(self, *files: str):
        self.calls: list[tuple[str, Any]] = []
        self.sent: dict[str, Any] = {}
        self.deleted: set[str] = set()
        self._files = files

    def create_repo(self, repo_id: str, **options: Any) -> None:
        self.calls.append((f"create {repo_id}", options))

    def file_exists(self, repo_id: str, filename: str, **options: Any) -> bool:
        return filename in self._files

    def list_repo_files(self, repo_id: str, **options: Any) -> list[str]:
        return list(self._files)

    def create_commit(self, repo_id: str, operations: list[Any], **options: Any) -> None:
        adds = [told for told in operations if isinstance(told, huggingface_hub.CommitOperationAdd)]
        self.sent = {told.path_in_repo: told.path_or_fileobj for told in adds}
        self.deleted = {told.path_in_repo for told in operations} - set(self.sent)
        self.calls.append((f"commit {repo_id}", options))


@pytest.mark.parametrize(("readme", "repo_type", "more"), [
    (False, "space", {"README.md"}), (True, "space", set()), (False, "dataset", set()),
])  # fmt: skip
def test_the_hub_gets_the_site_in_one_commit_and_a_space_its_card_once(site, monkeypatch, readme, repo_type, more):
    hub = _Hub("models/old.html", "CNAME", *(["README.md"] if readme else []))
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    publish(site, target_of("hf:me/board", repo_type=repo_type))
    assert set(hub.sent) == {*site_files(site), *more}
    assert hub.deleted == {"models/old.html"}
    sdk = "static" if repo_type == "space" else None
    made = {"repo_type": repo_type, "private": None, "space_sdk": sdk, "exist_ok": True}
    sent = {"commit_message": "Publish the leaderboard", "repo_type": repo_type}
    assert hub.calls == [("create me/board", made), ("commit me/board", sent)]


def test_the_readme_of_a_site_becomes_the_card_of_a_space(site, monkeypatch):
    (site / "README.md").write_text("# Columns")
    build_site(board("a"), site, downloads=["README.md"])
    hub = _Hub("README.md")
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    publish(site, Hub("me/board", "space"))
    card = hub.sent["README.md"].decode()
    assert card.startswith("---\ntitle: rmt-bench leaderboard\nsdk: static\n")
    assert card.endswith("# Columns")


def test_a_site_that_points_out_of_its_folder_is_not_sent(site, tmp_path, monkeypatch):
    (tmp_path / "key").write_text("secret")
    (site / "index.html").unlink()
    (site / "index.html").symlink_to(tmp_path / "key")
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: pytest.fail("asked the hub"))
    with pytest.raises(UserError, match="lies outside"):
        publish(site, Hub("me/board", "dataset"))


def test_the_calls_made_are_ones_that_the_hub_library_takes():
    import inspect

    for name, arguments in {
        "create_repo": ("repo_id", "repo_type", "private", "space_sdk", "exist_ok"),
        "file_exists": ("repo_id", "filename", "repo_type"),
        "list_repo_files": ("repo_id", "repo_type"),
        "create_commit": ("repo_id", "operations", "commit_message", "repo_type"),
    }.items():
        assert set(arguments) <= set(inspect.signature(getattr(huggingface_hub.HfApi, name)).parameters)


@pytest.mark.parametrize(("raised", "expected", "told"), [
    (LocalTokenNotFoundError("no token"), UserError, "hf auth login"),
    (HTTPError("refused"), IncompleteError, "try again"),
])  # fmt: skip
def test_a_hub_that_refuses_is_told_in_one_line_with_the_remedy(site, monkeypatch, raised, expected, told):
    hub = _Hub()
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    monkeypatch.setattr(hub, "create_repo", lambda *_, **__: (_ for _ in ()).throw(raised))
    with pytest.raises(expected, match=told):
        publish(site, Hub("me/board", "space"))


@pytest.mark.parametrize("to", ["hf:nobody", "hf:a/b/c", "hf:", "git:", ""])
def test_what_names_no_place_is_refused(to):
    with pytest.raises(UserError, match="write"):
        target_of(to)


@pytest.mark.parametrize("to", ["public", "remote.git", "hf:me/board"])
def test_a_dry_run_lists_each_file_and_sends_none(site, remote, tmp_path, monkeypatch, to):
    monkeypatch.chdir(tmp_path)
    before = _tree(tmp_path)
    done = CliRunner().invoke(leaderboard_group, ["publish", str(site), "--to", to, "--dry-run"])
    assert done.exit_code == 0
    listed = [line.split()[1] for line in done.output.splitlines() if line.startswith("put")]
    assert listed == site_files(site)
    assert done.output.splitlines()[-1].endswith("nothing was sent")
    assert "secrets" not in done.output
    assert _tree(tmp_path) == before
