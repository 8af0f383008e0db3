"""The lowest versions that pyproject.toml promises, as constraints of pip: `make minimum` runs the tests with them.

    python scripts/minimum.py > lowest.txt; pip install --constraint lowest.txt .

Where a lowest version does not go with what the other packages want, pip says so and installs nothing.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def lowest(requirement: Requirement) -> str:
    """Such as `click==8.4` for `click>=8.4`. Raises `ValueError` where no lowest version is named."""
    found = [specifier.version for specifier in requirement.specifier if specifier.operator == ">="]
    if len(found) != 1:
        raise ValueError(f"{requirement} names no lowest version: write NAME>=VERSION")
    return f"{requirement.name}=={found[0]}"


def main() -> None:
    """A line for each package that is always installed; what extras add is left out."""
    for text in tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]:
        print(lowest(Requirement(text)))


if __name__ == "__main__":
    main()
