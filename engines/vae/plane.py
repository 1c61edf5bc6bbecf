"""Latents as places in a plane: two latents are it, of more their first two principal components are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engines.core import Ellipses, Points

EXACT, COMPONENTS, SINGLE, CODES = "z1, z2", "principal components", "z, σ", "codes, principal components"


@dataclass(frozen=True)
class Plane:
    """`axes` (2, d) orthonormal, so that N(0, I) stays N(0, I) in the plane; `name` is one of the constants above. One latent alone
    lies along x, its posterior σ along y."""

    axes: Tensor
    name: str

    def xy(self, z: Tensor, sigma: Tensor | None = None) -> np.ndarray:
        """z (n, d) -> (n, 2) float32; `sigma` (n, d) is needed for one latent alone."""
        if self.name == SINGLE:
            return torch.cat([z, torch.zeros_like(z) if sigma is None else sigma], 1).cpu().numpy()
        return (z @ self.axes.T).float().cpu().numpy()

    def back(self, place: Tensor) -> Tensor:
        """The z (1, d) that lies at a place (2,) of the plane."""
        if self.name == SINGLE:
            return place[None, :1]
        return place[None] @ self.axes

    def points(self, z: Tensor, label: np.ndarray | None, sigma: Tensor | None = None, role: str = "model") -> Points:
        return Points(self.xy(z, sigma), role=role, name=self.name, label=label)  # type: ignore[arg-type]

    def ellipses(self, mu: Tensor, sigma: Tensor, name: str = "posterior") -> Ellipses:
        """N(mu, diag sigma²) (n, d) in the plane, at one σ."""
        if self.name == SINGLE:
            axes = torch.cat([sigma, torch.zeros_like(sigma)], 1)
            return Ellipses(self.xy(mu, sigma), axes.cpu().numpy(), np.zeros(len(mu), np.float32), name=name)
        if self.name == EXACT:
            return Ellipses(self.xy(mu), sigma.cpu().numpy(), np.zeros(len(mu), np.float32), name=name)
        covariance = torch.einsum("id,nd,jd->nij", self.axes, sigma.square(), self.axes)  # (n, 2, 2)
        values, vectors = torch.linalg.eigh(covariance)  # the larger one last
        angle = torch.atan2(vectors[:, 1, 1], vectors[:, 0, 1])
        return Ellipses(self.xy(mu), values.flip(1).clamp(min=0).sqrt().cpu().numpy(), angle.cpu().numpy(), name=name)


def plane(mu: Tensor, codes: bool = False) -> Plane:
    """The plane of posterior means mu (n, d)."""
    d = mu.shape[1]
    if d == 1 and not codes:
        return Plane(torch.eye(1, device=mu.device), SINGLE)
    if d == 2 and not codes:
        return Plane(torch.eye(2, device=mu.device), EXACT)
    return Plane(components(mu), CODES if codes else COMPONENTS)


def components(z: Tensor, count: int = 2) -> Tensor:
    """The first `count` principal directions of z (n, d), (count, d), two if d is 1; the largest entry of each is positive."""
    if z.shape[1] == 1:
        return torch.tensor([[1.0], [0.0]], device=z.device)
    _, vectors = torch.linalg.eigh(torch.cov(z.T))
    axes = vectors[:, -count:].flip(1).T  # (count, d)
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    return axes * largest.sign()
