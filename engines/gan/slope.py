"""How steep D is where data become samples. A gradient penalty holds this slope at 1, clipped weights bound it, no penalty lets it grow."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from engines.gan.objectives import squared_slope


def mean_slope(D: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> float:
    """E ‖∇ₓ D(x)‖ at places on the lines between pairs of real and fake, both (n, …) in units of the networks, spread evenly along them:
    the quantity that Gulrajani et al., 2017, eq. 3, pull towards 1."""
    n = len(real)
    u = ((torch.arange(n, device=real.device) + 0.5) / n).reshape(-1, *[1] * (real.dim() - 1))
    with torch.enable_grad():
        x = torch.lerp(real, fake, u.to(real.dtype)).requires_grad_(True)
        norm2 = squared_slope(D(x), x)
    return float(norm2.detach().sqrt().mean())
