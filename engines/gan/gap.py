"""How far D is from the best D there could be against the present G, D* = p / (p + q) (Goodfellow et al., 2014, proposition 1), without
knowing q. Of equally many data (label 1) and samples (label 0), the label at x is 1 with probability D*(x), so label − D(x) is D* − D plus
noise of mean 0. Of two different points at nearly one place the product of these is (D* − D)² on average: nothing has to be blurred for
it, so the best D scores 0. A kernel calibration error (Widmann et al., 2019) over the cells of a k-d tree."""

from __future__ import annotations

import numpy as np

POINTS = 4_096  # data, and as many samples
CELL = 64  # points to a place: as small as these two clouds can tell places apart
TURNED = np.pi / 4  # the second tree, whose cells lie across those of the first


def gap(points: np.ndarray, residuals: np.ndarray) -> float:
    """Root mean square of D* − D over data and samples, from `points` (n, 2) of both and their `residuals` label − D (n,). The mean square
    is unbiased and may come out below 0 by chance, which reads 0."""
    turn = np.array([[np.cos(TURNED), -np.sin(TURNED)], [np.sin(TURNED), np.cos(TURNED)]], np.float32)
    squares = [mean_square(residuals, cells(p)) for p in (points, points @ turn)]
    return max(0.0, float(np.mean(squares))) ** 0.5


def mean_square(residuals: np.ndarray, places: np.ndarray) -> float:
    """The mean over all points (n,) of the mean product with another point of the same of `places` (k, n / k)."""
    e = residuals.astype(np.float64)[places]
    return float(((e.sum(1) ** 2 - (e * e).sum(1)) / (e.shape[1] - 1)).sum() / len(residuals))


def cells(points: np.ndarray) -> np.ndarray:
    """Indices (n / CELL, CELL) of the points (n, 2) in each cell: halves at the median of the longer side. n is CELL times a power of 2."""
    index = np.arange(len(points))[None]
    while index.shape[1] > CELL:
        inside = points[index]  # (cells, m, 2)
        longer = np.argmax(inside.max(1) - inside.min(1), axis=1)[:, None]  # (cells, 1)
        along = np.where(longer, inside[..., 1], inside[..., 0])  # (cells, m)
        order = np.argpartition(along, index.shape[1] // 2, axis=1)
        index = np.take_along_axis(index, order, 1).reshape(2 * len(index), -1)
    return index
