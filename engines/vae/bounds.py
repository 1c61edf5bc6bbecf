"""How good the bound is: tighter ones from many draws (Burda et al., 2016), the exact marginal by quadrature over one or two latents, the
true posterior on a grid, and how far the latents of all examples together are from the prior."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from engines.state import Rng
from engines.vae.objectives import log_mean_exp, log_normal
from engines.vae.priors import Mixture, maximise

if TYPE_CHECKING:
    from engines.vae.engine import VaeEngine

DECODED = 4_000  # places decoded at a time
REACH, STEP = 5.0, 0.1  # of the quadrature grid: to 5 σ of the prior
FITTED, COMPONENTS = 2_000, 20  # draws that a guess of q(z) is made of, and Gaussians of the mixture
FINE, DEPTH, FEW = 5, 20.0, 600  # parts of a cell that matters, one that is at most so many nats below the best; done if there are few


@torch.no_grad()
def log_weights(engine: VaeEngine, x: Tensor, y: Tensor | None, k: int, generator: torch.Generator) -> Tensor:
    """log p(x, z) − log q(z | x) for k draws of q each, (k, n), of examples x (n, …)."""
    mu, logvar = engine.encoder(x, y)
    parts = []
    chunk = max(1, DECODED // len(x))
    for at in range(0, k, chunk):
        shape = (min(chunk, k - at), *mu.shape)
        z = mu + torch.exp(0.5 * logvar) * torch.randn(shape, generator=generator, device=mu.device)
        parts.append(engine.decoder.log_prob(x, z, y) + log_normal(z) - log_normal(z, mu, logvar))
    return torch.cat(parts)


def ladder(log_w: Tensor, k: int) -> Tensor:
    """IWAE-k bounds (n,) from log weights (m, n): the mean over the m / k groups of k draws. With nested groups a larger k is never below a
    smaller one, by Jensen's inequality, draw for draw."""
    groups = log_w[: len(log_w) // k * k].unflatten(0, (-1, k))  # (m / k, k, n)
    return log_mean_exp(groups.transpose(0, 1)).mean(0)


def gap(engine: VaeEngine, n: int, k: int, seed: int) -> float:
    """By how much IWAE-k lies above the ELBO on the first n test examples, in nats. From the same draws, so not noisy."""
    x, y = engine.probe.x[:n], None if engine.probe.y is None else engine.probe.y[:n]
    log_w = log_weights(engine, x, y, k, Rng(seed, ("bounds",), engine.device)["bounds"])
    return float((ladder(log_w, k) - log_w.mean(0)).mean())


def grid(d: int, reach: float = REACH, step: float = STEP, device: torch.device | None = None) -> Tensor:
    """Places (m, d) of a square grid over d = 1 or 2 latents."""
    axis = torch.arange(-reach, reach + step / 2, step, device=device)
    return torch.cartesian_prod(*[axis] * d).reshape(-1, d)


@torch.no_grad()
def log_joint(engine: VaeEngine, x: Tensor, y: Tensor | None, z: Tensor) -> Tensor:
    """log p(x, z) (m, n) at places z (m, d) for examples x (n, …). Each place is decoded once, or once for each class that is told."""
    if engine.told and y is not None:
        result = torch.empty(len(z), len(x), device=x.device)
        for label in y.unique():
            result[:, y == label] = _log_joint(engine, x[y == label], label, z)
        return result
    return _log_joint(engine, x, None, z)


def _log_joint(engine: VaeEngine, x: Tensor, label: Tensor | None, z: Tensor) -> Tensor:
    parts = []
    for places in z.split(DECODED):
        out = engine.decoder(places, None if label is None else label.repeat(len(places)))
        parts.append(engine.likelihood.pairs(out, x) + log_normal(places)[:, None])
    return torch.cat(parts)


def quadrature(engine: VaeEngine, x: Tensor, y: Tensor | None = None) -> Tensor:
    """log p(x) (n,) in nats of units of the likelihood, by the midpoint rule over one or two latents; cells that matter are cut finer,
    where they are few, since a posterior may be narrower than a cell."""
    d = engine.config.latent
    if d > 2:
        raise ValueError(f"latent={d} is too many for quadrature; one or two are few enough")
    places = grid(d, device=x.device)
    coarse = log_joint(engine, x, y, places)  # (m, n)
    parts = STEP / FINE * (grid(d, (FINE - 1) / 2, 1.0, x.device))  # (FINE^d, d), the middles of the parts of a cell
    found = []
    for i in range(len(x)):
        joint = coarse[:, i]
        matters = joint > joint.max() - DEPTH
        if int(matters.sum()) > FEW:
            found.append(torch.logsumexp(joint, 0))
            continue
        finer = (places[matters][:, None] + parts).flatten(0, 1)
        fine = log_joint(engine, x[i : i + 1], None if y is None else y[i : i + 1], finer)[:, 0] - d * math.log(FINE)
        found.append(torch.logsumexp(torch.cat([joint[~matters], fine]), 0))
    return torch.stack(found) + d * math.log(STEP)


@torch.no_grad()
def aggregate_kl(engine: VaeEngine, n: int = 2_000, seed: int = 0) -> float:
    """A lower bound of KL(q(z) ‖ p(z)) in nats from n training examples, no less than 0: see `aggregate_bound`."""
    labels = None if engine.labels is None else engine.labels[:n]
    mu, logvar = engine.encoder(engine.examples[:n], labels)
    return max(0.0, aggregate_bound(engine, mu, logvar, seed)[0])


@torch.no_grad()
def aggregate_bound(engine: VaeEngine, mu: Tensor, logvar: Tensor, seed: int = 0, mixture: Mixture | None = None) -> tuple[float, float]:
    """A lower bound of KL(q(z) ‖ p(z)) in nats and its standard error. Draws z of held-out examples are scored under an estimate q̂ of q(z)
    from the posteriors mu, logvar (n, d) of training examples: since E log q̂ ≤ E log q, the difference to log p is a lower bound
    whatever q̂ is. It is loose where q̂ is poor, so the best of three is taken, chosen on one half of the draws and read off the other: one
    Gaussian, a mixture (of few Gaussians, if none is given), and the mean of the posteriors themselves."""
    rng = Rng(seed, ("aggregate", "mixture"), engine.device)
    held_mu, held_logvar = engine.encoder(engine.probe.x, engine.probe.y)
    z = drawn(held_mu, held_logvar, rng["aggregate"])
    some = torch.randperm(len(mu), generator=rng["mixture"], device=mu.device)[:FITTED]
    mixture = mixture or _few(drawn(mu[some], logvar[some], rng["mixture"]), rng["mixture"])
    guesses = torch.stack([_gaussian(mu, logvar, z), mixture.log_prob(z), log_aggregate(z, mu[some], logvar[some])])
    gain = guesses - log_normal(z)  # (3, m)
    choose, read = gain[:, ::2], gain[:, 1::2]
    best = read[int(choose.mean(1).argmax())]
    return float(best.mean()), float(best.std() / math.sqrt(len(best)))


def drawn(mu: Tensor, logvar: Tensor, generator: torch.Generator) -> Tensor:
    """A draw of each N(mu, exp(logvar)), (n, d)."""
    return mu + torch.exp(0.5 * logvar) * torch.randn(mu.shape, generator=generator, device=mu.device)


def _few(z: Tensor, generator: torch.Generator) -> Mixture:
    """COMPONENTS Gaussians fitted to draws z (n, d)."""
    scale = z.std(0).clamp(min=1e-3)
    k = max(1, min(COMPONENTS, len(z) // (2 * z.shape[1])))
    weights, means, roots = maximise(z / scale, k, generator)
    return Mixture(weights, means * scale, scale[:, None] * roots, torch.zeros(k, dtype=torch.int64, device=z.device))


def log_aggregate(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """log 1/n Σ N(z; mu_i, exp(logvar_i)) at places z (m, d), (m,)."""
    narrow = torch.exp(-logvar)  # (n, d)
    power = z.square() @ narrow.T - 2 * z @ (mu * narrow).T + (mu.square() * narrow).sum(1)  # (m, n)
    log_bell = -0.5 * (power + logvar.sum(1) + z.shape[1] * math.log(2 * math.pi))
    return log_mean_exp(log_bell.T)


def _gaussian(mu: Tensor, logvar: Tensor, z: Tensor) -> Tensor:
    """log density at z (m, d) of the Gaussian with the moments of the mean of the bells."""
    d = mu.shape[1]
    covariance = torch.cov(mu.T).reshape(d, d) + torch.diag(logvar.exp().mean(0)) + 1e-6 * torch.eye(d, device=mu.device)
    return torch.distributions.MultivariateNormal(mu.mean(0), covariance, validate_args=False).log_prob(z)
