"""From noise to data: each sampler is one way to walk down a grid of noise levels with a denoiser.

All of them are pure functions over D = `denoise(x, sigma)` and share one scale, x = x0 + sigma eps (variance exploding), on which DDPM,
DDIM and DPM-Solver lose their alphas; multiply x by 1/√(1 + sigma²) to read a DDPM's x_t, by 1/(1 + sigma) for a flow's. The probability
flow ODE is dx/dsigma = (x − D) / sigma (Karras et al., 2022, eq. 1).

x (n, …) begins at sigmas[0]; sigmas (num_steps + 1,) fall, usually to 0; `noise(x)` draws fresh noise of x's shape. After each step a
sampler yields the noise level it reached, x there, and the estimate of x0 that led there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from engines.diffusion.config import TWICE
from engines.diffusion.parameterisations import Denoise

Noise = Callable[[Tensor], Tensor]


class Moment(NamedTuple):
    """After one step: the noise level reached (a number), x (n, …) there, and x0 (n, …), the denoiser's estimate before the step."""

    sigma: Tensor
    x: Tensor
    x0: Tensor


# Ho et al., 2020, algorithm 2: draw from q(x_{t−1} | x_t, x0_hat), with the smaller of its two variances
def ddpm(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise) -> Iterator[Moment]:
    for sigma, to in zip(sigmas[:-1], sigmas[1:], strict=True):
        x0 = denoise(x, sigma)
        kept = (to / sigma) ** 2
        x = x0 + kept * (x - x0)
        if to > 0:
            x = x + to * (1 - kept).sqrt() * noise(x)
        yield Moment(to, x, x0)


# Song et al., 2021 (DDIM), eq. 12 and 16: eta = 0 is deterministic, eta = 1 as random as DDPM
def ddim(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, eta: float = 0.0) -> Iterator[Moment]:
    for sigma, to in zip(sigmas[:-1], sigmas[1:], strict=True):
        x0 = denoise(x, sigma)
        eps = (x - x0) / sigma
        fresh = eta * to * (1 - (to / sigma) ** 2).sqrt()
        x = x0 + (to**2 - fresh**2).clamp(min=0).sqrt() * eps
        if eta > 0 and to > 0:
            x = x + fresh * noise(x)
        yield Moment(to, x, x0)


# Euler's method on the probability flow ODE. On this scale it is DDIM with eta = 0, step by step
def euler(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise) -> Iterator[Moment]:
    for sigma, to in zip(sigmas[:-1], sigmas[1:], strict=True):
        x0 = denoise(x, sigma)
        x = x + (to - sigma) * (x - x0) / sigma
        yield Moment(to, x, x0)


# Karras et al., 2022, algorithm 2: add a little noise, then Heun's second-order step
def heun(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, s_churn: float = 0.0) -> Iterator[Moment]:
    gamma = min(s_churn / (len(sigmas) - 1), 2**0.5 - 1)
    for sigma, to in zip(sigmas[:-1], sigmas[1:], strict=True):
        up = sigma * (1 + gamma)
        if gamma > 0:
            x = x + (up**2 - sigma**2).sqrt() * noise(x)
        x0 = denoise(x, up)
        slope = (x - x0) / up
        there = x + (to - up) * slope
        if to > 0:
            slope = (slope + (there - denoise(there, to)) / to) / 2
            there = x + (to - up) * slope
        x = there
        yield Moment(to, x, x0)


# Lu et al., 2022 (DPM-Solver++), algorithm 2: D is taken as linear in log sigma, from this step's and the last one's estimate
def dpmpp_2m(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise) -> Iterator[Moment]:
    before, h_before = None, torch.zeros(())
    for sigma, to in zip(sigmas[:-1], sigmas[1:], strict=True):
        x0, h = denoise(x, sigma), (sigma / to).log()
        D = x0 if before is None or to == 0 else x0 + h / (2 * h_before) * (x0 - before)
        x = to / sigma * x + (1 - to / sigma) * D
        before, h_before = x0, h
        yield Moment(to, x, x0)


# The same on the reverse SDE. Lu et al., 2022, appendix; Song et al., 2021 (score SDE) for the equation
def dpmpp_2m_sde(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise) -> Iterator[Moment]:
    before, h_before = None, torch.zeros(())
    for sigma, to in zip(sigmas[:-1], sigmas[1:], strict=True):
        x0, h = denoise(x, sigma), (sigma / to).log()
        D = x0 if before is None or to == 0 else x0 + h / (2 * h_before) * (x0 - before)
        kept = (to / sigma) ** 2
        x = kept * x + (1 - kept) * D
        if to > 0:
            x = x + to * (1 - kept).sqrt() * noise(x)
        before, h_before = x0, h
        yield Moment(to, x, x0)


