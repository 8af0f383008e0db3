"""RULER's properties, theirs as its configuration states them and ours as counted in stories: a table in Markdown.

    python scripts/ruler_table.py [--episodes 200]

Theirs: scripts/synthetic.yaml of RULER (arXiv 2404.06654) and the generators that it names, as lm-evaluation-harness
0.4.13 carries them. Ours: nothing is taken from knobs; facts, questions and answers are parsed.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from scipy.optimize import minimize_scalar

from rmt_bench.tasks.episode import Episode
from rmt_bench.tasks.registry import load_task

_NEEDLE = re.compile(r"One of the special magic (\w+) for (.+) is: (.+)\.")
_ASKED = re.compile(r"magic \w+ for (.+) mentioned")
_VARIABLE = re.compile(r"VAR (\w+) = (?:VAR )?(\w+)\.")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: Each configuration: RULER's haystack, its own words for the rest, and how it is asked for here.
THEIRS = {
    "niah_single_1": ("one repeated line", "1 key asked of 1, 1 value each, words to numbers of 7 digits", "noise"),
    "niah_single_2": ("essays", "1 key asked of 1, 1 value each, words to numbers of 7 digits", "books"),
    "niah_single_3": ("essays", "1 key asked of 1, 1 value each, words to UUIDs", "books"),
    "niah_multikey_1": ("essays", "1 key asked of 4, 1 value each, words to numbers of 7 digits", "books"),
    "niah_multikey_2": (
        "needles",
        "1 key of all that fit, 1 value each, words to numbers of 7 digits",
        "needles",
    ),
    "niah_multikey_3": ("needles", "1 key of all that fit, 1 value each, UUIDs to UUIDs", "needles"),
    "niah_multivalue": ("essays", "1 key asked of 1, 4 values each, words to numbers of 7 digits", "books"),
    "niah_multiquery": ("essays", "4 keys asked of 4, 1 value each, words to numbers of 7 digits", "books"),
    "vt": ("one repeated line", "1 chain, 4 hops, values of 5 digits", "noise"),
    "cwe": ("words alone", "10 words 30 times, the others 3 times", "any"),
    "fwe": ("words alone", "Zipf, alpha 2.00, the first rank is noise, ranks 2 to 4 are asked for", "any"),
}
_HAYSTACKS = {
    "noise": "`--background noise`",
    "books": "books, or `prose`",
    "needles": "any, `--distractors 60`: needles in nine tenths of it",
    "any": "any",
}


def ruler_table(episodes: int = 200) -> str:
    """The table: one row for each of RULER's thirteen configurations."""
    rows = ["| RULER | its haystack | here | its facts | ours, counted |", "|---|---|---|---|---|"]
    for name, (haystack, facts, here) in THEIRS.items():
        rows.append(f"| `{name}` | {haystack} | {_HAYSTACKS[here]} | {facts} | {counted(name, episodes)} |")
    rows += [
        "| qa_1 | paragraphs | not here | SQuAD, one of them holds the answer | nothing could prove its answers |",
        "| qa_2 | paragraphs | not here | HotpotQA, two of them hold the answer | the same; qa2 and qa3 chain facts |",
    ]
    return "\n".join(rows)


def counted(name: str, episodes: int) -> str:
    """What so many stories of a task hold, in the words of `THEIRS`."""
    told = [load_task(name).episode(np.random.Generator(np.random.Philox(key=i))) for i in range(episodes)]
    measure: Callable[[Episode], str] = {"vt": _chains, "cwe": _common, "fwe": _asked_ranks}.get(name, _needles)
    found = _only(map(measure, told))
    return f"Zipf, alpha {_alpha(told):.2f}, {found}" if name == "fwe" else found


def _needles(episode: Episode) -> str:
    needles = [match.groups() for fact in episode.facts if (match := _NEEDLE.fullmatch(fact))]
    assert len(needles) == len(episode.facts)
    keys = Counter(key for _, key, _ in needles)
    match = _ASKED.search(episode.questions[0].text)
    assert match
    asked = re.split(r", and |, ", match[1])
    answers = episode.questions[0].answer.split(",")
    assert sorted(value for _, key, value in needles if key in asked) == sorted(answers)
    kinds = _only(f"{_kind(key)} to {_kind(value)}" for _, key, value in needles)
    values = _only(f"{count}" for count in keys.values())
    return (
        f"{len(asked)} key{'s' * (len(asked) > 1)} asked of {len(keys)}, {values} value{'s' * (values != '1')} each, "
        f"{kinds}"
    )


def _kind(text: str) -> str:
    if text.isdigit():
        return f"numbers of {len(text)} digits"
    return "UUIDs" if _UUID.fullmatch(text) else "words"


def _chains(episode: Episode) -> str:
    before = dict(match.groups() for fact in episode.facts if (match := _VARIABLE.fullmatch(fact)))
    assert len(before) == len(episode.facts)
    roots = [value for value in before.values() if value.isdigit()]
    hops = (len(before) - len(roots)) // len(roots)
    assert len(episode.questions[0].answer.split(",")) == hops + 1
    return f"{len(roots)} chain, {hops} hops, values of {_only(str(len(value)) for value in roots)} digits"


def _words(episode: Episode) -> Counter[str]:
    return Counter(word for fact in episode.facts for word in fact.partition(": ")[2].rstrip(".").split(", "))


def _common(episode: Episode) -> str:
    words, answer = _words(episode), episode.questions[0].answer.split(",")
    times = _only(str(words.pop(word)) for word in answer)
    return f"{len(answer)} words {times} times, the others {_only(map(str, words.values()))} times"


def _asked_ranks(episode: Episode) -> str:
    answer = episode.questions[0].answer.split(",")
    assert [word for word, _ in _words(episode).most_common(len(answer))] == answer
    return f"the first rank is noise, ranks 2 to {1 + len(answer)} are asked for"


def _alpha(told: Sequence[Episode]) -> float:
    """The exponent of greatest likelihood, of ranks from the second on."""
    counts = np.sum([sorted(_words(episode).values(), reverse=True) for episode in told], axis=0)
    ranks = np.arange(2, 2 + len(counts))

    def surprise(alpha: float) -> float:
        return float(alpha * (counts * np.log(ranks)).sum() + counts.sum() * np.log((ranks**-alpha).sum()))

    return float(minimize_scalar(surprise, bounds=(0.5, 4), method="bounded").x)  # type: ignore[attr-defined]


def _only(values: Iterable[str]) -> str:
    """The one value that all of them are."""
    (value,) = set(values)
    return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=200)
    print(ruler_table(parser.parse_args().episodes))


if __name__ == "__main__":
    main()
