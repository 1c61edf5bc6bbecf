"""The denoiser of latents without a place: residual blocks of linear layers on the whole vector. A step on 24 numbers costs a fraction of
one on 784 pixels, and there is no shape left to find: the decoder knows it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.diffusion.config import Config
from engines.diffusion.unet import DenseBlock, Embedding, blank, zeroed
from engines.nn.init import reset


class VectorDenoiser(nn.Module):
    """z (n, latents), c_noise (n,), classes y (n,) or None -> (n, latents)."""

    def __init__(self, config: Config, latents: int, classes: int = 0):
        super().__init__()
        self.embed = Embedding(classes)
        self.enter = blank(nn.Linear, latents, config.width)
        self.blocks = nn.ModuleList(DenseBlock(config.width) for _ in range(config.depth))
        self.norm, self.leave = nn.LayerNorm(config.width), blank(nn.Linear, config.width, latents)

    def start(self, generator: torch.Generator) -> VectorDenoiser:
        """First weights; every block begins as the identity, the whole as 0."""
        reset(self.to(generator.device), generator)
        return zeroed(self, [self.leave, *(block.second for block in self.blocks)])  # type: ignore[misc]

    def forward(self, z: Tensor, c_noise: Tensor, y: Tensor | None = None) -> Tensor:
        e, h = self.embed(c_noise, y), self.enter(z)
        for block in self.blocks:
            h = block(h, e)
        return self.leave(F.silu(self.norm(h)))
