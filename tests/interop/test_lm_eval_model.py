"""Our models inside lm-eval: what they are asked, what they refuse, and the same numbers as lm-eval's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.model import load_model
from rmt_bench.bench.record import RunFolder

pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install 'rmt-bench[lm-eval]'")
from lm_eval.api.instance import Instance

from rmt_bench.bench.evaluate import evaluate
from rmt_bench.generators.dataset import Dataset
from rmt_bench.interop.lm_eval_model import SegmentLM
from rmt_bench.interop.lm_eval_tasks import export_tasks

CONTEXT = "Rain fell on the roof. Mary went to the garden. The river rose. Where is Mary?"
PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")


def _instance(*arguments, kind="loglikelihood", task="toy", number=0, doc=None):
    return Instance(kind, doc or {}, arguments, 0, (task, number, 1))


def _choices(context=CONTEXT, labels=PLACES, **more):
    return [_instance(context, f" {label}", **more) for label in labels]


def test_a_model_that_ranks_choices_gives_shares_of_the_choices_behind_one_context():
    found = SegmentLM(model="rmt-tiny").loglikelihood(_choices(), disable_tqdm=True)
    assert sum(torch.tensor([share for share, _ in found]).exp()) == pytest.approx(1)
    assert [greedy for _, greedy in found] == [label == "garden" for label in PLACES]


def test_requests_in_any_order_get_their_own_answers():
    model = SegmentLM(model="rmt-tiny", batch_size=2)
    first = _choices()
    second = _choices(CONTEXT.replace("garden", "office"), number=1)
    mixed = [request for pair in zip(first, second, strict=True) for request in pair]
    found = model.loglikelihood(mixed, disable_tqdm=True)
    assert [greedy for _, greedy in found[::2]] == [label == "garden" for label in PLACES]
    assert [greedy for _, greedy in found[1::2]] == [label == "office" for label in PLACES]


@pytest.mark.parametrize(
    ("requests", "message"),
    [([_instance("2 + 2 =", " 4")], "asks for the likelihood of a text by itself"),
     (_choices(labels=("garden", "attic")), "'attic' is none of them")],
)  # fmt: skip
def test_a_classifier_refuses_what_it_has_no_likelihood_of(requests, message):
    with pytest.raises(UserError, match=message):
        SegmentLM(model="rmt-tiny").loglikelihood(requests, disable_tqdm=True)


def test_a_classifier_refuses_perplexity_and_free_text_and_says_what_to_take():
    model = SegmentLM(model="rmt-tiny")
    with pytest.raises(UserError, match=r"ranks given choices.*perplexity takes a language model \(cached:NAME"):
        model.loglikelihood_rolling([_instance("Rain fell.")])
    with pytest.raises(UserError, match="writes no text, and toy gives it none"):
        model.generate_until([_instance(CONTEXT, {"until": ["\n"]}, kind="generate_until")])


def test_a_model_that_answers_in_words_says_how_to_ask_it():
    with pytest.raises(UserError, match="--form generate"):
        SegmentLM(model="oracle").loglikelihood(_choices())
    said = SegmentLM(model="oracle").generate_until([_instance(CONTEXT, {"until": ["\n"]}, kind="generate_until")])
    assert said == ["garden"]


def test_sampling_and_texts_that_are_too_long_are_refused(gpt2):
    with pytest.raises(UserError, match="draws nothing"):
        SegmentLM(model="oracle").generate_until([_instance(CONTEXT, {"do_sample": True}, kind="generate_until")])
    with pytest.raises(UserError, match="nothing is cut here"):
        SegmentLM(model=f"full:{gpt2}", max_tokens=8).loglikelihood(_choices())


def test_an_answer_ends_where_the_task_says():
    request = _instance(CONTEXT, {"until": ["r", "d"]}, kind="generate_until")
    assert SegmentLM(model="oracle").generate_until([request]) == ["ga"]


def test_a_model_has_to_be_named():
    with pytest.raises(UserError, match="--model_args model=rmt-tiny"):
        SegmentLM()


def _hf(folder):
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=folder, device="cpu", batch_size=1)


@pytest.mark.parametrize("spec", ["full", "cached"])
def test_likelihoods_are_those_that_lm_eval_computes_itself(gpt2, spec):
    requests = [
        *_choices(), _instance(CONTEXT, " to the east wing\nof it"), _instance("", " Rain fell"),
        _instance("Mary ", "went"),
    ]  # fmt: skip
    ours = SegmentLM(model=f"{spec}:{gpt2}", segment_length=8, batch_size=3).loglikelihood(requests)
    theirs = _hf(gpt2).loglikelihood(requests)
    assert [greedy for _, greedy in ours] == [greedy for _, greedy in theirs]
    assert [value for value, _ in ours] == pytest.approx([value for value, _ in theirs], abs=1e-3)


@pytest.mark.parametrize("length", [1, 7, 100])
def test_the_likelihood_of_a_whole_text_read_in_segments_is_that_of_lm_eval(gpt2, length):
    requests = [_instance(CONTEXT, kind="loglikelihood_rolling"), _instance("Rain", kind="loglikelihood_rolling")]
    ours = SegmentLM(model=f"cached:{gpt2}", segment_length=length).loglikelihood_rolling(requests)
    assert ours == pytest.approx(_hf(gpt2).loglikelihood_rolling(requests), abs=1e-3)


@pytest.mark.parametrize("spec", ["rmt", "armt"])
def test_a_recurrent_decoder_rates_a_choice_as_a_text_like_any_other(gpt2, spec):
    model = load_model(f"{spec}:{gpt2}", mode="choice", segment_length=16)
    prompt = torch.tensor(model.tokenizer.encode("Where is Mary?"))
    state = model.read(model.start(1), torch.arange(16)[None])
    scores = model.score(state, [prompt], [PLACES])
    (rated,) = model.log_likelihoods(state, [prompt], model._answers.rows([PLACES]))
    assert [value for value, _ in rated] == pytest.approx(scores[0].tolist(), abs=1e-4)
    assert SegmentLM(model=f"{spec}:{gpt2}", mode="choice").loglikelihood_rolling([_instance(CONTEXT)])[0] < 0


@pytest.mark.slow
def test_rmt_tiny_finds_in_lm_eval_what_it_finds_in_our_harness(data, evaluated, tmp_path):
    export_tasks(data, tmp_path / "tasks")
    results = evaluated(tmp_path / "tasks", ["rmt_bench_detect"], "rmt_bench", model="rmt-tiny")
    theirs = {
        sample["doc"]["id"]: [PLACES[i] for i, (_, greedy) in enumerate(sample["filtered_resps"]) if greedy]
        for name in ("rmt_bench_detect_0", "rmt_bench_detect_300")
        for sample in results["samples"][name]
    }
    run = evaluate(load_model("rmt-tiny"), Dataset(data.folder, ["detect"]), tmp_path / "run")
    records = RunFolder(run.folder).records()
    assert theirs == {row["sample_id"]: [row["answer"]] for row in records.to_dict("records")}
    assert results["config"]["rmt_bench_model"] == "rmt-tiny"


@pytest.fixture(scope="module")
def arithmetic(tmp_path_factory) -> Path:
    """lm-eval's own arithmetic and anagrams, with a few lines of data that lie here."""
    import lm_eval

    own = Path(lm_eval.__file__).parent / "tasks"
    folder = tmp_path_factory.mktemp("own")
    sums = [
        {"context": f"Question: What is {a} + {b}?\nAnswer:", "completion": f" {a + b}"}
        for a in range(4)
        for b in range(4)
    ]
    (folder / "sums.jsonl").write_text("\n".join(map(json.dumps, sums)))
    words = [{"context": f"Unscramble: {word[::-1]} =", "completion": word} for word in ("garden", "office", "river")]
    (folder / "words.jsonl").write_text("\n".join(map(json.dumps, words)))
    (folder / "sums.yaml").write_text(
        f"include: {own}/arithmetic/arithmetic_1dc.yaml\ntask: sums\n"
        f"dataset_kwargs: {{data_files: {{validation: {folder}/sums.jsonl}}}}\n"
    )
    (folder / "words.yaml").write_text(
        f"include: {own}/unscramble/anagrams1.yaml\ntask: words\ndataset_path: json\ndataset_name: null\n"
        f"dataset_kwargs: {{data_files: {{validation: {folder}/words.jsonl}}}}\n"
    )
    return folder


