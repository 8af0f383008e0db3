"""The background `noise`: five sentences without end, none of which a task could mistake for a fact."""

import itertools

from rmt_bench.generators.background import load_background
from rmt_bench.generators.lengths import Length
from rmt_bench.generators.samples import Source
from rmt_bench.generators.tokens import load_tokenizer
from rmt_bench.tasks.lexicon import collisions
from rmt_bench.tasks.reader import read
from rmt_bench.tasks.registry import TASKS, load_task


def test_no_task_has_a_word_of_it():
    line = " ".join(itertools.islice(load_background("noise").sentences(0, "test"), 5))
    assert not any(collisions(line, load_task(name).lexicon) for name in TASKS.names() if not name.startswith("toy"))


def test_needles_are_found_in_it_at_about_any_length():
    source = Source(load_background("noise"), load_tokenizer())
    for length in (100, 101, 102, 103, 3000):
        sample = source.samples("niah_single_1", load_task("niah_single_1"), Length(str(length), tokens=length), 0)[0]
        assert abs(sample.n_tokens - length) <= 4
        assert read(sample.text, sample.question) == sample.answer
