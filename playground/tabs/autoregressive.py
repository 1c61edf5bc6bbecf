"""The autoregressive tab: controls, and one wide stage for text or pixels over the loss among its n-gram lines."""

from __future__ import annotations

from engines.autoregressive.config import MATTERS, MODELS
from engines.registry import FAMILIES
from playground.components import lab

FAMILY = FAMILIES["autoregressive"]
CODE = {f"{key}/loss": [("engines/autoregressive/engine.py", "AutoregressiveEngine.train_step")] for key in MODELS}
EXTRA = {
    "method": "model",
    "parts": [{"part": None, "title": "Step"}],
    "layers": {},
    "own": {
        "make": "Use your text",
        "upload": "Upload",
        "accept": ".txt,.md,.png,.jpg,.jpeg,.webp,.zip",
        "about": "Upload a text, or images",
    },
    "matters": MATTERS,
    "chart_height": 120,  # px: room for the names of six simple models
    "charts": [
        {
            "title": "Loss, nats per character",
            "kinds": ["text"],
            "broad": True,
            "zoom": True,
            "ladder": True,
            "lines": [
                {"metric": "nats_per_char", "role": "lineStrong", "width": 1, "legend": "training"},
                {"metric": "val_nats_per_char", "role": "model", "legend": "held out"},
            ],
        },
        *(
            {
                "title": title,
                "kinds": [kind],
                "broad": True,
                "zoom": True,
                "lines": [
                    {"metric": "train_bits_per_dim", "role": "lineStrong", "width": 1, "legend": "training"},
                    {"metric": "bits_per_dim", "role": "model", "legend": "held out", "label": "held out"},
                ],
            }
            for title, kind in (("Bits per pixel", "image"), ("Bits per code", "codes"))
        ),
        {
            "title": "Gradient norm",
            "kinds": ["image", "codes"],
            "lines": [{"metric": "grad_norm", "role": "model", "width": 1.3}],
        },
    ],
}


def build() -> None:
    """Lay the tab out inside the current Gradio context."""
    lab.wide_tab(FAMILY, "Text")
