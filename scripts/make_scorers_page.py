"""Where the strict scorer and BABILong's disagree on published answers, and who is right: writes docs/scorers.md.

    RMT_BENCH_DATA=../shared/data python scripts/make_scorers_page.py [--output docs/scorers.md]

Twenty of the answers are shown, spread over models, tasks and kinds of disagreement. They were read one by one; the
verdicts stand in scorers_read.csv, by the hash of the answer. An answer that nobody has read stops the script.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import pandas as pd

from rmt_bench.base.files import digest, write_text
from rmt_bench.leaderboard.babilong_files import import_predictions
from rmt_bench.leaderboard.records import read_info
from rmt_bench.leaderboard.rescore import rescore

SHOWN = 20
_VERDICTS = Path(__file__).with_name("scorers_read.csv")


def disagreements(evals: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every answer that the two scorers judge otherwise, and counts for each model and task."""
    with tempfile.TemporaryDirectory() as folder:
        runs = import_predictions(evals, folder).runs
        found = [(read_info(run)["identity"], rescore(run, "babilong")) for run in runs]
    changed = pd.concat([f.changed.assign(model=i["model"], prompt=i["prompt"]) for i, f in found], ignore_index=True)
    counted = pd.concat([f.table.assign(model=i["model"]) for i, f in found])
    table = counted.groupby(["model", "task"], sort=False)[["n", "stored", "again", "differ"]].sum().reset_index()
    return changed.rename(columns={"stored": "strict", "again": "babilong"}), table


def chosen(changed: pd.DataFrame) -> pd.DataFrame:
    """Twenty answers: in turn from each model, task and kind of disagreement, ordered by a hash of the answer."""
    said = ["model", "task", "question", "target", "output"]
    key = [digest(*(str(cell) for cell in row)) for row in changed[said].itertuples(index=False, name=None)]
    drawn = changed.assign(key=key).drop_duplicates(said).sort_values("key")
    turn = drawn.groupby(["model", "task", "strict"]).cumcount()
    return drawn.assign(turn=turn).sort_values(["turn", "key"]).head(SHOWN).sort_values(["task", "model", "key"])


def page(changed: pd.DataFrame, table: pd.DataFrame, shown: pd.DataFrame, verdicts: dict[str, tuple[str, str]]) -> str:
    """The page as Markdown."""
    n, differ = int(table["n"].sum()), int(table["differ"].sum())
    only_strict, only_theirs = int(changed["strict"].sum()), int(changed["babilong"].sum())
    right = pd.Series([verdicts[key][0] for key in shown["key"]]).value_counts()
    tally = ", ".join(f"{name} {count}" for name, count in right.items())
    lines = [
        "# Two scorers on the same answers", "",
        "Made by `scripts/make_scorers_page.py` from the published predictions in `babilong_evals`. `strict` is what",
        "rmt-bench reports; `babilong` is BABILong's own scorer, faithful to the letter.", "",
        f"Of {n:,} answers the two judge {differ:,} otherwise ({differ / n:.2%}): {only_strict:,} are right for",
        f"`strict` only, {only_theirs:,} for `babilong` only.", "",
        "| model | task | answers | right, strict | right, babilong | judged otherwise |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [
        f"| {row.model} | {row.task} | {row.n:,} | {row.stored:,} | {row.again:,} | {row.differ:,} |"
        for row in table[table["differ"] > 0].itertuples()
    ]
    lines += ["", f"## Twenty of them, read one by one\n\nWho is right: {tally}.", ""]
    for number, row in enumerate(shown.itertuples(), start=1):
        who, why = verdicts[str(row.key)]
        judged = "strict: right, babilong: wrong" if row.strict else "strict: wrong, babilong: right"
        asked = f"{str(row.question).strip()} Right: `{row.target}`."
        lines += [
            f"{number}. **{row.model}, {row.task} at {row.length}**: {asked}",
            f"   Said: {_quoted(str(row.output))}", f"   {judged}. **{who}** is right: {why}",
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _quoted(said: str, most: int = 220) -> str:
    """An output on one line, as code; the end is left out if it is long."""
    line = " ".join(said.split()).replace("`", "'")
    return f"`{line[:most]}{' ...' if len(line) > most else ''}`"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default="docs/scorers.md")
    parser.add_argument("--read", action="store_true", help="print the twenty answers with their keys, to be read")
    options = parser.parse_args()
    changed, table = disagreements(Path(os.environ["RMT_BENCH_DATA"]) / "babilong_evals")
    shown = chosen(changed).reset_index(drop=True)
    if options.read:
        for row in shown.itertuples():
            asked = f"{row.model}, {row.task} at {row.length}: {row.question!r}, right: {row.target!r}"
            print(str(row.key)[:12], asked, f"strict: {row.strict}, said: {row.output!r}")
        return
    read = pd.read_csv(_VERDICTS, dtype=str).set_index("key")
    verdicts = {key: (read.at[key[:12], "right"], read.at[key[:12], "why"]) for key in shown["key"]}
    write_text(options.output, page(changed, table, shown, verdicts))


if __name__ == "__main__":
    main()
