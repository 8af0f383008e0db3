"""docs/tasks.md tells of every task, with the chance and the knobs that the code has."""

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
