"""The data sets and their exact densities, against integrals, finite differences and each other."""

import numpy as np
import pytest

from engines.data import DATASETS
from engines.data.toy2d import TOYS, floors, own

KEYS = list(TOYS)


def some_points(toy, n=200):
    """Places near the data and away from it, float64."""
    rng = np.random.default_rng(3)
    return toy.draw(n, 5).astype(np.float64) + 0.3 * toy.scale * rng.standard_normal((n, 2))


def test_the_catalogue_and_the_makers_agree():
    assert [d.key for d in DATASETS.values() if d.kind == "2d"] == KEYS
    for key in KEYS:
        assert TOYS[key]().modes == DATASETS[key].modes


@pytest.mark.parametrize("key", KEYS)
def test_the_pool(key):
    toy = TOYS[key]()
    assert toy.points.shape == (100_000, 2) and toy.points.dtype == np.float32
    assert np.isfinite(toy.points).all() and np.abs(toy.points).max() < 5
    assert toy is TOYS[key]()  # drawn once
    assert not np.array_equal(toy.draw(50, 0), toy.draw(50, 1))
    np.testing.assert_array_equal(toy.draw(50, 1), toy.draw(50, 1))
    np.testing.assert_allclose(toy.unit * toy.scale + toy.shift, toy.points, atol=1e-5)


def test_ring_and_grid_are_as_published():
    ring, grid = TOYS["ring8"](), TOYS["grid25"]()
    np.testing.assert_allclose(np.linalg.norm(ring.centres, axis=1), 1)
    assert (ring.sigma, grid.sigma) == pytest.approx((0.02, 0.05))
    assert {tuple(c) for c in grid.centres} == {(x, y) for x in range(-2, 3) for y in range(-2, 3)}
    assert (ring.scale, grid.scale) == pytest.approx((0.5**0.5, 2**0.5))


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("sigma", [0.0, 0.5])
def test_density_integrates_to_one(key, sigma):
    toy = TOYS[key]()
    half = 2.1 + 4 * sigma if key == "checkerboard" else 5.0 + 4 * sigma
    # the ring's modes are narrow: the cells must be smaller than sigma
    step = 0.1 if sigma else 0.01 if key in ("ring8", "checkerboard") else 0.04
    axis = np.arange(-half + step / 2, half, step)
    total = 0.0
    for y in axis:
        row = np.stack([axis, np.full_like(axis, y)], 1)
        row = row[np.abs(y) < 1.2] if key == "ring8" and sigma == 0 and abs(y) > 1.2 else row
        total += np.exp(toy.log_prob(row, sigma)).sum() * step**2 if len(row) else 0.0
    assert total == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("sigma", [0.0, 0.2, 1.0])
def test_score_is_the_gradient_of_log_prob(key, sigma):
    toy, h = TOYS[key](), 1e-5
    x = some_points(toy)
    if key == "checkerboard" and sigma == 0:
        assert not toy.score(x, 0.0).any()
        return
    for axis in range(2):
        move = h * np.eye(2)[axis]
        slope = (toy.log_prob(x + move, sigma) - toy.log_prob(x - move, sigma)) / (2 * h)
        np.testing.assert_allclose(toy.score(x, sigma)[:, axis], slope, rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("key", KEYS)
def test_denoise_is_tweedies_formula_and_a_posterior_mean(key):
    """Against a brute-force posterior mean over 100,000 points of the data: E[x0 | x] = Σ x0 N(x; x0, sigma²) / Σ N(x; x0, sigma²)."""
    toy, sigma = TOYS[key](), 0.5
    x = toy.draw(20, 6) + sigma * np.random.default_rng(0).standard_normal((20, 2))
    np.testing.assert_allclose(toy.denoise(x, sigma), x + sigma**2 * toy.score(x, sigma))
    for place, found in zip(x, toy.denoise(x, sigma), strict=True):
        weight = np.exp(-((place - toy.points) ** 2).sum(1) / (2 * sigma**2))
        np.testing.assert_allclose(found, (weight[:, None] * toy.points).sum(0) / weight.sum(), atol=0.03)


def test_far_away_nothing_overflows():
    far = np.array([[1e3, -1e3], [50.0, 0.0], [1e3, 1e3]])
    for key in KEYS:
        assert np.isfinite(TOYS[key]().denoise(far, 0.1)).all()
        assert np.isfinite(TOYS[key]().score(far, 2.0)).all()


def test_curves_show_no_ripple():
    """Along the middle of the swiss roll's outer turn, where its Gaussians are farthest apart, the density must be smooth."""
    t = np.linspace(4.2 * np.pi, 4.4 * np.pi, 400)[:, None]
    middle = t * np.concatenate([np.cos(t), np.sin(t)], 1) / 7
    log_prob = TOYS["swissroll"]().log_prob(middle)
    assert np.abs(np.diff(log_prob, 2)).max() < 1e-3


@pytest.mark.parametrize("key", ["ring8", "moons"])
def test_floors(key):
    toy = TOYS[key]()
    found = floors(toy)
    assert 0 < found["sliced_w1"] < 0.1 * toy.scale
    assert found is floors(toy)
    if key == "ring8":
        assert found["modes_covered"] == 8
        assert found["hq_fraction"] == pytest.approx(0.9889, abs=0.002)
        assert found["reverse_kl"] == pytest.approx(7 / 4000, rel=0.5)  # (k − 1) / 2 n, the bias of a plug-in estimate


def test_own_points_keep_their_units():
    points = np.random.default_rng(0).normal([1000, -50], [3, 1], (500, 2))
    toy = own(points)
    assert toy.centres is None and toy.modes == 0
    np.testing.assert_allclose(toy.points.mean(0), points.mean(0), atol=0.5)
    np.testing.assert_allclose(toy.unit.std(), 1, atol=0.1)
    assert toy.draw(30).shape == (30, 2)
    with pytest.raises(ValueError, match="no exact density"):
        toy.score(points)


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        (np.zeros((9, 2)), "9 points are too few"),
        (np.zeros((20, 2)), "the same"),
        (np.full((20, 2), np.nan), "every coordinate"),
        (np.full((20, 2), 2e12), "every coordinate"),
        (np.zeros((20, 3)), "not pairs"),
        (None, "draw or upload"),
        ([["a", "b"]] * 20, "not pairs"),
    ],
)
def test_own_points_are_checked(points, sentence):
    with pytest.raises(ValueError, match=sentence):
        own(points)
