"""Weights drawn from a generator that is passed in. Networks here are built with `nn.utils.skip_init`, so that building one neither
reads nor moves the global random state, which other runs in the same process would feel."""

from __future__ import annotations

import math
from typing import TypeVar

import torch
from torch import nn

Net = TypeVar("Net", bound=nn.Module)


@torch.no_grad()
def reset(net: Net, generator: torch.Generator) -> Net:
    """Every linear layer, convolution and embedding drawn as torch draws it by default: weights and biases uniform within
    1/sqrt(fan_in), embeddings standard normal; norms start as the identity. Returns the same network."""
    for layer in net.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            layer.weight.uniform_(-bound, bound, generator=generator)
            if layer.bias is not None:
                layer.bias.uniform_(-bound, bound, generator=generator)
        elif isinstance(layer, nn.Embedding):
            layer.weight.normal_(generator=generator)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.reset_parameters()
    return net
