"""The door for Python: what a notebook does, on toy texts."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest
import torch

import rmt_bench as rb


class Window(torch.nn.Module):
    """Sees the last segments only, and says the place that was named last."""

    segment_length = 64

    def __init__(self, segments: int = 2):
        super().__init__()
        self.tokenizer, self.segments, self.modes = rb.load_tokenizer(), segments, set()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def start(self, batch_size):
        return []

    def read(self, state, segment):
        self.modes.add(self.training)
        return [*state, segment][-self.segments :]

    def answer(self, state, prompts, choices):
        texts = [
            self.tokenizer.decode(torch.cat([*(seen[row] for seen in state), prompt]))
            for row, prompt in enumerate(prompts)
        ]
        return [max(named, key=text.rfind) for text, named in zip(texts, choices, strict=True)]


class Broken(Window):
    def answer(self, state, prompts, choices):
        raise RuntimeError("not today")


@pytest.fixture(scope="module")
def samples(story):
    return rb.generate(["detect"], "0,300,600", samples=6, background=str(story))


@pytest.fixture(scope="module")
def run(samples):
    """A run that is kept nowhere."""
    return rb.evaluate(Window, samples, options={"segments": 20}, progress=False)


def test_names_are_all_there_and_nothing_else(monkeypatch):
    shown = [name for name in dir(rb) if not name.startswith("__")]
    assert shown == sorted(name for name in rb.__all__ if name != "__version__")
    assert all(getattr(rb, name).__doc__ for name in shown)
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        _ = rb.evalute


def test_what_type_checkers_see_is_what_there_is():
    source = Path(rb.__file__).read_text(encoding="utf-8")
    seen = source[source.index("if TYPE_CHECKING:") : source.index("_PUBLIC = {")]
    assert all(name in seen for name in rb.__all__)


def test_a_class_is_evaluated_and_its_curve_drawn_where_pyplot_draws(run, monkeypatch):
    mpl.use("svg")  # in place of a notebook's backend
    table = run.curve().table
    assert table[["model", "length", "n", "correct"]].to_numpy().tolist() == [
        ["Window", length, 6, 6] for length in ("0", "300", "600")
    ]
    axes = run.curve().plot(title="mine")
    assert (axes.get_title(loc="left"), axes.get_xscale()) == ("mine", "log")
    assert axes.figure.number in mpl.pyplot.get_fignums()
    run.report()
    assert mpl.get_backend() == "svg"
    mpl.pyplot.close("all")


def test_records_say_what_was_asked_and_answered(run, samples):
    records = run.records
    assert len(records) == len(list(samples)) == 18
    assert set(records["answer"]) == set(records["target"])
    assert run.errors == 0
    assert run.failures == ()


def test_a_run_that_is_kept_nowhere_goes_with_its_object(samples):
    short = rb.evaluate("random", samples, progress=False)
    folder = short.folder
    assert (folder / "run.json").is_file()
    del short
    gc.collect()
    assert not folder.exists()


def test_a_run_can_be_kept_later_and_loaded_again(run, tmp_path):
    kept = run.save(tmp_path / "kept")
    again = rb.load_run(tmp_path / "kept")
    pd.testing.assert_frame_equal(again.records, run.records)
    assert again.curve().table["accuracy"].tolist() == run.curve().table["accuracy"].tolist()
    assert again.report().parent == kept.folder
    with pytest.raises(rb.UserError, match="is there already"):
        run.save(tmp_path / "kept")
    with pytest.raises(rb.UserError, match="holds no run"):
        rb.load_run(tmp_path)


def test_with_a_folder_the_same_call_again_asks_nothing_twice(samples, tmp_path):
    first = rb.evaluate(Window(3), samples, tmp_path / "run", progress=False)
    assert {"curve.csv", "curve.png", "report.html"} <= {path.name for path in first.folder.iterdir()}
    model = Window(3)
    rb.evaluate(model, samples, tmp_path / "run", progress=False)
    assert model.modes == set()
    with pytest.raises(rb.UserError, match="holds another run"):
        rb.evaluate("random", samples, tmp_path / "run", progress=False)


def test_a_model_in_training_is_asked_in_evaluation_mode_and_given_back_as_it_was(samples):
    model = Window(1).train()
    rb.evaluate(model, samples, progress=False)
    assert model.modes == {False}
    assert model.training


def test_a_folder_of_samples_stands_for_them(samples, story, tmp_path):
    rb.generate(["detect"], "0,300,600", samples=6, background=str(story), output=tmp_path / "data")
    run = rb.evaluate("oracle", tmp_path / "data", progress=False)
    assert run.curve().table["accuracy"].tolist() == [1.0, 1.0, 1.0]


def test_runs_are_compared_pair_by_pair_and_drawn_together(run, samples):
    guess = rb.evaluate(Window, samples, options={"segments": 1}, progress=False)
    found = rb.compare(run, guess, rb.evaluate("random", samples, progress=False))
    assert found.table["less"].tolist() == ["Window (2)"] * 3 + ["random"] * 3
    assert found.table["paired"].all()
    assert found.table["n"].tolist() == [6] * 6
    shorter = found.table.set_index(["less", "length"])["difference"]
    assert shorter["Window (2)", "600"] > 0
    drawn = [text.get_text() for text in found.plot().get_legend().get_texts()]
    assert drawn == ["Window (1)", "Window (2)", "random"]
    mpl.pyplot.close("all")


def test_runs_that_share_nothing_are_not_compared(run, story):
    other = rb.evaluate("random", rb.generate(["memorize"], "0", samples=2, background=str(story)), progress=False)
    with pytest.raises(rb.UserError, match="no task and length in common"):
        rb.compare(run, other)
    with pytest.raises(rb.UserError, match="give two or more"):
        rb.compare(run)


def test_errors_are_told_and_counted(samples):
    told: list[str] = []
    run = rb.evaluate(Broken, samples, progress=False, notice=told.append)
    assert run.errors == 18
    assert told[-1].startswith("18 questions ended in an error")
    assert run.failures[0].reason == "RuntimeError: not today"
    assert "errors" in repr(run.curve())


def test_probes_tell_capture_from_retention(samples):
    run = rb.evaluate(Window(1), samples, probes=[0, 2], progress=False)
    captured = run.capture().set_index("length")
    assert captured.loc["600", "capture"] > captured.loc["600", "accuracy"]
    assert set(run.decay()["distance"]) == {0, 2}


def test_what_a_notebook_shows_is_a_table_with_names_escaped(samples):
    run = rb.evaluate("random", samples, name="<i>&", progress=False)
    for shown in (run._repr_html_(), rb.compare(run, run).curve._repr_html_()):
        assert "<table" in shown
        assert "&lt;i&gt;&amp;" in shown
        assert "<i>" not in shown


def test_a_run_stands_where_a_path_to_one_does(run, samples, tmp_path):
    other = rb.evaluate("random", samples, progress=False)
    index = rb.build_board([run, other], tmp_path / "board")
    board = pd.read_csv(index.with_name("leaderboard.csv"))
    assert set(board["model"]) == {"Window", "random"}


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda samples: rb.evaluate(Window(), samples, options={"segments": 3}), "give its class or its name"),
        (lambda samples: rb.evaluate(Window, samples, options={"segmets": 3}), "did you mean 'segments'"),
        (lambda samples: rb.evaluate(Window, samples, workers=2), "give a name"),
        (lambda samples: rb.evaluate(object(), samples), "'object' lacks the attribute `tokenizer`"),
        (lambda samples: rb.evaluate("random", "nowhere"), "nowhere does not exist"),
        (lambda samples: rb.evaluate("random", list(samples)), "what rb.generate gave"),  # type: ignore[arg-type]
        (lambda samples: rb.train(Window, ["detect"], "out"), "save its class in a file"),  # type: ignore[arg-type]
        (lambda samples: rb.train("rmt", ["detect"], "out", curiculum="1seg"), "did you mean 'curriculum'"),
        (lambda samples: rb.train("rmt", ["detekt"], "out"), "did you mean 'detect'"),
        (lambda samples: rb.train("rmt", ["detect"], "out", rate=-1), "--rate"),
        (lambda samples: rb.train("rmt", ["detect"], "out", options={"labels": ["a"]}), "labels is a number, a text"),
    ],
)
def test_a_wrong_call_names_the_remedy(samples, call, says):
    with pytest.raises(rb.UserError) as refused:
        call(samples)
    assert says in str(refused.value)


def test_check_proves_a_class(monkeypatch):
    found = rb.check(Window, options={"segments": 2}, device="cpu").set_index("proof")["sound"]
    assert found["asking changes nothing"]
    assert not (found == False).any()  # noqa: E712 - None where a proof does not apply


@pytest.mark.slow
def test_training_takes_the_options_of_the_command_and_its_checkpoint_is_evaluated(samples, story, tmp_path, capsys):
    where = rb.train(
        "gru", ["detect"], tmp_path / "ck", options={"hidden": 8}, curriculum=[1], roll="none", promote=0,
        decay_steps=2, batch_size=2, background=str(story), progress=False,
    )  # fmt: skip
    assert capsys.readouterr().out == ""
    assert rb.evaluate(str(where), samples, progress=False).curve().table["trained_segments"].tolist() == [1, 1, 1]


def test_looking_at_the_names_loads_no_torch():
    code = "import sys, rmt_bench as rb; dir(rb); rb.UserError; rb.Curve; rb.Run; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
