"""What looking costs: heavy libraries are imported where they are used, not on the way there."""

from __future__ import annotations

import os
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


@pytest.mark.parametrize(("said", "then"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_that_wait_let_others_work_unless_the_environment_says_otherwise(said: str | None, then: str) -> None:
    others = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment = others if said is None else {**others, "OMP_WAIT_POLICY": said}
    code = "import os, rmt_bench; print(os.environ['OMP_WAIT_POLICY'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == then
