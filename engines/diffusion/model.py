"""The network for 2-D data, and which network a run has. Every network is F(c_in x, c_noise, y): a scaled example, how much noise there
is as a number around [−1, 1], and a class or none."""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor, nn

from engines.data import DatasetInfo
from engines.diffusion.config import CLOCK, Config, inputs_2d
from engines.nn.mlp import MLP, Fourier, initialise

TURN = pi / 2  # rad per unit of c_noise, of the slowest sine of it


class PointDenoiser(nn.Module):
    """x (n, 2), c_noise (n,) -> (n, 2). Input: x with its random Fourier features, c_noise with two sines and cosines of its own."""

    def __init__(self, config: Config, generator: torch.Generator):
        super().__init__()
        self.features = Fourier(config.fourier, config.fourier_scale, generator)
        self.net = MLP([inputs_2d(config), *[config.width] * config.depth, 2])

    def forward(self, x: Tensor, c_noise: Tensor, y: Tensor | None = None) -> Tensor:
        c = c_noise[:, None]  # (n, 1)
        phase = c * (TURN * torch.arange(1, CLOCK + 1, device=c.device, dtype=c.dtype))  # (n, CLOCK)
        return self.net(torch.cat([self.features(x), c, phase.sin(), phase.cos()], 1))


def build_network(config: Config, info: DatasetInfo, generator: torch.Generator, latent: tuple[int, ...] = ()) -> nn.Module:
    """A fresh network for a data set, or for latents (n, *latent) of it, on the generator's device, with first weights from `generator`."""
    shape = latent or info.shape
    if info.kind == "2d":
        net: nn.Module = PointDenoiser(config, generator)
        initialise(net.to(generator.device), generator)
        return net
    classes = len(info.classes) if config.conditional else 0
    if config.text:
        from engines.diffusion.words import WordDenoiser

        return WordDenoiser(config, shape).start(generator)
    if config.space == "latent":
        from engines.diffusion.latent_nets import VectorDenoiser

        return VectorDenoiser(config, shape[0], classes).start(generator)
    if config.network == "dit":
        from engines.diffusion.dit import DiT

        return DiT(config, shape, classes).start(generator)
    from engines.diffusion.unet import UNet

    return UNet(config, shape, classes).start(generator)
