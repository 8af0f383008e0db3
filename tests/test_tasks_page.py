"""docs/tasks.md tells of every task, with the chance and the knobs that the code has."""

import subprocess
import sys
from pathlib import Path

from rmt_bench.tasks.registry import TASKS, load_task
from rmt_bench.tasks.suites import SUITES

PAGE = Path(__file__).parents[1] / "docs/tasks.md"


def test_every_task_and_suite_is_on_the_page_with_its_chance():
    page = PAGE.read_text(encoding="utf-8")
    for name in (name for name in TASKS.names() if TASKS.get(name).__module__.startswith("rmt_bench.tasks")):
        _, _, section = page.partition(f"## `{name}`\n")
        assert f"| {load_task(name).chance:.3g} |" in section.partition("\n## ")[0], name
    assert all(f"| `{name}` |" in page for name in SUITES)


def test_stories_have_the_properties_that_ruler_states():
    script = PAGE.parents[1] / "scripts/ruler_table.py"
    shown = subprocess.run(
        [sys.executable, str(script), "--episodes", "10"], capture_output=True, text=True, check=True
    ).stdout
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in shown.splitlines()[2:-2]]
    assert [row[0].strip("`") for row in rows] == list(SUITES["ruler"][1])
    differing = {row[0]: row[4] for row in rows if row[3] != row[4]}
    assert differing.pop("`niah_multikey_2`").startswith("1 key asked of 100, 1 value each, words to numbers of 7")
    assert differing.pop("`niah_multikey_3`") == "1 key asked of 40, 1 value each, UUIDs to UUIDs"
    assert differing.pop("`fwe`").startswith("Zipf, alpha 2.0")
    assert not differing
