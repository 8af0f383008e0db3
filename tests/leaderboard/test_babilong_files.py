import json

import pandas as pd
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.leaderboard.babilong_files import import_predictions, import_results
from rmt_bench.leaderboard.board import make_board
from rmt_bench.leaderboard.validate import validate

OLD = "instruction_yes_examples_yes_post_prompt_yes"
NEW = f"{OLD}_chat_template_no_system_prompt_no"
ROWS = [("hallway", "The hallway.", "Where is John? "), ("garden", "None", "Where is Mary? ")]


def _predictions(folder, model, name, rows=ROWS, settings=None):
    path = folder / model / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows, columns=["target", "output", "question"]).to_csv(path)
    if settings is not None:
        path.with_suffix(".json").write_text(json.dumps(settings))
    return path


def _rows(tmp_path, scorer="babilong"):
    outcome = import_predictions(tmp_path / "evals", tmp_path / "runs")
    return outcome, make_board([tmp_path / "runs"], scorer).rows


def test_old_and_new_file_names_become_rows_as_they_are_written(tmp_path):
    _predictions(tmp_path / "evals", "lab/old", f"qa1_4k_{OLD}.csv")
    _predictions(tmp_path / "evals", "lab/old", f"qa1_4k_{NEW}.csv")
    _predictions(tmp_path / "evals", "single", f"qa2_10M_{OLD}.csv")
    outcome, rows = _rows(tmp_path)
    found = set(rows[["model", "task", "length", "prompt", "n", "correct"]].itertuples(index=False, name=None))
    assert found == {
        ("lab/old", "qa1", "4k", OLD, 2, 1), ("lab/old", "qa1", "4k", NEW, 2, 1), ("single", "qa2", "10M", OLD, 2, 1),
    }  # fmt: skip
    assert (outcome.files, outcome.problems, outcome.notes) == (3, [], [])
    assert set(rows["source"]) == {"babilong"}


def test_a_copy_is_kept_apart_and_noted(tmp_path):
    _predictions(tmp_path / "evals", "m", f"qa1_4k_{OLD}.csv")
    _predictions(tmp_path / "evals", "m", f"qa1_4k_{OLD} copy.csv", rows=ROWS[:1])
    outcome, rows = _rows(tmp_path)
    assert dict(zip(rows["prompt"], rows["n"], strict=True)) == {OLD: 2, f"{OLD} copy": 1}
    assert "looks like a copy" in outcome.notes[0]


def test_what_pandas_takes_for_missing_is_kept_as_it_was_said(tmp_path):
    rows = [("none", "None", "How many objects is Mary carrying? "), ("no", "NA", "Is Mary in the garden? ")]
    _predictions(tmp_path / "evals", "m", f"qa7_0k_{OLD}.csv", rows=rows[:1])
    _, board = _rows(tmp_path, "strict")
    assert board["correct"].tolist() == [1]
    assert make_board([tmp_path / "runs"], "babilong").rows["correct"].tolist() == [0]


def test_unknown_numbers_are_empty_and_lengths_nominal(tmp_path):
    _predictions(tmp_path / "evals", "m", f"qa1_4k_{OLD}.csv")
    row = _rows(tmp_path)[1].iloc[0]
    assert row["n_tokens"] == 4000
    assert row[["segments", "state_bytes", "peak_memory_bytes", "trained_segments"]].isna().all()
    assert row[["tokens_per_second", "answer_seconds"]].isna().all()
    assert row["chance"] == pytest.approx(1 / 6)


def test_a_run_says_where_each_number_comes_from(tmp_path):
    for length in ("4k", "8k"):
        _predictions(tmp_path / "evals", "m", f"qa1_{length}_{OLD}.csv", settings={"do_sample": False})
    (run,) = import_predictions(tmp_path / "evals", tmp_path / "runs").runs
    source = json.loads((run / "run.json").read_text())["source"]
    assert (source["kind"], source["imported"], len(source["files"])) == ("babilong", True, 2)
    assert source["settings"] == [
        {"files": [f"qa1_{k}_{OLD}.csv" for k in ("4k", "8k")], "settings": {"do_sample": False}}
    ]


def test_settings_that_cannot_be_read_are_noted_and_the_answers_are_imported(tmp_path):
    path = _predictions(tmp_path / "evals", "m", f"qa1_4k_{OLD}.csv")
    path.with_suffix(".json").write_text("{broken")
    outcome, rows = _rows(tmp_path)
    assert "settings of" in outcome.notes[0]
    assert (outcome.problems, len(rows)) == ([], 1)


def test_importing_again_takes_over_what_changed(tmp_path):
    first = _predictions(tmp_path / "evals", "m", f"qa1_4k_{OLD}.csv")
    _predictions(tmp_path / "evals", "m", f"qa1_8k_{OLD}.csv")
    _rows(tmp_path)
    first.unlink()
    _predictions(tmp_path / "evals", "m", f"qa1_8k_{OLD}.csv", rows=ROWS[:1])
    _, rows = _rows(tmp_path)
    assert list(zip(rows["length"], rows["n"], strict=True)) == [("8k", 1)]


