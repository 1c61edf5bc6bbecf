"""The two networks. G turns noise into examples, D gives each example one number, the logit of being real."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engines.data import DatasetInfo
from engines.gan.config import Config
from engines.nn.minibatch import MinibatchDiscrimination, minibatch
from engines.nn.mlp import MLP, STARTS, Fourier
from engines.nn.spectral import Spectral, SpectralLinear


class Generator(nn.Module):
    """z (n, noise_dim) -> x (n, 2), in units of the data's scale."""

    def __init__(self, config: Config):
        super().__init__()
        self.net = MLP([config.noise_dim, *[config.width_g] * config.depth_g, 2], activation=config.activation)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.net(z)


class Discriminator(nn.Module):
    """x (n, 2) -> logits (n,), of in_scale · x. With packing, x (n, m, 2): one logit for m examples at once, their features side by
    side."""

    def __init__(self, config: Config, generator: torch.Generator):
        super().__init__()
        kernels, width, linear = config.minibatch_discrimination, config.width_d, SpectralLinear if config.spectral_norm else nn.Linear
        self.in_scale, self.normalised = config.in_scale, config.spectral_norm
        self.features = Fourier(config.fourier, config.fourier_scale, generator) if config.fourier else nn.Identity()
        sizes = [config.pack * (2 + 2 * config.fourier), *[width] * config.depth_d, 1]
        self.net = MLP(sizes, beside=kernels, linear=linear, activation=config.activation)
        self.minibatch = minibatch(width, config)

    def forward(self, x: Tensor, y: Tensor | None = None, crowd: Tensor | None = None) -> Tensor:
        """`crowd` (k, …), like x: what minibatch discrimination compares x with, in place of the rest of x."""
        h = self.net.hidden(self.seen(x))  # (n, width_d)
        if self.minibatch is not None:
            among = None if crowd is None else self.net.hidden(self.seen(crowd))
            h = torch.cat([h, self.minibatch(h, among)], 1)  # (n, width_d + kernels)
        return self.net.layers[-1](h)[:, 0]

    def seen(self, x: Tensor) -> Tensor:
        """What the first layer reads of x (n, …), (n, k). With spectral norm it stretches nothing by more than 1 either."""
        read = self.features(x if self.in_scale == 1 else x * self.in_scale).flatten(1)
        return read / self.stretch() if self.normalised else read

    def stretch(self) -> Tensor | float:
        """By how much in_scale and features stretch at most, everywhere alike: their Jacobian J = [I; cos · Fᵀ; −sin · Fᵀ] has
        JᵀJ = I + F Fᵀ, whose largest eigenvalue is that of a symmetric 2×2 matrix."""
        if not isinstance(self.features, Fourier):
            return self.in_scale
        f = self.features.frequencies  # (2, count)
        (a, b), (_, c) = f @ f.T
        largest = 1 + (a + c) / 2 + (((a - c) / 2).square() + b.square()).sqrt()
        return self.in_scale * largest.sqrt()


def packs(x: Tensor, m: int) -> Tensor:
    """m examples at a time, as D sees them (PacGAN, Lin et al., 2018): points (n, 2) -> (n/m, m, 2), images (n, c, h, w) ->
    (n/m, m c, h, w). What is left over is dropped."""
    if m == 1:
        return x
    x = x[: len(x) // m * m].unflatten(0, (-1, m))  # (n/m, m, …)
    return x.flatten(1, 2) if x.dim() > 3 else x


def build_networks(config: Config, info: DatasetInfo, generator: torch.Generator) -> tuple[nn.Module, nn.Module]:
    """G and D for a data set, on the generator's device, with first weights from `generator`."""
    if info.kind == "2d":
        nets: tuple[nn.Module, nn.Module] = Generator(config), Discriminator(config, generator)
    else:
        from engines.gan.convnets import ImageDiscriminator, ImageGenerator

        nets = ImageGenerator(config, info.shape, len(info.classes)), ImageDiscriminator(config, info.shape, len(info.classes))
    for net in nets:
        net.to(generator.device)
        getattr(net, "initialise", lambda g, net=net: STARTS[config.start](net, g))(generator)
    for layer in nets[1].modules():  # after all weights, which are the same with and without these layers
        if isinstance(layer, Spectral):
            layer.start(generator)
        elif isinstance(layer, MinibatchDiscrimination):
            layer.start(generator, config.minibatch_spread)
    return nets


def draw_noise(n: int, config: Config, generator: torch.Generator) -> Tensor:
    """z (n, noise_dim): uniform in [−1, 1] or standard normal."""
    shape, device = (n, config.noise_dim), generator.device
    if config.noise == "normal":
        return torch.randn(shape, generator=generator, device=device)
    return torch.rand(shape, generator=generator, device=device).mul_(2).sub_(1)
