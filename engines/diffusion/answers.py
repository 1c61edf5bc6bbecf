"""What a diffusion model answers to the questions of `engines.diffusion.questions`. Answering draws from streams of its own and changes
nothing. Each answer is one Snapshot; long ones yield None between their parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from engines import metrics
from engines.core import Curve, Field, Heat, Images, Paths, Points, Snapshot, View
from engines.diffusion import questions as q
from engines.diffusion.config import Config
from engines.diffusion.oracle import exact_denoiser, log_likelihood
from engines.diffusion.parameterisations import Denoise, denoiser
from engines.diffusion.probe_2d import straightness
from engines.diffusion.samplers import Moment
from engines.diffusion.sampling import classes_asked, denoiser_of_run, samples_view, seeded, sigmas_of_run, to_data, walk
from engines.diffusion.schedules import edm_sigmas
from engines.state import Rng

if TYPE_CHECKING:
    from engines.diffusion.engine import DiffusionEngine

Answer = Iterator[Snapshot | None]
MOST_IMAGES = 64  # walked at once


def answer(engine: DiffusionEngine, question: Any) -> Answer:
    """See `engines.core.Engine.answer`."""
    from engines.diffusion import answers_distill
    from engines.diffusion import answers_edit as edits
    from engines.diffusion import answers_noise as noises
    from engines.diffusion import answers_reference as reference
    from engines.diffusion import answers_sweep as sweeps
    from engines.diffusion import answers_words as words
    from engines.diffusion.averages import averages
    from engines.diffusion.bound import answer_bound

    asked: dict[type, Any] = {
        q.Trajectories: trajectories,
        q.Denoise: denoise_batch,
        q.ScoreField: score_field,
        q.Likelihood: likelihood,
        q.Matrix: sweeps.matrix,
        q.Guidance: sweeps.guidance,
        q.Forward: noises.forward,
        q.Eta: noises.eta,
        q.Averages: averages,
        q.Examples: edits.examples,
        q.Edit: edits.edit,
        q.Inpaint: edits.inpaint,
        q.Invert: edits.invert,
        q.Parity: reference.parity,
        q.Bound: answer_bound,
        q.Distil: answers_distill.distil,
        q.Attention: words.attention,
    }
    if type(question) not in asked:
        raise ValueError(f"a diffusion model has no answer to {type(question).__name__}")
    return own_mode(asked[type(question)](engine, question))


def own_mode(steps: Answer) -> Answer:
    """The same, but gradients that an answer has turned off are on again while it waits: others train between two of its steps."""
    within = outside = torch.is_grad_enabled()
    while True:
        torch.set_grad_enabled(within)
        try:
            step = next(steps)
        except StopIteration:
            return
        finally:
            within = torch.is_grad_enabled()
            torch.set_grad_enabled(outside)
        yield step
        outside = torch.is_grad_enabled()


def exact_of(engine: DiffusionEngine) -> Denoise:
    """The best possible denoiser of a 2-D run, or a ValueError."""
    if engine.image:
        raise ValueError("this question is for points in the plane: of images, the best denoiser is not known")
    return exact_denoiser(engine.data)


def exact_if_known(engine: DiffusionEngine) -> Denoise | None:
    """The same, or None of one's own points, whose density is not known. ValueError for images."""
    return None if not engine.image and engine.data.density is None else exact_of(engine)


def configured(engine: DiffusionEngine, sampler: str, num_steps: int) -> Config:
    """The run's config with what a question puts in place of it."""
    c = engine.config
    return replace(c, sampler=sampler or c.sampler, num_steps=num_steps or c.num_steps)


def unit_noise(engine: DiffusionEngine, n: int, seed: int) -> Tensor:
    generator = Rng(seed, ("sample",), engine.device)["sample"]
    return torch.randn((n, *engine.shape), generator=generator, device=engine.device)


def trajectories(engine: DiffusionEngine, asked: q.Trajectories) -> Answer:
    """Views "learned" and "exact": Paths (n, steps + 1, 2) from the same unit noise, in the flow's coordinates x_t = x / (1 + sigma);
    "sigma": Curve of the noise level at each place of a path. Metrics: straightness of the learned ones, and how far both end apart, in
    units of the data's scale. Nothing exact of one's own points."""
    exact = exact_if_known(engine)
    if len(asked.starts) % 2:
        raise ValueError(f"starts holds {len(asked.starts)} numbers, which are not pairs")
    config = configured(engine, asked.sampler, asked.num_steps)
    eps = torch.tensor(asked.starts, device=engine.device).reshape(-1, 2) if asked.starts else unit_noise(engine, asked.n, asked.seed)
    ends, bent = [], 0.0
    views: dict[str, tuple[View, ...]] = {}
    for name, role, denoise in (("learned", "model", denoiser_of_run(engine)), ("exact", "exact", exact)):
        if denoise is None:
            continue
        with torch.no_grad():
            moments = list(walk(denoise, config, eps, seeded(asked.seed, "sampler", engine.device)))
        ends.append(moments[-1].x)
        xs = [eps, *(m.x / (1 + m.sigma) for m in moments)]
        views[name] = (Paths(np.stack([to_data(engine, x) for x in xs], 1), role=role, name=name),)  # type: ignore[arg-type]
        bent = straightness(xs) if name == "learned" else bent
        yield None
    views["sigma"] = (levels_of(config, engine.device),)
    apart = {"apart": float((ends[0] - ends[1]).norm(dim=1).mean())} if exact else {}
    yield Snapshot(engine.step, {metrics.STRAIGHTNESS: bent, **apart}, views)


