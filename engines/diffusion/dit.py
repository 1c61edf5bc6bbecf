"""A small diffusion transformer: patches as tokens, blocks that the noise level and the class scale, shift and gate, all gates closed at
first (adaLN-Zero). Peebles & Xie, 2023."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.diffusion.config import EMBED, Config, patch
from engines.diffusion.unet import Embedding, blank, zeroed
from engines.nn.init import reset

HEADS = 4


class Block(nn.Module):
    """Attention, then two linear layers, on tokens (n, k, d)."""

    def __init__(self, d: int):
        super().__init__()
        self.norm = nn.LayerNorm(d, elementwise_affine=False)
        self.qkv, self.out = blank(nn.Linear, d, 3 * d), blank(nn.Linear, d, d)
        self.first, self.second = blank(nn.Linear, d, 2 * d), blank(nn.Linear, 2 * d, d)
        self.told = blank(nn.Linear, EMBED, 6 * d)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = self.told(e)[:, None].chunk(6, 2)  # (n, 1, d) each
        x = x + gate1 * self.attend(self.norm(x) * (1 + scale1) + shift1)
        return x + gate2 * self.second(F.gelu(self.first(self.norm(x) * (1 + scale2) + shift2)))

    def attend(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)  # (n, HEADS, k, d / HEADS) each
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class DiT(nn.Module):
    """x (n, c, h, w), c_noise (n,), classes y (n,) or None -> (n, c, h, w)."""

    def __init__(self, config: Config, shape: tuple[int, ...], classes: int = 0):
        super().__init__()
        (c, h, w), d = shape, config.width
        self.patch = patch(h)
        self.cells = (h // self.patch, w // self.patch)
        values = c * self.patch**2
        self.embed = Embedding(classes)
        self.enter = blank(nn.Linear, values, d)
        self.place = nn.Parameter(torch.zeros(1, self.cells[0] * self.cells[1], d))
        self.blocks = nn.ModuleList(Block(d) for _ in range(config.depth))
        self.norm = nn.LayerNorm(d, elementwise_affine=False)
        self.told, self.leave = blank(nn.Linear, EMBED, 2 * d), blank(nn.Linear, d, values)

    def start(self, generator: torch.Generator) -> DiT:
        """First weights; every block begins as the identity, the whole as 0."""
        reset(self.to(generator.device), generator)
        with torch.no_grad():
            self.place.normal_(std=0.02, generator=generator)
        return zeroed(self, [self.leave, self.told, *(block.told for block in self.blocks)])

    def forward(self, x: Tensor, c_noise: Tensor, y: Tensor | None = None) -> Tensor:
        e = self.embed(c_noise, y)
        tokens = self.enter(F.pixel_unshuffle(x, self.patch).flatten(2).transpose(1, 2)) + self.place  # (n, k, d)
        for block in self.blocks:
            tokens = block(tokens, e)
        shift, scale = self.told(e)[:, None].chunk(2, 2)
        out = self.leave(self.norm(tokens) * (1 + scale) + shift)  # (n, k, c patch²)
        return F.pixel_shuffle(out.transpose(1, 2).unflatten(2, self.cells), self.patch)
