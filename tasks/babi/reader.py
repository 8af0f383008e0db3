"""A symbolic reader: answers the questions of all twenty tasks from the text alone, however much filler there is.

It sees strings only, and shares nothing with the code that makes the stories: so its right answers prove that the
facts in the text, and nothing else, determine them. It is not told which task is asked.

    read("Mary got the milk there. [...] Mary went to the office.", "Where is the milk?")  ->  "office"
"""

from __future__ import annotations

from .reader_questions import answer
from .reader_story import UNKNOWN, Story


class Reader:
    """Answers questions from text alone.

    Reading is driven by the question: the sentences that hold its names are looked up, then those of what they name
    in turn. So one `Reader` can be asked many questions about one text, and a long text costs a few scans.
    """

    def __init__(self, text: str):
        self._story = Story(text)

    def answer(self, question: str) -> str:
        """The answer in the official form, or `"unknown"` when the text does not say."""
        return answer(self._story, question) or UNKNOWN


def read(text: str, question: str) -> str:
    """The answer to one question about a text; see `Reader`."""
    return Reader(text).answer(question)
