"""Convolutional encoder and decoder for images whose sides are multiples of 4. With a linear layer in the middle, which finds the global
shape at once; those of a VQ-VAE keep the cells, one code each."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.vae.config import Config


class ConvEncoder(nn.Module):
    """x (n, c, h, w) -> (n, said). Two strided 4×4 convolutions."""

    def __init__(self, config: Config, shape: tuple[int, ...], said: int, classes: int):
        super().__init__()
        c, h, w = shape
        a, cells = config.channels, h // 4 * (w // 4)
        self.conv1 = nn.utils.skip_init(nn.Conv2d, c, a, 4, stride=2, padding=1)
        self.conv2 = nn.utils.skip_init(nn.Conv2d, a, 2 * a, 4, stride=2, padding=1)
        self.cellwise = nn.utils.skip_init(nn.Conv2d, 2 * a, config.code_dim, 1) if config.objective == "vq-vae" else None
        if self.cellwise is None:
            self.hidden = nn.utils.skip_init(nn.Linear, 2 * a * cells + classes, config.width)
            self.head = nn.utils.skip_init(nn.Linear, config.width, said)

    def forward(self, x: Tensor, told: Tensor | None) -> Tensor:
        x = F.silu(self.conv2(F.silu(self.conv1(x))))  # (n, 2a, h/4, w/4)
        if self.cellwise is not None:
            return self.cellwise(x).flatten(2).transpose(1, 2).flatten(1)  # (n, cells · code_dim), cell by cell
        x = x.flatten(1) if told is None else torch.cat([x.flatten(1), told], 1)
        return self.head(F.silu(self.hidden(x)))


class ConvDecoder(nn.Module):
    """z (n, taken) -> (n, outputs, h, w). Two sub-pixel convolutions (Shi et al., 2016)."""

    def __init__(self, config: Config, shape: tuple[int, ...], taken: int, classes: int, outputs: int):
        super().__init__()
        _, h, w = shape
        a = config.channels
        self.cells = (2 * a, h // 4, w // 4)
        self.cellwise = nn.utils.skip_init(nn.Conv2d, config.code_dim, 2 * a, 1) if config.objective == "vq-vae" else None
        if self.cellwise is None:
            self.lift1 = nn.utils.skip_init(nn.Linear, taken + classes, config.width)
            self.lift2 = nn.utils.skip_init(nn.Linear, config.width, 2 * a * self.cells[1] * self.cells[2])
        self.conv1 = nn.utils.skip_init(nn.Conv2d, 2 * a, 4 * a, 3, padding=1)
        self.conv2 = nn.utils.skip_init(nn.Conv2d, a, 4 * outputs, 3, padding=1)

    def forward(self, z: Tensor, told: Tensor | None) -> Tensor:
        if self.cellwise is not None:
            z = z.unflatten(1, (self.cells[1] * self.cells[2], -1)).transpose(1, 2).unflatten(2, self.cells[1:])
            x = F.silu(self.cellwise(z))  # (n, 2a, h/4, w/4)
        else:
            z = z if told is None else torch.cat([z, told], 1)
            x = F.silu(self.lift2(F.silu(self.lift1(z)))).unflatten(1, self.cells)
        x = F.silu(F.pixel_shuffle(self.conv1(x), 2))  # (n, a, h/2, w/2)
        return F.pixel_shuffle(self.conv2(x), 2)  # (n, outputs, h, w)
