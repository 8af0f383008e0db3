"""Filler, tokenised once: an index of sentences that haystacks are sliced from. Knows nothing of facts or samples.

    sentence      0               1                         2
    text          Rain fell.      The miller looked up.     ...      one byte string, sentences joined by spaces
    tokens        812 95 3        11 704 88 215 3           ...      one array; offsets say where a sentence begins

Sentences that hold a form of a task's word are left out when the index is built, so any run of neighbours is clean.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from ..base.errors import UserError
from ..base.files import atomic_folder, digest, locked, read_json, remove_temporaries, sha256_file
from .indexing import ARRAYS, build_index
from .tokens import Encoder

_FORMAT = 3
#: Up to this many bytes an index is hashed when it is opened (a few ms); of a larger one only the sizes are checked.
_HASHED = 64_000_000


class Index:
    """Sentences of filler as memory-mapped arrays.

    `tokens` [n_tokens]; `token_offsets`, `byte_offsets`, `char_offsets` [n + 1], where sentence i begins; `text`
    uint8 [n_bytes], every sentence followed by one space.
    """

    def __init__(self, folder: Path):
        self.tokens, self.token_offsets, self.text, self.byte_offsets, self.char_offsets = (
            np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS
        )
        self.meta: dict[str, int] = read_json(folder / "meta.json")

    def __len__(self) -> int:
        return len(self.token_offsets) - 1

    def slice_text(self, start: int, stop: int) -> str:
        """Sentences start..stop as text, joined by spaces."""
        return self.slice_utf8(start, stop).tobytes().decode()

    def slice_utf8(self, start: int, stop: int) -> np.ndarray:
        """The same as UTF-8, uint8 [n], not copied."""
        return self.text[self.byte_offsets[start] : self.byte_offsets[stop] - 1]

    @functools.cached_property
    def by_length(self) -> dict[int, np.ndarray]:
        """Sentences by their number of tokens, for filling a text to the exact length (of the first 50,000)."""
        lengths = np.diff(self.token_offsets[:50_001])
        order = np.argsort(lengths, kind="stable")
        sizes, starts = np.unique(lengths[order], return_index=True)
        return dict(zip(sizes.tolist(), np.split(order, starts[1:]), strict=True))


def cached_index(
    root: Path,
    identity: tuple[object, ...],
    encoder: Encoder,
    lexicon: frozenset[str],
    sentences: Iterable[str],
    on_text: Callable[[int], None] = lambda characters: None,
) -> Index:
    """The index called by the hash of what it is, built from `sentences` unless it stands in `root` already.

    `on_text` hears of the characters of each batch of sentences while it is built.
    An index that is damaged (a file missing, of another size or, in one of up to 64 MB, with other bytes) is built
    again. Processes that want the same one at once wait for the first, which builds it.
    """
    folder = root / digest(_FORMAT, *identity, encoder.fingerprint, sorted(lexicon))[:32]
    if not _sound(folder):
        with locked(root / f".{folder.name}.lock"):
            if not _sound(folder):
                remove_temporaries(root, f".{folder.name}.*.tmp")
                shutil.rmtree(folder, ignore_errors=True)
                with atomic_folder(folder) as temporary:
                    build_index(temporary, encoder, lexicon, sentences, on_text)
    return Index(folder)


def _sound(folder: Path) -> bool:
    try:
        stored: dict[str, tuple[int, str]] = read_json(folder / "meta.json")["files"]
        small = sum(size for size, _ in stored.values()) <= _HASHED
        return {f"{name}.npy" for name in ARRAYS} == set(stored) and all(
            (folder / name).stat().st_size == size and (not small or sha256_file(folder / name) == sha256)
            for name, (size, sha256) in stored.items()
        )
    except (UserError, OSError, KeyError, TypeError, ValueError, AttributeError):
        return False
