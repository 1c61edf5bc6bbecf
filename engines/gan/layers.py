"""Two further layers of the 2-D stage: the grid that G makes of its noise, and the best D there could be against the present G."""

from __future__ import annotations

from math import hypot

import numpy as np
import torch
from torch import Tensor

from engines.core import Heat, Mesh
from engines.data.densities import Mixture
from engines.data.toy2d import Toy2D
from engines.gan.config import LABELLED, Config

GRID, BEST_D = "grid", "D* blurred"
LATTICE = 13  # lines of the grid in each direction
EDGE = 0.02  # of normal noise, which has no border: the grid begins at this quantile
VOID = 1e-3  # density, over that of points spread evenly on the map, below which neither data nor samples count


def lattice(config: Config, rest: Tensor) -> Tensor:
    """z (LATTICE², noise_dim) on a square lattice over the first two noise numbers, with the same share of the noise in each cell; the
    others as in `rest` (noise_dim,)."""
    low = EDGE if config.noise == "normal" else 0.0
    u = torch.linspace(low, 1 - low, LATTICE, device=rest.device)
    axis = torch.special.ndtri(u) if config.noise == "normal" else 2 * u - 1  # the quantiles of the noise
    z = rest.repeat(LATTICE**2, 1)
    z[:, 0], z[:, 1] = axis.repeat(LATTICE), axis.repeat_interleave(LATTICE)
    return z


def mesh(xy: np.ndarray, config: Config) -> Mesh:
    """The view of G(lattice) (LATTICE², 2) in data units. The density of a cell is its share of the noise over its area, |det J|⁻¹
    times the density of the noise; where G folds or collapses, cells have hardly any area."""
    xy = xy.reshape(LATTICE, LATTICE, 2).astype(np.float32)
    share = ((1 - 2 * EDGE * (config.noise == "normal")) / (LATTICE - 1)) ** 2
    span = float(np.ptp(xy[..., 0]) * np.ptp(xy[..., 1]))
    area = np.maximum(cell_areas(xy.astype(np.float64)), 1e-9 * span + 1e-12)
    return Mesh(xy, (share / area).astype(np.float32), name=GRID)


def cell_areas(xy: np.ndarray) -> np.ndarray:
    """Areas (rows − 1, cols − 1) of the cells between places xy (rows, cols, 2): two triangles each, so that a fold adds up."""
    a, b, c, d = xy[:-1, :-1], xy[:-1, 1:], xy[1:, 1:], xy[1:, :-1]  # around the cell
    return (_doubled(b - a, c - a) + _doubled(c - a, d - a)) / 2


def _doubled(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.abs(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0])


class BestD:
    """D* = p / (p + q), the best answer to the present G (Goodfellow et al., 2014, proposition 1): p exact, q a Gaussian kernel
    estimate from samples. Both are blurred by one cell of the map, so that D* is 1/2 everywhere when G is perfect: a map to look at. How
    far D is from the D* that is not blurred, `gap.py` says. Instance noise blurs both further. With labels smoothed by s it is
    (1 − s) p / (p + q). Where neither p nor q has any mass, it is as if p = q."""

    def __init__(self, toy: Toy2D, extent: tuple[float, float, float, float], rows: int, cols: int):
        x0, x1, y0, y1 = self.extent = extent
        self.toy = toy
        self.xs, self.ys = np.linspace(x0, x1, cols), np.linspace(y0, y1, rows)
        self.cell = (y1 - y0) / (rows - 1)
        self.void = VOID / ((x1 - x0) * (y1 - y0))
        self._known = (0.0, np.zeros((rows, cols)))  # the last blur and p

    def defined(self, config: Config) -> bool:
        """Where D says a probability, of one example at a time, and the density of the data is known."""
        alone = config.pack == 1 and not config.minibatch_discrimination
        return config.objective in LABELLED and alone and self.toy.density is not None

    def map(self, samples: np.ndarray, config: Config, sigma: float) -> np.ndarray:
        """D* of the blurred densities (rows, cols), from samples (n, 2) in data units; `sigma` is the instance noise, in data units too."""
        width = hypot(self.cell, sigma)
        p, q = self._data(width), self.kernel_density(samples, width)
        best = (1 - config.label_smoothing) * (p + self.void) / (p + q + 2 * self.void)
        return best.astype(np.float32)

    def heat(self, best: np.ndarray, config: Config) -> Heat:
        return Heat(best, self.extent, role="exact", name=BEST_D, contour=(1 - config.label_smoothing) / 2)

    def kernel_density(self, samples: np.ndarray, width: float) -> np.ndarray:
        """Density (rows, cols) of samples (n, 2) blurred by `width`. Each is first dealt to the four places around it on a lattice of
        a third of the width (linear binning; Wand, 1994), which blurs a little too: that is taken off the kernel."""
        step, margin = width / 3, 4 * width
        axes = [np.arange(lines[0] - margin, lines[-1] + margin + step, step) for lines in (self.xs, self.ys)]
        spread = (width**2 - step**2 / 6) ** 0.5
        across, up = (_bells(lines, axis, spread) for lines, axis in zip((self.xs, self.ys), axes, strict=True))
        return up @ _deal(samples, axes, step) @ across.T / len(samples)

    def _data(self, width: float) -> np.ndarray:
        if self._known[0] != width:
            self._known = width, self._density(width)
        return self._known[1]

    def _density(self, width: float) -> np.ndarray:
        """Density (rows, cols) of the data blurred by `width`. Round bells are products, which is a hundred times faster for curves."""
        density = self.toy.density
        if isinstance(density, Mixture) and np.array_equal(density.root, density.root[0, 0] * np.eye(2)):
            weights = 1 / len(density.means) if density.weights is None else density.weights
            spread = hypot(density.root[0, 0], width)
            across, up = (_bells(lines, density.means[:, i], spread) for i, lines in enumerate((self.xs, self.ys)))
            return (up * weights) @ across.T
        places = np.stack(np.meshgrid(self.xs, self.ys), 2).reshape(-1, 2)  # row by row
        return np.exp(self.toy.log_prob(places, width)).reshape(len(self.ys), len(self.xs))


def _bells(lines: np.ndarray, middles: np.ndarray, spread: float) -> np.ndarray:
    """Normal densities (lines, middles) in one dimension."""
    u = ((lines[:, None] - middles) / spread).astype(np.float32)
    return np.exp(np.float32(-0.5) * u * u) / np.float32(spread * (2 * np.pi) ** 0.5)


def _deal(samples: np.ndarray, axes: list[np.ndarray], step: float) -> np.ndarray:
    """Counts (places up, places across) of samples (n, 2) on a lattice, each shared among the four around it; none beyond its border."""
    across, up = (len(axis) for axis in axes)
    u = (samples.astype(np.float64) - [axis[0] for axis in axes]) / step  # (n, 2)
    u = u[((u >= 0) & (u < [across - 1, up - 1])).all(1)]
    low = u.astype(np.int64)
    (fx, fy), at = (u - low).T, low[:, 1] * across + low[:, 0]
    places = np.concatenate([at, at + 1, at + across, at + across + 1])
    parts = np.concatenate([(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy])
    return np.bincount(places, parts, up * across).reshape(up, across).astype(np.float32)
