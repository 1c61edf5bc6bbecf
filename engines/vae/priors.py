"""Where z is drawn from. N(0, I) is what training asks for; a mixture of Gaussians fitted afterwards to the latents of the data, or a flow
learned from them, follows the places they really take, whatever the KL left open (after Ghosh et al., 2020, "ex-post density estimation").
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from engines.state import Rng
from engines.vae import flow_prior
from engines.vae.flow_prior import Flow
from engines.vae.presets import Request

if TYPE_CHECKING:
    from engines.vae.engine import VaeEngine

PER_CLASS, ALONE = 10, 50  # components per class, or in all where there are no classes
PASSES, RIDGE = 15, 0.02  # of expectation maximisation; variance added, in units of a standardised latent
SPREAD = 0.8  # draws keep this much of a Gaussian's width: its tails reach beyond the data. Searched on MNIST
CHUNK = 500  # examples decoded at a time


@dataclass
class Mixture:
    """Gaussians of full covariance: `weights` (k,), `means` (k, d), `roots` (k, d, d) lower triangular, and the class of each, `label`
    (k,), all 0 where there are none."""

    weights: Tensor
    means: Tensor
    roots: Tensor
    label: Tensor

    def log_prob(self, z: Tensor) -> Tensor:
        """log density in nats, (n,)."""
        return torch.logsumexp(_log_parts(z, self.weights, self.means, self.roots), 1)

    def sample(self, n: int, generator: torch.Generator, label: int = -1, spread: float = SPREAD) -> tuple[Tensor, Tensor]:
        """z (n, d) and the class of each, (n,); of one class if `label` says so, else as many of each as their weights say. Each is drawn
        `spread` times as far from the mean of its Gaussian as it would be."""
        index = apportion(self.weights if label < 0 else self.weights * (self.label == label), n, generator)
        eps = torch.randn((n, self.means.shape[1]), generator=generator, device=self.means.device)
        return self.means[index] + spread * (self.roots[index] @ eps[..., None])[..., 0], self.label[index]


def fit(z: Tensor, labels: Tensor | None, generator: torch.Generator) -> Iterator[Mixture | None]:
    """A mixture fitted to latents z (n, d), PER_CLASS Gaussians for each of the labels (n,); None after each class that is done, the
    mixture at the end."""
    scale = z.std(0).clamp(min=1e-3)
    groups = [(0, z)] if labels is None else [(int(y), z[labels == y]) for y in labels.unique()]
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    names: list[int] = []
    for name, rows in groups:
        k = max(1, min(ALONE if labels is None else PER_CLASS, len(rows) // (2 * z.shape[1])))
        weights, means, roots = maximise(rows / scale, k, generator)
        parts.append((weights * len(rows) / len(z), means * scale, scale[:, None] * roots))
        names += [name] * k
        yield None
    weights, means, roots = (torch.cat(each) for each in zip(*parts, strict=True))
    yield Mixture(weights, means, roots, torch.tensor(names, device=z.device))


def maximise(z: Tensor, k: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Expectation maximisation (Dempster et al., 1977) on z (n, d) from k random examples: weights, means, roots of k Gaussians."""
    n, d = z.shape
    means = z[torch.randperm(n, generator=generator, device=z.device)[:k]]
    roots = torch.linalg.cholesky(torch.cov(z.T).reshape(d, d) + RIDGE * torch.eye(d, device=z.device)).repeat(k, 1, 1)
    weights = torch.full((k,), 1 / k, device=z.device)
    for _ in range(PASSES):
        share = torch.softmax(_log_parts(z, weights, means, roots), 1)  # (n, k): how far each Gaussian answers for each example
        mass = share.sum(0) + 1e-6  # (k,)
        weights, means = mass / mass.sum(), (share.T @ z) / mass[:, None]
        away = z - means[:, None]  # (k, n, d)
        covariance = (share.T[..., None] * away).transpose(1, 2) @ away / mass[:, None, None]
        roots = torch.linalg.cholesky(covariance + RIDGE * torch.eye(d, device=z.device))
    return weights, means, roots


def _log_parts(z: Tensor, weights: Tensor, means: Tensor, roots: Tensor) -> Tensor:
    """log weight_k N(z; mean_k, root_k root_kᵀ), (n, k)."""
    u = torch.linalg.solve_triangular(roots, (z - means[:, None]).transpose(1, 2), upper=False)  # (k, d, n)
    volume = roots.diagonal(dim1=1, dim2=2).log().sum(1)  # (k,)
    log_bell = -0.5 * u.square().sum(1) - volume[:, None] - 0.5 * z.shape[1] * math.log(2 * math.pi)  # (k, n)
    return (weights.log()[:, None] + log_bell).T


