"""Answers about noise alone: how a schedule turns data into noise, and what fresh noise on the way does to a sample."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engines import metrics
from engines.core import Curve, Snapshot, View
from engines.diffusion import questions as q
from engines.diffusion.answers import Answer, unit_noise
from engines.diffusion.config import SCHEDULES
from engines.diffusion.distance import Distance
from engines.diffusion.sampling import generate, in_turn, samples_view, seeded, to_data
from engines.diffusion.schedules import sigma_at
from engines.state import Rng

if TYPE_CHECKING:
    from engines.diffusion.engine import DiffusionEngine

FORWARD_IMAGES, ETA_IMAGES = 16, 32  # examples, at most, of images
CLOCK = 201  # places of the curves over t


def forward(engine: DiffusionEngine, asked: q.Forward) -> Answer:
    """View "x_t": training examples at rising t, layers named "t = 0.025", as √ᾱ x0 + √(1 − ᾱ) eps in data units (latents decoded) with
    the same eps in all; "alphas_cumprod", "snr" [dB] and "sigma": a Curve over t in [0, 1] for each schedule; "at": the same three for the
    schedule asked for, Curves over the t of the layers. t is the share of training's noise levels that are lower: timestep / 1,000 of a
    discrete one."""
    c = engine.config
    schedule = asked.schedule or c.schedule
    n = min(asked.n, FORWARD_IMAGES) if engine.image else asked.n
    rng = Rng(asked.seed, ("data",), engine.device)["data"]
    x0 = engine.examples_at(torch.randint(len(engine.examples), (n,), generator=rng, device=engine.device), rng)
    eps = unit_noise(engine, n, asked.seed)
    views: dict[str, tuple[View, ...]] = {}
    t, fine = np.linspace(0, 1, asked.moments), np.linspace(0, 1, CLOCK)
    noise = lambda name, at: sigma_at(name, at, shift=c.shift, mean=c.noise_mean, std=c.noise_std)  # noqa: E731
    noised = ((float(at), (x0 + float(s) * eps) / (1 + float(s) ** 2) ** 0.5) for at, s in zip(t, noise(schedule, t), strict=True))
    views["x_t"] = tuple(samples_view(engine, x, name=f"t = {at:g}", role="data") for at, x in noised)
    clocks = {name: _clocks(fine, noise(name, fine), name) for name in SCHEDULES}
    for panel in ("alphas_cumprod", "snr", "sigma"):
        views[panel] = tuple(curves[panel] for curves in clocks.values())
    views["at"] = tuple(replace(curve, name=panel) for panel, curve in _clocks(t, noise(schedule, t), "").items())
    yield Snapshot(engine.step, {metrics.SAMPLES: float(n)}, views)


def _clocks(t: np.ndarray, sigma: np.ndarray, name: str) -> dict[str, Curve]:
    """What a noise level is called elsewhere, over t: ᾱ = 1 / (1 + sigma²), and its signal over noise, 1 / sigma², in dB."""
    values = {"alphas_cumprod": 1 / (1 + sigma**2), "snr": -20 * np.log10(sigma), "sigma": sigma}
    return {panel: Curve(t.astype(np.float32), v.astype(np.float32), role="exact", name=name) for panel, v in values.items()}


def eta(engine: DiffusionEngine, asked: q.Eta) -> Answer:
    """Views "first" and "second": samples of two DDIM runs from the same noise, layers named "η = 0.2"; "apart": Curve over η of the mean
    distance between the two, in data units, on images the root mean square of a pixel; "sliced_w1": Curve over η of the first. Metrics:
    "unrelated", the distance between two samples from different noise, the floor of the sliced W1, "n" and "steps"."""
    n = min(asked.n, ETA_IMAGES) if engine.image else asked.n
    y = in_turn(n, len(engine.info.classes), engine.device) if engine.info.classes else None
    eps, away = unit_noise(engine, n, asked.seed), Distance(engine, n)
    runs: dict[str, list[View]] = {"first": [], "second": []}
    apart, distance, other = [], [], 0.0
    for value in asked.etas:
        config = replace(engine.config, sampler="ddim", eta=value, num_steps=asked.num_steps or engine.config.num_steps)
        ends = {}
        for name in runs:
            ends[name] = generate(engine, eps, y, seeded(asked.seed, name, engine.device), config=config)
            runs[name].append(samples_view(engine, ends[name], y, f"η = {value:g}"))
            yield None
        first, second = ends.values()
        apart.append(_apart(engine, first, second))
        distance.append(away.of(first))
        other = other or _apart(engine, first, first.roll(len(engine.info.classes) or 1, 0))  # of the same class, where there are any
    at = np.asarray(asked.etas, np.float32)
    views: dict[str, tuple[View, ...]] = {name: tuple(layers) for name, layers in runs.items()}
    views["apart"] = (Curve(at, np.asarray(apart, np.float32), name="apart"),)
    views[metrics.SLICED_W1] = (Curve(at, np.asarray(distance, np.float32), name="first"),)
    steps = float(asked.num_steps or engine.config.num_steps)
    known = {"unrelated": other, **away.band, metrics.SAMPLES: float(n), "steps": steps}
    yield Snapshot(engine.step, known, views)


def _apart(engine: DiffusionEngine, a: Tensor, b: Tensor) -> float:
    """Mean distance between examples (n, …) of the same place: Euclidean in 2-D, root mean square of a pixel on images."""
    away = to_data(engine, a) - to_data(engine, b)
    squares = (away.reshape(len(away), -1) ** 2).mean(1) if engine.image else (away**2).sum(1)
    return float(np.sqrt(squares).mean())
