"""docs/flops.md says what the formula gives now."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_tables_of_the_page_are_what_the_script_computes():
    made = runpy.run_path(str(ROOT / "scripts/make_flops_page.py"))
    page = (ROOT / "docs/flops.md").read_text(encoding="utf-8")
    for table in ("readings", "others", "checks"):
        assert made[table]() in page, table
    assert made["readings"]().count("**yes**") == 1
