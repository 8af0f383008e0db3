from __future__ import annotations

import hashlib
import inspect
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rmt_bench.base.engine import Engine
from rmt_bench.base.errors import IncompleteError, UserError
from rmt_bench.generators.dataset import Dataset, generate_dataset
from rmt_bench.generators.generate import generate, make_plan
from rmt_bench.generators.haystack import Haystack
from rmt_bench.generators.layout import RECIPE_SCHEMA
from rmt_bench.generators.recipe import materialize


@pytest.fixture(scope="module")
def saved(wordpiece: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "toy"
    wordpiece.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folders(story: Path, saved: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One data set in both stores."""
    made = tmp_path_factory.mktemp("stores")
    options: dict[str, Any] = {"samples": 4, "background": str(story), "tokenizer": str(saved)}
    for store in ("text", "recipe"):
        generate(["detect", "qa3"], "0,2k", output=made / store, store=store, **options)
    return {store: made / store for store in ("text", "recipe")}


@pytest.fixture
def recipe(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A recipe that a test may damage."""
    return Path(shutil.copytree(folders["recipe"], tmp_path / "copy"))


def _hashes(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_recipe_holds_hashes_in_place_of_texts(folders: dict[str, Path]) -> None:
    name = "2k/qa3-00000-of-00001.parquet"
    recipe, text = (pq.read_table(folders[store] / name) for store in ("recipe", "text"))
    assert recipe.schema.equals(RECIPE_SCHEMA)
    assert "input" not in recipe.column_names
    hashes = [hashlib.sha256(value.encode()).hexdigest() for value in text.column("input").to_pylist()]
    assert recipe.column("input_sha256").to_pylist() == hashes
    assert recipe.drop_columns("input_sha256").equals(text.drop_columns("input"))
    assert "`input_sha256`" in (folders["recipe"] / "README.md").read_text()


def test_recipe_renders_the_samples_that_were_hashed(folders: dict[str, Path]) -> None:
    recipe, text = (list(Dataset(folders[store])) for store in ("recipe", "text"))
    assert recipe == text
    assert [sample.text for sample in recipe] == [sample.text for sample in text]
    assert all(isinstance(sample.document, Haystack) for sample in recipe)


def test_materialized_recipe_is_the_text_store_byte_by_byte(folders: dict[str, Path], tmp_path: Path) -> None:
    heard: list[str] = []
    materialize(
        Dataset(folders["recipe"]), tmp_path / "full", lambda file, tokens: heard.append(file), Engine(workers=2)
    )
    assert _hashes(tmp_path / "full") == _hashes(folders["text"])
    assert len(heard) == 4
    with pytest.raises(UserError, match="holds its texts already"):
        materialize(Dataset(folders["text"]), tmp_path / "again")


def test_recipe_says_what_call_made_it(folders: dict[str, Path]) -> None:
    call = json.loads((folders["recipe"] / "manifest.json").read_text())["recipe"]
    assert set(call) == set(inspect.signature(make_plan).parameters)
    assert "recipe" not in json.loads((folders["text"] / "manifest.json").read_text())


def test_text_that_is_not_the_one_that_was_hashed_is_refused(recipe: Path, tmp_path: Path) -> None:
    file = recipe / "2k" / "detect-00000-of-00001.parquet"
    table = pq.read_table(file)
    wrong = pa.array([*table.column("input_sha256").to_pylist()[:-1], "0" * 64])
    pq.write_table(table.set_column(table.schema.get_field_index("input_sha256"), "input_sha256", wrong), file)
    with pytest.raises(UserError, match="the text of sample 3 of detect at 2k is not the one that was hashed"):
        list(Dataset(recipe))
    with pytest.raises(IncompleteError, match=r"not the texts that were hashed: 2k/detect-00000-of-00001.parquet"):
        materialize(Dataset(recipe), tmp_path / "full")


def test_recipe_whose_sources_were_moved_is_told_where_they_are(recipe: Path, story: Path, saved: Path) -> None:
    manifest = json.loads((recipe / "manifest.json").read_text())
    manifest["recipe"] |= {"background": "/no/such", "tokenizer": "/no/tokenizer"}
    (recipe / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match=r"cannot be rendered: no such folder: '/no/tokenizer'.* say where it lies now"):
        list(Dataset(recipe))
    with pytest.raises(UserError, match="cannot be rendered: no such file or folder: /no/such"):
        list(Dataset(recipe, tokenizer=str(saved)))
    assert len(list(Dataset(recipe, tokenizer=str(saved), background=str(story)))) == 16


def test_recipe_over_another_text_or_by_another_generator_is_refused(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "harbour.txt"
    other.write_text("The tide turned. They waited.")
    with pytest.raises(UserError, match="its background fingerprint is another one now; --background"):
        list(Dataset(recipe, background=str(other)))
    manifest = json.loads((recipe / "manifest.json").read_text())
    manifest["plan"]["generator_version"] = 0
    (recipe / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="was made by another generator: pip install rmt-bench=="):
        list(Dataset(recipe))


def test_plan_put_together_by_hand_has_no_recipe(story: Path, wordpiece: Any, tmp_path: Path) -> None:
    plan = make_plan(["detect"], "0", wordpiece, samples=1, background=str(story))
    plan.call = None
    with pytest.raises(UserError, match="put together by hand"):
        generate_dataset(plan, tmp_path / "d", store="recipe")
    with pytest.raises(UserError, match="unknown store 'recipes'; did you mean 'recipe'"):
        generate_dataset(plan, tmp_path / "d", store="recipes")


def test_other_store_in_the_same_folder_is_refused(folders: dict[str, Path], story: Path, saved: Path) -> None:
    options: dict[str, Any] = {"samples": 4, "background": str(story), "tokenizer": str(saved)}
    with pytest.raises(UserError, match="it differs in store"):
        generate(["detect", "qa3"], "0,2k", output=folders["recipe"], **options)


def test_datasets_reads_a_recipe(folders: dict[str, Path]) -> None:
    from datasets import load_dataset

    data: Any = load_dataset(str(folders["recipe"]), "2k", split="qa3")
    assert len(data) == 4
    assert "input" not in data.features
