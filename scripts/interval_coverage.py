"""How often do the 95% intervals hold the truth? Prints the tables that docs/intervals.md is made of.

    python scripts/interval_coverage.py [--times 2000] [--fits 1000] > docs/intervals.md

1. One question about each haystack: exact, from the binomial distribution, for 901 shares from 0.05 to 0.95.
2. Several questions about each haystack, whose answers are alike to a degree (beta-binomial): simulated.
3. Retention: simulated curves of known retention.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Iterable

import numpy as np
from made import made_on
from scipy.stats import beta, binom

from rmt_bench.leaderboard.intervals import Z, effective_size, share_interval, wilson
from rmt_bench.leaderboard.retention import fit_retention

LOW, HIGH = 0.94, 0.965
SIZES = (20, 30, 50, 100, 200, 500, 1000)
#: Shares at which single points are looked at, and the finer grid that coverage is averaged over.
POINTS = np.round(np.arange(0.05, 0.951, 0.05), 2)
FINE = np.linspace(0.05, 0.95, 901)
CLUSTERED = [(n, size) for n in (20, 50, 100, 200, 1000) for size in (2, 5, 10)]
ALIKE = (0.0, 0.2, 0.5, 1.0)
#: From so many haystacks on their variance is known well enough.
MANY = 20
SEGMENTS = np.array([1, 2, 4, 8, 16, 32, 64])
Ends = tuple[np.ndarray, np.ndarray]


def clopper_pearson(right: np.ndarray, n: int) -> Ends:
    """The exact interval: never below 95%, and so above it nearly everywhere."""
    low, high = beta.ppf(0.025, right, n - right + 1), beta.ppf(0.975, right + 1, n - right)
    return np.nan_to_num(low, nan=0.0), np.nan_to_num(high, nan=1.0)


def jeffreys(right: np.ndarray, n: int) -> Ends:
    """Bayes with Jeffreys' prior; open at the ends."""
    low, high = beta.ppf([[0.025], [0.975]], right + 0.5, n - right + 0.5)
    return np.where(right == 0, 0, low), np.where(right == n, 1, high)


def agresti_coull(right: np.ndarray, n: int) -> Ends:
    """Wald's, after two more right and two more wrong answers."""
    share = (right + Z**2 / 2) / (n + Z**2)
    half = Z * np.sqrt(share * (1 - share) / (n + Z**2))
    return share - half, share + half


def by_wilson(right: np.ndarray, n: int) -> Ends:
    """The one that is used."""
    ends = np.array([wilson(count, n) for count in right])
    return ends[:, 0], ends[:, 1]


METHODS: dict[str, Callable[[np.ndarray, int], Ends]] = {
    "Wilson": by_wilson, "Jeffreys": jeffreys, "Agresti-Coull": agresti_coull, "Clopper-Pearson": clopper_pearson,
}  # fmt: skip


def coverage(method: Callable[[np.ndarray, int], Ends], n: int, shares: np.ndarray) -> np.ndarray:
    """The probability that an interval holds the share it was made from, for each share; exact."""
    right = np.arange(n + 1)
    low, high = method(right, n)
    inside = (low[:, None] <= shares) & (shares <= high[:, None])
    return (binom.pmf(right[:, None], n, shares) * inside).sum(0)


def attainable(n: int, share: float) -> bool:
    """Whether any interval of n and the count alone can hold this share between 94% and 96.5% of the time.

    It holds it for some run of counts; every run's probability is looked at.
    """
    below = np.concatenate([[0.0], binom.cdf(np.arange(n + 1), n, share)])
    runs = below[None, :] - below[:, None]
    return bool(((runs >= LOW) & (runs <= HIGH)).any())


def independent() -> None:
    """Table 1, and the single points at which the interval that is used is outside the band."""
    print("## One question about each haystack\n")
    say("""Exact. Mean over shares from 0.05 to 0.95, lowest and highest mean of a tenth (0.05 to 0.15, and so
        on), lowest and highest of any single share.""")
    print("| n | interval | mean | means of tenths | single shares |\n|---|---|---|---|---|")
    for n in SIZES:
        for name, method in METHODS.items():
            found = coverage(method, n, FINE)
            tenths = [part.mean() for part in np.split(found[:-1], 9)]
            print(f"| {n} | {name} | {found.mean():.1%} | {_range(tenths)} | {_range(found)} |")
    outside = [
        f"({n}, {share:g}): {value:.1%}{'' if attainable(n, share) else '*'}"
        for n in SIZES
        for share, value in zip(POINTS, coverage(by_wilson, n, POINTS), strict=True)
        if not LOW <= value <= HIGH
    ]
    never = sum(point.endswith("*") for point in outside)
    print()
    say(f"""Counts are whole numbers, so the coverage of any interval jumps as the share moves: a mean over shares
        is what an interval can be held to. Of {len(SIZES) * len(POINTS)} single points (n, share), share = 0.05,
        0.10 ... 0.95, Wilson's coverage is outside {LOW:.0%} to {HIGH:.1%} at {len(outside)}. At the {never}
        marked * no interval that is made of n and the count alone can be inside. {"; ".join(outside)}.""")


