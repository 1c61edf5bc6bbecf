"""What is learned from: a text as tokens in windows, or images as levels in an order. Numbers on the engine's device, drawn from its
own streams."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.autoregressive.config import Config
from engines.data.codes import CodeSet
from engines.data.images import ImageSet
from engines.data.text import TextSet, encoded, tokenizer, with_limit
from engines.state import Rng

BRIGHTNESS = (0.299, 0.587, 0.114)  # of red, green, blue


class TextSource:
    """`train` and `val` (n,) int64 tokens of the two parts of a text."""

    def __init__(self, text: TextSet, c: Config, device: torch.device):
        self.text = with_limit(text, c.limit)
        self.tokenizer = tokenizer(self.text, c.tokens, c.vocab)
        self.vocab = len(self.tokenizer.pieces)
        self.block_size = c.block_size
        self.train, self.val = (torch.from_numpy(part).to(device) for part in encoded(self.text, c.tokens, c.vocab))
        if min(len(self.train), len(self.val)) <= c.block_size:
            raise ValueError(f"block_size={c.block_size} is longer than the text trained on or held out; take a shorter context")
        self.offsets = torch.arange(c.block_size + 1, device=device)

    def batch(self, n: int, generator: torch.Generator) -> Tensor:
        """n windows (n, block_size + 1) from anywhere in the text trained on."""
        start = torch.randint(len(self.train) - self.block_size, (n,), generator=generator, device=self.train.device)
        return self.train[start[:, None] + self.offsets]

    def loss(self, net: Any, batch: Tensor) -> Tensor:
        """Mean −log p in nats per token."""
        return F.cross_entropy(net(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())

    def windows(self, block: int, most: int | None = None) -> Tensor:
        """The held-out tokens cut into windows (n, block + 1) that meet at their ends; with `most`, that many, evenly spread."""
        start = torch.arange(0, len(self.val) - block, block, device=self.val.device)
        if most is not None and len(start) > most:
            start = start[torch.linspace(0, len(start) - 1, most).long()]
        return self.val[start[:, None] + torch.arange(block + 1, device=start.device)]

    @cached_property
    def chars_per_token(self) -> float:
        """In the text trained on: turns nats per token into nats per character."""
        return len(self.text.train) / len(self.train)

    @cached_property
    def bytes_per_char(self) -> float:
        return self.text.val_bytes / len(self.text.val)


@dataclass(frozen=True)
class PixelSource:
    """Levels (n, h, w) uint8, or int16 for many codes, in the order of the model: place k of the order is row k // w, column k % w.
    `place` (h w,) int64 says which pixel of the image that is."""

    train: Tensor
    test: Tensor
    labels: Tensor | None
    test_labels: Tensor | None
    levels: int
    place: Tensor
    classes: tuple[str, ...]

    @property
    def side(self) -> tuple[int, int]:
        return self.train.shape[1], self.train.shape[2]

    def batch(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        """n images (n, h, w) int64 and, if the model is told, their classes (n,)."""
        rows = torch.randint(len(self.train), (n,), generator=generator, device=self.train.device)
        return self.train[rows].long(), None if self.labels is None else self.labels[rows]

    def loss(self, net: Any, batch: tuple[Tensor, Tensor | None]) -> Tensor:
        """Mean −log p in nats per image."""
        x, y = batch
        return net.head.nll(net(x, y), x).sum((1, 2)).mean()

    def ordered(self, x: Tensor) -> Tensor:
        """Images (n, h, w) as seen -> in the order of the model."""
        return x.flatten(1)[:, self.place].view(x.shape)

    def seen(self, x: Tensor) -> Tensor:
        """The way back, for anything of one value per pixel (n, h, w)."""
        return torch.empty_like(x.flatten(1)).index_copy_(1, self.place, x.flatten(1)).view(x.shape)

    def pixels(self, x: Tensor) -> np.ndarray:
        """Levels (n, h, w) in the order of the model -> (n, 1, h, w) float32 in [−1, 1] as seen."""
        return (self.seen(x).float() * (2 / (self.levels - 1)) - 1)[:, None].cpu().numpy()


def pixel_source(data: ImageSet, c: Config, device: torch.device) -> PixelSource:
    """Images as grey levels; the two levels of `binarise=sampled` are drawn once, from a stream that no seed of the run touches."""
    levels = int(c.levels)
    side = data.shape[1:]
    place = order_of(c.pixel_order, side, c.seed).to(device)
    found = []
    for part, pixels in (("train", data.pixels), ("test", data.test_pixels)):
        x = quantised(grey(torch.from_numpy(pixels)), levels, c.binarise, part)
        found.append(x.flatten(1)[:, place.cpu()].view(x.shape).to(device))
    told = c.conditional and len(data.classes) > 0
    if c.conditional and not told:
        raise ValueError("conditional=true needs a data set with classes")
    labels = [torch.from_numpy(np.asarray(y, np.int64)).to(device) if told else None for y in (data.labels, data.test_labels)]
    return PixelSource(found[0], found[1], labels[0], labels[1], levels, place, data.classes)


def code_source(data: CodeSet, c: Config, device: torch.device) -> PixelSource:
    """Grids of codes in place of levels: the prior over the codes of a VQ-VAE (van den Oord et al., 2017)."""
    place = order_of(c.pixel_order, data.train.shape[1:], c.seed)
    kind = torch.uint8 if data.count <= 256 else torch.int16
    train, test = (torch.from_numpy(x).flatten(1)[:, place].view(x.shape).to(device, kind) for x in (data.train, data.test))
    return PixelSource(train, test, None, None, data.count, place.to(device), ())


def grey(pixels: Tensor) -> Tensor:
    """(n, c, h, w) in [−1, 1] -> brightness (n, h, w) in [0, 1]."""
    x = (pixels + 1) / 2
    return x[:, 0] if x.shape[1] == 1 else torch.einsum("nchw,c->nhw", x, torch.tensor(BRIGHTNESS))


def quantised(brightness: Tensor, levels: int, binarise: str = "threshold", stream: str = "") -> Tensor:
    """Brightness (n, h, w) in [0, 1] -> the nearest of evenly spaced levels, uint8; or black and white, drawn."""
    if levels == 2 and binarise == "sampled":
        u = torch.rand(brightness.shape, generator=Rng(0, (f"binarise {stream}",))[f"binarise {stream}"])
        return (u < brightness).to(torch.uint8)
    return (brightness * (levels - 1)).round().to(torch.uint8)


def order_of(name: str, side: tuple[int, int], seed: int) -> Tensor:
    """(h w,): which pixel is k-th in the order, counted row by row."""
    n = side[0] * side[1]
    if name == "random":
        return torch.randperm(n, generator=Rng(seed, ("order",))["order"])
    return torch.arange(n).flip(0) if name == "reverse" else torch.arange(n)
