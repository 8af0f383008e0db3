from pathlib import Path

import pytest

from rmt_bench.leaderboard.schema import COLUMNS, KEY, LONG, SUMMARY, SUMMARY_COLUMNS, VERSION, as_markdown

DOCS = Path(__file__).parents[2] / "docs" / "leaderboard.md"


@pytest.mark.parametrize("columns", [LONG, SUMMARY])
def test_the_documentation_says_what_every_column_is(columns):
    assert as_markdown(columns) in DOCS.read_text(encoding="utf-8")


def test_the_documentation_names_the_version():
    assert f"Schema version {VERSION}." in DOCS.read_text(encoding="utf-8")


def test_no_column_stands_there_twice_and_rows_are_told_apart_by_columns_there_are():
    assert len(set(COLUMNS)) == len(COLUMNS)
    assert len(set(SUMMARY_COLUMNS)) == len(SUMMARY_COLUMNS)
    assert set(KEY) <= set(COLUMNS)
    assert set(KEY) - {"length"} <= set(SUMMARY_COLUMNS)
