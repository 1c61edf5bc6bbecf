"""Noise levels: the tables of DDPM and its successors, and the grids on which samplers walk down. float64; no torch.

Everything is said in one number, sigma, the noise over the data of unit size: x = x0 + sigma eps. The field's other clocks are
    DDPM    alphas_cumprod = 1 / (1 + sigma²), x_t = sqrt(alphas_cumprod) x        (variance preserving)
    flow    t = sigma / (1 + sigma),           x_t = (1 − t) x = (1 − t) x0 + t eps
so a log-normal sigma (Karras et al., 2022) and a logit-normal flow time (Esser et al., 2024) are the same thing."""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist

import numpy as np

T = 1000  # steps of the discrete schedules
FIRST_FLOW_TIME = 0.999  # pure noise, t = 1, has no finite sigma
MAX_BETA = 0.999


# Ho et al., 2020, section 4
def linear_betas() -> np.ndarray:
    return np.linspace(1e-4, 0.02, T)


# Nichol & Dhariwal, 2021, eq. 17: the noise rises more slowly at both ends
def cosine_betas(s: float = 0.008) -> np.ndarray:
    return _betas(lambda t: np.cos((t + s) / (1 + s) * np.pi / 2) ** 2)


# Jabri et al., 2022, algorithm 1: alphas_cumprod falls as a sigmoid
def sigmoid_betas(start: float = -3.0, end: float = 3.0) -> np.ndarray:
    lo, hi = _sigmoid(start), _sigmoid(end)
    return _betas(lambda t: (hi - _sigmoid(start + t * (end - start))) / (hi - lo))


def _sigmoid(x: np.ndarray | float) -> np.ndarray:
    return 1 / (1 + np.exp(-np.asarray(x, np.float64)))


def _betas(alphas_cumprod: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """(T,) betas of a continuous alphas_cumprod(t), t in [0, 1]; none above MAX_BETA, or the last step would destroy everything."""
    t = np.arange(T + 1) / T
    level = alphas_cumprod(t)
    return np.minimum(1 - level[1:] / level[:-1], MAX_BETA)


BETAS: dict[str, Callable[[], np.ndarray]] = {"linear": linear_betas, "cosine": cosine_betas, "sigmoid": sigmoid_betas}


def alphas_cumprod(schedule: str) -> np.ndarray:
    """∏ (1 − beta), (T,), falling from almost 1 to almost 0."""
    return np.cumprod(1 - BETAS[schedule]())


def sigmas_of(schedule: str) -> np.ndarray:
    """(T,) sigma of each timestep, rising."""
    level = alphas_cumprod(schedule)
    return np.sqrt((1 - level) / level)


def shifted(t: np.ndarray | float, shift: float) -> np.ndarray:
    """Flow times with more of them near noise for shift > 1, which is sigma times shift. Esser et al., 2024, eq. 23."""
    t = np.asarray(t, np.float64)
    return shift * t / (1 + (shift - 1) * t)


def sigma_of_time(t: np.ndarray | float) -> np.ndarray:
    """sigma of a flow time in [0, 1)."""
    t = np.asarray(t, np.float64)
    return t / (1 - t)


def time_of_sigma(sigma: np.ndarray | float) -> np.ndarray:
    sigma = np.asarray(sigma, np.float64)
    return sigma / (1 + sigma)


def training_sigmas(schedule: str, shift: float) -> np.ndarray | None:
    """The noise levels that training draws from evenly, (T,) rising; None where it draws log-normal ones instead."""
    if schedule in BETAS:
        return sigmas_of(schedule)
    return sigma_of_time(shifted((np.arange(T) + 0.5) / T, shift)) if schedule == "uniform" else None


def sigma_at(schedule: str, t: np.ndarray, *, shift: float = 1.0, mean: float = 0.0, std: float = 1.0) -> np.ndarray:
    """The noise level below which a share t in [0, 1] of training's levels lie, so one clock serves all schedules: of a discrete one it is
    timestep / T, of "uniform" the flow time before the shift. `mean` and `std` of ln sigma are those of "lognormal"."""
    levels = training_sigmas(schedule, shift)
    if levels is not None:
        return np.quantile(levels, t)
    inside = np.clip(t, 0.5 / T, 1 - 0.5 / T)
    return np.exp(mean + std * np.array([NormalDist().inv_cdf(v) for v in inside]))


# Grids for samplers: (num_steps + 1,) sigmas, falling, the last one 0


def edm_sigmas(num_steps: int, sigma_min: float, sigma_max: float, rho: float) -> np.ndarray:
    """Karras et al., 2022, eq. 5: rho = 1 is even in sigma, a large rho nearly even in log sigma."""
    ramp = np.linspace(0, 1, num_steps) if num_steps > 1 else np.zeros(1)
    lo, hi = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return np.append((hi + ramp * (lo - hi)) ** rho, 0.0)


def flow_sigmas(num_steps: int, shift: float, sigma_max: float) -> np.ndarray:
    """Even flow times from that of sigma_max to 0. Pure noise, t = 1, would be an infinite sigma."""
    return sigma_of_time(shifted(np.linspace(1, 0, num_steps + 1) * _unshifted(time_of_sigma(sigma_max), shift), shift))


def _unshifted(t: np.ndarray, shift: float) -> np.ndarray:
    return shifted(t, 1 / shift)


def timestep_sigmas(num_steps: int, schedule: str, spacing: str = "trailing") -> np.ndarray:
    """The sigmas of evenly spaced timesteps of a discrete schedule, from noisy to clean. Lin et al., 2024, table 2: "trailing" begins at
    the last timestep, "leading" (the usual mistake) begins before it and never sees pure noise."""
    return np.append(sigmas_of(schedule)[timesteps(num_steps, spacing)], 0.0)


def timesteps(num_steps: int, spacing: str) -> np.ndarray:
    """(num_steps,) whole timesteps, falling."""
    if not 1 <= num_steps <= T:
        raise ValueError(f"num_steps={num_steps} is outside [1, {T}]")
    if spacing == "leading":
        return (np.arange(num_steps) * (T // num_steps))[::-1].copy()
    if spacing == "trailing":
        return np.round(np.arange(T, 0, -T / num_steps)).astype(np.int64)[:num_steps] - 1
    if spacing == "linspace":
        return np.round(np.linspace(0, T - 1, num_steps))[::-1].astype(np.int64)
    raise ValueError(f"spacing={spacing} is not one of leading, trailing, linspace")
