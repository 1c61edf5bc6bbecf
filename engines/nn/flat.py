"""A torch MLP whose parameters live in flat numpy arrays, padded as the kernels want them: both see the same memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from engines.nn.mlp import MLP

PAD = 4  # features of a layer come in multiples of this
LINE = 64  # bytes: arrays start at the border of a cache line


def zeros(n: int) -> np.ndarray:
    """(n,) float32, aligned to LINE."""
    room = np.zeros(n + LINE // 4, np.float32)
    start = -room.ctypes.data % LINE // 4
    return room[start : start + n]


def padded(n: int) -> int:
    return -(-n // PAD) * PAD


class FlatParameters:
    """Where the weights and biases of an MLP lie: `values`, `grads`, `first`, `second` and `average` are (n,) float32; the padding
    in them is zero and stays zero."""

    def __init__(self, net: MLP):
        shapes = [tuple(cast(Tensor, layer.weight).shape) for layer in net.layers]  # (out, in)
        self.sizes = np.array([padded(shapes[0][1]), *(padded(out) for out, _ in shapes)], np.int64)
        self.shapes, self.weights, self.biases, n = shapes, [], [], 0
        for K, R in zip(self.sizes, self.sizes[1:], strict=False):
            self.weights.append(n)
            self.biases.append(n + int(R * K))
            n += int(R * K + R)
        n = -(-n // 16) * 16
        self.values, self.grads, self.first, self.second, self.average = (zeros(n) for _ in range(5))

    def views(self, flat: np.ndarray) -> list[Tensor]:
        """weight (out, in) and bias (out,) of every layer, in the order of `parameters()`; they share the memory of `flat`."""
        found = []
        for (out, inputs), w, b, K in zip(self.shapes, self.weights, self.biases, self.sizes, strict=False):
            rows = flat[w : w + padded(out) * K].reshape(-1, K)
            found += [torch.from_numpy(rows[:out, :inputs]), torch.from_numpy(flat[b : b + out])]
        return found

    def adopt(self, net: MLP, flat: np.ndarray) -> None:
        """Move the parameters of `net` into `flat`."""
        for parameter, view in zip(net.parameters(), self.views(flat), strict=True):
            view.copy_(parameter.detach())
            parameter.data = view


class FlatAdam(torch.optim.Adam):
    """The moments that a kernel keeps, packed and restored like those of the torch optimiser. `updates` (1,) int64 counts them."""

    def __init__(self, parameters: list[Tensor], lr: float, betas: tuple[float, float], flat: FlatParameters, updates: np.ndarray):
        super().__init__(parameters, lr, betas)
        self._updates = updates
        self._moments = list(zip(flat.views(flat.first), flat.views(flat.second), strict=True))

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        raise RuntimeError("these moments belong to a compiled kernel")

    def state_dict(self) -> dict[str, Any]:
        count = torch.tensor(float(self._updates[0]))
        state = {i: {"step": count, "exp_avg": m, "exp_avg_sq": v} for i, (m, v) in enumerate(self._moments)}
        return {"state": state, "param_groups": super().state_dict()["param_groups"]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """A state without moments is one from before the first step."""
        state = state_dict["state"]
        self._updates[0] = int(state[0]["step"]) if state else 0
        for i, (m, v) in enumerate(self._moments):
            m.copy_(state[i]["exp_avg"]) if state else m.zero_()
            v.copy_(state[i]["exp_avg_sq"]) if state else v.zero_()
