"""The audit: a sound data set passes, and whatever is wrong with one is told, with where and how often."""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from rmt_bench.base.errors import IncompleteError, UserError
from rmt_bench.base.files import sha256_file
from rmt_bench.generators.audit import audit
from rmt_bench.generators.audit_findings import Report
from rmt_bench.generators.audit_rows import names_in
from rmt_bench.generators.commands import audit_command
from rmt_bench.generators.generate import generate
from rmt_bench.tasks.lexicon import OFFICIAL, collisions

TASKS = ("detect", "qa1", "qa11")
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def data(story: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound data set: three tasks, nothing but facts and 600 tokens."""
    folder = tmp_path_factory.mktemp("audit") / "data"
    generate(TASKS, "0,600", output=folder, samples=24, background=str(story), distractors=5, style="match")
    return folder


@pytest.fixture(scope="module")
def sound(data: Path, story: Path) -> Report:
    """The audit of it."""
    return audit(data, background=str(story))


@pytest.fixture(scope="module")
def small(story: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound data set of a few samples."""
    folder = tmp_path_factory.mktemp("audit") / "data"
    generate(("qa1", "qa7"), "0,600", output=folder, samples=6, background=str(story), distractors=5, style="match")
    return folder


@pytest.fixture
def damaged(small: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(small, tmp_path / "damaged"))


def _failed(folder: Path, story: Path | None = None) -> dict[str, str]:
    report = audit(folder, background=str(story) if story else None)
    return {check.name: check.examples[0] for check in report.failed}


def _rewrite(folder: Path, change: Callable[[Rows], Any], file: str = "600/qa1", hide: bool = True) -> None:
    """Change the rows of a file; `hide` makes the manifest agree with it, so that its hash gives nothing away."""
    path = folder / f"{file}-00000-of-00001.parquet"
    table = pq.read_table(path)
    rows = copy.deepcopy(table.to_pylist())
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)
    if hide:
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"][f"{file}-00000-of-00001.parquet"] |= {"sha256": sha256_file(path), "rows": len(rows)}
        (folder / "manifest.json").write_text(json.dumps(manifest))


def test_sound_data_set_passes_every_check(sound: Report) -> None:
    assert sound.failed == []
    assert {check.name: check.verdict for check in sound.checks} == dict.fromkeys(
        ("files", "spans", "story", "text", "answers", "names", "lengths", "depths", "labels", "duplicates", "train"),
        "sound",
    )
    assert not any(check.skipped for check in sound.checks)


def test_report_says_what_was_measured(sound: Report) -> None:
    (part,) = (part for part in sound.parts if (part.task, part.length) == ("qa1", "600"))
    assert (part.samples, part.n_tokens, part.exact) == (24, (600, 600), 24)
    assert part.distractors == 24 * 3
    (found,) = sound.detectability
    assert found.length == "600"
    assert found.words is not None
    assert found.words > 0.9
    assert {answers.task for answers in sound.answers} == set(TASKS)
    assert all(answers.question_only is not None for answers in sound.answers)


def _move_span(rows: Rows) -> None:
    rows[3]["facts"][0]["char_start"] += 1


def _swap_answer(rows: Rows) -> None:
    rows[3]["target"] = next(label for label in rows[3]["choices"] if label != rows[3]["target"])


def _name_in_filler(rows: Rows) -> None:
    row = rows[3]
    end = row["facts"][-1]["char_end"]
    after = row["input"][end:]
    row["input"] = row["input"][:end] + re.sub(r" [a-z]{4,8} ", " gardener ", after, count=1)


def _wrong_depth(rows: Rows) -> None:
    rows[3]["facts"][0]["depth"] += 0.1


def _wrong_token(rows: Rows) -> None:
    fact = rows[3]["facts"][0]
    fact["token_start"] += 1
    fact["depth"] = fact["token_start"] / rows[3]["n_tokens"]


def _duplicate(rows: Rows) -> None:
    rows.append(rows[3])


def _wrong_length(rows: Rows) -> None:
    rows[3]["n_tokens"] += 1


