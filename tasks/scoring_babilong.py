"""BABILong's own scorer, faithful to the letter, faults included, to compare with what others published with it.

Its faults, which are its and nowhere else's:

labels    none, one, two, three     right answer: none
"None of them."                     wrong: `one` stands in `none`, so two labels are found; a gold `none` never scores
"None"                              wrong: pandas has read it as a missing value before it is judged
labels    yes, no                   right answer: no
"No, I know."                       correct; "Yes, I know." names `no` too, inside "know"
labels    garden, office            right answer: garden
"Ms. Smith is in the garden."       wrong: the answer ends at the first full stop
labels    apple, milk               right answer: "apple, milk"
"apple and milk"                    wrong: a list with a space after its comma never matches

Source: `babilong/metrics.py` of the repository booydar/babilong, and `collect_results.py`, which reads the files.
Knows only strings.
"""

from __future__ import annotations

from .scoring import SCORERS, Asked, Score

_ROOMS = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")
_YES_NO = ("no", "yes")

#: The labels of each task, whatever its questions allow.
LABELS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("qa1", "qa2", "qa3", "qa4", "qa11", "qa12", "qa13"), _ROOMS),
    "qa5": ("Bill", "Fred", "Jeff", "Mary", "apple", "football", "milk"),
    **dict.fromkeys(("qa6", "qa9", "qa17", "qa18"), _YES_NO),
    "qa7": ("none", "one", "three", "two"),
    "qa8": ("apple", "football", "milk", "nothing"),
    "qa10": ("maybe", "no", "yes"),
    "qa14": ("bedroom", "cinema", "kitchen", "office", "park", "school"),
    "qa15": ("cat", "mouse", "sheep", "wolf"),
    "qa16": ("gray", "green", "white", "yellow"),
    "qa19": ("e,e", "e,n", "e,s", "n,e", "n,n", "n,w", "s,e", "s,s", "s,w", "w,n", "w,s", "w,w"),
    "qa20": ("bedroom", "bored", "garden", "hungry", "kitchen", "thirsty", "tired"),
}

#: What `pandas.read_csv` takes for a missing value; `collect_results.py` makes it an empty answer.
_MISSING = frozenset(
    "#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|-NaN|-nan|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|NaN|None|n/a|nan|null".split("|")
)
#: Where an answer is cut, in this order. That at "Question" never fires: the answer is in lower case by then.
_CUTS = (".", "<context>", "<example>", "Question")
#: A target with a comma is a list, unless it is as short as a path of qa19 (`s,w`).
_PATH_LENGTH = 3


@SCORERS.register("babilong")
def babilong(output: str, asked: Asked) -> Score:
    """BABILong's own scorer with its faults: substrings, the first sentence only, the question's labels taken out."""
    labels = {label.lower() for label in LABELS.get(asked.task, asked.choices)}
    question, target = asked.question.lower(), asked.target.lower()
    said = _first_sentence("" if output in _MISSING else output)
    named = {label for label in labels if label in said and label not in question}
    items = target.split(",") if "," in target and len(target) > _PATH_LENGTH else [target]
    correct = len(named) == len(items) and all(item in named for item in items)
    return Score(correct, ",".join(sorted(named)), "answered" if named else "invalid")


def _first_sentence(output: str) -> str:
    said = output.lower()
    for cut in _CUTS:
        said = said.split(cut)[0]
    return said