def test_two_models_are_compared_question_by_question(tmp_path):
    for model, said in (("a", "hallway"), ("b", "garden")):
        rows = [("hallway", said, "Where is John? ")] * 40
        _predictions(tmp_path / "evals", model, f"qa1_4k_{OLD}.csv", rows=rows)
    rows = _rows(tmp_path)[1].set_index("model")
    assert rows[["rank_low", "rank_high"]].to_numpy().tolist() == [[1, 1], [2, 2]]


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"\xff\xd8\xff\xe0JFIF\x00", "no table of predictions"), (b"", "no table of predictions"),
     (b"target,output\na,b\n", "no column 'question'"), (b"target,output,question\n,b,c\n", "row 1 has no target")],
)  # fmt: skip
def test_a_file_that_is_no_table_is_a_problem_and_the_rest_is_imported(tmp_path, content, problem):
    _predictions(tmp_path / "evals", "m", f"qa1_4k_{OLD}.csv")
    (tmp_path / "evals" / "m" / f"qa1_8k_{OLD}.csv").write_bytes(content)
    outcome, rows = _rows(tmp_path)
    assert len(outcome.problems) == 1
    assert problem in outcome.problems[0]
    assert rows["length"].tolist() == ["4k"]


@pytest.mark.parametrize("model", ["<script>alert(1)<", "=HYPERLINK(1)", "🦄" * 40, "\u202egro.live", "..."])
def test_a_hostile_model_gets_a_tame_folder(tmp_path, model):
    _predictions(tmp_path / "evals", model, f"qa1_4k_{OLD}.csv")
    (run,) = import_predictions(tmp_path / "evals", tmp_path / "runs").runs
    assert run.parent == tmp_path / "runs"
    assert all(letter.isascii() and (letter.isalnum() or letter == "-") for letter in run.name)


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_folder_without_predictions_is_refused(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="predictions"):
        import_predictions(tmp_path / name, tmp_path / "runs")


RESULTS = "task,0k,4k,model_name\nqa1,99.5,50.0,a\nqa8,-1,25.0,a\navg,99.5,37.5,a\n"


def test_a_table_of_results_becomes_accuracies_without_n(tmp_path):
    (tmp_path / "all_results.csv").write_text(RESULTS)
    outcome = import_results(tmp_path / "all_results.csv", tmp_path / "runs")
    board = make_board([tmp_path / "runs"])
    rows = board.rows
    assert outcome.problems == []
    assert rows[["task", "length", "accuracy"]].to_numpy().tolist() == [
        ["qa1", "0k", 0.995], ["qa1", "4k", 0.5], ["qa8", "4k", 0.25],
    ]  # fmt: skip
    assert rows[["n", "correct", "ci_low", "ci_high", "rank_low"]].isna().all(axis=None)
    assert set(rows["scorer"]) == {"babilong"}
    assert rows["prompt"].str.contains("chosen by its score").all()
    assert rows["chance"].round(4).tolist() == [0.1667, 0.1667, 0.125]
    assert board.summary["curve_score"].tolist() == [0.5, 0.25]
    assert board.summary[["curve_score_low", "retention", "half_life_tokens"]].isna().all(axis=None)


def test_a_table_of_results_in_the_board_is_sound(tmp_path):
    from rmt_bench.leaderboard.site.whole import build_leaderboard

    (tmp_path / "all_results.csv").write_text(RESULTS)
    import_results(tmp_path / "all_results.csv", tmp_path / "runs")
    build_leaderboard([tmp_path / "runs"], tmp_path / "site")
    assert list(validate(tmp_path / "site" / "leaderboard.csv")) == []


def test_a_cell_that_is_no_percentage_is_a_problem(tmp_path):
    (tmp_path / "r.csv").write_text("model_name,task,4k,8k\na,qa1,abc,120\na,qa2,5,nan\n")
    outcome = import_results(tmp_path / "r.csv", tmp_path / "runs")
    assert [problem.split(": ")[1] for problem in outcome.problems] == [
        "'abc' is no percentage", "'120' is no percentage", "'nan' is no percentage",
    ]  # fmt: skip


def test_another_table_is_refused(tmp_path):
    (tmp_path / "r.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="is no table of results"):
        import_results(tmp_path / "r.csv", tmp_path / "runs")


@pytest.mark.slow
def test_the_babilong_scorer_agrees_with_the_published_one_in_every_file(real_data, tmp_path):
    import_predictions(real_data / "babilong_evals", tmp_path / "runs")
    ours = make_board([tmp_path / "runs"], "babilong").rows
    theirs = pd.read_csv(real_data / "babilong_evals" / "reference_scores.csv")
    key = ["model", "task", "length", "prompt"]
    both = theirs.merge(ours[[*key, "n", "correct"]], on=key, how="outer", suffixes=("", "_ours"))
    assert len(both) == len(theirs) == 196
    assert (both["n"] == both["n_ours"]).all()
    assert (both["correct"] == both["correct_ours"]).all()
