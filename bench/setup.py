"""How a model is made ready: loaded, put on a device, given a precision, compiled. Plain values, so it can be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ..base.errors import UserError, did_you_mean
from .checkpoint import to_device
from .model import Factory, SegmentModel, load_model

#: What `--dtype` may be.
DTYPES = {"float64": torch.float64, "float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Setup:
    """A model by its name or its class, with its options, a device, a precision (None: as it comes), and whether it is
    compiled.

    `seed` is that of torch's random stream while it is made: a model without weights of its own is the same one
    whenever it is made again. Raises `UserError` for an unknown `dtype`.
    """

    spec: str | Factory
    options: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"
    dtype: str | None = None
    compiled: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.dtype is not None and self.dtype not in DTYPES:
            near = did_you_mean(self.dtype, DTYPES)
            raise UserError(f"unknown dtype {self.dtype!r}{near}; there is: {', '.join(DTYPES)}")

    def make(self) -> SegmentModel:
        """The model, ready to read. Raises `UserError` for what is unknown, or makes no sense for this model."""
        torch.manual_seed(self.seed)
        made: Any = load_model(self.spec, **self.options)
        if not isinstance(made, torch.nn.Module):
            for option, given in (("--dtype", self.dtype), ("--compile", self.compiled)):
                if given:
                    raise UserError(f"model {self.spec!r} is no torch module: leave out {option}")
            return made
        if self.dtype is not None:
            made.to(DTYPES[self.dtype])
        to_device(made, self.device)
        if self.compiled:
            made.read = torch.compile(made.read)  # type: ignore[assignment]
        return made  # type: ignore[return-value]

    def of_worker(self, number: int) -> Setup:
        """The same for worker `number` of a machine: where there are several accelerators, they take turns."""
        count = torch.cuda.device_count() if self.device in ("auto", "cuda") else 0
        return replace(self, device=f"cuda:{number % count}") if count > 1 else self

    @property
    def for_a_look(self) -> Setup:
        """The same model where it is not in the way: on the CPU, for whoever only asks what it is."""
        return replace(self, device="cpu", compiled=False)

    @property
    def identity(self) -> dict[str, Any]:
        """What of it a run depends on, besides name, options and weights."""
        return {
            key: value
            for key, value in (("dtype", self.dtype), ("compiled", self.compiled))
            if value not in (None, False)
        }
