"""What the network is asked for, and how its answer becomes a denoised example. One object owns both, so that training and sampling
cannot disagree.

Common seam, whatever the network predicts: x = x0 + sigma eps, and with F the network
    D(x, sigma) = c_skip x + c_out F(c_in x, c_noise)        Karras et al., 2022, eq. 7
is its estimate of x0. Data have unit variance. sigma is (n, 1, …), broadcastable to x (n, …)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

Denoise = Callable[[Tensor, Tensor | float], Tensor]  # D(x, sigma) -> x0_hat; sigma is a scalar or broadcastable to x
Net = Callable[..., Tensor]  # F(c_in x, c_noise (n,), classes (n,) or None)


class Coefficients(NamedTuple):
    """Of the seam above, each of sigma's shape."""

    c_skip: Tensor
    c_out: Tensor
    c_in: Tensor
    c_noise: Tensor


class Parameterisation(Protocol):
    def coefficients(self, sigma: Tensor) -> Coefficients: ...

    def target(self, x0: Tensor, eps: Tensor, sigma: Tensor) -> Tensor:
        """What F is to answer, (n, …)."""


class Eps:
    """Predict the noise: x0_hat = x − sigma F. Ho et al., 2020. Nothing to predict at high noise, all of x0 at stake."""

    def coefficients(self, sigma: Tensor) -> Coefficients:
        return Coefficients(torch.ones_like(sigma), -sigma, preserved(sigma), log_noise(sigma))

    def target(self, x0: Tensor, eps: Tensor, sigma: Tensor) -> Tensor:
        return eps


class X0:
    """Predict the clean example: x0_hat = F. Any error of F is an error of x0, however little noise there is."""

    def coefficients(self, sigma: Tensor) -> Coefficients:
        return Coefficients(torch.zeros_like(sigma), torch.ones_like(sigma), preserved(sigma), log_noise(sigma))

    def target(self, x0: Tensor, eps: Tensor, sigma: Tensor) -> Tensor:
        return x0


class V:
    """Predict v = alpha eps − beta x0, alpha = 1/√(1 + sigma²), beta = sigma alpha: the noise where there is little of it, the example
    where there is much. Salimans & Ho, 2022, section 4. EDM's own preconditioning of data of unit variance is this one, negated."""

    def coefficients(self, sigma: Tensor) -> Coefficients:
        alpha = preserved(sigma)
        return Coefficients(alpha**2, -sigma * alpha, alpha, flow_clock(sigma))

    def target(self, x0: Tensor, eps: Tensor, sigma: Tensor) -> Tensor:
        alpha = preserved(sigma)
        return alpha * eps - sigma * alpha * x0


class Flow:
    """Predict the velocity eps − x0 of the straight line x_t = (1 − t) x0 + t eps, t = sigma / (1 + sigma). Lipman et al., 2023; Liu et
    al., 2023 (rectified flow). x0_hat = x_t − t F."""

    def coefficients(self, sigma: Tensor) -> Coefficients:
        keep = 1 / (1 + sigma)  # 1 − t
        return Coefficients(keep, -sigma * keep, keep, flow_clock(sigma))

    def target(self, x0: Tensor, eps: Tensor, sigma: Tensor) -> Tensor:
        return eps - x0


PARAMETERISATIONS: dict[str, Parameterisation] = {"flow": Flow(), "v": V(), "eps": Eps(), "x0": X0()}


def preserved(sigma: Tensor) -> Tensor:
    """alpha = 1/√(1 + sigma²): alpha x has unit variance."""
    return (1 + sigma**2).rsqrt()


def log_noise(sigma: Tensor) -> Tensor:
    """How much noise there is, as EDM tells the network: ln(sigma) / 4."""
    return sigma.clamp(min=1e-8).log() / 4


def flow_clock(sigma: Tensor) -> Tensor:
    """The flow's time, as a number in [−1, 1]."""
    return (sigma - 1) / (sigma + 1)


def as_column(sigma: Tensor | float, x: Tensor) -> Tensor:
    """sigma, a number or (n,) or already (n, 1, …), as (n, 1, …) beside x (n, …)."""
    sigma = torch.as_tensor(sigma, dtype=x.dtype, device=x.device)
    return sigma.reshape(-1, *[1] * (x.dim() - 1)).expand(len(x), *[1] * (x.dim() - 1))


def denoiser(net: Net, parameterisation: Parameterisation, y: Tensor | None = None) -> Denoise:
    """D(x, sigma) of a network, for classes y (n,) if it is told any. sigma 0 gives x itself."""

    def denoise(x: Tensor, sigma: Tensor | float) -> Tensor:
        sigma = as_column(sigma, x)
        c = parameterisation.coefficients(sigma)
        x0 = c.c_skip * x + c.c_out * net(c.c_in * x, c.c_noise.flatten(), y)
        return torch.where(sigma > 0, x0, x)

    return denoise


def score(x: Tensor, x0: Tensor, sigma: Tensor) -> Tensor:
    """∇ₓ log p(x; sigma) = (D(x, sigma) − x) / sigma². Robbins, 1956 (Tweedie); Vincent, 2011."""
    return (x0 - x) / sigma**2
