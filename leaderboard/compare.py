"""Which of two models is better, on the same samples; and which ranks the noise allows. Knows only right and wrong.

                      B right   B wrong
    A right              a         b        difference A - B = (b - c) / n
    A wrong              c         d        only the b + c samples on which they differ tell

The interval of the difference is Wald's after one more sample of each kind of disagreement (Bonett and Price 2012); the
p-value is McNemar's mid-p (Fagerland, Lydersen and Laake 2013). Where several questions share a haystack, the
variance is that between haystacks (Obuchowski 1998). Models that share fewer than half of the smaller set of samples
are compared as two independent groups (Agresti and Caffo 2000).

In a table of many models one is better than another only if it is after the step-up procedure of Benjamini and Hochberg
over all pairs, as Williams, Jones and Tukey (1999) recommend for leagues: of the claims that one model is better than
another, 5% at most are expected to be wrong. A model's best rank is one more than the number of models that are better
than it, its worst rank the number of models less those that it is better than.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse, stats

from .intervals import LEVEL, Z, effective_size, per_cluster, t_quantile

#: The share of wrong claims among all that one model is better than another.
FALSE_CLAIMS = 1 - LEVEL
#: The part of the smaller set of samples that two models share, at least, to be compared on these alone: imported
#: samples are told apart by their text, and a few of two different sets are alike by accident.
_SHARED = 0.5
#: A table of samples by models that is fuller than this is faster to multiply as a dense one.
_DENSE = 0.1


@dataclass(frozen=True)
class Entrant:
    """One row of a table, for comparison: its judged samples (64-bit ids, sorted), their haystacks, which are right.

    All [n]. Without samples (imported scores) it has only `n` and `share`.
    """

    samples: np.ndarray
    haystacks: np.ndarray
    correct: np.ndarray
    n: float
    share: float

    @classmethod
    def of(cls, samples: np.ndarray, haystacks: np.ndarray, correct: np.ndarray) -> Entrant:
        """From judged answers in any order; `n` is their effective number."""
        order = np.argsort(samples)
        asked, right = per_cluster(haystacks, correct)
        size = effective_size(right, asked) if len(samples) else 0.0
        share = float(correct.mean()) if len(samples) else float("nan")
        return cls(samples[order], haystacks[order], correct[order].astype(float), size, share)

    @classmethod
    def counted(cls, correct: float, n: float) -> Entrant:
        """From counts alone."""
        nothing = np.empty(0)
        return cls(nothing, nothing, nothing, float(n), correct / n if n else float("nan"))


@dataclass(frozen=True)
class Difference:
    """A - B: how many samples both were asked, the difference of their accuracies on these, its 95% interval, p."""

    n: int
    difference: float
    low: float
    high: float
    p_value: float
    paired: bool


def difference(a: Entrant, b: Entrant) -> Difference:
    """Compare two models on the samples that both were asked; on all of each where those are few or none."""
    _, at_a, at_b = np.intersect1d(a.samples, b.samples, assume_unique=True, return_indices=True)
    if not len(at_a) or len(at_a) < _SHARED * min(len(a.samples), len(b.samples)):
        return _independent(a, b)
    gaps = a.correct[at_a] - b.correct[at_b]
    asked, sums = per_cluster(a.haystacks[at_a], gaps)
    return _clustered(gaps, asked, sums) if len(asked) < len(gaps) else _paired(gaps)


def _paired(gaps: np.ndarray) -> Difference:
    n, more, fewer = len(gaps), int((gaps > 0).sum()), int((gaps < 0).sum())
    middle, error = _bonett_price(n, more, fewer)
    return Difference(n, (more - fewer) / n, *_bounds(middle, Z * error), float(mcnemar(more, fewer)), True)


def _clustered(gaps: np.ndarray, asked: np.ndarray, sums: np.ndarray) -> Difference:
    """The error of independent samples, times what the haystacks' variance is of theirs, never less than 1."""
    n, haystacks = len(gaps), len(asked)
    more, fewer = int((gaps > 0).sum()), int((gaps < 0).sum())
    mean = (more - fewer) / n
    plain = (more + fewer) / n**2 - mean**2 / n
    alike = float((asked.astype(float) ** 2).sum()) / n
    spread = float(((sums - asked * mean) ** 2).sum()) / n**2
    effect = np.clip(haystacks / (haystacks - 1) * spread / plain, 1, alike) if haystacks > 1 and plain else alike
    middle, error = _bonett_price(n, more, fewer)
    error *= float(np.sqrt(effect))
    wide = t_quantile(haystacks - 1) * error if haystacks > 1 else 1.0
    p_value = float(2 * stats.t.sf(abs(mean) / error, haystacks - 1)) if haystacks > 1 else 1.0
    return Difference(n, mean, *_bounds(middle, wide), p_value, True)


