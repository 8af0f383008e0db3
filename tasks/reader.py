"""The symbolic reader of all tasks: tries the reader of each kind in turn. It sees strings only, as they do."""

from __future__ import annotations

from . import german_reader, plain_reader
from .babi import reader as babi_reader
from .babi.reader_questions import answer as babi_answer
from .babi.reader_story import Story

#: What readers answer when the text does not say.
UNKNOWNS = (babi_reader.UNKNOWN, german_reader.UNKNOWN)


class Reader:
    """Answers questions about one text: those of any task, without being told which."""

    def __init__(self, text: str):
        self._text = text
        self._story: Story | None = None

    def answer(self, question: str) -> str:
        """The answer, or `"unknown"` when the text does not say."""
        return self.find(question) or babi_reader.UNKNOWN

    def find(self, question: str) -> str | None:
        """The answer, or `"unknown"` when the text does not say; `None` when no reader knows such questions."""
        for answering in (plain_reader.answer, german_reader.answer):
            if (found := answering(self._text, question)) is not None:
                return found
        self._story = self._story or Story(self._text)
        return babi_answer(self._story, question)


def read(text: str, question: str) -> str:
    """The answer to one question about a text; see `Reader`."""
    return Reader(text).answer(question)
