"""Ways to estimate the gradient of E f(z) in the mean of z ~ N(mu, sigma²), one draw each, side by side: through the draw (pathwise,
Kingma & Welling, 2013) and by the score function (REINFORCE, Williams, 1992), the latter with and without the mean of f taken off."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

NAMES = ("pathwise", "reinforce", "reinforce-baseline")
TARGET = 2.0  # of the toy function
CHUNK = 2_000  # draws at a time


def toy(z: Tensor) -> Tensor:
    """f(z) = ‖z − 2‖², (…, d) -> (…)."""
    return (z - TARGET).square().sum(-1)


def toy_gradient(mu: Tensor) -> Tensor:
    """The exact gradient of E ‖z − 2‖² in mu: 2 (mu − 2), whatever sigma is."""
    return 2 * (mu - TARGET)


def toy_variance(d: int, sigma: float) -> dict[str, float]:
    """Exact variances of one estimate in one dimension, mu = 0, from the moments of a normal; m = E f − (its own part) stands for the other
    d − 1 dimensions. With sigma 1 and d 1: 4, 87 and 42."""
    s2, m2, others = sigma**2, TARGET**2, d - 1
    one_mean, one_var = s2 + m2, 2 * s2**2 + 4 * s2 * m2  # of (z − 2)²
    # E (z − 2)^2k z² / sigma⁴ for k = 1, 2
    first, second = (3 * s2 + m2) / s2, (15 * s2**2 + 18 * s2 * m2 + m2**2) / s2
    rest_mean, rest_square = others * one_mean, others * one_var + (others * one_mean) ** 2
    square = second + 2 * rest_mean * first + rest_square / s2  # E f² (z / sigma²)²
    total, cross = d * one_mean, first + rest_mean / s2  # E f, E f (z / sigma²)²
    gradient2 = 4 * m2
    return {
        "pathwise": 4 * s2,
        "reinforce": square - gradient2,
        "reinforce-baseline": square - 2 * total * cross + total**2 / s2 - gradient2,
    }


def derivatives(mu: float, sigma: float, eps: float) -> dict[str, float]:
    """z = mu + sigma eps and, by automatic differentiation, how it and f(z) = (z − 2)² change with mu and with sigma while eps stays."""
    at = torch.tensor([mu, sigma], dtype=torch.float64, requires_grad=True)
    with torch.enable_grad():
        z = at[0] + at[1] * eps
        f = toy(z[None])
        (of_z,) = torch.autograd.grad(z, at, retain_graph=True)
        (of_f,) = torch.autograd.grad(f, at)
    values = {"z": z, "f": f, "dz_dmu": of_z[0], "dz_dsigma": of_z[1], "df_dmu": of_f[0], "df_dsigma": of_f[1]}
    return {name: float(v) for name, v in values.items()}


def estimates(f: Callable[[Tensor], Tensor], mu: Tensor, sigma: Tensor, n: int, generator: torch.Generator) -> dict[str, Tensor]:
    """n one-draw estimates of ∂/∂mu E f(z), each (n, d): f maps (n, d) -> (n,), mu and sigma are (d,). The baseline is the mean of f over
    other draws, so it is independent of the one it is taken off."""
    eps = torch.randn((n, len(mu)), generator=generator, device=mu.device)
    other = torch.randn((min(n, CHUNK), len(mu)), generator=generator, device=mu.device)
    with torch.no_grad():
        baseline = f(mu + sigma * other).mean()
    through, values = [], []
    for part in eps.split(CHUNK):
        with torch.enable_grad():
            z = (mu + sigma * part).requires_grad_(True)
            value = f(z)
            (slope,) = torch.autograd.grad(value.sum(), z)  # dz/dmu = 1
        through.append(slope)
        values.append(value.detach())
    score, value = eps / sigma, torch.cat(values)[:, None]  # ∇ log q (n, d)
    return {"pathwise": torch.cat(through), "reinforce": value * score, "reinforce-baseline": (value - baseline) * score}
