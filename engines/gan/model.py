"""The two networks. G turns noise into examples, D gives each example one number, the logit of being real."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engines.data import DatasetInfo
from engines.gan.config import Config
from engines.nn.mlp import MLP, Fourier, initialise


class Generator(nn.Module):
    """z (n, noise_dim) -> x (n, 2), in units of the data's scale."""

    def __init__(self, config: Config):
        super().__init__()
        self.net = MLP([config.noise_dim, *[config.width_g] * config.depth_g, 2])

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.net(z)


class Discriminator(nn.Module):
    """x (n, 2) -> logits (n,)."""

    def __init__(self, config: Config, generator: torch.Generator):
        super().__init__()
        self.features = Fourier(config.fourier, config.fourier_scale, generator) if config.fourier else nn.Identity()
        self.net = MLP([2 + 2 * config.fourier, *[config.width_d] * config.depth_d, 1])

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.net(self.features(x))[:, 0]


def build_networks(config: Config, info: DatasetInfo, generator: torch.Generator) -> tuple[nn.Module, nn.Module]:
    """G and D for a data set, on the generator's device, with first weights from `generator`."""
    if info.kind == "2d":
        nets: tuple[nn.Module, nn.Module] = Generator(config), Discriminator(config, generator)
    else:
        from engines.gan.convnets import ImageDiscriminator, ImageGenerator

        nets = ImageGenerator(config, info.shape, len(info.classes)), ImageDiscriminator(config, info.shape, len(info.classes))
    for net in nets:
        net.to(generator.device)
        getattr(net, "initialise", lambda g, net=net: initialise(net, g))(generator)
    return nets


def draw_noise(n: int, config: Config, generator: torch.Generator) -> Tensor:
    """z (n, noise_dim): uniform in [−1, 1] or standard normal."""
    shape, device = (n, config.noise_dim), generator.device
    if config.noise == "normal":
        return torch.randn(shape, generator=generator, device=device)
    return torch.rand(shape, generator=generator, device=device).mul_(2).sub_(1)
