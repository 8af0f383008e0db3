import json

import pytest
from click.testing import CliRunner

from rmt_bench.base.errors import IncompleteError, UserError
from rmt_bench.leaderboard.commands import leaderboard_group

from .runs import record, write_run


def _said(*arguments):
    result = CliRunner().invoke(leaderboard_group, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_scorers_are_listed():
    assert set(json.loads(_said("scorers", "--json"))) >= {"strict", "babilong", "lm-eval"}


def test_an_unknown_scorer_is_refused_with_the_closest_one(tmp_path):
    with pytest.raises(UserError, match="did you mean 'babilong'"):
        _said("build", tmp_path, "--output", tmp_path / "site", "--scorer", "babylong")


def test_a_sound_board_is_called_so(tmp_path):
    write_run(tmp_path / "run", [record(0)])
    _said("build", tmp_path / "run", "--output", tmp_path / "site")
    assert _said("validate", tmp_path / "site" / "leaderboard.csv").endswith("is sound\n")


def test_findings_are_printed_by_file_and_line_and_counted(tmp_path):
    (tmp_path / "b.csv").write_text("model,task,length,n,correct\n" + "m,qa1,4k,1,2\n" * 150)
    result = CliRunner().invoke(leaderboard_group, ["validate", str(tmp_path / "b.csv")])
    assert isinstance(result.exception, IncompleteError)
    lines = result.output.splitlines()
    assert lines[0] == f"{tmp_path}/b.csv:2: correct is 2 of n = 1"
    assert lines[-1].startswith("... and 199 more")
    assert len(lines) == 101


def test_a_run_whose_scores_do_not_follow_ends_with_exit_code_1(tmp_path):
    folder = write_run(tmp_path, [record(0, output="office")])
    with pytest.raises(IncompleteError, match="do not follow from its answers: 1 differ"):
        _said("rescore", folder)
    assert "1 answers differ" in _said("rescore", folder, "--scorer", "lm-eval")
    assert json.loads(_said("rescore", write_run(tmp_path / "b", [record(0)]), "--json"))["agrees"] is True


def test_two_runs_are_compared_on_shared_samples(tmp_path):
    first = write_run(tmp_path / "a", [record(i) for i in range(30)])
    second = write_run(tmp_path / "b", [record(i, correct=i < 15) for i in range(30)])
    (found,) = json.loads(_said("compare", first, second, "--json"))
    assert (found["n"], found["difference"], found["paired"]) == (30, 0.5, True)
    assert "+50.0%" in _said("compare", first, second)


def test_two_runs_with_nothing_in_common_are_not_compared(tmp_path):
    first = write_run(tmp_path / "a", [record(0)])
    second = write_run(tmp_path / "b", [record(0, length="8k")])
    with pytest.raises(UserError, match="no task and length in common"):
        _said("compare", first, second)


def test_an_import_that_fails_in_part_keeps_the_rest(tmp_path):
    folder = tmp_path / "evals" / "m"
    folder.mkdir(parents=True)
    (folder / "qa1_4k_plain_no.csv").write_text("target,output,question\ngarden,garden,Where is Mary?\n")
    (folder / "qa1_8k_plain_no.csv").write_bytes(b"\xff\xd8")
    with pytest.raises(IncompleteError, match="1 could not be imported"):
        _said("import", "babilong", tmp_path / "evals", "--output", tmp_path / "runs")
    assert len(list((tmp_path / "runs").glob("m-*/records/*.parquet"))) == 1
