"""The answer of a distillation: a student is trained beside the run, and both are asked for samples in few steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from engines import metrics
from engines.core import Curve, Snapshot, View
from engines.diffusion import questions as q
from engines.diffusion.answers import Answer, unit_noise
from engines.diffusion.distance import Distance
from engines.diffusion.distill import Student, consistency, jumps, progressive
from engines.diffusion.parameterisations import denoiser
from engines.diffusion.samplers import ddim, final
from engines.diffusion.sampling import denoiser_of_run, in_turn, samples_view, seeded, sigmas_of_run

if TYPE_CHECKING:
    from engines.diffusion.engine import DiffusionEngine

COUNTS = (1, 2, 4, 8)  # steps that are compared
START = 16  # steps of the first teacher of progressive distillation
LEVELS = 18  # noise levels of consistency distillation
MOST_IMAGES = 40


def grid_of(engine: DiffusionEngine, num_steps: int) -> Tensor:
    """(num_steps + 1,) sigmas. Grids of 1, 2, 4, 8, 16 steps are parts of each other: a student is asked only where it was taught."""
    if START % num_steps:
        return sigmas_of_run(engine.config, engine.device, num_steps).float()
    return sigmas_of_run(engine.config, engine.device, START).float()[:: START // num_steps]


def distil(engine: DiffusionEngine, asked: q.Distil) -> Answer:
    """Views "teacher" and "student": samples in 1, 2, 4, 8 steps from the same noise, layers named by the number of steps; "sliced_w1": a
    Curve for each, x = steps; "loss": Curve of the student's loss. Metrics: the floor of the distance, and "n". The run stays as it is."""
    losses: list[float] = []
    for told in taught(engine, asked):
        if isinstance(told, float):
            losses.append(told)
            yield None
        else:
            views, known = _compare(engine, told, asked)
    yield None
    at = np.arange(1, len(losses) + 1, dtype=np.float32)
    views["loss"] = (Curve(at, np.asarray(losses, np.float32), name="loss of the student"),)
    yield Snapshot(engine.step, known, views)


def taught(engine: DiffusionEngine, asked: q.Distil) -> Iterator[float | nn.Module]:
    """Train a student: its loss after each update and, at the end, its network."""
    student = Student(engine, asked.lr, asked.seed)
    if asked.method == "progressive":
        rounds = int(np.log2(START // asked.target))
        for k in range(rounds):
            yield from progressive(student, grid_of(engine, START >> k), max(1, asked.steps // rounds))
            student = _next(student, asked.lr) if k < rounds - 1 else student
    else:
        yield from consistency(student, grid_of(engine, LEVELS), asked.steps)
    yield student.net


def _next(student: Student, lr: float) -> Student:
    """The student becomes the teacher of the next round."""
    following = Student(student.engine, lr, student.rng.seed + 1)
    following.teacher, following.scale = student.net, 1.0  # the guidance is in its answers by now
    following.raw.load_state_dict(student.net.state_dict())
    following.ema.load_state_dict(student.net.state_dict())
    return following


@torch.no_grad()
def _compare(engine: DiffusionEngine, net: nn.Module, asked: q.Distil) -> tuple[dict[str, tuple[View, ...]], dict[str, float]]:
    n = min(asked.n, MOST_IMAGES) if engine.image else asked.n
    y = in_turn(n, len(engine.info.classes), engine.device) if engine.told else None
    eps, distance = unit_noise(engine, n, asked.seed), Distance(engine, n)
    cells: dict[str, list] = {"teacher": [], "student": []}
    distances: dict[str, list[float]] = {"teacher": [], "student": []}
    for k in COUNTS:
        sigmas, noise = grid_of(engine, k), seeded(asked.seed, "sampler", engine.device)
        drawn = final(ddim(denoiser_of_run(engine, y), eps * (1 + sigmas[0] ** 2).sqrt(), sigmas, noise))
        for name, x in (("teacher", drawn), ("student", jumped(engine, net, asked, eps, y, sigmas))):
            cells[name].append(samples_view(engine, x, y, str(k)))
            distances[name].append(distance.of(x))
    curves = tuple(Curve(np.array(COUNTS, np.float32), np.array(d, np.float32), name=name) for name, d in distances.items())
    views = {**{name: tuple(layers) for name, layers in cells.items()}, metrics.SLICED_W1: curves}
    return views, {**distance.band, metrics.SAMPLES: float(n)}


@torch.no_grad()
def jumped(engine: DiffusionEngine, net: nn.Module, asked: q.Distil, eps: Tensor, y: Tensor | None, sigmas: Tensor) -> Tensor:
    """A student's samples (n, …) from unit noise eps, down the grid that it was taught on or part of it."""
    told = None if y is None else engine.condition(y)
    denoise, x = denoiser(net, engine.parameterisation, told), eps * (1 + sigmas[0] ** 2).sqrt()
    noise = seeded(asked.seed, "sampler", engine.device)
    return jumps(denoise, x, sigmas, noise) if asked.method == "consistency" else final(ddim(denoise, x, sigmas, noise))
