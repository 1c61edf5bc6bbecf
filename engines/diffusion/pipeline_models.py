"""The models inside a folder of diffusers, before diffusers is loaded: what `engines.diffusion.pipeline` makes ModelMixins of. Each is
described by JSON values and holds weights of a run: its denoiser, the autoencoder of a latent run, its text encoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engines.config import from_dict
from engines.data import DatasetInfo, kind
from engines.data.captions import wording_of
from engines.diffusion.config import DISCRETE, Config
from engines.diffusion.latent import LatentSpace
from engines.diffusion.model import build_network
from engines.diffusion.parameterisations import PARAMETERISATIONS, Net, as_column, denoiser
from engines.diffusion.schedules import BETAS, FIRST_FLOW_TIME, T
from engines.diffusion.words import TextEncoder


def schedule_of(config: Config) -> str:
    """The table of 1,000 noise levels that timesteps count in; DDPM's for runs that were trained on none."""
    return config.schedule if config.schedule in DISCRETE else "linear"


def their_sigmas(schedule: str) -> np.ndarray:
    """(T,) sigma of each timestep as diffusers has it, in float32: at the lowest noise, where ᾱ is almost 1, that is off by 3e-4."""
    level = torch.cumprod(1 - torch.from_numpy(BETAS[schedule]()).float(), 0).double().numpy()
    return np.sqrt((1 - level) / level)


def blank_network(config: Config, shape: tuple[int, ...], classes: int) -> nn.Module:
    """The run's network, its weights still to be loaded. `shape` of an example."""
    info = DatasetInfo(config.dataset, kind(config.dataset), "", "", tuple(shape), classes=tuple(str(k) for k in range(classes)))
    latent = blank_space(config, shape).shape if config.space == "latent" else ()
    return build_network(config, info, torch.Generator().manual_seed(config.seed), latent)


def blank_space(config: Config, shape: tuple[int, ...]) -> LatentSpace:
    """The latent space of a run on images (c, h, w), its weights still to be loaded, taken for finished."""
    space = LatentSpace(config, tuple(shape), torch.zeros(1, *shape), torch.device("cpu"))
    space.frozen = True
    return space.requires_grad_(False)


class Denoiser(nn.Module):
    """`run`: all knobs; `shape` of an example; number of `classes`; x0 · `scale` + `shift` are data; `step` it was trained to; `flow`
    whether timesteps are flow times · 1,000, and the answer a velocity, or timesteps of a schedule, and the answer v; `seen`: the shape
    of what is denoised, which of a latent run is not that of an example."""

    config: Any

    def __init__(self, run: dict, shape: list, classes: int, shift: list, scale: float, step: int = 0, flow: bool = False,
                 seen: list | None = None):  # fmt: skip
        super().__init__()
        config = from_dict(Config, dict(run))
        self.net = blank_network(config, tuple(shape), classes)
        if config.text:
            del self.net.text  # a component of its own
        self.parameterisation = PARAMETERISATIONS[config.objective]
        self.table = their_sigmas(schedule_of(config))

    def sigma(self, timestep: float) -> float:
        if self.config.flow:
            t = min(float(timestep) / T, FIRST_FLOW_TIME)
            return t / (1 - t)
        return float(np.interp(float(timestep), np.arange(T), self.table))  # Euler's timesteps need not be whole

    def forward(self, sample: Tensor, timestep: Any, class_labels: Tensor | None = None, encoder_hidden_states: Tensor | None = None,
                encoder_attention_mask: Tensor | None = None, return_dict: bool = True) -> Any:  # fmt: skip
        """x_t (n, …), variance preserving or a flow's -> v or velocity (n, …): where noise is high, eps says nothing of x0. Told classes
        (n,), or the text encoder's words (n, k, d) and mask."""
        s = self.sigma(timestep)
        sigma = as_column(s, sample)
        net: Net = self.net
        if encoder_hidden_states is not None:
            net = lambda z, c_noise, y: self.net.told(z, c_noise, encoder_hidden_states, encoder_attention_mask)  # type: ignore[operator]  # noqa: E731
        denoise = denoiser(net, self.parameterisation, class_labels)
        if self.config.flow:
            said = (sample - denoise(sample * (1 + sigma), sigma)) * (1 + 1 / sigma)  # (x_t − x0) / t
        else:
            alpha = (1 + sigma**2).rsqrt()
            said = (alpha * sample - denoise(sample / alpha, sigma)) / (
                sigma * alpha
            )  # Salimans & Ho, 2022: x0 = alpha x_t − sigma alpha v
        return {"sample": said} if return_dict else (said,)


class Latents(nn.Module):
    """Images (n, c, h, w) in [−1, 1] <-> whitened latents (n, …): the autoencoder of a latent run."""

    def __init__(self, run: dict, shape: list):
        super().__init__()
        self.space = blank_space(from_dict(Config, dict(run)), tuple(shape))

    def encode(self, x: Tensor) -> Tensor:
        return self.space.encode(x)

    def decode(self, z: Tensor) -> Tensor:
        return self.space.decode(z)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


class Reader(nn.Module):
    """Numbers of words (n, k), 0 for none -> a vector for each and one for the caption, (n, 1 + k, d), and the mask that hides gaps."""

    def __init__(self, width: int, dataset: str):
        super().__init__()
        self.text = TextEncoder(width, wording_of(dataset))

    def forward(self, input_ids: Tensor) -> tuple[Tensor, Tensor]:
        return self.text(input_ids)
