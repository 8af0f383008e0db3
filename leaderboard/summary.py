"""What a curve comes to: curve score, effective length, retention. Knows only a run's rows and answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from .intervals import Z, share_interval, t_quantile
from .metrics import typed
from .records import Run
from .retention import Retention, fit_retention
from .schema import SUMMARY, SUMMARY_COLUMNS

#: The accuracy that an effective length asks for, unless told otherwise: what BABILong's paper calls satisfactory.
THRESHOLD = 0.85


@dataclass(frozen=True)
class Score:
    """A curve score and its error.

    `value`, `low`, `high`: the score and its 95% interval. `variance` is that of the score (None: nothing is known of
    it), `floor` what it would be at least if one answer more and one less were right at each length. `parts` is what
    each story adds to the error (None: no answers are known), `asked` names the set of samples.
    """

    value: float
    low: float = float("nan")
    high: float = float("nan")
    variance: float | None = None
    floor: float = 0.0
    parts: pd.Series | None = None
    asked: int = 0


def score_gaps(scores: Sequence[Score]) -> tuple[np.ndarray, np.ndarray]:
    """Differences of curve scores and their p-values, each with each: [models, models].

    Where two models were asked the same samples the error is that of the differences between stories; else both
    errors add up. Every score has a variance.
    """
    values, floors = (np.array([getattr(score, name) for score in scores]) for name in ("value", "floor"))
    variances = np.array([score.variance for score in scores], dtype=float)
    variance = variances[:, None] + variances
    alike: dict[tuple[int, int], list[int]] = {}
    for number, score in enumerate(scores):
        if score.parts is not None:
            alike.setdefault((score.asked, len(score.parts)), []).append(number)
    for (_, stories), members in alike.items():
        parts = np.stack([scores[number].parts for number in members])  # type: ignore[arg-type]
        products = parts @ parts.T
        squares = products.diagonal()
        variance[np.ix_(members, members)] = _raised(stories) * (squares[:, None] + squares - 2 * products)
    gaps = values[:, None] - values
    error = np.sqrt(np.maximum(variance, np.maximum(floors[:, None], floors)))
    return gaps, 2 * stats.norm.sf(np.abs(gaps) / error)


def summary_rows(run: Run, rows: pd.DataFrame, threshold: float = THRESHOLD) -> tuple[pd.DataFrame, list[Score]]:
    """What each task's curve comes to: one row per task with the columns of `schema.SUMMARY`, and its curve score."""
    found, scores = [], []
    for (task, scorer), points in rows.groupby(["task", "scorer"], sort=False):
        answers = run.answers[run.answers["task"] == task]
        score = curve_score(points, answers)
        length, tokens = effective_length(points, threshold)
        asked = points[points["n_tokens"] > 0]
        found.append({
            **run.labels, "task": task, "scorer": scorer, "n": points["n"].sum() or None,
            "curve_score": score.value, "curve_score_low": score.low, "curve_score_high": score.high,
            "shortest_tokens": asked["n_tokens"].min(), "longest_tokens": asked["n_tokens"].max(),
            "effective_length": length, "effective_tokens": tokens, "threshold": threshold,
            **_retained(run, points, answers),
        })  # fmt: skip
        scores.append(score)
    return typed(pd.DataFrame(found, columns=list(SUMMARY_COLUMNS)), SUMMARY), scores


def effective_length(points: pd.DataFrame, threshold: float = THRESHOLD) -> tuple[str, int | None]:
    """The longest length up to which `ci_low` is at `threshold` or above, and its tokens; ("", None) if there is none.

    `points` are the rows of one curve, in any order. A length counts only if every shorter one holds, too.
    """
    found: tuple[str, int | None] = ("", None)
    ordered = points.sort_values("n_tokens", kind="stable")
    lows = ordered["ci_low"].to_numpy(dtype=float)
    for length, tokens, low in zip(ordered["length"], ordered["n_tokens"], lows, strict=True):
        if not low >= threshold:  # an unknown interval is no proof
            break
        found = (str(length), int(tokens))
    return found