def apportion(weights: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """n indices (n,) into weights (k,), in random order: each as often as its weight says, rounded up or down at random. Systematic
    resampling, Kitagawa, 1996: the same expectation as independent draws, without the luck in how many of each there are."""
    bounds = (weights.double() / weights.double().sum()).cumsum(0)
    at = (torch.arange(n, device=weights.device) + torch.rand((), generator=generator, device=weights.device).double()) / n
    index = torch.searchsorted(bounds[:-1].contiguous(), at, right=True)
    return index[torch.randperm(n, generator=generator, device=weights.device)]


def draws(
    engine: VaeEngine, prior: str, n: int, label: int, to_fit: torch.Generator, to_draw: torch.Generator
) -> Iterator[tuple[Tensor, Tensor] | None]:
    """z (n, d) from one of PRIORS and their classes (n,), all or the one `label`; None between pieces of the fitting. With N(0, I) the
    classes, which only a conditional decoder minds, come in turn. ValueError for codes, to which nothing is fitted."""
    if prior == "normal":
        y = torch.arange(n, device=engine.device) % max(len(engine.info.classes), 1)
        yield normal(engine, n, to_draw), y if label < 0 else torch.full_like(y, label)
        return
    if engine.codebook is not None:
        raise ValueError(f"prior={prior} cannot be fitted to the codes of a VQ-VAE")
    if prior == "flow":
        flow = yield from learned(engine)
        shares = torch.ones(1, device=engine.device) if engine.labels is None else engine.labels.bincount(minlength=flow.classes)
        y = apportion(shares, n, to_draw) if label < 0 else torch.full((n,), label, device=engine.device)
        yield flow.sample(y, to_draw), y
        return
    mixture = None
    for mixture in fit(*latents(engine, to_fit), to_fit):  # noqa: B007
        yield None
    assert mixture is not None
    yield mixture.sample(n, to_draw, label)


def learned(engine: VaeEngine) -> Generator[None, None, Flow]:
    """The flow of a run, of a stream of its own; kept until a weight changes."""
    seen, kept = engine.probe.seen(engine), engine.probe.flow
    if kept is None or kept[0] is not seen:
        generator = Rng(engine.config.seed, ("flow prior",), engine.device)["flow prior"]
        flow = None
        for flow in flow_prior.train(*latents(engine, generator), len(engine.info.classes), generator):  # noqa: B007
            yield None
        assert flow is not None
        kept = engine.probe.flow = seen, flow
    return kept[1]


@torch.no_grad()
def latents(engine: VaeEngine, generator: torch.Generator, most: int = 10_000) -> tuple[Tensor, Tensor | None]:
    """z (n, d), one draw of q(z | x) for each of n training examples, and their classes (n,) or None."""
    x, y = engine.examples[:most], None if engine.labels is None else engine.labels[:most]
    parts = []
    for at in range(0, len(x), CHUNK):
        mu, logvar = engine.encoder(x[at : at + CHUNK], None if y is None else y[at : at + CHUNK])
        eps = torch.randn(mu.shape, generator=generator, device=mu.device)
        parts.append(mu + torch.exp(0.5 * logvar) * eps if engine.gaussian else mu)
    return torch.cat(parts), y


def normal(engine: VaeEngine, n: int, generator: torch.Generator) -> Tensor:
    """z (n, d) ~ N(0, I); of a VQ-VAE, codes drawn one by one as often as the training set uses them at that place."""
    if engine.codebook is None:
        return torch.randn((n, engine.config.latent), generator=generator, device=engine.device)
    choices = choices_of(engine)  # (m, tokens)
    rows = torch.randint(len(choices), (n, choices.shape[1]), generator=generator, device=engine.device)
    return engine.codebook.lookup(choices.gather(0, rows))


@torch.no_grad()
def choices_of(engine: VaeEngine, most: int = 1_000) -> Tensor:
    """The codes (m, tokens) of the first training examples."""
    if engine.codebook is None:
        raise ValueError("only a VQ-VAE has codes")
    y = None if engine.labels is None else engine.labels[:most]
    return engine.codebook.choose(engine.encoder.features(engine.examples[:most], y))


@torch.no_grad()
def sample(engine: VaeEngine, request: Request) -> Any:
    """The view of request.n samples, in data units."""
    classes = len(engine.info.classes)
    if request.label >= max(classes, 1):
        raise ValueError(f"label={request.label} is outside [−1, {classes - 1}]")
    generator = Rng(request.seed, ("sample",), engine.device)["sample"]
    *_, found = draws(engine, request.prior, request.n, request.label, generator, generator)
    assert found is not None
    z, y = found
    return engine.probe.drawn(engine, z, y, noise=generator if request.noise or not engine.image else None)
