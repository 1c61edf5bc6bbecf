"""Drawing images pixel by pixel. Of each layer only the one place that is new is computed; all else was kept from before, so that an
image costs about as much as one pass over it, not one pass per pixel (Ramachandran et al., 2017).

A state knows the log-probabilities (n, levels) of the pixel that is next, and takes what was drawn."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.autoregressive.model import ImageGpt
from engines.autoregressive.pixelcnn import Gated, GatedPixelCnn, MaskedConv, PixelCnn, Residual, gate


class State:
    """Without a shortcut: one pass over the whole image for each pixel."""

    def __init__(self, net: Any, n: int, side: tuple[int, int], y: Tensor | None, device: torch.device):
        self.net, self.n, (self.h, self.w), self.y = net, n, side, y
        self.x = torch.zeros((n, self.h, self.w), dtype=torch.int64, device=device)
        self.at = 0

    @property
    def place(self) -> tuple[int, int]:
        """Row and column of the pixel that is next."""
        return divmod(self.at, self.w)

    def log_probs(self) -> Tensor:
        """(n, levels) of the pixel that is next."""
        i, j = self.place
        return self.net.head.log_probs(self.net(self.x, self.y)[:, :, i, j])

    def put(self, values: Tensor) -> None:
        """The levels (n,) of the pixel that is next."""
        i, j = self.place
        self.x[:, i, j] = values
        self.at += 1


class Patch:
    """One masked convolution with all it has been given, (n, h + r, w + 2 r, c), so that it can answer for one place."""

    def __init__(self, conv: MaskedConv, n: int, h: int, w: int):
        self.r, self.k = conv.kernel_size[0] // 2, conv.kernel_size[0]
        weight = (conv.weight * conv.mask)[:, :, : self.r + 1]  # (out, in, r + 1, k): rows below are never seen
        self.weight, self.bias = weight.permute(0, 2, 3, 1).flatten(1).contiguous(), conv.bias
        self.given = weight.new_zeros(n, h + self.r, w + 2 * self.r, conv.in_channels)

    def give(self, i: int, j: int, x: Tensor) -> None:
        """What lies at (i, j), (n, in)."""
        self.given[:, i + self.r, j + self.r] = x

    def at(self, i: int, j: int) -> Tensor:
        """The convolution at (i, j), (n, out)."""
        return F.linear(self.given[:, i : i + self.r + 1, j : j + self.k].flatten(1), self.weight, self.bias)


class PixelCnnState(State):
    """See `PixelCnn`."""

    def __init__(self, net: PixelCnn, n: int, side: tuple[int, int], y: Tensor | None, device: torch.device):
        super().__init__(net, n, side, y, device)
        self.first = Patch(net.first, n, *side)
        self.blocks = [_with_patch(block, n, side, y) for block in net.blocks]

    def log_probs(self) -> Tensor:
        i, j = self.place
        h = self.first.at(i, j)  # (n, channels)
        for block, patch, told in self.blocks:
            patch.give(i, j, F.relu(_point(block.down, F.relu(h + told))))
            h = h + _point(block.up, F.relu(patch.at(i, j)))
        return self.net.head.log_probs(_out(self.net, h))

    def put(self, values: Tensor) -> None:
        i, j = self.place
        super().put(values)
        self.first.give(i, j, self.net.encode(values[:, None, None])[:, :, 0, 0])


class GatedLayer:
    """One layer of both stacks with what it keeps: rows above, (n, c, h + half, w + 2 half), and its own row, (n, w + left, c)."""

    def __init__(self, layer: Gated, n: int, side: tuple[int, int], y: Tensor | None):
        self.layer, self.half, (h, w) = layer, layer.kernel // 2, side
        c = layer.vertical.in_channels
        self.rows = layer.out.weight.new_zeros(n, c, h + self.half, w + 2 * self.half)
        self.before = layer.left if layer.first else layer.left - 1  # columns of zeros before the first
        self.own = self.rows.new_zeros(n, w + self.before, c)
        self.weight = layer.horizontal.weight[:, :, 0].permute(0, 2, 1).flatten(1).contiguous()  # (2 c, left · in)
        told = layer.told(y)
        self.told_v: Tensor | float = told[0][..., 0] if told else 0.0
        self.told_h: Tensor | float = told[1][..., 0, 0] if told else 0.0
        self.above = _point(
            layer.across, self.rows.new_zeros(n, w, layer.across.in_channels)
        )  # (n, w, 2 c): above the first row lies nothing

    def row_done(self, i: int, v: Tensor) -> Tensor:
        """Row i of the vertical stack comes in, (n, in, w), and goes out, (n, c, w); the row below may then see it."""
        half, w = self.half, v.shape[2]
        self.rows[:, :, i + half, half : half + w] = v
        v2 = self.layer.vertical(self.rows[:, :, i : i + half + 1])[:, :, 0]  # (n, 2 c, w)
        self.above = _point(self.layer.across, v2.transpose(1, 2))
        self.own.zero_()
        return gate(v2 + self.told_v)

    def pixel(self, j: int, h: Tensor | None) -> Tensor:
        """Column j of the horizontal stack comes in, (n, in), None where it is not known yet, and goes out, (n, c)."""
        if h is not None:
            self.own[:, j + self.before] = h
        left = F.linear(self.own[:, j : j + self.layer.left].flatten(1), self.weight, self.layer.horizontal.bias)
        out = _point(self.layer.out, gate(left + self.above[:, j] + self.told_h))
        return out if h is None else h + out


class GatedState(State):
    """See `GatedPixelCnn`."""

    def __init__(self, net: GatedPixelCnn, n: int, side: tuple[int, int], y: Tensor | None, device: torch.device):
        super().__init__(net, n, side, y, device)
        self.layers = [GatedLayer(cast(Gated, block), n, side, y) for block in net.blocks]

    def log_probs(self) -> Tensor:
        _, j = self.place
        h = self.layers[0].pixel(j, None)
        for layer in self.layers[1:]:
            h = layer.pixel(j, h)
        return self.net.head.log_probs(_out(self.net, h))

    def put(self, values: Tensor) -> None:
        i, j = self.place
        super().put(values)
        pixel = self.net.encode(values[:, None, None])[:, :, 0, 0]
        self.layers[0].own[:, j + self.layers[0].before] = pixel
        if j == self.w - 1 and i + 1 < self.h:
            v = self.net.encode(self.x[:, i : i + 1])[:, :, 0]  # (n, in, w)
            for layer in self.layers:
                v = layer.row_done(i, v)


class GptState(State):
    """See `ImageGpt`: keys and values are kept."""

    def __init__(self, net: ImageGpt, n: int, side: tuple[int, int], y: Tensor | None, device: torch.device):
        super().__init__(net, n, side, y, device)
        self.cache = net.transformer.cache(n)
        self.last = net.begin(n, y, device)  # (n, 1)

    def log_probs(self) -> Tensor:
        logits = self.net.transformer(self.last, self.cache)[:, -1, : self.net.levels]
        return self.net.head.log_probs(logits)

    def put(self, values: Tensor) -> None:
        super().put(values)
        self.last = values[:, None]


STATES: dict[type[nn.Module], type[State]] = {PixelCnn: PixelCnnState, GatedPixelCnn: GatedState, ImageGpt: GptState}


def begin(net: nn.Module, n: int, side: tuple[int, int], y: Tensor | None, device: torch.device, *, cached: bool = True) -> State:
    """n empty images of h × w pixels, of classes y (n,) if the model is told."""
    if isinstance(net, ImageGpt) and not net.transformer.shape.causal:
        cached = False  # what lies ahead matters too
    return (STATES[type(net)] if cached else State)(net, n, side, y, device)


def _point(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """A 1×1 convolution of x (…, in)."""
    return F.linear(x, conv.weight[:, :, 0, 0], conv.bias)


def _out(net: Any, h: Tensor) -> Tensor:
    return _point(net.out2, F.relu(_point(net.out1, F.relu(h))))


def _with_patch(block: nn.Module, n: int, side: tuple[int, int], y: Tensor | None) -> tuple[Residual, Patch, Tensor | float]:
    """A block, its convolution with room for an image, and what the class adds."""
    block = cast(Residual, block)
    told = 0.0 if block.label is None or y is None else block.label(y)
    return block, Patch(block.conv, n, *side), told
