"""The page in a browser: Chromium, without a network. How fast it is, bench/perf/page.py measures."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rmt_bench.leaderboard.board import conclude_run
from rmt_bench.leaderboard.metrics import depth_rows
from rmt_bench.leaderboard.records import read_run
from rmt_bench.leaderboard.site import Told, build_site
from rmt_bench.leaderboard.site.entries import Entry
from rmt_bench.leaderboard.site.report import REPORT
from rmt_bench.leaderboard.site.server import served

from .runs import record, write_run
from .sites import HOSTILE, board, rows

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ALPHA, BETA, GAMMA = (Entry(name, "", "strict", "rmt-bench").id for name in ("alpha", "beta", "gamma"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium. Skips where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


class _Reader:
    """Someone who opens pages of a site, and notes what goes wrong and what is asked of whom."""

    def __init__(self, browser: Any, **options: Any):
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.asked: list[str] = []
        self.page.on(
            "console", lambda message: message.type in ("error", "warning") and self.faults.append(message.text)
        )
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.faults.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, address: str) -> Any:
        self.page.goto(address)
        self.page.wait_for_selector("#table tbody tr")
        return self.page

    def names(self) -> list[str]:
        return self.page.locator("#table tbody th .name").all_inner_texts()


@pytest.fixture
def reader(browser: Any) -> Iterator[_Reader]:
    made = _Reader(browser)
    yield made
    made.context.close()


def _board() -> pd.DataFrame:
    """Alpha is best, then beta, then gamma, on two tasks; gamma was not asked the second, and has another prompt."""
    made = []
    for model, less in (("alpha", 0.0), ("beta", 0.1), ("gamma", 0.2)):
        for task in ("detect", "qa1")[: 1 if model == "gamma" else 2]:
            for row in rows(model, task):
                shares = {name: row[name] - less for name in ("accuracy", "ci_low", "ci_high")}
                made.append(row | shares | {"correct": row["correct"] - round(10 * less), "state_bytes": 1_000})
    return pd.DataFrame(made)


def _scores(table: pd.DataFrame) -> pd.DataFrame:
    means = (
        table.groupby(["model", "task"], as_index=False)["accuracy"].mean().rename(columns={"accuracy": "curve_score"})
    )
    return means.assign(
        scorer="strict", source="rmt-bench", curve_score_low=means["curve_score"] - 0.1,
        curve_score_high=means["curve_score"] + 0.1, effective_length="4k", threshold=0.85,
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    records = [record(number, depths=(number / 20,), correct=number % 3 > 0) for number in range(20)]
    told = Told()
    run = tmp_path_factory.mktemp("run") / "run"
    told.add(read_run(write_run(run, records, model="alpha", command="rmt-bench eval alpha")))
    table = _board()
    build_site(table, folder, scores=_scores(table), depths=depth_rows(read_run(run)), told=told)
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with served(site) as (server, told):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield told
        server.shutdown()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_kind_of_page_loads_without_a_fault_fits_the_screen_and_asks_no_other_host(
    browser, site, address, width, theme
):
    reader = _Reader(browser, viewport={"width": width, "height": 800}, color_scheme=theme)
    pages = ["index.html", *(f"{kind}/{next((site / kind).iterdir()).name}" for kind in ("models", "tasks"))]
    for name in pages:
        page = reader.open(address + name)
        page.wait_for_selector("#curves .scatterlayer .trace")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0] < 60")
        assert dark == (theme == "dark")
    assert not reader.faults
    assert {url.split("/")[2] for url in reader.asked if not url.startswith("data:")} == {address.split("/")[2]}
    reader.context.close()


def test_a_site_opens_from_its_folder_without_a_server(reader, site):
    page = reader.open((site / "index.html").as_uri())
    page.wait_for_selector("#curves .scatterlayer .trace")
    assert not reader.faults
    assert all(url.startswith(("file:", "data:")) for url in reader.asked)


def test_the_best_stand_first_and_a_heading_sorts_both_ways_and_says_so(reader, address):
    page = reader.open(f"{address}#tasks=detect")
    assert reader.names() == ["alpha", "beta", "gamma"]
    heading = page.locator("#table th", has_text="32k")
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    page.keyboard.press("Enter")  # the focus stayed on the heading
    assert heading.get_attribute("aria-sort") == "ascending"
    assert reader.names() == ["gamma", "beta", "alpha"]


def test_scores_over_different_lengths_say_so_and_are_not_ranked(reader, tmp_path):
    table = _board().assign(rank_low=1, rank_high=2)
    scores = _scores(table).assign(rank_low=1, rank_high=2, shortest_tokens=4_000)
    scores["longest_tokens"] = np.where(scores["model"] == "alpha", 4_000, 32_000)
    page = reader.open(f"{build_site(table, tmp_path, scores=scores).as_uri()}#tasks=detect")
    assert page.locator(f'[data-id="{BETA}"] td.score').first.inner_text().split()[-2:] == ["over", "4k–32k"]
    assert page.locator("#table th", has_text="Rank").count() == 0


def test_a_text_of_no_tokens_has_its_place_on_the_log_axis(reader, tmp_path):
    table = _board()
    table.loc[table["length"] == "0", "n_tokens"] = 0
    page = reader.open(build_site(table, tmp_path).as_uri())
    page.wait_for_selector("#curves .scatterlayer .trace")
    assert page.locator("#curves .xtick text").first.text_content() == "0"
    assert min(page.evaluate("document.getElementById('curves').data.flatMap((trace) => trace.x)")) == 20
    assert not reader.faults


def test_words_filter_and_nothing_found_says_what_to_do(reader, address):
    page = reader.open(f"{address}#tasks=detect")
    page.fill("#search", "A")
    assert reader.names() == ["alpha", "beta", "gamma"]
    page.fill("#search", "ta")
    assert reader.names() == ["beta"]
    page.fill("#search", "nobody")
    assert page.locator("#table .empty").inner_text().startswith("No model matches")
    page.click("#reset")
    assert len(reader.names()) == 3


def test_a_link_leads_to_the_view_it_was_copied_from(reader, address, browser):
    page = reader.open(address)
    page.locator("#tasks label", has_text="qa1").locator("input").uncheck()
    page.fill("#search", "a")
    page.locator("#table th", has_text="4k").locator("button").click()
    page.locator(f'[data-id="{BETA}"] input').uncheck()
    link, names = page.url, reader.names()
    other = _Reader(browser)
    seen = other.open(link)
    assert other.names() == names
    assert seen.input_value("#search") == "a"
    assert seen.locator("#tasks input:checked").count() == 1
    assert seen.locator("#table th[aria-sort=descending]").inner_text().strip() == "4k"
    assert seen.locator("#curves-legend .name").all_inner_texts() == ["alpha", "gamma"]
    other.context.close()


def test_a_link_to_another_view_is_followed_without_loading_again(reader, address):
    page = reader.open(f"{address}#tasks=detect")
    page.evaluate("window.here = true")
    page.goto(f"{address}#tasks=detect&find=gam")
    assert reader.names() == ["gamma"]
    assert page.evaluate("window.here")


@pytest.mark.parametrize(
    "fragment", ["#tasks=nonesuch", "#sort=length:9&page=99&lines=nobody", "#%E0%A4%A", "#find=<img src=x>"]
)
def test_a_link_that_makes_no_sense_still_shows_a_page(reader, address, fragment):
    reader.open(address).goto("about:blank")
    page = reader.page
    page.goto(address + fragment)
    page.wait_for_selector("#table table")
    assert not reader.faults


def test_the_mean_of_tasks_is_shown_only_where_all_were_asked_with_the_interval_of_mover(reader, address):
    page = reader.open(f"{address}#tasks=detect,qa1")
    assert page.locator(f'[data-id="{GAMMA}"] td.share .value').count() == 0
    shown = page.locator(f'[data-id="{ALPHA}"] td.share').nth(1)
    # Twice 70% with 50 to 80: 70 - sqrt(20^2 + 20^2) / 2, 70 + sqrt(10^2 + 10^2) / 2.
    assert shown.inner_text().split() == ["70.0", "56–77"]


def test_tasks_stand_side_by_side_at_one_length(reader, address):
    page = reader.open(address)
    page.select_option("#columns", "tasks:32k")
    assert [text.strip() for text in page.locator("#table thead th").all_inner_texts()][-2:] == ["detect", "qa1"]
    assert page.locator(f'[data-id="{GAMMA}"] td.share .value').all_inner_texts() == ["30.0"]


def test_pointer_and_keyboard_show_a_tooltip_with_n_and_interval(reader, address):
    page = reader.open(f"{address}#tasks=detect")
    page.locator(f'[data-id="{ALPHA}"] td.share').nth(1).hover()
    tip = page.locator("#tip")
    assert tip.is_visible()
    assert "7 of 10" in tip.inner_text()
    assert "50–80%" in tip.inner_text()
    page.keyboard.press("Escape")
    assert not tip.is_visible()
    page.locator("td.share[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert "6 of 10" in tip.inner_text()
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "tip"


def test_a_point_of_a_curve_shows_a_tooltip(reader, address):
    page = reader.open(f"{address}#tasks=detect&lines={ALPHA}")
    page.wait_for_selector("#curves .points path")
    point = page.locator("#curves .points path").nth(1).bounding_box()
    page.mouse.move(point["x"] + point["width"] / 2, point["y"] + point["height"] / 2)
    page.wait_for_selector("#tip:not([hidden])")
    assert "alpha" in page.locator("#tip").inner_text()
    assert "7 of 10" in page.locator("#tip").inner_text()


def test_curves_have_a_line_a_band_and_the_level_of_chance_and_the_same_as_a_table(reader, address):
    page = reader.open(f"{address}#tasks=detect&lines={ALPHA},{BETA}")
    page.wait_for_selector("#curves .scatterlayer .trace")
    traces = page.evaluate("document.getElementById('curves').data.map((trace) => trace.fill || 'line')")
    assert sorted(traces) == ["line", "line", "toself", "toself"]
    assert "chance 25.0%" in page.locator("#curves .annotation-text").all_text_contents()
    page.locator("#curves-figure summary").click()
    assert page.locator("#curves-table tbody tr").first.inner_text().split() == [
        "alpha",
        "0",
        "6",
        "90.0",
        "70–100",
        "10",
    ]


def test_cost_can_be_chosen_and_stays_in_the_link(reader, address):
    page = reader.open(f"{address}#tasks=detect")
    page.select_option("#cost-axis", "state")
    page.select_option("#cost-length", "4k")
    assert "cost=state&at=4k" in page.url
    page.locator("#cost-figure summary").click()
    assert page.locator("#cost-table tbody td").nth(2).inner_text() == "1000 B"


def test_the_page_of_a_model_shows_depth_by_length_and_the_command(reader, address):
    page = reader.open(f"{address}models/{ALPHA}.html")
    assert page.locator("#depths tbody tr").count() == 10
    assert page.locator("#depths td.share .value").first.inner_text() == "50.0"
    assert page.locator("pre").inner_text() == "rmt-bench eval alpha"
    assert not reader.faults


def test_the_theme_can_be_chosen_and_is_kept_on_the_next_page(reader, address):
    page = reader.open(address)
    page.click("#theme")
    page.click("#theme")
    assert page.locator("#theme").inner_text() == "Theme: dark"
    page = reader.open(f"{address}models/{ALPHA}.html")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_headings_names_and_controls_are_told_to_a_screen_reader(reader, address):
    page = reader.open(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    unnamed = page.evaluate("""() => [...document.querySelectorAll("input, select, button, a")].filter((element) =>
        !element.labels?.length && !element.getAttribute("aria-label") && !element.textContent.trim()).length""")
    assert unnamed == 0
    assert page.locator("#table caption").count() == 1
    assert page.locator("#table th[scope=col]").count() == page.locator("#table thead th").count()
    assert page.locator("#table tbody th[scope=row]").count() == 3
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((heading) => Number(heading.tagName[1]))")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_hostile_names_are_shown_as_they_are_and_nothing_of_them_is_run(reader, tmp_path):
    names = list(HOSTILE.values())
    table = pd.concat([board(name, tasks=tuple(names[:3]), prompt=name, source=name) for name in names])
    build_site(table, tmp_path)
    for path in [tmp_path / "index.html", *(tmp_path / "models").iterdir(), *(tmp_path / "tasks").iterdir()]:
        page = reader.open(path.as_uri())
        page.wait_for_selector("#curves .scatterlayer .trace")
        page.locator("td.share").first.hover()
        assert page.evaluate("document.images.length + document.querySelectorAll('iframe').length") == 0
    page = reader.open((tmp_path / "index.html").as_uri())
    assert HOSTILE["script"] in reader.names()
    assert HOSTILE["formula"] in reader.names()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert not reader.faults


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_report_is_one_file_that_asks_for_nothing_and_whose_samples_can_be_found(browser, tmp_path, width, theme):
    hostile = HOSTILE["end of the island"]
    records = [
        record(number, task=task, output=hostile, correct=number % 3 > 0, depths=(number / 20,), segments_since=number)
        for task in ("detect", hostile)
        for number in range(20)
    ]
    run = write_run(tmp_path / "run", records, model=HOSTILE["script"], command=hostile)
    conclude_run(run)
    reader = _Reader(browser, viewport={"width": width, "height": 800}, color_scheme=theme)
    page = reader.page
    page.goto((run / REPORT).as_uri())
    assert page.locator("#depths td.share .value").count() == 10
    page.select_option('[data-filter="verdict"]', label="wrong")
    page.select_option('[data-filter="task"]', label="detect")
    shown = page.locator("details.one:visible")
    assert set(shown.locator(".verdict").all_inner_texts()) == {"wrong"}
    assert page.locator("#asked-count").inner_text() == f"{shown.count()} of 24 shown"
    shown.first.locator("summary").click()
    assert "Right answer" in shown.first.inner_text()
    drawing = page.locator(f".drawn.{'wide' if width > 640 else 'narrow'} svg").first
    assert drawing.bounding_box()["width"] > 0.85 * width
    line = page.evaluate("getComputedStyle(document.querySelector('.drawn [id*=line2d] path')).stroke")
    assert line.startswith("rgb(")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.images.length") == 0
    page.click("#theme")
    assert page.locator("#theme").inner_text() == "Theme: light"
    assert not reader.faults
    assert [url for url in reader.asked if not url.startswith("data:")] == [(run / REPORT).as_uri()]
    reader.context.close()


def test_a_board_of_300_models_20_tasks_and_13_lengths_is_shown_whole_and_sorted_by_any_length(reader, tmp_path):
    draw = np.random.default_rng(0)
    one = board("m", tasks=tuple(f"qa{task}" for task in range(1, 21)))
    lengths = pd.DataFrame(
        {"length": [f"{2**power}k" for power in range(13)], "n_tokens": [1000 * 2**power for power in range(13)]}
    )
    one = one[one["length"] == "0"].drop(columns=["length", "n_tokens"]).merge(lengths, how="cross")
    table = pd.concat([one] * 300, ignore_index=True)
    table["model"] = np.repeat([f"model-{number}" for number in range(300)], len(one))
    table["accuracy"] = draw.integers(0, 101, len(table)) / 100
    table[["ci_low", "ci_high"]] = np.stack([table["accuracy"] * 0.9, table["accuracy"] * 0.9 + 0.1], axis=1)
    page = reader.open(f"{build_site(table, tmp_path).as_uri()}#tasks=qa1")
    page.wait_for_selector("#cost .scatterlayer .trace")
    for length in ("64k", "4096k", "1k"):  # by the first length it is sorted already
        page.locator(f'#table [data-sort="length:{length}"]').click()
        at = table[(table["task"] == "qa1") & (table["length"] == length)].set_index("model")["accuracy"]
        shown = at[reader.names()]
        assert shown.is_monotonic_decreasing
        assert shown.iloc[0] == at.max()
    assert not reader.faults
