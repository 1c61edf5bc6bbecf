"""Unrolled GAN (Metz et al., 2017): G feels how D would answer, K steps ahead, before it jumps onto one mode. Its gradient has two
terms (eq. 8): the slope of its loss against that later D, and, through all K steps, the slope of what its move does to D's own loss."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call

Critic = Callable[..., Tensor]  # (x, y) -> logits
Weights = dict[str, Tensor]


def unrolled(D: nn.Module, loss: Callable[[Critic], Tensor], steps: int, lr: float, clip: float = 0.0) -> Weights:
    """The weights of D after `steps` more steps of plain gradient descent on `loss` (eq. 4-6), differentiable in everything that `loss`
    depends on. D itself stays as it is. `clip` bounds each weight, 0 = not."""
    weights: Weights = dict(D.named_parameters())
    for _ in range(steps):
        slopes = torch.autograd.grad(loss(with_weights(D, weights)), list(weights.values()), create_graph=True)
        weights = {name: w - lr * slope for (name, w), slope in zip(weights.items(), slopes, strict=True)}
        if clip:
            weights = {name: w.clamp(-clip, clip) for name, w in weights.items()}
    return weights


def with_weights(D: nn.Module, weights: Weights) -> Critic:
    """D with other weights in place of its own."""
    return lambda x, y=None: functional_call(D, weights, (x, y))


def held(weights: Weights) -> Weights:
    """The same numbers, without the way by which they came about."""
    return {name: w.detach() for name, w in weights.items()}
