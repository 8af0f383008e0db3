from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.base.files import (
    atomic_folder,
    atomic_path,
    cache_folder,
    digest,
    is_temporary,
    locked,
    read_json,
    remove_temporaries,
    sha256_file,
    sole_writer,
    write_json,
    write_text,
)


def test_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        assert is_temporary(temporary)
    assert target.read_text() == "half"
    assert list(target.parent.iterdir()) == [target]


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    write_text(target, "old")
    with pytest.raises(ZeroDivisionError), atomic_path(target) as temporary:
        temporary.write_text(str(1 // 0))
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    write_text(tmp_path / "ours", "")
    (tmp_path / "plain").write_text("")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_folder_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "index"
    with atomic_folder(target) as temporary:
        (temporary / "a").write_text("a")
        assert not target.exists()
    assert (target / "a").read_text() == "a"
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "other"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == [target]


def test_folder_that_another_finished_first_stays(tmp_path: Path) -> None:
    target = tmp_path / "index"
    with atomic_folder(target) as mine:
        (mine / "a").write_text("mine")
        with atomic_folder(target) as theirs:
            (theirs / "a").write_text("theirs")
    assert (target / "a").read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [target]


def test_text_is_utf8_with_unix_line_ends_and_json_keeps_its_order(tmp_path: Path) -> None:
    write_text(tmp_path / "text", "é\n")
    assert (tmp_path / "text").read_bytes() == b"\xc3\xa9\n"
    write_json(tmp_path / "json", {"b": 1, "a": [1, 2]})
    assert list(read_json(tmp_path / "json")) == ["b", "a"]


@pytest.mark.parametrize(
    ("content", "said"), [(None, "no such file"), (b"{", "not valid JSON"), (b"\xff", "not valid")]
)
def test_missing_and_damaged_json_is_a_users_error_that_names_the_file(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "some.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=said) as raised:
        read_json(path)
    assert str(path) in str(raised.value)


def test_digest_depends_on_values_and_how_they_are_split() -> None:
    assert digest("a", "b") != digest("ab")
    assert digest({"x": 1, "y": 2}) == digest({"y": 2, "x": 1})
    assert digest((1, 2)) == digest([1, 2])
    assert digest(1) != digest("1")


def test_file_hash_is_that_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert sha256_file(tmp_path / "f").startswith("ba7816bf")


def test_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RMT_BENCH_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("RMT_BENCH_CACHE")
    assert cache_folder().name == "rmt-bench"


def test_second_writer_is_refused_while_the_first_one_writes(tmp_path: Path) -> None:
    refused = pytest.raises(UserError, match="another process is writing")
    with sole_writer(tmp_path / "new"), refused, sole_writer(tmp_path / "new"):
        pass
    with sole_writer(tmp_path / "new"):
        pass
    assert list(tmp_path.rglob("*")) == [tmp_path / "new"]


def _append(path: Path, times: int) -> None:
    for _ in range(times):
        with locked(path.with_suffix(".lock")):
            count = int(path.read_text())
            path.write_text(str(count + 1))


def test_lock_is_held_by_one_process_at_a_time(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads may wait for ever
    processes = [context.Process(target=_append, args=(counter, 50)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert counter.read_text() == "150"


def test_only_unfinished_things_are_removed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/.file.parquet.x1.tmp", "a/kept.tmp", ".hidden", "a/file.parquet"):
        (tmp_path / name).write_text("")
    (tmp_path / ".folder.x2.tmp").mkdir()
    (tmp_path / ".folder.x2.tmp" / "inside").write_text("")
    remove_temporaries(tmp_path)
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")) == [
        ".hidden", "a", "a/file.parquet", "a/kept.tmp",
    ]  # fmt: skip


def test_umask_is_left_as_it_was(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "f", "")
        assert os.umask(0o027) == 0o027
        assert (tmp_path / "f").stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(before)
