"""The two networks for images of 8x8 to 32x32 pixels: a small DCGAN (Radford et al., 2016) for one processor core. G begins with a
linear layer, which finds the global shape at once where 3x3 convolutions need thousands of steps, and ends with two sub-pixel
convolutions (Shi et al., 2016); D has two strided ones. Memory is laid out channels last, as a CPU's convolutions prefer."""

from __future__ import annotations

from math import gcd, sqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.gan.config import Config
from engines.nn.init import reset
from engines.nn.minibatch import minibatch
from engines.nn.spectral import SpectralConv2d, SpectralEmbedding, SpectralLinear

HIDDEN = 128
CLASS_SCALE = 2.0  # the one in the one-hot class, so that it weighs as much as the noise beside it
GROUP = 8  # images that D compares
SLOPE = 0.2  # of the leaky ReLU


class ImageGenerator(nn.Module):
    """z (n, noise_dim) and, if the run is conditional, classes y (n,) -> x (n, c, h, w) in [−1, 1]."""

    def __init__(self, config: Config, shape: tuple[int, ...], classes: int = 0):
        super().__init__()
        c, h, w = shape
        self.cells = (config.channels_g, h // 4, w // 4)
        self.classes = classes if config.conditional else 0
        wide, half = config.channels_g, config.channels_g // 2
        self.lift1 = _blank(nn.Linear, config.noise_dim + self.classes, HIDDEN)
        self.lift2 = _blank(nn.Linear, HIDDEN, wide * self.cells[1] * self.cells[2])
        self.norm1, self.conv1 = nn.BatchNorm2d(wide), _blank(nn.Conv2d, wide, 4 * half, 3, padding=1)
        self.norm2, self.conv2 = nn.BatchNorm2d(half), _blank(nn.Conv2d, half, half, 3, padding=1)
        self.norm3, self.conv3 = nn.BatchNorm2d(half), _blank(nn.Conv2d, half, 4 * c, 3, padding=1)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def initialise(self, generator: torch.Generator) -> None:
        reset(self, generator)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return torch.tanh(self.logits(z, y) / 2)  # as steep as the sigmoid of values in [0, 1]

    def logits(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """What a white pixel's log-odds would be, (n, c, h, w): sigmoid of it is the grey value in [0, 1]."""
        if self.classes:
            if y is None:
                raise ValueError("a conditional generator has to be told the classes")
            z = torch.cat([z, F.one_hot(y, self.classes) * CLASS_SCALE], 1)  # (n, noise_dim + classes)
        x = self.lift2(F.silu(self.lift1(z))).unflatten(1, self.cells)
        x = x.contiguous(memory_format=torch.channels_last)  # (n, wide, h/4, w/4)
        x = F.pixel_shuffle(self.conv1(F.silu(self.norm1(x))), 2)  # (n, half, h/2, w/2)
        x = self.conv2(F.silu(self.norm2(x)))  # (n, half, h/2, w/2)
        return F.pixel_shuffle(self.conv3(F.silu(self.norm3(x))), 2)  # (n, c, h, w)


class ImageDiscriminator(nn.Module):
    """x (n, c, h, w) and, if the run is conditional, classes y (n,) -> logits (n,). The class enters as a product with the features
    (Miyato & Koyama, 2018). With packing, m images are the channels of one: x (n, m c, h, w)."""

    def __init__(self, config: Config, shape: tuple[int, ...], classes: int = 0):
        super().__init__()
        c, h, w = shape
        d, kernels, plain = config.channels_d, config.minibatch_discrimination, not config.spectral_norm
        conv, linear = (nn.Conv2d, nn.Linear) if plain else (SpectralConv2d, SpectralLinear)
        self.conv1 = _blank(conv, config.pack * c, d, 4, stride=2, padding=1)
        self.conv2 = _blank(conv, d, 2 * d, 4, stride=2, padding=1)
        self.hidden: nn.Linear = _blank(linear, 2 * d * (h // 4) * (w // 4), HIDDEN)
        self.crowd: nn.Linear | None = _blank(nn.Linear, 1, HIDDEN, bias=False) if config.minibatch_std else None
        self.minibatch = minibatch(HIDDEN, config)
        self.head = _blank(linear, HIDDEN + kernels, 1)
        embedding = nn.Embedding if plain else SpectralEmbedding
        self.embed = _blank(embedding, classes, HIDDEN) if config.conditional and classes else None
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def initialise(self, generator: torch.Generator) -> None:
        reset(self, generator)
        if self.crowd is not None:  # one more input beside those of `hidden`, so as small as theirs
            with torch.no_grad():
                self.crowd.weight.div_(self.hidden.in_features**0.5)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        x = F.leaky_relu(self.conv1(x), SLOPE, inplace=True)  # (n, d, h/2, w/2)
        x = F.leaky_relu(self.conv2(x), SLOPE, inplace=True).flatten(1)  # (n, 2 d h/4 w/4)
        seen = self.hidden(x)  # (n, 128)
        if self.crowd is not None:
            seen = seen + self.crowd(minibatch_deviation(seen))
        x = F.leaky_relu(seen, SLOPE, inplace=True)  # (n, 128)
        wide = x if self.minibatch is None else torch.cat([x, self.minibatch(x)], 1)  # (n, 128 + kernels)
        logits = self.head(wide)[:, 0]
        return logits if self.embed is None else logits + (x * self.embed(y)).sum(1) / sqrt(HIDDEN)


def minibatch_deviation(x: Tensor) -> Tensor:
    """Features x (n, k) -> (n, 1): the standard deviation within each group of 8 neighbours, averaged over features, so that D sees
    when samples are too alike. Karras et al., 2018, section 3. Groups are smaller if 8 does not divide n."""
    group = gcd(len(x), GROUP)
    groups = x.unflatten(0, (-1, group))  # (n / group, group, k)
    variance = (groups - groups.mean(1, keepdim=True)).square().mean(1)  # (n / group, k); torch.var is much slower along this axis
    deviation = (variance + 1e-6).sqrt().mean(1, keepdim=True)  # (n / group, 1); the root has no slope at 0
    return deviation.repeat_interleave(group, 0)


def _blank(layer: type[nn.Module], *args: Any, **kwargs: Any) -> Any:
    """A layer without weights yet: they come from the generator that `initialise` is given."""
    return nn.utils.skip_init(layer, *args, **kwargs)
