"""A small variational autoencoder of images, for whoever works on its latents (Kingma & Welling, 2014; in front of a diffusion model:
Rombach et al., 2022). Two forms: a vector for the whole image, which linear layers find in the fewest seconds, or a few numbers for each
cell of 4 by 4 pixels, which keep their place in the image as those of Stable Diffusion do."""

from __future__ import annotations

from math import prod
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.nn.init import reset

WIDTH = 400  # units of the hidden layer of the vector form
FINE, COARSE = 16, 32  # channels of the cell form, at a half and a quarter of the image's side
LEAST, MOST = -8.0, 4.0  # log-variance, so that its exponential stays finite
MOST_CONTRAST, HALVINGS = 4.0, 16
FACTOR = 4  # how much shorter the side of a grid of cells is than that of its image


class Autoencoder(nn.Module):
    """Pixels x (n, c, h, w) in [0, 1] <-> latents z (n, *shape). `encode` gives mean and log-variance of q(z | x), `decode` logits."""

    shape: tuple[int, ...]
    encoder: nn.Sequential
    decoder: nn.Sequential

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, logvar = self.encoder(x - 0.5).chunk(2, 1)
        return mean, logvar.clamp(LEAST, MOST)

    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z)

    @torch.no_grad()
    def amplify(self, factor: float) -> None:
        """Let all logits be that many times as large from now on."""
        last = [layer for layer in self.decoder if isinstance(layer, nn.Linear | nn.Conv2d)][-1]
        for weight in last.parameters():
            weight.mul_(factor)


class VectorAutoencoder(Autoencoder):
    """z (n, latents): one hidden layer on either side."""

    def __init__(self, image: tuple[int, ...], latents: int):
        super().__init__()
        self.shape = (latents,)
        self.encoder = nn.Sequential(nn.Flatten(), _linear(prod(image), WIDTH), nn.SiLU(), _linear(WIDTH, 2 * latents))
        self.decoder = nn.Sequential(_linear(latents, WIDTH), nn.SiLU(), _linear(WIDTH, prod(image)), nn.Unflatten(1, image))

    def start_at(self, mean: Tensor) -> None:
        """Let the first output be the mean image (c, h, w), whatever z is (as Burda et al., 2016, do)."""
        with torch.no_grad():
            cast(nn.Linear, self.decoder[2]).bias.copy_(torch.logit(mean.flatten(), eps=1e-3))


class CellAutoencoder(Autoencoder):
    """z (n, latents, h / 4, w / 4): two strided convolutions, and back by two sub-pixel ones (Shi et al., 2016)."""

    def __init__(self, image: tuple[int, ...], latents: int):
        super().__init__()
        c, h, w = image
        self.shape = (latents, h // FACTOR, w // FACTOR)
        self.encoder = nn.Sequential(
            _conv(c, FINE, 4, stride=2, padding=1), nn.SiLU(), _conv(FINE, COARSE, 4, stride=2, padding=1), nn.SiLU(),
            _conv(COARSE, 2 * latents, 1),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            _conv(latents, COARSE, 3, padding=1), nn.SiLU(), _conv(COARSE, 4 * FINE, 3, padding=1), nn.PixelShuffle(2), nn.SiLU(),
            _conv(FINE, 4 * c, 3, padding=1), nn.PixelShuffle(2),
        )  # fmt: skip

    def start_at(self, mean: Tensor) -> None:
        """Let the first output be near the mean brightness of each channel of the mean image (c, h, w)."""
        with torch.no_grad():
            cast(Tensor, cast(nn.Conv2d, self.decoder[5]).bias).copy_(torch.logit(mean.mean((1, 2)), eps=1e-3).repeat_interleave(4))


def build_autoencoder(image: tuple[int, ...], latents: int, cells: bool, generator: torch.Generator) -> Autoencoder:
    """A fresh one for images (c, h, w), on the generator's device, with first weights from `generator`."""
    net = CellAutoencoder(image, latents) if cells else VectorAutoencoder(image, latents)
    return reset(net.to(generator.device), generator)


def draw(mean: Tensor, logvar: Tensor, generator: torch.Generator) -> Tensor:
    """z ~ q(z | x), of the shape of mean."""
    return mean + (logvar / 2).exp() * torch.randn(mean.shape, generator=generator, device=mean.device)


def elbo_terms(net: Autoencoder, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Reconstruction −log p(x | z) and KL(q(z | x) ‖ N(0, I)) of pixels x (n, c, h, w) in [0, 1]: both (n,), in nats, summed over
    dimensions. Each grey value is read as the probability of a white pixel: the least reconstruction is their entropy, not 0."""
    mean, logvar = net.encode(x)
    logits = net.decode(draw(mean, logvar, generator))
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)
    kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).flatten(1).sum(1)
    return reconstruction, kl


# A decoder taught by cross-entropy paints E[x | z], the mean of all images that a latent could stand for. By the law of total variance,
# Var x = Var E[x | z] + E Var[x | z]: its images vary less than the data, by the second term
def missing_contrast(logits: Tensor, x: Tensor) -> float:
    """The factor of logits (n, …) at which their sigmoids vary over the n images as much as x (n, …) in [0, 1] does, in
    [1, MOST_CONTRAST]."""
    wanted, low, high = x.var(0).sum(), 1.0, MOST_CONTRAST
    for _ in range(HALVINGS):
        factor = (low + high) / 2
        low, high = (factor, high) if (factor * logits).sigmoid().var(0).sum() < wanted else (low, factor)
    return low


def _linear(inputs: int, outputs: int) -> nn.Linear:
    return nn.utils.skip_init(nn.Linear, inputs, outputs)


def _conv(inputs: int, outputs: int, size: int, **options: int) -> nn.Conv2d:
    return nn.utils.skip_init(nn.Conv2d, inputs, outputs, size, **options)
