import runpy

import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.bench.evaluate import evaluate
from rmt_bench.bench.model import load_model
from rmt_bench.bench.record import RunFolder
from rmt_bench.generators.dataset import Dataset
from rmt_bench.generators.generate import generate
from rmt_bench.interop.lm_eval_scoring import judged
from rmt_bench.interop.lm_eval_tasks import export_tasks
from rmt_bench.leaderboard.board import make_board
from rmt_bench.leaderboard.lm_eval_files import import_lm_eval


def _ours(spec, data, folder, task, **options):
    """Whether each question was answered rightly by our own harness, by length and index."""
    model = load_model(spec, **options)
    records = RunFolder(evaluate(model, Dataset(data.folder, [task]), folder, name=spec).folder).records()
    assert set(records["status"]) <= {"answered", "invalid"}
    return {
        (row["length"], row["index"]): bool(row["correct"]) for row in records.to_dict("records")
    }  # fmt: skip


def _theirs(results, task):
    return {
        (sample["doc"]["length"], sample["doc"]["index"]): sample["acc"] == 1
        for name, samples in results["samples"].items()
        if f"_{task}_" in name
        for sample in samples
    }


def test_a_task_is_multiple_choice_where_its_answers_are_choices_and_generates_where_they_are_lists(data, tmp_path):
    names = export_tasks(data, tmp_path / "tasks")
    assert names[:3] == ["rmt_bench", "rmt_bench_detect", "rmt_bench_qa8"]
    said = {name: (tmp_path / "tasks" / f"{name}.yaml").read_text() for name in names[3:]}
    assert set(said) == {f"rmt_bench_{task}_{length}" for task in ("detect", "qa8") for length in ("0", "300")}
    for name, text in said.items():
        assert ("output_type: multiple_choice" in text) == ("detect" in name)


def test_a_recipe_is_refused_with_the_command_that_writes_its_texts(story, tmp_path):
    recipe = generate(["detect"], "0", samples=2, background=str(story), output=tmp_path / "small", store="recipe")
    assert isinstance(recipe, Dataset)
    with pytest.raises(UserError, match=r"holds no texts.*rmt-bench materialize .*small --output FULL"):
        export_tasks(recipe, tmp_path / "tasks")


def test_an_export_goes_over_an_earlier_one_and_over_nothing_else(data, tmp_path):
    export_tasks(data, tmp_path / "tasks")
    export_tasks(Dataset(data.folder, ["detect"]), tmp_path / "tasks", prefix="mine")
    left = {path.name for path in (tmp_path / "tasks").glob("*.yaml")}
    assert left == {"mine_detect_0.yaml", "mine_detect_300.yaml"}
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").touch()
    with pytest.raises(UserError, match="give --output a new or empty folder"):
        export_tasks(data, tmp_path / "other")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"form": "choise"}, "did you mean 'choice'"), ({"form": "choice"}, "is none of its choices"),
     ({"form": "choice", "prompt": "bare"}, "leave out --form choice"), ({"prefix": "a b"}, "a prefix is letters"),
     ({"prompt": "babylong"}, "did you mean 'babilong'")],
)  # fmt: skip
def test_what_cannot_be_exported_is_refused_in_one_line(data, tmp_path, wrong, message):
    with pytest.raises(UserError, match=message):
        export_tasks(data, tmp_path / "tasks", **wrong)
    assert not (tmp_path / "tasks").exists()


def test_a_generated_answer_is_judged_by_the_strict_scorer():
    doc = {"target": "apple,milk", "choices": ["apple", "milk", "nothing"], "question": "What is Mary carrying?"}
    assert judged(doc, ["milk and apple"]) == {"acc": 1.0, "invalid": 0.0}
    assert judged(doc, ["apple"]) == {"acc": 0.0, "invalid": 0.0}
    assert judged(doc, ["no idea"]) == {"acc": 0.0, "invalid": 1.0}


@pytest.mark.slow
def test_lm_eval_and_our_harness_find_the_same_answers_of_one_hugging_face_model_right(data, gpt2, evaluated, tmp_path):
    export_tasks(data, tmp_path / "tasks", form="auto")
    results = evaluated(tmp_path / "tasks", ["rmt_bench_detect"], "hf", pretrained=gpt2)
    theirs = _theirs(results, "detect")
    assert theirs == _ours(f"full:{gpt2}", data, tmp_path / "run", "detect")
    assert 0 < sum(theirs.values()) < len(theirs) == 24
    group = results["groups"]["rmt_bench_detect"]["acc,none"]
    assert group == pytest.approx(sum(theirs.values()) / 24)


@pytest.mark.slow
def test_answers_in_words_are_judged_in_lm_eval_as_they_are_here(data, evaluated, tmp_path):
    export_tasks(data, tmp_path / "tasks", form="generate")
    for spec in ("oracle", "majority"):
        results = evaluated(tmp_path / "tasks", ["rmt_bench"], "rmt_bench", model=spec)
        for task in ("detect", "qa8"):
            assert _theirs(results, task) == _ours(spec, data, tmp_path / f"{spec}-{task}", task)
    assert results["groups"]["rmt_bench_qa8"]["acc,none"] < 1


def test_a_prompt_of_ours_is_what_a_server_is_sent(data, tmp_path):
    export_tasks(data, tmp_path / "tasks", prompt="bare")
    assert "output_type: generate_until" in (tmp_path / "tasks" / "rmt_bench_detect_0.yaml").read_text()
    made = runpy.run_path(str(tmp_path / "tasks" / "utils.py"))
    doc = {"input": "Mary went home.", "question": "Where is Mary?", "choices": []}
    assert made["prompt"](doc) == "Mary went home.\n\nQuestion: Where is Mary?\nAnswer:"


@pytest.mark.slow
def test_the_results_come_back_as_a_run_with_the_same_counts(data, gpt2, evaluated, tmp_path):
    import json

    export_tasks(data, tmp_path / "tasks")
    results = evaluated(tmp_path / "tasks", ["rmt_bench_detect"], "hf", pretrained=gpt2)
    right = _theirs(results, "detect")
    kept = {key: results[key] for key in ("results", "configs", "config", "n-samples", "n-shot")}
    (tmp_path / "results_x.json").write_text(json.dumps(kept, default=str))
    rows = make_board(import_lm_eval(tmp_path / "results_x.json", tmp_path / "runs").runs).rows
    found = {row["length"]: (row["n"], row["correct"]) for row in rows.to_dict("records") if row["task"] == "detect"}
    assert found == {
        length: (12, sum(correct for (mine, _), correct in right.items() if mine == length)) for length in ("0", "300")
    }
