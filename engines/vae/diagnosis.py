"""What the numbers of a run say, in plain words. No torch here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engines import metrics
from engines.core import Note
from engines.data import DATASETS, kind
from engines.vae.config import GAUSSIAN, Config


def diagnose(rows: Sequence[Mapping[str, float]], config: Config) -> Note | None:
    return None


def headline(config: Config) -> tuple[str, ...]:
    """The four metrics shown as tiles."""
    last = metrics.FRECHET_DISTANCE if config.dataset in DATASETS and kind(config.dataset) == "image" else metrics.SLICED_W1
    if config.objective not in GAUSSIAN:
        return metrics.TEST_RECON, last
    return metrics.TEST_NEG_ELBO, metrics.TEST_KL, metrics.ACTIVE_UNITS, last
