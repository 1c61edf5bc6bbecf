"""Pure functions of arrays that measure samples.

Every measure of samples has a floor: what real data score against the same reference at the same n. That is a band, since draws differ: a
perfect model lies in it as real draws do. No torch here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engines import clouds
from engines.metrics import COVERAGE, COVERED, DENSITY, HI, K_AUDIT, LO, MMD, PRECISION, RECALL, WIDE


@dataclass(frozen=True)
class ModeReport:
    """Samples against the modes of a mixture. `shares` (k,) float64: the part of all samples within 3 sigma of that mode and of
    no nearer one; `reverse_kl` [nats] from the shares, made to sum to 1, to the uniform ones; NaN if no sample is near any mode.
    `wide_modes` counts as `modes_covered` does, within WIDE sigma; `share_kl` [nats] is the KL of all samples dealt to their nearest
    mode: 0 where the shares are even, log k where one mode has all, however blurred."""

    shares: np.ndarray
    modes_covered: int
    hq_fraction: float
    reverse_kl: float
    wide_modes: int
    share_kl: float


def mode_report(x: np.ndarray, centres: np.ndarray, sigma: float | np.ndarray) -> ModeReport:
    """x (n, 2), centres (k, 2), sigma the standard deviation or a (2, 2) root A of the covariance A Aᵀ.
    High quality = within 3 sigma (Srivastava et al., 2017, VEEGAN); a mode counts from a fifth of its fair share."""
    if np.ndim(sigma) == 2:
        whiten = np.linalg.inv(sigma).T
        x, centres, sigma = x @ whiten, centres @ whiten, 1.0
    k = len(centres)
    distance2 = ((x[:, None, :] - centres) ** 2).sum(2)  # (n, k)
    nearest = distance2.argmin(1)  # (n,)
    closest = distance2.min(1)  # (n,)
    hq = closest <= (3 * sigma) ** 2  # (n,)
    shares, wide, everyone = (
        np.bincount(nearest[m], minlength=k) / len(x) for m in (hq, closest <= (WIDE * sigma) ** 2, slice(None))
    )  # (k,)
    covered, broad = (int((s >= COVERED / k).sum()) for s in (shares, wide))
    return ModeReport(shares, covered, float(hq.mean()), reverse_kl(shares), broad, reverse_kl(everyone))


def reverse_kl(shares: np.ndarray) -> float:
    """KL(q ‖ uniform) in nats of q = shares / sum, (k,); NaN if all are zero."""
    total = shares.sum()
    if total <= 0:
        return float("nan")
    q = shares[shares > 0] / total
    return float((q * np.log(q * len(shares))).sum())


def directions(count: int = 64, dim: int = 2, seed: int = 1) -> np.ndarray:
    """Unit vectors (count, dim) float32, always the same ones: evenly spread in 2-D, random in more dimensions."""
    if dim == 2:
        angle = np.pi * (np.arange(count) + 0.5) / count
        return np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    v = np.random.default_rng(seed).standard_normal((count, dim))
    return (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32)


def projections(x: np.ndarray, along: np.ndarray | None = None) -> np.ndarray:
    """Sorted projections (directions, n) of x (n, d): half of the work of `sliced_w1`, worth keeping for a fixed data set."""
    along = directions(dim=x.shape[1]) if along is None else along
    return np.sort(along @ np.asarray(x, np.float32).T, axis=1)  # (directions, n)


def sliced_w1(x: np.ndarray, y: np.ndarray) -> float:
    """Sliced Wasserstein-1 distance of two clouds (n, d) of the same size, in data units: the mean over 64 fixed directions of
    the mean distance between sorted projections. Rabin et al., 2011; Bonneel et al., 2015."""
    return projected_w1(projections(x), projections(y))


def projected_w1(a: np.ndarray, b: np.ndarray) -> float:
    """Mean |a − b| of two results of `projections` of the same shape."""
    if a.shape != b.shape:
        raise ValueError(f"two clouds of the same size are needed, not {a.shape[1]} and {b.shape[1]} points")
    return float(np.abs(a - b).mean())


def moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and covariance (d, d) of features (n, d), float64."""
    features = np.asarray(features, np.float64)
    return features.mean(0), np.cov(features, rowvar=False)


def frechet(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> float:
    """Squared Frechet distance between two Gaussians given as (mean, covariance): |m1 − m2|² + tr(C1 + C2 − 2 (C1 C2)^½).
    Dowson & Landau, 1982; of Inception features: Heusel et al., 2017. The trace of the root is taken from C1^½ C2 C1^½."""
    (m1, c1), (m2, c2) = a, b
    w, v = np.linalg.eigh(c1)
    root = (v * np.sqrt(np.clip(w, 0, None))) @ v.T
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ c2 @ root), 0, None)).sum()
    return float(((m1 - m2) ** 2).sum() + np.trace(c1) + np.trace(c2) - 2 * cross)


BAND = (0.05, 0.95)  # quantiles of real draws


def band(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """What several draws of real data scored: for each metric the mean, and under its name + LO and + HI the ends of the middle 90 %."""
    found: dict[str, float] = {}
    for name in scores[0]:
        values = [s[name] for s in scores]
        lo, hi = np.quantile(values, BAND)
        found |= {name: float(np.mean(values)), name + LO: float(lo), name + HI: float(hi)}
    return found


def audit(real: np.ndarray, fake: np.ndarray, width: float) -> dict[str, float]:
    """Every measure of `engines.clouds` of samples against data, both (n, d); `width` is that of the kernel."""
    n = clouds.neighbours(real, fake, K_AUDIT)
    return {
        MMD: clouds.mmd2(real, fake, width),
        PRECISION: n.precision,
        RECALL: n.recall,
        DENSITY: n.density,
        COVERAGE: n.coverage,
    }
