"""The autoregressive tab: controls, and one wide stage for text or pixels over the loss among its n-gram lines."""

from __future__ import annotations

from engines.autoregressive.config import MODELS
from engines.registry import FAMILIES
from playground.components import lab

FAMILY = FAMILIES["autoregressive"]
CODE = {f"{key}/loss": [("engines/autoregressive/engine.py", "AutoregressiveEngine.train_step")] for key in MODELS}
EXTRA = {
    "method": "model",
    "parts": [{"part": None, "title": "Step"}],
    "layers": {},
    "charts": [
        {
            "title": "Loss, nats per character",
            "zoom": True,
            "lines": [
                {"metric": "nats_per_char", "role": "lineStrong", "dash": [4, 3], "legend": "training"},
                {"metric": "val_nats_per_char", "role": "model", "legend": "validation"},
            ],
        },
    ],
}


def build() -> None:
    """Lay the tab out inside the current Gradio context."""
    lab.wide_tab(FAMILY, "Text")