def _wrong_flag(rows: Rows) -> None:
    fact = rows[3]["facts"][-1]
    fact["supporting"] = not fact["supporting"]


def _edit_text(rows: Rows) -> None:
    rows[3]["input"] = rows[3]["input"].replace(" the ", " teh ", 1)


def _cut_text(rows: Rows) -> None:
    rows[3]["input"] = rows[3]["input"][:-40]


def _drop_row(rows: Rows) -> None:
    del rows[3]


def _other_question(rows: Rows) -> None:
    rows[3]["question"] = "Where is Walter?"


def _other_fact(rows: Rows) -> None:
    fact = rows[3]["facts"][0]
    fact["text"] = fact["text"].replace("to the", "too the")


def _row_of_another_task(rows: Rows) -> None:
    rows[3]["task"] = "qa2"


def _one_text_twice(rows: Rows) -> None:
    rows[3]["input"] = rows[4]["input"]


def _wrong_distractors(rows: Rows) -> None:
    rows[3]["n_distractors"] = 0


@pytest.mark.parametrize(
    ("damage", "check", "said"),
    [
        (_move_span, "spans", "600/qa1 sample 3, fact 0: '"),
        (_swap_answer, "answers", "600/qa1 sample 3: 'Where is"),
        (_swap_answer, "story", "600/qa1 sample 3: answer: '"),
        (_name_in_filler, "names", "600/qa1 sample 3: the filler holds 'garden'"),
        (_wrong_depth, "spans", "600/qa1 sample 3, fact 0: its depth is"),
        (_wrong_token, "spans", "600/qa1 sample 3, fact 0: it begins at token"),
        (_duplicate, "duplicates", "600/qa1 sample 3: the id"),
        (_wrong_length, "lengths", "600/qa1 sample 3: the text has 600 tokens"),
        (_wrong_flag, "story", "600/qa1 sample 3: supporting facts: ("),
        (_edit_text, "text", "600/qa1 sample 3: it differs from character"),
        (_cut_text, "lengths", "600/qa1 sample 3: the text has 5"),
        (_drop_row, "files", "600/qa1: sample [3] is missing"),
        (_other_question, "story", "600/qa1 sample 3: question: 'Where is Walter?'"),
        (_other_fact, "spans", "600/qa1 sample 3, fact 0:"),
        (_row_of_another_task, "files", "600/qa1: it holds a row of qa2 at 600"),
        (_one_text_twice, "duplicates", "600/qa1 sample 4: it has the text of 600/qa1 sample 3"),
        (_wrong_distractors, "text", "600/qa1 sample 3: (distractors, wraps) are (3, "),
    ],
)
def test_damage_is_found_though_the_manifest_agrees_with_it(
    damaged: Path, story: Path, damage: Callable[[Rows], None], check: str, said: str
) -> None:
    _rewrite(damaged, damage)
    failed = _failed(damaged, story)
    assert failed.get(check, "not found").startswith(said), failed


def test_changed_file_is_told_by_its_hash_too(damaged: Path) -> None:
    _rewrite(damaged, _edit_text, hide=False)
    assert "its bytes are not those of the manifest" in _failed(damaged)["files"]


def test_truncated_file_is_told_and_the_rest_is_looked_at(damaged: Path) -> None:
    path = damaged / "600" / "qa7-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    report = audit(damaged)
    (check,) = report.failed
    assert check.name == "files"
    assert [example.partition(": ")[0] for example in check.examples] == ["600/qa7-00000-of-00001.parquet"] * 2 + [
        "600/qa7"
    ]
    assert "it is no whole Parquet file" in check.examples[1]
    assert len(report.parts) == 3


def test_missing_file_is_told(damaged: Path) -> None:
    (damaged / "600" / "qa7-00000-of-00001.parquet").unlink()
    assert _failed(damaged)["files"] == "600/qa7-00000-of-00001.parquet: the file is missing"


def test_file_that_the_manifest_does_not_name_is_told(damaged: Path) -> None:
    manifest = json.loads((damaged / "manifest.json").read_text())
    del manifest["files"]["600/qa7-00000-of-00001.parquet"]
    (damaged / "manifest.json").write_text(json.dumps(manifest))
    assert _failed(damaged)["files"] == "600/qa7: the manifest names no file of it"


