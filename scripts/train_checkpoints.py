"""Make the checkpoints that ship in the package, from nothing: `python scripts/train_checkpoints.py [NAME ...]`.

Each is one `rmt-bench train` command, printed before it runs. What came of it (steps and seconds of every stage, seed,
command, versions, machine) stands in the checkpoint's checkpoint.json. A few minutes each on two cores.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHECKPOINTS = Path("bench/models/checkpoints")
COMMANDS = {"rmt-tiny": "train rmt --tasks detect --seed 0"}


def main(names: list[str]) -> None:
    for name in names or COMMANDS:
        folder = CHECKPOINTS / name
        shutil.rmtree(ROOT / folder, ignore_errors=True)
        command = [*shlex.split(COMMANDS[name]), "--output", str(folder)]
        print("rmt-bench", shlex.join(command), flush=True)
        subprocess.run([sys.executable, "-m", "rmt_bench", *command], check=True, cwd=ROOT)
        (ROOT / folder / "train.jsonl").unlink()


if __name__ == "__main__":
    main(sys.argv[1:])
