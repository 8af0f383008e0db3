import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.leaderboard.rescore import rescore

from .runs import record, write_run


def test_scores_that_follow_from_the_answers_agree(tmp_path):
    folder = write_run(tmp_path, [record(0), record(1, correct=False), record(2, status="error", correct=False)])
    found = rescore(folder)
    assert found.agrees
    assert found.table.to_numpy().tolist() == [["detect", "4k", 2, 1, 1, 0]]


def test_a_score_that_does_not_follow_is_named(tmp_path):
    found = rescore(write_run(tmp_path, [record(0, output="office"), record(1)]))
    assert not found.agrees
    assert found.changed[["output", "stored", "again"]].to_numpy().tolist() == [["office", True, False]]


def test_another_scorer_may_say_otherwise(tmp_path):
    folder = write_run(tmp_path, [record(0, output="garden or office", correct=False, status="invalid")])
    assert rescore(folder, "strict").agrees
    assert rescore(folder, "lm-eval").table["again"].tolist() == [1]


def test_answers_are_judged_with_their_question(tmp_path):
    said = {"output": "in the garden before the kitchen", "question": "Where was it before the kitchen?"}
    assert rescore(write_run(tmp_path, [record(0, **said)])).agrees


def test_a_run_without_answers_cannot_be_judged_again(tmp_path):
    with pytest.raises(UserError, match="no records: there is nothing to judge again"):
        rescore(write_run(tmp_path, []))


def test_a_scorer_of_somebody_else_has_to_be_replaced(tmp_path):
    folder = write_run(tmp_path, [record(0)], identity={"scorer": "inspect:includes"})
    with pytest.raises(UserError, match="not known here; give --scorer"):
        rescore(folder)
    assert rescore(folder, "strict").agrees
