import numpy as np
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.bench.models.prompting import FOLDER, guide_for, load_prompt
from rmt_bench.tasks.reader import read
from rmt_bench.tasks.registry import load_task

_TAKES = ("context", "question")
_TWENTY = [f"qa{number}" for number in range(1, 21)]


def _load(name):
    return load_prompt(name, _TAKES, _TAKES, {"choices": ()})


def _fill(name, context="Rain fell.", question="Where is Mary?"):
    return _load(name).fill(context=context, question=question, choices=("garden", "kitchen"))


def test_bare_holds_the_text_the_question_and_nothing_else():
    assert _fill("bare") == "Rain fell.\n\nQuestion: Where is Mary?\nAnswer:"


def test_babilong_has_instruction_examples_context_question_and_form_in_this_order():
    said = _fill("babilong")
    parts = ["You will read", "<example>", "Where is Charlie?", "<context>\nRain fell.\n</context>",
             "Question: Where is Mary?", "Give the place alone", "Answer:"]  # fmt: skip
    places = [said.index(part) for part in parts[:-1]] + [said.rindex(parts[-1])]
    assert places == sorted(places)
    assert said.endswith("Answer:")


def test_a_question_of_another_kind_gets_no_examples():
    said = _fill("babilong", question="What is the passkey?")
    assert "<example>" not in said
    assert "Give nothing but the answer" in said


@pytest.mark.parametrize("name", ["detect", "memorize", "reasoning", *_TWENTY])
def test_every_question_of_babi_has_a_hint_and_examples_with_labels_of_its_own(name):
    task = load_task(name)
    for seed in range(30):
        question = task.episode(np.random.default_rng(seed)).questions[0]
        guide = guide_for(question.text)
        assert guide.hint, question.text
        assert guide.examples, question.text


def test_what_an_example_answers_follows_from_its_context():
    questions = [task.episode(np.random.default_rng(0)).questions[0].text for task in map(load_task, _TWENTY)]
    examples = {example["question"]: example for text in questions for example in guide_for(text).examples}
    assert len(examples) > 20
    for example in examples.values():
        assert read(example["context"], example["question"]) == example["answer"]


def test_no_example_names_a_person_whom_the_tasks_ask_about_where_that_could_mislead():
    for question in ("Where is Mary?", "Where is the apple?", "How many objects is Mary carrying?"):
        for example in guide_for(question).examples:
            assert not {"Mary", "John", "Sandra", "Daniel"} & set(example["context"].replace(".", "").split())


def test_a_template_of_ones_own_is_filled_and_its_text_is_its_identity(tmp_path):
    file = tmp_path / "mine.jinja"
    file.write_text("{{ context }} {{ question }} ({{ choices | join(' or ') }})")
    first = _load(str(file))
    assert first.fill(context="A.", question="B?", choices=("x", "y")) == "A. B? (x or y)"
    file.write_text("{{ context }} {{ question }}!")
    assert _load(str(file)).identity["sha256"] != first.identity["sha256"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{{ context }} {{ question", "line 1, is no Jinja template"),
        ("{{ context }} {{ questoin }}", "'questoin' is undefined; there are: context, question, choices"),
        ("{{ context }}", r"never shows \{\{ question \}\}"),
        ("{{ question }}", r"never shows \{\{ context \}\}"),
        ("{{ context }} {{ question }} {{ 1 / 0 }}", "cannot be filled"),
    ],
)
def test_a_wrong_template_is_found_before_anybody_is_asked(tmp_path, text, complaint):
    file = tmp_path / "mine.jinja"
    file.write_text(text)
    with pytest.raises(UserError, match=complaint):
        _load(str(file))


def test_an_unknown_prompt_is_told_with_those_there_are(tmp_path):
    with pytest.raises(
        UserError, match=r"unknown prompt 'babilon'; did you mean 'babilong'\? \(there are: babilong, bare"
    ):
        _load("babilon")
    with pytest.raises(UserError, match="no such file"):
        _load(str(tmp_path / "none.jinja"))


def test_every_file_that_ships_is_a_template_or_the_examples():
    assert {path.suffix for path in FOLDER.iterdir()} == {".jinja", ".json"}
