"""Muon: momentum whose every singular value is made alike, so that a step goes as far in rare directions as in frequent ones. Jordan et
al., 2024; the size of a step as in Liu et al., 2025, so that one learning rate serves it and Adam."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

MOMENTUM = 0.95
RMS = 0.2  # of a step at rate 1, as Adam's usually is
QUINTIC = (3.4445, -4.7750, 2.0315)  # a x + b x³ + c x⁵ pulls singular values between 0 and 1 towards 1
ROUNDS = 5
ROWS = 64  # taken at a time: what a round costs grows with the square of the rows


class Muon(torch.optim.Optimizer):
    """For matrices and convolutions, (rows, …) read as (rows, columns). A tall one is taken in blocks of at most ROWS rows, each made
    orthogonal by itself, which on a CPU is ten times cheaper and serves as well."""

    moments = ("exp_avg",)

    def __init__(self, weights: Iterable[Tensor], lr: float):
        super().__init__(weights, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None
        for group in self.param_groups:
            by_shape: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = {}
            for p in group["params"]:
                shape = blocks(p)
                by_shape.setdefault(shape, []).append((p, self._moved(p).reshape(-1, *shape)))
            for (rows, columns), pairs in by_shape.items():
                made = orthogonal(torch.cat([m for _, m in pairs])).split([len(m) for _, m in pairs])
                for (p, _), step in zip(pairs, made, strict=True):
                    p.add_(step.reshape(p.shape), alpha=-group["lr"] * RMS * max(rows, columns) ** 0.5)

    def _moved(self, p: Tensor) -> Tensor:
        """The gradient with its momentum, one step ahead (Nesterov)."""
        state: dict[str, Any] = self.state[p]
        if not state:
            state["exp_avg"] = torch.zeros_like(p)
        assert p.grad is not None
        return p.grad.lerp(state["exp_avg"].lerp_(p.grad, 1 - MOMENTUM), MOMENTUM)


def blocks(p: Tensor) -> tuple[int, int]:
    """Rows and columns of one block of a weight: the most rows, up to ROWS, that divide its own."""
    return max(n for n in range(1, ROWS + 1) if len(p) % n == 0), p[0].numel()


def orthogonal(m: Tensor) -> Tensor:
    """(k, rows, columns) matrices with their singular values near 1, between 0.7 and 1.2, by Newton–Schulz."""
    a, b, c = QUINTIC
    tall = m.shape[1] > m.shape[2]
    x = m.mT if tall else m
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(ROUNDS):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
