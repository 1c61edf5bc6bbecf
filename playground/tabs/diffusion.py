"""The diffusion tab: controls, and one wide stage that denoises step by step over the matrix of samplers and the losses."""

from __future__ import annotations

from engines.registry import FAMILIES
from playground.components import lab

FAMILY = FAMILIES["diffusion"]
OWNERS = {"flow": "Flow", "v": "V", "eps": "Eps", "x0": "X0"}  # of each target
CODE = {
    f"{key}/loss": [
        ("engines/diffusion/parameterisations.py", f"{owner}.target"),
        ("engines/diffusion/objectives.py", "errors"),
        ("engines/diffusion/engine.py", "DiffusionEngine.train_step"),
    ]
    for key, owner in OWNERS.items()
}
EXTRA = {
    "parts": [{"part": None, "title": "Step"}],
    "layers": {},
    "charts": [
        {
            "title": "Autoencoder first, nats",
            "when": {"space": "latent"},
            "lines": [
                {"metric": "recon", "role": "model", "legend": "reconstruction"},
                {"metric": "kl", "role": "lineStrong", "dash": [4, 3], "legend": "KL"},
            ],
        },
        {
            "title": "Training loss, weighted MSE",
            "zoom": True,
            "lines": [
                {"metric": "mse", "role": "lineStrong", "dash": [4, 3], "legend": "training"},
                {"metric": "validation_mse", "role": "model", "legend": "fixed-noise validation"},
            ],
            "floors": [{"metric": "validation_mse", "words": "exact optimum"}],
        },
    ],
}


def build() -> None:
    """Lay the tab out inside the current Gradio context."""
    lab.wide_tab(FAMILY, "From noise to data")
