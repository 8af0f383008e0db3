"""What a package asks for, read from the metadata of one that is made here."""

from __future__ import annotations

from pathlib import Path

import pytest

from rmt_bench.base.packages import extras, needs

METADATA = """Metadata-Version: 2.4
Name: toy-package
Version: 1.0
Provides-Extra: fast
Provides-Extra: all
Requires-Dist: numpy>=1.0
Requires-Dist: nothing-of-this-name>=2
Requires-Dist: click<0.1
Requires-Dist: only-elsewhere; sys_platform == "never"
Requires-Dist: pandas>=1; extra == "fast"
Requires-Dist: nor-this; extra == "fast"
Requires-Dist: Toy_Package[fast]; extra == "all"
"""


@pytest.fixture(autouse=True)
def _toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "toy_package-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(METADATA)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_needs_without_an_extra_are_those_of_this_machine():
    assert [(need.name, need.fits) for need in needs("toy-package")] == [
        ("numpy", True), ("nothing-of-this-name", False), ("click", False),
    ]  # fmt: skip


def test_what_does_not_fit_says_what_is_wanted_and_what_is_here():
    _, missing, old = needs("toy-package")
    assert str(missing) == "nothing-of-this-name>=2 (here: none)"
    assert str(old).startswith("click<0.1 (here: 8.")


def test_an_extra_is_what_it_adds_and_one_that_names_another_has_its_needs():
    assert extras("toy-package") == ["fast", "all"]
    assert [need.name for need in needs("toy-package", "fast")] == ["pandas", "nor-this"]
    assert list(needs("toy-package", "all")) == list(needs("toy-package", "fast"))
