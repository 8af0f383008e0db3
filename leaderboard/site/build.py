"""Writes the site: index.html, a page per entry and per task, scripts and styles. Everything it needs lies beside it.

SITE/index.html  models/<slug>-<hash>.html  tasks/<slug>-<hash>.html  assets/  site.json
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ...base.files import write_text
from .details import Details, Example
from .entries import Entry, entries_of
from .manifest import INDEX, inside, prepare, remove_stale, write_manifest
from .names import file_name, shown
from .pages import Renderer, assets
from .payload import depths_payload, payload

#: Questions that the page of a task shows.
_EXAMPLES = 3


def build_site(
    table: pd.DataFrame,
    output: str | Path,
    *,
    scores: pd.DataFrame | None = None,
    depths: pd.DataFrame | None = None,
    told: Mapping[Entry, Details] | None = None,
    downloads: Iterable[str] = (),
) -> Path:
    """Write the site of `table` into the folder `output`, and return the path of its index.

    `table`, `scores` and `depths` are the rows, the summary and the depths of a board (board.Board; what an optional
    column says is left out where it is not there); `told` is what the runs tell beside. `downloads` are files already
    in `output` that the site offers. What an earlier build wrote and this one did not is removed; other files stay.
    Raises `UserError` when `output` holds a page that is none of ours.
    """
    folder = Path(output)
    before = prepare(folder)
    files = list(downloads)
    site = _Site(table, scores, depths, told or {}, files)
    for name, text in site.pages():
        write_text(inside(folder, name), text)
        files.append(name)
    remove_stale(folder, before, files)
    write_manifest(folder, files)
    return folder / INDEX


class _Site:
    """A board taken apart into what each page shows."""

    def __init__(
        self,
        table: pd.DataFrame,
        scores: pd.DataFrame | None,
        depths: pd.DataFrame | None,
        details: Mapping[Entry, Details],
        downloads: list[str],
    ):
        self._table = with_entry(table)
        self._scores = None if scores is None else with_entry(scores)
        self._depths = None if depths is None or depths.empty else with_entry(depths)
        self._details = details
        self._entries = sorted(set(self._table["entry"]))
        self._ranked = _ranked(self._table, self._scores)
        self._renderer = Renderer(len(self._entries), tuple(downloads))

    def pages(self) -> Iterator[tuple[str, str]]:
        """All files by name; the index last, so that it never leads to a page that is not there yet."""
        yield from assets()
        yield from self._models()
        yield from self._tasks()
        data = self._payload(self._table, self._entries, self._scores)
        yield INDEX, self._renderer.index(data, self._table)

    def _payload(self, table: pd.DataFrame, entries: Sequence[Entry], scores: pd.DataFrame | None) -> dict[str, Any]:
        return payload(table, entries, scores) | {"ranked": self._ranked}

    def _models(self) -> Iterator[tuple[str, str]]:
        rows, scores, depths = (_groups(table, "entry") for table in (self._table, self._scores, self._depths))
        of_model: dict[str, list[Entry]] = {}
        for entry in self._entries:
            of_model.setdefault(entry.model, []).append(entry)
        for entry in self._entries:
            details = self._details.get(entry, Details())
            data = self._payload(rows[entry], [entry], scores.get(entry))
            data["depths"] = depths_payload(depths[entry]) if entry in depths else {}
            others = [other for other in of_model[entry.model] if other != entry]
            yield f"models/{entry.id}.html", self._renderer.model(data, entry, details, others)

    def _tasks(self) -> Iterator[tuple[str, str]]:
        for task, rows in _groups(self._table, "task").items():
            data = self._payload(rows, sorted(set(rows["entry"])), self._scores)
            yield f"tasks/{file_name(task)}.html", self._renderer.task(data, task, rows, self._asked(task))

    def _asked(self, task: str) -> list[Example]:
        told = (example for details in self._details.values() for example in details.examples if example.task == task)
        return list({example.question: example for example in told}.values())[:_EXAMPLES]


def _ranked(table: pd.DataFrame, scores: pd.DataFrame | None) -> dict[str, list[str]]:
    """The tasks of which ranks can be shown: all were asked the same and judged alike, and no rank is of some only.

    For `scores` they were also asked at the same lengths: a score over other lengths is another score.
    """
    alike = [name for name in ("dataset", "scorer") if name in table]
    spans = [*alike, "shortest_tokens", "longest_tokens"]

    def tasks(rows: pd.DataFrame | None, same: list[str]) -> list[str]:
        if rows is None or not {*same, "rank_low"} <= set(rows):
            return []
        return [
            str(task)
            for task, group in rows.groupby("task", sort=False)
            if len(group[same].drop_duplicates()) == 1 and (same is alike or group["rank_low"].notna().all())
        ]

    return {"rows": tasks(table, alike), "scores": tasks(scores, spans)}


def with_entry(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with the entry that each row belongs to, and the names of tasks and lengths fit to be shown."""
    return table.assign(
        entry=entries_of(table),
        **{name: table[name].map(lambda text: shown(str(text))) for name in ("task", "length") if name in table},
    )


def _groups(table: pd.DataFrame | None, column: str) -> dict[Any, pd.DataFrame]:
    return {} if table is None else dict(iter(table.groupby(column, sort=False)))
