from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.base.files import sole_writer
from rmt_bench.generators.dataset import Dataset, generate_dataset
from rmt_bench.generators.generate import make_plan
from rmt_bench.generators.layout import SCHEMA
from rmt_bench.generators.plan import Plan

PlanMaker = Callable[..., Plan]


@pytest.fixture
def plan(story: Path, wordpiece: Any) -> PlanMaker:
    def make(tasks: str = "memorize,reasoning", lengths: str = "0,300", **options: Any) -> Plan:
        options = {"samples": 5, "background": str(story)} | options
        return make_plan(tasks.split(","), lengths, wordpiece, **options)

    return make


def _hashes(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_folder_holds_a_card_a_manifest_and_a_file_per_length_and_task(plan: PlanMaker, tmp_path: Path) -> None:
    folder = generate_dataset(plan(), tmp_path / "data")
    assert sorted(_hashes(folder)) == [
        "0/memorize-00000-of-00001.parquet",
        "0/reasoning-00000-of-00001.parquet",
        "300/memorize-00000-of-00001.parquet",
        "300/reasoning-00000-of-00001.parquet",
        "README.md",
        "manifest.json",
    ]
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, file in manifest["files"].items():
        assert file["sha256"] == _hashes(folder)[name]
        assert file["rows"] == 5
        assert file["n_tokens"] == [300, 300] or name.startswith("0/")
    assert manifest["plan"]["lengths"] == ["0", "300"]
    assert manifest["plan"]["background"] == "text:harbour.txt"
    assert "pyarrow" in manifest["versions"]


def test_columns_begin_as_babilong_has_them_and_hold_the_sample(plan: PlanMaker, tmp_path: Path) -> None:
    made = plan()
    folder = generate_dataset(made, tmp_path / "data")
    table = pq.read_table(folder / "300" / "reasoning-00000-of-00001.parquet")
    assert table.schema.equals(SCHEMA)
    assert table.column_names[:3] == ["question", "target", "input"]
    sample = list(made.samples(next(u for u in made.units() if (u.task, u.length) == ("reasoning", "300"))))[2]
    row = table.to_pylist()[2]
    assert (row["id"], row["input"], row["target"]) == (sample.id, sample.text, sample.answer)
    for fact in row["facts"]:
        assert row["input"][fact["char_start"] : fact["char_end"]] == fact["text"]


def test_same_call_gives_the_same_bytes_and_again_changes_nothing(plan: PlanMaker, tmp_path: Path) -> None:
    one, other = (generate_dataset(plan(), tmp_path / name) for name in ("one", "other"))
    assert _hashes(one) == _hashes(other)
    before = {path: path.stat().st_mtime_ns for path in one.rglob("*.parquet")}
    generate_dataset(plan(), one)
    assert {path: path.stat().st_mtime_ns for path in one.rglob("*.parquet")} == before
    assert _hashes(one) == _hashes(other)


@pytest.mark.parametrize("damage", ["missing", "cut", "flipped", "unfinished"])
def test_what_is_missing_or_damaged_is_made_again(plan: PlanMaker, tmp_path: Path, damage: str) -> None:
    folder = generate_dataset(plan(), tmp_path / "data")
    before = _hashes(folder)
    file = folder / "300" / "memorize-00000-of-00001.parquet"
    data = bytearray(file.read_bytes())
    if damage == "flipped":
        data[100] ^= 1
        file.write_bytes(data)
    elif damage == "cut":
        file.write_bytes(data[:-50])
    else:
        file.unlink()
    if damage == "unfinished":
        (folder / "README.md").unlink()
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps({**manifest, "files": {}}))
        (folder / "300" / ".memorize-00000-of-00001.parquet.abc.tmp").write_text("half")
    generate_dataset(plan(), folder)
    assert _hashes(folder) == before


def test_progress_hears_of_all_tokens_also_when_going_on(plan: PlanMaker, tmp_path: Path) -> None:
    def heard() -> int:
        counts: list[int] = []
        generate_dataset(plan(lengths="300"), tmp_path / "data", lambda file, tokens: counts.append(tokens))
        return sum(counts)

    assert heard() == heard() == 2 * 5 * 300


def test_output_that_holds_something_else_is_refused(plan: PlanMaker, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(UserError, match="is a file: give --output a folder"):
        generate_dataset(plan(), file)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match="holds something that is no data set"):
        generate_dataset(plan(), tmp_path / "full")
    assert list(_hashes(tmp_path / "full")) == ["thesis.tex"]
    folder = generate_dataset(plan(), tmp_path / "data")
    before = _hashes(folder)
    with pytest.raises(UserError, match=r"holds another data set \(it differs in samples, seed\)"):
        generate_dataset(plan(seed=1, samples=6), folder)
    assert _hashes(folder) == before


def test_folder_of_a_call_that_made_nothing_may_be_taken(plan: PlanMaker, tmp_path: Path) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"\xff")
    with pytest.raises(UserError, match="not UTF-8"):
        generate_dataset(plan(background=str(bad)), tmp_path / "data")
    assert len(_hashes(generate_dataset(plan(), tmp_path / "data"))) == 6


