"""What D says of examples, in its own units, and how often."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engines.core import Curve
from engines.gan.config import Config
from engines.gan.objectives import OBJECTIVES

BINS = 24


def said(logits: Tensor, config: Config) -> Tensor:
    """Logits (n,) as D means them: a probability where it has one, else the critic's value as it is."""
    if OBJECTIVES[config.objective].threshold is None:
        return logits
    return logits.clamp(0, 1) if config.objective == "lsgan" else torch.sigmoid(logits)


def histograms(real: Tensor, fake: Tensor, config: Config) -> tuple[Curve, Curve]:
    """Shares of real examples (n,) and of samples (m,) by what D's logits say of them, over the same BINS bins: from 0 to 1, or over the
    range of both. Where only differences count, the mean of all is 0."""
    objective = OBJECTIVES[config.objective]
    if objective.pairs:
        middle = (real.mean() + fake.mean()) / 2
        real, fake = real - middle, fake - middle
    values = [said(x, config).cpu().numpy() for x in (real, fake)]
    lo, hi = (0.0, 1.0) if objective.threshold is not None else (min(v.min() for v in values), max(v.max() for v in values))
    edges = np.linspace(lo, hi if hi > lo else lo + 1, BINS + 1)
    centres = ((edges[:-1] + edges[1:]) / 2).astype(np.float32)
    shares = [(np.histogram(v, edges)[0] / len(v)).astype(np.float32) for v in values]
    return Curve(centres, shares[0], role="data", name="real"), Curve(centres, shares[1], name="fake")
