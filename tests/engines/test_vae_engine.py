"""The contract of a family, on VAEs: same seed same run, looking changes nothing, every objective trains on every data set."""

import numpy as np
import pytest
import torch

from engines.core import Bars, Ellipses, Field, Images, Mesh, Points
from engines.data import DATASETS
from engines.loop import advance, first_look
from engines.metrics import METRICS
from engines.registry import FAMILIES
from engines.state import pack, unpack
from engines.vae.config import BINARISATION, ESTIMATORS, LIKELIHOODS, OBJECTIVES
from engines.vae.presets import Request

TOYS = [d.key for d in DATASETS.values() if d.kind == "2d"]
IMAGES = [d.key for d in DATASETS.values() if d.kind == "image"]
SMALL = dict(dataset="digits", width=32, batch=32)


@pytest.fixture(scope="module")
def vae():
    """settings -> a fresh VAE engine with the recommended values of its data set."""
    family = FAMILIES["vae"]
    return lambda device="cpu", data=None, **settings: family.build(family.resolve(settings), device=device, data=data)


def run(engine, steps, **cadence):
    return [s for s in advance(engine, steps=steps, **{"every": 10, **cadence}) if s is not None]


def arrays(snapshots):
    """Every array and number in the snapshots, in order."""
    for s in snapshots:
        yield from s.metrics.values()
        for layers in s.views.values():
            for view in layers:
                yield from (v for v in vars(view).values() if isinstance(v, np.ndarray))


def trains(engine, steps):
    before = [p.clone() for p in engine._weights if p.dim() > 1]
    (snapshot,) = run(engine, steps, every=steps)
    assert engine.step == snapshot.step == steps
    assert all(np.isfinite(v) for k, v in snapshot.metrics.items() if k != "reverse_kl")
    assert all(not torch.equal(a, b) for a, b in zip(before, [p for p in engine._weights if p.dim() > 1], strict=True))
    assert set(snapshot.metrics) <= set(METRICS)
    assert sum(p.numel() for p in engine._weights) == FAMILIES["vae"].cost(engine.config).parameters


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("dataset", TOYS)
def test_every_objective_trains_on_every_2d_data_set(vae, dataset, objective):
    trains(vae(dataset=dataset, objective=objective), 10)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_every_objective_trains_on_digits(vae, objective, network):
    trains(vae(objective=objective, network=network, **SMALL), 10)


@pytest.mark.slow
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("dataset", [key for key in IMAGES if key != "digits"])
def test_every_objective_trains_on_every_image_data_set(vae, dataset, objective):
    trains(vae(dataset=dataset, objective=objective, batch=16), 5)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_every_likelihood_trains(vae, likelihood, conditional, network):
    trains(vae(likelihood=likelihood, conditional=conditional, network=network, latent=3, **SMALL), 10)


@pytest.mark.parametrize("settings", [dict(binarisation=b) for b in BINARISATION] + [dict(estimator=e) for e in ESTIMATORS], ids=str)
def test_every_way_to_see_pixels_and_to_estimate_gradients_trains(vae, settings):
    trains(vae(**settings, **SMALL), 10)


@pytest.mark.parametrize("settings", [{}, {"objective": "vq-vae"}, {"objective": "iwae"}, {"binarisation": "dynamic"}], ids=str)
def test_same_seed_same_run_and_resumed_bit_for_bit(vae, settings):
    first, second = vae(seed=3, **SMALL, **settings), vae(seed=3, **SMALL, **settings)
    for a, b in zip(arrays(run(first, 20)), arrays(run(second, 20)), strict=True):
        np.testing.assert_array_equal(a, b)
    resumed = vae(seed=3, **SMALL, **settings)
    unpack(resumed, pack(first))
    for engine in (first, resumed):
        run(engine, 20)
    assert pack(first) == pack(resumed)


@pytest.mark.parametrize("settings", [{}, {"objective": "vq-vae"}, {"objective": "autoencoder"}], ids=str)
def test_looking_evaluating_and_sampling_change_nothing(vae, settings):
    quiet, watched = vae(seed=5, **SMALL, **settings), vae(seed=5, **SMALL, **settings)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    for _ in range(8):
        quiet.train_step()
        watched.train_step()
        first_look(watched)
        watched.measure()
        watched.backdrop()
        watched.health()
        list(watched.sample(Request(n=16)))
        if settings.get("objective") != "vq-vae":
            list(watched.sample(Request(n=16, prior="mixture", noise=True)))
    assert pack(quiet) == pack(watched)
    assert torch.equal(before, torch.get_rng_state())


