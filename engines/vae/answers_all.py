"""Answers about distributions: the true posterior, all latents together, the ladder of bounds, priors, gradient estimates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engines import measures, metrics
from engines.core import Bars, Curve, Ellipses, Heat, Images, Points, Snapshot, View
from engines.state import Rng
from engines.vae import aggregated
from engines.vae import estimators as bench
from engines.vae.bounds import aggregate_bound, drawn, grid, ladder, log_joint, log_weights, quadrature
from engines.vae.objectives import kl_per_dim
from engines.vae.plane import components
from engines.vae.priors import draws, fit
from engines.vae.questions import Aggregate, Bounds, Estimators, Posterior, Prior, Reparameterise

if TYPE_CHECKING:
    from engines.vae.engine import VaeEngine

RUNGS = (1, 5, 50, 500)
CELLS = 60  # of the map of one posterior
WIDE = 5.0  # posterior σ around its mean that the map of one posterior shows
BINS = 60
REACH = 4.0  # standard deviations of a density that is drawn


def posterior(engine: VaeEngine, q: Posterior) -> Snapshot:
    """p(z | x) ∝ p(x | z) p(z) on a grid beside q(z | x), and KL(q(z | x) ‖ p(z | x)) = log p(x) − ELBO."""
    _two(engine, "the true posterior")
    if q.index >= len(engine.probe.x):
        raise ValueError(f"index={q.index} is outside [0, {len(engine.probe.x) - 1}]")
    x = engine.probe.x[q.index : q.index + 1]
    y = None if engine.probe.y is None else engine.probe.y[q.index : q.index + 1]
    mu, logvar = engine.encoder(x, y)
    sigma = torch.exp(0.5 * logvar)
    places = grid(2, device=x.device)
    joint = log_joint(engine, x, y, places)[:, 0]  # (m,)
    log_px = float(quadrature(engine, x, y))
    mass = torch.softmax(joint, 0)
    mean = mass @ places
    spread = (mass @ (places - mean).square()).sqrt()
    away = float(torch.maximum((mu[0] - mean).abs() + sigma[0], spread).max())
    reach = max(0.3, 1.2 * (away + WIDE * float(spread.max()) / 2))
    axis = [torch.linspace(float(m) - reach, float(m) + reach, CELLS, device=x.device) for m in mean]
    near = torch.stack(torch.meshgrid(axis[0], axis[1], indexing="xy"), 2).reshape(-1, 2)  # row by row, upwards
    density = torch.exp(log_joint(engine, x, y, near)[:, 0] - log_px).reshape(CELLS, CELLS).cpu().numpy()
    x0, x1, y0, y1 = (float(v) for v in (axis[0][0], axis[0][-1], axis[1][0], axis[1][-1]))
    plane = engine.probe.seen(engine).plane
    elbo = _expected(engine, x, y, mu, logvar)
    views: dict[str, tuple[View, ...]] = {
        "posterior": (
            Heat(density, (x0, x1, y0, y1), role="exact", name="p(z | x)", hi=float(density.max()) or 1.0),
            plane.ellipses(mu, sigma, "q(z | x)"),
        )
    }
    found = {"log_px": log_px - engine.offset, "elbo": elbo - engine.offset, "kl_q_posterior": log_px - elbo}
    return Snapshot(engine.step, found, views)


def _expected(engine: VaeEngine, x: Tensor, y: Tensor | None, mu: Tensor, logvar: Tensor, n: int = 2_000) -> float:
    """The ELBO of one example from many draws, placed at quantiles so that they are hardly noisy."""
    u = torch.quasirandom.SobolEngine(2, scramble=False).draw(n + 1)[1:].to(mu.device)
    z = mu + torch.exp(0.5 * logvar) * torch.special.ndtri(u.clamp(1e-4, 1 - 1e-4))
    recon = engine.decoder.log_prob(x, z[:, None], y).mean()
    return float(recon - kl_per_dim(mu, logvar).sum())


def aggregate(engine: VaeEngine, q: Aggregate) -> Iterator[Snapshot | None]:
    """q(z) = mean of q(z | x) over all training examples, as a map in the plane of the latents beside N(0, I), and a lower bound of
    KL(q(z) ‖ p(z)). "holes": the share of the prior within 2 standard deviations where q(z) has less than a tenth of its density, beside
    the band of a q(z) that is the prior."""
    _posterior(engine, "aggregate")
    if engine.config.latent < 2:
        raise ValueError("latent=1 has no map; two latents or more have one")
    parts, labels = engine.examples.split(aggregated.CHUNK), None if engine.labels is None else engine.labels.split(aggregated.CHUNK)
    codes = []
    for i, x in enumerate(parts):
        codes.append(engine.encoder(x, None if labels is None else labels[i]))
        yield None
    mu, logvar = (torch.cat(each) for each in zip(*codes, strict=True))
    plane, sigma = engine.probe.seen(engine).plane, torch.exp(0.5 * logvar)
    density = yield from aggregated.density(plane, mu, sigma, aggregated.PLACES)
    floor = yield from aggregated.of_the_prior(plane, sigma, Rng(q.seed, ("floor",), engine.device)["floor"])
    rng, guess = Rng(q.seed, ("draws", "fit"), engine.device), None
    for found in fit(drawn(mu, logvar, rng["draws"]), engine.labels, rng["fit"]):
        guess = found
        yield None
    bound, error = aggregate_bound(engine, mu, logvar, q.seed, guess)
    band = measures.band([{"holes": v} for v in floor])
    scores = {f"floor/{name}": v for name, v in band.items()} | {"holes": aggregated.share(density[aggregated.INSIDE])}
    scores |= {"n": float(len(mu)), metrics.AGGREGATE_KL: max(0.0, bound), "aggregate_kl/sure": max(0.0, bound - 2 * error)}
    holes = aggregated.INSIDE & (density < aggregated.HOLE * aggregated.NORMAL)
    top = float(max(density.max(), aggregated.NORMAL.max()))
    extent = (-aggregated.MAP, aggregated.MAP, -aggregated.MAP, aggregated.MAP)
    heats = (("model", "q(z)", density, top), ("exact", "N(0, I)", aggregated.NORMAL, top), ("exact", "holes", holes, 1.0))
    square = (aggregated.CELLS, aggregated.CELLS)
    views = tuple(Heat(v.reshape(square).astype(np.float32), extent, role=role, name=name, hi=hi) for role, name, v, hi in heats)  # type: ignore[arg-type]
    yield Snapshot(engine.step, scores, {"aggregate": views})


def cloud(engine: VaeEngine) -> Snapshot:
    """Posterior means of test examples along their first three principal directions, and the share of variance along each. Two latents lie
    as they are, under log q(z), the density of all these posteriors together."""
    d = engine.config.latent
    if engine.codebook is not None:
        raise ValueError("the latents of a VQ-VAE are codes, of which there is no cloud")
    if d < 2:
        raise ValueError("latent=1: a cloud needs two latents or more")
    seen = engine.probe.seen(engine)
    variance = float(torch.cov(seen.mu.T).trace())
    if d == 2:
        _posterior(engine, "the cloud of two latents")
        assert seen.sigma is not None
        xy, name = seen.plane.xy(seen.mu), "log q(z)"
        third = np.log(bells(xy.astype(np.float64), seen.plane.ellipses(seen.mu, seen.sigma)))
        found = {f"share/{i + 1}": float(seen.mu[:, i].var()) / max(variance, 1e-30) for i in range(2)}
    else:
        places = seen.mu @ components(seen.mu, 3).T  # (n, 3)
        xy, third, name = places[:, :2].cpu().numpy(), places[:, 2].cpu().numpy(), "principal component 3"
        found = {f"share/{i + 1}": float(places[:, i].var()) / max(variance, 1e-30) for i in range(3)}
    row = np.arange(len(xy), dtype=np.float32)
    shown = (Points(xy, name=seen.plane.name, label=engine.probe.label()), Curve(row, third.astype(np.float32), name=name))
    return Snapshot(engine.step, found | {"n": float(len(xy))}, {"cloud": shown})


def bells(places: np.ndarray, e: Ellipses) -> np.ndarray:
    """Mean density (m,) at places (m, 2) of the Gaussians (n,) that the ellipses stand for."""
    along = np.stack([np.cos(e.angle), np.sin(e.angle)], 1, dtype=np.float64)  # (n, 2), the first axis
    across = np.stack([-along[:, 1], along[:, 0]], 1)
    power = np.zeros((len(places), len(e.xy)))
    for direction, length in ((along, e.axes[:, 0]), (across, e.axes[:, 1])):
        power += np.square((places @ direction.T - (e.xy * direction).sum(1)) / length)
    return (np.exp(-0.5 * power) / (2 * np.pi * e.axes.prod(1))).mean(1)


def bounds(engine: VaeEngine, q: Bounds) -> Iterator[Snapshot | None]:
    """The ladder: −ELBO, IWAE-5, -50 and -500 from the same draws, and the exact −log p(x) where there are at most two latents."""
    _posterior(engine, "bounds")
    probe = engine.probe
    n = min(q.n, len(probe.x))
    generator = Rng(q.seed, ("ladder",), engine.device)["ladder"]
    found: dict[int, list[Tensor]] = {k: [] for k in RUNGS}
    exact: list[Tensor] = []
    for at in range(0, n, 10):
        rows = slice(at, min(n, at + 10))
        x, y = probe.x[rows], None if probe.y is None else probe.y[rows]
        log_w = log_weights(engine, x, y, RUNGS[-1], generator)
        for k in RUNGS:
            found[k].append(ladder(log_w, k))
        if engine.config.latent <= 2 and at < 20:
            exact.append(quadrature(engine, x, y) - ladder(log_w, RUNGS[-1]))
        yield None
    nll = {k: engine.offset - float(torch.cat(v).mean()) for k, v in found.items()}
    values = {f"nll/{k}": v for k, v in nll.items()}
    if exact:  # from the first examples: by how much the last rung misses it
        values["nll/exact"] = nll[RUNGS[-1]] - float(torch.cat(exact).mean())
        values["n_exact"] = float(len(torch.cat(exact)))
    names = ("−ELBO", *(f"IWAE-{k}" for k in RUNGS[1:]), *(("exact",) if exact else ()))
    values |= {"bits_per_dim/500": nll[RUNGS[-1]] / engine.dims / math.log(2)} if _counts(engine) else {}
    bars = np.array([v for k, v in values.items() if k.startswith("nll/")], np.float32)
    yield Snapshot(engine.step, values | {"n": float(n)}, {"bounds": (Bars(bars, names, name="nll"),)})


def prior(engine: VaeEngine, q: Prior) -> Iterator[Snapshot | None]:
    """Samples with z from one prior or another, and how good as many as an evaluation takes are."""
    rng = Rng(q.seed, ("fit", "prior", "noise"), engine.device)
    n = max(q.n, engine.probe.n)
    found = None
    for found in draws(engine, q.prior, n, -1, rng["fit"], rng["prior"]):
        if found is None:
            yield None
    assert found is not None
    z, y = found
    noise = rng["noise"] if q.noise or not engine.image else None
    view = engine.probe.drawn(engine, z, y, noise, q.prior)
    if isinstance(view, Points):
        scores, shown = engine.probe.quality(view.xy), Points(view.xy[: 5 * q.n], name=q.prior)
    else:
        pixels = torch.from_numpy(view.pixels)
        scores = engine.probe.quality(pixels[: engine.probe.n])
        shown = type(view)(view.pixels[: q.n], name=q.prior, label=None if view.label is None else view.label[: q.n])
    floor = engine.probe.backdrop(engine).metrics.get(metrics.FRECHET_DISTANCE)
    if floor and metrics.FRECHET_DISTANCE in scores:
        scores["frechet_multiple"] = scores[metrics.FRECHET_DISTANCE] / floor
    scores["n"] = float(engine.probe.n)
    layers: dict[str, tuple[View, ...]] = {"prior": (shown, _real(engine, q.n))}
    if engine.codebook is None:
        plane = engine.probe.seen(engine).plane
        layers["latent"] = (plane.points(z[:1000], None, torch.zeros_like(z[:1000])),)
    yield Snapshot(engine.step, scores, layers)


def _real(engine: VaeEngine, n: int) -> View:
    """As many test examples, to be seen beside samples."""
    if not engine.image:
        return Points(engine.probe.xy[: 5 * n], role="data", name="test")
    return Images(engine.probe.pixels[:n], role="data", name="test")


def estimators(engine: VaeEngine, q: Estimators) -> Iterator[Snapshot | None]:
    """Histograms of one-draw estimates of one number of the gradient, and their variances, summed over dimensions."""
    device = engine.device
    generator = Rng(q.seed, ("estimators",), device)["estimators"]
    if q.source == "toy":
        mu, sigma = torch.zeros(q.d, device=device), torch.full((q.d,), q.sigma, device=device)
        found = bench.estimates(bench.toy, mu, sigma, q.n, generator)
        exact = float(bench.toy_gradient(mu)[0])
    else:
        _posterior(engine, "estimators")
        mu, sigma, f = _reconstruction(engine, q.index)
        found = bench.estimates(f, mu, sigma, q.n, generator)
        exact = float(found["pathwise"][:, 0].mean())
    yield None
    variance = {name: float(g.var(0).mean()) for name, g in found.items()}
    shown = {name: g[:, 0].cpu().numpy() for name, g in found.items()}
    reach = np.quantile(np.abs(shown["reinforce"] - exact), 0.98)
    edges = np.linspace(exact - reach, exact + reach, BINS + 1)
    middles = ((edges[1:] + edges[:-1]) / 2).astype(np.float32)
    curves = tuple(
        Curve(middles, (np.histogram(v.clip(edges[0], edges[-1]), edges)[0] / len(v)).astype(np.float32), name=name)
        for name, v in shown.items()
    )
    values = {f"variance/{name}": v for name, v in variance.items()}
    values |= {f"ratio/{name}": v / max(variance["pathwise"], 1e-30) for name, v in variance.items()}
    values |= {f"mean/{name}": float(v.mean()) for name, v in shown.items()} | {"exact": exact}
    if q.source == "toy":
        values |= {f"exact_variance/{name}": v for name, v in bench.toy_variance(q.d, q.sigma).items()}
    yield Snapshot(engine.step, values, {"estimators": curves})


def reparameterise(engine: VaeEngine, q: Reparameterise) -> Snapshot:
    """z and its derivatives, and the density N(mu, sigma²) that z is a draw of."""
    z = np.linspace(q.mu - REACH * q.sigma, q.mu + REACH * q.sigma, 161, dtype=np.float32)
    density = np.exp(-0.5 * ((z - q.mu) / q.sigma) ** 2) / (q.sigma * math.sqrt(2 * math.pi))
    found = bench.derivatives(q.mu, q.sigma, q.eps)
    return Snapshot(engine.step, found, {"reparameterise": (Curve(z, density.astype(np.float32), name="q(z | x)"),)})


def _reconstruction(engine: VaeEngine, index: int):
    """mu, sigma (d,) of a test example, and f(z) = −log p(x | z), (n, d) -> (n,)."""
    if index >= len(engine.probe.x):
        raise ValueError(f"index={index} is outside [0, {len(engine.probe.x) - 1}]")
    x = engine.probe.x[index : index + 1]
    y = None if engine.probe.y is None else engine.probe.y[index : index + 1]
    mu, logvar = engine.encoder(x, y)
    return mu[0], torch.exp(0.5 * logvar[0]), lambda z: -engine.decoder.log_prob(x, z[:, None], y)[:, 0]


def _counts(engine: VaeEngine) -> bool:
    """Whether the likelihood is one of grey levels or of bits, so that bits per dimension mean something."""
    return engine.config.likelihood == "logistic" or (engine.config.likelihood == "bernoulli" and engine.binarised != "soft")


def _two(engine: VaeEngine, what: str) -> None:
    _posterior(engine, what)
    if engine.config.latent != 2:
        raise ValueError(f"latent={engine.config.latent}: {what} is drawn for two latents only")


def _posterior(engine: VaeEngine, what: str) -> None:
    if not engine.gaussian:
        raise ValueError(f"objective={engine.config.objective} has no posterior, which {what} needs")
