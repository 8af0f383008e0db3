"""Suites: tasks under one name, so that `--tasks babilong` stands for qa1 to qa10. Knows names only."""

from __future__ import annotations

from collections.abc import Iterable

_NEEDLES = (
    "niah_single_1", "niah_single_2", "niah_single_3", "niah_multikey_1", "niah_multikey_2", "niah_multikey_3",
    "niah_multivalue", "niah_multiquery",
)  # fmt: skip

#: What each suite is, and its tasks.
SUITES: dict[str, tuple[str, tuple[str, ...]]] = {
    "report": ("The three tasks of the RMT report.", ("memorize", "detect", "reasoning")),
    "babilong": ("The ten tasks of BABILong.", tuple(f"qa{number}" for number in range(1, 11))),
    "babi": ("All twenty bAbI tasks.", tuple(f"qa{number}" for number in range(1, 21))),
    "ruler": ("RULER without its two sets of question answering.", (*_NEEDLES, "vt", "cwe", "fwe")),
    "recurrent": (
        "What recurrent memories are tested with: recall, capacity, order.",
        (
            "remember", "rewrite", "recall_multi", "induction", "selective_copy", "capacity", "interference", "order",
            "count",
        ),
    ),
    "quick": ("Minutes on a laptop: one task of each kind.", ("detect", "qa2", "passkey", "vt", "remember", "count")),
}  # fmt: skip


def described() -> dict[str, str]:
    """What each suite is, with its tasks, for the listing."""
    return {name: f"Suite. {what} ({', '.join(tasks)})" for name, (what, tasks) in SUITES.items()}


def expand(names: Iterable[str]) -> list[str]:
    """Tasks for names of tasks and suites, in order, none of them twice. Unknown names are left as they are."""
    return list(dict.fromkeys(task for name in names for task in (SUITES[name][1] if name in SUITES else (name,))))
