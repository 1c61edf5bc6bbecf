"""Two clouds of examples compared: kernel distance, precision and recall, density and coverage, and the birthday test. numpy only.

A cloud is (n, d): points in data units, or features of images. Each measure has a floor, what real scores against other real at the
same n: see `engines.measures.floor`."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np


def squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """‖x_i − y_j‖², (n, m) float64, of clouds (n, d) and (m, d)."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    middle = y.mean(0)  # clouds far from 0 would cancel badly
    x, y = x - middle, y - middle
    return np.maximum((x**2).sum(1)[:, None] + (y**2).sum(1) - 2 * x @ y.T, 0)


def median_distance(x: np.ndarray) -> float:
    """The median distance between two different examples of x (n, d): the usual width of the kernel."""
    return float(np.sqrt(np.median(squared_distances(x, x)[np.triu_indices(len(x), 1)])))


def mmd2(x: np.ndarray, y: np.ndarray, width: float | None = None) -> float:
    """Squared maximum mean discrepancy of x (n, d) and y (m, d) with the kernel exp(−‖x − y‖² / 2 width²), unbiased, so below 0 as
    often as above it when both are of one distribution. Gretton et al., 2012, eq. 3; `width` None = median distance in both."""
    if width is None:
        width = median_distance(np.concatenate([x, y]))
    xx, yy, xy = (np.exp(squared_distances(a, b) / (-2 * width**2)) for a, b in ((x, x), (y, y), (x, y)))
    n, m = len(x), len(y)
    return float((xx.sum() - n) / (n * (n - 1)) + (yy.sum() - m) / (m * (m - 1)) - 2 * xy.mean())


@dataclass(frozen=True)
class Neighbours:
    """How samples and data lie in each other's neighbourhoods: balls that reach to the k-th neighbour within the same cloud.
    precision  samples inside some ball of the data         recall    data inside some ball of the samples
    density    balls of the data around a sample, over k    coverage  balls of the data that hold a sample
    All are in [0, 1] but density, which is about 1 for perfect samples."""

    precision: float
    recall: float
    density: float
    coverage: float


def neighbours(real: np.ndarray, fake: np.ndarray, k: int = 5) -> Neighbours:
    """real (n, d), fake (m, d). Precision and recall: Kynkäänniemi et al., 2019, eq. 1-2; density and coverage: Naeem et al., 2020,
    eq. 3-4."""
    across = squared_distances(real, fake)  # (n, m)
    within_real = across <= _radius2(real, k)[:, None]
    within_fake = across <= _radius2(fake, k)
    return Neighbours(
        precision=float(within_real.any(0).mean()),
        recall=float(within_fake.any(1).mean()),
        density=float(within_real.sum(0).mean() / k),
        coverage=float(within_real.any(1).mean()),
    )


def _radius2(x: np.ndarray, k: int) -> np.ndarray:
    """Squared distance from each x (n, d) to its k-th nearest neighbour, itself not counted, (n,)."""
    distance2 = squared_distances(x, x)
    np.fill_diagonal(distance2, np.inf)
    return np.partition(distance2, k - 1, axis=1)[:, k - 1]


def birthday(x: np.ndarray, s: int, close: float, batches: int = 200, seed: int = 0) -> float:
    """Share of random batches of s examples out of x (n, d) that hold two within `close` of each other. Where the share is a half,
    about s² / (2 ln 2) different examples are all there are. Arora & Zhang, 2017."""
    if not 2 <= s <= len(x):
        raise ValueError(f"s={s} is outside [2, {len(x)}]")
    rng = np.random.default_rng(seed)
    pairs = np.triu_indices(s, 1)
    found = 0
    for _ in range(batches):
        batch = x[rng.choice(len(x), s, replace=False)]
        found += bool((squared_distances(batch, batch)[pairs] <= close**2).any())
    return found / batches


def closeness(x: np.ndarray, s: int, batches: int = 400, seed: int = 0) -> float:
    """The distance such that half of the random batches of s examples out of x (n, d) hold two within it: how close two real examples
    come by chance. Never quite 0, so that equal examples stay within it where rounding parts them."""
    rng, distance2 = np.random.default_rng(seed), squared_distances(x, x)
    np.fill_diagonal(distance2, np.inf)
    orders = (rng.choice(len(x), s, replace=False) for _ in range(batches))
    smallest = [distance2[np.ix_(order, order)].min() for order in orders]
    return max(float(np.sqrt(np.median(smallest))), 1e-6 * float(np.std(x)))


def waits(alike: np.ndarray, longest: int, batches: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """How many examples have to be drawn until two of them are alike: (batches,) float, infinite if more than `longest`; and the last
    batch that came so far, its pair of alike ones at the end, as numbers of examples. `alike` (n, n) bool, nobody like himself."""
    waited, example = np.full(batches, np.inf), np.arange(0)
    for b in range(batches):
        order, size = rng.choice(len(alike), longest, replace=False), min(8, longest)
        while not (met := alike[np.ix_(order[:size], order[:size])]).any() and size < longest:
            size = min(2 * size, longest)
        if met.any():
            last = int(np.triu(met).any(0).argmax())  # the first one with somebody like it before
            first = int(met[:last, last].argmax())
            waited[b], example = last + 1, np.concatenate([np.delete(order[:last], first), order[[first, last]]])
    return waited, example


def half_of(waited: np.ndarray) -> float:
    """The batch size at which half of the batches hold two alike, between whole numbers; infinite if fewer than half ever do."""
    n = len(waited)
    last = np.sort(waited)[(n + 1) // 2 - 1]
    if not np.isfinite(last):
        return float("inf")
    before, then = (waited < last).mean(), (waited <= last).mean()
    return float(last - 1 + (0.5 - before) / (then - before))


def support_size(s: float, share: float) -> float:
    """How many equally likely examples there are, if this share of batches of s holds two alike: share = 1 − exp(−s (s − 1) / 2 N).
    Infinite if none does; 0 if all do, when s was too large to tell."""
    if share <= 0:
        return float("inf")
    return 0.0 if share >= 1 else s * (s - 1) / (-2 * log(1 - share))