def test_views_are_what_the_page_expects(vae):
    (snapshot,) = run(vae(dataset="mnist", batch=16), 2, every=2)
    points, ellipses = snapshot.views["latent"]
    assert isinstance(points, Points) and points.xy.shape == (1000, 2) and points.label.shape == (1000,) and points.name == "z1, z2"
    assert isinstance(ellipses, Ellipses) and ellipses.axes.shape == (1000, 2) and ellipses.angle.shape == (1000,)
    (manifold,) = snapshot.views["manifold"]
    assert isinstance(manifold, Images) and manifold.pixels.shape == (225, 1, 14, 14) and manifold.name == "manifold"
    real, back = snapshot.views["reconstructions"]
    assert real.pixels.shape == back.pixels.shape == (10, 1, 28, 28) and real.label.tolist() == list(range(10))
    variance, kl = snapshot.views["units"]
    assert isinstance(variance, Bars) and variance.low == 0.01 and variance.values.shape == kl.values.shape == (2,)
    assert snapshot.views.keys() == {"latent", "manifold", "reconstructions", "units"}
    flat = run(vae(dataset="ring8"), 2, every=2)[0].views
    assert [type(v) for v in flat["stage"]] == [Mesh, Points] and isinstance(flat["reconstructions"][0], Field)


def test_three_latents_are_seen_in_their_principal_plane(vae):
    """The ellipses of many latents: a Monte Carlo cloud of one posterior, projected, has the moments that the ellipse says."""
    engine = vae(latent=5, **SMALL)
    run(engine, 30)
    seen = engine.probe.seen(engine)
    points, ellipses = engine.look()["latent"]
    assert points.name == "principal components"
    np.testing.assert_allclose(seen.plane.axes @ seen.plane.axes.T, np.eye(2), atol=1e-5)
    draws = seen.mu[0] + seen.sigma[0] * torch.randn((200_000, 5), generator=torch.Generator().manual_seed(0))
    cloud = seen.plane.xy(draws)
    turn = np.array([[np.cos(ellipses.angle[0]), -np.sin(ellipses.angle[0])], [np.sin(ellipses.angle[0]), np.cos(ellipses.angle[0])]])
    expected = turn @ np.diag(ellipses.axes[0] ** 2) @ turn.T
    np.testing.assert_allclose(np.cov(cloud.T), expected, rtol=0.03, atol=0.01)
    np.testing.assert_allclose(cloud.mean(0), points.xy[0], atol=0.01)


def test_snapshots_hold_no_tensors(vae):
    for settings in (SMALL, dict(dataset="moons"), SMALL | dict(objective="vq-vae")):
        engine = vae(**settings)
        for s in (*run(engine, 2, every=1), engine.backdrop(), *engine.sample(Request(n=4))):
            assert all(type(v) is float for v in s.metrics.values()), s.metrics
            for layers in s.views.values():
                assert not any(isinstance(v, torch.Tensor) for view in layers for v in vars(view).values())


def test_cheap_metrics_come_with_every_look(vae):
    seen = run(vae(**SMALL), 6, every=2, evaluate_every=3)
    assert all("test_neg_elbo" in s.metrics for s in seen) and ["test_iwae" in s.metrics for s in seen] == [False, False, True]


def test_own_images_have_no_judge(vae):
    pixels = np.random.default_rng(0).integers(0, 255, (20, 3, 12, 12), np.uint8)
    engine = vae(dataset="own-images", data=pixels, batch=8)
    run(engine, 3)
    metrics = engine.evaluate()
    assert "frechet_distance" not in metrics and metrics["sharpness"] > 0
    assert next(engine.sample(Request(n=3))).views["samples"][0].pixels.shape == (3, 3, 12, 12)


def test_own_points_come_back_in_their_own_units(vae):
    points = np.random.default_rng(0).normal([300, -20], [5, 2], (400, 2))
    engine = vae(dataset="own-2d", data=points)
    run(engine, 150, every=150)
    assert np.abs(engine.look()["stage"][-1].xy.mean(0) - [300, -20]).max() < 5


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (dict(objective="elbo", beta=2.0), "beta"),
        (dict(dataset="moons", likelihood="bernoulli"), "likelihood"),
        (dict(dataset="moons", network="conv"), "network"),
        (dict(objective="iwae", estimator="reinforce"), "estimator"),
        (dict(objective="vq-vae", mean_pixels=True), "mean_pixels"),
        (dict(latent=0), "latent"),
        (dict(latent=65), "latent"),
        (dict(speed=1), "speed"),
    ],
    ids=str,
)
def test_what_cannot_combine_is_refused_by_name(vae, settings, named):
    with pytest.raises(ValueError, match=named):
        vae(**settings)


def test_knobs_that_may_change_while_training(vae):
    engine = vae(**SMALL)
    engine.set(beta=4.0, lr=1e-4)
    for bad in ({"latent": 3}, {"beta": float("nan")}, {"beta": -1.0}, {"speed": 2}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            engine.set(**bad)
    assert engine.config.beta == 4.0
    with pytest.raises(ValueError, match="part='d'"):
        engine.train_step("d")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_cpu_and_cuda_agree(vae, objective):
    """The same weights, examples and noise on both: the same terms."""
    cpu, cuda = vae(objective=objective, **SMALL), vae("cuda", objective=objective, **SMALL)
    cpu.train_step()
    unpack(cuda, pack(cpu))
    x, y = cpu._batch()
    eps = cpu._draws(len(x))
    first = cpu.terms(x, y, eps)
    second = cuda.terms(x.cuda(), None if y is None else y.cuda(), None if eps is None else eps.cuda())
    torch.testing.assert_close(first.recon, second.recon.cpu(), rtol=1e-4, atol=1e-3)
    run(cuda, 4)
