"""Make docs/audit.md: are data sets of all 20 bAbI tasks sound, and how well do facts hide in real books?

    RMT_BENCH_DATA=../shared/data python scripts/make_audit_page.py [--samples 20] [--token-budget 256k]

Four data sets of the 20 tasks at 4k and 128k over the books of `RMT_BENCH_DATA`: as they are, with distractors, with
style matching, and with both. About ten minutes on one core.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from made import made_on

from rmt_bench import generate
from rmt_bench.generators.audit import audit
from rmt_bench.generators.audit_findings import Report
from rmt_bench.tasks.suites import SUITES

PAGE = Path(__file__).parents[1] / "docs/audit.md"
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "as they are": {},
    "`--distractors 5`": {"distractors": 5},
    "`--style match`": {"style": "match"},
    "both": {"distractors": 5, "style": "match"},
}
HEAD = """# The audit of 20 tasks in real books

Made by `python scripts/make_audit_page.py` on {made_on}, in {minutes:.0f} minutes: the bAbI tasks at 4k and
128k over War and Peace, Moby-Dick and Pride and Prejudice, {samples} samples of each at 4k and as many at 128k as hold
{budget} tokens, seed 0, the embedded tokenizer. `rmt-bench audit DIR` says the same of any data set.

## Is it sound?

Things looked at, and how many of them are wrong:

| check | claim | {names} |
|---|---|{dashes}|
"""
HIDDEN = """
## Do facts stand out?

Areas under the ROC curve of classifiers that tell facts from filler one sentence at a time, cross-validated: 0.5 is
blind, 1 is certain. `length` sees the number of words and characters, `words` a bag of words, `masked` the same without
the names of tasks and distractors.

| data set | length | facts | filler | length | words | masked | words a fact | words a sentence of filler |
|---|---|---|---|---|---|---|---|---|
"""
FOOT = """
Facts are told from filler by their words whatever is done, since no word of the tasks stands in the filler: that is the
price of the promise that nothing but the facts bears on an answer. What `--style match` takes away is the length, by
which a reader could find facts without reading, and what distractors take away is that whatever looks like a fact
is one.
"""


def made(folder: Path, options: argparse.Namespace, how: dict[str, Any]) -> Report:
    """One data set and its audit."""
    books = str(Path(os.environ["RMT_BENCH_DATA"]) / "books")
    budget = {"samples": options.samples, "token_budget": options.token_budget, "min_samples": 1}
    generate(SUITES["babi"][1], "4k,128k", output=folder, background=books, **budget, **how)
    return audit(folder, background=books)


def checks(reports: dict[str, Report]) -> str:
    """One row for each check."""
    columns = zip(*(report.checks for report in reports.values()), strict=True)
    rows = []
    for found in columns:
        counts = " | ".join(f"{check.checked:,}, {check.failures} wrong" for check in found)
        rows.append(f"| {found[0].name} | {found[0].claim} | {counts} |")
    return "\n".join(rows)


def hidden(reports: dict[str, Report]) -> str:
    """One row for each data set and length."""
    return "\n".join(
        f"| {name} | {seen.length} | {seen.facts:,} | {seen.filler:,} | {_area(seen.length_only)} | "
        f"{_area(seen.words)} | {_area(seen.masked)} | {seen.fact_words:.1f} | {seen.filler_words:.1f} |"
        for name, report in reports.items()
        for seen in report.detectability
    )


def _area(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=20, help="of each task at 4k")
    parser.add_argument("--token-budget", type=int, default=256_000, help="of each task and length")
    options = parser.parse_args()
    if "RMT_BENCH_DATA" not in os.environ:
        parser.error("set RMT_BENCH_DATA to the folder that holds books/")
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        reports = {
            name: made(Path(folder, str(number)), options, how)
            for number, (name, how) in enumerate(CONFIGURATIONS.items())
        }
    head = HEAD.format(
        made_on=made_on(),
        minutes=(time.monotonic() - started) / 60,
        samples=options.samples,
        budget=f"{options.token_budget:,}",
        names=" | ".join(reports),
        dashes="|".join("---" for _ in reports),
    )
    PAGE.write_text(f"{head}{checks(reports)}\n{HIDDEN}{hidden(reports)}\n{FOOT}", encoding="utf-8")


if __name__ == "__main__":
    main()
