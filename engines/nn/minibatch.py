"""Minibatch discrimination: D is told how close each example is to the others of its batch, so that a generator which repeats itself
is found out (Salimans et al., 2016, section 3.2)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class MinibatchDiscrimination(nn.Module):
    """Features f(x) (n, A) -> o(x) (n, B): the closeness c_b(x_i, x_j) = exp(−‖M_ib − M_jb‖₁), M_i = T f(x_i) (B, C), averaged over all
    j ≠ i, so that it lies in [0, 1] and does not depend on the size of the batch. The paper takes the sum: `times` n − 1. The paper's bias
    of each kernel is that of the layer which reads o."""

    def __init__(self, features: int, kernels: int, dims: int = 4, times: int = 1):
        super().__init__()
        self.kernels, self.dims, self.times = kernels, dims, times
        self.T = nn.utils.skip_init(nn.Linear, features, kernels * dims, bias=False)

    @torch.no_grad()
    def start(self, generator: torch.Generator, spread: float) -> None:
        """T normal with deviation spread / √A."""
        self.T.weight.normal_(0.0, spread / self.T.in_features**0.5, generator=generator)

    def forward(self, f: Tensor, crowd: Tensor | None = None) -> Tensor:
        """Compared with the features of a `crowd` (k, A); without one, with the others of the same batch."""
        M = self._compared(f)  # (C, B, n)
        others = M if crowd is None else self._compared(crowd)  # (C, B, k)
        closeness = (-(M[..., None] - others[..., None, :]).abs().sum(0)).exp()  # (B, n, k)
        own = 1 if crowd is None else 0  # the example itself
        return (closeness.sum(2).T - own) * (self.times / (others.shape[2] - own))

    def _compared(self, f: Tensor) -> Tensor:
        """T f with the C directions first, (C, B, n): a sum over the first axis of the differences is much the fastest."""
        return self.T(f).unflatten(1, (self.kernels, self.dims)).permute(2, 1, 0).contiguous()


def minibatch(features: int, config: Any) -> MinibatchDiscrimination | None:
    """The layer that a run's knobs ask for, over `features` of D; None without kernels."""
    c = config
    others = c.batch // c.pack - 1
    times = others if c.minibatch_reduce == "sum" else 1
    return MinibatchDiscrimination(features, c.minibatch_discrimination, c.minibatch_dims, times) if c.minibatch_discrimination else None
