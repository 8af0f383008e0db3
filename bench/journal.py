"""What is done of a unit before it is finished: its records so far, and the state in the middle of a reading.

RUN/partial/<unit>.safetensors    tensors of the state; in the header, as JSON, all the rest

One file, whole or absent, written anew now and then. A reading is taken up again where the file says it stood, and the
random streams of torch with it, so the outcome is that of an undisturbed run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from ..base.errors import IncompleteError, one_line
from ..base.files import atomic_path
from .model import Reply
from .reading import Heard, Standing
from .record import Record, as_record
from .state_parts import Parts, UnsavableError, take_apart

_FORMAT = 1
#: Unless the user says otherwise: seconds between saves, and what share of the time they may take.
_SECONDS, _SHARE = 30.0, 0.05

Notice = Callable[[str], None]


@dataclass
class Entry:
    """What a journal holds: the records of finished batches; which batch was being read, and where that stood.

    `random` are the states of torch's random streams then, by name.
    """

    records: list[Record] = field(default_factory=list)
    batch: str = ""
    standing: Standing | None = None
    random: dict[str, torch.Tensor] = field(default_factory=dict)


class Journal:
    """Keeps what is done of one unit: see `bench.reading.Keeper`.

    `every` is how many segments are read again after a disturbance, at the most; None: as many as are read in half a
    minute, or in twenty times as long as a save takes. `notice` hears, once, why something cannot be kept.
    """

    def __init__(self, path: Path, device: torch.device, every: int | None = None, notice: Notice = print):
        self.path = path
        self.entry = Entry()
        self._device = device
        self._every = every
        self._notice = notice
        self._batch = ""
        self._unsaved = 0
        self._saved_at = time.perf_counter()
        self._patience = _SECONDS
        self._noted: set[str] = set()

    def load(self) -> Entry:
        """What was kept; nothing, and a notice, where the file cannot be read."""
        from safetensors import SafetensorError, safe_open

        if not self.path.is_file():
            return self.entry
        try:
            with safe_open(self.path, framework="pt") as file:
                said = json.loads((file.metadata() or {})["journal"])
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
            if said["format"] == _FORMAT:
                self.entry = self._read(said, tensors)
        except (OSError, SafetensorError, UnsavableError, KeyError, ValueError, TypeError) as error:
            self._say(f"{self.path} cannot be gone on with ({one_line(error)}): its unit is begun again")
        return self.entry

    def add(self, records: Sequence[Record]) -> None:
        """A batch is finished. Its records are written when enough was read to be worth it."""
        self.entry.records.extend(records)
        if self.due(0):
            self._save(self.entry)

    @property
    def waiting(self) -> str:
        """The batch that was interrupted, and has not been gone on with so far; empty: there is none."""
        return self.entry.batch if self.entry.standing else ""

    def begin(self, batch: str) -> Standing | None:
        """A batch is read next: where its reading stood, if it was this one; torch's random streams are put back.

        Where it was another one, which comes later, that keeps standing where it stood.
        """
        self._batch = batch
        if self.waiting != batch:
            return None
        standing = self.entry.standing
        _restore_random_states(self._device, self.entry.random)
        self.entry = Entry(self.entry.records)
        return standing

    def due(self, segments: int) -> bool:
        """Whether it is time to save, `segments` more having been read."""
        self._unsaved += segments
        if self._every is not None:
            return self._unsaved >= self._every
        return self._unsaved > 0 and time.perf_counter() - self._saved_at > self._patience

    def keep(self, standing: Standing) -> None:
        """Save where the reading of the present batch stands."""
        self._save(replace(self.entry, batch=self._batch, standing=standing, random=_random_states(self._device)))

    def _save(self, entry: Entry) -> None:
        from safetensors import SafetensorError

        begun = time.perf_counter()
        try:
            self._write(entry)
        except (IncompleteError, SafetensorError) as error:
            self._say(f"the state of a reading is not saved ({one_line(error)}): it would be read again")
        self._unsaved = 0
        self._saved_at = time.perf_counter()
        self._patience = max(_SECONDS, (self._saved_at - begun) / _SHARE)

    def _write(self, entry: Entry) -> None:
        from safetensors.torch import save_file

        tensors: dict[str, torch.Tensor] = {}
        said: dict[str, Any] = {
            "format": _FORMAT,
            "records": [asdict(record) for record in entry.records],
            "batch": entry.batch,
        }
        parts = self._parts(entry.standing)
        if entry.standing is not None and parts is not None:
            said["standing"] = {
                "segments": entry.standing.segments,
                "visits": entry.standing.visits,
                "seconds": entry.standing.seconds,
                "heard": [[key, asdict(heard)] for key, heard in entry.standing.heard.items()],
                "nodes": parts.nodes,
                "devices": [str(tensor.device) for tensor in parts.tensors],
            }
            tensors |= entry.random
            tensors |= {f"state.{number}": _at_rest(tensor) for number, tensor in enumerate(parts.tensors)}
        with atomic_path(self.path) as temporary:
            save_file(tensors, temporary, {"journal": json.dumps(said)})

    def _parts(self, standing: Standing | None) -> Parts | None:
        try:
            return None if standing is None else take_apart(standing.state)
        except UnsavableError as error:
            self._say(f"a state of this model cannot be saved (it holds {error}): a reading is never taken up midway")
            return None

    def _read(self, said: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Entry:
        entry = Entry([as_record(row) for row in said["records"]], said["batch"])
        if "standing" in said:
            stood = said["standing"]
            placed = [
                tensors[f"state.{number}"].to(self._placed(device)) for number, device in enumerate(stood["devices"])
            ]
            entry.standing = Standing(
                stood["segments"],
                stood["visits"],
                {_key(key): Heard(**{**heard, "reply": Reply(**heard["reply"])}) for key, heard in stood["heard"]},
                stood["seconds"],
                Parts(stood["nodes"], placed).together(),
            )
            entry.random = {name: tensor for name, tensor in tensors.items() if name.startswith("random.")}
        return entry

    def _placed(self, device: str) -> torch.device:
        """Where a tensor of the state lay; where that is not there, the model's device."""
        return (
            torch.device(device) if device == "cpu" or device.partition(":")[0] == self._device.type else self._device
        )

    def _say(self, text: str) -> None:
        if text not in self._noted:
            self._noted.add(text)
            self._notice(text)


def _at_rest(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor as it goes to disk: on the CPU, in a memory of its own."""
    return tensor.detach().to("cpu", copy=True).contiguous()


def _random_states(device: torch.device) -> dict[str, torch.Tensor]:
    states = {"random.cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["random.cuda"] = torch.cuda.get_rng_state(device)
    return states


def _restore_random_states(device: torch.device, tensors: dict[str, torch.Tensor]) -> None:
    torch.set_rng_state(tensors["random.cpu"])
    if device.type == "cuda" and "random.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random.cuda"], device)


def _key(key: Any) -> Any:
    """The key of a reply, of which JSON made a list."""
    return tuple(key) if isinstance(key, list) else key
