"""The space that a latent run denoises in (Rombach et al., 2022, "latent diffusion", which Stable Diffusion is): first an autoencoder is
trained, then it is frozen, its latents are brought to unit variance, and the denoiser sees nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from engines.diffusion.config import Config
from engines.nn.autoencoder import build_autoencoder, elbo_terms
from engines.state import Rng

RATE, LAST_RATE, WARM = 3e-3, 0.03, 30  # of Adam, the part of it left at the end, and steps until the full rate
BATCH = 128
CHUNK = 500  # images encoded at a time
PREVIEW = 1_000  # images that the scale is taken from while the autoencoder still learns


class LatentSpace(nn.Module):
    """Images (n, c, h, w) in [−1, 1] <-> latents (n, *shape) of unit variance. A latent of a training image is drawn anew from
    q(z | x) each time, so that the denoiser learns the cloud and not its centres. `first`: the step at which the denoiser begins."""

    shift: Tensor  # of latents, each number its own or, of cells, each channel
    scale: Tensor

    def __init__(self, config: Config, image: tuple[int, ...], pixels: Tensor, device: torch.device):
        super().__init__()
        self.first, self.kl_weight = config.first_steps, config.kl_weight
        self.net = build_autoencoder(image, config.latents, config.text, Rng(config.seed, ("autoencoder",), device)["autoencoder"])
        self.net.start_at((pixels.mean(0) + 1) / 2)  # type: ignore[operator]
        self.shape = self.net.shape
        each = (1, self.shape[0], *[1] * (len(self.shape) - 1))
        self.register_buffer("shift", torch.zeros(each, device=device))
        self.register_buffer("scale", torch.zeros(each, device=device))
        self.opt = torch.optim.Adam(self.net.parameters(), RATE, (0.9, 0.99), fused=True)
        self._weights: list[Tensor] = list(self.net.parameters())
        self._pixels, self.frozen = pixels, False
        self._table: tuple[Tensor, Tensor] | None = None

    # The first part of a run

    def train_step(self, step: int, data: torch.Generator, eps: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """One update: reconstruction and KL, nats, and the length of the gradient."""
        done = step / self.first
        self.opt.param_groups[0]["lr"] = RATE * min(1.0, max(LAST_RATE, 2 - 2 * done)) * min(1.0, (step + 1) / WARM)
        index = torch.randint(len(self._pixels), (BATCH,), generator=data, device=self._pixels.device)
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
        shift, scale = self._units(*self._table)
        self.shift.copy_(shift)
        self.scale.copy_(scale)
        self.frozen = True
        self.net.requires_grad_(False)

    # There and back

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        """The centres of q(z | x), (n, *shape)."""
        shift, scale = self.units()
        return (self._encode(x)[0] - shift) / scale

    def decode(self, z: Tensor) -> Tensor:
        """Images in [−1, 1]; a gradient may flow."""
        shift, scale = self.units()
        return 2 * torch.sigmoid(self.net.decode(z * scale + shift)) - 1

    @torch.no_grad()
    def draw(self, index: Tensor, generator: torch.Generator) -> Tensor:
        """z ~ q(z | x) of the training images index (n,), (n, *shape). ValueError while the autoencoder still learns."""
        if not self.frozen:
            raise ValueError(f"the autoencoder is still learning: the denoiser begins at step {self.first:,}")
        if self._table is None:  # of a run that was taken up again
            self._table = self._encode(self._pixels)
        mean, spread = (part[index] for part in self._table)
        z = mean + spread * torch.randn(mean.shape, generator=generator, device=mean.device)
        return (z - self.shift) / self.scale

    @torch.no_grad()
    def units(self) -> tuple[Tensor, Tensor]:
        """Shift and scale of the latents; while the autoencoder still learns, those of some of the images."""
        return (self.shift, self.scale) if self.frozen else self._units(*self._encode(self._pixels[:PREVIEW]))

    def _units(self, mean: Tensor, spread: Tensor) -> tuple[Tensor, Tensor]:
        axes = [0, *range(2, mean.dim())]
        return mean.mean(axes, keepdim=True), (mean.var(axes, keepdim=True) + spread.square().mean(axes, keepdim=True)).sqrt()

    def _encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of q(z | x)."""
        parts = [self.net.encode((some + 1) / 2) for some in x.split(CHUNK)]
        return torch.cat([mean for mean, _ in parts]), torch.cat([(logvar / 2).exp() for _, logvar in parts])

    def load_state_dict(self, state: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        result = super().load_state_dict(state, *args, **kwargs)
        self.frozen, self._table = bool((self.scale > 0).all()), None
        self.net.requires_grad_(not self.frozen)
        return result
