"""95% intervals of a share of right answers. Knows only counts.

One question about each haystack: Wilson's interval. Several questions that share a haystack are no independent trials:
then Wilson's interval of the *effective* number of questions, n / design effect. The design effect is the variance of
the share between haystacks over that of independent answers, raised by a t-quantile for how few haystacks it was
estimated from (Korn and Graubard 1998; Dean and Pagano 2015, who compare such intervals for clustered surveys).
docs/intervals.md shows why not the cluster bootstrap: its intervals are too short where there are few haystacks.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

LEVEL = 0.95
Z = float(stats.norm.ppf((1 + LEVEL) / 2))


def t_quantile(degrees: float) -> float:
    """The two-sided 95% quantile of Student's t."""
    return float(stats.t.ppf((1 + LEVEL) / 2, degrees))


def wilson(correct: float, n: float) -> tuple[float, float]:
    """The 95% Wilson interval of a share of `correct` out of `n`; (nan, nan) when n is 0."""
    if not n > 0:
        return float("nan"), float("nan")
    return share_interval(correct / n, n)


def share_interval(share: float, n: float) -> tuple[float, float]:
    """Wilson's interval of a share that was seen in `n` trials; `n` may be an effective number, and no integer."""
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    low = 0.0 if share <= 0 else max(middle - half, 0.0)
    high = 1.0 if share >= 1 else min(middle + half, 1.0)
    return low, high


def effective_size(correct: np.ndarray, asked: np.ndarray) -> float:
    """How many independent questions tell as much as these, of which several share a haystack.

    `correct` and `asked`: right answers and questions of each haystack, [haystacks]. Never more than all questions,
    never fewer than if all about one haystack had the same answer; that many where all or none are right, since such
    answers do not say how much alike they are.
    """
    n, haystacks = float(asked.sum()), len(asked)
    if haystacks == n:
        return n
    alike = float((asked.astype(float) ** 2).sum()) / n
    share = float(correct.sum()) / n
    if haystacks < 2 or share in (0.0, 1.0):
        return n / alike
    variance = haystacks / (haystacks - 1) * float(((correct - asked * share) ** 2).sum()) / n**2
    effect = variance / (share * (1 - share) / n) * (t_quantile(haystacks - 1) / Z) ** 2
    return n / min(max(effect, 1.0), alike)


def accuracy_interval(correct: np.ndarray, haystacks: np.ndarray) -> tuple[float, float]:
    """The 95% interval of an accuracy. `correct`: bool [questions]; `haystacks`: what each was asked about."""
    if not len(correct):
        return float("nan"), float("nan")
    asked, right = per_cluster(haystacks, correct)
    return share_interval(float(correct.mean()), effective_size(right, asked))


def per_cluster(clusters: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many rows each cluster has, and the sum of their values, [clusters] each."""
    _, where = np.unique(clusters, return_inverse=True)
    return np.bincount(where), np.bincount(where, weights=values)
