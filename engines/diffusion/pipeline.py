"""A trained run as diffusers knows models: a ModelMixin with our network and averaged weights inside, and a DiffusionPipeline that walks
it with a scheduler of diffusers. Both are written as they would be there, so that what is compared with ours is diffusers' own way: its
config files, its safetensors, its `from_pretrained`, its schedulers, its guidance.

The classes are made when they are first asked for, because diffusers takes seconds to load:
    from engines.diffusion.pipeline import DenoisingPipeline
    DenoisingPipeline.from_pretrained(folder)(batch_size=16, num_inference_steps=20, generator=torch.manual_seed(0)).images"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engines.config import from_dict
from engines.data import DatasetInfo, kind
from engines.diffusion.config import DISCRETE, Config
from engines.diffusion.model import build_network
from engines.diffusion.parameterisations import PARAMETERISATIONS, as_column, denoiser
from engines.diffusion.schedules import BETAS, FIRST_FLOW_TIME, T

NAMES = ("DenoisingModel", "DenoisingPipeline", "ModelMixin")


def __getattr__(name: str) -> Any:
    """diffusers finds the classes by the names that stand in model_index.json, and ModelMixin here says what they are."""
    if name in NAMES:
        return dict(zip(NAMES, classes(), strict=True))[name]
    raise AttributeError(name)


def schedule_of(config: Config) -> str:
    """The table of 1,000 noise levels that timesteps count in; DDPM's for runs that were trained on none."""
    return config.schedule if config.schedule in DISCRETE else "linear"


def their_sigmas(schedule: str) -> np.ndarray:
    """(T,) sigma of each timestep as diffusers has it, in float32: at the lowest noise, where ᾱ is almost 1, that is off by 3e-4."""
    level = torch.cumprod(1 - torch.from_numpy(BETAS[schedule]()).float(), 0).double().numpy()
    return np.sqrt((1 - level) / level)


def blank_network(config: Config, shape: tuple[int, ...], classes: int) -> torch.nn.Module:
    """The run's network, its weights still to be loaded."""
    info = DatasetInfo(config.dataset, kind(config.dataset), "", "", tuple(shape), classes=tuple(str(k) for k in range(classes)))
    return build_network(config, info, torch.Generator().manual_seed(config.seed))


