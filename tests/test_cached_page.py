"""docs/cached.md tells of every family that the tests read with."""

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_family_is_on_the_page():
    page = (ROOT / "docs/cached.md").read_text(encoding="utf-8")
    families = runpy.run_path(str(ROOT / "tests/bench/models/tiny.py"))["FAMILIES"]
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(families)
