"""A VAE in training, in plain torch. One step: encode a batch, draw z, decode, lower the objective."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import log, prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engines import metrics
from engines.config import from_dict, knobs, to_dict
from engines.core import Images, Points, Snapshot, Views
from engines.data import DATASETS, DatasetInfo, kind, load
from engines.state import Rng
from engines.vae.codebook import Codebook, perplexity, usage
from engines.vae.config import GAUSSIAN, Config, tokens
from engines.vae.model import build_networks, start_at_mean
from engines.vae.objectives import OBJECTIVES, Terms, kl_per_dim, log_normal, score_function
from engines.vae.presets import Request

LAST_RATE = 0.02  # of the learning rate, at the end of a decaying run
WARM = 30  # steps until the full rate: Adam's first steps are too large
FORGET = 0.05  # how fast the running mean of the reconstruction follows, per step
FIRST_CODES = 1_000  # examples whose encoder outputs become the first codes


class Baseline(nn.Module):
    """Running mean of the reconstruction, what a score-function gradient takes off."""

    mean: Tensor  # ()
    steps: Tensor  # ()

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("steps", torch.zeros(()))

    @torch.no_grad()
    def update(self, recon: Tensor) -> None:
        self.steps += 1
        self.mean += (recon.mean() - self.mean) * torch.clamp(1 / self.steps, min=FORGET)


class VaeEngine:
    """See `engines.core.Engine`. `total` is the length that the learning rate's decay is planned for."""

    family = "vae"
    twin = "torch"

    def __init__(self, config: Config, *, device: str = "cpu", data: np.ndarray | None = None):
        self.config, self.step, self.total = config, 0, config.steps
        self.device = torch.device(device)
        self.image = kind(config.dataset) == "image"
        self.data = load(config.dataset, data)
        shape = tuple(self.data.shape)
        self.info = DATASETS.get(config.dataset) or DatasetInfo(
            config.dataset, kind(config.dataset), "", "", shape, classes=tuple(getattr(self.data, "classes", ()))
        )
        self.dims = prod(shape)
        self.gaussian, self.quantised = config.objective in GAUSSIAN, config.objective == "vq-vae"
        self.told = config.conditional and bool(self.info.classes)
        # densities of points are said in data units, whatever scale the networks see
        self.offset = 0.0 if self.image else self.dims * log(self.data.scale)
        self.rng = Rng(config.seed, ("init", "data", "eps", "binarise"), device)
        self.encoder, self.decoder = build_networks(config, self.info, self.rng["init"])
        self.likelihood = self.decoder.likelihood
        self.baseline = Baseline().to(self.device)
        self.codebook = Codebook(config.codes, config.code_dim).to(self.device) if self.quantised else None
        self.examples, self.labels = self._to_device()
        self._start()
        nets = [net for net in (self.encoder, self.decoder, self.codebook) if net is not None]
        self._weights: list[Tensor] = [p for net in nets for p in net.parameters()]
        self.opt = torch.optim.Adam(self._weights, config.lr, (config.beta1, config.beta2), fused=True)
        self.parts = {"encoder": self.encoder, "decoder": self.decoder, "baseline": self.baseline, "opt": self.opt, "rng": self.rng}
        if self.codebook is not None:
            self.parts["codebook"] = self.codebook
        self.probe = self._make_probe()

    def _to_device(self) -> tuple[Tensor, Tensor | None]:
        """The training set in units of the likelihood: points (n, 2), or pixels (n, c, h, w) with labels (n,)."""
        if not self.image:
            return torch.from_numpy(self.data.unit).to(self.device), None
        labels = torch.from_numpy(np.asarray(self.data.labels, np.int64)).to(self.device) if self.info.classes else None
        return self.prepared(self.data.pixels, "train"), labels

    def prepared(self, pixels: np.ndarray, split: str) -> Tensor:
        """Pixels (n, c, h, w) in [−1, 1] in units of the likelihood. Those that are binarised once come from a stream of their own, the
        same for every seed; so do test images that training would binarise anew each time, so that two looks see the same ones."""
        x = self.likelihood.prepare(torch.from_numpy(pixels).to(self.device))
        once = self.binarised == "fixed" or (self.binarised == "dynamic" and split != "train")
        return torch.bernoulli(x, generator=Rng(0, (split,), self.device)[split]) if once else x

    @property
    def binarised(self) -> str:
        """ "soft", "dynamic" or "fixed"; of other likelihoods "soft"."""
        return self.config.binarisation if self.config.likelihood == "bernoulli" else "soft"

    @torch.no_grad()
    def _start(self) -> None:
        if self.config.likelihood == "bernoulli":
            start_at_mean(self.decoder, self.examples.mean(0))
        if self.codebook is not None:
            y = None if self.labels is None else self.labels[:FIRST_CODES]
            self.codebook.start(self.encoder.features(self.examples[:FIRST_CODES], y), self.rng["init"])

    def _make_probe(self) -> Any:
        if self.image:
            from engines.vae.probe_images import ImageProbe

            return ImageProbe(self)
        from engines.vae.probe_2d import Probe2D

        return Probe2D(self)

    # Training

    def train_step(self, part: str | None = None) -> Mapping[str, Tensor]:
        """One update of both networks. Scalars stay on the device."""
        if part is not None:
            raise ValueError(f"part={part!r} cannot be updated alone: a VAE's networks learn together")
        c = self.config
        self._set_rate()
        x, y = self._batch()
        t = self.terms(x, y, self._draws(len(x)))
        loss = OBJECTIVES[c.objective](t, c, self.step)
        if c.mean_pixels:
            loss = loss + (1 / self.dims - 1) * t.recon.mean()
        learned = loss + score_function(t, self._off()).mean() if c.estimator != "pathwise" else loss
        self.opt.zero_grad()
        learned.backward()
        norm = _grad_norm(list(self.encoder.parameters()))
        self.opt.step()
        self.baseline.update(t.recon)
        self.step += 1
        return {metrics.LOSS: loss.detach(), metrics.ENCODER_GRAD_NORM: norm, **self.measured(t)}

    def _batch(self) -> tuple[Tensor, Tensor | None]:
        index = torch.randint(len(self.examples), (self.config.batch,), generator=self.rng["data"], device=self.device)
        x = self.examples[index]
        if self.binarised == "dynamic":
            x = torch.bernoulli(x, generator=self.rng["binarise"])
        return x, None if self.labels is None else self.labels[index]

    def _draws(self, n: int) -> Tensor | None:
        """eps (n, d), or (k, n, d) for IWAE."""
        c = self.config
        if not self.gaussian:
            return None
        shape = (c.k, n, c.latent) if c.objective == "iwae" else (n, c.latent)
        return torch.randn(shape, generator=self.rng["eps"], device=self.device)

    def _off(self) -> Tensor | float:
        return self.baseline.mean if self.config.estimator == "reinforce-baseline" else 0.0

    def terms(self, x: Tensor, y: Tensor | None, eps: Tensor | None) -> Terms:
        """The terms of a batch x (n, …) with draws eps (n, d) or (k, n, d), None where nothing is drawn."""
        if self.codebook is not None:
            return self._coded(x, y, self.codebook)
        mu, logvar = self.encoder(x, y)
        if not self.gaussian or eps is None:
            return Terms(-self.decoder.log_prob(x, mu, y), torch.zeros_like(mu), mu)
        z = mu + torch.exp(0.5 * logvar) * eps
        if self.config.estimator != "pathwise":
            z = z.detach()
        log_px = self.decoder.log_prob(x, z, y)  # (n,) or (k, n)
        kl = kl_per_dim(mu, logvar)
        if eps.dim() == 2:
            return Terms(-log_px, kl, z, mu, logvar)
        log_w = log_px + log_normal(z) - log_normal(z, mu, logvar)
        return Terms(-log_px.mean(0), kl, z[0], mu, logvar, log_w)

    def _coded(self, x: Tensor, y: Tensor | None, codebook: Codebook) -> Terms:
        """A VQ-VAE: decode the nearest codes; their gradient is copied to the encoder's outputs. Under a uniform prior a choice among K
        codes costs log K nats."""
        e = self.encoder.features(x, y)  # (n, tokens · code_dim)
        c = codebook.lookup(codebook.choose(e))
        recon = -self.decoder.log_prob(x, e + (c - e).detach(), y)
        kl = torch.full((len(x), tokens(self.config, self.info.shape)), log(self.config.codes), device=self.device)
        away = (e.detach() - c).square().sum(1), (e - c.detach()).square().sum(1)
        return Terms(recon, kl, c, codebook=away[0], commitment=away[1])

    def measured(self, t: Terms) -> dict[str, Tensor]:
        """Means over a batch, in nats of the data as they are: reconstruction, KL and −ELBO where the run has them."""
        recon = t.recon.detach().mean() + self.offset
        if t.commitment is not None and self.codebook is not None:
            share = usage(self.codebook.choose(t.z), self.config.codes)
            more = {metrics.COMMITMENT: t.commitment.detach().mean(), metrics.CODES_USED: perplexity(share)}
        elif not self.gaussian:
            return {metrics.RECON: recon}
        else:
            more = {}
        kl = t.kl.detach().sum(1).mean()
        return {metrics.RECON: recon, metrics.KL: kl, metrics.NEG_ELBO: recon + kl, **more}

    def _set_rate(self) -> None:
        done = self.step / self.total
        factor = min(1.0, max(LAST_RATE, 2 - 2 * done)) if self.config.lr_decay else 1.0
        self.opt.param_groups[0]["lr"] = self.config.lr * factor * min(1.0, (self.step + 1) / WARM)

    def set(self, **changes: Any) -> None:
        """Change live knobs. ValueError for any other, or for a bad value."""
        known = knobs(Config)
        for name in changes:
            if name in known and not known[name].live:
                raise ValueError(f"{name} cannot change while training; start again or fork")
        self.config = from_dict(Config, to_dict(self.config) | changes)

    def health(self) -> dict[str, Tensor]:
        """Largest absolute weights, and the largest posterior mean: scalars that must stay below 1,000."""
        parts = {"the encoder": self.encoder, "the decoder": self.decoder}
        return {f"the largest weight of {name}": _largest(net) for name, net in parts.items()} | self.probe.health(self)

    # Looking: own fixed draws, no gradient; nothing changes

    def backdrop(self) -> Snapshot:
        return self.probe.backdrop(self)

    def look(self) -> Views:
        return self.probe.look(self)

    def measure(self) -> Mapping[str, float]:
        """Metrics cheap enough for every look."""
        return self.probe.measure(self)

    def evaluate(self) -> Mapping[str, float]:
        return self.probe.evaluate(self)

    def answer(self, question: Any) -> Iterator[Snapshot | None]:
        """See `engines.core.Engine` and `engines.vae.answers`."""
        from engines.vae.answers import answer

        return answer(self, question)

    def to_codes(self) -> np.ndarray:
        """The codes (n, rows, columns) int64 of the training set, in its order. ValueError where there are none."""
        from engines.vae.codes import to_codes

        return to_codes(self, self.examples)

    def from_codes(self, codes: np.ndarray) -> Images | Points:
        """What the decoder makes of codes (n, rows, columns), in data units. ValueError says what does not fit."""
        from engines.vae.codes import from_codes

        return from_codes(self, codes)

    def sample(self, request: Request) -> Iterator[Snapshot]:
        """One snapshot: view "samples" holds request.n examples in data units, Points (n, 2) or Images (n, c, h, w)."""
        from engines.vae.priors import sample

        yield Snapshot(self.step, {}, {"samples": (sample(self, request),)})


@torch.no_grad()
def _grad_norm(weights: list[nn.Parameter]) -> Tensor:
    return torch.stack(torch._foreach_norm([w.grad for w in weights if w.grad is not None])).norm()


@torch.no_grad()
def _largest(net: nn.Module) -> Tensor:
    return torch.stack(torch._foreach_norm([p.detach() for p in net.parameters()], float("inf"))).max()
