"""Spectral normalisation: each weight is divided by an estimate of its largest singular value, so that a layer stretches nothing by
more than 1 (Miyato et al., 2018). The estimate sits in two buffers; only `power_step` moves them, once per update of the network, so
that looking at a network changes nothing and a packed one resumes exactly."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FIRST = 15  # power iterations before the first step, when the estimate starts from noise


class Spectral(nn.Module):
    """What the layers below share. `u` (rows,) and `v` (columns,) estimate the first singular vectors of the weight as a matrix."""

    weight: Tensor
    u: Tensor
    v: Tensor

    def start(self, generator: torch.Generator) -> None:
        """First vectors, from `generator`; call once, after the weights are drawn."""
        rows = self.weight.flatten(1).shape
        for name, size in zip("uv", rows, strict=True):
            self.register_buffer(name, F.normalize(torch.randn(size, generator=generator, device=generator.device), dim=0))
        for _ in range(FIRST):
            self.power_step()

    @torch.no_grad()
    def power_step(self) -> None:
        """One power iteration. Miyato et al., 2018, algorithm 1, steps 1-2."""
        w = self.weight.flatten(1)  # (rows, columns)
        self.v.copy_(F.normalize(w.T @ self.u, dim=0))
        self.u.copy_(F.normalize(w @ self.v, dim=0))

    def normalised(self) -> Tensor:
        """W / σ with σ = uᵀ W v, differentiable in W (eq. 8-10)."""
        return self.weight / torch.dot(self.u, self.weight.flatten(1) @ self.v)


class SpectralLinear(Spectral, nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.normalised(), self.bias)


class SpectralConv2d(Spectral, nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.normalised(), self.bias)


class SpectralEmbedding(Spectral, nn.Embedding):
    def forward(self, y: Tensor) -> Tensor:
        return F.embedding(y, self.normalised())
