"""diffusers beside our own: a run as a folder that its `from_pretrained` opens, and back; and its pipeline walking from the same noise with
the same weights. diffusers is imported when it is asked for; a ValueError says so where it is not installed."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from engines.config import from_dict, to_dict
from engines.data.captions import wording_of
from engines.diffusion.config import Config
from engines.diffusion.schedules import BETAS, T

if TYPE_CHECKING:
    from engines.diffusion.engine import DiffusionEngine

WEIGHTS, SETTINGS = Path("unet/diffusion_pytorch_model.safetensors"), Path("unet/config.json")
TEXT = "text."  # before the names of the text encoder's weights in ours
UNKNOWN = "[none]"
NOT_BASIC = {"cosine": "squaredcos_cap_v2"}  # what diffusers calls a schedule; its own "sigmoid" is another one


@dataclass(frozen=True)
class Reference:
    """A scheduler class of diffusers. `scale` says what its samples are: "vp" x/√(1 + sigma²), "ve" x itself, "flow" x/(1 + sigma)."""

    name: str
    scale: str
    options: dict[str, Any] = field(default_factory=dict)


# steps to t − 1000 // num_steps, which is the next timestep only if num_steps divides 1,000
DIVIDING = ("ddim", "ddpm")
REFERENCES: dict[str, Reference] = {
    "ddpm": Reference("DDPMScheduler", "vp", dict(clip_sample=False, timestep_spacing="trailing")),
    "ddim": Reference("DDIMScheduler", "vp", dict(clip_sample=False, timestep_spacing="trailing")),
    "euler": Reference("EulerDiscreteScheduler", "ve"),
    "heun": Reference("HeunDiscreteScheduler", "ve"),
    "dpmpp-2m": Reference("DPMSolverMultistepScheduler", "vp", dict(lower_order_final=False, final_sigmas_type="zero")),
    "unipc": Reference("UniPCMultistepScheduler", "vp", dict(solver_order=2, solver_type="bh2")),
    "flow-euler": Reference("FlowMatchEulerDiscreteScheduler", "flow"),
}
NEAREST = {"dpmpp-2m-sde": "dpmpp-2m", "flow-heun": "flow-euler"}  # where diffusers has none, or draws its noise in another way


# A run as a folder


def export(engine: DiffusionEngine, folder: str | Path, sampler: str = "") -> Path:
    """Write a run's averaged weights and settings as a folder of diffusers, safetensors only, and return it. `sampler` (the run's own, or
    the nearest that diffusers has) chooses the scheduler. It opens with `engines.diffusion.pipeline.DenoisingPipeline.from_pretrained`."""
    from engines.diffusion.pipeline import classes

    c = engine.config
    if engine.latent is not None and not engine.latent.frozen:
        raise ValueError(f"the autoencoder is still learning, so there is no denoiser yet: it begins at step {engine.latent.first:,}")
    sampler = sampler or NEAREST.get(c.sampler, c.sampler)
    latent = {"vae": latent_model(engine)} if engine.latent is not None else {}
    words = {"text_encoder": caption_model(engine), "tokenizer": tokenizer(c.dataset)} if c.text else {}
    pipeline = classes().DenoisingPipeline(denoising_model(engine, sampler), scheduler_of(sampler, c), **latent, **words)
    pipeline.save_pretrained(folder, safe_serialization=True)
    told = f', prompt="{engine.data.wording.example}", guidance_scale={c.cfg_scale:g}' if c.text else ""
    card = CARD.format(dataset=c.dataset, step=engine.step, sampler=sampler, told=told)
    (Path(folder) / "README.md").write_text(card, encoding="utf-8")
    return Path(folder)


def denoising_model(engine: DiffusionEngine, sampler: str) -> Any:
    from engines.diffusion.pipeline import classes

    model = classes().DenoisingModel(
        run=to_dict(engine.config), shape=list(engine.info.shape), classes=len(engine.info.classes) if engine.told else 0,
        shift=[float(v) for v in torch.as_tensor(engine.shift).flatten()], scale=float(engine.scale), step=engine.step,
        flow=reference_of(sampler).scale == "flow", seen=None if engine.latent is None else list(engine.shape),
    )  # fmt: skip
    state = {name: t for name, t in engine.ema.net.state_dict().items() if not (engine.config.text and name.startswith(TEXT))}
    model.net.load_state_dict(state)
    return model


def latent_model(engine: DiffusionEngine) -> Any:
    from engines.diffusion.pipeline import classes

    assert engine.latent is not None
    model = classes().LatentModel(run=to_dict(engine.config), shape=list(engine.info.shape))
    model.space.load_state_dict(engine.latent.state_dict())
    return model


def caption_model(engine: DiffusionEngine) -> Any:
    from engines.diffusion.pipeline import classes

    model = classes().CaptionModel(width=engine.config.width, dataset=engine.config.dataset)
    model.text.load_state_dict(engine.ema.net.text.state_dict())  # type: ignore[union-attr, operator]
    return model


def tokenizer(dataset: str) -> Any:
    """A tokenizer of transformers that numbers the words of captions as we do; one more number stands for words that no caption has."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    wording = wording_of(dataset)
    found = Tokenizer(models.WordLevel({word: i for i, word in enumerate((*wording.vocabulary, UNKNOWN))}, unk_token=UNKNOWN))
    spelled = [normalizers.Replace(Regex(rf"(?<![^\s,.]){also}(?![^\s,.])"), word) for also, word in wording.spelled.items()]
    found.normalizer = normalizers.Sequence([normalizers.Lowercase(), *spelled])
    found.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s,.]+"), "removed")
    return PreTrainedTokenizerFast(
        tokenizer_object=found, pad_token="", unk_token=UNKNOWN, model_max_length=wording.longest, clean_up_tokenization_spaces=False
    )


