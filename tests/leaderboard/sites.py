"""Small boards, and names that mean harm: what the tests of the page build sites from."""

from __future__ import annotations

import html.parser
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rmt_bench.leaderboard.site import pages

#: What other people may call a model.
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "end of the island": "</script><img src=x onerror=alert(2)>",
    "formula": '=HYPERLINK("http://elsewhere.example","here")',
    "path": "../../etc/passwd",
    "emoji": "😀🏴‍☠️" * 400,
    "right to left": "\u202eevil\u202c \u200fمرحبا",
    "control codes": "a\x00b\x1bc",
    "nothing": "",
    "template": "%{x} {{ 7 * 7 }} ${alert(3)} $\\alpha$",
}
LENGTHS = {"0": 6, "4k": 4_005, "32k": 32_005}


def rows(model: str, task: str = "detect", **changes: Any) -> list[dict[str, Any]]:
    """A row for each of `LENGTHS`: 9, 7 and 5 right of 10; `changes` hold for all of them."""
    right = (9, 7, 5)
    return [
        {
            "model": model, "task": task, "length": length, "prompt": "", "scorer": "strict", "source": "rmt-bench",
            "dataset": "", "n_tokens": tokens, "segments": tokens // 64 + 1, "n": 10, "correct": correct,
            "accuracy": correct / 10, "ci_low": correct / 10 - 0.2, "ci_high": correct / 10 + 0.1, "chance": 0.25,
            "n_error": 0, "n_skipped": 0, "tokens_per_second": 1_000.0 * correct, "state_bytes": 2_048,
            "peak_memory_bytes": 10**8, "trained_segments": 7, "trained_memory_segments": None,
        } | changes
        for (length, tokens), correct in zip(LENGTHS.items(), right, strict=True)
    ]  # fmt: skip


def board(*models: str, tasks: tuple[str, ...] = ("detect",), **changes: Any) -> pd.DataFrame:
    """A board of `models`, each with the same results."""
    return pd.DataFrame([row for model in models for task in tasks for row in rows(model, task, **changes)])


def without_plotly(patch: pytest.MonkeyPatch) -> None:
    """Sites get a word in place of Plotly's five megabytes: for tests that open no browser."""
    patch.setattr(pages, "_plotly", lambda: "// Plotly")


class Page(html.parser.HTMLParser):
    """A page, taken apart as a browser would: its elements with their attributes, its text, and its island."""

    def __init__(self, path: Path):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def data(self) -> Any:
        """What the scripts read."""
        (text,) = [text for text in self.texts["script"] if text.strip()]
        return json.loads(text)
