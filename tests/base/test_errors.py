from __future__ import annotations

from rmt_bench.base.errors import UserError, did_you_mean, one_line


def test_message_is_one_line() -> None:
    assert str(UserError("first\n   second")) == "first second"


def test_closest_name_is_offered_and_nothing_when_none_is_close() -> None:
    assert did_you_mean("detcet", ["detect", "reasoning"]) == "; did you mean 'detect'?"
    assert did_you_mean("zzz", ["detect"]) == ""
    assert did_you_mean("x", []) == ""


def test_exception_is_told_by_its_class_and_first_line() -> None:
    assert one_line(ValueError("bad\nmore")) == "ValueError: bad"
    assert one_line(KeyError()) == "KeyError"
