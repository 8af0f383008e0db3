"""The report of a run as a file: what it tells, that it needs nothing else, and that no name can do harm."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import rmt_bench
from rmt_bench.bench.eval_command import eval_command
from rmt_bench.bench.record import Probe, Record
from rmt_bench.leaderboard.board import conclude_run
from rmt_bench.leaderboard.records import read_run
from rmt_bench.leaderboard.site.again import command_of
from rmt_bench.leaderboard.site.report import REPORT

from .runs import record, write_run
from .sites import HOSTILE, Page

SAMPLES = {"seed": 3, "background": "prose", "tokenizer": "embedded", "placement": None, "distractors": 0.0,
           "style": "none", "knobs": {"capacity": {"facts": 4}}}  # fmt: skip


@dataclass(frozen=True)
class _Passage:
    before: str = "before it"
    fact: str = "Mary went to the garden."
    after: str = "after it"
    depth: float = 0.5
    cut_before: bool = True
    cut_after: bool = False


def _records(probed: bool = False) -> list[Record]:
    """Eight questions at each of two lengths, the last two of each wrong, at distances 0 to 7 from their facts."""
    made = [
        record(
            number, correct=number < 6, length=length, model_tokens=tokens, segments=tokens // 64,
            segments_since=number, depths=(1 - number / 8.5,),
        )
        for length, tokens in (("4k", 4_005), ("8k", 8_005))
        for number in range(8)
    ]  # fmt: skip
    if not probed:
        return made
    return [replace(one, probes=(Probe(0, "garden", one.index < 7, "answered"),)) for one in made]


def _called(name: str, plain: str) -> list[Record]:
    """Eight questions about which everything that can be said is `name`; at lengths that have their own in `plain`."""
    texts = dict.fromkeys(("task", "question", "target", "output", "answer", "reason"), name)
    return [
        replace(
            one, **texts, choices=(name,), length=name if plain != name else one.length,
            status="skipped" if one.index == 7 else "answered",
        )
        for one in _records(probed=True)[:8]
    ]  # fmt: skip


def _report(folder: Path, records: list[Record], surroundings=None, **info) -> Page:
    conclude_run(write_run(folder, records, **info), surroundings)
    return Page(folder / REPORT)


def _texts(page: Page) -> list[str]:
    return [text.strip() for tag, texts in page.texts.items() if tag not in ("script", "style") for text in texts]


def _table(folder: Path, section: str) -> list[list[str]]:
    """The cells of the first table after a heading, without the heads."""
    source = (folder / REPORT).read_text()
    body = re.search(r"<tbody>(.*?)</tbody>", source[source.index(f'id="{section}"') :], re.DOTALL)
    assert body is not None
    rows = re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL)
    cells = (re.findall(r"<t[hd]\b.*?</t[hd]>", row, re.DOTALL) for row in rows)
    return [[" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in row] for row in cells]


def test_a_concluded_run_has_a_report_with_its_numbers_settings_and_command(tmp_path):
    page = _report(
        tmp_path / "run", _records(), command="rmt-bench eval mine --seed 3", hardware={"machine": "x86_64"},
        versions={"torch": "2.13.0"}, identity={"samples": SAMPLES},
    )  # fmt: skip
    assert _table(tmp_path / "run", "curve")[0][:5] == ["detect", "4k", "75.0 41–93", "33.3%", "8"]
    assert {"rmt-bench eval mine --seed 3", "x86_64", "2.13.0", "Where is Mary?"} <= set(_texts(page))
    assert not {"Errors", "Skipped"} & set(page.texts["th"])


def test_a_line_has_the_colour_of_its_task_where_another_task_was_not_answered_at_all(tmp_path):
    failed = record(0, task="qa1", correct=False, status="error", reason="it hangs", segments_since=None)
    _report(tmp_path / "run", [failed, *_records()], tasks=["qa1", "detect"])
    source = (tmp_path / "run" / REPORT).read_text()
    legend = re.search(r'<ul class="legend".*?</ul>', source[source.index('id="curve"') :], re.DOTALL)
    assert legend is not None
    assert re.findall(r'line-(\d)"|title="(\w+)"', legend[0]) == [("0", ""), ("", "detect")]
    assert "var(--line-1)" not in source[source.index('id="curve"') :].partition("</section>")[0]


def test_accuracy_is_told_by_segments_since_the_last_supporting_fact(tmp_path):
    _report(tmp_path / "run", _records())
    # Distances 0, 1, 2 to 3, 4 to 7: of the last, numbers 6 and 7 are wrong at both lengths.
    (row,) = _table(tmp_path / "run", "since")
    assert [cell.split()[0] for cell in row] == ["detect", "100.0", "100.0", "100.0", "50.0"]
    assert [cell.split()[-1] for cell in row[1:]] == ["2", "2", "4", "8"]


def test_capture_and_retention_stand_where_a_run_was_probed_and_else_how_to_probe(tmp_path):
    _report(tmp_path / "probed", _records(probed=True))
    first, _ = _table(tmp_path / "probed", "captured")
    assert first[:3] == ["detect", "4k", "8"]
    assert [cell.split()[0] for cell in first[3:]] == ["87.5", "85.7", "0.0", "75.0"]
    assert any("--probe" in text for text in _texts(_report(tmp_path / "plain", _records())))


def test_depths_are_told_to_the_scripts_of_the_board(tmp_path):
    page = _report(tmp_path / "run", [record(0), record(1, correct=False)])
    (island,) = [text for text in page.texts["script"] if text.startswith("{")]
    assert json.loads(island)["depths"] == {"detect": {"4k": {"5": [2, 1, 945, 9055]}}}


def test_samples_of_every_kind_are_shown_with_what_was_said_and_where_the_facts_lay(tmp_path):
    failed = record(9, correct=False, status="error", reason="out of memory", answer="", output="")
    page = _report(tmp_path / "run", [*_records(probed=True), failed])
    shown = [one for one in page.all("details") if one.get("class") == "one"]
    # At 4k: six right ones, two wrong ones, the error; at 8k the same without it.
    assert len(shown) == 6 + 2 + 1 + 6 + 2
    texts = _texts(page)
    assert {"right", "wrong", "error", "out of memory", "office", "error: out of memory"} <= set(texts)
    assert any(text.startswith("52.9%") for text in texts)
    assert any("0 segments after:" in text for text in texts)


def test_facts_stand_in_their_surroundings_where_somebody_can_tell_them(tmp_path):
    asked = []

    def surroundings(*sample):
        asked.append(sample)
        return [_Passage()]

    page = _report(tmp_path / "run", _records(), surroundings)
    assert page.texts["mark"] == ["Mary went to the garden."] * 4
    assert asked[0] == ("detect", "4k", 0, "detect-4k-0")
    assert any(text.startswith("… before it") for text in _texts(page))


def test_a_run_that_eval_made_brings_the_surroundings_of_its_facts(story, tmp_path):
    given = ("oracle", "--tasks", "detect", "--lengths", "300", "--samples", "2", "--background", story, "--quiet")
    call = [*map(str, given), "--output", str(tmp_path / "run")]
    finished = CliRunner().invoke(eval_command, call, standalone_mode=False).return_value
    conclude_run(finished.folder, finished.surroundings)
    plan = rmt_bench.generate(["detect"], "300", samples=2, background=str(story))
    facts = {fact.text for sample in plan for fact in sample.facts if fact.supporting}  # type: ignore[union-attr]
    assert set(Page(tmp_path / "run" / REPORT).texts["mark"]) <= facts
    assert "mark" in Page(tmp_path / "run" / REPORT).texts


@pytest.mark.parametrize(("samples", "length", "says"), [
    (SAMPLES, "4k", """python -c 'import rmt_bench; print(next(s.text for s in rmt_bench.generate(["detect"], "4k", """
     """samples=8, seed=3) if s.id == "x"))'"""),
    (SAMPLES | {"segment_length": 64, "tokenizer": "a'b"}, "7seg", "segment_length=64"),
    (SAMPLES | {"background": "text:novel.txt"}, "4k", ""),
    (SAMPLES | {"files": "0123"}, "4k", ""),
    (None, "4k", ""),
])  # fmt: skip
def test_the_command_for_a_whole_text_is_told_only_where_the_run_says_enough(tmp_path, samples, length, says):
    run = read_run(write_run(tmp_path / "run", [record(0)], identity={"samples": samples} if samples else {}))
    command = command_of(run, "detect", length, 7, "x")
    assert bool(command) == bool(says)
    assert says in command


