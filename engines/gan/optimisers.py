"""The optimiser that moves a player."""

from __future__ import annotations

import torch
from torch import Tensor

from engines.gan.config import Config
from engines.gan.unroll import ALPHA


class RMSProp(torch.optim.RMSprop):
    """g / √v at each step, v the decaying mean of g²: no momentum, no correction (Tieleman & Hinton, 2012)."""

    moments = ("square_avg", "step")  # what a checkpoint keeps of each weight

    def __init__(self, weights: list[Tensor], lr: float):
        super().__init__(weights, lr, alpha=ALPHA, eps=1e-8)


def optimiser(weights: list[Tensor], lr: float, config: Config) -> torch.optim.Optimizer:
    if config.optimiser == "rmsprop":
        return RMSProp(weights, lr)
    # backward() gives gradients in the parameters' layout, without which the fused Adam of torch 2.13 goes wrong on CPU
    return torch.optim.Adam(weights, lr, (config.beta1, config.beta2), fused=True)
