"""The official bAbI files as a source of episodes: a folder, a .zip or a .tar.gz, as published. Knows no generator.

    1 Mary moved to the bathroom.
    2 John went to the hallway.
    3 Where is Mary? <tab> bathroom <tab> 1

Every question becomes one episode: the facts before it, earlier questions left out. Archives are read in memory.
"""

from __future__ import annotations

import hashlib
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np

from ...base.errors import UserError, did_you_mean
from ..episode import Episode, Question, Task
from ..lexicon import OFFICIAL

TASK_NAMES = tuple(f"qa{number}" for number in range(1, 21))
#: Where an archive holds several sets of files, the first of these that it has is read.
_PREFERRED = ("en-10k", "en", "")
_FILE = re.compile(r"qa(?P<number>\d+)_(?:.+_)?(?P<split>train|test|valid)\.txt")
_PATH = re.compile(r"[nsew](?:,[nsew])+")
#: No official file comes near this size; an archive member that does is not one.
_LARGEST = 256 * 2**20
#: Words of the official files, and kinds of answer, that carry no meaning of their own and may occur in filler.
_PLAIN = frozenset(
    """
    yes no maybe none nothing one two three four five six n s e w what where who why how is are was were did does do
    will the a an this that after afterwards following then yesterday he she they it
    """.split()
)


@dataclass(frozen=True)
class Archive:
    """The files of one set of the twenty tasks: their bytes, read when asked for, by task number and split."""

    path: str
    members: Mapping[tuple[int, str], tuple[str, Callable[[], bytes]]] = field(repr=False)

    def file(self, number: int, split: str = "test") -> tuple[str, bytes]:
        """The name and the bytes of a task's file. Raises `UserError` that lists what the archive holds."""
        if (number, split) not in self.members:
            held = ", ".join(f"qa{n} {s}" for n, s in sorted(self.members))
            raise UserError(f"{self.path} has no {split} file of task qa{number}; it holds: {held}")
        name, read = self.members[number, split]
        return name, read()

    def episodes(self, number: int, split: str = "test") -> list[Episode]:
        """One episode per question of a task, in file order; the choices are all answers in the file."""
        name, data = self.file(number, split)
        return parse(data, f"{self.path}: {name}")


def load_archive(path: str | Path) -> Archive:
    """Open a folder, .zip or .tar.gz. Raises `UserError` when it is missing, unsafe, damaged or holds no bAbI file."""
    source = Path(path).expanduser()
    if not source.exists():
        raise UserError(f"no such file or folder: {path} (expected the bAbI v1.2 folder, .zip or .tar.gz)")
    if source.is_dir():
        found = _folder_members(source)
    elif zipfile.is_zipfile(source):
        found = _zip_members(source)
    elif tarfile.is_tarfile(source):
        found = _tar_members(source)
    else:
        raise UserError(f"{path} is not a folder, a .zip or a .tar.gz (or it is damaged)")
    return Archive(str(path), _best_set(found, str(path)))


def archive_task(spec: str, name: str) -> ArchiveTask:
    """The task called `name` from official files, `babi:PATH`. Raises `UserError` for any other spec."""
    kind, _, path = spec.partition(":")
    if kind != "babi" or not path:
        raise UserError(f"facts come from babi:PATH (the bAbI v1.2 folder, .zip or .tar.gz), not from {spec!r}")
    return ArchiveTask(name, path)


