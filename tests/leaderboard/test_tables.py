import pandas as pd
import pytest

from rmt_bench.leaderboard.tables import harmless, is_formula, nominal_tokens, wide, write_csv


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", " =1", "\t=1", "\u200f=1", "\u202e\u2066-1", "＝1", "\n+1"])
def test_what_a_spreadsheet_takes_for_a_formula_gets_an_apostrophe(cell):
    assert is_formula(cell)
    assert harmless(cell).startswith("'")
    assert not is_formula(harmless(cell))


@pytest.mark.parametrize("cell", ["rmt-tiny", "a=b", "google/gemini", "", "'=1", "1+1", "<script>"])
def test_other_cells_stay_as_they_are(cell):
    assert harmless(cell) == cell


def test_a_cell_is_one_line_of_valid_unicode():
    assert harmless("a\r\nb\x00c\u2028d\ud800") == "a  b c d?"


@pytest.mark.parametrize(
    ("length", "tokens"),
    [("0", 0), ("0k", 0), ("512", 512), ("4k", 4000), ("4Ki", 4096), ("1M", 10**6), ("7seg", None)],
)
def test_lengths_stand_for_tokens(length, tokens):
    assert nominal_tokens(length) == tokens


def test_names_of_columns_are_harmless_too(tmp_path):
    write_csv(pd.DataFrame({"=x": ["@y"], "accuracy": [1 / 3]}), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "'=x,accuracy\n'@y,0.3333\n"


def test_prompts_are_rows_of_their_own_in_the_wide_table():
    rows = pd.DataFrame(
        [("m", "qa1", "4k", prompt, "strict", "s", "d", 4000, share) for prompt, share in (("a", 0.5), ("b", 0.9))],
        columns=["model", "task", "length", "prompt", "scorer", "source", "dataset", "n_tokens", "accuracy"],
    )
    table = wide(rows)
    assert table.columns.tolist() == ["model_name", "task", "4k", "prompt", "scorer", "source", "dataset"]
    assert table["4k"].tolist() == [50.0, 90.0]
