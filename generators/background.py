"""Backgrounds by name: what the filler is made of. `prose` ships; `text:PATH` is any file or folder of plain text.

A background is a row of volumes, each a list of sentences; reading goes on from one volume to the next.
"""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

from ..base.errors import UserError
from ..base.files import digest, sha256_file
from ..base.registry import Registry

_PROSE = "rmt_bench.generators.prose_background"


class Background(ABC):
    """Where filler comes from.

    `volumes` is how many volumes there are (None: without end). `first_volumes` is among how many of them a text may
    begin: reading then goes on to the next one, and from the last one back to the first.
    """

    name: str
    volumes: int | None
    first_volumes: int

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of what the filler is: the text itself, or the version of what makes it."""

    @abstractmethod
    def sentences(self, volume: int, split: str) -> Iterator[str]:
        """The sentences of one volume, in order, for the `test` or the `train` split. No line breaks within."""


BACKGROUNDS: Registry[Callable[..., Background]] = Registry(
    kind="background",
    group="rmt_bench.backgrounds",
    listing="rmt-bench backgrounds",
    builtin={"prose": _PROSE, "text": "rmt_bench.generators.background"},
)
background = BACKGROUNDS.register


def load_background(spec: str) -> Background:
    """The background called `prose`, `text:PATH`, or simply the path of a file or folder of plain text.

    Raises `UserError` for an unknown name, and for a path that holds no text.
    """
    name, colon, argument = spec.partition(":")
    if name not in BACKGROUNDS.names() and (Path(spec).expanduser().exists() or "/" in name):
        return PlainText(spec)
    factory = BACKGROUNDS.get(name)
    if colon and not inspect.signature(factory).parameters:
        raise UserError(f"the background {name!r} takes nothing after a colon; write --background {name}")
    return factory(argument) if colon else factory()


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
            for paragraph in re.split(r"\n\s*\n", _body(_read(file))):
                yield from split_sentences(paragraph)


def _read(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"{error.reason} at byte {error.start}"
        raise UserError(f"{file} is not UTF-8 text ({where}): convert it with iconv, or leave it out") from error
    if "\0" in text:
        raise UserError(f"{file} is not plain text (it holds zero bytes): leave it out")
    return text


_BEGIN = re.compile(r"^\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG.*$", re.MULTILINE)
_FINISH = re.compile(r"^\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG.*$", re.MULTILINE)


def _body(text: str) -> str:
    """A book without Project Gutenberg's notices before and after it; any other text as it is."""
    begin, finish = _BEGIN.search(text), _FINISH.search(text)
    return text[begin.end() if begin else 0 : finish.start() if finish else len(text)]


#: The end of a sentence: its mark, closing quotes, space, and (captured) the first letter of the next one.
_END = re.compile(r"""(?<=[.!?…])(["'”’»)\]]*)\s+(?=["'“‘«(\[—-]*([^\W\d_]))""")
_TITLE = re.compile(r"(?:^|[\s(“‘\"'—-])(?:Mr|Mrs|Ms|Messrs|Mme|Dr|St|Prof|Capt|Col|Gen|Lt|Sgt|Rev|Hon|[A-Z])\.$")
_HEADING = re.compile(r"(?:chapter|book|part|volume|canto|letter|section)\s+(?:[ivxlc]+|\d+)\b.{0,80}", re.IGNORECASE)
_EMPHASIS = re.compile(r"(?<!\w)_([^_]+)_(?!\w)")
#: A longer sentence than this (in characters) is a table or a list, and no filler.
_LONGEST = 1_000


def split_sentences(paragraph: str) -> Iterator[str]:
    """The sentences of one paragraph, white space squeezed, split after . ! ? before a capital.

    Initials and titles (`Mr.`, `J.`) do not end a sentence. Headings (`CHAPTER IX`, `Chapter 9. The Sermon`), words in
    capitals only, pieces without a letter, and endless ones are dropped; `_so_` becomes `so`.
    """
    text = _EMPHASIS.sub(r"\1", " ".join(paragraph.split()))
    if _HEADING.fullmatch(text):
        return
    start = 0
    for match in _END.finditer(text):
        piece = text[start : match.end(1)]
        if match[2].islower() or _TITLE.search(piece):
            continue
        start = match.end()
        if _usable(piece):
            yield piece
    if _usable(text[start:]):
        yield text[start:]


def _usable(sentence: str) -> bool:
    return len(sentence) <= _LONGEST and any(map(str.isalpha, sentence)) and not sentence.isupper()
