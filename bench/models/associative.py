"""The associative memory of ARMT (Rodkin et al., arXiv 2407.04841, section 2): key-value pairs in a matrix a layer.

    write    A <- A + sum_i  beta_i (v_i - recalled_i) phi(k_i)      recalled_i: what A holds under k_i so far
             z <- z + sum_i gamma_i phi(k_i)                         gamma_i: how much of k_i is new to z
    read     y_j = A phi(q_j) / (z . phi(q_j))

Several layers are written and read in one call, each with weights of its own: the first dimension of every tensor here
is a group of layers. Knows vectors; nothing of tokens, text or Transformers.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

#: Added to what is divided by, as the authors' code does: a memory that holds nothing is read as zero.
_EPSILON = 1e-5


class Associations(NamedTuple):
    """What is remembered: `matrix` [batch, layers, features, hidden], `normaliser` [batch, layers, features].

    `matrix` is A of the paper, transposed; `normaliser` is z.
    """

    matrix: torch.Tensor
    normaliser: torch.Tensor


def dpfp(x: torch.Tensor, nu: int = 3) -> torch.Tensor:
    """The deterministic parameter-free projection of Schlag et al. (arXiv 2102.11174, section 5.3): phi.

    [..., n] becomes [..., 2 * nu * n]: with r = (relu(x), relu(-x)), the products of r and r rolled by 1, 2, ... nu. No
    feature is negative, and those of unlike vectors hardly overlap.
    """
    halves = torch.cat([x.relu(), (-x).relu()], -1)
    return torch.cat([halves * halves.roll(shift, -1) for shift in range(1, nu + 1)], -1)


class AssociativeMemory(nn.Module):
    """The weights with which each of `layers` layers writes and reads: keys, values, importance, queries.

    `value_scale` is the standard deviation with which the values' weights start. The authors start them at zero, so
    that an untrained memory changes nothing; with a little more than zero it changes almost nothing, and keys, queries
    and importance get gradients from the first step.
    """

    def __init__(self, layers: int, hidden: int, dimension: int, value_scale: float, nu: int = 3):
        super().__init__()
        self.nu = nu
        self.key = nn.Parameter(torch.empty(layers, hidden, dimension))
        self.query = nn.Parameter(torch.empty(layers, hidden, dimension))
        self.value = nn.Parameter(torch.empty(layers, hidden, hidden))
        self.importance = nn.Parameter(torch.empty(layers, hidden))
        self.importance_bias = nn.Parameter(torch.ones(layers))
        for weight in (self.key, self.query, self.importance):
            nn.init.uniform_(weight, -(hidden**-0.5), hidden**-0.5)
        nn.init.normal_(self.value, std=value_scale)

    @property
    def dtype(self) -> torch.dtype:
        """What is remembered, and computed, in."""
        return self.key.dtype

    @property
    def dimension(self) -> int:
        """Of keys and queries: there are 2 nu times as many features."""
        return self.key.shape[-1]

    def start(self, batch_size: int) -> Associations:
        """Nothing yet: A_0 = 0, z_0 = 0 (equation 1)."""
        layers, hidden, _ = self.key.shape
        features = 2 * self.nu * self.dimension
        return Associations(
            self.key.new_zeros(batch_size, layers, features, hidden), self.key.new_zeros(batch_size, layers, features)
        )

    def read(self, hidden: torch.Tensor, matrix: torch.Tensor, normaliser: torch.Tensor, layers: slice) -> torch.Tensor:
        """What each position recalls (equation 4): [group, batch, positions, hidden], for the `layers` of the group.

        `matrix` [group, batch, features, hidden] and `normaliser` [group, batch, features] are theirs.
        """
        queries = self._features(hidden.to(self.dtype), self.query[layers])
        return _recall(queries, matrix, normaliser)[0].to(hidden.dtype)

    def write(
        self, tokens: torch.Tensor, matrix: torch.Tensor, normaliser: torch.Tensor, layers: slice
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The matrix and the normaliser after memory `tokens` [group, batch, tokens, hidden] (equations 1 to 3).

        What a key recalls is taken out before its new value goes in (the delta rule). gamma (equation 2, appendix F.1)
        keeps a key that is in the normaliser already from being counted again. As in the authors' code phi(k) has unit
        length, gamma is held within 0..1, and no gradient goes through it.
        """
        tokens = tokens.to(self.dtype)
        keys = self._features(tokens, self.key[layers])
        recalled, known = _recall(keys, matrix, normaliser)
        values = _grouped(tokens, self.value[layers])
        importance = _grouped(tokens, self.importance[layers, :, None]) + self.importance_bias[layers, None, None, None]
        change = importance.sigmoid() * (values - recalled)
        gamma = (1 - known).clamp(0, 1).detach()
        return matrix + keys.transpose(-1, -2) @ change, normaliser + (gamma * keys).sum(-2)

    def _features(self, hidden: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """phi of a projection, of unit length: [group, batch, positions, features]."""
        return F.normalize(dpfp(_grouped(hidden, weight), self.nu), dim=-1)


def _recall(
    features: torch.Tensor, matrix: torch.Tensor, normaliser: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """What is stored under `features`, and z . phi, which says how much is: [..., positions, hidden or 1]."""
    known = features @ normaliser[..., None]
    return features @ matrix / (known + _EPSILON), known


def _grouped(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """[group, batch, positions, in] times [group, in, out], as one batched product."""
    return torch.bmm(x.flatten(1, 2), weight).unflatten(1, x.shape[1:3])
