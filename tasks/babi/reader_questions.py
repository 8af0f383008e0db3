"""What a question asks: the question forms of the twenty tasks, official and paraphrased, as one table.

Each form names the function that answers it; its slots, in angle brackets, are that function's arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from . import reader_kinds as kinds
from . import reader_people as people
from . import reader_relations as relations
from .reader_forms import STEPS
from .reader_story import Story

Answering = Callable[..., str]

#: Every word for a direction that a question can use, the edges of a map and the order of reading included.
_STEPS = STEPS | {
    "top": (0, 1),
    "bottom": (0, -1),
    "left": (-1, 0),
    "right": (1, 0),
    "higher up": (0, 1),
    "lower down": (0, -1),
    "earlier": (-1, 0),
    "later": (1, 0),
}
_SLOTS = {
    "compass": "(?P<step>north|south|east|west)",
    "edge": "(?P<step>top|bottom|left|right)",
    "side": "(?P<step>above|below|to the left of|to the right of)",
    "height": "(?P<step>higher up|lower down)",
    "when": "(?P<step>earlier|later)",
}
_FORMS: tuple[tuple[Answering, tuple[str, ...]], ...] = (
    (
        people.where_thing_before,
        ("Where was the <thing> before the <place>", "From which location was the <thing> brought to the <place>"),
    ),
    (
        people.where_person_before,
        ("Where was <person> before the <place>", "From which location did <person> come to the <place>"),
    ),
    (
        people.where_thing,
        (
            "Where is the <thing>",
            "In which location would one find the <thing>",
            "What is the present whereabouts of the <thing>",
        ),
    ),
    (
        people.where_person,
        (
            "Where is <person>",
            "In which location would one find <person>",
            "What is the present whereabouts of <person>",
        ),
    ),
    (people.how_many_carrying, ("How many objects is <person> carrying", "What is the number of items on <person>")),
    (people.what_carrying, ("What is <person> carrying", "Which items does <person> have on hand")),
    (people.what_given, ("What did <giver> give to <taker>", "Which item did <taker> obtain from <giver>")),
    (
        people.who_gave,
        (
            "Who gave the <thing> to <taker>",
            "Who gave the <thing>",
            "Which person supplied the <thing>",
            "Which person supplied <taker> with the <thing>",
        ),
    ),
    (
        people.to_whom_given,
        (
            "Who did <giver> give the <thing> to",
            "Who received the <thing>",
            "Which person obtained the <thing> from <giver>",
            "Which person obtained the <thing>",
        ),
    ),
    (
        relations.what_is_beside,
        ("What is <compass> of the <place>", "On a map, which location borders the <place> at its <edge> edge"),
    ),
    (
        relations.what_it_is_beside,
        ("What is the <place> <compass> of", "On a map, which location has the <place> at its <edge> edge"),
    ),
    (
        relations.path,
        ("How do you go from the <start> to the <goal>", "Which two steps lead from the <start> to the <goal>"),
    ),
    (
        relations.is_beside,
        (
            "Is the <thing> <side> the <other>",
            "Reading across, does one meet the <thing> <when> than the <other>",
            "Is the <thing> <height> than the <other>",
        ),
    ),
    (
        relations.is_bigger,
        (
            "Is the <thing> bigger than the <than>",
            "Does the <thing> have a greater volume than the <than>",
            "Does the <than> fit (?:in|inside) the <thing>",
            "Could one pack the <than> inside the <thing>",
        ),
    ),
    (people.is_person_in, ("Is <person> in the <place>", "Would one find <person> by searching the <place>")),
    (kinds.what_afraid_of, ("What is <name> afraid of", "Which creature frightens <name>")),
    (kinds.what_color, ("What colou?r is <name>", "Which hue does <name> have")),
    (kinds.where_will_go, ("Where will <name> go", "Which location will <name> seek out")),
    (kinds.why_got, ("Why did <name> get the <thing>", "What mood brought <name> to pick the <thing>")),
    (kinds.why_went, ("Why did <name> go to the <place>", "What mood brought <name> to the <place>")),
)


def _compile(form: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"<(\w+)>", lambda slot: _SLOTS.get(slot[1], rf"(?P<{slot[1]}>.+?)"), form))


def _patterns(forms: Iterable[tuple[Answering, tuple[str, ...]]]) -> list[tuple[re.Pattern[str], Answering]]:
    return [(_compile(form), answering) for answering, worded in forms for form in worded]


_PATTERNS = _patterns(_FORMS)


def answer(story: Story, question: str) -> str | None:
    """The answer to a question, or `None` when it has no known form."""
    asked = " ".join(question.split()).rstrip("?. ")
    for pattern, answering in _PATTERNS:
        if match := pattern.fullmatch(asked):
            slots = match.groupdict()
            if step := slots.pop("step", None):
                return answering(story, step=_STEPS[step], **slots)
            return answering(story, **slots)
    return None
