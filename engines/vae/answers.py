"""What a VAE answers to the questions of `engines.vae.questions` about single examples: decoding, encoding, what lies between and beside
them. Those about distributions are in `answers_all`. Answering draws from streams of its own and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from engines.core import Bars, Curve, Images, Points, Snapshot, View
from engines.state import Rng
from engines.vae import answers_all
from engines.vae.blur import blur
from engines.vae.bounds import ladder, log_weights
from engines.vae.objectives import kl_per_dim, log_normal
from engines.vae.questions import (
    Aggregate,
    Arithmetic,
    Blur,
    Bounds,
    Cloud,
    Decode,
    Encode,
    Estimators,
    Examples,
    Interpolate,
    Manifold,
    Posterior,
    Prior,
    Reparameterise,
)

if TYPE_CHECKING:
    from engines.vae.engine import VaeEngine

SWEEP, SWEPT = 11, 3.0  # places of a sweep, and how far it goes
COPIES = 8  # reconstructions of one example from draws of its posterior
DRAWS = 20  # of the bound along a path
STRENGTHS, STRONGEST = 13, 3.0  # of a difference of classes: how many, and the last


@torch.no_grad()
def answer(engine: VaeEngine, question: Any) -> Iterator[Snapshot | None]:
    """See `engines.core.Engine.answer`."""
    match question:
        case Decode():
            yield decode(engine, question)
        case Encode():
            yield encode(engine, question)
        case Interpolate():
            yield interpolate(engine, question)
        case Arithmetic():
            yield arithmetic(engine, question)
        case Manifold():
            yield manifold(engine, question)
        case Posterior():
            yield answers_all.posterior(engine, question)
        case Aggregate():
            yield from answers_all.aggregate(engine, question)
        case Blur():
            yield from blur(engine, question)
        case Bounds():
            yield from answers_all.bounds(engine, question)
        case Cloud():
            yield answers_all.cloud(engine)
        case Prior():
            yield from answers_all.prior(engine, question)
        case Estimators():
            yield from answers_all.estimators(engine, question)
        case Reparameterise():
            yield answers_all.reparameterise(engine, question)
        case Examples():
            yield examples(engine, question)
        case _:
            raise ValueError(f"a VAE has no answer to {type(question).__name__}")


def decode(engine: VaeEngine, q: Decode) -> Snapshot:
    """One place, or SWEEP places along one latent; the test example nearest to it."""
    d = _continuous(engine)
    if q.on_map and len(q.z) != 2:
        raise ValueError(f"z holds {len(q.z)} numbers; a place on the map has 2")
    if not q.on_map and len(q.z) > d:
        raise ValueError(f"z holds {len(q.z)} numbers; this run has {d} latents")
    if q.sweep > d:
        raise ValueError(f"sweep={q.sweep} is outside [0, {d}]")
    z = torch.zeros(1, d, device=engine.device)
    at = torch.tensor(q.z, device=engine.device)
    if q.on_map:
        z = engine.probe.seen(engine).plane.back(at)
    else:
        z[0, : len(q.z)] = at
    rows = z.repeat(SWEEP if q.sweep else 1, 1)
    if q.sweep:
        rows[:, q.sweep - 1] = torch.linspace(-SWEPT, SWEPT, SWEEP, device=engine.device)
    views: dict[str, tuple[View, ...]] = {"decode": (_drawn(engine, rows, q.label, "decode"),)}
    more, nearest = _nearest(engine, z[0])
    return Snapshot(engine.step, {"log_prior": float(log_normal(z)[0]), **more}, views | nearest)


def encode(engine: VaeEngine, q: Encode) -> Snapshot:
    """mu and sigma of one example, what comes back from its mean and from COPIES draws, the nearest test example; its −ELBO, and
    how far that is above what a perfect copy costs, beside test examples, reconstructed from their means too."""
    _continuous(engine)
    x, y = _asked(engine, q)
    mu, logvar = engine.encoder(x, y)
    sigma = torch.exp(0.5 * logvar) if engine.gaussian else torch.zeros_like(mu)
    eps = torch.randn((COPIES, mu.shape[1]), generator=Rng(q.seed, ("encode",), engine.device)["encode"], device=engine.device)
    names = tuple(str(i + 1) for i in range(mu.shape[1]))
    plane = engine.probe.seen(engine).plane
    label = None if y is None else int(y[0])
    views: dict[str, tuple[View, ...]] = {
        "encode": (Bars(mu[0].cpu().numpy(), names, name="mu"), Bars(sigma[0].cpu().numpy(), names, name="sigma")),
        "reconstructions": (
            _data(engine, x, "drawn"),
            _drawn(engine, mu, label, "mean"),
            _drawn(engine, mu + sigma * eps, label, "draws"),
        ),
        "latent": (plane.points(mu, None, sigma), *((plane.ellipses(mu, sigma),) if engine.gaussian else ())),
    }
    recon = -float(engine.decoder.log_prob(x, mu, y)[0]) + engine.offset
    found = {"recon": recon}
    if engine.gaussian:
        kl = float(kl_per_dim(mu, logvar).sum())
        usual = engine.probe.usual(engine)
        found |= {"kl": kl, "neg_elbo": recon + kl, "test_n": float(len(usual))}
        least, others = engine.likelihood.least(x), engine.likelihood.least(engine.probe.x[: len(usual)])
        if least is not None and others is not None:  # how grey a picture is says nothing of how strange it is
            found["least"], usual = float(least[0]), usual - others
        above = recon + kl - found.get("least", 0.0)
        found |= {"above": above, "test_mean": float(usual.mean()), "test_sd": float(usual.std())}
        found["test_below"] = float((usual < above).float().mean())
    more, nearest = _nearest(engine, mu[0])
    return Snapshot(engine.step, found | more, views | nearest)


def interpolate(engine: VaeEngine, q: Interpolate) -> Snapshot:
    """Two test examples and what lies between: on the line and on the arc between their latents, and between their pixels. Beside each row
    the bound on −log p of its pictures, where there is a posterior to draw it from."""
    _continuous(engine)
    a, b = (_test(engine, i) for i in (q.a, q.b))
    mu = engine.probe.seen(engine).mu
    t = torch.linspace(0, 1, q.n, device=engine.device)
    y = None if engine.probe.y is None else engine.probe.y[torch.tensor([a, b], device=engine.device)][(t > 0.5).long()]
    pixels = torch.lerp(engine.probe.x[a], engine.probe.x[b], t.reshape(-1, *[1] * (engine.probe.x.dim() - 1)))
    rows = {"lerp": torch.lerp(mu[a], mu[b], t[:, None]), "slerp": slerp(mu[a], mu[b], t)}
    shown = {name: engine.likelihood.mean(engine.decoder(z, y)) for name, z in rows.items()} | {"pixels": pixels}
    generator = Rng(0, ("interpolate",), engine.device)["interpolate"]
    views: dict[str, tuple[View, ...]] = {
        "interpolate": tuple(_data(engine, x, name, "data" if name == "pixels" else "model") for name, x in shown.items()),
        "latent": tuple(engine.probe.seen(engine).plane.points(z, None, torch.zeros_like(z)) for z in rows.values()),
    }
    if engine.gaussian:
        views["nll"] = tuple(
            Curve(
                t.cpu().numpy(),
                (engine.offset - ladder(log_weights(engine, x, y, DRAWS, generator), DRAWS)).cpu().numpy(),
                role="data" if name == "pixels" else "model",
                name=name,
            )
            for name, x in shown.items()
        )
    return Snapshot(engine.step, {}, views)


def arithmetic(engine: VaeEngine, q: Arithmetic) -> Snapshot:
    """A test example, its copy, and its copy moved by the difference of the mean latents of two classes; the same at STRENGTHS strengths,
    each with the class of the nearest test mean; the means themselves. Mikolov et al., 2013; of images, Radford et al., 2016."""
    _continuous(engine)
    y, mu = engine.probe.y, engine.probe.seen(engine).mu
    if y is None:
        raise ValueError("arithmetic needs classes, which these data have not")
    means = {}
    for name, k in (("plus", q.plus), ("minus", q.minus)):
        if k >= len(engine.info.classes):
            raise ValueError(f"{name}={k} is outside [0, {len(engine.info.classes) - 1}]")
        if not bool((y == k).any()):
            raise ValueError(f"{name}={k}: no test example has class {engine.info.classes[k]}")
        means[name] = mu[y == k].mean(0)
    i = _test(engine, q.index)
    strengths = torch.cat([torch.tensor([0.0, q.strength]), torch.linspace(-STRONGEST, STRONGEST, STRENGTHS)]).to(mu)
    moved = mu[i] + strengths[:, None] * (means["plus"] - means["minus"])
    z, row, label = moved[:2], moved[2:], int(y[i])
    nearest = y[torch.cdist(row, mu).argmin(1)].cpu().numpy().astype(np.uint8)
    views: dict[str, tuple[View, ...]] = {
        "arithmetic": (
            _data(engine, engine.probe.x[i : i + 1], "test"),
            _drawn(engine, z, label, "copy and result"),
            replace(_drawn(engine, row, label, "strengths"), label=nearest),
            _drawn(engine, torch.stack(list(means.values())), label, "class means"),
        ),
        "latent": (engine.probe.seen(engine).plane.points(z, None, torch.zeros_like(z)),),
    }
    return Snapshot(engine.step, {}, views)


def examples(engine: VaeEngine, q: Examples) -> Snapshot:
    """Test examples and their classes, from `start` on; fewer at the end."""
    rows = slice(_test(engine, q.start), q.start + q.n)
    view, label = _data(engine, engine.probe.x[rows], "test"), engine.probe.label()
    view = view if label is None else replace(view, label=label[rows])
    return Snapshot(engine.step, {"count": float(len(engine.probe.x))}, {"examples": (view,)})


def manifold(engine: VaeEngine, q: Manifold) -> Snapshot:
    """The tiles of the last look at their full size."""
    if not engine.image:
        return Snapshot(engine.step, {}, {"manifold": engine.probe.sheet(engine)})
    y = None if q.label < 0 else torch.full((len(engine.probe.lattice(engine)),), _class(engine, q.label), device=engine.device)
    return Snapshot(engine.step, {}, {"manifold": (engine.probe.manifold(engine, small=False, y=y),)})


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Places (n, d) on the arc from a (d,) to b at t (n,), lengths in between. Shoemake, 1985; White, 2016."""
    angle = torch.acos((torch.dot(a, b) / (a.norm() * b.norm()).clamp(min=1e-9)).clamp(-1, 1))
    if float(angle.sin()) < 1e-4:
        return torch.lerp(a, b, t[:, None])
    return (torch.sin((1 - t) * angle)[:, None] * a + torch.sin(t * angle)[:, None] * b) / angle.sin()