def _independent(a: Entrant, b: Entrant) -> Difference:
    if not (a.n > 0 and b.n > 0):
        return Difference(0, float("nan"), float("nan"), float("nan"), float("nan"), False)
    middle, error = _agresti_caffo(np.array([a.share, b.share]), np.array([a.n, b.n]))
    p_value = float(2 * stats.norm.sf(abs(middle[0, 1]) / error[0, 1]))
    return Difference(0, a.share - b.share, *_bounds(middle[0, 1], Z * error[0, 1]), p_value, False)


def mcnemar(more: np.ndarray | int, fewer: np.ndarray | int) -> np.ndarray:
    """McNemar's mid-p value, of the samples that only one of two models has right."""
    smaller, both = np.minimum(more, fewer), np.add(more, fewer)
    tail = stats.binom.cdf(smaller, both, 0.5) - stats.binom.pmf(smaller, both, 0.5) / 2
    return np.where(np.equal(more, fewer), 1.0, 2 * tail)


def _bonett_price(n: int, more: int, fewer: int) -> tuple[float, float]:
    one, other = (more + 1) / (n + 2), (fewer + 1) / (n + 2)
    return one - other, float(np.sqrt((one + other - (one - other) ** 2) / (n + 2)))


def _agresti_caffo(share: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Differences of independent shares and their standard errors, each with each: [models, models]."""
    moved = (share * n + 1) / (n + 2)
    variance = moved * (1 - moved) / (n + 2)
    return moved[:, None] - moved, np.sqrt(variance[:, None] + variance)


def _bounds(middle: float, half: float) -> tuple[float, float]:
    return max(float(middle - half), -1.0), min(float(middle + half), 1.0)


def rank_ranges(entrants: list[Entrant]) -> tuple[np.ndarray, np.ndarray]:
    """The best and the worst rank that the noise allows each of several models: int [models] each."""
    gaps, p_values = _all_pairs(entrants)
    return ranks_of(gaps, p_values)


def ranks_of(gaps: np.ndarray, p_values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Best and worst ranks, [models] each, from differences A - B and their p-values, [models, models] each."""
    models = len(gaps)
    upper = np.triu_indices(models, 1)
    differs = np.zeros((models, models), dtype=bool)
    if len(upper[0]):
        differs[upper] = stats.false_discovery_control(p_values[upper]) <= FALSE_CLAIMS
    better = (differs | differs.T) & (gaps > 0)
    return 1 + better.sum(0), models - better.sum(1)


def _all_pairs(entrants: list[Entrant]) -> tuple[np.ndarray, np.ndarray]:
    """Differences and p-values, each with each: [models, models]."""
    shares, sizes = np.array([e.share for e in entrants]), np.array([e.n for e in entrants])
    middle, error = _agresti_caffo(shares, sizes)
    gaps, p_values = shares[:, None] - shares, 2 * stats.norm.sf(np.abs(middle) / error)
    shared, more = _tables(entrants)
    asked = shared.diagonal()
    paired = (shared > 0) & (shared >= _SHARED * np.minimum(asked[:, None], asked))
    if any(len(np.unique(e.haystacks)) < len(e.haystacks) for e in entrants):
        for i, j in zip(*np.nonzero(np.triu(paired, 1)), strict=True):
            found = difference(entrants[i], entrants[j])
            gaps[i, j], gaps[j, i] = found.difference, -found.difference
            p_values[i, j] = p_values[j, i] = found.p_value
        return gaps, p_values
    with np.errstate(invalid="ignore"):
        gaps = np.where(paired, (more - more.T) / shared, gaps)
    return gaps, np.where(paired, mcnemar(more, more.T), p_values)


def _tables(entrants: list[Entrant]) -> tuple[np.ndarray, np.ndarray]:
    """How many samples two models share, and how many of these only the first has right: [models, models] each."""
    samples = [entrant.samples for entrant in entrants]
    rows = np.repeat(np.arange(len(entrants)), [len(each) for each in samples])
    known, columns = np.unique(np.concatenate(samples), return_inverse=True)
    shape = (len(entrants), len(known))
    asked = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
    right = sparse.csr_array((np.concatenate([e.correct for e in entrants]), (rows, columns)), shape=shape)
    wrong = asked - right
    if len(rows) > _DENSE * shape[0] * shape[1]:
        asked, right, wrong = asked.toarray(), right.toarray(), wrong.toarray()
        return asked @ asked.T, right @ wrong.T
    return (asked @ asked.T).toarray(), (right @ wrong.T).toarray()