def open_pipeline(folder: str | Path) -> Any:
    """diffusers' own `from_pretrained` on such a folder: nothing is downloaded, only safetensors are read."""
    from engines.diffusion.pipeline import classes

    pipeline = classes().DenoisingPipeline
    from diffusers.utils import logging

    logging.disable_progress_bar()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # third parties, as they load
        return pipeline.from_pretrained(str(folder), local_files_only=True, use_safetensors=True, low_cpu_mem_usage=False)


CARD = """# A diffusion model of {dataset}, {step} steps

    from engines.diffusion.pipeline import DenoisingPipeline  # of the Generative Playground

    pipeline = DenoisingPipeline.from_pretrained("this folder")
    pipeline(batch_size=16, num_inference_steps=20{told}).images

The weights are the average over training, the scheduler is that of {sampler}.
"""


def read(folder: str | Path) -> tuple[Config, dict[str, dict[str, Tensor]]]:
    """The settings of such a folder and the state of its engine's parts: both "net" and "ema" are the averaged weights, and of a latent
    run there is the "autoencoder". The optimiser and the random streams of a run are not in the folder, so training does not go on exactly
    as it would have. ValueError says what is missing or does not fit; nothing that the folder names is imported."""
    from engines.diffusion.pipeline_models import blank_network, blank_space

    folder, (config, settings) = Path(folder), _settings(Path(folder))
    shape = tuple(settings["shape"])
    net = _weights(folder / WEIGHTS, "net.")
    if config.text:
        net |= {TEXT + name: t for name, t in _weights(folder / "text_encoder" / WEIGHTS.name, TEXT).items()}
    parts = {"net": _fitting(folder, net, blank_network(config, shape, settings["classes"]))}
    if config.space == "latent":
        parts["autoencoder"] = _fitting(folder, _weights(folder / "vae" / WEIGHTS.name, "space."), blank_space(config, shape))
    return config, parts | {"ema": parts["net"]}


def _weights(path: Path, prefix: str) -> dict[str, Tensor]:
    """The tensors of a file by their names in ours."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    within = path.relative_to(path.parents[1])
    try:
        return {name.removeprefix(prefix): tensor for name, tensor in load_file(path).items()}
    except FileNotFoundError:
        raise ValueError(f"{path.parents[1]} holds no {within}") from None
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged: {error}") from None


def _fitting(folder: Path, found: dict[str, Tensor], blank: torch.nn.Module) -> dict[str, Tensor]:
    """The tensors, if they are what a network of ours needs."""
    for name, expected in blank.state_dict().items():
        if name not in found or found[name].shape != expected.shape:
            raise ValueError(f"{name} of {folder} is not of shape {tuple(expected.shape)}, which its settings ask for")
        if not bool(found[name].isfinite().all()):
            raise ValueError(f"{name} of {folder} holds values that are not finite")
    return found


def load(folder: str | Path, data: np.ndarray | None = None, *, device: str = "cpu") -> DiffusionEngine:
    """An engine with the weights and the step of such a folder; `data` if its data set was one's own."""
    from engines.diffusion.engine import DiffusionEngine

    config, parts = read(folder)
    engine = DiffusionEngine(config, device=device, data=data)
    for name, state in parts.items():
        engine.parts[name].load_state_dict(state)
    engine.step = _settings(Path(folder))[1]["step"]
    return engine


