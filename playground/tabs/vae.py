"""The VAE tab: controls, and one wide stage with latent map, cursor and manifold over a row of charts."""

from __future__ import annotations

from engines.registry import FAMILIES
from engines.vae.config import OBJECTIVES
from playground.components import lab

FAMILY = FAMILIES["vae"]
CODE = {
    f"{key}/loss": [
        ("engines/vae/objectives.py", key.replace("-", "_")),
        ("engines/vae/engine.py", "VaeEngine.train_step"),
    ]
    for key in OBJECTIVES
}
EXTRA = {
    "parts": [{"part": None, "title": "Step"}],
    "actions": [
        {
            "title": "Cause collapse",
            "fork": {"objective": "beta-vae", "beta": 20.0},
            "preset": "collapse",
            "about": "Fork here with β = 20: every nat of KL must then buy 20 nats of reconstruction",
        },
    ],
    "layers": {},
    "charts": [
        {
            "title": "−ELBO and reconstruction, nats",
            "zoom": True,
            "lines": [
                {"metric": "neg_elbo", "role": "lineStrong", "dash": [4, 3]},
                {"metric": "recon", "role": "lineStrong", "dash": [4, 3]},
                {"metric": "test_neg_elbo", "role": "model", "legend": "test", "label": "−ELBO"},
                {"metric": "test_recon", "role": "model", "width": 1.3, "label": "reconstruction"},
                {"metric": "test_iwae", "role": "ink2", "dash": [1, 3], "width": 2, "legend": "IWAE-50"},
            ],
            "floors": [
                {"metric": "test_neg_elbo", "words": "entropy of the data"},
                {"metric": "test_recon", "words": "a perfect copy"},
            ],
        },
        {
            "title": "KL, nats",
            "lines": [
                {"metric": "kl", "role": "lineStrong", "dash": [4, 3], "legend": "train"},
                {"metric": "test_kl", "role": "model", "legend": "test", "label": "KL"},
            ],
        },
    ],
}


def build() -> None:
    """Lay the tab out inside the current Gradio context."""
    lab.wide_tab(FAMILY, "Latent space")
