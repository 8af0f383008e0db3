"""An audit for people: tables for a terminal, and one self-contained HTML page with bars. Knows reports, no samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..base.console import print_table
from ..base.files import write_text
from .audit_findings import Detectability, Part, Report

_TEMPLATE = Path(__file__).parent / "data" / "audit.html.jinja"
#: What the classifiers see, in the order they are shown.
SEES = {
    "words": "all words",
    "masked": "words, no names",
    "length_only": "length only",
}


def check_rows(report: Report) -> list[list[str]]:
    """The checks as rows of a table: name, verdict, how many, how many wrong, the claim (and why it was left out)."""
    return [
        [check.name, check.verdict, f"{check.checked:,}", f"{check.failures:,}", f"{check.claim}{_note(check.skipped)}"]
        for check in report.checks
    ]


def _note(skipped: str) -> str:
    return f" ({skipped})" if skipped else ""


def detect_rows(report: Report) -> list[list[str]]:
    """Detectability as rows of a table, one for each length."""
    return [
        [d.length, f"{d.facts:,}", f"{d.filler:,}", *(_score(getattr(d, key)) for key in SEES)]
        for d in report.detectability
    ]


def answer_rows(report: Report) -> list[list[str]]:
    """What each task's answers and questions give away, as rows of a table."""
    return [
        [a.task, str(a.stories), str(len(a.labels)), _share(a.chance), _share(a.majority), _share(a.question_only)]
        for a in report.answers
    ]


def examples(report: Report) -> list[str]:
    """The failures that are told, a line each."""
    return [f"{check.name}: {example}" for check in report.failed for example in check.examples]


def print_report(report: Report, page: str | Path | None = None) -> None:
    """The whole of it on standard output: checks, what is wrong, what stands out, what questions give away."""
    print_table(("check", "verdict", "looked at", "wrong", "claim"), check_rows(report))
    for line in examples(report):
        click.echo(f"  {line}")
    click.echo("\nTelling facts from filler, one sentence at a time (area under the ROC curve; 0.5 is blind):")
    print_table(("length", "facts", "filler", *SEES.values()), detect_rows(report))
    click.echo("\nAnswers without the text:")
    print_table(("task", "stories", "answers", "chance", "commonest", "question only"), answer_rows(report))
    click.echo(f"\n{report.folder}: {'UNSOUND' if report.failed else 'sound'}{f'; see {page}' if page else ''}")


def write_page(report: Report, path: str | Path) -> Path:
    """Write the page. It needs nothing but itself: no script, no font, no network."""
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    write_text(path, template.render(**_context(report)))
    return Path(path)


def _context(report: Report) -> dict[str, Any]:
    lengths = list(dict.fromkeys(part.length for part in report.parts))
    return {
        "report": report,
        "name": Path(report.folder).resolve().name,
        "verdict": "unsound" if report.failed else "sound",
        "sees": SEES,
        "detectability": [_bars(d) for d in report.detectability],
        "depths": [histogram for length in lengths if (histogram := _histogram(report.parts, length))],
        "sizes": [_sizes([part for part in report.parts if part.length == length]) for length in lengths],
        "percent": _share,
    }


def _bars(d: Detectability) -> dict[str, Any]:
    """Bars from 0.5, which is blind, to 1."""
    bars = [(key, getattr(d, key)) for key in SEES]
    return {
        "length": d.length,
        "facts": d.facts,
        "filler": d.filler,
        "words": (d.fact_words, d.filler_words),
        "bars": [(key, _score(value), max((value - 0.5) * 200, 0) if value else 0) for key, value in bars],
    }


def _histogram(parts: Sequence[Part], length: str) -> dict[str, Any] | None:
    """Depths of all facts that are spread evenly, in tenths, against what the plan has: a tenth in each."""
    even = [part.depths for part in parts if part.length == length and part.depths_p is not None]
    if not even:
        return None
    counts = [sum(column) for column in zip(*even, strict=True)]
    total, top = sum(counts), max(counts)
    return {
        "length": length,
        "facts": total,
        "bars": [(f"{i / 10:.1f} to {(i + 1) / 10:.1f}", count, 100 * count / top) for i, count in enumerate(counts)],
        "expected": 100 * total / 10 / top,
    }


def _sizes(parts: Sequence[Part]) -> dict[str, Any]:
    return {
        "length": parts[0].length,
        "texts": sum(part.samples for part in parts),
        "least": min(part.n_tokens[0] for part in parts),
        "most": max(part.n_tokens[1] for part in parts),
        "exact": sum(part.exact for part in parts),
        "distractors": sum(part.distractors for part in parts),
        "wraps": sum(part.wraps for part in parts),
    }


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f}%"
