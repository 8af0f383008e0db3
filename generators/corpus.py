"""Filler, tokenised once: an index of sentences that haystacks are sliced from. Knows nothing of facts or samples.

    sentence      0               1                         2
    text          Rain fell.      The miller looked up.     ...      one byte string, sentences joined by spaces
    tokens        812 95 3        11 704 88 215 3           ...      one array; offsets say where a sentence begins

Sentences that hold a form of a task's word are left out when the index is built, so any run of neighbours is clean.
"""

from __future__ import annotations

import functools
import itertools
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ..base.errors import UserError
from ..base.files import atomic_folder, digest, locked, read_json, remove_temporaries, sha256_file, write_json
from ..tasks.lexicon import collision_pattern
from .tokens import Encoder

_FORMAT = 2
_BATCH = 2_000
#: Up to this many bytes an index is hashed when it is opened (a few ms); of a larger one only the sizes are checked.
_HASHED = 64_000_000
_ARRAYS = ("tokens", "token_offsets", "text", "byte_offsets", "char_offsets")
#: A tokenizer that cannot write more than this share of a corpus is refused.
_UNKNOWN_SHARE = 0.005
#: So many sentences are tokenised together, to see that they have the tokens they have one by one.
_TRIED = 500


class Index:
    """Sentences of filler as memory-mapped arrays.

    `tokens` [n_tokens]; `token_offsets`, `byte_offsets`, `char_offsets` [n + 1], where sentence i begins; `text`
    uint8 [n_bytes], every sentence followed by one space.
    """

    def __init__(self, folder: Path):
        self.tokens, self.token_offsets, self.text, self.byte_offsets, self.char_offsets = (
            np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS
        )
        self.meta: dict[str, int] = read_json(folder / "meta.json")

    def __len__(self) -> int:
        return len(self.token_offsets) - 1

    def slice_text(self, start: int, stop: int) -> str:
        """Sentences start..stop as text, joined by spaces."""
        return self.text[self.byte_offsets[start] : self.byte_offsets[stop] - 1].tobytes().decode()

    @functools.cached_property
    def by_length(self) -> dict[int, np.ndarray]:
        """Sentences by their number of tokens, for filling a text to the exact length (of the first 50,000)."""
        lengths = np.diff(self.token_offsets[:50_001])
        order = np.argsort(lengths, kind="stable")
        sizes, starts = np.unique(lengths[order], return_index=True)
        return dict(zip(sizes.tolist(), np.split(order, starts[1:]), strict=True))


def cached_index(
    root: Path, identity: tuple[object, ...], encoder: Encoder, lexicon: frozenset[str], sentences: Iterable[str]
) -> Index:
    """The index called by the hash of what it is, built from `sentences` unless it stands in `root` already.

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
                    _build(temporary, encoder, lexicon, sentences)
    return Index(folder)


def _build(folder: Path, encoder: Encoder, lexicon: frozenset[str], sentences: Iterable[str]) -> None:
    tokens: list[np.ndarray] = []
    lengths: list[np.ndarray] = []
    kept: list[str] = []
    forbidden = np.array(sorted(_task_tokens(encoder, lexicon)), dtype=encoder.dtype)
    collides = _collides(lexicon)
    seen = 0
    for batch in _batches(sentences):
        seen += len(batch)
        clean = [sentence for sentence in batch if not collides(sentence)]
        ids, sizes, keep = _encode(encoder, clean, forbidden)
        tokens.append(ids[np.repeat(keep, sizes)])
        lengths.append(sizes[keep])
        kept += itertools.compress(clean, keep)
    if not kept:
        held = f"all {seen} sentences of the background hold a word of the tasks"
        raise UserError(f"{held if seen else 'the background holds no sentence'}; choose another text")
    joined, sizes = np.concatenate(tokens), np.concatenate(lengths)
    _refuse_unknown(encoder, joined)
    _refuse_merging(encoder, kept[:_TRIED], joined[: sizes[:_TRIED].sum()])
    text = [sentence.encode() for sentence in kept]
    arrays = {
        "tokens": joined,
        "token_offsets": _offsets(sizes),
        "text": np.frombuffer(b" ".join(text) + b" ", dtype=np.uint8),
        "byte_offsets": _offsets([len(sentence) + 1 for sentence in text]),
        "char_offsets": _offsets([len(sentence) + 1 for sentence in kept]),
    }
    for name in _ARRAYS:
        np.save(folder / f"{name}.npy", arrays[name])
    stored = {path.name: [path.stat().st_size, sha256_file(path)] for path in sorted(folder.glob("*.npy"))}
    write_json(folder / "meta.json", {"sentences": len(kept), "rejected": seen - len(kept), "files": stored})


def _encode(encoder: Encoder, sentences: list[str], forbidden: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The tokens of all sentences [n_tokens], how many each has [n], and whether each is without forbidden ones [n]."""
    encoded = encoder.encode(sentences)
    sizes = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
    ids = np.fromiter(itertools.chain.from_iterable(encoded), dtype=encoder.dtype, count=int(sizes.sum()))
    owner = np.repeat(np.arange(len(encoded)), sizes)
    keep = sizes > 0
    keep[owner[np.isin(ids, forbidden)]] = False
    return ids, sizes, keep