def centred(pixels: np.ndarray) -> np.ndarray:
    """One image (c, h, w) in [−1, 1] moved by whole pixels so that its ink is in the middle, as MNIST has it. Ink is bright."""
    ink = (pixels + 1).sum(0)  # (h, w)
    if ink.sum() <= 0:
        return pixels
    shifts = []
    for axis in (0, 1):
        along = ink.sum(1 - axis)
        middle = float((along * np.arange(len(along))).sum() / along.sum())
        shifts.append(round((len(along) - 1) / 2 - middle))
    return np.roll(pixels, shifts, (1, 2))


def _asked(engine: VaeEngine, q: Encode) -> tuple[Tensor, Tensor | None]:
    """The example in units of the likelihood, (1, …), and the class a conditional run is told, (1,)."""
    probe = engine.probe
    if not q.pixels:
        i = _test(engine, q.index)
        x, y = probe.x[i : i + 1], None if probe.y is None else probe.y[i : i + 1]
    else:
        if len(q.pixels) != engine.dims or not engine.image:
            raise ValueError(f"pixels holds {len(q.pixels):,} numbers; an example of {engine.config.dataset} has {engine.dims:,}")
        pixels = np.array(q.pixels, np.float32).reshape(engine.info.shape)
        pixels = centred(pixels) if q.centre and engine.config.dataset == "mnist" else pixels
        x, y = engine.prepared(pixels[None], "drawn"), None
    if q.label >= 0 or (y is None and engine.told):
        y = torch.tensor([_class(engine, q.label)], device=engine.device)
    return x, y


