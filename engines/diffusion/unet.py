"""A compact UNet for images of 8x8 to 32x32 pixels on one processor core: 2x2 patches, convolutions on two scales, and in the middle one
flat layer over the whole image. That layer finds the global shape at once, where 3x3 convolutions need thousands of steps. Ronneberger
et al., 2015; Ho et al., 2020. Memory is laid out channels last, as a CPU's convolutions prefer."""

from __future__ import annotations

from math import log
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.diffusion.config import BOTTLE, EMBED, HIDDEN, Config
from engines.nn.init import reset

GROUPS = 4
WAVES = 16  # frequencies of the noise level, 1 to 100 rad


class Embedding(nn.Module):
    """c_noise (n,) and classes y (n,) -> (n, EMBED). The last class stands for "none", which guidance compares with."""

    def __init__(self, classes: int):
        super().__init__()
        self.none = classes
        self.first, self.second = blank(nn.Linear, 2 * WAVES, EMBED), blank(nn.Linear, EMBED, EMBED)
        self.classes = blank(nn.Embedding, classes + 1, EMBED) if classes else None

    def forward(self, c_noise: Tensor, y: Tensor | None) -> Tensor:
        waves = torch.linspace(0, log(100), WAVES, device=c_noise.device).exp()
        phase = (c_noise[:, None] + 1) / 2 * waves  # (n, WAVES)
        e = self.second(F.silu(self.first(torch.cat([phase.sin(), phase.cos()], 1))))
        if self.classes is not None:
            e = e + self.classes(torch.full_like(c_noise, self.none, dtype=torch.int64) if y is None else y)
        return F.silu(e)


class ConvBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut; the embedding scales and shifts what is between them."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(GROUPS, inputs), blank(nn.Conv2d, inputs, outputs, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(GROUPS, outputs), blank(nn.Conv2d, outputs, outputs, 3, padding=1)
        self.told = blank(nn.Linear, EMBED, 2 * outputs)
        self.short = blank(nn.Conv2d, inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        scale, shift = self.told(e)[:, :, None, None].chunk(2, 1)
        h = self.norm2(self.conv1(F.silu(self.norm1(x)))) * (1 + scale) + shift
        return self.short(x) + self.conv2(F.silu(h))


class DenseBlock(nn.Module):
    """The same with linear layers, on (n, width)."""

    def __init__(self, width: int = HIDDEN) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.first, self.second = blank(nn.Linear, width, width), blank(nn.Linear, width, width)
        self.told = blank(nn.Linear, EMBED, 2 * width)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        scale, shift = self.told(e).chunk(2, 1)
        return x + self.second(F.silu(self.first(self.norm(x) * (1 + scale) + shift)))


class UNet(nn.Module):
    """x (n, c, h, w), c_noise (n,), classes y (n,) or None -> (n, c, h, w)."""

    def __init__(self, config: Config, shape: tuple[int, ...], classes: int = 0):
        super().__init__()
        (c, h, w), a, b = shape, config.channels, 2 * config.channels
        self.cells = (BOTTLE, h // 4, w // 4)
        flat = BOTTLE * (h // 4) * (w // 4)
        self.embed = Embedding(classes)
        self.enter, self.fine1 = blank(nn.Conv2d, 4 * c, a, 3, padding=1), ConvBlock(a, a)
        self.down, self.coarse1 = blank(nn.Conv2d, a, b, 2, stride=2), ConvBlock(b, b)
        self.squeeze, self.flat_in = blank(nn.Conv2d, b, BOTTLE, 1), blank(nn.Linear, flat, HIDDEN)
        self.dense = nn.ModuleList(DenseBlock() for _ in range(2))
        self.flat_out, self.widen = blank(nn.Linear, HIDDEN, flat), blank(nn.Conv2d, BOTTLE, b, 1)
        self.coarse2, self.up = ConvBlock(b, b), blank(nn.Conv2d, b, 4 * a, 1)
        self.fine2 = ConvBlock(2 * a, a)
        self.norm, self.leave = nn.GroupNorm(GROUPS, a), blank(nn.Conv2d, a, 4 * c, 3, padding=1)

    def start(self, generator: torch.Generator) -> UNet:
        """First weights; every block begins as its shortcut, the whole as 0."""
        reset(self.to(generator.device, memory_format=torch.channels_last), generator)  # type: ignore[call-overload]
        blocks = [m for m in self.modules() if isinstance(m, ConvBlock | DenseBlock)]
        return zeroed(self, [self.leave, *(m.conv2 if isinstance(m, ConvBlock) else m.second for m in blocks)])

    def forward(self, x: Tensor, c_noise: Tensor, y: Tensor | None = None) -> Tensor:
        e = self.embed(c_noise, y)  # (n, EMBED)
        x = F.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last)  # (n, 4 c, h/2, w/2)
        fine = self.fine1(self.enter(x), e)  # (n, a, h/2, w/2)
        coarse = self.coarse1(self.down(fine), e)  # (n, b, h/4, w/4)
        g = self.flat_in(self.squeeze(coarse).flatten(1))  # (n, HIDDEN)
        for block in self.dense:
            g = block(g, e)
        g = self.flat_out(F.silu(g)).unflatten(1, self.cells).contiguous(memory_format=torch.channels_last)
        coarse = self.coarse2(coarse + self.widen(g), e)
        x = torch.cat([F.pixel_shuffle(self.up(coarse), 2), fine], 1)  # (n, 2 a, h/2, w/2)
        return F.pixel_shuffle(self.leave(F.silu(self.norm(self.fine2(x, e)))), 2)


def zeroed(net: Any, layers: list[Any]) -> Any:
    """The same network, those layers at 0."""
    with torch.no_grad():
        for layer in layers:
            layer.weight.zero_()
            layer.bias.zero_()
    return net


def blank(layer: type[nn.Module], *args: Any, **kwargs: Any) -> Any:
    """A layer without weights yet: they come from the generator that `start` is given."""
    return nn.utils.skip_init(layer, *args, **kwargs)
