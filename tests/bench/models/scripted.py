"""Language models whose rule is known: what they say to the prompts that ship, from the prompt alone."""

from __future__ import annotations

import re

from rmt_bench.bench.models.baselines import entailed
from rmt_bench.bench.models.kept_text import sentences

NAMES = re.compile(r"\b(John|Mary|Sandra|Daniel)\b")


def reads_all(prompt: str) -> str:
    """Answers a `babilong` prompt as the symbolic reader does."""
    return entailed(part(prompt, "context"), question(prompt))


def takes_notes(prompt: str) -> str:
    """Writes down, word for word, every sentence with a name in it; answers as the symbolic reader does."""
    memory, passage = part(prompt, "memory"), part(prompt, "passage")
    if "Write the new" not in prompt:
        return entailed(f"{memory} {passage}", question(prompt))
    named = [sentence for sentence in sentences(passage) if NAMES.search(sentence)]
    return " ".join([memory.removeprefix("Nothing."), *named]).strip() or "Nothing."


def part(prompt: str, name: str) -> str:
    """What stands between `<name>` and `</name>`."""
    return prompt.split(f"<{name}>\n")[-1].split(f"\n</{name}>")[0].strip()


def question(prompt: str) -> str:
    """The question of a prompt, which stands in its last line that begins so."""
    return prompt.rsplit("Question: ", 1)[1].split("\n")[0]
