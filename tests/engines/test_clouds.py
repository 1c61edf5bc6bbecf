"""Measures of two clouds against loops, closed forms and scikit-learn."""

import math

import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import NearestNeighbors

from engines import clouds, measures
from engines.data.toy2d import TOYS, audit_floors


def normal(n, seed, shift=0.0, d=2):
    return np.random.default_rng(seed).standard_normal((n, d)) + shift


def test_squared_distances_far_from_zero():
    x, y = normal(20, 0, 1e4), normal(30, 1, 1e4)
    expected = [[math.dist(a, b) ** 2 for b in y] for a in x]
    np.testing.assert_allclose(clouds.squared_distances(x, y), expected, rtol=1e-6)


def test_mmd_against_scikit_learns_kernel():
    x, y = normal(40, 0), normal(50, 1, 0.5)
    width = clouds.median_distance(np.concatenate([x, y]))
    both = np.concatenate([x, y])
    distances = [math.dist(a, b) for i, a in enumerate(both) for b in both[:i]]
    assert width == pytest.approx(np.median(distances))
    k = lambda a, b: rbf_kernel(a, b, gamma=1 / (2 * width**2))  # noqa: E731
    xx, yy = (k(a, a)[~np.eye(len(a), dtype=bool)].mean() for a in (x, y))
    assert clouds.mmd2(x, y) == pytest.approx(xx + yy - 2 * k(x, y).mean())


def test_mmd_of_two_gaussians_and_of_one():
    """Two normal clouds a vector m apart: MMD² = 2 (w² / (w² + 2))^(d/2) (1 − exp(−|m|² / 2 (w² + 2)))."""
    w, m = 1.5, 2.0
    expected = 2 * (w**2 / (w**2 + 2)) * (1 - math.exp(-(m**2) / (2 * (w**2 + 2))))
    found = np.mean([clouds.mmd2(normal(500, i), normal(500, 50 + i, [m, 0]), w) for i in range(8)])
    assert found == pytest.approx(expected, rel=0.05)
    same = [clouds.mmd2(normal(200, i), normal(200, 90 + i), w) for i in range(40)]
    assert min(same) < 0 < max(same) and abs(np.mean(same)) < 3 * np.std(same) / math.sqrt(40)


def test_neighbours_against_scikit_learn():
    real, fake, k = normal(80, 0), normal(60, 1, 0.7), 5
    radius = {
        name: NearestNeighbors(n_neighbors=k + 1).fit(x).kneighbors(x)[0][:, k] for name, x in (("real", real), ("fake", fake))
    }  # + 1: itself
    inside = np.array([[math.dist(r, f) <= radius["real"][i] for f in fake] for i, r in enumerate(real)])
    within = np.array([[math.dist(r, f) <= radius["fake"][j] for j, f in enumerate(fake)] for r in real])
    found = clouds.neighbours(real, fake, k)
    assert found.precision == pytest.approx(inside.any(0).mean())
    assert found.recall == pytest.approx(within.any(1).mean())
    assert found.density == pytest.approx(inside.sum() / (k * len(fake)))
    assert found.coverage == pytest.approx(inside.any(1).mean())


def test_coverage_of_real_by_real_is_as_naeem_found():
    """Naeem et al., 2020, eq. 9: 1 − (M−1)…(M−k) / ((2M−1)…(2M−k)) for clouds of equal size; density is 1 on average."""
    m, k = 500, 5
    expected = 1 - math.prod((m - i) / (2 * m - i) for i in range(1, k + 1))
    found = [clouds.neighbours(normal(m, i), normal(m, 100 + i), k) for i in range(6)]
    assert np.mean([f.coverage for f in found]) == pytest.approx(expected, abs=0.01)
    assert np.mean([f.density for f in found]) == pytest.approx(1, abs=0.03)


def test_collapse_keeps_precision_and_loses_recall():
    toy = TOYS["ring8"]()
    real = toy.draw(1_000, 1)
    one = toy.draw(9_000, 2)
    one = one[np.linalg.norm(one - toy.centres[0], axis=1) < 0.06][:1_000]
    scores, floors = measures.audit(real, one, 1.0), audit_floors(toy)
    assert scores["precision"] > 0.95 and scores["recall"] < 0.2 and scores["coverage"] < 0.2
    assert scores["mmd2"] > 100 * floors["mmd2/hi"]
    assert {name for name in floors if "/" not in name} == scores.keys() and floors["precision"] > 0.95 and floors["coverage"] > 0.95
    assert floors["density"] == pytest.approx(1, abs=0.05) and floors["mmd2/lo"] < 0 < floors["mmd2/hi"] < 2e-3


def test_the_birthday_test_finds_the_size_of_a_support():
    """N = 400 places, drawn evenly: a batch of 24 holds two alike with probability 1 − exp(−24 · 23 / 800) = 0.50."""
    rng = np.random.default_rng(0)
    places = np.stack(np.meshgrid(np.arange(20.0), np.arange(20.0)), 2).reshape(-1, 2)
    x = places[rng.integers(400, size=40_000)]
    share = clouds.birthday(x, 24, close=0.1, batches=1_500)
    assert share == pytest.approx(1 - math.exp(-24 * 23 / 800), abs=0.04)
    assert clouds.support_size(24, share) == pytest.approx(400, rel=0.15)
    assert clouds.birthday(x, 24, close=0.1, batches=50) == clouds.birthday(x, 24, close=0.1, batches=50)
    assert clouds.support_size(24, 0.0) == math.inf and clouds.support_size(24, 1.0) == 0
    with pytest.raises(ValueError, match="s=1"):
        clouds.birthday(x, 1, 0.1)
