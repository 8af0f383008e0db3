"""Tracing and aggregation, after RULER: variables that pass a value on, and the commonest of many words.

    vt    VAR Alaric = 12345.     VAR Beatrix = VAR Alaric.     VAR Kezia = VAR Beatrix.     who has 12345?
    cwe   Wordlist: bagel, otter, bagel, sauna, bagel, zebra.    a few words come often, all others seldom
    fwe   Wordlist: otter, bagel, otter, otter, sauna, otter.    rank r comes words / (r^alpha zeta(alpha)) times,
                                                                 and the first rank is noise: the filler

In RULER the words fill the whole text; here they are a number of facts and filler does the rest, so that all lengths
tell the same story. What grows with RULER's length grows here with the knobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..base.errors import UserError
from .asking import WordTask, asked, between, numbers
from .babi.dice import Dice
from .episode import Episode
from .registry import task
from .words import WORDLIST, names, nouns


@task("vt")
@dataclass(frozen=True)
class VariableTracking(WordTask):
    """Variable tracking: chains of variables that take their value from each other; which have this one?

    `chains` of `hops` each, told in order and mixed with each other; one chain is asked for.
    """

    chains: int = 1
    hops: int = 4

    def check(self) -> None:
        """There are as many names as variables, and one more."""
        between("chains", self.chains, 1)
        between("hops", self.hops, 0)
        if (count := self.chains * (self.hops + 1)) >= len(names(self.half)):
            raise UserError(f"{self.chains} chains of {self.hops} hops take {count} names; there are 39")

    @property
    def odds(self) -> tuple[int, int]:
        """All names there are; those of one chain."""
        return len(names(self.half)), self.hops + 1

    @property
    def labels(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """All names there are."""
        return names(self.half)

    def tell(self, dice: Dice) -> Episode:
        """Chains are mixed as decks of cards are, each in its order."""
        variables = dice.sample(names(self.half), self.chains * (self.hops + 1))
        values = numbers(dice, 5, self.chains)
        turns = dice.shuffled([chain for chain in range(self.chains) for _ in range(self.hops + 1)])
        members: list[list[int]] = [[] for _ in range(self.chains)]
        facts = []
        for fact, chain in enumerate(turns):
            before = f"VAR {variables[members[chain][-1]]}" if members[chain] else f"{values[chain]}"
            facts.append(f"VAR {variables[fact]} = {before}.")
            members[chain].append(fact)
        having = [variables[i] for i in members[0]]
        which = f"Which {len(having)} variables have" if self.hops else "Which variable has"
        text = f"{which} the value {values[0]}?"
        return Episode(tuple(facts), (asked(text, having, self.labels, members[0]),))


@dataclass(frozen=True)
class _WordLists(WordTask):
    """What the tasks have in common that ask for the commonest words: `row` words stand in one fact."""

    row: int = 8

    @property
    def labels(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """All words that lists are made of."""
        return nouns(self.half)

    def lists(self, dice: Dice, counts: Sequence[int], asked_for: int) -> Episode:
        """Words, the first one `counts[0]` times and so on, in random order; the first `asked_for` are asked for."""
        words = dice.sample(nouns(self.half), len(counts))
        told = dice.shuffled([word for word, count in zip(words, counts, strict=True) for _ in range(count)])
        rows = [told[start : start + self.row] for start in range(0, len(told), self.row)]
        facts = tuple(f"{WORDLIST.capitalize()}: {', '.join(row)}." for row in rows)
        which = f"Which {asked_for} words are" if asked_for > 1 else "Which word is"
        text = f"{which} the most frequent in the {WORDLIST}s?"
        right = words[:asked_for]
        return Episode(facts, (asked(text, right, self.labels, range(len(rows))),))


@task("cwe")
@dataclass(frozen=True)
class CommonWords(_WordLists):
    """Common words: a few words come many times, all others a few times; which are the common ones?"""

    common: int = 10
    times: int = 30
    others: int = 50
    other_times: int = 3

    def check(self) -> None:
        """Common words are commoner than others, and there are enough words."""
        most = len(nouns(self.half))
        between("row", self.row, 1, 40)
        between("common", self.common, 1, most - 1)
        between("others", self.others, 0, most - self.common)
        between("other_times", self.other_times, 1)
        between("times", self.times, self.other_times + 1)

    @property
    def odds(self) -> tuple[int, int]:
        """All words there are; the common ones."""
        return len(nouns(self.half)), self.common

    def tell(self, dice: Dice) -> Episode:
        """`common` words `times` times each, `others` `other_times` times each."""
        return self.lists(dice, [self.times] * self.common + [self.other_times] * self.others, self.common)


@task("fwe")
@dataclass(frozen=True)
class FrequentWords(_WordLists):
    """Frequent words: how often a word comes falls with its rank as Zipf has it; which are the most frequent?

    `words` words would be in the text if those of the first rank were told, which are noise in RULER and filler here;
    `alpha` is the exponent: the larger, the easier. The `top` ones, ranks 2, 3 ..., are asked for.
    """

    words: int = 600
    alpha: float = 2.0
    top: int = 3

    def check(self) -> None:
        """The last word asked for comes more often than the next one."""
        between("row", self.row, 1, 40)
        between("alpha", self.alpha, 0.1, 10)
        between("top", self.top, 1, len(nouns(self.half)) - 1)
        between("words", self.words, 1, 100_000)
        counts = [*self.counts, 0, 0]
        if len(self.counts) < self.top or counts[self.top - 1] <= counts[self.top]:
            raise UserError(
                f"of {self.words} words with alpha={self.alpha:g} number {self.top} comes no more often than the next "
                "one: raise words or alpha, or lower top"
            )

    @property
    def counts(self) -> list[int]:
        """How often the word of each rank from the second on comes, as far as it comes at all."""
        ranks = range(2, len(nouns(self.half)) + 2)
        zeta = sum(rank**-self.alpha for rank in range(1, 2_000))
        return [count for rank in ranks if (count := int(self.words * rank**-self.alpha / zeta))]

    @property
    def odds(self) -> tuple[int, int]:
        """All words there are; those asked for."""
        return len(nouns(self.half)), self.top

    def tell(self, dice: Dice) -> Episode:
        """Every rank's word as often as it comes."""
        return self.lists(dice, self.counts, self.top)
