"""Pages from templates, and the files that they load. Knows what a page is called, not what a board is."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from .details import Details, Example
from .entries import Entry
from .names import file_name, shown, title
from .payload import island

#: Our own scripts, in the order in which they are loaded; each adds its part to `Board`.
SCRIPTS = ("format.js", "tip.js", "data.js", "link.js", "grid.js", "chart.js", "curves.js", "cost.js", "depths.js",
           "copy.js", "board.js", "page.js")  # fmt: skip
_OWN = ("style.css", "tables.css", "theme.js", *SCRIPTS)
_PLOTLY = "plotly.min.js"
_PACKAGE = "rmt_bench.leaderboard.site"


def assets() -> Iterator[tuple[str, str]]:
    """The files that every page loads, by name."""
    yield from ((f"assets/{name}", text) for name, text in _texts())


def environment() -> jinja2.Environment:
    """Templates, and what all of them use. Everything that comes from outside is escaped."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader(_PACKAGE, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"title_text": title, "shown": shown, "breakable": _breakable}
    made.globals |= {
        "version": version("rmt-bench"),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
    return made


class Renderer:
    """Fills the templates of a site."""

    def __init__(self, n_entries: int, downloads: Sequence[str]):
        self._environment = environment()
        self._environment.globals |= {
            "scripts": SCRIPTS,
            # Part of each address, so that no browser shows a new page with the scripts of an old one.
            "stamp": {name: hashlib.sha256(text.encode()).hexdigest()[:8] for name, text in _texts()},
            "n_entries": n_entries,
            "downloads": downloads,
        }

    def index(self, data: dict[str, Any], table: pd.DataFrame) -> str:
        """The first page: all entries, all tasks."""
        return self._render("index.html", "", data, table=table)

    def model(self, data: dict[str, Any], entry: Entry, details: Details, others: Sequence[Entry]) -> str:
        """The page of one entry; `others` are those of the same model."""
        return self._render("model.html", "../", data, entry=entry, details=details, others=others)

    def task(self, data: dict[str, Any], task: str, table: pd.DataFrame, examples: Sequence[Example]) -> str:
        """The page of one task."""
        return self._render("task.html", "../", data, task=task, table=table, examples=examples)

    def _render(self, template: str, root: str, data: dict[str, Any], **values: Any) -> str:
        pages = {task: f"{root}tasks/{file_name(task)}.html" for task in data["tasks"]}
        return self._environment.get_template(template).render(
            root=root, data=island(data | {"pages": pages}), **values
        )


def _breakable(text: str) -> Markup:
    """A setting's name, which may go on in the next line after a dot or an underscore."""
    return Markup(re.sub("([._])", r"\1<wbr>", str(escape(text))))


def _texts() -> Iterator[tuple[str, str]]:
    yield from ((name, asset(name)) for name in _OWN)
    yield _PLOTLY, _plotly()


@lru_cache
def asset(name: str) -> str:
    """A script or style of ours."""
    return files(_PACKAGE).joinpath("assets", name).read_text(encoding="utf-8")


@lru_cache
def _plotly() -> str:
    """Plotly's script, as its Python package brings it."""
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()
