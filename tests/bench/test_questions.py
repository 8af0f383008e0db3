"""One reading, many questions: several about one text, several lengths, and the same question on the way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.bench.evaluate import evaluate
from rmt_bench.bench.questions import Reader, prepare
from rmt_bench.bench.record import RunFolder
from rmt_bench.generators.background import load_background
from rmt_bench.generators.dataset import Dataset, generate_dataset
from rmt_bench.generators.lengths import parse_lengths
from rmt_bench.generators.plan import Plan, load_tasks
from rmt_bench.generators.samples import Source
from rmt_bench.generators.tokens import Encoder

from .toys import Rolling, outcome


@pytest.fixture
def capacity(byte_bpe, story):
    """Makes plans of `capacity` with several questions about each text."""

    def make(lengths: str, questions: int, samples: int = 3, placement: str | None = None) -> Plan:
        source = Source(load_background(str(story)), byte_bpe, segment_length=64, placement=placement)
        tasks = load_tasks(["capacity"], {"questions": questions, "facts": 4})
        return Plan(tasks, parse_lengths(lengths), samples, source)

    return make


class Wide(Rolling):
    segment_length = 64


def test_four_questions_about_a_text_cost_one_reading_and_share_its_haystack(capacity, byte_bpe, tmp_path):
    plan, model = capacity("2000", 4), Wide(byte_bpe)
    evaluate(model, plan, tmp_path, name="toy", batch_size=2)
    records = RunFolder(tmp_path).records()
    assert len(records) == 12
    assert records.groupby("haystack_id")["question"].nunique().tolist() == [4, 4, 4]
    assert model.reads <= 2 * (2_000 // 64 + 1)


def test_each_of_several_questions_is_answered_as_it_is_when_asked_alone(capacity, byte_bpe, tmp_path):
    class OneByOne(Plan):
        """Gives one question of every text."""

        def samples(self, unit):
            return (sample for n, sample in enumerate(super().samples(unit)) if n % 4 == self.number)

    for lengths in ("300", "330", "1000"):
        plan, alone = capacity(lengths, 4), []
        evaluate(Wide(byte_bpe), plan, tmp_path / lengths, name="toy", batch_size=3)
        for number in range(4):
            single = capacity(lengths, 4)
            single.__class__, single.number = OneByOne, number  # type: ignore[attr-defined]
            evaluate(Wide(byte_bpe), single, tmp_path / f"{lengths}-{number}", name="toy", batch_size=1)
            alone.append(outcome(tmp_path / f"{lengths}-{number}"))
        pd.testing.assert_frame_equal(pd.concat(alone).sort_index(), outcome(tmp_path / lengths))


@pytest.mark.parametrize("stored", [False, True], ids=["on the fly", "from a data set"])
@pytest.mark.parametrize("task", ["memorize", "detect"])
def test_many_lengths_in_one_pass_give_the_records_of_separate_readings(make_plan, byte_bpe, tmp_path, task, stored):
    plan = make_plan(task, "0,200,400,1k,2k,4k", samples=5)
    samples = Dataset(generate_dataset(plan, tmp_path / "data")) if stored else plan
    one, many = Rolling(byte_bpe), Rolling(byte_bpe)
    evaluate(many, samples, tmp_path / "many", name="toy", batch_size=2)
    evaluate(one, samples, tmp_path / "one", name="toy", batch_size=2, one_pass=True)
    pd.testing.assert_frame_equal(outcome(tmp_path / "many"), outcome(tmp_path / "one"))
    if task == "memorize":
        longest = 3 * (4_000 // 32)
        assert many.reads > 1.8 * longest
        assert one.reads < 1.2 * longest


def test_one_pass_that_was_interrupted_goes_on_to_the_same_records(make_plan, byte_bpe, tmp_path):
    plan = make_plan("memorize", "200,1k,2k,4k", samples=3)
    evaluate(Rolling(byte_bpe), plan, tmp_path / "whole", name="toy", batch_size=3)
    with pytest.raises(KeyboardInterrupt):
        evaluate(Rolling(byte_bpe, 100), plan, tmp_path / "torn", name="toy", one_pass=True, checkpoint_every=10)
    model = Rolling(byte_bpe)
    evaluate(model, plan, tmp_path / "torn", name="toy", one_pass=True, checkpoint_every=10)
    assert model.reads < 60
    pd.testing.assert_frame_equal(outcome(tmp_path / "whole"), outcome(tmp_path / "torn"))


class Recent(Rolling):
    """Knows what it read in its last three segments: says the place it met there last."""

    def start(self, batch_size):
        return ()

    def read(self, state, segment):
        self.reads += 1
        return (*state, segment)[-3:]

    def answer(self, state, prompts, choices):
        said = []
        for row, prompt in enumerate(prompts):
            text = self.tokenizer.decode(np.concatenate([*(segment[row] for segment in state), prompt]))
            said.append(max(choices[row], key=text.rfind) if any(c in text for c in choices[row]) else "none")
        return said


def test_probes_tell_when_a_fact_was_lost(make_plan, byte_bpe, tmp_path):
    plan = make_plan("memorize", "1k", samples=4)
    evaluate(Recent(byte_bpe), plan, tmp_path, name="toy", batch_size=2, probes=(0, 1, 2, 3, 8))
    records = RunFolder(tmp_path).records()
    assert not records["correct"].any()
    assert (records["segments_since"] >= 30).all()
    for probes in records["probes"]:
        assert [(probe["distance"], probe["correct"]) for probe in probes] == [
            (0, True), (1, True), (2, True), (3, False), (8, False)
        ]  # fmt: skip


def test_probes_change_no_answer_and_stop_where_the_text_ends(make_plan, byte_bpe, tmp_path):
    plan = make_plan("detect", "0,300", samples=6)
    evaluate(Rolling(byte_bpe), plan, tmp_path / "plain", name="toy", batch_size=3)
    evaluate(Rolling(byte_bpe), plan, tmp_path / "probed", name="toy", batch_size=3, probes=(0, 4))
    plain, probed = outcome(tmp_path / "plain"), outcome(tmp_path / "probed")
    pd.testing.assert_frame_equal(plain.drop(columns="probes"), probed.drop(columns="probes"))
    for record in RunFolder(tmp_path / "probed").records().itertuples():
        asked = [probe["distance"] for probe in record.probes]
        assert asked == [distance for distance in (0, 4) if distance < record.segments_since]


@pytest.mark.parametrize("own", ["byte_bpe", "wordpiece"])
def test_the_segment_that_holds_the_fact_is_found_under_any_tokenizer(make_plan, tmp_path, own, request):
    tokenizer = request.getfixturevalue(own)
    plan = make_plan("detect", "900", samples=12)
    stored = Dataset(generate_dataset(plan, tmp_path))
    reader = Reader(Encoder(tokenizer), 32)
    for samples in (plan, stored):
        for sample in samples:
            (case,) = prepare([sample], reader).cases
            (fact,) = sample.facts
            before = len(tokenizer.encode(sample.text[: fact.char_end], add_special_tokens=False))
            assert case.since == case.segments - -(-before // 32)


def test_probes_of_one_pass_and_of_another_run_are_refused(make_plan, byte_bpe, tmp_path):
    with pytest.raises(UserError, match="leave out one_pass"):
        evaluate(Rolling(byte_bpe), make_plan(), tmp_path, name="toy", probes=(0,), one_pass=True)
    evaluate(Rolling(byte_bpe), make_plan(), tmp_path, name="toy")
    with pytest.raises(UserError, match=r"another run \(probes differ\)"):
        evaluate(Rolling(byte_bpe), make_plan(), tmp_path, name="toy", probes=(0,))
