from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.generators.background import BACKGROUNDS, Background, load_background
from rmt_bench.generators.plain_text import PlainText, split_sentences


@pytest.mark.parametrize(
    ("paragraph", "sentences"),
    [
        ("Rain fell.  It\n  stopped! Did it?", ["Rain fell.", "It stopped!", "Did it?"]),
        ("“Come in,” she said. “It is open.” He came.", ["“Come in,” she said.", "“It is open.”", "He came."]),
        ('"Wait!" he cried. "Not yet."', ['"Wait!" he cried.', '"Not yet."']),
        ("Mr. Pell met Dr. Anstey. J. S. Mill did not.", ["Mr. Pell met Dr. Anstey.", "J. S. Mill did not."]),
        ("He had 3.5 pounds, i.e. nothing. No. 5 was shut.", ["He had 3.5 pounds, i.e. nothing.", "No. 5 was shut."]),
        ("“No.” She sat down. Well... perhaps.", ["“No.”", "She sat down.", "Well... perhaps."]),
        ("Élan! Ébène. Он пришёл. Она ушла.", ["Élan!", "Ébène.", "Он пришёл.", "Она ушла."]),
        ("It was _so_ late, and snake_case_name stayed.", ["It was so late, and snake_case_name stayed."]),
        ("CHAPTER IX", []),
        ("Chapter 9. The Sermon", []),
        ("CHAPTER 9. The Sermon.", []),
        ("Part of the ship was lost.", ["Part of the ship was lost."]),
        ("THE END", []),
        ("* * * * *", []),
        ("1. 2. 3.", []),
        ("", []),
        ("a" * 1_001, []),
    ],
)  # fmt: skip
def test_paragraph_is_split_into_sentences(paragraph: str, sentences: list[str]) -> None:
    assert list(split_sentences(paragraph)) == sentences


def test_notices_of_project_gutenberg_are_left_out(tmp_path: Path) -> None:
    book = tmp_path / "book.txt"
    book.write_text(
        "\ufeffThe Project Gutenberg eBook of X\n\n*** START OF THE PROJECT GUTENBERG EBOOK X ***\n\nIt began.\n\n"
        "It ended.\n\n*** END OF THE PROJECT GUTENBERG EBOOK X ***\n\nLicence here.\n"
    )
    assert list(PlainText(str(book)).sentences(0, "test")) == ["It began.", "It ended."]


def test_folder_is_read_file_by_file_in_order_of_names(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name, text in {
        "b.txt": "Second.",
        "a.txt": "First.",
        "sub/c.txt": "Third.",
        "x.md": "No.",
        "e.txt": "",
    }.items():
        (tmp_path / name).write_text(text)
    assert list(load_background(str(tmp_path)).sentences(0, "test")) == ["First.", "Second.", "Third."]


def test_background_is_named_by_its_folder_and_known_by_its_bytes(tmp_path: Path) -> None:
    for place in ("here", "there"):
        (tmp_path / place / "books").mkdir(parents=True)
        (tmp_path / place / "books" / "a.txt").write_text("The same words.")
    here, there = (load_background(f"text:{tmp_path / place / 'books'}") for place in ("here", "there"))
    assert here.name == there.name == "text:books"
    assert here.fingerprint == there.fingerprint
    (tmp_path / "there" / "books" / "a.txt").write_text("Other words here.")
    assert load_background(str(tmp_path / "there" / "books")).fingerprint != here.fingerprint


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\xff\xfe\x00bad", "is not UTF-8 text"), (b"Rain.\0 Sun.", "is not plain text"), (b"", "holds no text")],
)
def test_file_that_is_no_text_is_refused_by_name(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "some.txt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=said) as raised:
        list(load_background(str(path)).sentences(0, "test"))
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("spec", "said"),
    [("porse", "did you mean 'prose'"), ("/no/such", "no such file or folder"), ("text:", "text:PATH"),
     ("text", "text:PATH"), ("hf", "hf:NAME")],
)  # fmt: skip
def test_unknown_background_is_refused_with_its_remedy(spec: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        load_background(spec)


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no text: give a non-empty file, or a folder with .txt files"):
        load_background(str(tmp_path))


def test_background_of_ones_own_is_found_by_name() -> None:
    @BACKGROUNDS.register("toy")
    class Toy(Background):
        """Nothing much."""

        name, volumes, first_volumes, fingerprint = "toy", 1, 1, "toy"

        def sentences(self, volume: int, split: str) -> Iterator[str]:
            yield "Rain fell."

    assert isinstance(load_background("toy"), Toy)
    with pytest.raises(UserError, match="takes nothing after a colon"):
        load_background("toy:there")
