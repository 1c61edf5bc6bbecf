"""A trained run as diffusers knows models: ModelMixins with our networks and averaged weights inside, and a DiffusionPipeline that walks
them with a scheduler of diffusers. All is written as it would be there, so that what is compared with ours is diffusers' own way: its
config files, its safetensors, its `from_pretrained`, its schedulers, its guidance.

The classes are made when they are first asked for, because diffusers takes seconds to load:
    from engines.diffusion.pipeline import DenoisingPipeline
    DenoisingPipeline.from_pretrained(folder)(batch_size=16, num_inference_steps=20, generator=torch.manual_seed(0)).images"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engines.diffusion.pipeline_models import Denoiser, Latents, Reader
from engines.diffusion.schedules import FIRST_FLOW_TIME

MODELS: dict[str, type[nn.Module]] = {"DenoisingModel": Denoiser, "LatentModel": Latents, "CaptionModel": Reader}
PIPELINE = "DenoisingPipeline"


def __getattr__(name: str) -> Any:
    """diffusers finds the classes by the names that stand in model_index.json, and ModelMixin here says what they are."""
    if name in (*MODELS, PIPELINE, "ModelMixin"):
        return getattr(classes(), name)
    raise AttributeError(name)


@cache
def classes() -> Any:
    """DenoisingModel, LatentModel, CaptionModel, DenoisingPipeline and diffusers' ModelMixin. ValueError where diffusers is missing."""
    if find_spec("diffusers") is None:
        raise ValueError("diffusers is not installed here, so there is nothing to compare with")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # third parties, as they load
        from diffusers import ConfigMixin, DiffusionPipeline, ModelMixin
        from diffusers.configuration_utils import register_to_config

    def joined(name: str, ours: type, *theirs: type, **more: Any) -> type:
        return type(name, (ours, *theirs), {"__module__": __name__, **more})

    made = {
        name: joined(name, model, ModelMixin, ConfigMixin, __init__=register_to_config(model.__init__)) for name, model in MODELS.items()
    }
    return SimpleNamespace(**made, **{PIPELINE: joined(PIPELINE, Walk, DiffusionPipeline)}, ModelMixin=ModelMixin)


class Walk:
    """From noise to examples in data units. Of a latent run `vae` decodes them; one that is told words has a `text_encoder` and a
    `tokenizer`. In front of diffusers' DiffusionPipeline, which brings the rest."""

    _optional_components = ["vae", "text_encoder", "tokenizer"]
    unet: Any
    scheduler: Any
    vae: Any
    text_encoder: Any
    tokenizer: Any
    register_modules: Any
    numpy_to_pil: Any

    def __init__(self, unet: Any, scheduler: Any, vae: Any = None, text_encoder: Any = None, tokenizer: Any = None):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler, vae=vae, text_encoder=text_encoder, tokenizer=tokenizer)

    def set_timesteps(self, num_inference_steps: int) -> None:
        if self.unet.config.flow:
            times = np.linspace(FIRST_FLOW_TIME, 0, num_inference_steps + 1)[:-1]
            return self.scheduler.set_timesteps(sigmas=times)
        return self.scheduler.set_timesteps(num_inference_steps)

    @torch.no_grad()
    def steps(self, batch_size: int, num_inference_steps: int, generator: torch.Generator | None = None,
              class_labels: Tensor | None = None, guidance_scale: float = 1.0,
              prompt: str | Sequence[str] | None = None) -> Iterator[Tensor]:  # fmt: skip
        """x_t (n, …) in the scheduler's scale: pure noise, then after each call of the scheduler. Told `class_labels` (n,) or a `prompt`,
        one for all or one each."""
        from diffusers.utils.torch_utils import randn_tensor

        scheduler, config = self.scheduler, self.unet.config
        told, nothing = self.conditions(batch_size, class_labels, prompt)
        self.set_timesteps(num_inference_steps)
        x = randn_tensor((batch_size, *(config.seen or config.shape)), generator=generator, device=self.unet.device)
        x = x * getattr(scheduler, "init_noise_sigma", 1.0)
        yield x
        extra = {"generator": generator} if "DDPM" in type(scheduler).__name__ else {}
        for t in scheduler.timesteps:
            x_t = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x
            x = scheduler.step(self.said(x_t, t, told, nothing, guidance_scale), t, x, **extra).prev_sample
            yield x

    def conditions(self, n: int, class_labels: Tensor | None, prompt: str | Sequence[str] | None) -> tuple[dict | None, dict]:
        """What the network is told, None for nothing, and what it hears without it. ValueError where a prompt cannot be read."""
        if self.text_encoder is None:
            if prompt is not None:
                raise ValueError("prompt needs a run that was told words")
            return (None if class_labels is None else {"class_labels": class_labels}), {}
        told = None if prompt is None else self.read([prompt] * n if isinstance(prompt, str) else list(prompt))
        return told, self.read([""] * n)

    def read(self, prompts: list[str]) -> dict[str, Tensor]:
        """The words of prompts, as the denoiser looks them up. ValueError for a word that the text encoder never saw, or too many."""
        longest = self.tokenizer.model_max_length
        rows = self.tokenizer(prompts, padding="max_length", max_length=longest)["input_ids"]
        for prompt, row in zip(prompts, rows, strict=True):
            if self.tokenizer.unk_token_id in row or len(row) > longest:
                known = ", ".join(sorted(set(self.tokenizer.get_vocab()) - {self.tokenizer.unk_token, ""}))
                raise ValueError(f"prompt “{prompt[:80]}” does not consist of up to {longest} of these words: {known}")
        words, mask = self.text_encoder(torch.tensor(rows, device=self.text_encoder.device))
        return {"encoder_hidden_states": words, "encoder_attention_mask": mask}

    def said(self, x_t: Tensor, t: Any, told: dict | None, nothing: dict, guidance_scale: float) -> Tensor:
        """What the network answers, guided away from its answer without a class or words. Ho & Salimans, 2022."""
        if told is None or guidance_scale == 1:
            return self.unet(x_t, t, return_dict=False, **(nothing if told is None else told))[0]
        plain, said = (self.unet(x_t, t, return_dict=False, **heard)[0] for heard in (nothing, told))
        return plain + guidance_scale * (said - plain)

    @torch.no_grad()
    def __call__(self, batch_size: int = 1, num_inference_steps: int = 20, generator: torch.Generator | None = None,
                 class_labels: Tensor | None = None, guidance_scale: float = 1.0, prompt: str | Sequence[str] | None = None,
                 output_type: str = "pil") -> Any:  # fmt: skip
        """`.images`: PIL images, for output_type "np" (n, h, w, c) in [0, 1]; of points, (n, 2) in data units."""
        from diffusers import ImagePipelineOutput

        *_, x = self.steps(batch_size, num_inference_steps, generator, class_labels, guidance_scale, prompt)
        if self.vae is not None:
            x = self.vae.decode(x)
        else:
            shift = torch.tensor(self.unet.config.shift, device=x.device).reshape(-1, *[1] * (x.dim() - 2))
            x = x * self.unet.config.scale + shift
        if x.dim() == 2:
            return ImagePipelineOutput(images=x.cpu().numpy())
        images = (x / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
        return ImagePipelineOutput(images=self.numpy_to_pil(images) if output_type == "pil" else images)