@cache
def classes() -> tuple[Any, Any, Any]:
    """DenoisingModel, DenoisingPipeline and diffusers' ModelMixin. ValueError where diffusers is not installed."""
    if find_spec("diffusers") is None:
        raise ValueError("diffusers is not installed here, so there is nothing to compare with")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # third parties, as they load
        from diffusers import ConfigMixin, DiffusionPipeline, ImagePipelineOutput, ModelMixin
        from diffusers.configuration_utils import register_to_config
        from diffusers.utils.torch_utils import randn_tensor

    class DenoisingModel(ModelMixin, ConfigMixin):
        """`run`: all knobs; `shape` of an example; number of `classes`; x0 · `scale` + `shift` are data; `step` it was trained to; `flow`
        whether timesteps are flow times · 1,000, and the answer a velocity, or timesteps of a schedule, and the answer v."""

        config: Any

        @register_to_config
        def __init__(self, run: dict, shape: list, classes: int, shift: list, scale: float, step: int = 0, flow: bool = False):
            super().__init__()
            config = from_dict(Config, dict(run))
            self.net = blank_network(config, tuple(shape), classes)
            self.parameterisation = PARAMETERISATIONS[config.objective]
            self.table = their_sigmas(schedule_of(config))

        def sigma(self, timestep: float) -> float:
            if self.config.flow:
                t = min(float(timestep) / T, FIRST_FLOW_TIME)
                return t / (1 - t)
            return float(np.interp(float(timestep), np.arange(T), self.table))  # Euler's timesteps need not be whole

        def forward(self, sample: Tensor, timestep: Any, class_labels: Tensor | None = None, return_dict: bool = True) -> Any:
            """x_t (n, …), variance preserving or a flow's -> v or velocity (n, …): where noise is high, eps says nothing of x0."""
            s = self.sigma(timestep)
            sigma = as_column(s, sample)
            if self.config.flow:
                x0 = denoiser(self.net, self.parameterisation, class_labels)(sample * (1 + sigma), sigma)
                said = (sample - x0) * (1 + 1 / sigma)  # (x_t − x0) / t
            else:
                alpha = (1 + sigma**2).rsqrt()
                x0 = denoiser(self.net, self.parameterisation, class_labels)(sample / alpha, sigma)
                said = (alpha * sample - x0) / (sigma * alpha)  # Salimans & Ho, 2022: x0 = alpha x_t − sigma alpha v
            return {"sample": said} if return_dict else (said,)

    class DenoisingPipeline(DiffusionPipeline):
        """From noise to examples in data units."""

        unet: Any
        scheduler: Any
        register_modules: Any
        numpy_to_pil: Any

        def __init__(self, unet: Any, scheduler: Any):
            super().__init__()
            self.register_modules(unet=unet, scheduler=scheduler)

        def set_timesteps(self, num_inference_steps: int) -> None:
            if self.unet.config.flow:
                times = np.linspace(FIRST_FLOW_TIME, 0, num_inference_steps + 1)[:-1]
                return self.scheduler.set_timesteps(sigmas=times)
            return self.scheduler.set_timesteps(num_inference_steps)

        @torch.no_grad()
        def steps(self, batch_size: int, num_inference_steps: int, generator: torch.Generator | None = None,
                  class_labels: Tensor | None = None, guidance_scale: float = 1.0) -> Iterator[Tensor]:  # fmt: skip
            """x_t (n, …) in the scheduler's scale: pure noise, then after each call of the scheduler."""
            scheduler = self.scheduler
            self.set_timesteps(num_inference_steps)
            x = randn_tensor((batch_size, *self.unet.config.shape), generator=generator, device=self.unet.device)
            x = x * getattr(scheduler, "init_noise_sigma", 1.0)
            yield x
            extra = {"generator": generator} if "DDPM" in type(scheduler).__name__ else {}
            for t in scheduler.timesteps:
                x_t = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x
                x = scheduler.step(self.said(x_t, t, class_labels, guidance_scale), t, x, **extra).prev_sample
                yield x

        def said(self, x_t: Tensor, t: Any, class_labels: Tensor | None, guidance_scale: float) -> Tensor:
            """What the network answers, guided away from its answer without a class. Ho & Salimans, 2022."""
            said = self.unet(x_t, t, class_labels=class_labels, return_dict=False)[0]
            if class_labels is None or guidance_scale == 1:
                return said
            plain = self.unet(x_t, t, return_dict=False)[0]
            return plain + guidance_scale * (said - plain)

        def __call__(self, batch_size: int = 1, num_inference_steps: int = 20, generator: torch.Generator | None = None,
                     class_labels: Tensor | None = None, guidance_scale: float = 1.0, output_type: str = "pil") -> Any:  # fmt: skip
            """`.images`: PIL images, for output_type "np" (n, h, w, c) in [0, 1]; of points, (n, 2) in data units."""
            *_, x = self.steps(batch_size, num_inference_steps, generator, class_labels, guidance_scale)
            shift = torch.tensor(self.unet.config.shift, device=x.device).reshape(-1, *[1] * (x.dim() - 2))
            x = x * self.unet.config.scale + shift
            if x.dim() == 2:
                return ImagePipelineOutput(images=x.cpu().numpy())
            images = (x / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
            return ImagePipelineOutput(images=self.numpy_to_pil(images) if output_type == "pil" else images)

    for made in (DenoisingModel, DenoisingPipeline):
        made.__qualname__ = made.__name__
    return DenoisingModel, DenoisingPipeline, ModelMixin
