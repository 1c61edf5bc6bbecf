"""The best possible denoiser: exact for the 2-D data sets, whose blurred densities are known, and for a finite set of images, where it is
a weighted mean of them. It answers the network's interface, so every sampler and every picture takes it in the network's place.

Units are the networks': x of unit scale, sigma likewise."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engines.data.densities import Mixture, Squares
from engines.data.toy2d import Toy2D
from engines.diffusion.parameterisations import Denoise, Parameterisation, as_column

MOST = 4_000_000  # pairs of example and component held at a time


def exact_denoiser(toy: Toy2D) -> Denoise:
    """D(x, sigma) = E[x0 | x] of a 2-D data set, x (n, 2), computed in float64. ValueError where the density is not known."""
    if isinstance(toy.density, Mixture):
        return _mixture(toy, toy.density)
    if isinstance(toy.density, Squares):
        return _squares(toy, toy.density)
    raise ValueError(f"{toy.key} has no exact density")


def _mixture(toy: Toy2D, density: Mixture) -> Denoise:
    """Of Gaussians with covariance C: E[x0 | x] = x + sigma² P (Σ w_k(x) m_k − x), P = (C + sigma² I)⁻¹, w_k ∝ weight_k N(x; m_k, P⁻¹).
    All x must share one sigma, or sigma is taken one by one."""
    means = torch.from_numpy((density.means - toy.shift) / toy.scale)  # (k, 2)
    root = torch.from_numpy(density.root) / toy.scale
    weights = torch.zeros(len(means), dtype=torch.float64) if density.weights is None else torch.from_numpy(np.log(density.weights))

    def at(x: Tensor, sigma: Tensor) -> Tensor:
        precision = torch.linalg.inv(root @ root.T + sigma**2 * torch.eye(2, dtype=torch.float64))
        pulled = means @ precision  # (k, 2)
        power = x @ pulled.T - 0.5 * (pulled * means).sum(1) + weights  # (n, k), up to a term of x alone
        return x + sigma**2 * (power.softmax(1) @ means - x) @ precision

    return _grouped(at, len(means))


def _squares(toy: Toy2D, density: Squares) -> Denoise:
    """Of squares: x and y of each are independent, and what is left of a Gaussian between two edges has a known mean."""
    corners = torch.from_numpy((density.corners - toy.shift) / toy.scale)  # (k, 2)
    side = density.side / toy.scale

    def at(x: Tensor, sigma: Tensor) -> Tensor:
        b = (x[:, None] - corners) / sigma  # (n, k, 2), the upper edge as seen from x
        a = b - side / sigma
        flip = a + b > 0
        high, low = torch.where(flip, -a, b), torch.where(flip, -b, a)  # in the lower tail, where differences do not cancel
        log_low, log_high = torch.special.log_ndtr(low), torch.special.log_ndtr(high)
        mass = log_high + torch.log(-torch.expm1(log_low - log_high))  # (n, k, 2), log of the share between the edges
        bells = [torch.exp(-0.5 * u**2 - mass) for u in (b, a)]
        slope = (bells[0] - bells[1]) / (sigma * (2 * torch.pi) ** 0.5)  # of log mass
        weight = mass.sum(2).softmax(1)  # (n, k)
        return x + sigma**2 * (weight[..., None] * slope).sum(1)

    return _grouped(at, len(corners))


def _grouped(at, components: int) -> Denoise:
    """D(x, sigma) from a function of x (n, 2) and one sigma for all of them."""

    def denoise(x: Tensor, sigma: Tensor | float) -> Tensor:
        given, levels = x.double().cpu(), as_column(sigma, x).double().cpu()[:, 0]  # (n,)
        found, inverse = torch.unique(levels, return_inverse=True)
        result = given.clone()
        for i, level in enumerate(found):
            rows = (inverse == i).nonzero()[:, 0]
            if level > 0:
                for part in rows.split(max(1, MOST // components)):
                    result = result.index_copy(0, part, at(given[part], level))
        return result.to(x)

    return denoise


def empirical_denoiser(examples: Tensor) -> Denoise:
    """The ideal denoiser of a finite training set (m, …), the one that only knows to copy: Σ w_i x_i, w ∝ exp(−‖x − x_i‖² / 2 sigma²).
    Karras et al., 2022, appendix B.3."""
    flat = examples.flatten(1)  # (m, d)
    squares = flat.double().square().sum(1)

    def denoise(x: Tensor, sigma: Tensor | float) -> Tensor:
        levels = as_column(sigma, x).reshape(-1, 1).double()  # (n, 1)
        near = flat.double() @ x.flatten(1).double().T  # (m, n)
        power = (near.T - 0.5 * squares) / levels.clamp(min=1e-12) ** 2  # (n, m)
        return (power.softmax(1).to(flat) @ flat).reshape(x.shape).to(x)

    return denoise


@torch.no_grad()
def optimal_loss(denoise: Denoise, x0: Tensor, eps: Tensor, sigma: Tensor, parameterisation: Parameterisation) -> Tensor:
    """(n,) squared error per dimension that is left when the answer is the best possible one: what a network's loss can reach on the same
    examples x0 (n, …), noise eps (n, …) and sigma (n,)."""
    sigma = as_column(sigma, x0)
    x = x0 + sigma * eps
    c = parameterisation.coefficients(sigma)
    best = (denoise(x, sigma) - c.c_skip * x) / c.c_out  # F* of the seam
    return (best - parameterisation.target(x0, eps, sigma)).square().flatten(1).mean(1)


def log_likelihood(denoise: Denoise, x: Tensor, sigmas: Tensor) -> Tensor:
    """log p(x) in nats, (n,), of x (n, 2) by the probability flow ODE from sigmas[-2] up to sigmas[0], where p is N(0, sigma² + 1). Heun's
    method on x and on the divergence of the flow together. Song et al., 2021 (score SDE), eq. 39; Chen et al., 2018."""
    up = sigmas[sigmas > 0].flip(0)
    total = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for sigma, to in zip(up[:-1], up[1:], strict=True):
        slope, spread = _flow(denoise, x, sigma)
        there = x + (to - sigma) * slope
        slope2, spread2 = _flow(denoise, there, to)
        x = x + (to - sigma) * (slope + slope2) / 2
        total = total + (to - sigma) * (spread + spread2) / 2
    variance = up[-1] ** 2 + 1
    dims = x[0].numel()
    prior = -0.5 * x.flatten(1).square().sum(1) / variance - 0.5 * dims * torch.log(2 * torch.pi * variance)
    return prior + total


def _flow(denoise: Denoise, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
    """dx/dsigma (n, d) and its exact divergence (n,), one backward pass per dimension."""
    with torch.enable_grad():
        x = x.detach().requires_grad_(True)
        slope = (x - denoise(x, sigma)) / sigma
        spread = sum(torch.autograd.grad(slope[:, i].sum(), x, retain_graph=True)[0][:, i] for i in range(x.shape[1]))
    return slope.detach(), torch.as_tensor(spread)
