from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from rmt_bench.base.errors import IncompleteError
from rmt_bench.generators.commands import materialize_command, verify_command
from rmt_bench.generators.dataset import Dataset
from rmt_bench.generators.generate import generate
from rmt_bench.generators.verify import verify

FILE = "300/detect-00000-of-00001.parquet"


@pytest.fixture(scope="module")
def stores(story: Path, wordpiece: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("verified")
    wordpiece.save_pretrained(made / "toy")
    for store in ("text", "recipe"):
        options: dict[str, Any] = {"samples": 3, "background": str(story), "tokenizer": str(made / "toy")}
        generate(["detect"], "0,300", output=made / store, store=store, **options)
    return made


@pytest.fixture(params=["text", "recipe"])
def folder(request: pytest.FixtureRequest, stores: Path, tmp_path: Path) -> Path:
    """A data set that a test may damage."""
    return Path(shutil.copytree(stores / request.param, tmp_path / "data"))


def _rewrite(file: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(change(pq.read_table(file)), file)


def _flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[100] ^= 1
    file.write_bytes(data)


def test_sound_data_set_has_no_damage(folder: Path) -> None:
    seen: list[str] = []
    assert list(verify(Dataset(folder), seen.append)) == []
    assert seen == ["0/detect-00000-of-00001.parquet", FILE]


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda f: (f / FILE).unlink(), {FILE: ["it is missing"]}),
        (lambda f: _flip(f / FILE), {FILE: ["SHA-256"]}),
        (lambda f: (f / FILE).write_bytes((f / FILE).read_bytes()[:-40]), {FILE: ["SHA-256", "cannot be read"]}),
        (lambda f: _rewrite(f / FILE, lambda t: t.slice(1)), {FILE: ["SHA-256", "it has 2 rows, not 3"]}),
        (lambda f: _rewrite(f / FILE, lambda t: t.drop_columns("target")), {FILE: ["SHA-256", "its columns"]}),
        (lambda f: (f / "README.md").unlink(), {"README.md": ["it is missing"]}),
        (lambda f: (f / "300" / "other.parquet").touch(), {"300/other.parquet": ["does not belong"]}),
        (lambda f: (f / "300" / ".x.parquet.ab.tmp").touch(), {"300/.x.parquet.ab.tmp": ["was left"]}),
    ],
    ids=["missing", "flipped", "cut", "fewer rows", "other columns", "no card", "stranger", "leftover"],
)  # fmt: skip
def test_damage_is_named(folder: Path, damage: Callable[[Path], None], found: dict[str, list[str]]) -> None:
    damage(folder)
    damages = list(verify(Dataset(folder)))
    assert {each.file for each in damages} == set(found)
    for file, said in found.items():
        told = [each.what for each in damages if each.file == file]
        assert len(told) == len(said), told
        assert all(part in what for part, what in zip(said, told, strict=True))


def test_recipe_is_rendered_to_be_verified(stores: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(stores / "recipe", tmp_path / "data"))
    _rewrite(folder / FILE, lambda t: t.set_column(2, "input_sha256", pa.array(["0" * 64] * 3)))
    manifest = json.loads((folder / "manifest.json").read_text())

    manifest["files"][FILE]["sha256"] = hashlib.sha256((folder / FILE).read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (damage,) = verify(Dataset(folder))
    assert damage.file == FILE
    assert "the text of sample 0 of detect at 300 is not the one that was hashed" in damage.what


def test_command_names_what_is_damaged_and_fails(folder: Path) -> None:
    def call(*options: str) -> Any:
        return CliRunner().invoke(verify_command, [str(folder), *options])

    assert "2 files, 6 rows, all sound" in call().output
    assert json.loads(call("--json").output) == []
    _flip(folder / FILE)
    result = call()
    assert isinstance(result.exception, IncompleteError)
    assert f"{folder}/{FILE}: its bytes" in result.output
    assert json.loads(call("--json").output)[0]["file"] == FILE


def test_materialize_command_writes_the_texts(stores: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(materialize_command, [str(stores / "recipe"), "--output", str(tmp_path / "full")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "full" / FILE).read_bytes() == (stores / "text" / FILE).read_bytes()
    assert list(verify(Dataset(tmp_path / "full"))) == []