def curve_score(points: pd.DataFrame, answers: pd.DataFrame | None = None) -> Score:
    """The mean accuracy over log-length (trapezoids), from the shortest to the longest length of more than 0 tokens.

    The interval is Wilson's for as many independent answers as tell as much. A story is asked at every length, so
    its answers are no independent ones: with `answers` the variance is that between stories. Without it is that of the
    accuracies, and there is none where these have no n.
    """
    points = points[(points["n_tokens"] > 0) & points["accuracy"].notna()].sort_values("n_tokens", kind="stable")
    if not len(points):
        return Score(float("nan"))
    accuracy = points["accuracy"].to_numpy(dtype=float)
    weights = _trapezoids(np.log(points["n_tokens"].to_numpy(dtype=float)))
    value = float(np.clip(round(weights @ accuracy, 12), 0, 1))
    if points["n"].isna().any():
        return Score(value)
    n = points["n"].to_numpy(dtype=float)
    floor = float((weights**2 * 2 / (n + 2) ** 2).sum())
    if answers is None or not len(answers):
        variance = float((weights**2 * accuracy * (1 - accuracy) / n).sum())
        return Score(value, *_score_interval(value, variance, n.sum(), n.min()), variance, floor)
    parts, asked = _story_parts(points, answers, weights / n, accuracy)
    variance = _between(parts)
    return Score(value, *_score_interval(value, variance, n.sum(), len(parts)), variance, floor, parts, asked)


def _between(parts: pd.Series) -> float:
    """The variance of a sum, from what each story adds to its error; raised for how few stories there are."""
    stories = len(parts)
    return 1.0 if stories < 2 else _raised(stories) * float((parts**2).sum())


def _raised(stories: int) -> float:
    return stories / (stories - 1) * (t_quantile(stories - 1) / Z) ** 2 if stories > 1 else 1.0


def _trapezoids(x: np.ndarray) -> np.ndarray:
    """The weight of each point in the mean of a piecewise linear curve over x: they sum to 1."""
    if x[-1] == x[0]:
        return np.full(len(x), 1 / len(x))
    gaps = np.diff(x) / (x[-1] - x[0]) / 2
    return np.append(gaps, 0) + np.insert(gaps, 0, 0)


def _story_parts(
    points: pd.DataFrame, answers: pd.DataFrame, weights: np.ndarray, accuracy: np.ndarray
) -> tuple[pd.Series, int]:
    """What each story adds to the error of a weighted mean of accuracies (they sum to 0), and a hash of the samples."""
    at = pd.Series(range(len(points)), index=points["length"])
    place = answers["length"].astype(object).map(at)
    judged = answers["status"].isin(["answered", "invalid"]) & place.notna()
    where = place[judged].to_numpy(dtype=int)
    error = weights[where] * (answers["correct"][judged].to_numpy() - accuracy[where])
    asked = int(np.bitwise_xor.reduce(answers["sample"][judged].to_numpy()))
    return pd.Series(error).groupby(answers["story"][judged].to_numpy()).sum(), asked


def _score_interval(value: float, variance: float, answers: float, stories: float) -> tuple[float, float]:
    """Wilson's interval of as many answers as would have this variance: no more than all; the stories, if it is 0."""
    spread = value * (1 - value)
    if stories < 2 or not spread:
        return share_interval(value, stories)
    return share_interval(value, max(min(spread / variance, answers), 1.0) if variance else answers)


def _retained(run: Run, points: pd.DataFrame, answers: pd.DataFrame) -> dict[str, Any]:
    """Retention and half-life; over tokens, and without a retention per segment, where no segments are known."""
    if len(answers) and answers["segments"].notna().all():
        judged = answers[answers["status"].isin(["answered", "invalid"])]
        steps, where, asked = np.unique(judged["segments"].to_numpy() - 1, return_inverse=True, return_counts=True)
        correct, chance = (np.bincount(where, judged[name].to_numpy(dtype=float)) for name in ("correct", "chance"))
        fit = fit_retention(steps, correct, asked, chance / asked) if len(steps) else None
        tokens = run.identity.get("segment_length") or float((points["n_tokens"] / points["segments"]).max())
        return _fitted(fit, tokens, per_segment=True)
    known = points[points["n"].notna() & points["correct"].notna() & points["chance"].notna()]
    columns = ("n_tokens", "correct", "n", "chance")
    fit = fit_retention(*(known[name].to_numpy(dtype=float) for name in columns)) if len(known) else None
    return _fitted(fit, 1, per_segment=False)


def _fitted(fit: Retention | None, tokens: float, per_segment: bool) -> dict[str, Any]:
    if fit is None:
        return {}
    half, low, high = (steps * tokens for steps in fit.half_life)
    told = {"half_life_tokens": half, "half_life_low": low, "half_life_high": high}
    if per_segment:
        told["retention"], told["retention_low"], told["retention_high"] = fit.retention
    return told
