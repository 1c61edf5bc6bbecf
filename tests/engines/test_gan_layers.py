"""The warped grid and the best possible D: closed forms, and nothing of them in a default frame."""

import math

import numpy as np
import pytest
import torch

from engines.core import Heat, Mesh
from engines.data.densities import Mixture
from engines.data.toy2d import TOYS
from engines.gan.config import resolve
from engines.gan.gap import CELL, POINTS, cells, gap, mean_square
from engines.gan.layers import BEST_D, GRID, LATTICE, BestD, cell_areas, lattice, mesh
from engines.state import pack

EXTENT = (-3.0, 3.0, -2.0, 2.0)


def config(**settings):
    return resolve({"dataset": "gaussian", "objective": "non-saturating", **settings})


def test_layers_are_looked_at_and_change_nothing(gan):
    engine = gan(objective="non-saturating")
    for _ in range(5):
        engine.train_step()
    before = pack(engine)
    heat, best, grid, *rest = engine.look()["stage"]
    assert [heat.name, best.name, grid.name, *(v.name for v in rest)] == ["D(x)", BEST_D, GRID, "gradient", "samples"]
    assert best.role == "exact" and pack(engine) == before
    assert isinstance(best, Heat) and best.values.shape == heat.values.shape and best.extent == heat.extent
    assert isinstance(grid, Mesh) and grid.xy.shape == (13, 13, 2) and grid.density.shape == (12, 12)
    assert grid.xy.dtype == grid.density.dtype == best.values.dtype == np.float32


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (dict(objective="r3gan"), {GRID}),
        (dict(objective="hinge"), {GRID}),
        (dict(objective="non-saturating", pack=2), {GRID}),
        (dict(objective="lsgan", minibatch_discrimination=2), {GRID}),
        (dict(objective="minimax", noise_dim=1), {BEST_D}),
        (dict(objective="lsgan", noise_dim=5, noise="normal"), {GRID, BEST_D}),
    ],
)
def test_layers_that_are_not_defined_are_left_out(gan, settings, names):
    engine = gan(**settings)
    assert {v.name for v in engine.look()["stage"]} & {GRID, BEST_D} == names
    assert ("d_gap" in engine.evaluate()) == (BEST_D in names)


# The grid


def test_a_linear_g_has_one_density():
    """G(z) = z A: each cell has the density of the noise, 1/4, over |det A|."""
    A = np.array([[2.0, 0.5], [0.0, 1.5]])
    z = lattice(config(noise="uniform"), torch.zeros(2)).numpy()
    view = mesh(z @ A, config(noise="uniform"))
    np.testing.assert_allclose(view.density, 0.25 / 3, rtol=1e-5)
    assert view.xy[0, 0] == pytest.approx([-1, -1] @ A) and view.xy[0, -1] == pytest.approx([1, -1] @ A)


def test_cells_of_normal_noise_hold_equal_shares():
    z = lattice(config(noise="normal"), torch.zeros(2)).reshape(LATTICE, LATTICE, 2)
    share = 0.5 * (1 + torch.erf(z[0, :, 0] / math.sqrt(2)))
    np.testing.assert_allclose(np.diff(share.numpy()), 0.96 / 12, rtol=1e-4)
    view = mesh(z.reshape(-1, 2).numpy(), config(noise="normal"))
    assert (view.density * cell_areas(view.xy)).sum() == pytest.approx(0.96**2, rel=1e-4)
    assert view.density[6, 6] == pytest.approx(1 / (2 * math.pi), rel=0.1)  # the normal density in the middle


def test_other_noise_numbers_stay_fixed():
    rest = torch.tensor([9.0, 9.0, 0.3, -0.4])
    z = lattice(config(noise_dim=4), rest)
    assert (z[:, 2:] == rest[2:]).all() and z[:, :2].abs().max() == 1


def test_a_collapsed_grid_has_a_finite_density():
    assert np.isfinite(mesh(np.ones((LATTICE**2, 2)), config()).density).all()


def test_a_fold_adds_up():
    bow = np.array([[[0.0, 0], [1, 0]], [[1, 1], [0, 1]]])  # crossed over: as a polygon its area would cancel
    assert cell_areas(bow)[0, 0] > 0
    square = np.array([[[0.0, 0], [1, 0]], [[0, 1], [1, 1]]])
    assert cell_areas(square)[0, 0] == pytest.approx(1)


# The best D


def test_the_kernel_estimate_is_the_sum_of_bells():
    """But for the lattice that the samples are dealt to, which the many of a real estimate average out."""
    best, x = BestD(TOYS["gaussian"](), EXTENT, 5, 7), np.random.default_rng(0).standard_normal((2_000, 2))
    found = best.kernel_density(x, 0.4)
    assert found.shape == (5, 7)
    place = np.array([best.xs[2], best.ys[3]])
    expected = np.mean(np.exp(-((place - x) ** 2).sum(1) / (2 * 0.4**2)) / (2 * np.pi * 0.4**2))
    assert found[3, 2] == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("sigma", [0.0, 0.5])
