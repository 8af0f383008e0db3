"""Make the checkpoints that ship in the package, from nothing: `python scripts/train_checkpoints.py [NAME ...]`.

Each is one `rmt-bench train` command (trainings.py), run on one core, as many side by side as there are cores. What
came of it (steps and seconds of every stage, seed, command, versions, machine) stands in the checkpoint's
checkpoint.json. Prints seeds, steps, minutes. An hour of one core for all.
"""

from __future__ import annotations

import json
import shutil
import sys

from experiments import ROOT, run_all
from trainings import SHIPPED

CHECKPOINTS = ROOT / "bench/models/checkpoints"


def main(names: list[str]) -> None:
    wanted = {name: SHIPPED[name] for name in names or SHIPPED}
    run_all(wanted.values(), folders=True)
    for name, job in wanted.items():
        folder = CHECKPOINTS / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for file in ("checkpoint.json", "model.safetensors"):
            shutil.copy(job.folder / file, folder)
        said = json.loads((folder / "checkpoint.json").read_text())
        training, size = said["training"], (folder / "model.safetensors").stat().st_size
        spent = f"seed {training['recipe']['seed']}, {training['steps']} steps, {training['seconds'] / 60:.1f} min"
        print(f"{name}: {spent}, {said['parameters']:,} parameters, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
