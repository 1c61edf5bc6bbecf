"""2-D data sets whose density is known exactly: `log_prob`, `score` and `denoise` at any noise level, beside the points themselves.

Each is a mixture of Gaussians with one common covariance. Curves are mixtures too, of a few hundred narrow Gaussians so close to
each other that no ripple is left; only the checkerboard is a mixture of squares. So every learned quantity has its exact optimum."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path
from zlib import crc32

import numpy as np

from engines import clouds, measures, metrics
from engines.data import tables
from engines.data.densities import Density, Mixture, Squares

POOL = 100_000  # points drawn once per data set
TRUTH, AUDITED = 0, 3  # seeds of the draws that samples are measured by


@dataclass(frozen=True, eq=False)
class Toy2D:
    """A data set in 2-D. `points` (n, 2) float32 in data units; the engine works on `unit` = (points − shift) / scale.
    `centres` (k, 2) and `sigma` are those of the modes, None and 0 where the density is not made of modes."""

    key: str
    points: np.ndarray
    scale: float
    shift: np.ndarray = field(default_factory=lambda: np.zeros(2))
    density: Density | None = None
    centres: np.ndarray | None = None
    sigma: float = 0.0
    root: np.ndarray | None = None  # (2, 2), of one mode's covariance
    shape: tuple[int, ...] = (2,)

    @property
    def modes(self) -> int:
        return 0 if self.centres is None else len(self.centres)

    def draw(self, n: int, seed: int = 0) -> np.ndarray:
        """n points that training does not see (of own points: a random choice), (n, 2) float32."""
        rng = np.random.default_rng([crc32(self.key.encode()), 1 + seed])
        if self.density is None:
            return self.points[rng.integers(len(self.points), size=n)]
        return self.density.sample(n, rng).astype(np.float32)

    def log_prob(self, x: np.ndarray, sigma: float = 0.0) -> np.ndarray:
        """Exact log density in nats, (n,), of the data with Gaussian noise of `sigma` added."""
        return self._known().log_prob(np.asarray(x, np.float64), sigma)

    def score(self, x: np.ndarray, sigma: float = 0.0) -> np.ndarray:
        """Exact ∇ₓ log p(x; sigma), (n, 2)."""
        return self._known().score(np.asarray(x, np.float64), sigma)

    def denoise(self, x: np.ndarray, sigma: float) -> np.ndarray:
        """Posterior mean of x0 given x = x0 + sigma eps, (n, 2): x + sigma² score (Tweedie; Robbins, 1956)."""
        x = np.asarray(x, np.float64)
        return x + sigma**2 * self.score(x, sigma)

    def _known(self) -> Density:
        if self.density is None:
            raise ValueError(f"{self.key} has no exact density")
        return self.density

    @cached_property
    def unit(self) -> np.ndarray:
        """Points in the units of the networks, (n, 2) float32."""
        return np.ascontiguousarray((self.points - self.shift) / self.scale, np.float32)

    @cached_property
    def extent(self) -> tuple[float, float, float, float]:
        """(x0, x1, y0, y1) of a square around the data with a margin, for maps."""
        lo, hi = np.quantile(self.points, [0.001, 0.999], axis=0)
        middle, half = (lo + hi) / 2, 0.68 * float((hi - lo).max())
        (x0, y0), (x1, y1) = (middle - half).tolist(), (middle + half).tolist()
        return x0, x1, y0, y1


RECORDED = Path(__file__).resolve().parents[2] / "assets" / "data" / "bands.json"
DRAWS, DRAWS_OWN, DRAWS_AUDIT = 400, 40, 8  # of real data: recorded, of the visitor's own points, in an audit


@lru_cache(maxsize=16)
def unscaled(toy: Toy2D) -> Toy2D:
    """The same data, whose `unit` are their own units."""
    return replace(toy, scale=1.0, shift=np.zeros(2))


@lru_cache(maxsize=16)
def floors(toy: Toy2D) -> dict[str, float]:
    """What N_EVALUATE real points score against the truth that samples are measured by: `measures.band` of many draws, recorded for the
    data sets that come with the project (`python -m engines.data.toy2d` makes the file)."""
    known = recorded().get(toy.key)
    return dict(known) if known else real_scores(toy, DRAWS_OWN)


@cache
def recorded() -> dict[str, dict[str, float]]:
    """Bands by data set."""
    return json.loads(RECORDED.read_bytes())["bands"]


def real_scores(toy: Toy2D, draws: int, first: int = 100) -> dict[str, float]:
    """The band of `draws` draws of N_EVALUATE real points, with the seeds from `first` on."""
    truth, scores = measures.projections(toy.draw(metrics.N_EVALUATE, TRUTH)), []
    for seed in range(first, first + draws):
        x = toy.draw(metrics.N_EVALUATE, seed)
        found = {metrics.SLICED_W1: measures.projected_w1(measures.projections(x), truth)}
        if toy.centres is not None and toy.root is not None:
            report = measures.mode_report(x, toy.centres, toy.root)
            found |= {metrics.MODES_COVERED: float(report.modes_covered), metrics.HQ_FRACTION: report.hq_fraction}
            found |= {
                metrics.REVERSE_KL: report.reverse_kl,
                metrics.WIDE_MODES: float(report.wide_modes),
                metrics.SHARE_KL: report.share_kl,
            }
        scores.append(found)
    return measures.band(scores)


@lru_cache(maxsize=16)
def audit_floors(toy: Toy2D) -> dict[str, float]:
    """What N_AUDIT real points score in an audit, against the same real points as samples: the band of a few draws."""
    real = toy.draw(metrics.N_AUDIT, AUDITED)
    width = clouds.median_distance(real)
    return measures.band([measures.audit(real, toy.draw(metrics.N_AUDIT, 200 + i), width) for i in range(DRAWS_AUDIT)])


def build(key: str, density: Density, *, modes: bool = False) -> Toy2D:
    """Draw the pool. `scale` is the standard deviation of the mode centres if there are several, else of the points."""
    points = density.sample(POOL, np.random.default_rng(crc32(key.encode()))).astype(np.float32)
    if not modes:
        return Toy2D(key, points, float(points.std()), density=density)
    if not isinstance(density, Mixture):
        raise TypeError("only a mixture of Gaussians has modes")
    spread = float(density.means.std()) or float(points.std())
    sigma = float(np.sqrt(np.linalg.det(density.root)))
    return Toy2D(key, points, spread, density=density, centres=density.means, sigma=sigma, root=density.root)


def along(key: str, curve: np.ndarray, sigma: float, weights: np.ndarray | None = None) -> Toy2D:
    """A data set spread along curve points (k, 2) with a width of `sigma`. Points closer than sigma leave no visible ripple."""
    return build(key, Mixture(curve, sigma * np.eye(2), weights))


def own(points: np.ndarray | None) -> Toy2D:
    """The visitor's points (n, 2), kept in their units; a few points are thickened by jitter of 2 % of the spread of each column.
    ValueError if they are fewer than 10, not finite, or too large, too small or too close together for single precision."""
    points = tables.fit(points)
    shift, scale, spread = points.mean(0), float((points - points.mean(0)).std()), points.std(0)
    rng = np.random.default_rng(crc32(b"own-2d"))
    if len(points) > POOL:
        points = points[rng.choice(len(points), POOL, replace=False)]
    elif len(points) < 5_000:
        points = points[rng.integers(len(points), size=20_000)]
        width = np.where(spread > 1e-9 * scale, spread, scale)  # of each column: the two may be in different units
        points = points + 0.02 * width * rng.standard_normal(points.shape)
    return Toy2D("own-2d", points.astype(np.float32), scale, shift=shift)


def _arc(a: float, b: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    t = np.linspace(a, b, count)
    return np.cos(t), np.sin(t)


def _ring8() -> Toy2D:
    angle = np.arange(8) * np.pi / 4
    return build("ring8", Mixture(np.stack([np.cos(angle), np.sin(angle)], 1), 0.02 * np.eye(2)), modes=True)


def _grid25() -> Toy2D:
    axis = np.arange(-2.0, 3.0)
    centres = np.stack(np.meshgrid(axis, axis), 2).reshape(-1, 2)
    return build("grid25", Mixture(centres, 0.05 * np.eye(2)), modes=True)


def _gaussian() -> Toy2D:
    root = np.linalg.cholesky(np.array([[1.0, 0.6], [0.6, 0.6]]))
    return build("gaussian", Mixture(np.zeros((1, 2)), root), modes=True)


def _moons() -> Toy2D:
    """Two half circles (as scikit-learn's make_moons), centred, 1.3 times larger."""
    c, s = _arc(0, np.pi, 150)
    curve = np.concatenate([np.stack([c, s], 1), np.stack([1 - c, 0.5 - s], 1)])
    return along("moons", 1.3 * (curve - [0.5, 0.25]), 0.08)


def _spirals() -> Toy2D:
    """Two arms of one and a half turns each."""
    t = np.sqrt(np.linspace(0.02, 1, 250))  # points evenly spread along the arm
    arm = 2.0 * t[:, None] * np.stack([np.cos(3 * np.pi * t), np.sin(3 * np.pi * t)], 1)
    return along("spirals", np.concatenate([arm, -arm]), 0.06)


def _swissroll() -> Toy2D:
    """(t cos t, t sin t) for t in [1.5 π, 4.5 π], evenly in t as scikit-learn's make_swiss_roll."""
    t = np.linspace(1.5 * np.pi, 4.5 * np.pi, 400)[:, None]
    return along("swissroll", t * np.concatenate([np.cos(t), np.sin(t)], 1) / 7, 0.06)


def _checkerboard() -> Toy2D:
    corners = np.array([(x, y) for x in range(-2, 2) for y in range(-2, 2) if (x + y) % 2 == 0], float)
    return build("checkerboard", Squares(corners, 1.0))


def _pinwheel() -> Toy2D:
    """Five bent blades (Johnson et al., 2016): radius normal, 1 ± 0.3, turned by 0.25 exp(radius)."""
    radius = 1 + 0.3 * np.linspace(-2, 2, 41)
    angle = 2 * np.pi * np.arange(5)[:, None] / 5 + 0.25 * np.exp(radius)  # (5, 41)
    blades = 1.3 * np.stack([radius * np.cos(angle), radius * np.sin(angle)], 2).reshape(-1, 2)
    weights = np.tile(np.exp(-0.5 * ((radius - 1) / 0.3) ** 2), 5)
    return along("pinwheel", blades, 0.08, weights / weights.sum())


def _circles() -> Toy2D:
    outer, inner = np.stack(_arc(0, 2 * np.pi, 241), 1)[:-1], np.stack(_arc(0, 2 * np.pi, 241), 1)[:-1]
    return along("circles", np.concatenate([1.8 * outer, 0.8 * inner]), 0.06)


def _s_curve() -> Toy2D:
    """Two three-quarter circles joined, as scikit-learn's make_s_curve seen from the side."""
    t = np.linspace(-1.5 * np.pi, 1.5 * np.pi, 250)
    return along("s_curve", np.stack([np.sin(t), np.sign(t) * (np.cos(t) - 1)], 1) * 0.9, 0.06)


TOYS = {
    name: lru_cache(maxsize=1)(make)
    for name, make in {
        "ring8": _ring8,
        "grid25": _grid25,
        "moons": _moons,
        "spirals": _spirals,
        "swissroll": _swissroll,
        "checkerboard": _checkerboard,
        "pinwheel": _pinwheel,
        "circles": _circles,
        "s_curve": _s_curve,
        "gaussian": _gaussian,
    }.items()
}


def main() -> None:
    """Write RECORDED."""
    bands = {key: {name: float(f"{v:.5g}") for name, v in real_scores(make(), DRAWS).items()} for key, make in TOYS.items()}
    what = f"mean, 5 % and 95 % of {DRAWS} draws of {metrics.N_EVALUATE} real points against one and the same draw"
    about = f"python -m engines.data.toy2d: {what}"
    RECORDED.write_text(json.dumps({"about": about, "bands": bands}, indent=1) + "\n")


if __name__ == "__main__":
    main()
