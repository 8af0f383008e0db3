"""What an installed package asks for, and what of that is here: read from its metadata. Knows no package by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@dataclass(frozen=True)
class Need:
    """A package that is wanted: `wanted` as in `torch>=2.4`, the version that is `installed` (None: it is not here)."""

    name: str
    wanted: str
    installed: str | None
    fits: bool

    def __str__(self) -> str:
        if self.fits:
            return f"{self.name} {self.installed}"
        return f"{self.wanted} (here: {self.installed or 'none'})"


def extras(package: str) -> list[str]:
    """The extras that a package offers, in the order of its metadata."""
    return metadata(package).get_all("Provides-Extra") or []


def needs(package: str, extra: str = "") -> Iterator[Need]:
    """What a package needs on this machine, or what its `extra` adds to that.

    An extra that names others of the same package (`dev = ["mine[docs]"]`) has what they have. Raises
    `PackageNotFoundError` where the package itself is not installed.
    """
    for requirement in map(Requirement, requires(package) or ()):
        if not _belongs(requirement, extra):
            continue
        if canonicalize_name(requirement.name) == canonicalize_name(package):
            for inner in sorted(requirement.extras):
                yield from needs(package, inner)
        else:
            yield _need(requirement)


def _belongs(requirement: Requirement, extra: str) -> bool:
    """Whether it is `extra` that asks for it; "": whether it is asked for without any."""
    always = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    if not extra:
        return always
    return not always and requirement.marker is not None and requirement.marker.evaluate({"extra": extra})


def _need(requirement: Requirement) -> Need:
    wanted = f"{requirement.name}{requirement.specifier}"
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        return Need(requirement.name, wanted, None, False)
    return Need(requirement.name, wanted, installed, requirement.specifier.contains(installed, prereleases=True))