def denoise_batch(engine: DiffusionEngine, asked: q.Denoise) -> Answer:
    """Views "noise": the unit noise; "x_t" and "x0": one layer per kept step, x_t named by the sigma reached, x0 what the network took the
    layer before it for (the first: the noise). "kept": Curve of the steps kept. "table": Curves by step of "sigma", "t" (flow time),
    "eps norm" (of the noise the network sees, per dimension, ideally 1), "x0 change" (root mean square against the step before). Of a
    latent run x_t and x0 are decoded, and "latent" shows x_t itself."""
    config, n = configured(engine, asked.sampler, asked.num_steps), min(asked.n, MOST_IMAGES) if engine.image else asked.n
    if asked.cfg_scale >= 0:
        config = replace(config, cfg_scale=asked.cfg_scale)
    eps, y = unit_noise(engine, n, asked.seed), classes_asked(engine, n, asked.label)
    denoise = denoiser_of_run(engine, y, averaged=asked.ema, config=config)
    moments: list[Moment] = []
    steps = walk(denoise, config, eps, seeded(asked.seed, "sampler", engine.device))
    with torch.no_grad():
        for moment in steps:
            moments.append(moment)
            yield None
    kept = np.unique(np.linspace(1, len(moments), min(asked.frames, len(moments))).round().astype(int))  # numbers of steps
    seen = lambda x, m: samples_view(engine, x, y, f"σ = {float(m.sigma):.3g}")  # noqa: E731
    views: dict[str, tuple[View, ...]] = {
        "noise": (samples_view(engine, eps, y, "noise"),),
        "x_t": tuple(seen(visible(engine, m), m) for m in (moments[k - 1] for k in kept)),
        "x0": tuple(seen(m.x0, m) for m in (moments[k] for k in (0, *kept[:-1]))),
        "kept": (Curve(np.arange(1, len(kept) + 1, dtype=np.float32), kept.astype(np.float32), name="step"),),
        "table": step_table(engine, config, eps, moments),
    }
    if engine.latent is not None:
        views["latent"] = tuple(latent_view(visible(engine, m), f"σ = {float(m.sigma):.3g}") for m in (moments[k - 1] for k in kept))
    yield Snapshot(engine.step, {}, views)


def visible(engine: DiffusionEngine, m: Moment) -> Tensor:
    """x of a moment as it is drawn: images at unit size, as DDPM has it; places in the flow's coordinates, as paths are."""
    return m.x / (1 + m.sigma**2).sqrt() if engine.image else m.x / (1 + m.sigma)


def levels_of(config: Config, device: torch.device, num_steps: int | None = None) -> Curve:
    """The noise level at each place of a path, num_steps + 1 of them."""
    grid = sigmas_of_run(config, device, num_steps).cpu().numpy().astype(np.float32)
    return Curve(np.arange(len(grid), dtype=np.float32), grid, name="sigma")


def latent_view(z: Tensor, name: str) -> Images:
    """Latents (n, c, h, w), channels side by side, or (n, d), as a picture with no more than twice as many columns as rows; −3 is black,
    3 is white."""
    if z.dim() == 4:
        grid = z.permute(0, 2, 1, 3).flatten(2)  # (n, h, c w)
    else:
        rows = max(r for r in range(1, z.shape[1] + 1) if z.shape[1] % r == 0 and r * r <= z.shape[1])
        grid = z.unflatten(1, (rows, -1))
    return Images((grid[:, None] / 3).clamp(-1, 1).float().contiguous().cpu().numpy(), name=name)


