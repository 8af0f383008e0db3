import tracemalloc

import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.leaderboard.validate import validate

HEADER = "model,task,length,n,correct,accuracy"
GOOD = "m,qa1,4k,100,90,0.9"


def _found(tmp_path, *lines, header=HEADER):
    path = tmp_path / "board.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return [(finding.line, finding.message) for finding in validate(path)]


def test_a_sound_file_has_no_findings(tmp_path):
    assert _found(tmp_path, GOOD, "m,qa1,7seg,3,1,0.3333", "m,qa2,0,0,0,", "'=m,qa2,4k,,,0.5") == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("m,qa1,4k,100,90,NaN", "accuracy is NaN: leave the cell empty"),
        ("m,qa1,4k,100,90,inf", "accuracy is inf"),
        ("m,qa1,4k,-5,0,", "n is negative: -5"),
        ("m,qa1,4k,10,11,", "correct is 11 of n = 10"),
        ("m,qa1,4k,10.5,1,", "n is no whole number: 10.5"),
        ("m,qa1,4k,ten,1,", "n is no number: 'ten'"),
        ("m,qa1,4k,1_000,1,", "n is no plain number: '1_000'"),
        ("m,qa1,4k,100,90,0.91", "accuracy is 0.91, correct / n is 0.9000"),
        ("m,qa1,4k,,,1.5", "accuracy is above 1: 1.5"),
        ("m,qa1,4k,,,", "neither n and correct nor an accuracy is given"),
        (",qa1,4k,100,90,0.9", "model is empty"),
        ("m,qa1,long,100,90,0.9", "length 'long' is none"),
        ("=1+1,qa1,4k,100,90,0.9", "model begins as a formula does: '=1+1'"),
        ("m,\u200f@x,4k,100,90,0.9", "task begins as a formula does"),
        ("m,qa1,4k,100,90", "5 cells, the header has 6"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, line, message):
    ((number, said),) = _found(tmp_path, "other,qa1,4k,100,90,0.9", line)
    assert number == 3
    assert message in said


def test_a_row_that_is_said_twice_names_the_line_it_repeats(tmp_path):
    found = _found(tmp_path, GOOD, "m,qa1,8k,1,1,1", "m,qa1,4k,10,1,0.1")
    assert found == [(4, "says the same as line 2: one model, task and length, twice")]


def test_lines_are_counted_as_an_editor_counts_them(tmp_path):
    assert _found(tmp_path, '"two\nlines",qa1,4k,1,1,1', "m,qa1,4k,1,2,")[0][0] == 4


def test_the_interval_must_be_the_one_of_the_counts(tmp_path):
    header = "model,task,length,n,correct,accuracy,ci_low,ci_high,n_haystacks"
    good, wrong, clustered = (f"m,qa1,{k}k,100,90,0.9,{ends}" for k, ends in
                              enumerate(("0.8256,0.9448,100", "0.89,0.91,100", "0.7,0.97,10")))  # fmt: skip
    ((line, message),) = _found(tmp_path, good, wrong, clustered, header=header)
    assert (line, message) == (3, "the interval is 0.89 to 0.91; Wilson's of 90 of 100 is 0.8256 to 0.9448")


def test_unknown_and_doubled_columns_are_named(tmp_path):
    found = _found(tmp_path, GOOD + ",1,x", header=HEADER + ",chanse,model")
    assert [message for _, message in found[:2]] == [
        "column 'model' stands there 2 times",
        "unknown column 'chanse'; did you mean 'chance'?",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 9, "not UTF-8 text"),
        (b"", "is empty"),
        (b"model,task,size,n,correct\n", "no column 'length'"),
        (b'model,task,length\nm,qa1,"4k\n' + b"x" * (1 << 21), "is longer than"),
        (b'model,task,length\nm,qa1,"4k"x\n', "line 2"),
    ],
)
def test_what_is_no_leaderboard_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "board.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"is no|is empty") as refused:
        list(validate(path))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        list(validate(tmp_path / "none.csv"))


def test_a_large_file_is_streamed(tmp_path):
    path = tmp_path / "board.csv"
    with path.open("w") as file:
        file.write(HEADER + "\n")
        file.writelines(f"model number {i},qa1,4k,100,90,0.9\n" for i in range(20_000))
    tracemalloc.start()
    assert sum(1 for _ in validate(path)) == 0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < path.stat().st_size * 2.5