def test_sample_of_the_other_split_is_told(damaged: Path, story: Path) -> None:
    from rmt_bench.generators.audit_plan import Planned

    planned = Planned(json.loads((damaged / "manifest.json").read_text())["plan"], background=str(story))
    train = planned.train.samples("qa1", planned.tasks["qa1"], planned.lengths["600"], 5)[0]

    def leak(rows: Rows) -> None:
        rows[3] |= {"id": train.id, "input": train.text}

    _rewrite(damaged, leak)
    check = next(check for check in audit(damaged, background=str(story)).checks if check.name == "train")
    assert check.failures == 2
    assert check.examples[0] == f"600/qa1 sample 5 of the other split: its id {train.id} occurs"


def test_lopsided_answers_are_told(data: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(data, tmp_path / "damaged"))

    def lean(rows: Rows) -> None:
        for row in rows:
            row["target"] = "garden"

    for length in ("0", "600"):
        _rewrite(damaged, lean, f"{length}/qa1")
    assert _failed(damaged)["labels"].startswith("qa1: p = ")


def test_uneven_depths_are_told(story: Path, tmp_path: Path) -> None:
    generate(["detect"], "2k", output=tmp_path / "d", samples=40, background=str(story), placement="depth=0.25")
    manifest = json.loads((tmp_path / "d" / "manifest.json").read_text())
    manifest["plan"]["placement"] = None
    (tmp_path / "d" / "manifest.json").write_text(json.dumps(manifest))
    report = audit(tmp_path / "d", background=str(story))
    check = next(check for check in report.checks if check.name == "depths")
    assert "planned:" in check.examples[0]
    (part,) = report.parts
    assert part.depths_p is not None
    assert part.depths_p < 1e-6


def test_without_its_background_stories_and_ids_are_compared_and_the_report_says_so(small: Path) -> None:
    checks = {check.name: check for check in audit(small).checks}
    assert checks["text"].verdict == "-"
    assert "give --background" in checks["text"].skipped
    assert checks["story"].verdict == checks["train"].verdict == "sound"
    assert checks["train"].skipped.startswith("ids only")


def test_background_and_tokenizer_of_another_data_set_are_refused(data: Path, tmp_path: Path, wordpiece: Any) -> None:
    (tmp_path / "other.txt").write_text("It was another story. Nobody knew it.")
    with pytest.raises(UserError, match="not the background that the data set was made with"):
        audit(data, background=str(tmp_path / "other.txt"))
    wordpiece.save_pretrained(tmp_path / "toy")
    with pytest.raises(UserError, match="not the tokenizer that the data set was made with"):
        audit(data, tokenizer=str(tmp_path / "toy"))


def test_data_set_of_another_generator_is_judged_by_its_texts_alone(damaged: Path) -> None:
    manifest = json.loads((damaged / "manifest.json").read_text())
    manifest["plan"]["generator_version"] = 0
    (damaged / "manifest.json").write_text(json.dumps(manifest))
    _rewrite(damaged, _swap_answer)
    checks = {check.name: check for check in audit(damaged).checks}
    assert checks["story"].skipped.startswith("made by generator version 0")
    assert (checks["story"].verdict, checks["answers"].verdict) == ("-", "UNSOUND")


def test_recipe_is_audited_as_its_texts_are(story: Path, tmp_path: Path) -> None:
    generate(["qa1"], "0,600", output=tmp_path / "d", samples=3, background=str(story), store="recipe")
    assert audit(tmp_path / "d", background=str(story)).failed == []
    _rewrite(tmp_path / "d", _wrong_length_of_two)
    assert "lengths" in _failed(tmp_path / "d", story)


def _wrong_length_of_two(rows: Rows) -> None:
    rows[1]["n_tokens"] += 2