def test_second_writer_is_refused(plan: PlanMaker, tmp_path: Path) -> None:
    with sole_writer(tmp_path / "data"), pytest.raises(UserError, match="another process is writing"):
        generate_dataset(plan(), tmp_path / "data")


def test_task_whose_name_cannot_be_a_split_is_refused(plan: PlanMaker, tmp_path: Path) -> None:
    made = plan()
    made.tasks["my-task"] = made.tasks["memorize"]
    with pytest.raises(UserError, match="cannot be the name of a split"):
        generate_dataset(made, tmp_path / "data")


def test_stored_samples_are_the_samples_that_were_made(plan: PlanMaker, tmp_path: Path) -> None:
    made = plan(samples=70)
    stored = Dataset(generate_dataset(made, tmp_path / "data"))
    assert [(u.task, u.length, u.start, u.stop) for u in stored.units()] == [
        (u.task, u.length, u.start, u.stop) for u in made.units()
    ]
    for unit, read in zip(made.units(), stored.units(), strict=True):
        there = list(stored.samples(read))
        assert there == list(made.samples(unit))
        assert [s.text for s in there] == [s.text for s in made.samples(unit)]


def test_part_of_a_data_set_is_chosen_by_name(plan: PlanMaker, tmp_path: Path) -> None:
    folder = generate_dataset(plan(), tmp_path / "data")
    assert {(u.task, u.length) for u in Dataset(folder, ["memorize"], ["300"]).units()} == {("memorize", "300")}
    with pytest.raises(UserError, match="has no task 'qa1'; it has: memorize, reasoning"):
        Dataset(folder, ["qa1"])
    with pytest.raises(UserError, match="has no length '1M'; it has: 0, 300"):
        Dataset(folder, None, ["1M"])


def test_folder_without_a_finished_data_set_is_refused(plan: PlanMaker, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist; make one with: rmt-bench generate"):
        Dataset(tmp_path / "none")
    with pytest.raises(UserError, match="holds no data set"):
        Dataset(tmp_path)
    folder = generate_dataset(plan(), tmp_path / "data")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "files": {}}))
    with pytest.raises(UserError, match="was not finished"):
        Dataset(folder)


def test_damaged_file_of_a_data_set_is_named(plan: PlanMaker, tmp_path: Path) -> None:
    stored = Dataset(generate_dataset(plan(), tmp_path / "data"))
    unit = stored.units()[0]
    (stored.folder / f"{unit.length}/{unit.task}-00000-of-00001.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(UserError, match=r"cannot be read .* generate it again"):
        list(stored.samples(unit))


def test_long_samples_have_a_row_group_each(plan: PlanMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rmt_bench.generators.rows._ROW_GROUP", 600)
    folder = generate_dataset(plan(), tmp_path / "data")
    assert pq.read_metadata(folder / "300" / "memorize-00000-of-00001.parquet").num_row_groups == 5
    assert pq.read_metadata(folder / "0" / "memorize-00000-of-00001.parquet").num_row_groups == 1
    assert [s.index for u in Dataset(folder).units() for s in Dataset(folder).samples(u)] == [0, 1, 2, 3, 4] * 4


@pytest.mark.parametrize("library", ["pandas", "polars", "duckdb"])
def test_other_libraries_read_the_files(plan: PlanMaker, tmp_path: Path, library: str) -> None:
    folder = generate_dataset(plan(), tmp_path / "data")
    file = str(folder / "300" / "reasoning-00000-of-00001.parquet")
    expected = pq.read_table(file).column("input").to_pylist()
    module = pytest.importorskip(library, reason=f"{library} is not installed")
    if library == "duckdb":
        assert [row[0] for row in module.sql(f"select input from '{file}'").fetchall()] == expected
    else:
        assert list(module.read_parquet(file)["input"]) == expected


def test_what_reads_babilong_reads_a_length_and_a_task(
    plan: PlanMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As lm-eval 0.4.13 does it (tasks/babilong/common_utils.py), with the folder where it looks for the data set."""
    from datasets import load_dataset

    generate_dataset(plan(), tmp_path / "RMT-team" / "babilong-1k-samples")
    monkeypatch.chdir(tmp_path)
    data: Any = load_dataset("RMT-team/babilong-1k-samples", name="300", split="reasoning")
    assert all(row["input"] and row["question"] and row["target"] for row in data)


def test_datasets_reads_lengths_as_configurations_and_tasks_as_splits(plan: PlanMaker, tmp_path: Path) -> None:
    from datasets import load_dataset

    folder = generate_dataset(plan(), tmp_path / "data")
    data: Any = load_dataset(str(folder), "300", split="reasoning")
    assert len(data) == 5
    assert list(data.features)[:3] == ["question", "target", "input"]
    assert {row["length"] for row in data} == {"300"}
    streamed: Any = load_dataset(str(folder), "0", split="memorize", streaming=True)
    assert [row["index"] for row in streamed] == [0, 1, 2, 3, 4]
