"""Things found by name: registered by a decorator here, by an entry point of an installed package, or by a plugin file.

Knows nothing of what is registered. Built-in things are named in a table and imported when asked for, so that
listing names costs no import.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from .errors import UserError, did_you_mean, one_line
from .plugins import load_plugins

T = TypeVar("T")
#: What stands for the default of a setting that has none.
REQUIRED = "(required)"


class Registry(Generic[T]):
    """A table of names.

    `kind` is the word used in errors ("task"), `group` the entry point group (`rmt_bench.tasks`), `listing` the
    command that prints the names, and `builtin` maps a name to the module that registers it.
    """

    def __init__(self, kind: str, group: str, listing: str, builtin: Mapping[str, str]):
        self.kind = kind
        self.group = group
        self.listing = listing
        self._builtin = dict(builtin)
        self._found: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """The decorator: `@registry.register("qa1")`. Registering a name again replaces it."""

        def keep(value: T) -> T:
            self._found[name] = value
            return value

        return keep

    def names(self) -> list[str]:
        """Every name there is, built-in ones first, in the order they were declared."""
        load_plugins()
        plugged = (point.name for point in entry_points(group=self.group))
        return list(dict.fromkeys([*self._builtin, *self._found, *plugged]))

    def get(self, name: str) -> T:
        """What `name` stands for. Raises `UserError` that names the closest match and the listing command."""
        load_plugins()
        if name not in self._found and name in self._builtin:
            importlib.import_module(self._builtin[name])
        if name not in self._found:
            for point in entry_points(group=self.group, name=name):
                self._found[name] = self._load(point)
        if name not in self._found:
            raise UserError(self.unknown(name))
        return self._found[name]

    def _load(self, point: EntryPoint) -> T:
        try:
            return point.load()
        except Exception as error:
            where = point.dist.name if point.dist else point.value
            raise UserError(
                f"the {self.kind} {point.name!r} of the package {where} cannot be loaded ({one_line(error)}); "
                "mend the package or uninstall it"
            ) from error

    def unknown(self, name: str, also: Iterable[str] = ()) -> str:
        """The line that says `name` is not known."""
        close = did_you_mean(name, [*self.names(), *also])
        return f"unknown {self.kind} {name!r}{close or ''}{'' if close else ';'} see: {self.listing}"
