"""The symbolic reader: what it concludes from text alone, and what it must not."""

import ast
from pathlib import Path

import pytest

from rmt_bench.tasks.babi import reader as reader_module
from rmt_bench.tasks.babi.reader import Reader, read

#: Text such as a novel's around every fact.
BEFORE = (
    "The old count looked up, and said nothing for a while. CHAPTER XII\n\n“My dear,” he went on, “the horses are in."
)
AFTER = "Then he rose, and walked to the window. She is in the right, thought Pierre. They moved to the left flank."


def hidden(*facts: str) -> str:
    """The facts with prose before, between and after them."""
    return " ".join([BEFORE, *(f"{fact} {AFTER}" for fact in facts)])


CASES = {
    "a thing held moves with its holder": (
        ["Mary got the milk there.", "Mary went to the office."],
        "Where is the milk?",
        "office",
    ),
    "a thing dropped stays where it was": (
        ["Mary got the milk there.", "Mary went to the office.", "Mary dropped the milk.", "Mary moved to the garden."],
        "Where is the milk?",
        "office",
    ),
    "a thing given moves with the receiver": (
        [
            "Mary went to the office.",
            "Mary got the milk there.",
            "Mary gave the milk to Bill.",
            "Bill went to the park.",
        ],
        "Where is the milk?",
        "park",
    ),
    "a thing whose holder never moved is nowhere known": (
        ["Mary got the milk there."],
        "Where is the milk?",
        "unknown",
    ),
    "before: the stop before the last stop there": (
        ["Mary took the milk.", "Mary went to the office.", "Mary went to the garden.", "Mary went to the hallway."],
        "Where was the milk before the hallway?",
        "garden",
    ),
    "before the first known place is unknown": (
        ["Mary took the milk.", "Mary went to the office."],
        "Where was the milk before the office?",
        "unknown",
    ),
    "before: a new carrier brings the thing from where it lay": (
        [
            "John went to the office.",
            "John took the milk.",
            "John left the milk.",
            "Mary went to the office.",
            "Mary took the milk.",
            "Mary went to the garden.",
        ],
        "Where was the milk before the garden?",
        "office",
    ),
    "giver": (["Fred gave the milk to Bill.", "Bill passed the milk to Jeff."], "Who gave the milk to Bill?", "Fred"),
    "last giver": (["Fred gave the milk to Bill.", "Bill passed the milk to Jeff."], "Who gave the milk?", "Bill"),
    "receiver": (["Fred gave the milk to Bill."], "Who did Fred give the milk to?", "Bill"),
    "gift": (["Fred gave the milk to Bill."], "What did Fred give to Bill?", "milk"),
    "no such gift": (["Fred gave the milk to Bill."], "What did Bill give to Fred?", "unknown"),
    "counting down": (
        ["Mary got the milk there.", "Mary took the apple there.", "Mary put down the milk."],
        "How many objects is Mary carrying?",
        "one",
    ),
    "giving away empties the hands": (
        ["Mary got the milk there.", "Mary gave the milk to John."],
        "How many objects is Mary carrying?",
        "none",
    ),
    "empty hands hold nothing": (
        ["Mary got the milk there.", "Mary left the milk."],
        "What is Mary carrying?",
        "nothing",
    ),
    "a list keeps the order of taking": (
        ["Mary got the milk there.", "Mary took the apple there."],
        "What is Mary carrying?",
        "milk,apple",
    ),
    "of someone who does not occur nothing is known": (
        ["Mary got the milk there."],
        "What is John carrying?",
        "unknown",
    ),
    "no longer": (["Mary is in the office.", "Mary is no longer in the office."], "Is Mary in the office?", "no"),
    "either, or: maybe": (["Bill is either in the park or the school."], "Is Bill in the school?", "maybe"),
    "either, or: surely not elsewhere": (["Bill is either in the park or the school."], "Is Bill in the office?", "no"),
    "they after two actors": (
        ["Mary and John went to the garden.", "Then they moved to the office."],
        "Where is John?",
        "office",
    ),
    "they are the two last named": (
        [
            "Mary and John went to the garden.",
            "Daniel and Sandra went to the hallway.",
            "Then they moved to the office.",
        ],
        "Where is John?",
        "garden",
    ),
    "they are two, not the one named in between": (
        ["Mary and John went to the garden.", "Daniel went to the hallway.", "Then they moved to the office."],
        "Where is John?",
        "office",
    ),
    "she is the woman last named": (
        ["Mary went to the garden.", "John went to the hallway.", "Afterwards she moved to the office."],
        "Where is Mary?",
        "office",
    ),
    "times out of order": (
        [
            "This morning Bill went to the park.",
            "Bill went to the school yesterday.",
            "Bill moved to the office this evening.",
        ],
        "Where was Bill before the park?",
        "school",
    ),
    "the latest time is now, whatever is told last": (
        ["This evening Bill went to the park.", "Bill went to the school yesterday."],
        "Where is Bill?",
        "park",
    ),
    "a path around a corner": (
        ["The garden is north of the office.", "The kitchen is west of the garden."],
        "How do you go from the office to the kitchen?",
        "n,w",
    ),
    "a path backwards": (
        ["The garden is north of the office.", "The kitchen is west of the garden."],
        "How do you go from the kitchen to the office?",
        "e,s",
    ),
    "no path": (["The garden is north of the office."], "How do you go from the office to the kitchen?", "unknown"),
    "north turned round": (["The garden is north of the office."], "What is south of the garden?", "office"),
    "both on the same side of a third: open": (
        ["The red square is above the triangle.", "The blue square is above the triangle."],
        "Is the red square above the blue square?",
        "unknown",
    ),
    "around a corner both axes are known": (
        ["The red square is above the triangle.", "The triangle is to the left of the blue square."],
        "Is the blue square to the right of the red square?",
        "yes",
    ),
    "bigger by a chain": (
        ["The box fits inside the chest.", "The suitcase is bigger than the chest."],
        "Does the box fit in the suitcase?",
        "yes",
    ),
    "not the other way round": (
        ["The box fits inside the chest.", "The suitcase is bigger than the chest."],
        "Is the box bigger than the suitcase?",
        "no",
    ),
    "two boxes in a third: open": (
        ["The box fits inside the chest.", "The suitcase fits inside the chest."],
        "Is the box bigger than the suitcase?",
        "unknown",
    ),
    "deduction": (["Mice are afraid of wolves.", "Emily is a mouse."], "What is emily afraid of?", "wolf"),
    "induction": (["Lily is a swan.", "Lily is white.", "Greg is a swan."], "What color is Greg?", "white"),
    "motive": (["Jason is bored.", "Jason went to the garden."], "Why did jason go to the garden?", "bored"),
    "motive not told": (["Jason went to the garden."], "Why did jason go to the garden?", "unknown"),
}