@pytest.fixture(scope="module")
def calculator(arithmetic, gpt2, tmp_path_factory) -> str:
    """The tiny model, trained for a moment on every other sum."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(0)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(gpt2), AutoTokenizer.from_pretrained(gpt2)
    sums = [json.loads(line) for line in (arithmetic / "sums.jsonl").read_text().splitlines()][::2]
    rows = [torch.tensor(tokenizer.encode(row["context"] + row["completion"])) for row in sums]
    tokens = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-100)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(150):
        loss = model(input_ids=tokens.clamp(min=0), labels=tokens).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    folder = tmp_path_factory.mktemp("calculator")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.mark.slow
def test_a_segment_model_takes_lm_evals_own_arithmetic_and_is_right_where_lm_eval_finds_it_right(
    arithmetic, calculator, evaluated
):
    theirs = evaluated(arithmetic, ["sums"], "hf", pretrained=calculator)
    ours = evaluated(arithmetic, ["sums"], "rmt_bench", model=f"cached:{calculator}", segment_length=8)
    right = [[sample["acc"] for sample in found["samples"]["sums"]] for found in (theirs, ours)]
    assert right[0] == right[1]
    assert 0 < sum(right[0]) < 16
    assert ours["results"]["sums"]["acc,none"] == theirs["results"]["sums"]["acc,none"]


@pytest.mark.slow
def test_a_segment_model_generates_for_lm_evals_own_anagrams(arithmetic, calculator, evaluated):
    found = [
        evaluated(arithmetic, ["words"], "hf", batch_size=1, pretrained=calculator),
        evaluated(arithmetic, ["words"], "rmt_bench", model=f"cached:{calculator}", mode="generate"),
    ]
    said = [[sample["filtered_resps"][0].strip() for sample in results["samples"]["words"]] for results in found]
    assert said[0]
    assert all(ours and theirs.startswith(ours) for theirs, ours in zip(*said, strict=True))
