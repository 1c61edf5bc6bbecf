"""A warm start for G: in its first steps it is the decoder of a variational autoencoder (Kingma & Welling, 2014), told the class where
the run is conditional (Sohn et al., 2015). Then the encoder is dropped and the game begins, with a D that has seen nothing. Decoder and
generator are one network in VAE/GAN too (Larsen et al., 2016), there at the same time, here one after the other.

It fits because the autoencoder's prior is the noise of the game: standard normal."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.gan.config import Config
from engines.metrics import G_GRAD_NORM, KL, RECON
from engines.nn.init import reset
from engines.state import Rng

WIDTH = 400  # of the encoder's hidden layer
RATE, LAST_RATE = 3e-3, 0.05  # Adam's, and the part of it that is left at the end of the warm start
RAMP = 100  # steps of the game until G learns at its full rate
LEAST, MOST = -8.0, 4.0  # log-variance, so that its exponential stays finite


class Encoder(nn.Module):
    """x (n, c, h, w) in [−1, 1] -> mean and log-variance of q(z | x), both (n, noise_dim)."""

    def __init__(self, pixels: int, noise_dim: int):
        super().__init__()
        self.hidden = nn.utils.skip_init(nn.Linear, pixels, WIDTH)
        self.head = nn.utils.skip_init(nn.Linear, WIDTH, 2 * noise_dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, logvar = self.head(F.silu(self.hidden(x.flatten(1)))).chunk(2, 1)
        return mean, logvar.clamp(LEAST, MOST)


def kl_to_noise(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp logvar) ‖ N(0, 1)) in nats, summed over (n, k): (n,). Kingma & Welling, 2014, appendix B."""
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar).sum(1)


def reconstruction(logits: Tensor, x: Tensor) -> Tensor:
    """−log p(x | z) in nats, summed over pixels: (n,). Each grey value (x + 1) / 2 is read as the probability of a white pixel, which G
    gives as sigmoid(logits); its least value is the entropy of the grey values, not 0. Both (n, c, h, w)."""
    return F.binary_cross_entropy_with_logits(logits, (x + 1) / 2, reduction="none").flatten(1).sum(1)


def ramp(step: int, warm_steps: int) -> float:
    """Part of G's learning rate: after a warm start it rises from 0 while D, which knows nothing yet, has nothing to teach. Adam's first
    moves are as long as the rate, however little a gradient means, and would undo what G has learned."""
    return min(1.0, max(0, step - warm_steps + 1) / RAMP) if warm_steps else 1.0


class WarmUp:
    """The encoder and the optimiser that moves it together with G. `parts` must survive a move of the engine."""

    def __init__(self, G: nn.Module, config: Config, pixels: int, device: torch.device):
        self.G = G
        self.encoder = Encoder(pixels, config.noise_dim).to(device)
        reset(self.encoder, Rng(config.seed, ("encoder",), device)["encoder"])
        self._weights_g = list(G.parameters())
        self.optimiser = torch.optim.Adam([*self.encoder.parameters(), *self._weights_g], RATE, (0.9, 0.99), fused=True)
        self.parts: dict[str, Any] = {"encoder": self.encoder, "opt_warm": self.optimiser}

    def train_step(self, x: Tensor, y: Tensor | None, done: float, generator: torch.Generator) -> dict[str, Tensor]:
        """Raise the evidence lower bound of images x (n, c, h, w): it is −(reconstruction + kl). `done` in [0, 1) is the part of the warm
        start behind us; the rate falls in its second half."""
        self.optimiser.param_groups[0]["lr"] = RATE * min(1.0, max(LAST_RATE, 2 - 2 * done))
        mean, logvar = self.encoder(x)  # (n, k)
        eps = torch.randn(mean.shape, generator=generator, device=mean.device)
        logits = self.G.logits(mean + (logvar / 2).exp() * eps, y)  # type: ignore[operator]
        rebuilt, kl = reconstruction(logits, x).mean(), kl_to_noise(mean, logvar).mean()
        self.optimiser.zero_grad()
        (rebuilt + kl).backward()
        norm = torch.stack([w.grad.norm() for w in self._weights_g if w.grad is not None]).norm()
        self.optimiser.step()
        return {RECON: rebuilt.detach(), KL: kl.detach(), G_GRAD_NORM: norm}
