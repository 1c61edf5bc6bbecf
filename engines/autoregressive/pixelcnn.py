"""Convolutions that see only what was drawn before: PixelCNN (van den Oord et al., 2016a) and Gated PixelCNN without the blind spot
(van den Oord et al., 2016b).

Levels x (n, h, w) int64 and classes y (n,) int64 or None -> params (n, outputs, h, w) of a head, each pixel's from pixels before it.
How they draw pixel by pixel without computing anything twice is in `pixel_states.py`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.autoregressive.pixel_heads import Encode, Head
from engines.nn.init import reset


class MaskedConv(nn.Conv2d):
    """A square convolution that sees the rows above and what is left in its own row; the centre too for mask "B", not for "A"."""

    mask: Tensor

    def __init__(self, c_in: int, c_out: int, size: int, mask: str):
        super().__init__(c_in, c_out, size, padding=size // 2, device="meta")
        self.to_empty(device="cpu")
        allowed = torch.ones(size, size)
        allowed[size // 2, size // 2 + (mask == "B") :] = 0
        allowed[size // 2 + 1 :] = 0
        self.register_buffer("mask", allowed, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)


def point(c_in: int, c_out: int) -> nn.Conv2d:
    """A 1×1 convolution: one pixel by itself."""
    return nn.utils.skip_init(nn.Conv2d, c_in, c_out, 1)


class Residual(nn.Module):
    """h + 1×1(ReLU(3×3 B(ReLU(1×1(ReLU(h)))))): van den Oord et al., 2016a, fig. 5; the class is added to what goes in."""

    def __init__(self, channels: int, kernel: int, classes: int):
        super().__init__()
        self.down: nn.Conv2d = point(channels, channels // 2)
        self.conv = MaskedConv(channels // 2, channels // 2, kernel, "B")
        self.up: nn.Conv2d = point(channels // 2, channels)
        self.label = nn.utils.skip_init(nn.Embedding, classes, channels) if classes else None

    def forward(self, h: Tensor, y: Tensor | None) -> Tensor:
        told = h if self.label is None or y is None else h + self.label(y)[..., None, None]
        return h + self.up(F.relu(self.conv(F.relu(self.down(F.relu(told))))))


class PixelCnn(nn.Module):
    """A 7×7 mask A, residual blocks of mask B, two 1×1. Pixels up and to the right stay unseen, however many layers: the blind spot."""

    def __init__(self, head: Head, channels: int, layers: int, kernel: int, classes: int = 0, first: int = 7, ordered: bool = True):
        super().__init__()
        self.levels, self.head, self.classes = head.levels, head, classes
        self.encode = Encode(head.levels, ordered)
        self.first = MaskedConv(self.encode.channels, channels, first, "A")
        self.blocks = nn.ModuleList(Residual(channels, kernel, classes) for _ in range(layers))
        self.out1, self.out2 = point(channels, channels), point(channels, head.outputs)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.read(self.encode(x), y)

    def read(self, pixels: Tensor, y: Tensor | None = None) -> Tensor:
        """Encoded pixels (n, c, h, w) -> params (n, outputs, h, w)."""
        h = self.first(pixels)
        for block in self.blocks:
            h = block(h, y)
        return self.out2(F.relu(self.out1(F.relu(h))))

    def initialise(self, generator: torch.Generator) -> None:
        start(self, generator)


class Gated(nn.Module):
    """One layer of both stacks: van den Oord et al., 2016b, fig. 2. The vertical stack sees the rows above, one row further down once it
    enters the horizontal stack, which sees what is left; together they see all that was drawn before."""

    def __init__(self, c_in: int, channels: int, kernel: int, classes: int, first: bool = False):
        super().__init__()
        self.kernel, self.first = kernel, first
        self.left = kernel // 2 + (0 if first else 1)  # columns of its own row that the horizontal stack sees
        self.vertical = nn.utils.skip_init(nn.Conv2d, c_in, 2 * channels, (kernel // 2 + 1, kernel))
        self.across = point(2 * channels, 2 * channels)
        self.horizontal = nn.utils.skip_init(nn.Conv2d, c_in, 2 * channels, (1, self.left))
        self.out = point(channels, channels)
        self.label = nn.utils.skip_init(nn.Embedding, classes, 4 * channels) if classes else None

    def forward(self, v: Tensor, h: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
        half, told = self.kernel // 2, self.told(y)
        v2 = self.vertical(F.pad(v, (half, half, half, 0)))  # (n, 2 c, h, w), row i from rows ≤ i
        above = F.pad(v2, (0, 0, 1, 0))[:, :, :-1]  # row i from rows < i
        left = F.pad(h, (self.left, 0, 0, 0))[..., :-1] if self.first else F.pad(h, (self.left - 1, 0, 0, 0))
        h2 = self.horizontal(left) + self.across(above)
        if told:
            v2, h2 = v2 + told[0], h2 + told[1]
        out = self.out(gate(h2))
        return gate(v2), out if self.first else h + out

    def told(self, y: Tensor | None) -> tuple[Tensor, ...]:
        """What the class adds to the vertical and to the horizontal stack, (n, 2 c, 1, 1) each; nothing where there is none."""
        return () if self.label is None or y is None else self.label(y)[..., None, None].chunk(2, 1)


def gate(x: Tensor) -> Tensor:
    """tanh of one half of the channels times the logistic function of the other."""
    a, b = x.chunk(2, 1)
    return torch.tanh(a) * torch.sigmoid(b)


class GatedPixelCnn(nn.Module):
    """Gated layers, the first of which does not see the pixel itself; then two 1×1 on the horizontal stack."""

    def __init__(self, head: Head, channels: int, layers: int, kernel: int, classes: int = 0, first: int = 7, ordered: bool = True):
        super().__init__()
        self.levels, self.head, self.classes = head.levels, head, classes
        self.encode = Encode(head.levels, ordered)
        self.blocks = nn.ModuleList(
            Gated(channels if i else self.encode.channels, channels, kernel if i else first, classes, first=i == 0) for i in range(layers)
        )
        self.out1, self.out2 = point(channels, channels), point(channels, head.outputs)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.read(self.encode(x), y)

    def read(self, pixels: Tensor, y: Tensor | None = None) -> Tensor:
        """Encoded pixels (n, c, h, w) -> params (n, outputs, h, w)."""
        v = h = pixels
        for block in self.blocks:
            v, h = block(v, h, y)
        return self.out2(F.relu(self.out1(F.relu(h))))

    def initialise(self, generator: torch.Generator) -> None:
        start(self, generator)


@torch.no_grad()
def start(net: nn.Module, generator: torch.Generator) -> None:
    """Weights as torch draws them; classes start small, so that they are told apart by learning only."""
    reset(net, generator)
    for layer in net.modules():
        if isinstance(layer, nn.Embedding):
            layer.weight.mul_(0.1)
