"""The page as files: what is written, what is not, and that no name can do harm. In a browser: test_browser.py."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.bench.record import Record
from rmt_bench.leaderboard.metrics import depth_rows
from rmt_bench.leaderboard.records import read_run
from rmt_bench.leaderboard.site import Told, build_site
from rmt_bench.leaderboard.site.details import about
from rmt_bench.leaderboard.site.entries import Entry
from rmt_bench.leaderboard.site.manifest import site_files, write_manifest
from rmt_bench.leaderboard.site.names import file_name, shown, title
from rmt_bench.leaderboard.site.pages import SCRIPTS
from rmt_bench.leaderboard.site.report import OWN_ASSETS
from rmt_bench.leaderboard.site.server import served

from .runs import record, write_run
from .sites import HOSTILE, Page, board, rows, without_plotly


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    without_plotly(monkeypatch)


def _tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _pages(site: Path) -> dict[str, Page]:
    return {name: Page(site / name) for name in sorted(_tree(site)) if name.endswith(".html")}


def test_a_site_has_an_index_and_a_page_for_each_entry_and_each_task(tmp_path):
    table = pd.concat([board("a", "b", tasks=("detect", "qa1")), board("a", prompt="terse")])
    index = build_site(table, tmp_path)
    assert index == tmp_path / "index.html"
    assert [len(list((tmp_path / folder).iterdir())) for folder in ("models", "tasks")] == [3, 2]
    assert _tree(tmp_path) == set(site_files(tmp_path))


def test_the_index_holds_every_number_of_the_table(tmp_path):
    data = Page(build_site(board("a", "b"), tmp_path)).data
    assert [entry["model"] for entry in data["entries"]] == ["a", "b"]
    assert data["tasks"] == ["detect"]
    assert [length["label"] for length in data["lengths"]] == ["0", "4k", "32k"]
    assert data["rows"]["accuracy"] == [9_000, 7_000, 5_000] * 2
    assert data["rows"]["n"] == 10
    assert data["entries"][0]["gradient"] == round(32_005 / 501 * 7)


def test_scores_stand_beside_the_rows_they_belong_to(tmp_path):
    scores = pd.DataFrame(
        [
            {"model": "b", "task": "detect", "scorer": "strict", "source": "rmt-bench", "curve_score": 0.7,
             "effective_length": "4k", "half_life_tokens": np.inf, "rank_low": 1, "rank_high": 2},
            {"model": "a", "task": "detect", "scorer": "strict", "source": "rmt-bench", "curve_score": np.nan,
             "effective_length": None, "half_life_tokens": 900.4, "rank_low": 1, "rank_high": 2},
        ]
    )  # fmt: skip
    told = Page(build_site(board("a", "b"), tmp_path, scores=scores)).data["scores"]
    assert told == {
        "entry": [1, 0], "task": [0, 0], "effective": [1, None], "curve_score": [7_000, None],
        "half_life_tokens": ["inf", 900], "rank_low": 1, "rank_high": 2,
    }  # fmt: skip


@pytest.mark.parametrize(("changed", "rows_of", "scores_of"), [
    ({}, ["detect"], ["detect"]),
    ({"longest_tokens": 4_000}, ["detect"], []),
    ({"rank_low": None}, ["detect"], []),
    ({"dataset": "other"}, [], []),
])  # fmt: skip
def test_ranks_are_told_only_where_all_were_asked_the_same(tmp_path, changed, rows_of, scores_of):
    same = {"task": "detect", "scorer": "strict", "source": "rmt-bench", "dataset": "", "rank_low": 1, "rank_high": 2,
            "curve_score": 0.5, "shortest_tokens": 1_000, "longest_tokens": 32_000}  # fmt: skip
    scores = pd.DataFrame([{"model": "a"} | same, {"model": "b"} | same | changed])
    other = {"dataset": changed["dataset"]} if "dataset" in changed else {}
    table = pd.concat([board("a"), board("b", **other)], ignore_index=True).assign(rank_low=1, rank_high=2)
    ranked = Page(build_site(table, tmp_path, scores=scores)).data["ranked"]
    assert ranked == {"rows": rows_of, "scores": scores_of}


def test_settings_of_a_run_are_told_in_full_and_many_of_one_kind_stand_together():
    told = about(
        {
            "identity": {"model": "a", "scorer": "strict", "samples": {"seed": 0, "placement": None}},
            "source": {"files": {f"{number}.csv": "0" * 64 for number in range(30)}, "settings": [{"prompt": "x"}]},
        }
    )
    names = [name for name, _ in told.settings]
    assert names == ["model", "scorer when it ran", "samples.seed", "source.files", "source.settings.1.prompt"]
    assert len(dict(told.settings)["source.files"]) == 30


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, None, pd.NA])
def test_a_number_that_is_none_is_told_as_unknown_or_endless_and_the_page_stays_valid(tmp_path, value):
    table = board("a").astype(object)
    table.loc[0, ["accuracy", "ci_low", "tokens_per_second"]] = [value] * 3
    told = Page(build_site(table, tmp_path)).data["rows"]["accuracy"][0]
    assert told == ("inf" if value is np.inf else None)


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_name_writes_a_file_outside_the_site_or_brings_an_element_into_a_page(tmp_path, kind):
    name = HOSTILE[kind]
    site = tmp_path / "deep" / "site"
    build_site(board("plain"), tmp_path / "plain")
    build_site(board(name, tasks=(name,), prompt=name, scorer=name, source=name, dataset=name), site)
    assert {path.name for path in tmp_path.iterdir()} == {"deep", "plain"}
    plain = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert all(set(path.stem) <= plain for folder in ("models", "tasks") for path in (site / folder).iterdir())
    usual, pages = _pages(tmp_path / "plain"), _pages(site)
    for own, theirs in zip(usual.values(), pages.values(), strict=True):
        for tag in ("script", "img", "a", "iframe", "style", "link", "meta"):
            assert len(theirs.all(tag)) == len(own.all(tag)), tag
    whole = name.replace("\x00", "�").replace("\x1b", "�")
    for page in pages.values():
        assert page.data["entries"][0]["model"] == whole


def test_marks_of_direction_are_isolated_in_a_page_and_left_out_of_its_title(tmp_path):
    build_site(board(HOSTILE["right to left"]), tmp_path)
    (page,) = [page for name, page in _pages(tmp_path).items() if name.startswith("models/")]
    assert page.texts["title"] == ["evil مرحبا: rmt-bench leaderboard"]
    shown = [tag for tag, texts in page.texts.items() for text in texts if "\u202e" in text]
    assert set(shown) == {"bdi", "script"}


def test_names_that_look_alike_have_pages_of_their_own(tmp_path):
    build_site(board("a b", "A-B", "a/b"), tmp_path)
    assert len(list((tmp_path / "models").iterdir())) == 3


def test_what_is_no_character_is_shown_as_such():
    assert shown("a\ud83dz\x1b\tq") == "a?z\N{REPLACEMENT CHARACTER}\tq"


def test_a_long_name_makes_a_short_title_and_a_short_file_name():
    assert len(title("x" * 10_000)) == 80
    assert len(file_name("x" * 10_000)) <= 50
    assert file_name("", "prompt") != file_name("prompt", "")


def test_no_page_asks_another_host_or_holds_a_script_or_a_handler_of_its_own(tmp_path):
    build_site(board("a"), tmp_path, downloads=[])
    for name, page in _pages(tmp_path).items():
        (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv")]
        assert policy is not None
        assert "script-src 'self';" in policy, name
        for tag, attributes in page.elements:
            assert not any(key.startswith("on") or key == "style" for key in attributes), (name, tag)
            address = attributes.get("src") or attributes.get("href") or ""
            assert "//" not in address, (name, address)
            if tag not in ("script", "link") or address == "data:,":
                continue
            assert (
                attributes.get("type") == "application/json"
                or (tmp_path / name).parent.joinpath(address.partition("?")[0]).is_file()
            ), (name, address)


def test_every_script_and_style_that_is_shipped_is_loaded():
    shipped = {file.name for file in files("rmt_bench.leaderboard.site").joinpath("assets").iterdir()}
    assert shipped == {*SCRIPTS, "theme.js", "style.css", "tables.css", *OWN_ASSETS}


def test_building_again_removes_pages_that_are_no_more_and_nothing_else(tmp_path):
    build_site(board("a", "b"), tmp_path)
    (tmp_path / "CNAME").write_text("board.example")
    build_site(board("b"), tmp_path)
    assert [path.name for path in (tmp_path / "models").iterdir()] == [
        f"{Entry('b', '', 'strict', 'rmt-bench').id}.html"
    ]
    assert (tmp_path / "CNAME").is_file()


def test_a_page_that_no_leaderboard_made_is_not_written_over(tmp_path):
    (tmp_path / "index.html").write_text("my own")
    with pytest.raises(UserError, match="name another folder"):
        build_site(board("a"), tmp_path)
    assert (tmp_path / "index.html").read_text() == "my own"


@pytest.mark.parametrize("name", ["../victim", "/etc/hostname", "link/victim"])
def test_a_manifest_that_names_a_file_outside_is_refused_and_the_file_stays(tmp_path, name):
    site, outside = tmp_path / "site", tmp_path / "outside"
    outside.mkdir()
    for victim in (tmp_path / "victim", outside / "victim"):
        victim.write_text("dear")
    build_site(board("a"), site)
    (site / "link").symlink_to(outside)
    write_manifest(site, ["index.html", name])
    with pytest.raises(UserError, match="lies outside"):
        build_site(board("b"), site)
    assert (tmp_path / "victim").exists()
    assert (outside / "victim").exists()


def test_a_link_in_the_site_does_not_lead_writing_outside(tmp_path):
    site, outside = tmp_path / "site", tmp_path / "outside"
    outside.mkdir()
    site.mkdir()
    (site / "models").symlink_to(outside)
    with pytest.raises(UserError, match="lies outside"):
        build_site(board("a"), site)
    assert not list(outside.iterdir())


def _told(folder: Path, records: list[Record], scorer: str | None = None, **info: Any) -> Told:
    told = Told()
    told.add(read_run(write_run(folder, records, model="a", **info), scorer))
    return told


def _page(site: Path, kind: str) -> Page:
    (page,) = [page for name, page in _pages(site).items() if name.startswith(kind)]
    return page


def _texts(page: Page) -> set[str]:
    return {text for tag, texts in page.texts.items() if tag != "script" for text in texts}


def test_the_page_of_a_model_tells_how_it_was_run_what_it_said_and_why_it_did_not_answer(tmp_path):
    records = [record(0), record(1, correct=False), record(2, status="error", correct=False, reason="no <memory>")]
    told = _told(
        tmp_path / "run", records, command="rmt-bench eval a --seed 1", date="2026-11-25T00:00:00",
        hardware={"machine": "x86_64", "accelerator": None}, versions={"torch": "2.13.0"},
    )  # fmt: skip
    build_site(board("a"), tmp_path / "site", told=told, depths=depth_rows(read_run(tmp_path / "run")))
    page = _page(tmp_path / "site", "models/")
    texts = _texts(page)
    assert {"rmt-bench eval a --seed 1", "x86_64", "2.13.0", "Where is Mary?", "office", "error: no <memory>"} <= texts
    assert "accelerator" not in texts
    assert page.data["depths"] == {"detect": {"4k": {"5": [2, 1, 945, 9055]}}}


def test_runs_of_one_entry_stand_on_one_page_and_those_of_another_scorer_on_another(tmp_path):
    told = _told(tmp_path / "first", [record(0)], command="first call")
    told.add(read_run(write_run(tmp_path / "second", [record(0, task="qa1")], model="a", command="second call")))
    told.add(read_run(tmp_path / "second", "babilong"))
    assert [entry.scorer for entry in told] == ["strict", "babilong"]
    build_site(board("a", tasks=("detect", "qa1")), tmp_path / "site", told=told)
    page = _page(tmp_path / "site", "models/")
    assert {"first call", "second call"} <= _texts(page)


def test_answers_read_by_another_scorer_are_judged_by_it_and_not_shown_as_the_first_read_them(tmp_path):
    wordy = record(0, output="garden or office", answer="", correct=False, status="invalid")
    (details,) = _told(tmp_path / "run", [wordy], "lm-eval").values()
    assert [(example.verdict, example.answer) for example in details.examples] == [("right", None)]


def test_a_task_page_shows_what_is_asked_without_what_models_said(tmp_path):
    build_site(board("a"), tmp_path / "site", told=_told(tmp_path / "run", [record(0, correct=False)]))
    texts = _texts(_page(tmp_path / "site", "tasks/"))
    assert {"Where is Mary?", "garden"} <= texts
    assert "office" not in texts


def test_a_table_without_optional_columns_makes_a_site(tmp_path):
    needed = ["model", "task", "length", "n_tokens", "n", "correct", "accuracy", "ci_low", "ci_high"]
    data = Page(build_site(pd.DataFrame(rows("a"))[needed], tmp_path)).data
    assert "state_bytes" not in data["rows"]
    assert data["scores"] is None


def test_a_served_site_shows_its_index_and_lists_no_folder(tmp_path):
    build_site(board("a"), tmp_path)
    with served(tmp_path) as (server, address):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address) as answer:
            assert b"How far does it remember?" in answer.read()
        for path in ("models/", "assets/", "%2e%2e/%2e%2e/etc/passwd"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(address + path)
        server.shutdown()


def test_a_port_that_is_taken_and_a_folder_that_is_no_site_are_refused_with_the_remedy(tmp_path):
    with pytest.raises(UserError, match="leaderboard build"), served(tmp_path):
        pass
    build_site(board("a"), tmp_path)
    with (
        served(tmp_path) as (server, _),
        pytest.raises(UserError, match="--port 0"),
        served(tmp_path, server.server_address[1]),
    ):
        pass
