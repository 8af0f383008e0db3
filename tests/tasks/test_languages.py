"""Facts in German, and that English stays as it was."""

import numpy as np
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.tasks.lexicon import collisions
from rmt_bench.tasks.reader import read
from rmt_bench.tasks.registry import load_task


@pytest.mark.parametrize(("name", "knobs"), [("detect", {}), ("qa1", {}), ("qa1", {"facts": 30, "unanswerable": 0.5})])
def test_german_stories_are_read(name: str, knobs: dict[str, object]):
    task = load_task(name, language="de", **knobs)
    for i in range(100):
        episode = task.episode(np.random.Generator(np.random.Philox(key=i)))
        question = episode.questions[0]
        assert read(" ".join(episode.facts), question.text) == question.answer
        assert question.choices == task.labels
        assert all(collisions(fact, task.lexicon) for fact in episode.facts)


def test_an_open_german_question_is_answered_in_german():
    assert load_task("qa1", language="de", unanswerable=0.5).labels[-1] == "unbekannt"


def test_filler_holds_no_form_of_a_german_place():
    lexicon = load_task("detect", language="de").lexicon
    assert collisions("Die Gärten hinter den Küchen und die Büros", lexicon) == ["Gärten", "Küche", "Büros"]


@pytest.mark.parametrize("name", ["detect", "qa1"])
def test_english_enters_no_identity(name: str):
    assert "language" not in load_task(name).knobs()
    assert load_task(name, language="de").knobs()["language"] == "de"


def test_an_unknown_language_is_answered_with_what_there_is():
    with pytest.raises(UserError, match=r"unknown language 'ru' \(there is: en, de\)"):
        load_task("detect", language="ru")
    with pytest.raises(UserError, match="it has official words only"):
        load_task("qa1", language="de", lexicon="fresh")
