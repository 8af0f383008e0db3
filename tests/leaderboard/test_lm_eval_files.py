import json

import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.leaderboard.board import make_board
from rmt_bench.leaderboard.lm_eval_files import import_lm_eval

STAMP = "2026-01-31T10-00-00.000000"


def _results(tmp_path, results, **more):
    path = tmp_path / f"results_{STAMP}.json"
    said = {"results": results, "model_name": "lab/model", "config": {"model": "hf"}, **more}
    path.write_text(json.dumps(said))
    return path


def _samples(tmp_path, name, answers):
    lines = [
        {
            "doc_id": i,
            "doc": {"question": "Where is Mary? ", "target": target, "input": ""},
            "resps": [[said]],
            "acc": 1.0,
        }
        for i, (target, said) in enumerate(answers)
    ]
    path = tmp_path / f"samples_{name}_{STAMP}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def _rows(tmp_path, path, scorer="strict"):
    outcome = import_lm_eval(path, tmp_path / "runs")
    return outcome, make_board(outcome.runs, scorer).rows


def test_accuracies_are_held_with_n_where_they_are_whole_counts(tmp_path):
    path = _results(
        tmp_path,
        {"babilong_qa1": {"alias": "qa1", "acc,none": 0.25, "acc_stderr,none": 0.04}},
        configs={"babilong_qa1": {"metadata": {"max_seq_lengths": "4k"}}},
        **{"n-samples": {"babilong_qa1": {"original": 1000, "effective": 100}}},
    )
    row = _rows(tmp_path, path)[1].iloc[0]
    assert tuple(row[["model", "task", "length", "scorer", "source"]]) == (
        "lab/model",
        "qa1",
        "4k",
        "lm-eval",
        "lm-eval",
    )
    assert (row["n"], row["correct"], round(row["ci_low"], 4)) == (100, 25, 0.1755)


def test_an_accuracy_that_is_no_share_of_n_stands_without_it(tmp_path):
    path = _results(
        tmp_path, {"babilong_qa1_8k": {"acc,none": 0.333}}, **{"n-samples": {"babilong_qa1_8k": {"effective": 100}}}
    )
    row = _rows(tmp_path, path)[1].iloc[0]
    assert (row["length"], row["accuracy"]) == ("8k", 0.333)
    assert row[["n", "ci_low"]].isna().all()


def test_metrics_that_are_called_by_a_length_are_lengths(tmp_path):
    path = _results(
        tmp_path, {"niah_single_1": {"alias": "niah", "4096,none": 1.0, "8192,none": 0.5, "16384,none": -1}}
    )
    rows = _rows(tmp_path, path)[1]
    assert rows[["task", "length", "accuracy"]].to_numpy().tolist() == [
        ["niah_single_1", "4096", 1.0], ["niah_single_1", "8192", 0.5],
    ]  # fmt: skip


def test_logged_answers_are_records_that_can_be_judged_again(tmp_path):
    path = _results(tmp_path, {"babilong_qa1": {"acc,none": 1.0}})
    _samples(tmp_path, "babilong_qa1", [("garden", "garden"), ("office", "garden or office")])
    assert _rows(tmp_path, path, "lm-eval")[1]["correct"].tolist() == [2]
    rows = make_board([tmp_path / "runs"], "strict").rows
    assert rows[["length", "scorer", "n", "correct"]].to_numpy().tolist() == [["0k", "strict", 2, 1]]


def test_a_damaged_line_of_samples_is_a_problem_with_its_number(tmp_path):
    path = _results(tmp_path, {"babilong_qa1": {"acc,none": 1.0}, "babilong_qa2": {"acc,none": 0.5}})
    _samples(tmp_path, "babilong_qa1", [("garden", "garden")]).open("a").write("{broken\n")
    outcome, rows = _rows(tmp_path, path)
    assert "line 2 is no sample" in outcome.problems[0]
    assert rows["task"].tolist() == ["qa2"]


def test_tasks_without_a_length_are_left_out_with_a_note(tmp_path):
    path = _results(tmp_path, {"hellaswag": {"acc,none": 0.5}, "babilong_qa1": {"acc,none": 0.5}})
    outcome, rows = _rows(tmp_path, path)
    assert outcome.notes == ["hellaswag says nothing of a length; left out"]
    assert rows["task"].tolist() == ["qa1"]


def test_two_files_of_one_model_stand_side_by_side(tmp_path):
    for length in ("4k", "8k"):
        path = _results(tmp_path, {f"babilong_qa1_{length}": {"acc,none": 0.5}})
        import_lm_eval(path.rename(tmp_path / f"results_{length}.json"), tmp_path / "runs")
    assert make_board([tmp_path / "runs"]).rows["length"].tolist() == ["4k", "8k"]


@pytest.mark.parametrize(
    ("content", "message"),
    [("{}", "is no results file"), ("[]", "is no results file"), ("{", "is not valid JSON"),
     ('{"results": {"hellaswag": {"acc,none": 0.5}}}', "holds no task with a length")],
)  # fmt: skip
def test_what_is_no_results_file_is_refused(tmp_path, content, message):
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(UserError, match=message):
        import_lm_eval(tmp_path / "r.json", tmp_path / "runs")


def test_the_model_is_named_by_its_arguments_where_the_file_names_none(tmp_path):
    path = _results(
        tmp_path, {"babilong_qa1": {"acc,none": 0.5}}, model_name=None,
        config={"model": "hf", "model_args": "pretrained=lab/other,dtype=float32"},
    )  # fmt: skip
    assert _rows(tmp_path, path)[1]["model"].tolist() == ["lab/other"]
