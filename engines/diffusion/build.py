"""Which of the twins trains a diffusion model: the compiled one where it covers the settings, else the reference in torch."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from engines.diffusion.config import Config
from engines.diffusion.engine import DiffusionEngine

CHOICES = ("torch", "fused", "auto")


def build(config: Config, *, device: str = "cpu", data: np.ndarray | None = None) -> Any:
    """A fresh engine. PLAYGROUND_ENGINE may ask for torch, or for fused, which is then a ValueError where it cannot be had. "auto" takes
    the compiled twin once it is compiled: until then nobody waits for the compiler."""
    wanted = os.environ.get("PLAYGROUND_ENGINE") or "auto"
    if wanted not in CHOICES:
        raise ValueError(f"PLAYGROUND_ENGINE={wanted} is not one of {', '.join(CHOICES)}")
    if wanted == "torch":
        return DiffusionEngine(config, device=device, data=data)
    from engines.diffusion.fused import FusedDiffusion, compiled, covers

    if covers(config, device) and (wanted == "fused" or compiled()):
        return FusedDiffusion(config, device=device, data=data)
    if wanted == "fused":
        raise ValueError(f"PLAYGROUND_ENGINE=fused does not cover {config.dataset} on {device} here")
    return DiffusionEngine(config, device=device, data=data)
