"""Small multilayer perceptrons for 2-D data, and how every network here gets its first weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.nn.init import reset

SLOPE = 0.2  # of LeakyReLU below 0
GAIN = 1.4  # of orthogonal first weights


def leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, SLOPE)


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"leaky": leaky, "relu": torch.relu, "tanh": torch.tanh}


class MLP(nn.Module):
    """Linear layers with an activation between them: (n, sizes[0]) -> (n, sizes[-1]). The last layer has `beside` more inputs, which
    the caller puts beside the hidden features; `linear` is the class of the layers."""

    def __init__(self, sizes: list[int], beside: int = 0, linear: type[nn.Linear] = nn.Linear, activation: str = "leaky"):
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        widths = [*sizes[:-2], sizes[-2] + beside]
        # no weights yet: `initialise` draws them
        self.layers = nn.ModuleList(nn.utils.skip_init(linear, a, b) for a, b in zip(widths, sizes[1:], strict=True))

    def hidden(self, x: Tensor) -> Tensor:
        """Features before the last layer, (n, sizes[-2])."""
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return x

    def forward(self, x: Tensor) -> Tensor:
        return self.layers[-1](self.hidden(x))


class Fourier(nn.Module):
    """x (…, 2) -> [x, sin(x·f), cos(x·f)] (…, 2 + 2 count) with fixed frequencies f drawn from N(0, scale²), in rad per unit of x:
    a small network sees fine detail at once (Tancik et al., 2020)."""

    frequencies: Tensor  # (2, count)

    def __init__(self, count: int, scale: float, generator: torch.Generator):
        super().__init__()
        self.register_buffer("frequencies", scale * torch.randn(2, count, generator=generator, device=generator.device))

    def forward(self, x: Tensor) -> Tensor:
        phase = x @ self.frequencies  # (…, count)
        return torch.cat([x, phase.sin(), phase.cos()], -1)


@torch.no_grad()
def initialise(net: nn.Module, generator: torch.Generator) -> None:
    """He et al., 2015: weights N(0, 2 / fan_in), biases zero. From `generator`, so that the seed alone decides."""
    for module in net.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            fan_in = module.weight[0].numel()
            module.weight.normal_(0.0, (2 / fan_in) ** 0.5, generator=generator)
            if module.bias is not None:
                module.bias.zero_()


@torch.no_grad()
def orthogonal(net: nn.Module, generator: torch.Generator) -> None:
    """Linear layers orthogonal, times GAIN, biases zero (Saxe et al., 2014)."""
    for module in net.modules():
        if isinstance(module, nn.Linear):
            nn.init.orthogonal_(module.weight, GAIN, generator=generator)
            if module.bias is not None:
                module.bias.zero_()


STARTS: dict[str, Callable[[nn.Module, torch.Generator], object]] = {"he": initialise, "uniform": reset, "orthogonal": orthogonal}
