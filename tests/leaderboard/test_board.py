import csv
import json

import pandas as pd
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.leaderboard.board import conclude_run, make_board
from rmt_bench.leaderboard.schema import COLUMNS
from rmt_bench.leaderboard.site.whole import build_leaderboard
from rmt_bench.leaderboard.tables import is_formula
from rmt_bench.leaderboard.validate import validate

from .runs import record, write_run


def test_a_board_holds_one_row_per_model_task_and_length(tmp_path):
    write_run(tmp_path / "runs/a", [record(0), record(1, correct=False)], model="a")
    write_run(tmp_path / "runs/b", [record(0), record(0, length="32k", model_tokens=32_005)], model="b")
    build_leaderboard([tmp_path / "runs"], tmp_path / "site")
    table = pd.read_csv(tmp_path / "site" / "leaderboard.csv")
    assert list(zip(table["model"], table["length"], table["accuracy"], strict=True)) == [
        ("a", "4k", 0.5),
        ("b", "4k", 1.0),
        ("b", "32k", 1.0),
    ]


def test_two_runs_with_the_same_rows_are_refused_by_name(tmp_path):
    first, second = (write_run(tmp_path / name, [record(0)]) for name in "ab")
    with pytest.raises(UserError, match=r"two runs hold 'mine' on detect at 4k \(a, b\): .*--name"):
        build_leaderboard([first, second], tmp_path / "site")
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("runs", ["missing", "empty"])
def test_a_folder_without_runs_is_refused(tmp_path, runs):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="rmt-bench eval"):
        build_leaderboard([tmp_path / runs], tmp_path / "site")


def test_a_finished_run_gets_its_curve_as_csv_and_picture(tmp_path):
    folder = write_run(tmp_path / "run", [record(0), record(0, length="0", n_tokens=0, model_tokens=5, segments=1)])
    conclude_run(folder)
    assert len(pd.read_csv(folder / "curve.csv")) == 2
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["$\\frac$", "a $ b", "_hidden"])
def test_a_name_that_looks_like_a_formula_is_drawn_as_it_is(tmp_path, name):
    folder = write_run(tmp_path / "run", [record(0, task=name)], model=name)
    conclude_run(folder)
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")


def _board(tmp_path, **runs):
    for name, rows in runs.items():
        write_run(tmp_path / "runs" / name, rows, model=name)
    return build_leaderboard([tmp_path / "runs"], tmp_path / "site").parent


def test_models_that_differ_clearly_have_ranks_and_equal_ones_share_theirs(tmp_path):
    site = _board(
        tmp_path,
        a=[record(i) for i in range(60)],
        b=[record(i, correct=i > 0) for i in range(60)],
        c=[record(i, correct=i < 20) for i in range(60)],
    )
    table = pd.read_csv(site / "leaderboard.csv").set_index("model")
    assert table[["rank_low", "rank_high"]].to_numpy().tolist() == [[1, 2], [1, 2], [3, 3]]
    summary = pd.read_csv(site / "summary.csv").set_index("model")
    assert summary[["rank_low", "rank_high"]].to_numpy().tolist() == [[1, 2], [1, 2], [3, 3]]


def test_a_model_alone_has_no_rank(tmp_path):
    table = pd.read_csv(_board(tmp_path, a=[record(0)]) / "leaderboard.csv")
    assert table[["rank_low", "rank_high"]].isna().all(axis=None)


def test_the_wide_table_is_laid_out_as_babilongs(tmp_path):
    rows = [record(i, length=length, correct=i < right) for length, right in (("4k", 3), ("0", 4)) for i in range(4)]
    site = _board(tmp_path, a=rows, b=[record(0, length="32k")])
    table = pd.read_csv(site / "leaderboard_wide.csv")
    assert table.columns[:5].tolist() == ["model_name", "task", "0k", "4k", "32k"]
    assert table[["0k", "4k"]].iloc[0].tolist() == [100.0, 75.0]
    assert table["4k"].isna().tolist() == [False, True]


