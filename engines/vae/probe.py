"""What is seen and measured of every VAE: where test examples lie among the latents, which latents are in use, the terms of the bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engines import metrics
from engines.core import Bars, View, Views
from engines.state import Rng
from engines.vae.codebook import usage
from engines.vae.objectives import Terms, kl_per_dim
from engines.vae.plane import Plane, plane

if TYPE_CHECKING:
    from engines.vae.engine import VaeEngine
    from engines.vae.flow_prior import Flow

GRID = 15  # tiles of the manifold in each direction
LOW, HIGH = 0.03, 0.97  # Gaussian quantiles at its border
ACTIVE = 0.01  # variance of the posterior mean from which a latent is in use. Burda et al., 2016
MEASURED = 500  # test examples whose terms are measured at every look
SHOWN = 10  # test examples shown with their reconstructions


@dataclass(frozen=True)
class Seen:
    """The test examples as the encoder sees them now: mu and sigma (n, d), sigma None where there is none, and the plane they are
    shown in."""

    mu: Tensor
    sigma: Tensor | None
    plane: Plane


class Probe:
    """Fixed examples and fixed draws, so that two looks differ only by what was learned. `x` (n, …) are test examples in units of the
    likelihood, `y` their classes or None."""

    def __init__(self, engine: VaeEngine, x: Tensor, y: Tensor | None):
        rng = Rng(engine.config.seed, ("look", "prior", "evaluate"), engine.device)
        self.x, self.y = x, y
        d = engine.config.latent
        self.eps = torch.randn((len(x), d), generator=rng["look"], device=engine.device)
        self.z_prior = torch.randn((GRID**2, d), generator=rng["prior"], device=engine.device)
        self.seed = engine.config.seed
        self._known: tuple[tuple[float, ...], Seen] | None = None
        self._usual: tuple[Seen, Tensor] | None = None
        self.flow: tuple[Seen, Flow] | None = None  # the learned prior of what was seen

    @torch.no_grad()
    def seen(self, engine: VaeEngine) -> Seen:
        """Kept until a weight changes: a look comes right after a measurement. Fused Adam does not count up a tensor's version."""
        age = engine.step, *(float(p.sum()) for p in engine.encoder.parameters())
        if self._known is None or self._known[0] != age:
            self._known = age, self._encode(engine)
        return self._known[1]

    def _encode(self, engine: VaeEngine) -> Seen:
        if engine.codebook is not None:
            e = engine.encoder.features(self.x, self.y)
            codes = engine.codebook.lookup(engine.codebook.choose(e))
            return Seen(codes, None, plane(codes, codes=True))
        mu, logvar = engine.encoder(self.x, self.y)
        return Seen(mu, torch.exp(0.5 * logvar) if engine.gaussian else None, plane(mu))

    @torch.no_grad()
    def terms(self, engine: VaeEngine, n: int) -> Terms:
        """The terms of the first n test examples, one draw each."""
        y = None if self.y is None else self.y[:n]
        return engine.terms(self.x[:n], y, self.eps[:n] if engine.gaussian else None)

    @torch.no_grad()
    def usual(self, engine: VaeEngine) -> Tensor:
        """−ELBO of the first MEASURED test examples, (n,), in nats, each reconstructed from its mean; kept as long as what is seen."""
        seen = self.seen(engine)
        assert seen.sigma is not None
        if self._usual is None or self._usual[0] is not seen:
            mu, sigma = seen.mu[:MEASURED], seen.sigma[:MEASURED]
            kl = kl_per_dim(mu, 2 * sigma.log()).sum(1)
            y = None if self.y is None else self.y[: len(mu)]
            self._usual = seen, kl - engine.decoder.log_prob(self.x[: len(mu)], mu, y) + engine.offset
        return self._usual[1]

    @torch.no_grad()
    def measure(self, engine: VaeEngine, n: int = MEASURED) -> dict[str, float]:
        """Test reconstruction, KL, −ELBO, and how many latents are in use."""
        found = {k: float(v) for k, v in engine.measured(self.terms(engine, n)).items()}
        names = {metrics.RECON: metrics.TEST_RECON, metrics.KL: metrics.TEST_KL, metrics.NEG_ELBO: metrics.TEST_NEG_ELBO}
        result = {names[k]: v for k, v in found.items() if k in names}
        if engine.gaussian:
            result[metrics.ACTIVE_UNITS] = float((self.seen(engine).mu.var(0) > ACTIVE).sum())
        return result

    def label(self) -> np.ndarray | None:
        """Classes of the test examples, (n,) uint8."""
        return None if self.y is None else self.y.cpu().numpy().astype(np.uint8)

    @torch.no_grad()
    def latent(self, engine: VaeEngine) -> tuple[View, ...]:
        """Where the test examples lie, and how widely the encoder spreads each."""
        seen = self.seen(engine)
        layers: list[View] = [seen.plane.points(seen.mu, self.label(), seen.sigma)]
        if seen.sigma is not None:
            layers.append(seen.plane.ellipses(seen.mu, seen.sigma))
        return tuple(layers)

    @torch.no_grad()
    def units(self, engine: VaeEngine) -> tuple[View, ...]:
        """Each latent: the variance of its posterior mean over the test examples, and its KL. Of a VQ-VAE: the share of each code."""
        if engine.codebook is not None:
            k = engine.config.codes
            share = usage(engine.codebook.choose(engine.encoder.features(self.x, self.y)), k)
            return (Bars(share.cpu().numpy(), tuple(str(i) for i in range(k)), name="share of codes", fair=1 / k),)
        seen = self.seen(engine)
        names = tuple(str(i + 1) for i in range(engine.config.latent))
        variance = Bars(seen.mu.var(0).cpu().numpy(), names, name="variance of mean", low=ACTIVE)
        if seen.sigma is None:
            return (variance,)
        kl = 0.5 * (seen.mu.square() + seen.sigma.square() - 1 - 2 * seen.sigma.log())  # (n, d)
        return variance, Bars(kl.mean(0).cpu().numpy(), names, name="KL")

    @torch.no_grad()
    def health(self, engine: VaeEngine) -> dict[str, Tensor]:
        """Scalars that must stay below 1,000."""
        y = None if self.y is None else self.y[:SHOWN]
        return {"the largest output of the encoder": engine.encoder.features(self.x[:SHOWN], y).abs().max()}

    def lattice(self, engine: VaeEngine) -> Tensor:
        """z (GRID², d) row by row, the first row at the top: both latents at Gaussian quantiles; one latent alone along the rows; of more,
        draws of the prior."""
        d, device = engine.config.latent, engine.device
        if engine.codebook is not None:
            from engines.vae.priors import normal

            return normal(engine, GRID**2, Rng(self.seed, ("codes",), device)["codes"])
        if d == 1:
            return torch.special.ndtri(torch.linspace(LOW, HIGH, GRID**2, device=device))[:, None]
        if d == 2:
            q = torch.special.ndtri(torch.linspace(LOW, HIGH, GRID, device=device))
            return torch.stack([q.repeat(GRID), q.flip(0).repeat_interleave(GRID)], 1)
        return self.z_prior

    def look(self, engine: VaeEngine) -> Views:
        """Views that every kind of data has; the kinds add theirs."""
        return {"latent": self.latent(engine), "units": self.units(engine)}
