"""The samplers of diffusers walking with our denoiser, to be put beside our own: the same weights, grid and noise. diffusers is imported
when it is asked for; a ValueError says so where it is not installed."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engines.diffusion.parameterisations import Denoise
from engines.diffusion.schedules import T, flow_sigmas, time_of_sigma

LINEAR = dict(beta_start=1e-4, beta_end=0.02, beta_schedule="linear")
FIRST_FLOW_SIGMA = 999.0  # pure noise, t = 1, has no finite sigma


@dataclass(frozen=True)
class Reference:
    """A scheduler class of diffusers. `scale` says what its samples are: "vp" x/√(1 + sigma²), "ve" x itself, "flow" x/(1 + sigma)."""

    name: str
    scale: str
    options: dict[str, Any] = field(default_factory=dict)


REFERENCES: dict[str, Reference] = {
    "ddim": Reference("DDIMScheduler", "vp", LINEAR | dict(clip_sample=False, timestep_spacing="trailing")),
    "euler": Reference("EulerDiscreteScheduler", "ve", LINEAR),
    "heun": Reference("HeunDiscreteScheduler", "ve", LINEAR),
    "dpmpp-2m": Reference("DPMSolverMultistepScheduler", "vp", LINEAR | dict(lower_order_final=False, final_sigmas_type="zero")),
    "unipc": Reference("UniPCMultistepScheduler", "vp", LINEAR | dict(solver_order=2, solver_type="bh2")),
    "flow-euler": Reference("FlowMatchEulerDiscreteScheduler", "flow"),
}


def reference_walk(sampler: str, denoise: Denoise, eps: Tensor, num_steps: int) -> tuple[list[Tensor], Tensor]:
    """x (n, …) after each step of diffusers' sampler from unit noise eps, in our scale x0 + sigma eps, and the grid (num_steps + 1,) it
    walked down. ValueError if diffusers has none of that name, is not installed, or cannot make so many steps."""
    if sampler not in REFERENCES:
        raise ValueError(f"sampler={sampler} is not one of {', '.join(REFERENCES)}, which diffusers has without fresh noise")
    if find_spec("diffusers") is None:
        raise ValueError("diffusers is not installed here, so there is nothing to compare with")
    if sampler == "ddim" and T % num_steps:  # it steps to t − 1000 // num_steps, which is then not the next timestep
        raise ValueError(f"num_steps={num_steps} does not divide {T}, and the DDIM of diffusers then loses its place")
    reference = REFERENCES[sampler]
    scheduler, levels = _prepared(reference, num_steps)
    x, seen, sigmas = eps * (1 + levels[0] ** 2) ** 0.5, [], [levels[0]]
    for k, t in enumerate(scheduler.timesteps):
        sigma, after = levels[k], levels[k + 1]
        x0 = denoise(x, torch.tensor(sigma, dtype=x.dtype, device=x.device))
        # what the network would have said: the noise, or a flow's velocity
        said = (x - x0) / sigma if reference.scale != "flow" else (x - x0) / sigma - x0
        x = _ours(scheduler.step(said, t, _theirs(x, sigma, reference.scale)).prev_sample, after, reference.scale)
        if len(levels) == num_steps + 1 or k % 2 or k == len(levels) - 2:  # Heun's step has two halves
            seen.append(x)
            sigmas.append(after)
    return seen, torch.tensor(sigmas, dtype=torch.float64, device=eps.device)


def _prepared(reference: Reference, num_steps: int) -> tuple[Any, list[float]]:
    """The scheduler, and the sigma of each call of the network, then 0."""
    import warnings

    import diffusers

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # diffusers with numpy 2
        scheduler = getattr(diffusers, reference.name)(**reference.options)
        if reference.scale == "flow":
            grid = flow_sigmas(num_steps, 1.0, FIRST_FLOW_SIGMA)
            scheduler.set_timesteps(sigmas=time_of_sigma(grid)[:-1])
            return scheduler, grid.tolist()
        scheduler.set_timesteps(num_steps)
    if hasattr(scheduler, "sigmas"):
        return scheduler, scheduler.sigmas.double().tolist()
    level = np.asarray(scheduler.alphas_cumprod, np.float64)[scheduler.timesteps.numpy()]
    return scheduler, [*np.sqrt((1 - level) / level).tolist(), 0.0]


def _theirs(x: Tensor, sigma: float, scale: str) -> Tensor:
    return {"ve": x, "vp": x / (1 + sigma**2) ** 0.5, "flow": x / (1 + sigma)}[scale]


def _ours(x: Tensor, sigma: float, scale: str) -> Tensor:
    return {"ve": x, "vp": x * (1 + sigma**2) ** 0.5, "flow": x * (1 + sigma)}[scale]
