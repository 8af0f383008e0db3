"""Where training computes: in this process, or in several that `accelerate launch` started and that share each batch.

    one process     rows 0 1 2 3 4 5 6 7
    process 0 of 2  rows 0   2   4   6        losses are shares of the whole batch's; gradients, losses and counts are
    process 1 of 2  rows   1   3   5   7      added up before anyone looks at them, so all decide alike

Knows tensors and processes; nothing of stages, samples or files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from ..base.errors import UserError

PRECISIONS = ("no", "bf16")


class Alone:
    """One process, in the precision that the weights have."""

    rank, count, precision = 0, 1, "no"
    device: str | None = None  #: Where it computes; none: wherever the model is put.

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes files and shows how it goes."""
        return self.rank == 0

    def autocast(self) -> AbstractContextManager[Any]:
        """Around whatever a model computes."""
        return nullcontext()

    def total(self, values: Sequence[float]) -> list[float]:
        """Each value added up over all processes."""
        return list(values)

    def add_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Add up the gradients of all processes."""

    def share_weights(self, module: torch.nn.Module) -> None:
        """Give all processes the weights of the first."""

    def wait(self) -> None:
        """Wait until all processes are here."""

    def identity(self) -> dict[str, Any]:
        """What of it the weights depend on: nothing."""
        return {}


class Accelerated(Alone):
    """One of the processes that `accelerate launch` started, or one that computes in bfloat16 where that is safe.

    Raises `UserError` when `accelerate` is not installed, or is told to compute in something else.
    """

    def __init__(self, precision: str | None = None, device: str = "auto"):
        try:
            from accelerate import Accelerator
        except ImportError as error:
            raise UserError(
                "several processes and --precision take the package accelerate: pip install 'rmt-bench[train]'"
            ) from error
        try:
            on_processor = device == "cpu" or not torch.accelerator.is_available()
            self._accelerator = Accelerator(mixed_precision=precision, cpu=on_processor)
        except ValueError as error:
            raise UserError(f"accelerate cannot compute so here: {error}") from error
        self.precision = str(self._accelerator.mixed_precision)
        if self.precision not in PRECISIONS:
            raise UserError(
                f"training computes in the weights' own precision or in bf16, not in {self.precision!r}: "
                "use --precision bf16"
            )
        self.rank, self.count = self._accelerator.process_index, self._accelerator.num_processes
        self.device = str(self._accelerator.device)
        if self.count != _launched():
            raise UserError(
                f"{_launched()} processes were started, and accelerate makes {self.count} of them work together: see "
                "its own configuration (accelerate config), or train in one"
            )

    def autocast(self) -> AbstractContextManager[Any]:
        """bfloat16 where that is safe, if told so."""
        return self._accelerator.autocast()

    def total(self, values: Sequence[float]) -> list[float]:
        """Each value added up over all processes."""
        if self.count == 1:
            return list(values)
        return self._sum(torch.tensor(values, dtype=torch.float64, device=self.device)).tolist()

    def add_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Add up the gradients of all processes; a parameter that none of them used keeps having none."""
        if self.count == 1:
            return
        parameters = list(parameters)
        used = torch.tensor([parameter.grad is not None for parameter in parameters], device=self.device)
        chosen = [one for one, is_used in zip(parameters, self._sum(used.float()).tolist(), strict=True) if is_used]
        gradients = [torch.zeros_like(one) if one.grad is None else one.grad for one in chosen]
        together = self._sum(torch.cat([gradient.flatten() for gradient in gradients]))
        for parameter, summed in zip(chosen, together.split([one.numel() for one in chosen]), strict=True):
            parameter.grad = summed.view_as(parameter).clone()

    def share_weights(self, module: torch.nn.Module) -> None:
        """Give all processes the weights of the first."""
        if self.count == 1:
            return
        from accelerate.utils import broadcast

        with torch.no_grad():
            for tensor in module.state_dict().values():
                tensor.copy_(broadcast(tensor.clone()))

    def wait(self) -> None:
        """Wait until all processes are here."""
        self._accelerator.wait_for_everyone()

    def identity(self) -> dict[str, Any]:
        """What of it the weights depend on: the precision, and how many processes a batch is shared by."""
        said = {"processes": self.count, "precision": self.precision}
        return {key: value for key, value in said.items() if value not in (1, "no")}

    def _sum(self, tensor: torch.Tensor) -> torch.Tensor:
        summed = self._accelerator.reduce(tensor, reduction="sum")
        assert isinstance(summed, torch.Tensor)
        return summed


def find_processes(precision: str | None, device: str) -> Alone:
    """What this process is one of: of several where `accelerate launch` says so, else alone.

    `precision` is `no`, `bf16`, or `None`: as accelerate was told, if it was.
    """
    launched = _launched() > 1 or os.environ.get("ACCELERATE_MIXED_PRECISION", "no") != "no"
    if launched or precision not in (None, "no"):
        return Accelerated(precision, device)
    return Alone()


def _launched() -> int:
    """How many processes were started together."""
    return int(os.environ.get("WORLD_SIZE", "1"))
