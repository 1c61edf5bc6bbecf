"""Recommended values per data set and model, and named starting points. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engines.autoregressive.config import Config
from engines.config import from_dict
from engines.core import Preset
from engines.data import kind

_PIXELS = dict(
    model="gated-pixelcnn", lr=4e-3, batch=64, width=32, layers=4, weight_decay=0.01, clip=5.0, ema_decay=0.995, lr_end=0.02, steps=900,
)  # fmt: skip
DATASET_DEFAULTS: dict[str, dict[str, Any]] = {
    "moby": dict(steps=2_500),
    "digits": dict(levels="17", steps=650),  # longer, it learns its 1,438 images by heart
    "mnist": dict(levels="2", layers=5, batch=16, lr=3e-3, steps=2_000),
    "fashion": dict(levels="4", layers=5, batch=32, steps=1_500),
    "own-images": dict(levels="4", batch=32, steps=1_000),
    "own-codes": dict(steps=1_500),
}
_CODES_GPT = dict(width=96, lr=4e-3, ema_decay=0.99)  # a grid of codes is short: a wider network takes a minute over it
MODEL_DEFAULTS: dict[str, dict[str, Any]] = {
    "ngram": dict(steps=20),
    "mlp": dict(lr=2e-3, width=32, batch=32, steps=3_000, weight_decay=0.01),
    "rnn": dict(lr=2e-3, width=192, steps=2_500, weight_decay=0.01),
    "gru": dict(lr=4e-3, width=192, steps=2_500, weight_decay=0.01),
    "gpt2": dict(),
    "llama": dict(lr=4e-3, kv_heads=2),
    "pixelcnn": dict(width=64, layers=5),
    "gated-pixelcnn": dict(),
    "image-gpt": dict(lr=2e-3, width=64, layers=3, weight_decay=0.1, clip=1.0, ema_decay=0.0, lr_end=0.1),
}


def recommended(dataset: str, model: str | None = None) -> dict[str, Any]:
    """Knob values recommended for a data set and, if given, a model other than its usual one."""
    base: dict[str, Any] = {} if kind(dataset) == "text" else dict(_PIXELS)
    base |= DATASET_DEFAULTS.get(dataset, {})
    model = model or base.get("model", "gpt2")
    base |= MODEL_DEFAULTS[model]
    if model == "image-gpt":  # a long text: attention grows with its square
        base["batch"] = {"digits": 32, "own-codes": 16}.get(dataset, 8)
        base |= _CODES_GPT if dataset == "own-codes" else {}
    return base | {"dataset": dataset, "model": model}


def resolve(overrides: Mapping[str, Any]) -> Config:
    """Overrides on top of what is recommended for their data set and model. ValueError names a bad knob. Where the heads are given and
    the heads of keys are not, these follow as far as they must."""
    if not isinstance(overrides, Mapping):
        raise ValueError("settings must be a set of named values")
    chosen = {k: v for k, v in overrides.items() if k == "dataset"}
    plain = Config(**chosen, model=_any_model(chosen.get("dataset", "moby")))  # refuse an unknown data set before looking it up
    from_dict(Config, {"model": "gpt2"} | {k: v for k, v in overrides.items() if k not in ("dataset", "model", *_JOINT)})
    if "model" in overrides:
        _known_model(overrides["model"])
    base = recommended(plain.dataset, overrides.get("model"))
    if "heads" in overrides and "kv_heads" not in overrides:
        base["kv_heads"] = overrides["heads"]
    return from_dict(Config, {**base, **overrides})


_JOINT = ("heads", "kv_heads", "width", "causal", "likelihood", "conditional")  # checked with what they must fit


def _any_model(dataset: Any) -> str:
    try:
        return "gpt2" if kind(dataset) == "text" else "gated-pixelcnn"
    except (KeyError, TypeError):
        return "gpt2"


def _known_model(model: Any) -> None:
    from engines.config import check, knobs

    check(knobs(Config)["model"], model)


PRESETS = {
    "moby": Preset("Moby Dick, small GPT", dict(dataset="moby"), "char", "GPT-2 style, 3 × 4 heads, a context of 64 characters"),
    "shakespeare": Preset(
        "Shakespeare, as nanoGPT",
        dict(dataset="shakespeare", layers=4, heads=4, width=128, block_size=64, batch=12, steps=2_000),
        "char",
        "4 layers, 4 heads, 128 wide, 2,000 iterations; nanoGPT reports 1.88",
    ),
    "llama": Preset(
        "Moby Dick, Llama style",
        dict(dataset="moby", model="llama", tokens="bpe", vocab=512, layers=4, width=128, steps=1_000),
        "BPE",
        "rotary positions, grouped queries, 512 tokens of byte pairs",
    ),
    "llama-long": Preset(
        "Moby Dick, Llama style, longer",
        dict(dataset="moby", model="llama", tokens="bpe", layers=5, width=128, block_size=128, steps=2_000),
        "BPE",
        "1,024 tokens of byte pairs and twice the context; ten minutes of one core",
    ),
    "overfit": Preset(
        "Overfit it",
        dict(dataset="moby", limit=2_000, steps=1_000, weight_decay=0.0),
        "2 kB",
        "2,000 characters: it copies what it was shown",
    ),
    "leak": Preset(
        "Remove the mask", dict(dataset="moby", causal=False, steps=500), "leak", "the loss falls towards 0 and is worth nothing"
    ),
    "ngram": Preset("Counts of five characters", dict(dataset="moby", model="ngram", order=5), "5-gram", "nothing to learn but counts"),
    "pixelcnn": Preset("PixelCNN on digits", dict(dataset="digits"), "17 greys", "gated, 8×8; below 1.90 bits per pixel in half a minute"),
    "mnist": Preset(
        "PixelCNN on MNIST",
        dict(dataset="mnist", layers=6, kernel=5),
        "2 greys",
        "gated, 28×28, each pixel white or black; sees 13 rows above",
    ),
    "image-gpt": Preset("Image GPT on digits", dict(dataset="digits", model="image-gpt"), "17 greys", "a transformer over 64 pixels"),
}