def test_that_command_prints_the_text_that_was_asked_about(tmp_path, capsys):
    plan = rmt_bench.generate(
        ["capacity"], "300", samples=2, seed=3, placement="end", distractors=4.0, task_args={"facts": "3"}
    )
    (sample,) = [sample for sample in plan if sample.index == 1]  # type: ignore[union-attr]
    run = read_run(write_run(tmp_path / "run", [record(0)], identity={"samples": plan.identity()}))
    command = shlex.split(command_of(run, "capacity", "300", 1, sample.id))
    assert command[:2] == ["python", "-c"]
    exec(command[2])
    assert capsys.readouterr().out == f"{sample.text}\n"


def test_a_knob_of_the_task_is_part_of_that_command(tmp_path):
    run = read_run(write_run(tmp_path / "run", [record(0)], identity={"samples": SAMPLES}))
    assert 'task_args={"facts": 4}' in command_of(run, "capacity", "4k", 0, "x")


def test_a_run_in_which_nothing_was_answered_or_known_still_has_a_report(tmp_path):
    bare = record(0, correct=False, status="error", reason="it hangs", depths=(), segments_since=None)
    texts = _texts(_report(tmp_path / "run", [bare]))
    assert any(text.startswith("No question was answered") for text in texts)
    assert any(text.startswith("How far the facts lay") for text in texts)


