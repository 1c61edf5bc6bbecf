"""Recommended values per data set, presets, and what to draw from a trained model. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engines.config import check, from_dict, knob, knobs, validate
from engines.core import Preset
from engines.data import kind
from engines.vae.config import Config

PRIORS = {
    "normal": "z ~ N(0, I), the prior that training asks for",
    "mixture": "Gaussians fitted to where the data lie among the latents",
    "flow": "a small rectified flow that learns to turn noise into latents of the data, in a few seconds",
}


@dataclass(frozen=True)
class Request:
    """What to draw from a trained decoder."""

    n: int = knob(64, "Samples", lo=1, hi=10_000)
    seed: int = knob(0, "Seed", lo=0, hi=9_999)
    label: int = knob(-1, "Class", lo=-1, hi=999, help="−1 = all classes in turn")
    prior: str = knob("normal", "Prior", choices=PRIORS)
    noise: bool = knob(False, "Decoder noise", help="draw from p(x | z) instead of its mean; points always are drawn")

    def __post_init__(self) -> None:
        validate(self)


_2D: dict[str, Any] = dict(
    likelihood="gaussian", sigma=0.3, latent=2, width=64, depth=2, lr=3e-3, batch=256, steps=6_000, beta2=0.999,
)  # fmt: skip
_IMAGE: dict[str, Any] = dict(width=256, depth=2)  # two latents need depth: 148 nats on MNIST, 160 with one layer of 400
DATASET_DEFAULTS: dict[str, dict[str, Any]] = {
    "digits": dict(steps=3_000, depth=1),
    "emoji": dict(likelihood="gaussian", latent=32, network="conv", batch=64, steps=2_000, lr=2e-3),
    "own-images": dict(likelihood="gaussian", latent=16, network="conv", batch=64, steps=2_000, lr=2e-3),
}
OBJECTIVE_DEFAULTS: dict[str, dict[str, Any]] = {
    "vq-vae": dict(latent=16),
}
IMAGE_OBJECTIVE_DEFAULTS: dict[str, dict[str, Any]] = {"vq-vae": dict(latent=16, network="mlp")}


def recommended(dataset: str, objective: str | None = None) -> dict[str, Any]:
    """Knob values recommended for a data set and, if given, an objective other than its usual one."""
    base = dict(_2D) if kind(dataset) == "2d" else dict(_IMAGE)
    base |= DATASET_DEFAULTS.get(dataset, {})
    if objective is not None:
        base |= {"objective": objective}
        base |= (OBJECTIVE_DEFAULTS if kind(dataset) == "2d" else IMAGE_OBJECTIVE_DEFAULTS).get(objective, {})
    return base | {"dataset": dataset}


def resolve(overrides: Mapping[str, Any]) -> Config:
    """Overrides on top of what is recommended for their data set and objective. ValueError names a bad knob."""
    if not isinstance(overrides, Mapping):
        raise ValueError("settings must be a set of named values")
    known = knobs(Config)
    dataset, objective = (check(known[name], overrides[name]) if name in overrides else None for name in ("dataset", "objective"))
    return from_dict(Config, {**recommended(dataset or known["dataset"].default, objective), **overrides})


_DIGITS16 = dict(dataset="digits", likelihood="logistic", latent=16)
_COLLAPSE = dict(dataset="mnist", latent=8, mean_pixels=True, lr_decay=False, steps=400)
PRESETS = {
    "mnist": Preset("MNIST on a plane", dict(dataset="mnist"), "2 latents", "every pair of numbers decodes to a picture"),
    "sharp": Preset(
        "Sharper: 16 latents",
        dict(dataset="mnist", latent=16),
        "16 latents",
        "copies 41 nats above a perfect one (45), not 93; seed 7",
    ),
    "mixture": Preset(
        "Prior fitted afterwards",
        dict(dataset="mnist", latent=16, beta=0.1, lr=4e-3, batch=64, steps=4_000),
        "β = 0.1",
        "N(0, I): over 20 times the floor; a mixture fitted to the latents: 1.6",
    ),
    "fashion": Preset("Fashion on a plane", dict(dataset="fashion"), "2 latents", "ten kinds of garment in two numbers"),
    "collapse": Preset("Collapse it", _COLLAPSE, "0 of 8", "pixels averaged instead of summed, so KL wins"),
    "repair": Preset("Repair it", _COLLAPSE | dict(mean_pixels=False, steps=800), "8 of 8", "the same networks, pixels summed"),
    "autoencoder": Preset("Autoencoder, no KL", dict(dataset="mnist", objective="autoencoder"), "holes", "codes lie anywhere"),
    "bits": Preset("Digits in bits", _DIGITS16, "bits/dim", "17 grey levels, so that bits per dimension can be compared"),
    "codes": Preset("Codes: VQ-VAE", dict(dataset="mnist", objective="vq-vae"), "K = 64", "each latent is one of 64 learned codes"),
    "tokens": Preset(
        "Image tokens: VQ-VAE",
        dict(dataset="mnist", objective="vq-vae", network="conv", steps=1_500, lr=4e-3),
        "7×7 codes",
        "each cell of the image is one of 64 learned codes, for a prior to learn from",
    ),
    "emoji": Preset("Emoji", dict(dataset="emoji"), "32×32", "convolutions, Gaussian likelihood"),
    "moons": Preset("Two moons, as a sheet", dict(dataset="moons"), "2-D", "the decoder folds a sheet onto the data"),
}
