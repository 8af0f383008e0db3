import sys
import textwrap

import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.bench.model import Reply, answers, load_model, takes

_PLUGIN = """
import torch

class Plugin:
    tokenizer = object()
    segment_length = 8
    def __init__(self, width=4): self.width = width
    def start(self, batch_size): return None
    def read(self, state, segment): return None
    def answer(self, state, prompts, choices): return ["x"] * len(prompts)

def make(width=4):
    return Plugin(width)

def without(*names):
    kept = {key: value for key, value in vars(Plugin).items() if key not in names}
    return type("Plugin", (), kept)()

def no_read(): return without("read")
def no_start(): return without("start")
def no_answer(): return without("answer")
def no_tokenizer(): return without("tokenizer")
def no_length(): return without("segment_length")
def bad_length():
    plugin = make(); plugin.segment_length = 0
    return plugin
"""


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(_PLUGIN)
    return str(path)


def test_a_plugin_is_loaded_from_a_file_with_its_options(plugin):
    assert load_model(f"{plugin}:make", width=16).width == 16  # type: ignore[attr-defined]


def test_a_plugin_is_loaded_from_a_module(plugin, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    assert load_model("mine:make").segment_length == 8


def test_a_file_imports_what_lies_beside_it_and_hides_no_library(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "its_layers.py").write_text("WIDTH = 16\n")
    (tmp_path / "json.py").write_text("raise RuntimeError('the wrong one')\n")
    (tmp_path / "mine.py").write_text(f"import json\nfrom its_layers import WIDTH\n{_PLUGIN}")
    assert load_model(f"{tmp_path}/mine.py:make", width=16).width == 16  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("factory", "lacking"),
    [("no_read", "read"), ("no_start", "start"), ("no_answer", "answer"), ("no_tokenizer", "tokenizer"),
     ("no_length", "segment_length"), ("bad_length", "segment_length")],
)  # fmt: skip
def test_what_a_plugin_lacks_is_named(plugin, factory, lacking):
    with pytest.raises(UserError, match=lacking):
        load_model(f"{plugin}:{factory}")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("rmt-tinny", "did you mean 'rmt-tiny'"),
        ("nothing-like-it-at-all", "see: rmt-bench models"),
        ("missing.py:make", "no such file: missing.py"),
        ("missing.py", "write missing.py:FACTORY"),
        ("some/folder", "no checkpoint folder"),
        ("no.such.module:make", "could not be imported|nor could the module"),
    ],
)
def test_an_unknown_model_is_one_line_with_the_remedy(spec, says):
    with pytest.raises(UserError, match=says) as caught:
        load_model(spec)
    assert "\n" not in str(caught.value)


def test_a_missing_factory_names_the_closest(plugin):
    with pytest.raises(UserError, match="did you mean 'make'"):
        load_model(f"{plugin}:maek")


def test_an_unknown_option_names_those_there_are(plugin):
    with pytest.raises(UserError, match="no option 'widht'; did you mean 'width'"):
        load_model(f"{plugin}:make", widht=1)


def test_a_plugin_that_fails_to_import_says_why(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("import no_such_package_at_all\n")
    with pytest.raises(UserError, match="no_such_package_at_all"):
        load_model(f"{path}:make")


def test_a_plugin_whose_factory_raises_says_why(tmp_path):
    path = tmp_path / "raising.py"
    path.write_text(textwrap.dedent("def make():\n    raise RuntimeError('no weights here')\n"))
    with pytest.raises(UserError, match="no weights here"):
        load_model(f"{path}:make")


def test_a_scoring_model_answers_with_the_choice_it_scores_best():
    import torch

    class Scoring:
        def score(self, state, prompts, choices):
            return torch.tensor([[0.0, 2.0], [3.0, 1.0]])

    assert answers(Scoring(), None, [], [("a", "b"), ("a", "b")]) == [Reply("b"), Reply("a")]  # type: ignore[arg-type]


def test_which_options_a_factory_takes_can_be_asked(plugin):
    assert takes(f"{plugin}:make", "width")
    assert not takes(f"{plugin}:make", "labels")
