"""The knobs of a diffusion run, what cannot combine, and cost. No torch here: the form is made from this file. Recommended values and
presets are in `engines.diffusion.presets`."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from engines.config import knob, validate
from engines.core import Cost
from engines.data import CAPTIONED, CHOICES, DATASETS, DatasetInfo, kind

OBJECTIVES = {
    "flow": "the velocity from data to noise along a straight line; flow matching, rectified flow",
    "v": "a mix: the noise where there is little of it, the example where there is much",
    "eps": "the noise that was added; DDPM",
    "x0": "the clean example itself",
}
SCHEDULES = {
    "lognormal": "ln σ from a bell; the same as a logit-normal flow time. EDM",
    "uniform": "every flow time alike",
    "linear": "the 1,000 steps of DDPM",
    "cosine": "1,000 steps, the noise rising more slowly at both ends",
    "sigmoid": "1,000 steps, the signal falling as a sigmoid",
}
DISCRETE = ("linear", "cosine", "sigmoid")
WEIGHTINGS = {
    "simple": "every error of the network alike",
    "snr": "errors of x0 by the signal-to-noise ratio, 1/σ²; the simple loss of eps",
    "min-snr": "the same, but no more than 5",
    "edm": "errors of x0 by 1/σ² + 1; the simple loss of v",
}
SAMPLERS = {
    "heun": "second order on the ODE, two evaluations a step; EDM",
    "euler": "first order on the ODE; the same as DDIM without noise",
    "ddim": "first order, with as much fresh noise as η says",
    "ddpm": "ancestral: fresh noise at every step",
    "dpmpp-2m": "DPM-Solver++, second order from the step before",
    "dpmpp-2m-sde": "the same with fresh noise",
    "unipc": "the same, each step corrected by the next estimate",
    "flow-euler": "first order along the flow's velocity",
    "flow-heun": "second order along the flow's velocity, two evaluations a step",
}
TWICE = ("heun", "flow-heun")  # samplers with two evaluations a step
RANDOM = ("ddpm", "dpmpp-2m-sde")  # samplers with fresh noise whatever their settings
GRIDS = {
    "edm": "close together where noise is low, by ρ",
    "flow": "even flow times",
    "timesteps": "even timesteps of a schedule of 1,000",
}
SPACES = {
    "pixel": "the image itself",
    "latent": "what an autoencoder, trained first in the same run, makes of it; latent diffusion",
}
NETWORKS = {"unet": "convolutions on two scales, and one flat layer for the global shape", "dit": "a transformer over patches"}
PRECISIONS = {
    "float32": "24 bits of mantissa everywhere",
    "bfloat16": "8 bits in products and convolutions of training, weights and sums as before; Micikevicius et al., 2018",
}
OPTIMIZERS = {
    "adam": "each weight by the size of its own gradients; Kingma & Ba, 2015",
    "muon": "the same, but convolutions as matrices whose singular values are made alike; Jordan et al., 2024",
}


@dataclass(frozen=True)
class Config:
    """One diffusion run. The learning rate and all that concerns sampling may change while it trains."""

    dataset: str = knob("ring8", "Data set", choices=CHOICES)
    space: str = knob("pixel", "Denoises", choices=SPACES, kind="image", help="Rombach et al., 2022")
    objective: str = knob("flow", "The network predicts", choices=OBJECTIVES)
    sampler: str = knob("heun", "Sampler", choices=SAMPLERS, live=True)
    num_steps: int = knob(18, "Sampler steps", lo=1, hi=1_000, log=True, live=True)
    lr: float = knob(8e-3, "Learning rate", lo=1e-5, hi=0.1, log=True, live=True, help="step size of Adam")
    steps: int = knob(10_000, "Steps", lo=1, hi=200_000, log=True, help="length of the run")
    seed: int = knob(7, "Seed", lo=0, hi=9_999, step=1, help="same seed and settings, same run")

    schedule: str = knob("lognormal", "Noise in training", choices=SCHEDULES, group="fixes")
    weighting: str = knob("simple", "Weighting", choices=WEIGHTINGS, group="fixes", help="of errors by noise level")
    ema_decay: float = knob(0.999, "Average of weights", lo=0.0, hi=0.9999, group="fixes", help="decay per step; 0 = the raw weights")
    conditional: bool = knob(False, "Tell the class", group="fixes", kind="image")
    text: bool = knob(False, "Tell it in words", group="fixes", kind="image", help="a caption of each image; latents only")
    contrast: bool = knob(False, "Contrast of the data", group="fixes", kind="image", help="given back to what the autoencoder decodes")
    grounding: float = knob(
        0.0,
        "Words look where they belong",
        lo=0.0,
        hi=0.2,
        group="fixes",
        kind="image",
        help="weight; 0 = off. TokenCompose, Wang et al., 2023",
    )
    cfg_scale: float = knob(
        1.0, "Guidance", lo=0.0, hi=10.0, group="fixes", live=True, kind="image", help="1 = off. Classifier-free, Ho & Salimans, 2022"
    )
    classifier_scale: float = knob(
        0.0, "Classifier guidance", lo=0.0, hi=10.0, group="fixes", live=True, kind="image", help="0 = off. Dhariwal & Nichol, 2021"
    )

    noise_mean: float = knob(-2.0, "Mean of ln σ", lo=-5.0, hi=3.0, group="advanced", help="of log-normal noise")
    noise_std: float = knob(1.2, "Spread of ln σ", lo=0.1, hi=4.0, group="advanced", help="of log-normal noise")
    shift: float = knob(1.0, "Shift of flow times", lo=0.1, hi=10.0, log=True, group="advanced", help="σ times this. Esser et al., 2024")
    grid: str = knob("edm", "Grid of the sampler", choices=GRIDS, group="advanced", live=True)
    sigma_min: float = knob(0.006, "Lowest σ", lo=1e-4, hi=0.5, log=True, group="advanced", live=True, help="before the last step, to 0")
    sigma_max: float = knob(10.0, "Highest σ", lo=1.0, hi=1_000.0, log=True, group="advanced", live=True, help="where samplers begin")
    rho: float = knob(5.0, "ρ of the grid", lo=1.0, hi=20.0, group="advanced", live=True, help="1 = even in σ. Karras et al., 2022")
    eta: float = knob(0.0, "DDIM η", lo=0.0, hi=1.0, group="advanced", live=True, help="0 = no fresh noise, 1 = as much as DDPM")
    s_churn: float = knob(0.0, "Heun's churn", lo=0.0, hi=100.0, group="advanced", live=True, help="noise added along the way; 0 = none")
    label_dropout: float = knob(0.1, "Classes left out", lo=0.0, hi=0.9, group="advanced", kind="image", help="so that guidance can be had")
    latents: int = knob(24, "Latents", lo=1, hi=64, group="advanced", kind="image", help="numbers; with words, of each 4 × 4 pixels")
    ae_share: float = knob(0.5, "Autoencoder first", lo=0.05, hi=0.95, group="advanced", kind="image", help="for this part of the steps")
    kl_weight: float = knob(0.2, "Weight of its KL", lo=0.0, hi=4.0, group="advanced", kind="image", help="1 = a plain VAE")
    network: str = knob("unet", "Network", choices=NETWORKS, group="advanced", kind="image", help="on pixels")
    channels: int = knob(
        16, "Channels", lo=8, hi=64, step=8, group="advanced", kind="image", help="of the first scale; twice as many below"
    )
    width: int = knob(32, "Width", unit="units", lo=4, hi=256, log=True, group="advanced", help="of hidden layers; of a DiT's tokens")
    depth: int = knob(3, "Layers", lo=1, hi=6, group="advanced", help="hidden ones; of a DiT and on latents: blocks")
    fourier: int = knob(7, "Fourier features", lo=0, hi=32, group="advanced", kind="2d", help="random sines of x. Tancik et al., 2020")
    fourier_scale: float = knob(4.0, "Fourier scale", unit="rad", lo=0.1, hi=20.0, log=True, group="advanced", kind="2d")
    batch: int = knob(64, "Batch", unit="examples", lo=8, hi=512, log=True, group="advanced")
    optimizer: str = knob("adam", "Optimiser", choices=OPTIMIZERS, group="advanced", kind="image")
    beta1: float = knob(0.9, "Adam β₁", lo=0.0, hi=0.99, group="advanced")
    beta2: float = knob(0.999, "Adam β₂", lo=0.5, hi=0.9999, group="advanced")
    lr_decay: bool = knob(True, "Lower the rate in the second half", group="advanced", help="linearly, to 1 % at the end")
    precision: str = knob(
        "float32",
        "Precision",
        choices=PRECISIONS,
        group="advanced",
        kind="image",
        help="of the denoiser; bfloat16 needs a fitting processor",
    )

    def __post_init__(self) -> None:
        validate(self)
        refuse(self)

    @property
    def first_steps(self) -> int:
        """Steps that train the autoencoder of a latent run, before its denoiser begins."""
        return max(1, min(self.steps - 1, round(self.ae_share * self.steps))) if self.space == "latent" else 0


_WHY_TEXT = "captions are made for these"


def refuse(c: Config) -> None:
    """ValueError for knobs that cannot combine."""
    if c.space == "latent" and kind(c.dataset) == "2d":
        raise ValueError("space=latent cannot combine with points in the plane, which have nothing to be made shorter")
    if c.cfg_scale != 1 and not (c.conditional or c.text):
        raise ValueError(f"cfg_scale={c.cfg_scale:g} is outside [1, 1] unless conditional=true or text=true: guidance needs a class")
    if c.conditional and kind(c.dataset) == "2d":
        raise ValueError("conditional=true cannot combine with points in the plane, which have no classes")
    if c.optimizer == "muon" and (c.network == "dit" or c.space == "latent" or kind(c.dataset) == "2d"):
        raise ValueError("optimizer=muon is for the convolutions of network=unet on pixels, and this run has none")
    if c.space == "latent" and c.steps < 2:
        raise ValueError("steps=1 cannot combine with space=latent, whose autoencoder and denoiser both need some")
    if c.text and (c.conditional or c.space != "latent" or c.dataset not in CAPTIONED):
        raise ValueError(f"text=true needs conditional=false, space=latent and one of {', '.join(CAPTIONED)}: {_WHY_TEXT}")
    if c.contrast and c.space != "latent":
        raise ValueError("contrast=true needs space=latent: pixels are not decoded")
    if c.grounding and not c.text:
        raise ValueError(f"grounding={c.grounding:g} is outside [0, 0] unless text=true: without words there is nothing to look up")
    if c.text and c.classifier_scale:
        raise ValueError(f"classifier_scale={c.classifier_scale:g} cannot combine with text=true: the classifier knows no places or sizes")
    if (c.network == "dit" or c.text) and c.width % 8:
        word = "text=true" if c.text else "network=dit"
        raise ValueError(f"width={c.width} cannot combine with {word}, whose 4 heads ask for a multiple of 8")


def info_of(config: Config) -> DatasetInfo:
    """What is known of the data before it is loaded; of own images, the usual shape."""
    own = DatasetInfo(config.dataset, kind(config.dataset), "", "", (2,) if kind(config.dataset) == "2d" else (3, 32, 32))
    return DATASETS.get(config.dataset, own)


def nfe(sampler: str, num_steps: int, guided: bool = False) -> int:
    """Evaluations of the network for one sample. Guidance asks twice each time."""
    return (2 * num_steps - 1 if sampler in TWICE else num_steps) * (2 if guided else 1)


def steps_within(sampler: str, calls: int) -> int:
    """The most steps that need no more than `calls` calls of the denoiser, at least 1."""
    return (calls + 1) // 2 if sampler in TWICE else calls


CLOCK = 2  # frequencies of the noise level that a 2-D network sees
HIDDEN, BOTTLE, EMBED = 256, 16, 64  # of a UNet: units and channels of the flat bottleneck, and size of its embedding
PATCH = 4  # of a DiT, in pixels; 2 for 8 by 8


def inputs_2d(config: Config) -> int:
    return 2 + 2 * config.fourier + 1 + 2 * CLOCK


def patch(side: int) -> int:
    return PATCH if side > 8 else 2


def cost(config: Config) -> Cost:
    """Parameters, FLOP per step (forward + 2 × backward) and bytes (parameters, gradients, two Adam moments, average, activations)."""
    info = info_of(config)
    if info.kind == "2d":
        sizes = [inputs_2d(config), *[config.width] * config.depth, 2]
        count = sum(a * b + b for a, b in zip(sizes, sizes[1:], strict=False))
        flop, units = 2.0 * count, 2 * sum(sizes)
    elif config.space == "latent":
        from engines.diffusion.latent_cost import latent_cost

        return latent_cost(config, info)
    else:
        count, flop = (_unet if config.network == "unet" else _dit)(config, info.shape, len(info.classes))
        units = (
            24 * config.channels * prod(info.shape[1:]) // 4 if config.network == "unet" else 30 * config.width * prod(info.shape[1:]) // 16
        )
    return Cost(parameters=count, flop_per_step=3 * config.batch * flop, bytes=4 * (5 * count + 2 * config.batch * units))


def _classes(config: Config, classes: int) -> int:
    return EMBED * (classes + 1) if config.conditional and classes else 0


def _unet(config: Config, shape: tuple[int, ...], classes: int) -> tuple[int, float]:
    """Parameters and forward FLOP of one image; see `engines.diffusion.unet`."""
    (c, h, w), a, b = shape, config.channels, 2 * config.channels
    fine, coarse = h * w // 4, h * w // 16
    block = lambda i, o: 9 * i * o + o + 9 * o * o + o + (EMBED + 1) * 2 * o + 2 * i + 2 * o + (i * o + o if i != o else 0)  # noqa: E731
    flat = BOTTLE * coarse
    convs_fine = 9 * 4 * c * a + a + block(a, a) + block(2 * a, a) + 2 * a + 9 * a * 4 * c + 4 * c
    convs_coarse = 2 * block(b, b) + 4 * a * b + b + b * BOTTLE + BOTTLE + BOTTLE * b + b + b * 4 * a + 4 * a
    dense = flat * HIDDEN + HIDDEN + HIDDEN * flat + flat + 2 * (2 * (HIDDEN * HIDDEN + HIDDEN) + (EMBED + 1) * 2 * HIDDEN)
    embed = 32 * EMBED + EMBED + EMBED * EMBED + EMBED + _classes(config, classes)
    return convs_fine + convs_coarse + dense + embed, 2.0 * (convs_fine * fine + convs_coarse * coarse + dense)


def _dit(config: Config, shape: tuple[int, ...], classes: int) -> tuple[int, float]:
    """Parameters and forward FLOP of one image; see `engines.diffusion.dit`."""
    (c, h, w), d = shape, config.width
    p = patch(h)
    tokens = (h // p) * (w // p)
    block = (EMBED + 1) * 6 * d + 3 * d * d + 3 * d + d * d + d + 4 * d * d + 3 * d
    ends = p * p * c * d + d + (EMBED + 1) * 2 * d + d * p * p * c + p * p * c
    embed = 32 * EMBED + EMBED + EMBED * EMBED + EMBED + _classes(config, classes)
    count = config.depth * block + ends + tokens * d + embed
    return count, 2.0 * tokens * (config.depth * (8 * d * d + 2 * tokens * d) + 2 * p * p * c * d)


def cadence(config: Config) -> tuple[int, int]:
    """Steps between looks and looks between evaluations. A look runs the sampler, which costs as much as tens of steps."""
    if kind(config.dataset) == "2d":
        return min(100, max(1, config.steps // 200)), 10
    return max(1, config.steps // 40), 8
