"""How many bits a diffusion model needs for an image: a bound on −log₂ p(x) per dimension, in continuous time (Kingma et al., 2021, "VDM",
eq. 11 and 14). It depends on the denoiser alone, not on a schedule or a sampler."""

from __future__ import annotations

from collections.abc import Iterator
from math import log
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engines.core import Curve, Snapshot
from engines.diffusion import questions as q
from engines.diffusion.parameterisations import Denoise, as_column, denoiser
from engines.state import Rng

if TYPE_CHECKING:
    from engines.diffusion.engine import DiffusionEngine

GREY_LEVELS = {"digits": 17}  # of a data set, 256 for others
SIGMA_MAX = 100.0
BINS = 12  # of the curve


def diffusion_bits(denoise: Denoise, x0: Tensor, sigma: Tensor, eps: Tensor, span: float) -> Tensor:
    """(n,) bits per dimension of ∫ ‖x0 − D‖² / sigma² d ln sigma, at one sigma (n,) each, drawn evenly in ln sigma over `span` nats."""
    level = as_column(sigma, x0)
    error = ((x0 - denoise(x0 + level * eps, level)) / level).square().flatten(1).mean(1)
    return span * error / log(2)


def prior_bits(x0: Tensor, sigma_max: float) -> Tensor:
    """(n,) bits per dimension of KL(N(x0, sigma_max²) ‖ N(0, sigma_max² + 1))."""
    ratio = sigma_max**2 / (sigma_max**2 + 1)
    return 0.5 * (ratio - 1 - log(ratio) + x0.square().flatten(1).mean(1) / (sigma_max**2 + 1)) / log(2)


def decoder_bits(x0: Tensor, grey: Tensor, sigma_min: float, eps: Tensor) -> Tensor:
    """(n,) bits per dimension to name each pixel's grey level (k,) once it is known up to noise of sigma_min."""
    z = (x0 + sigma_min * eps).flatten(1)[..., None]  # (n, d, 1)
    log_p = (-0.5 * ((z - grey) / sigma_min) ** 2).log_softmax(2)  # (n, d, k)
    nearest = (x0.flatten(1)[..., None] - grey).abs().argmin(2, keepdim=True)
    return -log_p.gather(2, nearest)[..., 0].mean(1) / log(2)


def grey_levels(engine: DiffusionEngine) -> Tensor:
    """(k,) the values that a pixel can have, in the network's units."""
    k = GREY_LEVELS.get(engine.config.dataset, 256)
    return (torch.linspace(-1, 1, k, device=engine.device) - engine.shift) / engine.scale


@torch.no_grad()
def answer_bound(engine: DiffusionEngine, asked: q.Bound) -> Iterator[Snapshot | None]:
    """Metrics in bits per dimension, means over n held-out images: "bits_per_dim" and its parts "prior", "diffusion", "decoder"; "uniform"
    is what an even guess needs. View "bits_by_noise": Curve of the diffusion part's density over ln sigma."""
    if not engine.image:
        raise ValueError("bits per dimension are of pixels; points have an exact density to compare with")
    if engine.latent is not None:
        raise ValueError("bits per dimension are of pixels, and this run denoises latents: ask one that denoises pixels")
    data, generator = engine.data, Rng(asked.seed, ("bound",), engine.device)["bound"]
    at = np.arange(min(asked.n, len(data.test_pixels)))
    x0 = ((torch.from_numpy(data.test_pixels[at]).to(engine.device) - engine.shift) / engine.scale).float()
    y = torch.from_numpy(np.asarray(data.test_labels[at], np.int64)).to(engine.device) if engine.told else None
    grey = grey_levels(engine)
    sigma_min = float(grey[1] - grey[0]) / 4
    span = log(SIGMA_MAX / sigma_min)
    denoise, logs, bits = denoiser(engine.ema.net, engine.parameterisation, y), [], []
    for k in range(asked.draws):
        # low-discrepancy noise levels: every image another, together even (VDM, appendix I.1)
        u = (
            torch.rand((), generator=generator, device=engine.device)
            + (torch.arange(len(x0), device=engine.device) + k / asked.draws) / len(x0)
        ) % 1
        eps = torch.randn(x0.shape, generator=generator, device=engine.device)
        sigma = (log(sigma_min) + span * u).exp()
        logs.append(sigma.log())
        bits.append(diffusion_bits(denoise, x0, sigma, eps, span))
        yield None
    decoder = decoder_bits(x0, grey, sigma_min, torch.randn(x0.shape, generator=generator, device=engine.device))
    parts = {"prior": prior_bits(x0, SIGMA_MAX), "diffusion": torch.stack(bits), "decoder": decoder}
    means = {name: float(value.mean()) for name, value in parts.items()}
    curve = _by_noise(torch.cat(logs).cpu().numpy(), torch.cat(bits).cpu().numpy(), span)
    yield Snapshot(engine.step, {"bits_per_dim": sum(means.values()), **means, "uniform": log(len(grey), 2)}, {"bits_by_noise": (curve,)})


def _by_noise(logs: np.ndarray, bits: np.ndarray, span: float) -> Curve:
    """Mean density of bits over ln sigma in BINS bins."""
    edges = np.linspace(logs.min(), logs.max(), BINS + 1)
    bin_of = np.clip(np.digitize(logs, edges) - 1, 0, BINS - 1)
    density = np.array([bits[bin_of == b].mean() if (bin_of == b).any() else 0.0 for b in range(BINS)]) / span
    return Curve(((edges[:-1] + edges[1:]) / 2).astype(np.float32), density.astype(np.float32), name="bits per nat of ln σ")
