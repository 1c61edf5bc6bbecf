"""The average of a network's weights over its training, which is smoother than any single step of it."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn


class Ema:
    """Exponential moving average: average ← decay · average + (1 − decay) · weights, after each step. Karras et al., 2018.

    The first steps count more, decay ≤ (1 + step) / (10 + step), so that the random initial weights are soon forgotten."""

    def __init__(self, net: nn.Module):
        self.net = copy.deepcopy(net).requires_grad_(False).eval()
        self._mine: list[Tensor] = list(self.net.parameters())

    @torch.no_grad()
    def update(self, net: nn.Module, decay: float, step: int) -> None:
        """`step` counts from 0. Buffers (batch statistics) are copied."""
        decay = min(decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._mine, list(net.parameters()), 1 - decay)
        for mine, its in zip(self.net.buffers(), net.buffers(), strict=True):
            mine.copy_(its)

    def state_dict(self) -> dict[str, Any]:
        return self.net.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.net.load_state_dict(state)
