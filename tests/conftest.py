"""What every test may use: toy tokenizers, a short story as filler, a cache of its own, and no network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # several workers share the machine; read when torch is loaded
os.environ["HF_HUB_OFFLINE"] = "1"  # read when the hub's library is loaded, which collecting tests does

STORY = Path(__file__).parent / "data" / "harbour.txt"
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="session", autouse=True)
def _no_network_and_own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Indexes and what other libraries keep go to a temporary folder; the hub is not asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMT_BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hf")))
        patch.setenv("HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("datasets")))
        yield


@pytest.fixture(scope="session")
def story() -> Path:
    """A short story: 100 sentences, some of which hold words of the tasks."""
    return STORY


@pytest.fixture(scope="session")
def wordpiece() -> Any:
    """A tokenizer such as BERT's, trained on the story: the space before a word is not in its tokens."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=False)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=700, special_tokens=_SPECIAL, show_progress=False)
    return _trained(backend, trainer, "toy-wordpiece")


@pytest.fixture(scope="session")
def byte_bpe() -> Any:
    """A tokenizer such as GPT-2's, trained on the story: the space before a word is in its first token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=_SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    return _trained(backend, trainer, "toy-byte-bpe")


@pytest.fixture(scope="session", params=["wordpiece", "byte_bpe"])
def tokenizer(request: pytest.FixtureRequest) -> Any:
    """Each of the two toy tokenizers."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A Ray cluster on this machine whose head does no work; `cluster.add_node(num_cpus=1)` adds nodes that do."""
    pytest.importorskip("ray", reason="ray is not installed: pip install 'rmt-bench[ray]'")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        yield made
    finally:
        made.shutdown()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data. Skips where RMT_BENCH_DATA does not name it, as on a stranger's machine."""
    folder = os.environ.get("RMT_BENCH_DATA")
    if not folder:
        pytest.skip("RMT_BENCH_DATA is not set: no folder with real books, tokenizers and bAbI files")
    return Path(folder)


def _trained(backend: Any, trainer: Any, name: str) -> Any:
    from transformers import PreTrainedTokenizerFast

    from rmt_bench.tasks.lexicon import OFFICIAL, PEOPLE

    words = sorted(OFFICIAL) + list(PEOPLE)
    told = "Where is he? What is it north of? He journeyed, travelled, moved, went back to the other. east south west"
    alphabet = " ".join("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,?!0123456789")
    backend.train_from_iterator([STORY.read_text(encoding="utf-8"), " ".join(words), told, alphabet], trainer)
    special = {f"{token.strip('[]').lower()}_token": token for token in _SPECIAL}
    made = PreTrainedTokenizerFast(tokenizer_object=backend, **special)
    made.name_or_path = name
    return made
