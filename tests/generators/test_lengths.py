from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmt_bench.base.errors import UserError
from rmt_bench.generators.lengths import Length, parse_lengths


@pytest.mark.parametrize(
    ("written", "tokens"),
    [("0", 0), ("512", 512), ("4k", 4_000), ("4K", 4_000), ("4Ki", 4_096), ("1.5k", 1_500), ("2M", 2_000_000),
     ("1Mi", 1_048_576), (" 8k ", 8_000)],
)  # fmt: skip
def test_length_in_tokens(written: str, tokens: int) -> None:
    assert parse_lengths(written) == [Length(written.strip(), tokens=tokens)]


def test_length_in_segments_leaves_room_for_the_question() -> None:
    (length,) = parse_lengths("7seg")
    assert length == Length("7seg", segments=7)
    assert length.context_tokens(9, 499) == 7 * 499 - 9
    with pytest.raises(UserError, match="--segment-length"):
        length.context_tokens(9, None)
    with pytest.raises(UserError, match="does not fit"):
        length.context_tokens(500, 499)


@pytest.mark.parametrize(
    ("written", "labels"),
    [
        ("1k..8k", ["1k", "2k", "4k", "8k"]),
        ("1k..2M", ["1k", "2k", "4k", "8k", "16k", "32k", "64k", "128k", "256k", "512k", "1024k", "2M"]),
        ("1k..7k", ["1k", "2k", "4k", "7k"]),
        ("100..400", ["100", "200", "400"]),
        ("1Ki..4Ki", ["1Ki", "2Ki", "4Ki"]),
        ("0.5k..2k", ["500", "1k", "2k"]),
        ("1..7seg", ["1seg", "2seg", "4seg", "7seg"]),
        ("1seg..4seg", ["1seg", "2seg", "4seg"]),
        ("0,1k..2k,4k", ["0", "1k", "2k", "4k"]),
    ],
)
def test_range_doubles_up_to_its_end(written: str, labels: list[str]) -> None:
    assert [length.label for length in parse_lengths(written)] == labels


def test_each_length_is_taken_once_by_its_first_name() -> None:
    assert [length.label for length in parse_lengths("1k,1000,1K,2k,1k..2k")] == ["1k", "2k"]
    assert parse_lengths(["1k", "2k,4k"]) == parse_lengths("1k,2k,4k")


@pytest.mark.parametrize(
    "written",
    ["", "4q", "k", "-1", "1.5", "0.0001k", "4k,", "0seg", "1.5seg", "4k..", "..4k", "8k..4k", "4k..4k", "0..4k",
     "1k..4seg", "1seg..4k", "1..2..3", "４k", "1e3", "nan"],
)  # fmt: skip
def test_what_is_no_length_is_refused_with_one_line(written: str) -> None:
    with pytest.raises(UserError) as raised:
        parse_lengths(written)
    assert "\n" not in str(raised.value)


@given(st.integers(0, 10**9))
def test_any_number_of_tokens_is_a_length(tokens: int) -> None:
    assert parse_lengths(str(tokens)) == [Length(str(tokens), tokens=tokens)]


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from(["", "k", "Ki", "seg"]))
def test_range_rises_from_its_first_to_its_last_and_never_more_than_doubles(low: int, more: int, unit: str) -> None:
    lengths = parse_lengths(f"{low}{unit}..{low + more}{unit}")
    sizes = [length.tokens if length.tokens is not None else length.segments or 0 for length in lengths]
    (first, last) = (parse_lengths(f"{n}{unit}")[0] for n in (low, low + more))
    assert (sizes[0], sizes[-1]) == (first.tokens or first.segments, last.tokens or last.segments)
    assert all(a < b <= 2 * a for a, b in itertools.pairwise(sizes))
    assert len({length.label for length in lengths}) == len(lengths)


@given(st.text(max_size=12))
def test_any_text_is_a_length_or_a_users_error(text: str) -> None:
    with contextlib.suppress(UserError):
        assert parse_lengths(text)
