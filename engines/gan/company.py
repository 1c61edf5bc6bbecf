"""What D says of one example where it never sees one alone: with packing it judges m at once, with minibatch discrimination it
compares each with its batch. The example is then put among fixed companions, which are the rest of its pack and its batch. D has only
ever seen companions that are all real or all fake; where an example is neither, D's logit is the mean over both kinds."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engines.gan.config import Config
from engines.gan.model import packs


class Company:
    """D of single examples (n, 2), the others fixed: `real` and `fake`, both (k, 2)."""

    def __init__(self, D: nn.Module, config: Config, real: Tensor, fake: Tensor):
        self.D, self.m = D, config.pack
        self.compares = config.minibatch_discrimination > 0
        self.alone = self.m == 1 and not self.compares
        self.real, self.fake = real, fake

    def __call__(self, x: Tensor) -> Tensor:
        """Logits (n,) of places that are neither real nor fake."""
        return self.D(x) if self.alone else (self.among(x, self.real) + self.among(x, self.fake)) / 2

    def among(self, x: Tensor, companions: Tensor) -> Tensor:
        """Logits (n,) of each x (n, 2) among companions (k, 2)."""
        if self.alone:
            return self.D(x)
        crowd = packs(companions, self.m) if self.compares else None
        if self.m > 1:
            rest = companions[: self.m - 1].expand(len(x), -1, -1)  # (n, m − 1, 2)
            x = torch.cat([x[:, None], rest], 1)  # (n, m, 2)
        return self.D(x, crowd=crowd)