def _offsets(sizes: Sequence[int] | np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


def _collides(lexicon: frozenset[str]) -> Callable[[str], bool]:
    """Whether a sentence holds a form of a word of the lexicon. Most hold none of its words at all, which is cheap."""
    holds = re.compile("|".join(sorted(re.escape(word) for word in lexicon)) or r"(?!)").search
    pattern = collision_pattern(lexicon).search

    def collides(sentence: str) -> bool:
        folded = sentence.casefold().replace("ı", "i")
        return holds(folded) is not None and pattern(sentence) is not None

    return collides


def _task_tokens(encoder: Encoder, lexicon: frozenset[str]) -> set[int]:
    """The single tokens that spell a whole word of the lexicon, with and without a space and a capital."""
    forms = [form for word in sorted(lexicon) for form in (word, word.capitalize())]
    spelled = [encoder.text(form) for form in forms] + [encoder.text(f" {form}") for form in forms]
    spelled += [encoder.text(f"a {form}")[1:] for form in forms]
    return {int(ids[0]) for ids in spelled if len(ids) == 1}


def _refuse_unknown(encoder: Encoder, tokens: np.ndarray) -> None:
    share = float(np.mean(tokens == encoder.unknown)) if encoder.unknown is not None else 0.0
    if share > _UNKNOWN_SHARE:
        raise UserError(
            f"the tokenizer {encoder.name!r} turns {share:.1%} of the background into the unknown token; "
            "choose one made for this text, or check that its folder is complete"
        )


def _refuse_merging(encoder: Encoder, sentences: list[str], tokens: np.ndarray) -> None:
    if not np.array_equal(encoder.encode([" ".join(sentences)])[0], tokens):
        raise UserError(
            f"the tokenizer {encoder.name!r} reads sentences otherwise together than one by one, so texts cannot be "
            "spliced; choose another"
        )


def _sound(folder: Path) -> bool:
    try:
        stored: dict[str, tuple[int, str]] = read_json(folder / "meta.json")["files"]
        small = sum(size for size, _ in stored.values()) <= _HASHED
        return {f"{name}.npy" for name in _ARRAYS} == set(stored) and all(
            (folder / name).stat().st_size == size and (not small or sha256_file(folder / name) == sha256)
            for name, (size, sha256) in stored.items()
        )
    except (UserError, OSError, KeyError, TypeError, ValueError, AttributeError):
        return False


def _batches(sentences: Iterable[str]) -> Iterator[list[str]]:
    source = iter(sentences)
    while batch := list(itertools.islice(source, _BATCH)):
        yield batch
