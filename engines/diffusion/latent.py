"""The space that a latent run denoises in (Rombach et al., 2022, "latent diffusion", which Stable Diffusion is): first an autoencoder is
trained, then it is frozen, its latents are whitened, and the denoiser sees nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from engines.diffusion.config import Config
from engines.diffusion.latent_cost import CELL_BATCH, VECTOR_BATCH
from engines.nn.autoencoder import build_autoencoder, elbo_terms, missing_contrast
from engines.state import Rng

VECTOR, CELLS = (8e-3, VECTOR_BATCH), (3e-3, CELL_BATCH)  # rate of Adam and size of a batch, for either form of autoencoder
LAST_RATE, WARM = 0.03, 30  # the part of the rate that is left at the end, and steps until it is full
CHUNK = 500  # images encoded at a time
PREVIEW = 1_000  # images that the scale is taken from while the autoencoder still learns
LOOKED_AT = 2_000  # images that the contrast is taken from


class LatentSpace(nn.Module):
    """Images (n, c, h, w) in [−1, 1] <-> latents (n, *shape), uncorrelated and of unit variance. A latent of a training image is drawn
    anew from q(z | x) each time, so that the denoiser learns the cloud and not its centres. `first`: the step at which the denoiser
    begins."""

    shift: Tensor  # (1, d, …), the mean of each number or, of cells, of each channel
    white: Tensor  # (d, d), C^−½ of their covariance C: what is left for the denoiser is what is not Gaussian
    colour: Tensor  # (d, d), C^½

    def __init__(self, config: Config, image: tuple[int, ...], pixels: Tensor, device: torch.device):
        super().__init__()
        self.first, self.kl_weight, self.contrast = config.first_steps, config.kl_weight, config.contrast
        self.net = build_autoencoder(image, config.latents, config.text, Rng(config.seed, ("autoencoder",), device)["autoencoder"])
        self.net.start_at((pixels.mean(0) + 1) / 2)  # type: ignore[operator]
        self.shape = self.net.shape
        d = self.shape[0]
        self.register_buffer("shift", torch.zeros((1, d, *[1] * (len(self.shape) - 1)), device=device))
        for name in ("white", "colour"):
            self.register_buffer(name, torch.zeros((d, d), device=device))
        self.rate, self.batch = CELLS if config.text else VECTOR
        self.opt = torch.optim.Adam(self.net.parameters(), self.rate, (0.9, 0.99), fused=True)
        self._weights: list[Tensor] = list(self.net.parameters())
        self._pixels, self.frozen = pixels, False
        self._table: tuple[Tensor, Tensor] | None = None

    # The first part of a run

    def train_step(self, step: int, data: torch.Generator, eps: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """One update: reconstruction and KL, nats, and the length of the gradient."""
        done = step / self.first
        self.opt.param_groups[0]["lr"] = self.rate * min(1.0, max(LAST_RATE, 2 - 2 * done)) * min(1.0, (step + 1) / WARM)
        index = torch.randint(len(self._pixels), (self.batch,), generator=data, device=self._pixels.device)
        reconstruction, kl = (term.mean() for term in elbo_terms(self.net, (self._pixels[index] + 1) / 2, eps))
        self.opt.zero_grad()
        (reconstruction + self.kl_weight * kl).backward()
        norm = torch.stack(torch._foreach_norm([w.grad for w in self._weights if w.grad is not None])).norm()
        self.opt.step()
        if step + 1 == self.first:
            self.freeze()
        return reconstruction.detach(), kl.detach(), norm

    @torch.no_grad()
    def freeze(self) -> None:
        """The autoencoder is finished: its latents are measured once and for all."""
        self._table = self._encode(self._pixels)
        if self.contrast:
            some = slice(LOOKED_AT)
            self.net.amplify(missing_contrast(self.net.decode(self._table[0][some]), (self._pixels[some] + 1) / 2))
        for mine, found in zip((self.shift, self.white, self.colour), units_of(*self._table), strict=True):
            mine.copy_(found)
        self.frozen = True
        self.net.requires_grad_(False)

    # There and back

    @torch.no_grad()
    def encode(self, x: Tensor, noise: Tensor | float = 0.0) -> Tensor:
        """z = mean + noise · standard deviation of q(z | x), (n, *shape): its centres, or with unit noise (n, *shape) draws from it."""
        shift, white, _ = self.units()
        mean, spread = self._encode(x)
        return mixed(mean + noise * spread - shift, white)

    def decode(self, z: Tensor) -> Tensor:
        """Images in [−1, 1]; a gradient may flow."""
        shift, _, colour = self.units()
        return 2 * torch.sigmoid(self.net.decode(mixed(z, colour) + shift)) - 1

    @torch.no_grad()
    def draw(self, index: Tensor, generator: torch.Generator) -> Tensor:
        """z ~ q(z | x) of the training images index (n,), (n, *shape). ValueError while the autoencoder still learns."""
        if not self.frozen:
            raise ValueError(f"the autoencoder is still learning: the denoiser begins at step {self.first:,}")
        if self._table is None:  # of a run that was taken up again
            self._table = self._encode(self._pixels)
        mean, spread = (part[index] for part in self._table)
        z = mean + spread * torch.randn(mean.shape, generator=generator, device=mean.device)
        return mixed(z - self.shift, self.white)

    @torch.no_grad()
    def units(self) -> tuple[Tensor, Tensor, Tensor]:
        """Shift, white and colour of the latents; while the autoencoder still learns, those of some of the images."""
        return (self.shift, self.white, self.colour) if self.frozen else units_of(*self._encode(self._pixels[:PREVIEW]))

    def _encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of q(z | x)."""
        parts = [self.net.encode((some + 1) / 2) for some in x.split(CHUNK)]
        return torch.cat([mean for mean, _ in parts]), torch.cat([(logvar / 2).exp() for _, logvar in parts])

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        result = super().load_state_dict(state_dict, strict, assign)
        self.frozen, self._table = bool(self.colour.any()), None
        self.net.requires_grad_(not self.frozen)
        return result


def units_of(mean: Tensor, spread: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Shift (1, d, …), C^−½ and C^½ (d, d) of draws from Gaussians of these means and standard deviations (n, d, …)."""
    shift = mean.mean([0, *range(2, mean.dim())], keepdim=True)
    rows, widths = ((part - at).transpose(0, 1).flatten(1) for part, at in ((mean, shift), (spread, 0.0)))  # (d, n …)
    values, vectors = torch.linalg.eigh(rows @ rows.T / rows.shape[1] + widths.square().mean(1).diag())
    root = values.clamp(min=1e-8).sqrt()
    return shift, vectors / root @ vectors.T, vectors * root @ vectors.T


def mixed(z: Tensor, matrix: Tensor) -> Tensor:
    """z (n, d, …) times a symmetric matrix (d, d), along d."""
    return torch.einsum("nd...,de->ne...", z, matrix)
