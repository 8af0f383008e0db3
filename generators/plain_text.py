"""Plain text as a background, and how any text is cut into sentences: `text:PATH`. Knows no tokens and no tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from ..base.errors import UserError
from ..base.files import digest, sha256_file
from .background import Background, background


@background("text")
class PlainText(Background):
    """A file of plain text, or every `.txt` file below a folder, in order of their names: `text:PATH`.

    Paragraphs are separated by empty lines; lines within one are joined. Train and test draw from the same text:
    for a fair test give training another path.
    """

    volumes = 1
    first_volumes = 1

    def __init__(self, path: str = ""):
        if not path:
            raise UserError("the background `text` needs a file or folder: text:PATH")
        self.path = Path(path).expanduser()
        self.name = f"text:{self.path.resolve().name}"
        if not self.path.exists():
            raise UserError(f"no such file or folder: {path}")
        found = sorted(self.path.rglob("*.txt")) if self.path.is_dir() else [self.path]
        self.files = [file for file in found if file.is_file() and file.stat().st_size]
        if not self.files:
            raise UserError(f"{path} holds no text: give a non-empty file, or a folder with .txt files")

    @property
    def fingerprint(self) -> str:
        """A hash of the files' bytes, in order."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return digest("text", [sha256_file(file) for file in self.files])

    def sentences(self, volume: int, split: str) -> Iterator[str]:
        """Every sentence of every file."""
        for file in self.files:
            yield from sentences_of(_read(file))

    def size(self, volume: int) -> int:
        """The files' bytes."""
        return sum(file.stat().st_size for file in self.files)


def _read(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"{error.reason} at byte {error.start}"
        raise UserError(f"{file} is not UTF-8 text ({where}): convert it with iconv, or leave it out") from error
    if "\0" in text:
        raise UserError(f"{file} is not plain text (it holds zero bytes): leave it out")
    return text


def sentences_of(text: str) -> Iterator[str]:
    """The sentences of one document: of a book, without Project Gutenberg's notices before and after it."""
    for paragraph in re.split(r"\n\s*\n", _body(text)):
        yield from split_sentences(paragraph)


_BEGIN = re.compile(r"^\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG.*$", re.MULTILINE)
_FINISH = re.compile(r"^\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG.*$", re.MULTILINE)


def _body(text: str) -> str:
    """A book without Project Gutenberg's notices before and after it; any other text as it is."""
    begin, finish = _BEGIN.search(text), _FINISH.search(text)
    return text[begin.end() if begin else 0 : finish.start() if finish else len(text)]


#: The end of a sentence: its mark, closing quotes, space, and (captured) the first letter of the next one.
_END = re.compile(r"""[.!?…](["'”’»)\]]*)\s+(?=["'“‘«(\[—-]*([^\W\d_]))""")
_TITLE = re.compile(r"(?:^|[\s(“‘\"'—-])(?:Mr|Mrs|Ms|Messrs|Mme|Dr|St|Prof|Capt|Col|Gen|Lt|Sgt|Rev|Hon|[A-Z])\.$")
#: No title and what stands around it is longer than this.
_TITLE_LENGTH = 10
_HEADING = re.compile(r"(?:chapter|book|part|volume|canto|letter|section)\s+(?:[ivxlc]+|\d+)\b.{0,80}", re.IGNORECASE)
_EMPHASIS = re.compile(r"(?<!\w)_([^_]+)_(?!\w)")
#: A longer sentence than this (in characters) is a table or a list, and no filler.
_LONGEST = 1_000


def split_sentences(paragraph: str) -> Iterator[str]:
    """The sentences of one paragraph, white space squeezed, split after . ! ? before a capital.

    Initials and titles (`Mr.`, `J.`) do not end a sentence. Headings (`CHAPTER IX`, `Chapter 9. The Sermon`), words in
    capitals only, pieces without a letter, and endless ones are dropped; `_so_` becomes `so`.
    """
    text = " ".join(paragraph.split())
    if "_" in text:
        text = _EMPHASIS.sub(r"\1", text)
    if _HEADING.fullmatch(text):
        return
    start = 0
    for match in _END.finditer(text):
        piece = text[start : match.end(1)]
        if match[2].islower() or (piece[-1] == "." and _TITLE.search(piece, max(len(piece) - _TITLE_LENGTH, 0))):
            continue
        start = match.end()
        if _usable(piece):
            yield piece
    if _usable(text[start:]):
        yield text[start:]


def _usable(sentence: str) -> bool:
    return len(sentence) <= _LONGEST and any(map(str.isalpha, sentence)) and not sentence.isupper()
