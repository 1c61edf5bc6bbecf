"""Unrolled GAN (Metz et al., 2017): G learns against the D of a few steps ahead, and its gradient flows back through those steps, so
that it feels how D would answer before it jumps onto one mode."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call

Critic = Callable[..., Tensor]  # (x, y) -> logits


def unrolled(D: nn.Module, loss: Callable[[Critic], Tensor], steps: int, lr: float, clip: float = 0.0) -> Critic:
    """D after `steps` more steps of plain gradient descent on `loss` (eq. 4-6), itself untouched. What the result says of an x can be
    differentiated in everything that `loss` depends on, D's later weights included (eq. 7-8). `clip` bounds each weight, 0 = not."""
    weights: dict[str, Tensor] = dict(D.named_parameters())
    for _ in range(steps):
        slopes = torch.autograd.grad(loss(_with(D, weights)), list(weights.values()), create_graph=True)
        weights = {name: w - lr * slope for (name, w), slope in zip(weights.items(), slopes, strict=True)}
        if clip:
            weights = {name: w.clamp(-clip, clip) for name, w in weights.items()}
    return _with(D, weights)


def _with(D: nn.Module, weights: dict[str, Tensor]) -> Critic:
    """D with other weights in place of its own."""
    return lambda x, y=None: functional_call(D, weights, (x, y))
