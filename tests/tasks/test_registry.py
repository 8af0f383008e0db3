"""Tasks by name, and knobs as they come from a command line."""

import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.tasks.episode import Episode, Question, Task
from rmt_bench.tasks.registry import TASKS, load_task, task


@task("toy-with-knobs")
@dataclass(frozen=True)
class Toy(Task):
    """A task with a knob of every type."""

    count: int = 1
    share: float = 0.5
    loud: bool = False
    word: str = "owl"
    pair: tuple[int, int] = (1, 2)

    @property
    def lexicon(self) -> frozenset[str]:
        return frozenset({self.word})

    def episode(self, rng: np.random.Generator) -> Episode:
        return Episode((f"The {self.word} sleeps.",), (Question("Who sleeps?", self.word, (), (0,)),))


def test_all_twenty_babi_tasks_are_listed_in_order():
    names = [name for name in TASKS.names() if name.startswith("qa")]
    assert names == [f"qa{number}" for number in range(1, 21)]


def test_every_task_has_a_summary_for_the_listing():
    assert all((TASKS.get(name).__doc__ or "").splitlines()[0].strip() for name in TASKS.names())


def test_listing_and_loading_tasks_imports_no_heavy_library():
    code = (
        "import sys; from rmt_bench.tasks.registry import TASKS, load_task; [load_task(n) for n in TASKS.names()];"
        "print([m for m in ('torch', 'transformers', 'datasets', 'pandas', 'ray') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_an_unknown_task_is_answered_with_the_closest_name():
    with pytest.raises(UserError, match=r"unknown task 'qa21'; did you mean 'qa\d+'\? see: rmt-bench tasks"):
        load_task("qa21")


def test_an_unknown_knob_is_answered_with_the_knobs_there_are():
    with pytest.raises(UserError, match=r"no knob 'fact'; did you mean 'facts'\? \(it has: facts, questions, lexicon"):
        load_task("qa1", fact=3)


def test_knobs_are_read_from_strings_by_the_type_of_their_field():
    made = load_task("toy-with-knobs", count="3", share="0.25", loud="yes", word="7")
    assert made == Toy(count=3, share=0.25, loud=True, word="7")


def test_knobs_of_their_own_type_are_taken_as_they_are():
    assert load_task("toy-with-knobs", share=1, pair=(3, 4)) == Toy(share=1.0, pair=(3, 4))


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("count", "x"),
        ("count", "1.5"),
        ("count", 1.5),
        ("count", True),
        ("share", "half"),
        ("loud", "maybe"),
        ("word", 3),
    ],
)
def test_a_value_of_another_type_is_refused_with_what_was_expected(knob: str, value: object):
    with pytest.raises(UserError, match=rf"^{knob}=.*expected"):
        load_task("toy-with-knobs", **{knob: value})


def test_knobs_enter_the_identity_under_the_names_the_user_knows():
    assert load_task("qa1", lexicon="fresh").knobs()["lexicon"] == "fresh"


def test_a_task_without_splits_is_the_same_in_both():
    made = load_task("detect")
    assert made.of_split("train") is made


def test_supporting_facts_must_be_among_the_facts():
    with pytest.raises(ValueError, match="supporting facts"):
        Episode(("The owl sleeps.",), (Question("Who sleeps?", "owl", (), (1,)),))