@dataclass(frozen=True)
class ArchiveTask(Task):
    """Stories of the official bAbI files, drawn uniformly.

    `fingerprint` is the SHA-256 of the task's file. It is taken from the file when left empty, and checked when given;
    with it, and without the path, a sample's identity is the same on every machine.
    """

    name: str
    path: str
    split: str = "test"
    fingerprint: str = ""

    def __post_init__(self) -> None:
        if self.name not in TASK_NAMES:
            close = did_you_mean(self.name, TASK_NAMES)
            raise UserError(f"the bAbI files have no task {self.name!r}{close} (they hold qa1 to qa20)")
        name, data = load_archive(self.path).file(int(self.name[2:]), self.split)
        found = hashlib.sha256(data).hexdigest()
        if self.fingerprint not in ("", found):
            raise UserError(f"{self.path}: {name} is not the file asked for: its sha256 is {found}")
        object.__setattr__(self, "fingerprint", found)

    def episode(self, rng: np.random.Generator) -> Episode:
        """One episode of the file, each as likely as any other."""
        drawn = self._episodes
        return drawn[int(rng.integers(len(drawn)))]

    @property
    def labels(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """All answers in the file, sorted; lists are taken apart."""
        return self._episodes[0].questions[0].choices

    @property
    def chance(self) -> float:
        """One of the answers; where some are lists, one of all the lists there can be, `nothing` among them."""
        things = [label for label in self.labels if label != "nothing"]
        lists = any(episode.questions[0].answer not in self.labels for episode in self._episodes)
        return 2.0 ** -len(things) if lists else 1 / len(self.labels)

    @property
    def lexicon(self) -> frozenset[str]:
        """The official lexicon, and whatever names and answers the file has beside it."""
        return OFFICIAL | _names(self._episodes)

    def knobs(self) -> dict[str, object]:
        """What the episodes depend on: the file's fingerprint, and not where it lies."""
        return {"name": self.name, "split": self.split, "fingerprint": self.fingerprint}

    @property
    def _episodes(self) -> tuple[Episode, ...]:
        return _cached_episodes(self.path, int(self.name[2:]), self.split, self.fingerprint)


def parse(data: bytes, name: str) -> list[Episode]:
    """One episode per question of a file. Raises `UserError` with `name`, the line number and what is wrong there."""
    facts: dict[int, str] = {}
    last, found = 0, []
    for number, raw in enumerate(_lines(data), start=1):
        try:
            last, line = _numbered(raw, last)
            facts = {} if last == 1 else facts
            if "\t" in line:
                found.append(_question(line, facts))
            else:
                facts[last] = _fact(line)
        except ValueError as error:
            raise UserError(f"{name}, line {number}: {error}") from error
    if not found:
        raise UserError(f"{name} holds no questions" if last else f"{name} is empty")
    choices = tuple(sorted({label for episode in found for label in _items(episode.questions[0].answer)}))
    return [replace(e, questions=(replace(e.questions[0], choices=choices),)) for e in found]


def _items(answer: str) -> list[str]:
    """A list's items; a path (`s,w`) is one answer, since its order counts."""
    return [answer] if _PATH.fullmatch(answer) else answer.split(",")


def _lines(data: bytes) -> list[bytes]:
    return data.rstrip().splitlines()


def _numbered(raw: bytes, last: int) -> tuple[int, str]:
    """The id and the rest of a line. Raises `ValueError` saying what is wrong."""
    try:
        line = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 (byte {raw[error.start]:#04x} at column {error.start + 1})") from error
    written, _, rest = line.partition(" ")
    if not written.isdecimal() or not rest.strip():
        raise ValueError(f"expected '<id> <sentence>', found {line[:60]!r}")
    if int(written) not in (1, last + 1):
        expected = f"1 or {last + 1}" if last else "1"
        raise ValueError(f"id {written} is out of order (expected {expected})")
    return int(written), rest


def _fact(line: str) -> str:
    if line.rstrip().endswith("?"):
        raise ValueError(f"the question {line.strip()!r} has no answer (expected two tabs)")
    return line.strip()


def _question(line: str, facts: Mapping[int, str]) -> Episode:
    """The episode that ends in this question. Raises `ValueError` saying what is wrong."""
    text, answer, *rest = (part.strip() for part in line.split("\t"))
    if not text or not answer:
        raise ValueError(f"the {'question' if answer else 'answer'} is missing")
    if len(rest) != 1 or not rest[0]:
        raise ValueError("expected '<question> <tab> <answer> <tab> <ids of supporting facts>'")
    positions = {fact: position for position, fact in enumerate(facts)}
    supporting = []
    for written in rest[0].split():
        if not written.isdecimal():
            raise ValueError(f"supporting id {written!r} is not a number")
        if int(written) not in positions:
            raise ValueError(f"supporting id {written} is no fact of the story before this question")
        supporting.append(positions[int(written)])
    asked = Question(text, answer, (), tuple(dict.fromkeys(supporting)))
    return Episode(tuple(facts.values()), (asked,))


@lru_cache(maxsize=32)
def _cached_episodes(path: str, number: int, split: str, fingerprint: str) -> tuple[Episode, ...]:
    archive = load_archive(path)
    name, data = archive.file(number, split)
    if hashlib.sha256(data).hexdigest() != fingerprint:
        raise UserError(f"{path}: {name} has changed since this run began")
    return tuple(parse(data, f"{path}: {name}"))


def _names(stories: tuple[Episode, ...]) -> frozenset[str]:
    """The names and answers of the episodes, lower case: what filler must not hold, beside the official words."""
    texts = {text for episode in stories for text in episode.facts}
    names = {name.lower() for text in texts for name in re.findall(r"\b[^\W\d_a-z][\w-]+", text)}
    answers = {word.lower() for label in stories[0].questions[0].choices for word in label.split()}
    return frozenset((names | answers) - _PLAIN)


Members = dict[str, Callable[[], bytes]]


def _folder_members(folder: Path) -> Members:
    files = (file for depth in ("*.txt", "*/*.txt", "*/*/*.txt") for file in folder.glob(depth))
    return {file.relative_to(folder).as_posix(): file.read_bytes for file in files if file.is_file()}


def _zip_members(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            _refuse_unsafe(path, info.filename, link=stat.S_ISLNK(info.external_attr >> 16))
        sizes = {info.filename: info.file_size for info in archive.infolist() if not info.is_dir()}
    return {name: _reading(path, name, size, _read_zip) for name, size in sizes.items()}


def _tar_members(path: Path) -> Members:
    sizes: dict[str, int] = {}
    try:
        with tarfile.open(path) as archive:
            for info in archive:
                _refuse_unsafe(path, info.name, link=not (info.isfile() or info.isdir()))
                if info.isfile():
                    sizes[info.name] = info.size
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UserError(f"{path} is damaged ({error}); download it again") from error
    return {name: _reading(path, name, size, _read_tar) for name, size in sizes.items()}


def _reading(path: Path, name: str, size: int, read: Callable[[Path, str], bytes]) -> Callable[[], bytes]:
    """How to read one member into memory. The size is that which the archive declares; more is never read."""

    def data() -> bytes:
        if size > _LARGEST:
            raise UserError(f"{path}: {name} unpacks to {size:,} bytes; no bAbI file is that large")
        try:
            return read(path, name)
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, RuntimeError, NotImplementedError) as error:
            raise UserError(f"{path}: {name} cannot be read ({error}); download it again") from error

    return data


def _read_zip(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def _read_tar(path: Path, name: str) -> bytes:
    with tarfile.open(path) as archive:
        member = archive.extractfile(name)
        return member.read() if member else b""


def _refuse_unsafe(path: Path, name: str, *, link: bool) -> None:
    """Refuse an archive with a member that is a link, or that points out of the folder it is unpacked in."""
    parts = name.replace("\\", "/").split("/")
    if link:
        raise UserError(f"{path} is refused: its member {name!r} is a link or a device, not a file")
    if parts[0] == "" or parts[0].endswith(":") or ".." in parts:
        raise UserError(f"{path} is refused: its member {name!r} would leave the folder")


def _best_set(found: Members, path: str) -> dict[tuple[int, str], tuple[str, Callable[[], bytes]]]:
    """The bAbI files of the preferred folder among `found`."""
    sets: dict[PurePosixPath, dict[tuple[int, str], tuple[str, Callable[[], bytes]]]] = {}
    for name, read in sorted(found.items()):
        file = PurePosixPath(name)
        if match := _FILE.fullmatch(file.name):
            sets.setdefault(file.parent, {})[int(match["number"]), match["split"]] = (name, read)
    if not sets:
        raise UserError(f"{path} holds no bAbI files (such as qa1_single-supporting-fact_test.txt)")
    return sets[min(sets, key=_rank)]


def _rank(folder: PurePosixPath) -> tuple[int, int, str]:
    place = _PREFERRED.index(folder.name) if folder.name in _PREFERRED else len(_PREFERRED)
    return place, len(folder.parts), str(folder)
