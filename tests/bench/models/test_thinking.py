import pytest

from rmt_bench.bench.models.thinking import Spoken, first_line, spoken


@pytest.mark.parametrize(
    ("text", "thought", "finish", "thinks", "expected"),
    [
        ("garden", "", "stop", False, Spoken("garden")),
        ("  garden\n", "", "stop", True, Spoken("garden")),
        ("<think>Mary went\nthere</think>\ngarden", "", "stop", True, Spoken("garden")),
        ("Mary went there</think> garden", "", "stop", True, Spoken("garden")),
        ("<think>a</think><think>b</think>garden", "", "stop", True, Spoken("garden")),
        ("garden", "Mary went there", "stop", True, Spoken("garden")),
        ("the garden is", "", "length", False, Spoken("the garden is", "cut at 9 tokens")),
        ("</think>the garden is", "", "length", True, Spoken("the garden is", "cut at 9 tokens")),
        ("the garden is", "Mary went", "length", True, Spoken("the garden is", "cut at 9 tokens")),
        ("<think>Mary in the kitchen", "", "length", True, Spoken("", "cut inside its thinking at 9 tokens")),
        ("Mary in the kitchen", "", "length", True, Spoken("", "cut inside its thinking at 9 tokens")),
        ("", "Mary in the kitchen", "length", True, Spoken("", "cut inside its thinking at 9 tokens")),
        ("<think>Mary in the kitchen", "", "stop", False, Spoken("", "its thinking has no end")),
        ("", "", "stop", False, Spoken("", "empty answer")),
        ("<think>so</think> \n", "", "stop", True, Spoken("", "empty answer")),
        ("", "", "length", False, Spoken("", "empty answer, cut at 9 tokens")),
        ("", "", "content_filter", False, Spoken("", "kept back by the server's content filter", filtered=True)),
    ],
)
def test_an_answer_is_told_from_the_thinking_and_from_what_was_cut(text, thought, finish, thinks, expected):
    assert spoken(text, thought, finish, 9, thinks) == expected


@pytest.mark.parametrize(
    ("text", "note", "expected"),
    [
        ("garden\nQuestion: Where is", "cut at 9 tokens", ("garden", "")),
        ("\n\n garden \n", "", ("garden", "")),
        ("garden of the", "cut at 9 tokens", ("garden of the", "cut at 9 tokens")),
        ("", "empty answer", ("", "empty answer")),
    ],
)
def test_a_first_line_that_is_whole_was_not_cut(text, note, expected):
    assert first_line(text, note) == expected