# Zhao et al., 2023 (UniPC), B(h) = e^h − 1, order 2: each new estimate first corrects the step that led to it, at no extra cost
def unipc(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise) -> Iterator[Moment]:
    last: tuple[Tensor, Tensor, Tensor, Tensor] | None = None  # x, x0, slope of D in log sigma and r of the step before
    before, h_before = None, torch.zeros(())
    for sigma, to in zip(sigmas[:-1], sigmas[1:], strict=True):
        x0 = denoise(x, sigma)
        if last is not None:
            x = _corrected(*last, x0, h_before)
        h = (sigma / to).log()
        r = h_before / h if before is not None and to > 0 else torch.zeros_like(h)
        slope = (x0 - before) / r if r > 0 else torch.zeros_like(x0)  # type: ignore[operator]
        last, before, h_before = (x, x0, slope, r), x0, h
        x = to / sigma * x + (1 - to / sigma) * (x0 + slope / 2)
        yield Moment(to, x, x0)


def _corrected(x: Tensor, x0: Tensor, slope: Tensor, r: Tensor, newest: Tensor, h: Tensor) -> Tensor:
    """The step from x over h in −log sigma, made again with the estimate `newest` of its end. UniPC, eq. 5 and 9: the weights of the two
    slopes solve R rho = b, with one slope alone they are 1/2."""
    shrink = torch.expm1(-h)
    phi1 = -shrink / h - 1  # h phi_2 of the paper
    phi2 = -phi1 / h - 0.5
    b1, b2 = phi1 / shrink, 2 * phi2 / shrink
    old, new = ((b1 - b2) / (1 + r), (b2 + r * b1) / (1 + r)) if r > 0 else (0.0, 0.5)
    return (-h).exp() * x - shrink * (x0 + old * slope + new * (newest - x0))


# Liu et al., 2023 (rectified flow): Euler along the velocity (x_t − x0_hat) / t of x_t = (1 − t) x0 + t eps
def flow_euler(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise) -> Iterator[Moment]:
    times = sigmas / (1 + sigmas)
    x_t = x * (1 - times[0])
    for t, to in zip(times[:-1], times[1:], strict=True):
        x0 = denoise(x_t / (1 - t), t / (1 - t))
        x_t = x_t + (to - t) * (x_t - x0) / t
        yield Moment(to / (1 - to), x_t / (1 - to), x0)


# The same with Heun's second-order step; the last one, to t = 0, is Euler's
def flow_heun(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise) -> Iterator[Moment]:
    times = sigmas / (1 + sigmas)
    x_t = x * (1 - times[0])
    for t, to in zip(times[:-1], times[1:], strict=True):
        x0 = denoise(x_t / (1 - t), t / (1 - t))
        velocity = (x_t - x0) / t
        if to > 0:
            there = x_t + (to - t) * velocity
            velocity = (velocity + (there - denoise(there / (1 - to), to / (1 - to))) / to) / 2
        x_t = x_t + (to - t) * velocity
        yield Moment(to / (1 - to), x_t / (1 - to), x0)


SAMPLERS: dict[str, Callable[..., Iterator[Moment]]] = {
    "ddpm": ddpm,
    "ddim": ddim,
    "euler": euler,
    "heun": heun,
    "dpmpp-2m": dpmpp_2m,
    "dpmpp-2m-sde": dpmpp_2m_sde,
    "unipc": unipc,
    "flow-euler": flow_euler,
    "flow-heun": flow_heun,
}


def heun_gain(sampler: str, sigmas: Tensor) -> float:
    """Heun's step is Euler's plus (s − s') / 2s' times what the second estimate of x0 differs from the first by, where s is sigma, of the
    flow's sampler t. The largest of these factors on a grid (num_steps + 1,) that falls to 0; 0 where each step is Euler's."""
    s = sigmas[:-1]
    s = s / (1 + s) if sampler == "flow-heun" else s
    return float(((s[:-1] - s[1:]) / (2 * s[1:])).max()) if sampler in TWICE and len(s) > 1 else 0.0


def draw(sampler: str, denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, *, eta: float = 0.0, s_churn: float = 0.0):
    """The moments of a sampler by name; `eta` is DDIM's, `s_churn` Heun's."""
    extra = {"ddim": {"eta": eta}, "heun": {"s_churn": s_churn}}.get(sampler, {})
    return SAMPLERS[sampler](denoise, x, sigmas, noise, **extra)


def final(moments: Iterator[Moment]) -> Tensor:
    """x after the last step, (n, …)."""
    *_, last = moments
    return last.x


# DDIM backwards: an example to the noise that DDIM would make it from. Dhariwal & Nichol, 2021, appendix F
def invert(denoise: Denoise, x: Tensor, sigmas: Tensor) -> Iterator[Moment]:
    """x (n, …) clean; `sigmas` fall, as for a sampler, and are walked up from the lowest one above 0."""
    up = sigmas[sigmas > 0].flip(0)
    for sigma, to in zip(up[:-1], up[1:], strict=True):
        x0 = denoise(x, sigma)
        x = x0 + to * (x - x0) / sigma
        yield Moment(to, x, x0)
