"""What looking costs: heavy libraries are imported where they are used, not on the way there."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "datasets", "ray")
_LOADED = f"import sys; print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"


@pytest.mark.parametrize(
    "code",
    [
        "import rmt_bench",
        "import rmt_bench.generators.commands",
        "from rmt_bench.cli import cli; cli.main(['--help'], standalone_mode=False)",
        "from rmt_bench.cli import cli; cli.main(['generate', '--help'], standalone_mode=False)",
        "from rmt_bench.cli import cli; cli.main(['tasks'], standalone_mode=False)",
        "from rmt_bench.cli import cli; cli.main(['completion', 'zsh'], standalone_mode=False)",
    ],
)
def test_nothing_heavy_is_imported_to_look_around(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", f"{code}\n{_LOADED}"], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