def _settings(folder: Path) -> tuple[Config, dict[str, Any]]:
    """The run's knobs, and "shape", "classes" and "step" beside them."""
    try:
        settings = json.loads((folder / SETTINGS).read_bytes())
        config = from_dict(Config, settings["run"])
        shape, counts = settings["shape"], (settings["classes"], settings["step"])
        if not all(type(v) is int and 0 <= v < 1_000_000 for v in (*shape, *counts)) or len(shape) not in (1, 3):
            raise TypeError
    except FileNotFoundError:
        raise ValueError(f"{folder} is no folder that export wrote: it holds no {SETTINGS}") from None
    except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError):
        raise ValueError(f"{folder / SETTINGS} is not the description of a run") from None
    return config, settings


# Its schedulers


def reference_of(sampler: str) -> Reference:
    if sampler not in REFERENCES:
        raise ValueError(f"sampler={sampler} is not one of {', '.join(REFERENCES)}, which diffusers walks as we do")
    return REFERENCES[sampler]


def scheduler_of(sampler: str, config: Config) -> Any:
    """A scheduler of diffusers, on the schedule that the run was trained on, or else DDPM's."""
    from engines.diffusion.pipeline_models import schedule_of

    reference = reference_of(sampler)
    import diffusers

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # diffusers with numpy 2
        if reference.scale == "flow":
            return getattr(diffusers, reference.name)(num_train_timesteps=T)
        schedule = schedule_of(config)
        betas: dict[str, Any] = dict(beta_schedule=NOT_BASIC.get(schedule, schedule), beta_start=1e-4, beta_end=0.02)
        if schedule == "sigmoid":
            betas = dict(trained_betas=BETAS[schedule]().tolist())
        return getattr(diffusers, reference.name)(prediction_type="v_prediction", **betas, **reference.options)


def levels_of(scheduler: Any) -> list[float]:
    """The sigma of each call of the network, then 0. The scheduler's timesteps are set."""
    if "FlowMatch" in type(scheduler).__name__:
        return [float(t / (1 - t)) for t in scheduler.sigmas.double()]
    if hasattr(scheduler, "sigmas"):
        return scheduler.sigmas.double().tolist()
    level = np.asarray(scheduler.alphas_cumprod, np.float64)[scheduler.timesteps.numpy()]
    return [*np.sqrt((1 - level) / level).tolist(), 0.0]


def check_steps(sampler: str, num_steps: int) -> None:
    """ValueError if diffusers cannot make so many steps."""
    reference_of(sampler)
    if sampler in DIVIDING and T % num_steps:
        raise ValueError(f"num_steps={num_steps} does not divide {T}, and the {sampler.upper()} of diffusers then loses its place")


def walk_of(pipeline: Any, sampler: str, **asked: Any) -> Iterator[tuple[float, Tensor]]:
    """sigma and x (n, …) in our scale x0 + sigma eps: first the noise that diffusers' pipeline begins with, then after each of its steps.
    `asked` goes to `DenoisingPipeline.steps`."""
    scale, num_steps = reference_of(sampler).scale, asked["num_inference_steps"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # diffusers with numpy 2
        levels: list[float] = []
        for k, x in enumerate(pipeline.steps(**asked)):
            levels = levels or levels_of(pipeline.scheduler)
            halves = len(levels) != num_steps + 1  # Heun's step has two
            if k == 0 or not halves or k % 2 == 0 or k == len(levels) - 1:
                yield levels[k], ours(x, levels[k], scale)


def ours(x: Tensor, sigma: float, scale: str) -> Tensor:
    return {"ve": x, "vp": x * (1 + sigma**2) ** 0.5, "flow": x * (1 + sigma)}[scale]
