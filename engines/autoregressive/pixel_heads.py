"""What a pixel model says of one grey level: a free probability for each, or a mixture of logistics cut into as many bins."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SHARPEST = -7.0  # log of the smallest scale, as in PixelCNN++


class Softmax:
    """params (n, levels, …) are logits."""

    def __init__(self, levels: int):
        self.levels, self.outputs = levels, levels

    def log_probs(self, params: Tensor) -> Tensor:
        """(n, levels, …): log p of every level."""
        return params.log_softmax(1)

    def nll(self, params: Tensor, x: Tensor) -> Tensor:
        """−log p of levels x (n, …) int64, in nats, same shape."""
        return F.cross_entropy(params, x, reduction="none")


class LogisticMixture:
    """Discretised mixture of K logistics on [−1, 1], params (n, 3 K, …): Salimans et al., 2017, eq. 1-2. Neighbouring levels share
    what is learned, and the first and last take all that lies beyond."""

    def __init__(self, levels: int, mixtures: int):
        self.levels, self.mixtures, self.outputs = levels, mixtures, 3 * mixtures

    def log_probs(self, params: Tensor) -> Tensor:
        """(n, levels, …): log p of every level."""
        shape = [1, self.levels] + [1] * (params.dim() - 2)
        x = torch.arange(self.levels, device=params.device).view(shape)
        return self._log_p(params.unsqueeze(2), x)

    def nll(self, params: Tensor, x: Tensor) -> Tensor:
        """−log p of levels x (n, …) int64, in nats, same shape."""
        return -self._log_p(params, x)

    def _log_p(self, params: Tensor, x: Tensor) -> Tensor:
        """params (n, 3 K, …), x without the second dimension of params -> log p of x's shape."""
        weight, mean, log_scale = params.chunk(3, 1)  # (n, K, …)
        inverse = (-log_scale.clamp(min=SHARPEST)).exp()
        step = 2 / (self.levels - 1)
        centre = x.unsqueeze(1) * step - 1 - mean
        upper, lower = inverse * (centre + step / 2), inverse * (centre - step / 2)
        upper = upper.masked_fill((x == self.levels - 1).unsqueeze(1), torch.inf)
        lower = lower.masked_fill((x == 0).unsqueeze(1), -torch.inf)
        return torch.logsumexp(weight.log_softmax(1) + log_difference(upper, lower), 1)


def log_difference(upper: Tensor, lower: Tensor) -> Tensor:
    """log(σ(upper) − σ(lower)) for upper > lower, without cancellation: σ(u) − σ(l) = σ(u) σ(−l) (1 − e^(l − u))."""
    gap = (lower - upper).clamp(max=-1e-7)
    return F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log(-torch.expm1(gap))


Head = Softmax | LogisticMixture


def head(likelihood: str, levels: int, mixtures: int) -> Head:
    return Softmax(levels) if likelihood == "softmax" else LogisticMixture(levels, mixtures)


class Encode(nn.Module):
    """Levels x (n, h, w) -> (n, levels or 2, h, w): which level it is; with many levels that have an order, its value in [−1, 1] and a
    channel that says that there is a pixel, which tells black from beyond the border."""

    def __init__(self, levels: int, ordered: bool = True):
        super().__init__()
        self.levels, self.one_hot = levels, levels <= 32 or not ordered
        self.channels = levels if self.one_hot else 2

    def forward(self, x: Tensor) -> Tensor:
        if self.one_hot:
            return F.one_hot(x, self.levels).movedim(-1, 1).float()
        value = x.float() * (2 / (self.levels - 1)) - 1
        return torch.stack([value, torch.ones_like(value)], 1)
