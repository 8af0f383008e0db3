"""The running average of weights while they are trained. Knows tensors, no models' meaning."""

from __future__ import annotations

from collections.abc import Mapping

import torch


class Average:
    """The exponential moving average of a module's parameters: after every step `decay` of what it was is kept."""

    def __init__(self, module: torch.nn.Module, decay: float):
        from torch.optim.swa_utils import get_ema_multi_avg_fn

        self._module = module
        self._mean = {name: parameter.detach().clone() for name, parameter in module.named_parameters()}
        self._move = get_ema_multi_avg_fn(decay)

    def update(self) -> None:
        """Take in the module's parameters as they now are."""
        new = [parameter.detach() for parameter in self._module.parameters()]
        self._move(list(self._mean.values()), new, torch.tensor(0))

    def tensors(self) -> dict[str, torch.Tensor]:
        """The averages by the parameters' names."""
        return self._mean

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Go on from such averages."""
        for name, mean in self._mean.items():
            mean.copy_(tensors[name])

    def put(self) -> None:
        """Make the averages the module's parameters."""
        with torch.no_grad():
            for name, parameter in self._module.named_parameters():
                parameter.copy_(self._mean[name])