def test_a_report_needs_no_other_file_and_only_its_own_scripts_may_run(tmp_path):
    page = _report(tmp_path / "run", _records(probed=True))
    source = (tmp_path / "run" / REPORT).read_text()
    assert not [attributes["src"] for _, attributes in page.elements if attributes.get("src")]
    addresses = {attributes["href"] or "" for _, attributes in page.elements if "href" in attributes}
    assert all(address.startswith("#") or address == "data:," for address in addresses)
    assert not re.search(r"url\((?!#)|@import", source)
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv")]
    scripts = re.findall(r"<script>(.*?)</script>", source, re.DOTALL)
    hashes = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts}
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert set(re.findall(r"'sha256-([^']*)'", policy)) == hashes
    assert len(source) < 400_000


def test_parts_of_one_drawing_are_never_taken_for_those_of_another(tmp_path):
    page = _report(tmp_path / "run", _records())
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all(f"#{name}" not in (tmp_path / "run" / REPORT).read_text() for name in ("010100", "010200"))


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_name_question_or_answer_brings_an_element_into_a_report(tmp_path, kind):
    text = HOSTILE[kind].encode("utf-8", "replace").decode()
    plain, theirs = (
        _report(
            tmp_path / folder, _called(name, "plain"), lambda *sample, name=name: [_Passage(name, name, name)],
            model=name, identity={"prompt": name, "samples": SAMPLES | {"tokenizer": name}}, command=name,
        )
        for folder, name in (("plain", "plain"), ("theirs", text))
    )  # fmt: skip
    for tag in ("script", "img", "a", "iframe", "style", "link", "meta", "svg", "path", "mark", "details"):
        assert len(theirs.all(tag)) == len(plain.all(tag)), tag
    for _, attributes in theirs.elements:
        assert not any(name.startswith("on") for name in attributes)
    (island,) = [script for script in theirs.texts["script"] if script.startswith("{")]
    assert json.loads(island)["entries"][0]["model"] == text.replace("\x00", "�").replace("\x1b", "�")
