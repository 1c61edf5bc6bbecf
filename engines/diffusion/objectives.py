"""The loss of a denoising network, and how much errors count at each noise level."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from engines.diffusion.parameterisations import Net, Parameterisation, as_column

GAMMA = 5.0  # of min-SNR


# What an error of x0 counts at a noise level sigma; signal over noise is 1/sigma², for data of unit variance


# Ho et al., 2020, eq. 14, whatever eps is called: the simple loss of the noise is this one
def snr(sigma: Tensor) -> Tensor:
    return sigma**-2


# Hang et al., 2023, section 3.3: without it, low noise drowns the rest
def min_snr(sigma: Tensor) -> Tensor:
    return (sigma**-2).clamp(max=GAMMA)


# Karras et al., 2022, table 1 with sigma_data = 1: errors of their network count alike
def edm(sigma: Tensor) -> Tensor:
    return sigma**-2 + 1


WEIGHTINGS: dict[str, Callable[[Tensor], Tensor] | None] = {"simple": None, "snr": snr, "min-snr": min_snr, "edm": edm}


def weights(weighting: str, parameterisation: Parameterisation, sigma: Tensor) -> Tensor:
    """What an error of the network's own output counts, (n,), for sigma (n,): that of x0 times c_out², or 1 for "simple"."""
    of_x0 = WEIGHTINGS[weighting]
    return torch.ones_like(sigma) if of_x0 is None else of_x0(sigma) * parameterisation.coefficients(sigma).c_out ** 2


def errors(net: Net, parameterisation: Parameterisation, x0: Tensor, eps: Tensor, sigma: Tensor, y: Tensor | None = None) -> Tensor:
    """(n,) squared error per dimension of what the network says of x0 + sigma eps: x0 and eps (n, …), sigma (n,), classes y (n,) or
    None. Denoising score matching: Vincent, 2011."""
    level = as_column(sigma, x0)
    c = parameterisation.coefficients(level)
    said = net(c.c_in * (x0 + level * eps), c.c_noise.flatten(), y)
    return (said - parameterisation.target(x0, eps, level)).square().flatten(1).mean(1)