def test_every_table_lies_beside_the_board_and_is_described(tmp_path):
    site = _board(tmp_path, a=[record(0), record(1, length="32k")])
    assert pd.read_parquet(site / "curves.parquet").columns.tolist() == list(COLUMNS)
    assert pd.read_parquet(site / "depths.parquet")["n"].sum() == 2
    package = json.loads((site / "datapackage.json").read_text())
    for resource in package["resources"]:
        names = [field["name"] for field in resource["schema"]["fields"]]
        assert pd.read_csv(site / resource["path"]).columns.tolist() == names
        assert all(f"`{name}`" in (site / "README.md").read_text() for name in names)


def test_a_board_is_sound_by_its_own_rules(tmp_path):
    site = _board(
        tmp_path,
        a=[record(i, correct=i % 3 > 0, haystack_id=f"h{i // 4}") for i in range(40)],
        b=[record(i, correct=i % 2 > 0) for i in range(40)] + [record(0, length="32k", status="error", correct=False)],
    )
    assert list(validate(site / "leaderboard.csv")) == []


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", '=HYPERLINK("http://x","y")', "../../etc/passwd", "🦄" * 2500, "\u202e\u200f=1+1",
     "+1", "-2", "@SUM(A1)", "\t=1", "\r\n=cmd|' /C calc'!A0", "", "a\x00b", "\ud800", "＝1+1"],
)  # fmt: skip
def test_a_hostile_name_is_written_harmlessly_and_nothing_lies_outside(tmp_path, name):
    (tmp_path / "runs").mkdir()
    folder = write_run(tmp_path / "runs" / "a", [record(0, task=name.encode("utf-8", "replace").decode())])
    info = json.loads((folder / "run.json").read_text())
    info["identity"] |= {"model": name, "prompt": name}
    (folder / "run.json").write_text(json.dumps(info))
    before = set(tmp_path.rglob("*"))
    build_leaderboard([tmp_path / "runs"], tmp_path / "site")
    assert all(path.is_relative_to(tmp_path / "site") for path in set(tmp_path.rglob("*")) - before)
    for file in (tmp_path / "site").glob("*.csv"):
        with file.open(encoding="utf-8", newline="") as text:
            rows = list(csv.reader(text, strict=True))
        assert len({len(row) for row in rows}) == 1
        assert not any(is_formula(cell) for row in rows for cell in row)
        assert len(rows) == 2
    assert [f for f in validate(tmp_path / "site" / "leaderboard.csv") if "is empty" not in f.message] == []


def test_two_settings_of_one_model_are_rows_of_their_own(tmp_path):
    for prompt in ("plain", "with examples"):
        write_run(tmp_path / "runs" / prompt, [record(0, correct=prompt == "plain")], identity={"prompt": prompt})
    table = make_board([tmp_path / "runs"]).rows
    assert dict(zip(table["prompt"], table["correct"], strict=True)) == {"plain": 1, "with examples": 0}


def test_a_board_can_be_judged_by_another_scorer(tmp_path):
    write_run(tmp_path / "run", [record(0, output="garden or office", correct=False, status="invalid")])
    rows = {name: make_board([tmp_path / "run"], name).rows.iloc[0] for name in ("strict", "lm-eval")}
    assert {name: (row["scorer"], row["correct"]) for name, row in rows.items()} == {
        "strict": ("strict", 0),
        "lm-eval": ("lm-eval", 1),
    }


def test_the_board_is_the_same_whatever_the_order_of_its_runs(tmp_path):
    folders = [write_run(tmp_path / name, [record(i, correct=i < k) for i in range(9)], model=name)
               for k, name in enumerate("abc")]  # fmt: skip
    one, other = make_board(folders), make_board(folders[::-1])
    pd.testing.assert_frame_equal(one.rows, other.rows)
    pd.testing.assert_frame_equal(one.summary, other.summary)
