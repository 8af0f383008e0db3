"""The official format: what is read, what is refused, and how the refusal reads."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.tasks.babi.archive import ArchiveTask, archive_task, load_archive, parse

NAME = "qa1_single-supporting-fact_test.txt"
STORY = (
    b"1 Mary moved to the bathroom.\n2 John went to the hallway.\n3 Where is Mary? \tbathroom\t1\n"
    b"4 Mary went to the office.\n5 Where is Mary? \toffice\t4\n"
    b"1 Sandra went to the garden.\n2 Where is Sandra?\tgarden\t1\n"
)


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, members: dict[str, bytes], **settings: object) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for setting, value in settings.items():
                setattr(info, setting, value)
            archive.addfile(info, io.BytesIO(data))
    return path


def test_every_question_is_an_episode_of_the_facts_before_it():
    first, second, third = parse(STORY, NAME)
    assert first.facts == ("Mary moved to the bathroom.", "John went to the hallway.")
    assert second.facts == (*first.facts, "Mary went to the office.")
    assert third.facts == ("Sandra went to the garden.",)
    assert (second.questions[0].answer, second.questions[0].supporting) == ("office", (2,))
    assert first.questions[0].choices == ("bathroom", "garden", "office")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"Mary moved.\n", r"line 1: expected '<id> <sentence>'"),
        (b"1 Mary moved.\n\n3 Where is Mary?\toffice\t1\n", r"line 2: expected '<id> <sentence>'"),
        (b"1 Mary moved.\n3 John went.\n", r"line 2: id 3 is out of order \(expected 1 or 2\)"),
        (b"2 Mary moved.\n", r"line 1: id 2 is out of order \(expected 1\)"),
        (b"1 Mary moved.\n2 Where is Mary?\n", r"line 2: the question 'Where is Mary\?' has no answer"),
        (b"1 Mary moved.\n2 Where is Mary?\toffice\n", r"line 2: expected '<question> <tab> <answer> <tab>"),
        (b"1 Mary moved.\n2 Where is Mary?\t\t1\n", r"line 2: the answer is missing"),
        (b"1 Mary moved.\n2 \toffice\t1\n", r"line 2: the question is missing"),
        (b"1 Mary moved.\n2 Where is Mary?\toffice\t7\n", r"line 2: supporting id 7 is no fact"),
        (b"1 Mary moved.\n2 Where is Mary?\toffice\tx\n", r"line 2: supporting id 'x' is not a number"),
        (b"1 Mary m\xffoved.\n", r"line 1: not UTF-8 \(byte 0xff at column 9\)"),
        (b"", r"is empty"),
        (b"1 Mary moved.\n", r"holds no questions"),
    ],
)
def test_a_malformed_line_is_named_with_what_is_wrong(data: bytes, message: str):
    with pytest.raises(UserError, match=rf"^{NAME}.*{message}"):
        parse(data, NAME)


def test_windows_line_ends_and_a_byte_order_mark_are_read():
    assert parse(b"\xef\xbb\xbf" + STORY.replace(b"\n", b"\r\n"), NAME) == parse(STORY, NAME)


def test_a_list_has_its_items_as_choices_and_a_path_is_one_answer():
    lists = parse(b"1 Mary got the milk.\n2 What is Mary carrying?\tmilk,apple\t1\n", "qa8_x_test.txt")
    paths = parse(b"1 The park is north of the zoo.\n2 How do you go from a to b?\tn,e\t1\n", "qa19_x_test.txt")
    assert lists[0].questions[0].choices == ("apple", "milk")
    assert paths[0].questions[0].choices == ("n,e",)


def test_folder_zip_and_tar_hold_the_same_episodes(tmp_path: Path):
    member = {f"tasks_1-20_v1-2/en-10k/{NAME}": STORY, "tasks_1-20_v1-2/hn/" + NAME: b"1 nothing here\n"}
    folder = tmp_path / "folder"
    for name, data in member.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(data)
    paths = [folder, zipped(tmp_path / "a.zip", member), tarred(tmp_path / "a.tar.gz", member)]
    assert [load_archive(path).episodes(1) for path in paths] == [parse(STORY, NAME)] * 3


@pytest.mark.parametrize(
    "name",
    ["../qa1_x_test.txt", "a/../../qa1_x_test.txt", "/qa1_x_test.txt", "C:/qa1_x_test.txt", "..\\qa1_x_test.txt"],
)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_member_that_would_leave_the_folder_is_refused(tmp_path: Path, name: str, pack):
    path = pack(tmp_path / "evil", {NAME: STORY, name: STORY})
    with pytest.raises(UserError, match=r"is refused: its member .* would leave the folder"):
        load_archive(path)


def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path):
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE):
        path = tarred(tmp_path / "evil.tar.gz", {NAME: b""}, type=kind, linkname="/etc/passwd")
        with pytest.raises(UserError, match="is a link or a device"):
            load_archive(path)


def test_a_link_in_a_zip_is_refused(tmp_path: Path):
    info = zipfile.ZipInfo(NAME)
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(UserError, match="is a link or a device"):
        load_archive(tmp_path / "evil.zip")


def test_nothing_is_written_when_an_archive_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    load_archive(tarred(tmp_path / "a.tar.gz", {NAME: STORY})).episodes(1)
    assert os.listdir(tmp_path) == ["a.tar.gz"]


def test_a_damaged_archive_is_named(tmp_path: Path):
    whole = tarred(tmp_path / "a.tar.gz", {NAME: STORY * 500}).read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="damaged"):
        load_archive(tmp_path / "cut.tar.gz")


def test_what_is_no_archive_is_refused_with_what_was_expected(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"not a folder, a \.zip or a \.tar\.gz"):
        load_archive(tmp_path / "notes.txt")
    with pytest.raises(UserError, match="holds no bAbI files"):
        load_archive(tmp_path / "empty")
    with pytest.raises(UserError, match="no such file or folder"):
        load_archive(tmp_path / "nowhere")


def test_a_task_that_the_archive_lacks_is_answered_with_what_it_holds(tmp_path: Path):
    archive = load_archive(zipped(tmp_path / "a.zip", {NAME: STORY}))
    with pytest.raises(UserError, match=r"no test file of task qa2; it holds: qa1 test"):
        archive.episodes(2)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    return zipped(tmp_path / "a.zip", {NAME: STORY})


def test_a_task_from_an_archive_draws_its_episodes(packed: Path):
    task = archive_task(f"babi:{packed}", "qa1")
    drawn = {task.episode(np.random.default_rng(seed)) for seed in range(60)}
    assert drawn == set(parse(STORY, NAME))
    assert task.labels == ("bathroom", "garden", "office")
    assert task.chance == pytest.approx(1 / 3)
    assert {"mary", "sandra", "bathroom"} <= task.lexicon


def test_the_identity_of_a_task_from_an_archive_is_the_file_and_not_where_it_lies(packed: Path, tmp_path: Path):
    moved = tmp_path / "moved.zip"
    moved.write_bytes(packed.read_bytes())
    assert ArchiveTask("qa1", str(packed)).knobs() == ArchiveTask("qa1", str(moved)).knobs()


def test_another_file_than_the_one_asked_for_is_refused(packed: Path):
    with pytest.raises(UserError, match="is not the file asked for"):
        ArchiveTask("qa1", str(packed), fingerprint="0" * 64)


@pytest.mark.parametrize("spec", ["squad:x", "babi:", "babi", "x.zip"])
def test_facts_from_elsewhere_are_refused_with_the_form_that_works(spec: str):
    with pytest.raises(UserError, match="facts come from babi:PATH"):
        archive_task(spec, "qa1")


def test_chance_of_lists_is_that_of_a_coin_flip_for_each_thing(tmp_path: Path):
    lists = (
        b"1 Mary got the milk.\n2 What is Mary carrying?\tmilk,apple\t1\n3 What is Mary carrying?\tnothing\t1\n"
        b"4 What is Mary carrying?\tmilk\t1\n"
    )
    path = zipped(tmp_path / "l.zip", {"qa8_lists-sets_test.txt": lists})
    assert ArchiveTask("qa8", str(path)).chance == pytest.approx(1 / 4)
