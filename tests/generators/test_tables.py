from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.generators import tables
from rmt_bench.generators.background import load_background
from rmt_bench.generators.haystack import Shelf
from rmt_bench.generators.plain_text import PlainText
from rmt_bench.generators.tables import HubText, ParquetText
from rmt_bench.generators.tokens import Encoder
from rmt_bench.tasks.lexicon import OFFICIAL


@pytest.fixture
def told(story: Path) -> list[str]:
    """The sentences of the story, as plain text has them."""
    return list(PlainText(str(story)).sentences(0, "test"))


@pytest.fixture
def table(story: Path, tmp_path: Path) -> Path:
    """A folder with the story as a data set: a paragraph in each row, three rows in each row group."""
    folder = tmp_path / "harbour"
    folder.mkdir()
    paragraphs = [*story.read_text(encoding="utf-8").split("\n\n"), None]
    rows = {"number": range(len(paragraphs)), "text": paragraphs, "note": ["Never read this."] * len(paragraphs)}
    pq.write_table(pa.table(rows), folder / "train.parquet", row_group_size=3)
    return folder


@pytest.mark.parametrize("kind", ["parquet", "hf"])
def test_rows_of_a_table_are_documents(kind: str, table: Path, told: list[str]) -> None:
    background = load_background(f"{kind}:{table}")
    assert list(background.sentences(0, "test")) == told
    assert background.following(0) == 0
    assert background.name.startswith(f"{kind}:harbour:")


@pytest.mark.parametrize("kind", ["parquet", "hf"])
def test_table_is_read_volume_by_volume_and_begins_again(
    kind: str, table: Path, told: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tables, "VOLUME", 1_200)
    monkeypatch.setenv("RMT_BENCH_CACHE", str(tmp_path / "cache"))
    background = load_background(f"{kind}:{table}")
    volumes = [0]
    while following := background.following(volumes[-1]):
        volumes.append(following)
    assert volumes == list(range(len(volumes)))
    assert len(volumes) > 2
    again = load_background(f"{kind}:{table}")
    read = {volume: list(again.sentences(volume, "test")) for volume in reversed(volumes)}
    assert [sentence for volume in volumes for sentence in read[volume]] == told


def test_text_goes_on_through_the_volumes_of_a_stream(
    table: Path, wordpiece: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import numpy as np

    from rmt_bench.generators.haystack import lay_out

    monkeypatch.setattr(tables, "VOLUME", 1_200)
    monkeypatch.setenv("RMT_BENCH_CACHE", str(tmp_path / "cache"))
    shelf = Shelf(HubText(str(table)), Encoder(wordpiece), OFFICIAL, "test")
    hay = lay_out(shelf, ("Mary went to the kitchen.",), np.array([0.5]), 4_000, np.random.default_rng(0))
    assert hay.wraps >= 1
    assert len(Encoder(wordpiece).text(hay.text())) == hay.n_tokens == 4_000


@pytest.mark.parametrize("kind", ["parquet", "hf"])
def test_table_is_known_by_its_contents_and_its_column(kind: str, table: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "harbour"
    copy.mkdir(parents=True)
    (copy / "train.parquet").write_bytes((table / "train.parquet").read_bytes())
    here, there = (load_background(f"{kind}:{folder}").fingerprint for folder in (table, copy))
    assert here == there
    colons = ":::" if kind == "hf" else ":"
    assert load_background(f"{kind}:{table}{colons}note").fingerprint != here
    pq.write_table(pa.table({"text": ["Other words."]}), copy / "train.parquet")
    assert load_background(f"{kind}:{copy}").fingerprint != here


def test_only_column_of_strings_is_the_text(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1], "body": ["Rain fell."]}), tmp_path / "a.parquet")
    for kind in ("parquet", "hf"):
        assert list(load_background(f"{kind}:{tmp_path}").sentences(0, "test")) == ["Rain fell."]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("parquet:", "parquet:PATH"),
        ("parquet:/no/such.parquet", "no such file or folder"),
        ("parquet:{table}:txet", "has no column 'txet'; did you mean 'text'"),
        ("parquet:{table}/notes", "holds no .parquet file"),
        ("parquet:{table}/notes/a.txt", "is no Parquet file"),
        ("parquet:{table}/odd", "name one after a colon"),
        ("hf:", "hf:NAME"),
        ("hf:a:b:c:d:e", "hf:NAME"),
        ("hf:{table}:other", "'other' not found"),
        ("hf:{table}::test", "Available splits"),
        ("hf:{table}:::txet", "did you mean 'text'"),
    ],
)
def test_wrong_table_is_told_in_one_line(spec: str, said: str, table: Path) -> None:
    (table / "notes").mkdir()
    (table / "odd").mkdir()
    pq.write_table(pa.table({"a": ["x"], "b": ["y"]}), table / "odd" / "odd.dat")
    (table / "odd" / "odd.dat").rename(table / "odd" / "odd.parquet")
    if "odd" not in spec:
        (table / "odd" / "odd.parquet").unlink()
    if "notes/a" in spec:
        (table / "notes" / "a.txt").write_text("no table")
    with pytest.raises(UserError, match=said):
        list(load_background(spec.format(table=table)).sentences(0, "test"))


def test_hub_out_of_reach_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.monotonic()
    with pytest.raises(UserError, match=r"the hub is switched off \(HF_HUB_OFFLINE\); .* hf:FOLDER"):
        _ = load_background("hf:deepmind/pg19").fingerprint
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"the hub http://127.0.0.1:9 is out of reach"):
        _ = load_background("hf:deepmind/pg19").fingerprint
    assert time.monotonic() - begun < 5


def test_revision_that_is_pinned_needs_no_hub_to_be_known() -> None:
    pinned = "0123456789abcdef0123456789abcdef01234567"
    assert HubText(f"some/name@{pinned}").fingerprint != HubText(f"some/name@{pinned[::-1]}").fingerprint


def test_data_set_that_is_a_script_is_read_where_the_hub_keeps_it_as_parquet(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    asked: list[str | None] = []

    class Stream(list):
        def skip(self, count: int) -> list[dict[str, str]]:
            return self[count:]

    def load_dataset(name: str, config: str | None, *, split: str, revision: str | None, streaming: bool) -> Stream:
        asked.append(revision)
        if revision is None:
            raise RuntimeError("Dataset scripts are no longer supported, but found pg19.py")
        return Stream([{"text": "Rain fell."}])

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setattr(tables, "_reach_hub", lambda name: None)
    background = HubText("deepmind/pg19")
    monkeypatch.setattr(HubText, "_contents", lambda self: "contents")
    assert list(background.sentences(0, "test")) == ["Rain fell."]
    assert asked == [None, "refs/convert/parquet"]


def test_volumes_a_parquet_file_may_begin_in_are_few(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "VOLUME", 1)
    background = ParquetText(str(table))
    assert background.volumes == pq.read_metadata(table / "train.parquet").num_row_groups
    assert background.first_volumes == min(background.volumes, 8)
    assert all(background.size(volume) > 0 for volume in range(background.volumes))
