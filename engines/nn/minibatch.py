"""Minibatch discrimination: D is told how close each example is to the others of its batch, so that a generator which repeats itself
is found out (Salimans et al., 2016, section 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

DIMS = 4  # of the space in which one kernel compares; C in the paper


class MinibatchDiscrimination(nn.Module):
    """Features f(x) (n, A) -> o(x) (n, B), each in [0, 1]: c_b(x_i, x_j) = exp(−‖M_ib − M_jb‖₁) with M_i = T f(x_i), over all j ≠ i.
    The mean over j stands where the paper has the sum, so that o(x) does not depend on the size of the batch."""

    def __init__(self, features: int, kernels: int):
        super().__init__()
        self.kernels = kernels
        self.T = nn.utils.skip_init(nn.Linear, features, kernels * DIMS, bias=False)

    @torch.no_grad()
    def start(self, generator: torch.Generator) -> None:
        """First distances near 1, where exp(−distance) still has a slope."""
        self.T.weight.div_(DIMS)

    def forward(self, f: Tensor, crowd: Tensor | None = None) -> Tensor:
        """Compared with the features of a `crowd` (k, A); without one, with the others of the same batch."""
        M = self._compared(f)  # (C, B, n)
        others = M if crowd is None else self._compared(crowd)  # (C, B, k)
        closeness = (-(M[..., None] - others[..., None, :]).abs().sum(0)).exp()  # (B, n, k)
        if crowd is not None:
            return closeness.mean(2).T
        return (closeness.sum(2).T - 1) / (len(f) - 1)  # 1: the example itself

    def _compared(self, f: Tensor) -> Tensor:
        """T f with the C directions first, (C, B, n): a sum over the first axis of the differences is much the fastest."""
        return self.T(f).unflatten(1, (self.kernels, DIMS)).permute(2, 1, 0).contiguous()
