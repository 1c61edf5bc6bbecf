"""A diffusion model in training, in plain torch. One step: add noise to a batch, ask the network, lower its error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engines import metrics
from engines.config import from_dict, knobs, to_dict
from engines.core import Snapshot, Views
from engines.data import DATASETS, DatasetInfo, kind, load
from engines.data.captions import captioned
from engines.diffusion.config import Config
from engines.diffusion.grounding import Ground
from engines.diffusion.latent import LatentSpace
from engines.diffusion.model import build_network
from engines.diffusion.objectives import errors, weights
from engines.diffusion.parameterisations import PARAMETERISATIONS
from engines.diffusion.presets import Request
from engines.diffusion.schedules import training_sigmas
from engines.nn.ema import Ema
from engines.nn.muon import Muon
from engines.state import Rng

LAST_RATE = 0.01  # of the learning rate, at the end of a decaying run
WARM = 40  # steps until the full rate, on images: Adam's first steps are too large


class DiffusionEngine:
    """See `engines.core.Engine`. `total` is the length that the learning rate's decay is planned for. Networks see data of unit variance:
    (x − shift) / scale."""

    family = "diffusion"
    twin = "torch"

    def __init__(self, config: Config, *, device: str = "cpu", data: np.ndarray | None = None):
        self.config, self.step, self.total = config, 0, config.steps
        self.device = torch.device(device)
        self.image = kind(config.dataset) == "image"
        self.data: Any = captioned(config.dataset) if config.text else load(config.dataset, data)
        shape = tuple(self.data.shape)
        self.info = DATASETS.get(config.dataset) or DatasetInfo(
            config.dataset, kind(config.dataset), "", "", shape, classes=tuple(getattr(self.data, "classes", ()))
        )
        self.told = (config.conditional or config.text) and bool(self.info.classes)
        self.latent: LatentSpace | None = None
        self.examples, self.labels, self.shift, self.scale = self._to_device()
        self.shape = tuple(self.info.shape)  # of what the network sees
        levels = training_sigmas(config.schedule, config.shift)
        self.levels = None if levels is None else torch.from_numpy(levels).float().to(self.device)  # (T,)
        self.parameterisation = PARAMETERISATIONS[config.objective]
        self.rng = Rng(config.seed, ("init", "data", "eps", "sigma"), device)
        if config.space == "latent":
            self.latent = LatentSpace(config, self.shape, self.examples, self.device)
            self.shape = self.latent.shape
        self.ground = Ground(self.data, self.shape[1:], self.device) if config.grounding else None
        self.net = build_network(config, self.info, self.rng["init"], self.latent.shape if self.latent is not None else ())
        self.ema = Ema(self.net)
        self._weights: list[Tensor] = list(self.net.parameters())
        self.opt, self.muon = optimisers(config, self._weights)
        self._parts: dict[str, Any] = {"net": self.net, "ema": self.ema, "opt": self.opt, "rng": self.rng}
        if self.muon:
            self._parts["opt_muon"] = self.muon
        self.probe = self._make_probe()

    @property
    def parts(self) -> dict[str, Any]:
        return self.parts_at(self.step)

    def parts_at(self, step: int) -> dict[str, Any]:
        """What must survive a move at that step: of a latent run its autoencoder, and while that learns, its optimiser."""
        if self.latent is None:
            return self._parts
        learning = {"opt_autoencoder": self.latent.opt} if step < self.latent.first else {}
        return self._parts | {"autoencoder": self.latent} | learning

    def _to_device(self) -> tuple[Tensor, Tensor | None, Tensor | float, float]:
        """The training set, (n, 2) or (n, c, h, w), in units of the network or, where that sees latents, in [−1, 1]; its classes (n,) or
        captions (n, VARIANTS, k) if the network is told; and what x0 · scale + shift needs to be data again."""
        if not self.image:
            middle = torch.tensor(self.data.shift, dtype=torch.float32, device=self.device)
            return torch.from_numpy(self.data.unit).to(self.device), None, middle, self.data.scale
        pixels = torch.from_numpy(self.data.pixels).to(self.device)
        mean, scale = (0.0, 1.0) if self.config.space == "latent" else (float(pixels.mean()), float(pixels.std()))
        of_each = self.data.captions if self.config.text else np.asarray(self.data.labels, np.int64)
        labels = torch.from_numpy(of_each).to(self.device) if self.told else None
        return pixels if self.config.space == "latent" else (pixels - mean) / scale, labels, mean, scale

    def encode(self, x: Tensor) -> Tensor:
        """Examples in data units -> what the network sees, (n, *shape)."""
        return self.latent.encode(x) if self.latent is not None else (x - self.shift) / self.scale

    def decode(self, x: Tensor) -> Tensor:
        """The inverse; a gradient may flow."""
        return self.latent.decode(x) if self.latent is not None else x * self.scale + self.shift

    def _make_probe(self) -> Any:
        if self.image:
            from engines.diffusion.probe_images import ImageProbe

            return ImageProbe(self)
        from engines.diffusion.probe_2d import Probe2D

        return Probe2D(self)

    # Training

    def train_step(self, part: str | None = None) -> Mapping[str, Tensor]:
        """One update of the network and its average. Scalars stay on the device."""
        if part is not None:
            raise ValueError(f"part={part!r} cannot be updated alone: there is one network")
        if self.latent is not None and self.step < self.latent.first:
            return self._train_autoencoder(self.latent)
        self._set_rate()
        x0, y, region = self._batch()
        sigma = self.draw_sigma(len(x0), self.rng["sigma"])
        eps = torch.randn(x0.shape, generator=self.rng["eps"], device=self.device)
        norm, loss = self.learn(x0, eps, sigma, y, region)
        self.step += 1
        return {metrics.MSE: loss, metrics.GRAD_NORM: norm}

    def _train_autoencoder(self, latent: LatentSpace) -> Mapping[str, Tensor]:
        reconstruction, kl, norm = latent.train_step(self.step, self.rng["data"], self.rng["eps"])
        self.step += 1
        return {metrics.RECON: reconstruction, metrics.KL: kl, metrics.GRAD_NORM: norm}

    @property
    def begun(self) -> int:
        """Steps that the denoiser has learned for."""
        return self.step - (self.latent.first if self.latent is not None else 0)

    def learn(self, x0: Tensor, eps: Tensor, sigma: Tensor, y: Tensor | None, region: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Lower the weighted error on these and, where the words of y belong to a region (n, cells), how far they are looked up outside;
        the length of the gradient, and the error, both scalars."""
        c, maps = self.config, list[Tensor]()
        net = self.net if region is None else partial(self.net, maps=maps)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=c.precision == "bfloat16"):
            each = errors(net, self.parameterisation, x0, eps, sigma, y)
        loss = (weights(c.weighting, self.parameterisation, sigma) * each).mean()
        outside = self.ground.loss(maps, y, region) if self.ground and y is not None and region is not None else 0.0
        self.net.zero_grad()
        (loss + c.grounding * outside).backward()
        norm = torch.stack(torch._foreach_norm([w.grad for w in self._weights if w.grad is not None])).norm()
        self.opt.step()
        if self.muon:
            self.muon.step()
        self.ema.update(self.net, c.ema_decay, self.begun)
        return norm, loss.detach()

    def _batch(self) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """x0 (n, …), classes (n,) or captions (n, k), some of them left out, and the regions (n, cells) that grounded words belong to."""
        index = torch.randint(len(self.examples), (self.config.batch,), generator=self.rng["data"], device=self.device)
        x0, y = self.examples_at(index, self.rng["eps"]), self.told_of(index, self.rng["data"])
        region = None if self.ground is None else self.ground.regions[index]
        if y is None:
            return x0, None, region
        out = torch.rand(len(index), generator=self.rng["data"], device=self.device) < self.config.label_dropout
        return x0, torch.where(out, len(self.info.classes), y) if y.dim() == 1 else y * ~out[:, None], region

    def examples_at(self, index: Tensor, generator: torch.Generator) -> Tensor:
        """Training examples index (n,) as the network sees them; latents are drawn."""
        return self.examples[index] if self.latent is None else self.latent.draw(index, generator)

    def told_of(self, index: Tensor, generator: torch.Generator) -> Tensor | None:
        """What the network is told of training examples index (n,): classes (n,), one of each one's captions (n, k), or nothing."""
        if self.labels is None or not self.config.text:
            return None if self.labels is None else self.labels[index]
        chosen = torch.randint(self.labels.shape[1], index.shape, generator=generator, device=self.device)
        return self.labels[index, chosen]

    def condition(self, y: Tensor) -> Tensor:
        """What the network is told for classes y (n,): those, or captions (n, k) that name them. Captions stay as they are."""
        if not self.config.text or y.dim() == 2:
            return y
        wording = self.data.wording
        return torch.from_numpy(wording.numbers(*wording.named)).to(self.device)[y]

    def draw_sigma(self, n: int, generator: torch.Generator) -> Tensor:
        """(n,) noise levels as training meets them, one from each n-th part of their distribution: Kingma et al., 2021, appendix I.1."""
        c = self.config
        u = (torch.arange(n, device=self.device) + torch.rand(n, generator=generator, device=self.device)) / n
        if self.levels is not None:
            return self.levels[(u * len(self.levels)).long().clamp(max=len(self.levels) - 1)]
        return (c.noise_mean + c.noise_std * torch.special.ndtri(u.clamp(1e-6, 1 - 1e-6))).exp()

    def _set_rate(self) -> None:
        done = self.begun / (self.total - self.step + self.begun)
        factor = min(1.0, max(LAST_RATE, 2 - 2 * done)) if self.config.lr_decay else 1.0
        warm = min(1.0, (self.begun + 1) / WARM) if self.image else 1.0
        for optimiser in (self.opt, self.muon):
            if optimiser:
                optimiser.param_groups[0]["lr"] = self.config.lr * factor * warm

    def set(self, **changes: Any) -> None:
        """Change live knobs. ValueError for any other, or for a bad value."""
        known = knobs(Config)
        for name in changes:
            if name in known and not known[name].live:
                raise ValueError(f"{name} cannot change while training; start again or fork")
        self.config = from_dict(Config, to_dict(self.config) | changes)

    def health(self) -> dict[str, Tensor]:
        """Largest absolute weight, which must stay below 1,000."""
        weights = self._weights + (list(self.latent.net.parameters()) if self.latent is not None else [])
        return {"the largest weight": torch.stack(torch._foreach_norm(weights, float("inf"))).max().detach()}

    # Looking: own fixed noise, averaged weights, no gradient kept; nothing changes

    def backdrop(self) -> Snapshot:
        return self.probe.backdrop(self)

    def look(self) -> Views:
        return self.probe.look(self)

    def evaluate(self) -> Mapping[str, float]:
        return self.probe.evaluate(self)

    def audit(self) -> tuple[Mapping[str, float], Mapping[str, float]]:
        """Metrics too slow to be measured while training, and their floors. Changes nothing."""
        return self.probe.audit(self)

    def answer(self, question: Any) -> Iterator[Snapshot | None]:
        """See `engines.core.Engine` and `engines.diffusion.answers`."""
        from engines.diffusion.answers import answer

        return answer(self, question)

    def sample(self, request: Request) -> Iterator[Snapshot]:
        """One snapshot: view "samples" holds request.n examples in data units, Points (n, 2) or Images (n, c, h, w)."""
        from engines.diffusion.sampling import request_walk, samples_view

        walk, y = request_walk(self, request)
        yield Snapshot(self.step, {}, {"samples": (samples_view(self, walk, y),)})


def optimisers(config: Config, weights: list[Tensor]) -> tuple[torch.optim.Adam, Muon | None]:
    """Adam and, if the run asks for it, Muon for the convolutions that Adam then leaves alone."""
    convolutions = [p for p in weights if p.dim() == 4] if config.optimizer == "muon" else []
    rest = [p for p in weights if p.dim() != 4] if convolutions else weights
    adam = torch.optim.Adam(rest, config.lr, (config.beta1, config.beta2), fused=True)
    return adam, Muon(convolutions, config.lr) if convolutions else None