def _class(engine: VaeEngine, label: int) -> int:
    if label >= max(1, len(engine.info.classes)):
        raise ValueError(f"label={label} is outside [−1, {len(engine.info.classes) - 1}]")
    return max(0, label)


def _continuous(engine: VaeEngine) -> int:
    """The number of latents. ValueError if they are codes."""
    if engine.codebook is not None:
        raise ValueError("the latents of a VQ-VAE are codes, between which there is nothing")
    return engine.config.latent


def _test(engine: VaeEngine, index: int) -> int:
    if index >= len(engine.probe.x):
        raise ValueError(f"index={index} is outside [0, {len(engine.probe.x) - 1}]")
    return index


def _drawn(engine: VaeEngine, z: Tensor, label: int | None, name: str) -> Images | Points:
    y = torch.full((len(z),), _class(engine, -1 if label is None else label), device=engine.device)
    return engine.probe.drawn(engine, z, y, None, name)


def _data(engine: VaeEngine, x: Tensor, name: str, role: Any = "data") -> Images | Points:
    """Examples x (n, …) in units of the likelihood, as a view."""
    if not engine.image:
        return Points(engine.probe.data_units(x), role=role, name=name)
    return Images(engine.likelihood.restore(x).clamp(-1, 1).cpu().numpy(), role=role, name=name)


def _nearest(engine: VaeEngine, z: Tensor) -> tuple[dict[str, float], dict[str, tuple[View, ...]]]:
    """The test example whose posterior mean is nearest to z (d,): its number, class and distance, and itself as a view."""
    probe, seen = engine.probe, engine.probe.seen(engine)
    away = (seen.mu - z).norm(dim=1)
    i = int(away.argmin())
    found = {"nearest_index": float(i), "nearest_distance": float(away[i])}
    if probe.y is not None:
        found["nearest_label"] = float(probe.y[i])
    layers: list[View] = [_data(engine, probe.x[i : i + 1], "nearest")]
    if seen.sigma is not None:
        layers.append(seen.plane.ellipses(seen.mu[i : i + 1], seen.sigma[i : i + 1], "nearest"))
    return found, {"nearest": tuple(layers)}
