import pandas as pd
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.leaderboard.board import build_board, conclude_run

from .runs import record, write_run


def test_a_board_holds_one_row_per_model_task_and_length(tmp_path):
    write_run(tmp_path / "runs/a", [record(0), record(1, correct=False)], model="a")
    write_run(tmp_path / "runs/b", [record(0), record(0, length="32k", model_tokens=32_005)], model="b")
    table = pd.read_csv(build_board([tmp_path / "runs"], tmp_path / "site"))
    assert list(zip(table["model"], table["length"], table["accuracy"], strict=True)) == [
        ("a", "4k", 0.5),
        ("b", "4k", 1.0),
        ("b", "32k", 1.0),
    ]


def test_two_runs_with_the_same_rows_are_refused_by_name(tmp_path):
    first, second = (write_run(tmp_path / name, [record(0)]) for name in "ab")
    with pytest.raises(UserError, match=r"two runs hold 'mine' on detect at 4k: .*--name"):
        build_board([first, second], tmp_path / "site")
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("runs", ["missing", "empty"])
def test_a_folder_without_runs_is_refused(tmp_path, runs):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="rmt-bench eval"):
        build_board([tmp_path / runs], tmp_path / "site")


def test_a_finished_run_gets_its_curve_as_csv_and_picture(tmp_path):
    folder = write_run(tmp_path / "run", [record(0), record(0, length="0", n_tokens=0, model_tokens=5, segments=1)])
    conclude_run(folder)
    assert len(pd.read_csv(folder / "curve.csv")) == 2
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")
