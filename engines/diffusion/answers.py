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
from engines.core import Curve, Field, Heat, Paths, Points, Snapshot, View
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


def answer(engine: DiffusionEngine, question: Any) -> Answer:
    """See `engines.core.Engine.answer`."""
    from engines.diffusion import answers_distill
    from engines.diffusion import answers_edit as edits
    from engines.diffusion import answers_noise as noises
    from engines.diffusion import answers_reference as reference
    from engines.diffusion import answers_sweep as sweeps
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


def configured(engine: DiffusionEngine, sampler: str, num_steps: int) -> Config:
    """The run's config with what a question puts in place of it."""
    c = engine.config
    return replace(c, sampler=sampler or c.sampler, num_steps=num_steps or c.num_steps)


def unit_noise(engine: DiffusionEngine, n: int, seed: int) -> Tensor:
    generator = Rng(seed, ("sample",), engine.device)["sample"]
    return torch.randn((n, *engine.info.shape), generator=generator, device=engine.device)


def trajectories(engine: DiffusionEngine, asked: q.Trajectories) -> Answer:
    """Views "learned" and "exact": Paths (n, steps + 1, 2) from the same unit noise, in the flow's coordinates x_t = x / (1 + sigma).
    Metrics: straightness of the learned ones, and how far both end apart, in units of the data's scale."""
    exact = exact_of(engine)
    if len(asked.starts) % 2:
        raise ValueError(f"starts holds {len(asked.starts)} numbers, which are not pairs")
    config = configured(engine, asked.sampler, asked.num_steps)
    eps = torch.tensor(asked.starts, device=engine.device).reshape(-1, 2) if asked.starts else unit_noise(engine, asked.n, asked.seed)
    ends, views, bent = [], {}, 0.0
    for name, role, denoise in (("learned", "model", denoiser_of_run(engine)), ("exact", "exact", exact)):
        with torch.no_grad():
            moments = list(walk(denoise, config, eps, seeded(asked.seed, "sampler", engine.device)))
        ends.append(moments[-1].x)
        xs = [eps, *(m.x / (1 + m.sigma) for m in moments)]
        views[name] = (Paths(np.stack([to_data(engine, x) for x in xs], 1), role=role, name=name),)  # type: ignore[arg-type]
        bent = straightness(xs) if name == "learned" else bent
        yield None
    apart = float((ends[0] - ends[1]).norm(dim=1).mean())
    yield Snapshot(engine.step, {metrics.STRAIGHTNESS: bent, "apart": apart}, views)


def denoise_batch(engine: DiffusionEngine, asked: q.Denoise) -> Answer:
    """Views "x_t" and "x0": one layer per step, named by the sigma reached; "table": Curves by step of "sigma", "timestep" (flow time t),
    "eps norm" (of the noise the network sees, per dimension, ideally 1), "x0 change" (root mean square against the step before)."""
    config = configured(engine, asked.sampler, asked.num_steps)
    if asked.cfg_scale >= 0:
        config = replace(config, cfg_scale=asked.cfg_scale)
    eps, y = unit_noise(engine, asked.n, asked.seed), classes_asked(engine, asked.n, asked.label)
    denoise = denoiser_of_run(engine, y, averaged=asked.ema, config=config)
    moments: list[Moment] = []
    steps = walk(denoise, config, eps, seeded(asked.seed, "sampler", engine.device))
    with torch.no_grad():
        for moment in steps:
            moments.append(moment)
            yield None
    views: dict[str, tuple[View, ...]] = {
        "x_t": tuple(samples_view(engine, visible(m), y, f"σ = {float(m.sigma):.3g}") for m in moments),
        "x0": tuple(samples_view(engine, m.x0, y, f"σ = {float(m.sigma):.3g}") for m in moments),
        "table": step_table(engine, config, eps, moments),
    }
    yield Snapshot(engine.step, {}, views)


def visible(m: Moment) -> Tensor:
    """x of a moment at unit size, as DDPM has it."""
    return m.x / (1 + m.sigma**2).sqrt()


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
    of their difference, and "density": Heat of the exact log density at that noise. Metric: mean cosine, weighted by the density."""
    exact, toy = exact_of(engine), engine.data
    x0, x1, y0, y1 = toy.extent
    places = np.stack(np.meshgrid(np.linspace(x0, x1, asked.rows), np.linspace(y0, y1, asked.rows)), 2).reshape(-1, 2)
    x = torch.from_numpy(((places - toy.shift) / toy.scale).astype(np.float32)).to(engine.device)
    with torch.no_grad():
        learned = denoiser(engine.ema.net, engine.parameterisation)(x, asked.sigma) - x
        best = exact(x, asked.sigma) - x
    shape, xy = (asked.rows, asked.rows), places.astype(np.float32)
    to_units = lambda v: (v * toy.scale).cpu().numpy().astype(np.float32)  # noqa: E731
    error = to_units((learned - best).norm(dim=1)).reshape(shape)
    log_p = toy.log_prob(places, asked.sigma * toy.scale)
    weight = np.exp(log_p - log_p.max())
    cosine = torch.cosine_similarity(learned, best).cpu().numpy()
    density = weight.reshape(shape).astype(np.float32)
    views: dict[str, tuple[View, ...]] = {
        "learned": (Field(xy, to_units(learned), name="score"),),
        "exact": (Field(xy, to_units(best), role="exact", name="exact score"),),
        "error": (Heat(error, toy.extent, name="error", hi=float(error.max()) or 1.0),),
        "density": (Heat(density, toy.extent, role="exact", name="density"),),
    }
    yield Snapshot(engine.step, {metrics.SCORE_COSINE: float((weight * cosine).sum() / weight.sum())}, views)


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