def step_table(engine: DiffusionEngine, config: Config, eps: Tensor, moments: list[Moment]) -> tuple[Curve, ...]:
    """One Curve per column, x = number of the step from 1."""
    grid = sigmas_of_run(config, engine.device)[:-1].tolist()
    start = eps * (1 + grid[0] ** 2) ** 0.5
    befores = [start, *(m.x for m in moments[:-1])]
    rms = lambda x: float(x.square().mean().sqrt())  # noqa: E731
    columns = {
        "sigma": grid,
        "t": [s / (1 + s) for s in grid],
        "eps norm": [rms((x - m.x0) / s) for x, m, s in zip(befores, moments, grid, strict=True)],
        "x0 change": [float("nan"), *(rms(b.x0 - a.x0) for a, b in zip(moments[:-1], moments[1:], strict=True))],
    }
    number = np.arange(1, len(moments) + 1, dtype=np.float32)
    return tuple(Curve(number, np.asarray(values, np.float32), name=name) for name, values in columns.items())


def score_field(engine: DiffusionEngine, asked: q.ScoreField) -> Answer:
    """Views "learned", "exact": Fields of D(x, sigma) − x (sigma² times the score) on a grid, in data units; "error": Heat of the length
    of their difference, and "density": Heat of the exact density at that noise, over its highest value. One layer per noise level;
    "cosine": Curve over them of the mean cosine, weighted by the density. Metric: the mean of it. Zoomed, all is drawn 1 / (1 + sigma)
    times as large, which is where a path is at that noise. Of one's own points "learned" alone."""
    exact = exact_if_known(engine)
    levels = asked.sigmas or (asked.sigma,)
    layers: dict[str, list[View]] = {}
    cosines: list[float] = []
    for sigma in levels:
        found, cosine = score_at(engine, exact, sigma, asked.rows, 1 + sigma if asked.zoomed else 1.0)
        cosines += [] if cosine is None else [cosine]
        for name, view in found.items():
            layers.setdefault(name, []).append(view)
        yield None
    views: dict[str, tuple[View, ...]] = {name: tuple(layer) for name, layer in layers.items()}
    if not cosines:
        yield Snapshot(engine.step, {}, views)
        return
    views["cosine"] = (Curve(np.asarray(levels, np.float32), np.asarray(cosines, np.float32), name="cosine"),)
    yield Snapshot(engine.step, {metrics.SCORE_COSINE: float(np.mean(cosines))}, views)


def score_at(engine: DiffusionEngine, exact: Denoise | None, sigma: float, rows: int, zoom: float) -> tuple[dict[str, View], float | None]:
    """The views of `score_field` at one noise level, drawn 1 / zoom times as large, and the mean cosine."""
    toy = engine.data
    x0, x1, y0, y1 = toy.extent
    places = np.stack(np.meshgrid(np.linspace(x0, x1, rows), np.linspace(y0, y1, rows)), 2).reshape(-1, 2)
    unit, shape, xy = zoom * (places - toy.shift) / toy.scale, (rows, rows), places.astype(np.float32)
    x = torch.from_numpy(unit.astype(np.float32)).to(engine.device)
    to_units = lambda v: (v * (toy.scale / zoom)).cpu().numpy().astype(np.float32)  # noqa: E731
    with torch.no_grad():
        learned = denoiser(engine.ema.net, engine.parameterisation)(x, sigma) - x
        best = None if exact is None else exact(x, sigma) - x
    views: dict[str, View] = {"learned": Field(xy, to_units(learned), name="score")}
    if best is None:
        return views, None
    error = to_units((learned - best).norm(dim=1)).reshape(shape)
    log_p = toy.log_prob(unit * toy.scale + toy.shift, sigma * toy.scale)
    weight = np.exp(log_p - log_p.max())
    cosine = torch.cosine_similarity(learned, best).cpu().numpy()
    density = weight.reshape(shape).astype(np.float32)
    views["exact"] = Field(xy, to_units(best), role="exact", name="exact score")
    views["error"] = Heat(error, toy.extent, name="error", hi=float(error.max()) or 1.0)
    views["density"] = Heat(density, toy.extent, role="exact", name="density")
    return views, float((weight * cosine).sum() / weight.sum())


def likelihood(engine: DiffusionEngine, asked: q.Likelihood) -> Answer:
    """Metrics "log_p" and "exact log_p": means in nats over held-out data, by the probability flow ODE and in closed form. View "scatter":
    Points (exact, learned), one per example."""
    exact_of(engine)
    toy = engine.data
    xy = toy.draw(asked.n, 7).astype(np.float64)
    x = torch.from_numpy(((xy - toy.shift) / toy.scale).astype(np.float32)).to(engine.device)
    sigmas = torch.from_numpy(edm_sigmas(asked.num_steps, engine.config.sigma_min, 80.0, 7.0)).float().to(engine.device)
    yield None
    found = log_likelihood(denoiser(engine.ema.net, engine.parameterisation), x, sigmas).cpu().numpy() - 2 * np.log(toy.scale)
    known = toy.log_prob(xy)
    cloud = Points(np.stack([known, found], 1).astype(np.float32), name="log p")
    yield Snapshot(engine.step, {"log_p": float(found.mean()), "exact log_p": float(known.mean())}, {"scatter": (cloud,)})
