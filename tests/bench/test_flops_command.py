import json

import pandas as pd
import pytest
from click.testing import CliRunner

from rmt_bench.base.errors import UserError
from rmt_bench.bench.flops_command import flops_command


def _run(*arguments: str) -> str:
    done = CliRunner().invoke(flops_command, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_five_models_of_the_report_are_counted_unless_others_are_named():
    table = json.loads(_run("--reading", "report", "--json"))
    assert [row["model"] for row in table] == ["OPT-125M", "OPT-1.3B", "OPT-6.7B", "OPT-30B", "OPT-175B"]
    assert [round(row["ratio"]) for row in table] == [295, 154, 82, 48, 29]
    assert "295.07" in _run("--reading", "report")
    assert [row["model"] for row in json.loads(_run("opt-13b", "--json"))] == ["OPT-13B"]


def test_the_table_and_the_figure_are_kept_where_asked(tmp_path):
    csv, png = tmp_path / "flops.csv", tmp_path / "flops.png"
    _run("opt-125m", "opt-30b", "--tokens", "512..4k", "--csv", str(csv), "--plot", str(png))
    table = pd.read_csv(csv)
    assert table["tokens"].tolist() == [512, 1024, 2048, 4000] * 2
    assert table["full_flops"].iloc[0] == table["segment_flops"].iloc[0]
    assert png.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--tokens", "0"], "there is nothing to read"),
        (["--plot", "one.png"], "--plot draws a curve"),
        (["--tokens", "4q"], "not a length"),
        (["--memory", "512"], "leave no room"),
    ],
)
def test_a_wrong_call_names_the_remedy(arguments, says):
    with pytest.raises(UserError, match=says):
        _run(*arguments)
