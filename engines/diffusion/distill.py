"""Few-step cures: a student learns to make in one step what its teacher makes in several. Both are trained on the teacher's own flow,
with the data only to start from; the student begins as a copy of the teacher. A guided teacher is learned with its guidance, so that the
student needs none: Meng et al., 2023."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from engines.diffusion.guidance import classifier_free
from engines.diffusion.parameterisations import Denoise, as_column, denoiser
from engines.diffusion.samplers import Noise
from engines.nn.ema import Ema
from engines.state import Rng

if TYPE_CHECKING:
    from engines.diffusion.engine import DiffusionEngine

FORGET = 0.95  # of the slow copy that consistency distillation aims at
AVERAGE = 0.99  # of the student that samples are drawn with


class Student:
    """A copy of the averaged network in training. `net` is what samples are drawn with."""

    def __init__(self, engine: DiffusionEngine, lr: float, seed: int):
        self.engine = engine
        self.rng = Rng(seed, ("data", "eps", "step"), engine.device)
        self.teacher: nn.Module = engine.ema.net
        self.scale = engine.config.cfg_scale  # of the teacher's guidance
        self.raw = copy.deepcopy(self.teacher).requires_grad_(True)
        self.ema, self.count = Ema(self.raw), 0
        self.opt = torch.optim.Adam(self.raw.parameters(), lr)

    @property
    def net(self) -> nn.Module:
        return self.ema.net

    def denoise(self, net: nn.Module, y: Tensor | None) -> Denoise:
        return denoiser(net, self.engine.parameterisation, y)

    def taught(self, y: Tensor | None) -> Denoise:
        """What the teacher says, guided."""
        return self.denoise(self.teacher, y) if y is None else classifier_free(self.teacher, self.engine.parameterisation, y, self.scale)

    def batch(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """x0, eps (n, …) and classes (n,) or None."""
        e, n = self.engine, self.engine.config.batch
        index = torch.randint(len(e.examples), (n,), generator=self.rng["data"], device=e.device)
        eps = torch.randn((n, *e.shape), generator=self.rng["eps"], device=e.device)
        return e.examples_at(index, self.rng["eps"]), eps, e.told_of(index, self.rng["data"])

    def choose(self, n: int) -> Tensor:
        """One of n steps for each example, (batch,)."""
        return torch.randint(n, (self.engine.config.batch,), generator=self.rng["step"], device=self.engine.device)

    def learn(self, loss: Tensor) -> float:
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        self.ema.update(self.raw, AVERAGE, self.count)
        self.count += 1
        return float(loss.detach())


def ddim_step(denoise: Denoise, x: Tensor, sigma: Tensor, to: Tensor) -> Tensor:
    """x at sigma -> x at `to`, both (n, 1, …)."""
    x0 = denoise(x, sigma)
    return x0 + to / sigma * (x - x0)


# Salimans & Ho, 2022, algorithm 2: one step of the student is to land where two of the teacher do
def progressive(student: Student, sigmas: Tensor, steps: int) -> Iterator[float]:
    """`sigmas` (2 k + 1,) is the teacher's grid, every second of it the student's. Yields the loss after each of `steps` updates."""
    for _ in range(steps):
        x0, eps, y = student.batch()
        i = 2 * student.choose((len(sigmas) - 1) // 2)
        sigma, middle, end = (as_column(sigmas[i + k], x0) for k in range(3))
        x = x0 + sigma * eps
        with torch.no_grad():
            teacher = student.taught(y)
            landed = ddim_step(teacher, ddim_step(teacher, x, sigma, middle), middle, end)
            target = (landed - end / sigma * x) / (1 - end / sigma)  # the estimate whose one step ends there
        error = student.denoise(student.raw, y)(x, sigma) - target
        yield student.learn((torch.clamp(1 / sigma**2, min=1) * error.square()).mean())  # Salimans & Ho, eq. 9: truncated SNR


# Song et al., 2023, algorithm 2: neighbouring places of one path are to have one end
def consistency(student: Student, sigmas: Tensor, steps: int) -> Iterator[float]:
    """`sigmas` (k + 1,) fall to 0. The teacher takes one Heun step from a level to the next; the student's estimate before it is to be
    that of its own slow copy after it. Yields the loss after each of `steps` updates."""
    slow = copy.deepcopy(student.raw).requires_grad_(False)
    for _ in range(steps):
        x0, eps, y = student.batch()
        i = student.choose(len(sigmas) - 1)
        sigma, to = (as_column(sigmas[i + k], x0) for k in range(2))
        x = x0 + sigma * eps
        with torch.no_grad():
            near = heun_step(student.taught(y), x, sigma, to)
            target = student.denoise(slow, y)(near, to)
        error = student.denoise(student.raw, y)(x, sigma) - target
        yield student.learn(error.square().mean())
        with torch.no_grad():
            torch._foreach_lerp_(list(slow.parameters()), list(student.raw.parameters()), 1 - FORGET)


def heun_step(denoise: Denoise, x: Tensor, sigma: Tensor, to: Tensor) -> Tensor:
    """x at sigma -> x at `to`; an Euler step where `to` is 0."""
    slope = (x - denoise(x, sigma)) / sigma
    there = x + (to - sigma) * slope
    second = (there - denoise(there, to)) / to.clamp(min=1e-6)
    return torch.where(to > 0, x + (to - sigma) * (slope + second) / 2, there)


# Song et al., 2023, algorithm 1: jump to the end, noise up to the next level, jump again
def jumps(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise) -> Tensor:
    """Few-step samples of a consistency model; sigmas (k + 1,) fall to 0, one jump each."""
    for sigma, to in zip(sigmas[:-1], sigmas[1:], strict=True):
        x = denoise(x, sigma)
        if to > 0:
            x = x + to * noise(x)
    return x
