from __future__ import annotations

import json

import pytest

from rmt_bench.base.console import advance, print_listing, print_table, progress_bar


def test_listing_is_a_table_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_listing({"detect": "One fact [somewhere]."}, as_json=False)
    assert "detect" in (said := capsys.readouterr().out)
    assert "One fact [somewhere]." in said
    print_listing({"detect": "One fact."}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"detect": "One fact."}


def test_numbers_stand_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["name", "n"], [["a", "1"], ["b", "200"]])
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == ["name    n", "a       1", "b     200"]


def test_progress_bar_is_silent_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar(10, "tokens") as bar:
        advance(bar, 5, "half")
    assert capsys.readouterr() == ("", "")
