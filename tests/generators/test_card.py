"""The card of a data set: what the hub's library and `datasets` read of it is what the files hold."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard

from rmt_bench.generators.card import card, named
from rmt_bench.generators.dataset import generate_dataset
from rmt_bench.generators.generate import make_plan


@pytest.fixture
def plan(story, wordpiece):
    return make_plan(["detect", "qa1"], "0,300", wordpiece, samples=3, background=str(story))


@pytest.mark.parametrize("store", ["text", "recipe"])
def test_configurations_splits_and_columns_are_those_of_the_files(plan, tmp_path: Path, store: str) -> None:
    from datasets import Features, get_dataset_config_names, load_dataset, load_dataset_builder

    folder = str(generate_dataset(plan, tmp_path / store, store=store))
    assert get_dataset_config_names(folder) == ["0", "300"]
    for length in ("0", "300"):
        file = f"{folder}/{length}/qa1-00000-of-00001.parquet"
        assert load_dataset_builder(folder, length).info.features == Features.from_arrow_schema(pq.read_schema(file))
        whole = load_dataset(folder, length, cache_dir=str(tmp_path / "cache"))
        assert list(whole) == ["detect", "qa1"]
        assert list(load_dataset(folder, length, split="qa1", streaming=True)) == list(whole["qa1"])


@pytest.mark.parametrize(("rows", "size"), [(999, "n<1K"), (1_000, "1K<n<10K"), (10**8, "10M<n<100M")])
def test_the_hubs_library_reads_its_head(plan, rows: int, size: str) -> None:
    data = DatasetCard(card(plan, "text", rows)).data
    assert data.size_categories == [size]
    assert data.task_categories == ["question-answering"]
    assert [config["config_name"] for config in data.configs] == ["0", "300"]


def test_a_card_with_a_name_loads_by_it(plan) -> None:
    assert 'load_dataset("me/data", "0", split="detect")' in named(card(plan, "text", 3), "me/data")