def test_stories_with_several_questions_share_a_text(story: Path, tmp_path: Path) -> None:
    generate(
        ["qa1"], "0,7seg", output=tmp_path / "d", samples=6, background=str(story), segment_length=100,
        task_args={"questions": "2", "facts": "6"},
    )  # fmt: skip
    report = audit(tmp_path / "d", background=str(story))
    assert report.failed == []
    assert report.answers[0].stories == 12


def test_word_whose_space_is_a_token_of_its_own_begins_at_that_token(story: Path, tmp_path: Path) -> None:
    call: dict[str, Any] = {"samples": 30, "background": str(story), "task_args": {"lexicon": "fresh"}}
    generate(["qa15"], "0,600", output=tmp_path / "d", **call)
    assert any("Zebra" in row["input"] for row in pq.read_table(tmp_path / "d" / "0").to_pylist())
    assert audit(tmp_path / "d", background=str(story)).failed == []


def test_words_are_found_in_long_texts_as_the_lexicon_finds_them(story: Path) -> None:
    text = story.read_text(encoding="utf-8") + " The gardener's hundred red boxes, a rose_garden; Mary’s education."
    found = {name.casefold() for name in names_in(text, OFFICIAL)}
    assert {name.casefold() for name in collisions(text)} <= found
    assert not any("hundred" in name or "education" in name for name in found)
    assert list(names_in("hundred million summaries", OFFICIAL)) == []


def _audit(*arguments: str) -> Result:
    return CliRunner().invoke(audit_command, list(arguments))


def test_command_prints_checks_and_writes_a_page_without_network(data: Path, story: Path, tmp_path: Path) -> None:
    page = tmp_path / "audit.html"
    result = _audit(str(data), "--background", str(story), "--output", str(page))
    assert result.exit_code == 0, result.output
    assert result.output.count("sound") >= 12
    assert "UNSOUND" not in result.output
    html = page.read_text(encoding="utf-8")
    assert "Do facts stand out?" in html
    assert 'data is <span class="sound">sound</span>' in html
    assert not re.search(r"https?://|<script|@import|src=", html)


def test_command_ends_in_one_line_that_counts_what_fails(damaged: Path, tmp_path: Path) -> None:
    _rewrite(damaged, _swap_answer)
    result = _audit(str(damaged), "--json", "--output", str(tmp_path / "audit.html"))
    assert isinstance(result.exception, IncompleteError)
    assert re.search(r"is unsound: story \(1 of [\d,]+\), answers \(1 of 24\)", str(result.exception))
    found = json.loads(result.output)
    assert found["sound"] is False
    assert next(check for check in found["checks"] if check["name"] == "answers")["failures"] == 1
    assert "not &#39;" in (tmp_path / "audit.html").read_text(encoding="utf-8")


def test_folder_without_a_data_set_is_a_users_error(tmp_path: Path) -> None:
    result = _audit(str(tmp_path))
    assert isinstance(result.exception, UserError)
    assert "holds no data set" in str(result.exception)


def test_audit_without_scikit_learn_names_the_remedy(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sklearn", None)
    with pytest.raises(UserError, match=r"pip install 'rmt-bench\[audit\]'"):
        audit(data)


@pytest.mark.slow
def test_all_tasks_in_real_books_are_sound_and_hidden_facts_stand_out_less(real_data: Path, tmp_path: Path) -> None:
    tasks = ["memorize", "detect", "reasoning", *(f"qa{number}" for number in range(1, 21))]
    books = str(real_data / "books")

    def report(name: str, **options: Any) -> Report:
        call: dict[str, Any] = {"samples": 20, "token_budget": 128_000, "min_samples": 1, "background": books}
        generate(tasks, "4k,128k", output=tmp_path / name, **call, **options)
        return audit(tmp_path / name, background=books)

    plain, hidden = report("plain"), report("hidden", distractors=5, style="match")
    for found in (plain, hidden):
        assert [(check.name, check.examples) for check in found.failed] == []
        assert not any(check.skipped for check in found.checks)
    for before, after in zip(plain.detectability, hidden.detectability, strict=True):
        assert before.length_only is not None
        assert after.length_only is not None
        assert after.length_only < before.length_only - 0.15
        assert before.masked is not None
        assert after.masked is not None
        assert after.masked < before.masked
