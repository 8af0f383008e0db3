"""An unfinished training on disk: weights, optimiser and counters in one file that is whole or absent.

OUTPUT/resume.safetensors   gone when training is finished
OUTPUT/train.jsonl          one line for each step: stage, segments, loss, accuracy, rate
OUTPUT/tensorboard/         the same for TensorBoard, where that was asked for: see tensorboard.py
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ..base.errors import UserError, one_line
from ..base.files import atomic_path, remove_temporaries, sole_writer, write_text

_CHECKPOINT = "checkpoint.json"
_TENSORBOARD = "tensorboard"


class Snapshot:
    """What is kept of the training called `name` (a hash of what it is) in `folder`.

    Of several processes that train together one `writes`. Raises `UserError` when the folder holds something else: a
    finished checkpoint, another training, other files.
    """

    def __init__(self, folder: str | Path, name: str, writes: bool = True):
        self.folder = Path(folder)
        self.name = name
        self.writes = writes
        self.tensorboard = self.folder / _TENSORBOARD
        self._path = self.folder / "resume.safetensors"
        self._log = self.folder / "train.jsonl"
        if self.folder.exists() and not self.folder.is_dir():
            raise UserError(f"{self.folder} is a file: give --output a folder")
        if (self.folder / _CHECKPOINT).is_file():
            raise UserError(f"{self.folder} holds a trained model: give --output another folder")
        if self.folder.is_dir() and not self._path.is_file():
            logs = (self._log, self.tensorboard)
            others = [file.name for file in self.folder.iterdir() if file not in logs and file.suffix != ".tmp"]
            if others:
                raise UserError(f"{self.folder} holds something else ({others[0]}): give --output a new folder")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the folder's only writer, if this process writes at all; what a killed one left half written is removed.

        Raises `UserError` when another process writes there. A folder that nothing was written to is left as it was.
        """
        if not self.writes:
            yield
            return
        was_there = self.folder.is_dir()
        try:
            with sole_writer(self.folder):
                remove_temporaries(self.folder)
                yield
        finally:
            if not was_there and not any(self.folder.iterdir()):
                self.folder.rmdir()

    def load(
        self, model: torch.nn.Module, optimiser: torch.optim.Optimizer
    ) -> tuple[dict[str, Any], dict[str, torch.Tensor]] | None:
        """Put weights and optimiser back as they were, and return the counters and the other tensors that were kept.

        `None` when there is nothing.
        """
        from safetensors import SafetensorError, safe_open

        if not self._path.is_file():
            self._cut_log(0)
            return None
        try:
            with safe_open(self._path, framework="pt") as file:
                said = {**(file.metadata() or {})}
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
        except (OSError, SafetensorError) as error:
            raise UserError(f"{self._path} is damaged ({one_line(error)}); delete it to train anew") from error
        if said.get("name") != self.name:
            raise UserError(f"{self.folder} holds another training: give --output another folder, or delete it")
        model.load_state_dict({key.removeprefix("model."): tensors[key] for key in tensors if key.startswith("model.")})
        _restore(optimiser, {key: value for key, value in tensors.items() if key.startswith("optimiser.")})
        progress = json.loads(said["progress"])
        self._cut_log(progress["step"])
        others = {key.removeprefix("other."): tensors[key] for key in tensors if key.startswith("other.")}
        return progress, others

    def save(
        self,
        model: torch.nn.Module,
        optimiser: torch.optim.Optimizer,
        progress: dict[str, Any],
        others: Mapping[str, torch.Tensor],
    ) -> None:
        """Keep where training stands: `others` are tensors besides those of model and optimiser."""
        from safetensors.torch import save_file

        if not self.writes:
            return
        tensors = {f"model.{key}": value.clone() for key, value in model.state_dict().items()}
        for number, state in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{key}": value.clone() for key, value in state.items()}
        tensors |= {f"other.{key}": value.clone().contiguous() for key, value in others.items()}
        with atomic_path(self._path) as temporary:
            save_file(tensors, temporary, {"name": self.name, "progress": json.dumps(progress)})

    def log(self, line: dict[str, Any]) -> None:
        """Add one line to the log; `line["step"]` counts from 0."""
        if not self.writes:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """Training is finished and its checkpoint written: nothing is left to go on with."""
        if self.writes:
            self._path.unlink(missing_ok=True)

    def _cut_log(self, step: int) -> None:
        """Drop what was logged after the snapshot: those steps are done again."""
        if self.writes and self._log.is_file():
            lines = self._log.read_text(encoding="utf-8").splitlines()[:step]
            write_text(self._log, "".join(line + "\n" for line in lines))


def _restore(optimiser: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        _, number, name = key.split(".")
        state.setdefault(int(number), {})[name] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
