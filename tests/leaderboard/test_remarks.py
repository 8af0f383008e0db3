from rmt_bench.bench.record import RunFolder
from rmt_bench.leaderboard.remarks import remarks

from .runs import record, write_run


def _remarks(folder, *told):
    rows = [record(number, status=status, reason=reason) for number, (status, reason) in enumerate(told)]
    return remarks(RunFolder(write_run(folder, rows)).records())


def test_what_is_odd_is_counted_whatever_its_figures_and_else_it_is_said_with(tmp_path):
    counted = _remarks(
        tmp_path,
        ("answered", ""),
        ("answered", "cut at 64 tokens"),
        ("invalid", "no label, cut at 1,088 tokens"),
        ("invalid", "no label, empty answer"),
        ("invalid", "no label"),
        ("skipped", "document and question have 65,541 tokens, the model takes 40,000"),
        ("skipped", "document and question have 65,542 tokens, the model takes 40,000"),
    )
    assert counted == {
        "no label": 3,
        "cut at 64 tokens": 2,
        "skipped: document and question have 65,541 tokens, the model takes 40,000": 2,
        "empty answer": 1,
    }


def test_an_error_is_no_remark_and_a_plain_run_has_none(tmp_path):
    assert _remarks(tmp_path / "a", ("error", "APITimeoutError: Request timed out."), ("answered", "")) == {}
