"""A run's own walks from noise to data: its sampler, grid, guidance and weights put together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from engines.core import Images, Points
from engines.diffusion.config import DISCRETE, Config
from engines.diffusion.guidance import classifier, classifier_free
from engines.diffusion.parameterisations import Denoise, denoiser
from engines.diffusion.samplers import Moment, Noise, draw, final
from engines.diffusion.schedules import edm_sigmas, flow_sigmas, timestep_sigmas
from engines.judge import judge
from engines.state import Rng

if TYPE_CHECKING:
    from engines.diffusion.engine import DiffusionEngine
    from engines.diffusion.presets import Request

CHUNK = 250  # images at a time


def sigmas_of_run(config: Config, device: torch.device, num_steps: int | None = None) -> Tensor:
    """The grid that a run's sampler walks down, (num_steps + 1,) float64, the last one 0."""
    n = num_steps or config.num_steps
    if config.grid == "edm":
        grid = edm_sigmas(n, config.sigma_min, config.sigma_max, config.rho)
    elif config.grid == "flow":
        grid = flow_sigmas(n, config.shift, config.sigma_max)
    else:
        grid = timestep_sigmas(n, config.schedule if config.schedule in DISCRETE else "cosine")
    return torch.from_numpy(grid).to(device)


def denoiser_of_run(engine: DiffusionEngine, y: Tensor | None = None, *, averaged: bool = True, config: Config | None = None) -> Denoise:
    """D(x, sigma) of the network as it is, guided as the run says, for classes y (n,) or none."""
    c = config or engine.config
    net = engine.ema.net if averaged else engine.net
    if y is None or not engine.told:
        denoise = denoiser(net, engine.parameterisation)
    else:
        denoise = classifier_free(net, engine.parameterisation, engine.condition(y), c.cfg_scale)
    if c.classifier_scale and y is not None:
        denoise = classifier(denoise, judge_logits(engine), y, c.classifier_scale)
    return denoise


def judge_logits(engine: DiffusionEngine) -> Any:
    """Class logits of images in the network's units, by the judge of this data set. ValueError where there is none."""
    found = judge(engine.config.dataset)
    if found is None:
        raise ValueError(f"classifier_scale cannot be used on {engine.config.dataset}, for which there is no classifier")
    return lambda x0: found.net(engine.decode(x0).clamp(-1, 1))


def seeded(seed: int, name: str, device: torch.device) -> Noise:
    """Noise of x's shape from a stream of its own."""
    generator = Rng(seed, (name,), device)[name]
    return lambda x: torch.randn(x.shape, generator=generator, device=device, dtype=x.dtype)


def walk(denoise: Denoise, config: Config, eps: Tensor, noise: Noise, num_steps: int | None = None) -> Iterator[Moment]:
    """The run's sampler from unit noise eps (n, …), which stands for data of unit variance with noise of sigmas[0]."""
    sigmas = sigmas_of_run(config, eps.device, num_steps).to(eps.dtype)
    x = eps * (1 + sigmas[0] ** 2).sqrt()
    return draw(config.sampler, denoise, x, sigmas, noise, eta=config.eta, s_churn=config.s_churn)


def in_turn(n: int, classes: int, device: torch.device) -> Tensor:
    """All classes one after the other, (n,)."""
    return torch.arange(n, device=device) % max(classes, 1)


def classes_asked(engine: DiffusionEngine, n: int, label: int) -> Tensor | None:
    """(n,) of class `label`, or of all in turn for −1; None where the data have none. ValueError for a class that does not exist."""
    k = len(engine.info.classes)
    if label >= max(k, 1):
        raise ValueError(f"label={label} is outside [−1, {k - 1}]")
    if not k:
        return None
    return in_turn(n, k, engine.device) if label < 0 else torch.full((n,), label, device=engine.device)


def caption_asked(engine: DiffusionEngine, caption: str, n: int) -> Tensor:
    """(n, k), the same caption for all. ValueError for a word that is not known, or a network that is not told words."""
    if not engine.config.text:
        raise ValueError(f"caption={caption[:40]} needs text=true: this network was told no words")
    return torch.from_numpy(engine.data.wording.encode(caption)).to(engine.device).expand(n, -1)


@torch.no_grad()
def generate(engine: DiffusionEngine, eps: Tensor, y: Tensor | None, noise: Noise, num_steps: int | None = None, **more: Any) -> Tensor:
    """x0 (n, …) in the network's units, some at a time. `more` goes to `denoiser_of_run`."""
    config = more.get("config") or engine.config
    parts = []
    for i in range(0, len(eps), CHUNK if engine.image else len(eps)):
        rows = slice(i, i + (CHUNK if engine.image else len(eps)))
        denoise = denoiser_of_run(engine, None if y is None else y[rows], **more)
        parts.append(final(walk(denoise, config, eps[rows], noise, num_steps)))
    return torch.cat(parts)


def request_walk(engine: DiffusionEngine, request: Request) -> tuple[Tensor, Tensor | None]:
    """x0 (n, …) in the network's units and its classes, as a Request asks."""
    config = engine.config
    if request.sampler:
        config = replace(config, sampler=request.sampler)
    rng = Rng(request.seed, ("sample",), engine.device)["sample"]
    eps = torch.randn((request.n, *engine.shape), generator=rng, device=engine.device)
    y = caption_asked(engine, request.caption, request.n) if request.caption else classes_asked(engine, request.n, request.label)
    noise = seeded(request.seed, "sampler", engine.device)
    return generate(engine, eps, y, noise, request.num_steps or None, averaged=request.ema, config=config), y


def to_data(engine: DiffusionEngine, x: Tensor) -> np.ndarray:
    """x (n, …) of the network in data units; pixels are clipped to [−1, 1]."""
    with torch.no_grad():
        x = torch.cat([engine.decode(some) for some in x.detach().split(CHUNK)]) if engine.latent is not None else engine.decode(x)
    return (x.clamp(-1, 1) if engine.image else x).float().contiguous().cpu().numpy()


def samples_view(
    engine: DiffusionEngine, x: Tensor, y: Tensor | None = None, name: str = "samples", role: Any = "model"
) -> Points | Images:
    """The view of examples in the network's units."""
    if not engine.image:
        return Points(to_data(engine, x), role=role, name=name)
    label = y.cpu().numpy().astype(np.uint8) if y is not None and y.dim() == 1 and engine.told else None
    return Images(to_data(engine, x), role=role, name=name, label=label)
