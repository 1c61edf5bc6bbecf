"""q(z), the mean of the posteriors of all training examples, in the plane of the latents: where it leaves the prior empty, and what a q(z)
that is the prior would leave empty at as many examples and the same posterior widths."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor

from engines.vae.plane import Plane

CELLS, MAP = 60, 4.0  # of the map, and how far it reaches in units of z
HOLE, WITHIN = 0.1, 2.0  # of the prior's density below which q(z) has a hole there, and standard deviations of the prior looked at
CHUNK = 500  # examples at a time
DRAWS = 10  # of a q(z) that is the prior
AXIS = np.linspace(-MAP, MAP, CELLS)
CELL = 2 * MAP / (CELLS - 1)  # width, in units of z
PLACES = np.stack(np.meshgrid(AXIS, AXIS), 2).reshape(-1, 2)  # (CELLS², 2), row by row, upwards
NORMAL = np.exp(-0.5 * (PLACES**2).sum(1)) / (2 * np.pi)  # N(0, I) there
INSIDE = (PLACES**2).sum(1) <= WITHIN**2


def density(plane: Plane, mu: Tensor, sigma: Tensor, places: np.ndarray) -> Generator[None, None, np.ndarray]:
    """Mean over examples of N(mu, diag sigma²), (n, d), at places (m, 2) of the plane, each the mean over its cell: a cell's own variance
    is added, since posteriors are narrower than cells. None after each part that is done; returns (m,) float64."""
    total, at = np.zeros(len(places)), torch.from_numpy(places).to(mu)  # (m, 2)
    eye = torch.eye(2, device=mu.device, dtype=mu.dtype) * CELL**2 / 12
    for some in torch.arange(len(mu), device=mu.device).split(CHUNK):
        covariance = torch.einsum("id,nd,jd->nij", plane.axes, sigma[some].square(), plane.axes) + eye  # (k, 2, 2)
        away = at[:, None] - mu[some] @ plane.axes.T  # (m, k, 2)
        narrow = torch.linalg.inv(covariance)
        power = (
            narrow[:, 0, 0] * away[..., 0] ** 2 + 2 * narrow[:, 0, 1] * away[..., 0] * away[..., 1] + narrow[:, 1, 1] * away[..., 1] ** 2
        )
        bells = torch.exp(-0.5 * power) * (torch.linalg.det(covariance) ** -0.5 / (2 * np.pi))
        total += bells.sum(1, dtype=torch.float64).cpu().numpy()
        yield
    return total / len(mu)


def share(q: np.ndarray) -> float:
    """Of the prior's mass within WITHIN, the part where q (m,), at the places INSIDE, has less than HOLE of the prior's density."""
    p = NORMAL[INSIDE]
    return float(p[q < HOLE * p].sum() / p.sum())


def of_the_prior(plane: Plane, sigma: Tensor, generator: torch.Generator) -> Generator[None, None, list[float]]:
    """`share` where q(z) is N(0, I): DRAWS times as many examples with posteriors as wide as sigma (n, d), whose means are drawn so that
    they make up N(0, I) together. None after each part; returns the shares."""
    found = []
    for _ in range(DRAWS):
        eps = torch.randn(sigma.shape, generator=generator, device=sigma.device)
        mu = (1 - sigma.square()).clamp(min=0).sqrt() * eps
        found.append(share((yield from density(plane, mu, sigma, PLACES[INSIDE]))))
    return found
