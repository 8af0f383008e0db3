"""The sentences of bAbI: frames keyed by what they mean, in the official English and in paraphrase.

Knows words only, no story. A frame is a sentence with named slots; the first letter is made a capital when it is
filled, so a slot may come first. `{a}` is the article of the slot after it, `{he}` the pronoun of `{actor}`.

    move    {actor} went to the {place}.            Mary went to the garden.
    feared  {animals} are afraid of {feared}.       Wolves are afraid of mice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_MOVED = ("went", "moved", "travelled", "journeyed", "went back")
_TOOK = ("grabbed", "got", "took", "picked up")
_DROPPED = ("dropped", "discarded", "left", "put down")
_GAVE = ("gave", "handed", "passed")
_NEXT = ("After that", "Afterwards", "Following that", "Then")

#: Facts as the official files word them. Every frame of a meaning is equally likely there.
FACTS: dict[str, tuple[str, ...]] = {
    "move": tuple(f"{{actor}} {verb} to the {{place}}." for verb in _MOVED),
    "take": tuple(f"{{actor}} {verb} the {{object}}." for verb in _TOOK),
    "take there": tuple(f"{{actor}} {verb} the {{object}} there." for verb in _TOOK),
    "drop": tuple(f"{{actor}} {verb} the {{object}}." for verb in _DROPPED),
    "drop there": tuple(f"{{actor}} {verb} the {{object}} there." for verb in _DROPPED),
    "give": tuple(f"{{actor}} {verb} the {{object}} to {{other}}." for verb in _GAVE),
    "is in": ("{actor} is in the {place}.",),
    "is not in": ("{actor} is not in the {place}.", "{actor} is no longer in the {place}."),
    "is in either": ("{actor} is either in the {place} or the {place2}.",),
    "move both": tuple(f"{{actor}} and {{other}} {verb} to the {{place}}." for verb in _MOVED),
    "then move": tuple(f"{start} {{he}} {verb} to the {{place}}." for start in _NEXT for verb in _MOVED),
    "then move both": tuple(f"{start} they {verb} to the {{place}}." for start in _NEXT for verb in _MOVED),
    "move at time": (
        *(f"{{time}} {{actor}} {verb} to the {{place}}." for verb in _MOVED),
        *(f"{{actor}} {verb} to the {{place}} {{time}}." for verb in _MOVED),
    ),
    "direction": ("The {place} is {direction} of the {landmark}.",),
    "fear": ("{animals} are afraid of {feared}.",),
    "kind": ("{name} is {a} {animal}.",),
    "color": ("{name} is {color}.",),
    "left": ("The {shape} is to the left of the {shape2}.",),
    "right": ("The {shape} is to the right of the {shape2}.",),
    "above": ("The {shape} is above the {shape2}.",),
    "below": ("The {shape} is below the {shape2}.",),
    "bigger": ("The {large} is bigger than the {small}.",),
    "fits": ("The {small} fits inside the {large}.",),
    "hungry": ("{actor} is hungry.",),
    "thirsty": ("{actor} is thirsty.",),
    "bored": ("{actor} is bored.",),
    "tired": ("{actor} is tired.",),
}

#: Questions as the official files word them (qa15 and qa20 write names in lower case; the stories see to that).
QUESTIONS: dict[str, tuple[str, ...]] = {
    "where is actor": ("Where is {actor}?",),
    "where is object": ("Where is the {object}?",),
    "where was object before": ("Where was the {object} before the {place}?",),
    "what lies": ("What is {direction} of the {landmark}?",),
    "of what lies": ("What is the {place} {direction} of?",),
    "what given": ("What did {actor} give to {other}?",),
    "who gave": ("Who gave the {object}?",),
    "who gave to": ("Who gave the {object} to {other}?",),
    "to whom given": ("Who did {actor} give the {object} to?",),
    "who received": ("Who received the {object}?",),
    "is in": ("Is {actor} in the {place}?",),
    "how many": ("How many objects is {actor} carrying?",),
    "what carried": ("What is {actor} carrying?",),
    "where was actor before": ("Where was {actor} before the {place}?",),
    "fear": ("What is {name} afraid of?",),
    "color": ("What color is {name}?",),
    "left": ("Is the {shape} to the left of the {shape2}?",),
    "right": ("Is the {shape} to the right of the {shape2}?",),
    "above": ("Is the {shape} above the {shape2}?",),
    "below": ("Is the {shape} below the {shape2}?",),
    "bigger": ("Is the {first} bigger than the {second}?",),
    "fits": ("Does the {first} fit in the {second}?",),
    "path": ("How do you go from the {place} to the {place2}?",),
    "where will go": ("Where will {actor} go?",),
    "why go": ("Why did {actor} go to the {place}?",),
    "why get": ("Why did {actor} get the {object}?",),
}

_MOVED_ELSE = ("headed over to the {place}", "strolled into the {place}", "made for the {place} and stopped inside")
_SOON = ("Soon", "Before long", "A little later")

#: The same facts in other words. No content word of a question below occurs in the facts that answer it.
PARAPHRASED_FACTS: dict[str, tuple[str, ...]] = {
    "move": (*(f"{{actor}} {moved}." for moved in _MOVED_ELSE), "The next stop for {actor} was the {place}."),
    "take": ("{actor} scooped up the {object}.", "{actor} seized the {object}.", "{actor} got hold of the {object}."),
    "drop": ("{actor} let go of the {object}.", "{actor} set the {object} aside.", "{actor} parted with the {object}."),
    "give": ("{actor} slid the {object} across to {other}.", "{other} accepted the {object} that {actor} held out."),
    "is in": ("{actor} is staying in the {place}.", "The {place} has {actor} within its walls."),
    "is not in": ("{actor} is nowhere within the {place}.", "The {place} is without {actor}."),
    "is in either": ("{actor} is within the {place} or else within the {place2}.",),
    "move both": tuple(f"{{actor}} and {{other}} {moved}." for moved in _MOVED_ELSE),
    "then move": tuple(f"{start} {{he}} {moved}." for start in _SOON for moved in _MOVED_ELSE),
    "then move both": tuple(f"{start} they {moved}." for start in _SOON for moved in _MOVED_ELSE),
    "move at time": ("{time} {actor} headed over to the {place}.", "{actor} strolled into the {place} {time}."),
    "direction": (
        "To the {direction} of the {landmark} lies the {place}.",
        "Walk {direction} out of the {landmark} and the {place} is there.",
    ),
    "fear": ("{animals} dread {feared}.", "{feared} make {animals} tremble."),
    "kind": ("{name} was born {a} {animal}.", "By birth {name} is {a} {animal}."),
    "color": ("{name} is {color} all over.", "From head to foot {name} is {color}."),
    "left": ("The {shape} stands on the left-hand side of the {shape2}.",),
    "right": ("The {shape} stands on the right-hand side of the {shape2}.",),
    "above": ("The {shape} hangs right over the {shape2}.",),
    "below": ("The {shape} sits right under the {shape2}.",),
    "bigger": ("The {large} dwarfs the {small}.", "Next to the {large}, the {small} looks tiny."),
    "fits": ("The {small} goes into the {large} with room to spare.", "The {large} swallows the {small} whole."),
    "hungry": ("{actor} has not eaten since dawn.", "The stomach of {actor} is rumbling."),
    "thirsty": ("{actor} longs for something to drink.", "The throat of {actor} is parched."),
    "bored": ("{actor} has nothing at all to do.", "Time passes slowly for {actor}, who wants some fun."),
    "tired": ("{actor} can hardly stay awake.", "{actor} keeps yawning."),
}
PARAPHRASED_FACTS["take there"] = PARAPHRASED_FACTS["take"]
PARAPHRASED_FACTS["drop there"] = PARAPHRASED_FACTS["drop"]

#: The same questions in other words. Compass points become the edges of a map, moods become reasons.
PARAPHRASED_QUESTIONS: dict[str, tuple[str, ...]] = {
    "where is actor": ("In which location would one find {actor}?", "What is the present whereabouts of {actor}?"),
    "where is object": (
        "In which location would one find the {object}?",
        "What is the present whereabouts of the {object}?",
    ),
    "where was object before": ("From which location was the {object} brought to the {place}?",),
    "what lies": ("On a map, which location borders the {landmark} at its {edge} edge?",),
    "of what lies": ("On a map, which location has the {place} at its {edge} edge?",),
    "what given": ("Which item did {other} obtain from {actor}?",),
    "who gave": ("Which person supplied the {object}?",),
    "who gave to": ("Which person supplied {other} with the {object}?",),
    "to whom given": ("Which person obtained the {object} from {actor}?",),
    "who received": ("Which person obtained the {object}?",),
    "is in": ("Would one find {actor} by searching the {place}?",),
    "how many": ("What is the number of items on {actor}?",),
    "what carried": ("Which items does {actor} have on hand?",),
    "where was actor before": ("From which location did {actor} come to the {place}?",),
    "fear": ("Which creature frightens {name}?",),
    "color": ("Which hue does {name} have?",),
    "left": ("Reading across, does one meet the {shape} earlier than the {shape2}?",),
    "right": ("Reading across, does one meet the {shape} later than the {shape2}?",),
    "above": ("Is the {shape} higher up than the {shape2}?",),
    "below": ("Is the {shape} lower down than the {shape2}?",),
    "bigger": ("Does the {first} have a greater volume than the {second}?",),
    "fits": ("Could one pack the {first} inside the {second}?",),
    "path": ("Which two steps lead from the {place} to the {place2}?",),
    "where will go": ("Which location will {actor} seek out?",),
    "why go": ("What mood brought {actor} to the {place}?",),
    "why get": ("What mood brought {actor} to pick the {object}?",),
}

#: What the paraphrased questions of qa4 call the compass points.
EDGES = {"north": "top", "south": "bottom", "west": "left", "east": "right"}
OPPOSITE = {"north": "south", "south": "north", "east": "west", "west": "east"}
#: The days' times of qa14 in the order they come.
TIMES = ("yesterday", "this morning", "this afternoon", "this evening")
COUNTS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

#: Words of the frames that ask and bind; what is left is content.
FUNCTION_WORDS = frozenset(
    """
    a an the is are was were be been do does did has have had will would could can which what where who whom why how
    of in on at by to from with for and or than as it its that there one you they he she out up not no many some
    """.split()
)
_LEMMAS = {"gave": "give", "went": "go", "got": "get", "fits": "fit", "carried": "carry", "received": "receive"}


def fill(frame: str, slots: Mapping[str, str]) -> str:
    """The sentence that a frame makes of its slots."""
    sentence = frame.format_map(slots)
    return sentence if sentence[0].isupper() else sentence[0].upper() + sentence[1:]


def article(word: str) -> str:
    """`a` or `an`, as `word` asks for."""
    an = word[0].lower() in "aeiou" and not re.match(r"(?i)eu|ewe|one|uni[^nm]|us[aeu]", word)
    return "an" if an else "a"


def content_words(text: str, names: Iterable[str] = ()) -> list[str]:
    """The words of a sentence that are neither function words nor (parts of) `names`, lower case, verbs undone."""
    apart = {word for name in names for word in re.findall(r"[\w'-]+", name.lower())}
    words = (word for word in re.findall(r"[\w'-]+", text.lower()) if word not in FUNCTION_WORDS and word not in apart)
    return [_LEMMAS.get(str(word), str(word)) for word in words]


def overlap(question: str, supporting: Iterable[str], names: Iterable[str] = ()) -> tuple[int, int]:
    """How many content words of a question occur in its supporting facts, and how many it has.

    `names` (the people, places and things of the story) are left out: a question has to name what it asks about.
    """
    held = {word for fact in supporting for word in content_words(fact, names)}
    asked = content_words(question, names)
    return sum(word in held for word in asked), len(asked)
