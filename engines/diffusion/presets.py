"""Recommended values per data set, presets, and what to draw from a trained model. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engines.config import check, from_dict, knob, knobs, validate
from engines.core import Preset
from engines.data import kind
from engines.diffusion.config import SAMPLERS, Config


@dataclass(frozen=True)
class Request:
    """What to draw from a trained model. A sampler of "" and 0 steps are the run's own."""

    n: int = knob(64, "Samples", lo=1, hi=10_000)
    seed: int = knob(0, "Seed", lo=0, hi=9_999)
    label: int = knob(-1, "Class", lo=-1, hi=999, help="−1 = all classes in turn")
    caption: str = knob("", "Caption", most=200, help="of a run that is told words")
    ema: bool = knob(True, "Averaged weights")
    sampler: str = knob("", "Sampler", choices={"": "as the run says", **SAMPLERS})
    num_steps: int = knob(0, "Sampler steps", lo=0, hi=1_000, help="0 = as the run says")

    def __post_init__(self) -> None:
        validate(self)


_IMAGE: dict[str, Any] = dict(
    objective="v", noise_mean=0.3, noise_std=1.3, sampler="dpmpp-2m-sde", num_steps=18, grid="flow", sigma_max=1000.0, conditional=True,
    cfg_scale=1.35, batch=64, lr=4e-3, beta2=0.99, optimizer="muon", ema_decay=0.9995, width=64, steps=1_200,
)  # fmt: skip
# The grid of Karras et al., 2022; even flow times from 1,000, which latents walk down, take twice the steps on pixels and come less near
_PIXEL: dict[str, Any] = dict(grid="edm", sigma_min=0.05, sigma_max=80.0, rho=7.0, num_steps=14)
_LATENT: dict[str, Any] = dict(
    space="latent", objective="flow", noise_mean=0.0, noise_std=0.7, batch=256, lr=3e-3, width=256, depth=2,
    steps=1_740, ae_share=0.43, kl_weight=0.1, optimizer="adam", sampler="flow-heun", num_steps=5, contrast=True, cfg_scale=1.15,
)  # fmt: skip
_TEXT: dict[str, Any] = dict(
    objective="v", noise_std=1.0, conditional=False, contrast=False, latents=4,
    ae_share=0.12, batch=128, lr=2e-3, width=48, depth=3, grounding=4e-3,
    cfg_scale=4.0, num_steps=7, steps=9_000,
)  # fmt: skip
_WORDS_OF: dict[str, dict[str, Any]] = {"emoji": dict(latents=6, ae_share=0.2, steps=5_000, grounding=0.0, cfg_scale=3.0)}
DATASET_DEFAULTS: dict[str, dict[str, Any]] = {
    "ring8": dict(steps=16_000),
    "grid25": dict(steps=30_000),
    **{key: dict(steps=40_000) for key in ("moons", "spirals", "checkerboard", "pinwheel", "circles", "s_curve", "own-2d")},
    "swissroll": dict(steps=65_000),
    "gaussian": dict(steps=20_000, fourier=0, noise_mean=-0.5),
    "digits": dict(steps=1_500),
    "emoji": dict(batch=32),
    "own-images": dict(batch=32, conditional=False, cfg_scale=1.0),
}
# DDPM as it was published, on the same networks
SCHEDULE_DEFAULTS: dict[str, dict[str, Any]] = {
    "linear": dict(grid="timesteps"),
    "cosine": dict(grid="timesteps"),
    "sigmoid": dict(grid="timesteps"),
}


def recommended(dataset: str, schedule: str | None = None, space: str | None = None, text: bool = False) -> dict[str, Any]:
    """Knob values recommended for a data set and, if given, a schedule and a space other than its usual ones, and words."""
    base = dict(_IMAGE) if kind(dataset) == "image" else {}
    latent = space == "latent" or text
    base |= _PIXEL if kind(dataset) == "image" and not latent else {}
    base |= DATASET_DEFAULTS.get(dataset, {}) | (_LATENT if latent else {})
    base |= _TEXT | _WORDS_OF.get(dataset, {}) if text else {}
    return base | SCHEDULE_DEFAULTS.get(schedule or "", {}) | {"dataset": dataset}


def resolve(overrides: Mapping[str, Any]) -> Config:
    """Overrides on top of what is recommended for their data set and schedule. ValueError names a bad knob."""
    if not isinstance(overrides, Mapping):
        raise ValueError("settings must be a set of named values")
    known = knobs(Config)
    dataset, schedule, conditional, network, space, text = (
        check(known[name], overrides[name]) if name in overrides else None
        for name in ("dataset", "schedule", "conditional", "network", "space", "text")
    )
    base = recommended(dataset or known["dataset"].default, schedule, space, bool(text))
    if not text and not (base.get("conditional", False) if conditional is None else conditional):
        base["cfg_scale"] = 1.0
    if network == "dit":
        base.pop("optimizer", None)
    return from_dict(Config, {**base, **overrides})


_DDPM = dict(objective="eps", schedule="linear", sampler="ddpm", num_steps=1_000)
PRESETS = {
    "ring": Preset("Ring of 8", dict(dataset="ring8"), "8 of 8", "flow matching; all modes in half a second"),
    "grid": Preset("Grid of 25", dict(dataset="grid25"), "25 of 25", "flow matching"),
    "ddpm": Preset("DDPM as published", dict(dataset="ring8", **_DDPM), "1,000 steps", "predicts the noise, linear schedule, ancestral"),
    "spirals": Preset("Two spirals", dict(dataset="spirals"), "thin arms", "flow matching"),
    "latent": Preset("MNIST, latent, 15 s", dict(dataset="mnist", space="latent"), "28×28", "an autoencoder first, then its latents"),
    "latent30": Preset(
        "MNIST, latent, 30 s", dict(dataset="mnist", space="latent", steps=3_500, cfg_scale=1.1), "28×28", "the same, trained twice as long"
    ),
    "latent60": Preset(
        "MNIST, latent, 60 s",
        dict(dataset="mnist", space="latent", steps=6_700, ae_share=0.33, cfg_scale=1.05, num_steps=10),
        "28×28",
        "the same, trained four times as long",
    ),
    "text": Preset(
        "Digits from words", dict(dataset="mnist", space="latent", text=True), "captions", "the recipe of Stable Diffusion, end to end"
    ),
    "emoji-text": Preset(
        "Emoji from words", dict(dataset="emoji", space="latent", text=True), "captions", "colour, size and place follow; shapes stay blobs"
    ),
    "digits": Preset("Digits in 15 seconds", dict(dataset="digits"), "8×8", "told the class, guided"),
    "minute": Preset("MNIST in a minute", dict(dataset="mnist", cfg_scale=1.25), "28×28", "told the class, guided; 1.7 times the floor"),
    "mnist": Preset("MNIST", dict(dataset="mnist", steps=2_400), "28×28", "told the class, guided; trained twice as long"),
    "fashion": Preset("Fashion-MNIST", dict(dataset="fashion", steps=2_400), "28×28", "told the kind of garment, guided"),
    "emoji": Preset("Emoji", dict(dataset="emoji", steps=2_400), "32×32", "told the group, guided"),
}
