"""The codes of a VQ-VAE as grids, out and in: what a prior over codes learns from, and what its draws become (van den Oord et al., 2017).

With convolutions a code belongs to a cell of the image. Those of dense networks have no place: they are laid out as near to a square as
their number allows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engines.core import Images, Points
from engines.vae.codebook import Codebook

if TYPE_CHECKING:
    from engines.vae.engine import VaeEngine

AT_ONCE = 500


def grid(engine: VaeEngine) -> tuple[int, int]:
    """Rows and columns of codes. ValueError for what has none."""
    _codebook(engine)
    if engine.config.network == "conv":
        return engine.info.shape[1] // 4, engine.info.shape[2] // 4
    n = engine.config.latent
    rows = next(r for r in range(math.isqrt(n), 0, -1) if n % r == 0)
    if rows < 2:
        raise ValueError(f"latent={n} codes fill no grid of two rows or more; take a number that is not prime, at least 4")
    return rows, n // rows


@torch.no_grad()
def to_codes(engine: VaeEngine, x: Tensor) -> np.ndarray:
    """Examples x (n, …) in units of the likelihood -> codes (n, rows, columns) int64 in 0 … K − 1."""
    codebook, shape = _codebook(engine), grid(engine)
    parts = [codebook.choose(engine.encoder.features(part)) for part in x.split(AT_ONCE)]
    return torch.cat(parts).unflatten(1, shape).cpu().numpy()


@torch.no_grad()
def from_codes(engine: VaeEngine, codes: np.ndarray) -> Images | Points:
    """Codes (n, rows, columns), whole numbers -> what the decoder makes of them, in data units. ValueError says what does not fit."""
    codebook, shape = _codebook(engine), grid(engine)
    found, count = np.asarray(codes), engine.config.codes
    if found.ndim != 3 or found.shape[1:] != shape or not len(found) or not np.issubdtype(found.dtype, np.integer):
        rows, columns = shape
        raise ValueError(f"codes of shape {found.shape} and type {found.dtype} are not whole numbers of shape (n, {rows}, {columns})")
    if found.min() < 0 or found.max() >= count:
        raise ValueError(f"codes from {found.min():,} to {found.max():,} are outside [0, {count - 1:,}], the codes of this VQ-VAE")
    z = codebook.lookup(torch.from_numpy(found.astype(np.int64)).to(engine.device).flatten(1))
    y = torch.zeros(len(z), dtype=torch.int64, device=engine.device)  # no class is told
    views = [engine.probe.drawn(engine, part, y[: len(part)], None) for part in z.split(AT_ONCE)]
    if isinstance(views[0], Points):
        return Points(np.concatenate([view.xy for view in views]), name="samples")
    return Images(np.concatenate([view.pixels for view in views]), name="samples")


def _codebook(engine: VaeEngine) -> Codebook:
    if engine.codebook is None:
        raise ValueError(f"objective={engine.config.objective} has no codes; vq-vae has")
    if engine.told and engine.config.network != "conv":
        raise ValueError("conditional=true: codes alone do not tell the class; take conditional=false")
    return engine.codebook