def test_against_a_perfect_g_the_best_d_cannot_tell(sigma):
    toy = TOYS["gaussian"]()
    values = BestD(toy, EXTENT, 48, 68).map(toy.draw(40_000, 5), config(), sigma)
    xs, ys = np.meshgrid(np.linspace(*EXTENT[:2], 68), np.linspace(*EXTENT[2:], 48))
    inside = toy.log_prob(np.stack([xs, ys], 2).reshape(-1, 2)).reshape(48, 68) > -4
    assert inside.sum() > 100 and np.abs(values[inside] - 0.5).max() < 0.08
    smooth = BestD(toy, EXTENT, 48, 68).map(toy.draw(40_000, 5), config(label_smoothing=0.2), sigma)
    np.testing.assert_allclose(smooth, 0.8 * values, rtol=1e-5)


def test_against_a_far_g_the_best_d_is_sure():
    values = BestD(TOYS["gaussian"](), EXTENT, 48, 68).map(np.full((2_000, 2), [2.8, -1.8]), config(), 0.0)
    assert values[24, 34] > 0.99 and values[2, 66] < 0.05  # row 0 is y0: the samples are below, on the right


def test_the_two_densities_of_a_gaussian_and_a_wider_one():
    """D* = p / (p + q) in closed form, both blurred by the width of the kernel."""
    toy, n = TOYS["gaussian"](), 60_000
    best = BestD(toy, EXTENT, 24, 34)
    samples = np.random.default_rng(1).standard_normal((n, 2)) * 1.5
    values = best.map(samples, config(), 0.0)
    variance = 1.5**2 + best.cell**2
    xs, ys = np.meshgrid(best.xs, best.ys)
    q = np.exp(-(xs**2 + ys**2) / (2 * variance)) / (2 * np.pi * variance)
    p = np.exp(toy.log_prob(np.stack([xs, ys], 2).reshape(-1, 2), best.cell)).reshape(q.shape)
    middle = p + q > 0.05
    np.testing.assert_allclose(values[middle], (p / (p + q))[middle], atol=0.03)


# The gap of D


@pytest.mark.parametrize(("spread", "outwards", "blind"), [(1.2, 0, 0.04), (2, 0, 0.18), (3, 0, 0.26), (1, 5, 0.44)])
def test_the_best_d_has_no_gap_and_a_blind_one_has(spread, outwards, blind):
    """All modes of the ring but wider, or 5σ beside them; D* = p / (p + q) in closed form. Twenty draws each."""
    toy = TOYS["ring8"]()
    q = Mixture(toy.centres * (1 + outwards * toy.sigma), spread * toy.sigma * np.eye(2))
    labels = np.repeat([1.0, 0.0], POINTS)
    best, half = [], []
    for seed in range(20):
        x = np.concatenate([toy.draw(POINTS, 50 + seed), q.sample(POINTS, np.random.default_rng(seed))]).astype(np.float32)
        d = 1 / (1 + np.exp(q.log_prob(x.astype(np.float64), 0.0) - toy.log_prob(x)))
        best.append(gap(x, labels - d))
        half.append(gap(x, labels - 0.5))
    assert max(best) < 0.03 and min(half) > max(blind, max(best))


def test_the_gap_is_the_distance_where_d_is_off_by_one_number_everywhere():
    x = np.random.default_rng(0).standard_normal((2 * POINTS, 2)).astype(np.float32)
    labels = np.random.default_rng(1).random(2 * POINTS) < 0.5
    for off in (0.1, 0.3):
        assert gap(x, labels - (0.5 + off)) == pytest.approx(off, abs=0.02)


def test_places_hold_as_many_points_each_and_every_point_once():
    x = np.random.default_rng(0).standard_normal((8 * CELL, 2)).astype(np.float32)
    found = cells(x)
    assert found.shape == (8, CELL) and sorted(found.ravel()) == list(range(8 * CELL))
    e = np.random.default_rng(1).standard_normal(8 * CELL)
    by_hand = sum(e[i] * e[j] for place in found for i in place for j in place if i != j) / (CELL - 1)
    assert mean_square(e, found) == pytest.approx(by_hand / len(e))


def test_the_gap_closes_while_d_alone_learns(gan):
    engine = gan(dataset="gaussian", objective="non-saturating", fourier=0)
    before = engine.evaluate()["d_gap"]
    for _ in range(300):
        engine.train_step("d")
    assert engine.evaluate()["d_gap"] < 0.35 * before


# Measured only when asked


def test_an_audit_changes_nothing_and_knows_its_floors(gan):
    engine = gan()
    for _ in range(3):
        engine.train_step()
    before = pack(engine)
    scores, floors = engine.audit()
    assert pack(engine) == before and engine.audit()[0] == scores
    assert scores.keys() == {name.split("/")[0] for name in floors} == {"mmd2", "precision", "recall", "density", "coverage"}
    assert all(floors[f"{name}/lo"] <= floors[name] <= floors[f"{name}/hi"] for name in scores)
    assert floors["precision"] > 0.9 > scores["precision"]
    assert not scores.keys() & engine.evaluate().keys()


def test_images_are_audited_in_the_features_of_the_judge(gan):
    engine = gan(dataset="digits", batch=8, channels_g=8, channels_d=8)
    before = pack(engine)
    scores, floors = engine.audit()
    assert pack(engine) == before and scores.keys() == {name.split("/")[0] for name in floors}
    assert scores["coverage"] < 0.5 < floors["coverage"] and scores["mmd2"] > 10 * floors["mmd2"]
