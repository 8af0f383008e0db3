"""How an index of filler is built: sentences in, arrays on disk out. Knows nothing of caches or of who reads it.

    sentences -> batches of 8,000 -> those without a word of the tasks -> tokens -> appended to the arrays

A batch is tokenised, by all cores, while the one before it is looked through and written; only these two are in memory.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from ..base.errors import UserError
from ..base.files import sha256_file, write_json
from ..tasks.lexicon import collision_pattern, stems
from .tokens import Encoder

#: Arrow's functions are made when it is imported, and no type checker sees them.
_arrow: Any = pyarrow.compute

#: The arrays of an index, each a file `NAME.npy`.
ARRAYS = ("tokens", "token_offsets", "text", "byte_offsets", "char_offsets")
_BATCH = 8_000
#: A tokenizer that cannot write more than this share of a corpus is refused.
_UNKNOWN_SHARE = 0.005
#: So many sentences are tokenised together, to see that they have the tokens they have one by one.
_TRIED = 500


def build_index(
    folder: Path,
    encoder: Encoder,
    lexicon: frozenset[str],
    sentences: Iterable[str],
    on_text: Callable[[int], None] = lambda characters: None,
) -> None:
    """Write the arrays of an index and its `meta.json` into `folder`; `on_text` hears of every batch's characters.

    Raises `UserError` when no sentence can be used, and when the tokenizer cannot write them or cannot be spliced.
    """
    forbidden = np.array(sorted(_task_tokens(encoder, lexicon)), dtype=encoder.dtype)
    read = kept = n_tokens = unknown = 0
    with _Arrays(folder, encoder.dtype) as arrays:
        for batch in _tokenised(encoder, lexicon, sentences):
            clean = batch.without(forbidden)
            if not kept:
                _refuse_merging(encoder, clean)
            arrays.append(clean)
            read += batch.read
            kept += len(clean.sentences)
            n_tokens += len(clean.tokens)
            unknown += np.count_nonzero(clean.tokens == encoder.unknown) if encoder.unknown is not None else 0
            on_text(batch.characters)
    if not kept:
        held = f"all {read} sentences of the background hold a word of the tasks"
        raise UserError(f"{held if read else 'the background holds no sentence'}; choose another text")
    if unknown > _UNKNOWN_SHARE * n_tokens:
        raise UserError(
            f"the tokenizer {encoder.name!r} turns {unknown / n_tokens:.1%} of the background into the unknown token; "
            "choose one made for this text, or check that its folder is complete"
        )
    stored = {path.name: [path.stat().st_size, sha256_file(path)] for path in sorted(folder.glob("*.npy"))}
    write_json(folder / "meta.json", {"sentences": kept, "rejected": read - kept, "files": stored})


@dataclass(frozen=True)
class _Batch:
    """Sentences, how many tokens each has [n], and all their tokens; chosen from `read` ones of `characters` in all."""

    sentences: Sequence[str]
    sizes: np.ndarray
    tokens: np.ndarray
    read: int
    characters: int

    def without(self, forbidden: np.ndarray) -> _Batch:
        """The sentences that have tokens, and none of the `forbidden` ones."""
        keep = self.sizes > 0
        keep[np.repeat(np.arange(len(keep)), self.sizes)[np.isin(self.tokens, forbidden)]] = False
        chosen = list(itertools.compress(self.sentences, keep))
        return _Batch(chosen, self.sizes[keep], self.tokens[np.repeat(keep, self.sizes)], self.read, self.characters)


class _Arrays:
    """The arrays of an index, growing on disk."""

    def __init__(self, folder: Path, token_type: np.dtype):
        types = {"tokens": token_type, "text": np.dtype(np.uint8)}
        self._columns = {name: _Column(folder / f"{name}.npy", types.get(name, np.dtype(np.int64))) for name in ARRAYS}
        self._ends = {name: 0 for name in ARRAYS if name.endswith("_offsets")}
        self._open = ExitStack()

    def __enter__(self) -> _Arrays:
        for column in self._columns.values():
            self._open.callback(column.close)
        for name in self._ends:
            self._columns[name].append(np.zeros(1, dtype=np.int64))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def append(self, batch: _Batch) -> None:
        """Add a batch; every sentence is followed by one space."""
        text = pa.array(batch.sentences, pa.large_string())
        self._columns["tokens"].append(batch.tokens)
        self._columns["text"].append(np.frombuffer("".join(f"{s} " for s in batch.sentences).encode(), dtype=np.uint8))
        self._append_offsets("token_offsets", batch.sizes)
        self._append_offsets("byte_offsets", _arrow.binary_length(text).to_numpy() + 1)
        self._append_offsets("char_offsets", _arrow.utf8_length(text).to_numpy() + 1)

    def _append_offsets(self, name: str, sizes: np.ndarray) -> None:
        ends = self._ends[name] + np.cumsum(sizes, dtype=np.int64)
        self._columns[name].append(ends)
        self._ends[name] = int(ends[-1]) if len(ends) else self._ends[name]


class _Column:
    """One array that grows on disk as a `.npy` file. NumPy leaves room in the header for the length, known last."""

    def __init__(self, path: Path, dtype: np.dtype):
        self._dtype = dtype
        self._length = 0
        self._file = path.open("wb")
        self._write_header()

    def append(self, values: np.ndarray) -> None:
        """Add values to the end."""
        self._file.write(values.astype(self._dtype, copy=False).data)
        self._length += len(values)

    def close(self) -> None:
        """Write the header, and what is not written yet."""
        with self._file:
            self._file.seek(0)
            self._write_header()

    def _write_header(self) -> None:
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": (self._length,)}
        np.lib.format.write_array_header_1_0(self._file, header)


def _tokenised(encoder: Encoder, lexicon: frozenset[str], sentences: Iterable[str]) -> Iterator[_Batch]:
    """The sentences without a word of the tasks, batch by batch, each tokenised while the one before it is in hand."""
    collides = colliding(lexicon)

    def tokenise(batch: list[str]) -> tuple[np.ndarray, np.ndarray]:
        rows = encoder.encode(batch)
        sizes = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        ids = itertools.chain.from_iterable(rows)
        return sizes, np.fromiter(ids, dtype=encoder.dtype, count=int(sizes.sum()))

    def finished(ahead: tuple[list[str], list[str], Future[tuple[np.ndarray, np.ndarray]]]) -> _Batch:
        batch, clean, future = ahead
        return _Batch(clean, *future.result(), len(batch), sum(map(len, batch)))

    with ThreadPoolExecutor(1) as thread:
        ahead = None
        for batch in _batches(sentences):
            clean = list(itertools.compress(batch, ~collides(batch)))
            before, ahead = ahead, (batch, clean, thread.submit(tokenise, clean))
            if before is not None:
                yield finished(before)
        if ahead is not None:
            yield finished(ahead)


def colliding(lexicon: frozenset[str]) -> Callable[[Sequence[str]], np.ndarray]:
    """A function that tells which of some sentences hold a form of a word of `lexicon`: bool [n].

    `collision_pattern` decides, but only where one of the words is written, in whatever case: that is quick to see.
    """
    if not lexicon:
        return lambda sentences: np.zeros(len(sentences), dtype=bool)
    begin = re.compile("|".join(sorted(map(re.escape, stems(lexicon))))).search
    pattern = collision_pattern(lexicon)
    written = _written(lexicon)

    def collides(sentence: str) -> bool:
        folded = sentence.casefold().replace("ı", "i")
        if len(folded) != len(sentence):
            return pattern.search(sentence) is not None
        found = begin(folded)
        while found:
            if pattern.match(sentence, found.start()):
                return True
            found = begin(folded, found.start() + 1)
        return False

    def mark(sentences: Sequence[str]) -> np.ndarray:
        marks = _arrow.match_substring_regex(pa.array(sentences, pa.large_string()), written, ignore_case=True)
        marked = np.array(marks.to_numpy(zero_copy_only=False), dtype=bool)
        for number in np.flatnonzero(marked).tolist():
            marked[number] = collides(sentences[number])
        return marked

    return mark


def _written(lexicon: frozenset[str]) -> str:
    """A pattern (of Arrow's regular expressions) that finds every form, and a little more.

    A word that is found inside others may stand anywhere; any other one begins a word.
    """
    inside = collision_pattern(lexicon).search
    spelled = {word: re.escape(word).replace("i", "[iıİ]") for word in sorted(stems(lexicon))}
    anywhere = [spelling for word, spelling in spelled.items() if inside(f"x{word}")]
    first = [spelling for word, spelling in spelled.items() if not inside(f"x{word}")]
    return "|".join([*anywhere, rf"(?:^|[^a-z])(?:{'|'.join(first)})"] if first else anywhere)


def _task_tokens(encoder: Encoder, lexicon: frozenset[str]) -> set[int]:
    """The single tokens that spell a whole word of the lexicon, with and without a space and a capital."""
    forms = [form for word in sorted(lexicon) for form in (word, word.capitalize())]
    spelled = [encoder.text(form) for form in forms] + [encoder.text(f" {form}") for form in forms]
    spelled += [encoder.text(f"a {form}")[1:] for form in forms]
    return {int(ids[0]) for ids in spelled if len(ids) == 1}


def _refuse_merging(encoder: Encoder, batch: _Batch) -> None:
    together = encoder.encode([" ".join(batch.sentences[:_TRIED])])[0]
    if not np.array_equal(together, batch.tokens[: batch.sizes[:_TRIED].sum()]):
        raise UserError(
            f"the tokenizer {encoder.name!r} reads sentences otherwise together than one by one, so texts cannot be "
            "spliced; choose another"
        )


def _batches(sentences: Iterable[str]) -> Iterator[list[str]]:
    source = iter(sentences)
    while batch := list(itertools.islice(source, _BATCH)):
        yield batch