@pytest.mark.parametrize(("facts", "question", "wanted"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("around", [" ".join, lambda facts: hidden(*facts)], ids=["bare", "in prose"])
def test_the_reader_concludes(around, facts: list[str], question: str, wanted: str):
    assert read(around(facts), question) == wanted


@pytest.mark.parametrize(
    "before",
    ["asked Pierre", "By Herman Melville", "Monsieur mon frère,", "at eight o’clock in the morning", "“And so,”—"],
)
@pytest.mark.parametrize(
    ("facts", "question", "wanted"),
    [
        (["Miranda was born an otter.", "Miranda is magenta all over."], "What color is Miranda?", "magenta"),
        (["Mary and John went to the office."], "Where is John?", "office"),
        (["Mary and John went to the office."], "Where is Mary?", "office"),
        (["The garden is north of the office."], "What is north of the office?", "garden"),
    ],
)
def test_a_fact_after_a_line_without_a_full_stop_is_read(before: str, facts: list[str], question: str, wanted: str):
    assert read(" ".join(f"{before} {fact}" for fact in facts), question) == wanted


def test_a_pronoun_of_the_filler_moves_nobody():
    text = "Mary went to the office. Then she moved to the window. Then they went to the door."
    assert read(text, "Where is Mary?") == "office"


def test_longer_words_that_hold_a_name_are_not_the_name():
    assert read("Maryland is a state. The gardener went to the office.", "Where is Mary?") == "unknown"


def test_a_line_break_inside_a_fact_does_not_hide_it():
    assert read("It rained.\nMary went\nto the office.\n\nIt rained.", "Where is Mary?") == "office"


def test_one_reader_answers_many_questions():
    reader = Reader("Mary went to the office. John went to the garden.")
    assert [reader.answer(f"Where is {name}?") for name in ("John", "Mary", "Fred")] == ["garden", "office", "unknown"]


def test_a_question_of_no_known_form_is_answered_with_unknown():
    assert read("Mary went to the office.", "Whither Mary?") == "unknown"


def test_the_reader_shares_nothing_with_the_code_that_tells_stories():
    folder = Path(reader_module.__file__).parent
    allowed = {path.stem for path in folder.glob("reader*.py")} | {"lexicon", "__future__"}
    for path in folder.glob("reader*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                names = {node.module} if node.module else {alias.name for alias in node.names}
                assert {(name or "").split(".")[-1] for name in names} <= allowed
