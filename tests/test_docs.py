"""README and the guides: what they show is run here, block by block, each page in an empty folder. The site builds.

`pytest -m slow -s -k not_run` lists the blocks that are not run, and why.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import rmt_bench
from rmt_bench.tasks.registry import TASKS

from .pages import ROOT, Reader, blocks_of, goes_on_from, printed

#: Pages that show commands. docs/python.md and the notebook are run by tests of their own.
GUIDES = [
    "README.md",
    *(f"docs/{name}.md" for name in ("index", "own-model", "own-text", "train", "publish", "curves", "numbers")),
]
#: Blocks that cannot run in a test. One more is a decision: change this line, too.
NOT_RUN = {"README.md": 3, "docs/index.md": 1, "docs/own-text.md": 1, "docs/train.md": 1}
_STORIES = [page for page in GUIDES if page not in {goes_on_from(other) for other in GUIDES}]


def _story(page: str) -> list[str]:
    """The pages that are read in one folder, and in which order, to come to the end of `page`."""
    before = goes_on_from(page)
    return [*(_story(before) if before else []), page]


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in _STORIES if any(blocks_of(each) for each in _story(page))])
def test_every_block_runs_and_prints_what_the_page_shows(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    try:
        for each in _story(page):
            reader = Reader(lambda: "".join(capsys.readouterr()))
            for block in blocks_of(each):
                if block.reason is None:
                    reader.do(block)
    finally:
        _forget(tmp_path)


def _forget(folder: Path) -> None:
    """The modules of `folder`, and the tasks that they registered."""
    made = {name for name, it in sys.modules.items() if folder in Path(getattr(it, "__file__", None) or "/").parents}
    for name in [name for name, task in TASKS._found.items() if task.__module__ in made]:
        del TASKS._found[name]
    for name in made:
        del sys.modules[name]


def test_only_what_cannot_run_is_not_run():
    left_out = [block for page in GUIDES for block in blocks_of(page) if block.reason]
    for block in left_out:
        print(f"{block.where} is not run: {block.reason}")
    counts = {page: sum(block.page == page for block in left_out) for page in GUIDES}
    assert {page: count for page, count in counts.items() if count} == NOT_RUN


@pytest.mark.parametrize("page", GUIDES)
def test_every_fence_is_a_block_that_is_understood(page):
    fences = re.findall(r"^ *(?:```|~~~)", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert len(fences) == 2 * len(blocks_of(page))


def test_readme_begins_with_the_two_commands():
    lines = blocks_of("README.md")[0].text.splitlines()
    assert [line.split("#")[0].strip() for line in lines] == ["make demo", "make test"]


def test_the_reference_has_every_public_name():
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    assert not [name for name in rmt_bench.__all__ if not re.search(rf"rmt_bench\.{name}\b", page) and name[0] != "_"]


def test_what_a_page_shows_is_compared_but_for_its_numbers():
    told = "detect    1seg         1  50     98.0%  89.5% - 99.6%   16.7%    33,421\nall sound"
    assert printed("detect 1seg  1  50  100.0%  92.9% - 100.0% 16.7%  ...", told)
    assert not printed("detect 1seg  1  50  100.0%  16.7% 33,421", told)
    assert not printed("some unsound", told)


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_asks_no_network(tmp_path):
    pytest.importorskip("material", reason="mkdocs-material is not installed: pip install 'rmt-bench[docs]'")
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(tmp_path), strict=True))
    loaded = re.compile(r"<(?:script|img|iframe|source|video|audio)\b[^>]*\bsrc=\"?(?:https?:)?//[^\s>]*")
    linked = re.compile(r"<link\b(?![^>]*rel=\"?canonical)[^>]*href=\"?(?:https?:)?//[^\s>]*")
    pages = list(tmp_path.rglob("*.html"))
    assert {"index.html", "own-model.html", "commands.html", "api.html", "quickstart.html"} <= {it.name for it in pages}
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not [*loaded.findall(text), *linked.findall(text)], page
    for sheet in tmp_path.rglob("*.css"):
        assert not re.findall(r"(?:@import|url\()\s*['\"]?(?:https?:)?//", sheet.read_text(encoding="utf-8")), sheet
    assert 'id="rmt_bench.SegmentModel"' in (tmp_path / "api.html").read_text(encoding="utf-8")
    assert "rmt-bench leaderboard compare" in (tmp_path / "commands.html").read_text(encoding="utf-8")
