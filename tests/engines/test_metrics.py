"""Metrics against brute force, closed forms and scipy."""

import math

import numpy as np
import pytest
from scipy import linalg, stats

from engines import measures, metrics
from engines.data.toy2d import TOYS


def test_every_name_has_an_entry():
    names = {
        v for k, v in vars(metrics).items() if k.isupper() and isinstance(v, str) and k not in ("MODE_SHARE", "SAMPLES", "UNIT", "LO", "HI")
    }
    assert names == set(metrics.METRICS)
    assert all(info.name == name and info.title and info.about for name, info in metrics.METRICS.items())


def test_mode_report_against_a_loop():
    toy, rng = TOYS["ring8"](), np.random.default_rng(0)
    x = np.concatenate([toy.draw(300, 3), rng.uniform(-1, 1, (100, 2))])
    report = measures.mode_report(x, toy.centres, toy.sigma)
    counts, hq = np.zeros(8), 0
    for point in x:
        distances = [math.dist(point, c) for c in toy.centres]
        if min(distances) <= 3 * toy.sigma:
            counts[distances.index(min(distances))] += 1
            hq += 1
    np.testing.assert_allclose(report.shares, counts / 400)
    assert report.hq_fraction == hq / 400
    assert report.modes_covered == (counts / 400 >= 0.2 / 8).sum()
    q = counts / counts.sum()
    assert report.reverse_kl == pytest.approx(stats.entropy(q, np.full(8, 1 / 8)))
    nearest = np.array([np.argmin([math.dist(point, c) for c in toy.centres]) for point in x])
    near = np.array([min(math.dist(point, c) for c in toy.centres) <= 10 * toy.sigma for point in x])
    assert report.wide_modes == (np.bincount(nearest[near], minlength=8) / 400 >= 0.2 / 8).sum()
    assert report.share_kl == pytest.approx(stats.entropy(np.bincount(nearest, minlength=8), np.full(8, 1 / 8)))


def test_blurred_samples_cover_modes_widely_only():
    """Six times as wide as the data: few within 3σ, all within 10σ; the shares stay even."""
    toy, rng = TOYS["ring8"](), np.random.default_rng(0)
    x = np.repeat(toy.centres, 500, axis=0) + 0.13 * rng.standard_normal((4000, 2))
    report = measures.mode_report(x, toy.centres, toy.sigma)
    assert report.wide_modes == 8 and report.modes_covered < 8 and report.share_kl < 0.01
    lump = measures.mode_report(toy.centres[:1] + 0.13 * rng.standard_normal((500, 2)), toy.centres, toy.sigma)
    assert lump.share_kl == pytest.approx(math.log(8), abs=0.1)


@pytest.mark.parametrize(("held", "covered"), [(0.2, 8), (0.19, 7)])
def test_a_mode_counts_from_a_fifth_of_its_fair_share(held, covered):
    toy, n = TOYS["ring8"](), 80_000
    few = round(held * n / 8)
    counts = [few] + [(n - few) // 7] * 7
    x = np.repeat(toy.centres, counts, axis=0)
    x = np.concatenate([x, np.repeat(toy.centres[1:2], n - len(x), axis=0)])
    assert measures.mode_report(x, toy.centres, toy.sigma).modes_covered == covered


def test_samples_at_one_mode_and_nowhere():
    toy = TOYS["ring8"]()
    one = measures.mode_report(np.repeat(toy.centres[:1], 50, axis=0), toy.centres, toy.sigma)
    assert (one.modes_covered, one.hq_fraction, one.reverse_kl) == (1, 1.0, pytest.approx(math.log(8)))
    none = measures.mode_report(np.zeros((50, 2)), toy.centres, toy.sigma)
    assert (none.modes_covered, none.hq_fraction) == (0, 0.0) and math.isnan(none.reverse_kl)


def test_three_sigma_follows_a_tilted_covariance():
    toy = TOYS["gaussian"]()
    report = measures.mode_report(toy.draw(100_000), toy.centres, toy.root)
    assert report.hq_fraction == pytest.approx(metrics.HQ_CEILING, abs=0.002)


def test_sliced_w1_against_scipy_and_a_shift():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((400, 2)), rng.standard_normal((400, 2)) * 2
    along = measures.directions()
    expected = np.mean([stats.wasserstein_distance(x @ v, y @ v) for v in along])
    assert measures.sliced_w1(x, y) == pytest.approx(expected, rel=1e-5)
    assert measures.sliced_w1(x, x) == 0
    # moved by a vector m, each projection moves by |m·v|, on average 2 |m| / π
    assert measures.sliced_w1(x, x + [3, 4]) == pytest.approx(5 * 2 / math.pi, rel=1e-3)
    with pytest.raises(ValueError, match="same size"):
        measures.sliced_w1(x, y[:-1])


def test_frechet_against_scipy():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((500, 6)) @ rng.standard_normal((6, 6)), rng.standard_normal((400, 6)) + 1
    (m1, c1), (m2, c2) = measures.moments(x), measures.moments(y)
    expected = ((m1 - m2) ** 2).sum() + np.trace(c1 + c2 - 2 * linalg.sqrtm(c1 @ c2).real)
    assert measures.frechet((m1, c1), (m2, c2)) == pytest.approx(expected, rel=1e-6)
    assert measures.frechet((m1, c1), (m1, c1)) == pytest.approx(0, abs=1e-6)


def test_band_is_the_mean_and_the_middle_of_real_draws():
    found = measures.band([{"x": float(v)} for v in range(101)])
    assert found == {"x": 50, "x/lo": 5, "x/hi": 95}
