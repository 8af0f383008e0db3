"""How long the page of a large board takes to load and to sort in Chromium, beside what Chromium itself takes.

    python bench/perf/page.py [--models 300] [--tasks 20] [--lengths 13] [--runs 7]

load    from asking for index.html until its last chart is drawn; the floor is the same file with scripts off
sort    from a click on a heading until the table is laid out anew; the floor puts the same table's HTML there once
        more, and lays it out

Each run is a page opened anew, and sorts by every third length; page and floor take turns. Chromium is the one of the
machine (apt-get install chromium), driven by playwright.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from timing import line

from rmt_bench.leaderboard.site import build_site

_SORT = """(selector) => { const begun = performance.now(); document.querySelector(selector).click();
    document.body.offsetHeight; return performance.now() - begun; }"""
_LAY_OUT = """() => { const table = document.getElementById("table"); const html = table.innerHTML;
    const begun = performance.now(); table.innerHTML = html; document.body.offsetHeight;
    return performance.now() - begun; }"""


def large_board(models: int, tasks: int, lengths: int) -> pd.DataFrame:
    """A row for each model, task and length, of random accuracies."""
    rng = np.random.default_rng(0)
    names = [[f"model-{i}" for i in range(models)], [f"qa{i + 1}" for i in range(tasks)], range(lengths)]
    table = pd.MultiIndex.from_product(names, names=["model", "task", "power"]).to_frame(index=False)
    tokens = 1_000 * 2 ** table.pop("power")
    correct = rng.integers(0, 101, len(table))
    return table.assign(
        length=(tokens // 1_000).astype(str) + "k", n_tokens=tokens, segments=tokens // 64 + 1, prompt="", dataset="",
        scorer="strict", source="rmt-bench", n=100, correct=correct, accuracy=correct / 100,
        ci_low=correct / 100 * 0.9, ci_high=correct / 100 * 0.9 + 0.1, chance=0.25, n_error=0, n_skipped=0,
        tokens_per_second=1_000.0, state_bytes=2_048, peak_memory_bytes=10**8, trained_segments=7,
        trained_memory_segments=None,
    )  # fmt: skip


def opened(page: Any, address: str, until: str | None) -> float:
    """Seconds until the page at `address` is there: all of its file, or what the selector `until` stands for."""
    begun = time.perf_counter()
    page.goto(address)
    if until:
        page.wait_for_selector(until)
    return time.perf_counter() - begun


def main() -> None:
    """Print a line for what is measured, and one for each floor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=300)
    parser.add_argument("--tasks", type=int, default=20)
    parser.add_argument("--lengths", type=int, default=13)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium here: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    took: dict[str, list[float]] = {"load floor": [], "load": [], "sort floor": [], "sort": []}
    table = large_board(options.models, options.tasks, options.lengths)
    lengths = table["length"].unique()[::3]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        address = build_site(table, Path(folder)).as_uri()
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(options.runs):
            plain = browser.new_context(java_script_enabled=False)
            took["load floor"].append(opened(plain.new_page(), address, None))
            plain.close()
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            page = context.new_page()
            took["load"].append(opened(page, address, "#cost .scatterlayer .trace"))
            for length in lengths:
                took["sort"].append(page.evaluate(_SORT, f'#table [data-sort="length:{length}"]') / 1e3)
            # Last, since what was bound to the old table's elements is gone when its HTML is put there once more.
            took["sort floor"] += [page.evaluate(_LAY_OUT) / 1e3 for _ in lengths]
            context.close()
        browser.close()
    print(f"{options.models} models, {options.tasks} tasks, {options.lengths} lengths")
    for name, found in took.items():
        print(line(name, found, took.get(f"{name} floor")))


if __name__ == "__main__":
    main()
