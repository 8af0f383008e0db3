import numpy as np
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.bench.curriculum import Stage
from rmt_bench.bench.stream import Stream
from rmt_bench.tasks.episode import Episode, Question, Task

_STAGE = Stage("7 segments", 7, 7)


@pytest.fixture
def stream(make_plan):
    plan = make_plan("detect", split="train")
    return Stream(plan.tasks, plan.source, segment_length=32, batch_size=4)


def _batch(stream, number, segments, stage=_STAGE):
    return [
        example
        for group in stream.batch(number, segments, stage, np.random.default_rng(number)).groups
        for example in group
    ]


@pytest.mark.parametrize("segments", [1, 2, 5])
def test_documents_are_read_in_as_many_segments_as_asked(stream, segments):
    examples = [example for number in range(30) for example in _batch(stream, number, segments)]
    shapes = [example.document.shape(32) for example in examples]
    right = sum(shape.segments == segments for shape in shapes) / len(shapes)
    assert right > 0.95  # facts and questions differ in length by a token or two
    assert all(abs(shape.segments - segments) <= 1 for shape in shapes)


def test_the_question_meets_every_length_of_tail_and_stands_alone_now_and_then(stream):
    documents = [example.document for number in range(120) for example in _batch(stream, number, 3)]
    shapes = [(document, document.shape(32)) for document in documents]
    assert {bool(shape.short) for _, shape in shapes} == {True, False}
    tails = {document.n_tokens - 32 * shape.full for document, shape in shapes if not shape.short}
    assert len(tails) > 20


def test_a_batch_is_a_function_of_its_number(stream):
    def tokens(number):
        return [np.concatenate(list(example.document.tokens)).tolist() for example in _batch(stream, number, 2)]

    assert tokens(3) == tokens(3)
    assert tokens(3) != tokens(4)


def test_a_stage_lays_facts_where_it_says(stream):
    def places(stage):
        return {example.facts[0][0] for number in range(8) for example in _batch(stream, number, 3, stage)}

    assert places(Stage("start", 7, 7, placement="start")) == {0}
    assert len(places(_STAGE)) > 10


def test_targets_are_the_right_answers(stream):
    for example in _batch(stream, 0, 1):
        text = stream.source.encoder.tokenizer.decode(np.concatenate(list(example.document.tokens)))
        assert f"to the {example.choices[example.target]}." in text


def test_training_never_meets_a_sample_of_evaluation(make_plan):
    train, test = make_plan(split="train"), make_plan(split="test")
    for unit in train.units():
        ids = {sample.id for sample in train.samples(unit)}
        assert ids.isdisjoint(sample.id for sample in test.samples(unit))


def test_a_task_whose_answer_is_not_among_its_choices_cannot_be_trained_on(make_plan):
    class Free(Task):
        lexicon = frozenset()

        def episode(self, rng):
            return Episode(("The code is 7.",), (Question("What is the code?", "7", (), (0,)),))

    plan = make_plan(split="train")
    stream = Stream({"free": Free()}, plan.source, 32, 2)
    with pytest.raises(UserError, match="'free' cannot be trained on: its answer '7' is not one of the choices"):
        _batch(stream, 0, 1)
