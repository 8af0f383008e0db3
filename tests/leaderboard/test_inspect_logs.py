import json
import sys

import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.leaderboard.board import make_board
from rmt_bench.leaderboard.inspect_logs import import_inspect
from rmt_bench.leaderboard.records import read_run


def _log(samples, task="rmt_bench/babilong_qa1", **spec):
    said = {"task": task, "model": "lab/model", "task_args": {"length": "4k"}, "dataset": {"name": "toy"}, **spec}
    return {
        "version": 2,
        "status": "success",
        "eval": said,
        "plan": {"steps": [{"solver": "generate"}]},
        "samples": samples,
    }


def _sample(number, said, right, **more):
    scores = {"includes": {"value": "C" if right else "I", "answer": said}}
    return {
        "id": number, "epoch": 1, "input": "John went to the office.\nWhere is Mary?", "target": "garden",
        "output": {"completion": said}, "scores": scores, **more,
    }  # fmt: skip


@pytest.fixture
def plain(monkeypatch):
    """As on a machine where inspect_ai is not installed."""
    monkeypatch.setitem(sys.modules, "inspect_ai", None)
    monkeypatch.setitem(sys.modules, "inspect_ai.log", None)


def _write(tmp_path, log):
    path = tmp_path / "log.json"
    path.write_text(json.dumps(log))
    return path


def test_a_log_becomes_a_run_with_its_own_scorer(tmp_path, plain):
    path = _write(
        tmp_path, _log([_sample(1, "the garden", True), _sample(2, "gardens", True), _sample(3, "office", False)])
    )
    (folder,) = import_inspect(path, tmp_path / "runs").runs
    run = read_run(folder)
    assert (run.scorer, run.source, run.identity["prompt"]) == ("inspect:includes", "inspect", "generate")
    assert run.answers["correct"].tolist() == [True, True, False]
    row = make_board([folder], "strict").rows.iloc[0]
    assert tuple(row[["task", "length", "scorer", "n", "correct"]]) == ("qa1", "4k", "strict", 3, 1)


def test_what_a_sample_says_of_itself_goes_before_the_tasks_arguments(tmp_path, plain):
    told = {"length": "8k", "question": "Where?", "choices": ["garden", "attic"], "haystack_id": "h", "n_tokens": 7999}
    path = _write(tmp_path, _log([_sample(1, "garden", True, metadata=told)]))
    row = make_board(import_inspect(path, tmp_path / "runs").runs).rows.iloc[0]
    assert tuple(row[["length", "n_tokens", "chance"]]) == ("8k", 7999, 0.5)


def test_a_sample_that_failed_is_an_error_and_no_wrong_answer(tmp_path, plain):
    failed = {**_sample(2, "", False), "scores": {}, "error": {"message": "time out"}}
    path = _write(tmp_path, _log([_sample(1, "garden", True), failed]))
    row = make_board(import_inspect(path, tmp_path / "runs").runs).rows.iloc[0]
    assert tuple(row[["n", "correct", "n_error"]]) == (1, 1, 1)


def test_answers_without_known_choices_keep_the_scorer_that_judged_them(tmp_path, plain):
    path = _write(tmp_path, _log([_sample(1, "it is the garden", True)], task="needle"))
    row = make_board(import_inspect(path, tmp_path / "runs").runs, "strict").rows.iloc[0]
    assert tuple(row[["task", "scorer", "correct"]]) == ("needle", "inspect:includes", 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"samples": []}, "holds no samples"), ({"eval": {}}, "is no log of inspect_ai"),
     ({"eval": {"task": "t", "model": "m"}}, "says of no length")],
)  # fmt: skip
def test_what_is_no_log_is_refused(tmp_path, plain, change, message):
    path = _write(tmp_path, {**_log([_sample(1, "garden", True)]), **change})
    with pytest.raises(UserError, match=message):
        import_inspect(path, tmp_path / "runs")


def test_samples_with_two_scores_are_problems_and_none_left_is_refused(tmp_path, plain):
    two = {**_sample(1, "garden", True), "scores": {"a": {"value": 1}, "b": {"value": 0}}}
    with pytest.raises(UserError, match="has no scores"):
        import_inspect(_write(tmp_path, _log([two])), tmp_path / "runs")
    outcome = import_inspect(_write(tmp_path, _log([two, _sample(2, "garden", True)])), tmp_path / "runs")
    assert "it has 2 scores" in outcome.problems[0]


def test_an_eval_file_without_the_library_names_what_to_install(tmp_path, plain):
    (tmp_path / "log.eval").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"pip install 'rmt-bench\[inspect\]'"):
        import_inspect(tmp_path / "log.eval", tmp_path / "runs")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["eval", "json"])
def test_a_log_that_inspect_ai_wrote_is_read(tmp_path, form):
    inspect_ai = pytest.importorskip("inspect_ai")
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ModelOutput
    from inspect_ai.scorer import includes
    from inspect_ai.solver import solver

    @solver
    def parrot():
        async def solve(state, generate):
            state.output = ModelOutput.from_content("toy", ["The garden.", "gardens"][int(state.sample_id) - 1])
            return state

        return solve

    samples = [Sample(input="Where is Mary?", target="garden", id=i) for i in (1, 2)]
    task = inspect_ai.Task(
        dataset=MemoryDataset(samples), solver=parrot(), scorer=includes(), name="babilong_qa1", metadata={}
    )
    for sample in samples:
        sample.metadata = {"length": "4k"}
    (log,) = inspect_ai.eval(task, model="mockllm/model", log_dir=str(tmp_path), log_format=form, display="none")
    rows = make_board(import_inspect(log.location, tmp_path / "runs").runs, "strict").rows
    assert rows[["task", "length", "n", "correct"]].to_numpy().tolist() == [["qa1", "4k", 2, 1]]