def clustered(times: int) -> None:
    """Table 2."""
    rng = np.random.default_rng(0)
    print("## Several questions about each haystack\n")
    say(f"""Simulated, {times:,} times for each of 19 shares from 0.05 to 0.95; mean over the shares, and the
        lowest of one share. `alike`: the correlation of answers about one haystack. The bootstrap draws haystacks
        with replacement, 400 times, and takes the 2.5% and 97.5% quantiles; it was simulated a quarter as often.""")
    columns = (
        "n, questions each, haystacks, alike, Wilson with effective n, lowest, cluster bootstrap, lowest, plain Wilson"
    )
    print(f"| {columns.replace(', ', ' | ')} |\n{'|---' * 9}|")
    means: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for n, size in CLUSTERED:
        for alike in ALIKE:
            found = np.array([_simulated(rng, n // size, size, alike, share, times) for share in POINTS])
            (ours, boot, plain), (least, least_boot, _) = found.mean(0), found.min(0)
            shown = " | ".join(f"{cell:.1%}" for cell in (ours, least, boot, least_boot, plain))
            print(f"| {n} | {size} | {n // size} | {alike:g} | {shown} |", flush=True)
            means[n // size >= MANY].append((ours, boot))
    print()
    for many, rows in means.items():
        ours, boot = zip(*rows, strict=True)
        say(f"""With {"" if many else "fewer than "}{MANY} haystacks{" or more" if many else ""} the means are
            {_range(ours)} for Wilson's interval of the effective n, and {_range(boot)} for the bootstrap.""")


def _simulated(
    rng: np.random.Generator, clusters: int, size: int, alike: float, share: float, times: int
) -> list[np.floating]:
    """How often each of three intervals holds the share: ours, the cluster bootstrap's, Wilson's of all answers."""
    right = _answers(rng, clusters, size, alike, share, times)
    n, asked = clusters * size, np.full(clusters, size)
    ours = np.array([share_interval(row.sum() / n, effective_size(row, asked)) for row in right])
    plain = np.array([wilson(row.sum(), n) for row in right])
    few = right[: max(times // 4, 1)]
    drawn = rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=400)
    boot = np.quantile(few @ drawn.T / n, [0.025, 0.975], axis=1).T
    return [np.mean((ends[:, 0] <= share) & (share <= ends[:, 1])) for ends in (ours, boot, plain)]


def _answers(rng: np.random.Generator, clusters: int, size: int, alike: float, share: float, times: int) -> np.ndarray:
    """Right answers of each haystack, [times, haystacks]."""
    shape = (times, clusters)
    if alike == 0:
        return rng.binomial(size, share, shape)
    if alike == 1:
        return size * rng.binomial(1, share, shape)
    inside = rng.beta(share * (1 - alike) / alike, (1 - share) * (1 - alike) / alike, shape)
    return rng.binomial(size, inside)


def retention(fits: int) -> None:
    """Table 3."""
    rng = np.random.default_rng(1)
    chance = np.full(len(SEGMENTS), 1 / 6)
    print("## Retention\n")
    say(f"""Simulated, {fits:,} curves each, over {", ".join(map(str, SEGMENTS))} segments, chance 1/6: how often
        the interval holds the retention that the curve was made with. Where nothing is forgotten (r = 1) the
        truth lies at the end of what is possible, and the interval holds it more often.""")
    print("| r | first accuracy | n at each length | coverage | said nothing |\n|---|---|---|---|---|")
    means = []
    for kept in (0.3, 0.7, 0.9, 0.97, 0.99, 0.997, 1.0):
        for first, n in ((0.6, 50), (0.6, 200), (0.95, 50), (0.95, 200)):
            share = 1 / 6 + (first - 1 / 6) * kept ** (SEGMENTS - 1)
            asked = np.full(len(SEGMENTS), n)
            made = [fit_retention(SEGMENTS - 1, rng.binomial(n, share), asked, chance) for _ in range(fits)]
            told = [fit.retention for fit in made if fit]
            held = np.mean([low <= kept <= high for _, low, high in told])
            means += [held] if kept < 1 else []
            print(f"| {kept:g} | {first:g} | {n} | {held:.1%} | {fits - len(told)} |", flush=True)
    print(f"\nMean over all with r below 1: {np.mean(means):.1%}.")


def say(text: str) -> None:
    """Print a paragraph."""
    print(textwrap.fill(" ".join(text.split()), 118), end="\n\n")


def _range(values: Iterable[float]) -> str:
    values = list(values)
    return f"{min(values):.1%} to {max(values):.1%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=2000)
    parser.add_argument("--fits", type=int, default=1000)
    options = parser.parse_args()
    print("# How often the 95% intervals hold the truth\n")
    say(f"""Made by `python scripts/interval_coverage.py` on {made_on()}. The band asked for is {LOW:.0%} to
        {HIGH:.1%}.""")
    independent()
    clustered(options.times)
    retention(options.fits)


if __name__ == "__main__":
    main()
