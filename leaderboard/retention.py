"""Retention: how much of what was above chance survives each further segment. Knows only counts.

    acc(n) = chance + (acc(1) - chance) r^(n - 1)        n segments; r = 1 forgets nothing

Both acc(1) and r are fitted by maximum likelihood to right answers out of questions asked at each number of segments;
the interval of r is the one of its profile likelihood (twice the loss in log-likelihood below the 95% quantile of
chi-square with one degree of freedom). Written with the rate -ln r, so that nothing forgotten is 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .intervals import LEVEL

_LOSS = float(stats.chi2.ppf(LEVEL, 1)) / 2
_GRID = 160
_ZOOM = 25
_TINY = 1e-12


@dataclass(frozen=True)
class Retention:
    """A fit: the rate of forgetting per step, its 95% interval, and the accuracy that is reached at no step at all."""

    rate: float
    rate_low: float
    rate_high: float
    first: float

    @property
    def retention(self) -> tuple[float, float, float]:
        """r, and its interval from low to high."""
        return math.exp(-self.rate), math.exp(-self.rate_high), math.exp(-self.rate_low)

    @property
    def half_life(self) -> tuple[float, float, float]:
        """Steps after which half of what was above chance is lost, and its interval; infinite if nothing is lost."""
        return _half(self.rate), _half(self.rate_high), _half(self.rate_low)


def fit_retention(steps: np.ndarray, correct: np.ndarray, asked: np.ndarray, chance: np.ndarray) -> Retention | None:
    """Fit the rate. All [points]: steps after the first segment (n - 1), right answers, questions, chance level.

    None where the answers say nothing of it: fewer than two different steps, or an interval that leaves nothing out.
    """
    curve = _Curve(*(np.asarray(values, dtype=float) for values in (steps, correct, asked, chance)))
    if len(np.unique(curve.steps[curve.asked > 0])) < 2:
        return None
    rates = _grid(curve.steps)
    profile = curve.profile(rates)
    rate = _refined(curve, rates, int(profile.argmax()))
    edge = float(curve.profile(np.array([rate]))[0]) - _LOSS
    inside = np.append(rates[profile >= edge], rate)
    lowest, highest = float(inside.min()), float(inside.max())
    if lowest == rates[0] and highest == rates[-1]:
        return None
    low = 0.0 if lowest == rates[0] else _crossing(curve, edge, rates[rates < lowest].max(), lowest)
    high = math.inf if highest == rates[-1] else _crossing(curve, edge, highest, rates[rates > highest].min())
    return Retention(rate, low, high, float(curve.firsts(np.array([rate]))[0]))


@dataclass(frozen=True)
class _Curve:
    """Right answers out of those asked, at so many steps: [points] each."""

    steps: np.ndarray
    correct: np.ndarray
    asked: np.ndarray
    chance: np.ndarray

    def profile(self, rates: np.ndarray) -> np.ndarray:
        """The log-likelihood at each rate, with the first accuracy that suits it best: [rates]."""
        share = self._shares(self.firsts(rates), self._kept(rates))
        return (self.correct * np.log(share) + (self.asked - self.correct) * np.log1p(-share)).sum(1)

    def firsts(self, rates: np.ndarray) -> np.ndarray:
        """The first accuracy that suits each rate best, by bisection: the log-likelihood is concave in it. [rates]"""
        kept = self._kept(rates)
        low = np.full(len(rates), self.chance.max())
        high = np.ones(len(rates))
        for _ in range(36):
            middle = (low + high) / 2
            share = self._shares(middle, kept)
            slope = (kept * (self.correct / share - (self.asked - self.correct) / (1 - share))).sum(1)
            low, high = np.where(slope > 0, middle, low), np.where(slope > 0, high, middle)
        return (low + high) / 2

    def _kept(self, rates: np.ndarray) -> np.ndarray:
        """What is left after each point's steps: [rates, points]."""
        return np.exp(-rates[:, None] * self.steps)

    def _shares(self, first: np.ndarray, kept: np.ndarray) -> np.ndarray:
        return np.clip(self.chance + (first[:, None] - self.chance) * kept, _TINY, 1 - _TINY)


def _grid(steps: np.ndarray) -> np.ndarray:
    """Rates from none to one that leaves nothing after the first step that there is."""
    some = steps[steps > 0]
    return np.concatenate([[0.0], np.geomspace(1e-5 / some.max(), 40 / some.min(), _GRID)])


def _refined(curve: _Curve, rates: np.ndarray, best: int) -> float:
    """The best rate between the neighbours of the best one on the grid."""
    if best in (0, len(rates) - 1):
        return float(rates[best])
    low, high, at, finer = rates[best - 1], rates[best + 1], 0, rates
    for _ in range(3):
        finer = np.linspace(low, high, _ZOOM)
        at = int(curve.profile(finer).argmax())
        low, high = finer[max(at - 1, 0)], finer[min(at + 1, _ZOOM - 1)]
    return float(finer[at])


def _crossing(curve: _Curve, edge: float, low: float, high: float) -> float:
    """Where the profile falls to the interval's edge, between a rate inside and one outside."""
    finer = np.linspace(low, high, _ZOOM)
    above = curve.profile(finer) - edge
    at = int(np.flatnonzero(np.sign(above[:-1]) != np.sign(above[1:]))[0])
    return float(finer[at] + (finer[at + 1] - finer[at]) * above[at] / (above[at] - above[at + 1]))


def _half(rate: float) -> float:
    return math.inf if rate == 0 else math.log(2) / rate
