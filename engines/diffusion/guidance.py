"""Which denoiser the sampler walks with: the network's own, or one that is pulled towards a class."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from engines.diffusion.parameterisations import Denoise, Net, Parameterisation, as_column, denoiser


# Ho & Salimans, 2022: away from what the network says without a class; scale 1 = off, 0 = without a class
def classifier_free(net: Net, parameterisation: Parameterisation, y: Tensor, scale: float) -> Denoise:
    if scale == 1:
        return denoiser(net, parameterisation, y)
    with_class, without = denoiser(net, parameterisation, y), denoiser(net, parameterisation, None)

    def denoise(x: Tensor, sigma: Tensor | float) -> Tensor:
        plain = without(x, sigma)
        return plain + scale * (with_class(x, sigma) - plain)

    return denoise


# Dhariwal & Nichol, 2021, section 4: the score of p(x) p(y|x)^scale. Their classifier saw noise; ours has not and looks at x0_hat instead
# (Bansal et al., 2023), so nothing needs to be trained for it
def classifier(denoise: Denoise, judge_logits: Any, y: Tensor, scale: float) -> Denoise:
    """`judge_logits(x0)` -> (n, classes), differentiable, of images in the denoiser's units. D moves by sigma² ∇ₓ log p(y | x0_hat)."""

    def guided(x: Tensor, sigma: Tensor | float) -> Tensor:
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            x0 = denoise(x, sigma)
            log_p = judge_logits(x0).log_softmax(1).gather(1, y[:, None]).sum()
            (slope,) = torch.autograd.grad(log_p, x)
        level = as_column(sigma, x)
        return x0.detach() + scale * level**2 * slope

    return guided
