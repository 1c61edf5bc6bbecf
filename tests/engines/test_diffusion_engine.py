"""The contract of a family, on diffusion models: same seed same run, looking changes nothing, every objective trains on every data set."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from engines.config import from_dict, knobs, to_dict
from engines.core import Bars, Curve, Diverged, Field, Images, Paths, Points
from engines.data import CHOICES, DATASETS
from engines.diffusion.config import GRIDS, OBJECTIVES, SAMPLERS, SCHEDULES, WEIGHTINGS, Config, cadence, cost, nfe
from engines.diffusion.presets import PRESETS, Request, resolve
from engines.diffusion.samplers import SAMPLERS as WALKS
from engines.diffusion.sampling import denoiser_of_run, sigmas_of_run, walk
from engines.loop import advance, first_look
from engines.metrics import METRICS, MODE_SHARE
from engines.registry import FAMILIES
from engines.state import pack, unpack

TOYS = [d.key for d in DATASETS.values() if d.kind == "2d"]
IMAGES = [d.key for d in DATASETS.values() if d.kind == "image"]


@pytest.fixture(scope="module")
def make():
    """settings -> a fresh engine with the recommended values of its data set."""
    family = FAMILIES["diffusion"]
    return lambda device="cpu", data=None, **settings: family.build(family.resolve(settings), device=device, data=data)


def train(engine, steps):
    for _ in range(steps):
        engine.train_step()
    return engine


def arrays(snapshot):
    yield from snapshot.metrics.values()
    for layers in snapshot.views.values():
        for view in layers:
            yield from (v for v in vars(view).values() if isinstance(v, np.ndarray))


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("dataset", TOYS)
def test_every_objective_trains_on_every_2d_data_set(make, dataset, objective):
    engine = make(dataset=dataset, objective=objective)
    before = [p.clone() for p in engine.net.parameters()]
    (snapshot,) = [s for s in advance(engine, steps=40, every=40) if s is not None]
    assert engine.step == snapshot.step == 40
    assert all(np.isfinite(v) for k, v in snapshot.metrics.items() if k != "reverse_kl")
    assert all(not torch.equal(a, b) for a, b in zip(before, engine.net.parameters(), strict=True))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_every_schedule_and_weighting_learns(make, schedule, weighting):
    """The loss on fixed noise falls."""
    engine = make(schedule=schedule, weighting=weighting, lr=3e-3)
    before = engine.evaluate()["validation_mse"]
    train(engine, 150)
    assert engine.evaluate()["validation_mse"] < 0.8 * before


@pytest.mark.parametrize("network", ["unet", "dit"])
@pytest.mark.parametrize(
    "dataset", ["digits", pytest.param("mnist", marks=pytest.mark.slow), pytest.param("emoji", marks=pytest.mark.slow)]
)
def test_images_train(make, dataset, network):
    engine = make(dataset=dataset, network=network, batch=16, width=32)
    (snapshot,) = [s for s in advance(engine, steps=6, every=6) if s is not None]
    assert all(np.isfinite(v) for v in snapshot.metrics.values())
    view = snapshot.views["stage"][0]
    assert isinstance(view, Images) and view.pixels.shape[1:] == engine.data.shape and np.abs(view.pixels).max() <= 1
    assert cost(engine.config).parameters == sum(p.numel() for p in engine.net.parameters())


@pytest.mark.parametrize("settings", [{}, {"network": "dit"}, {"space": "latent", "steps": 40, "ae_share": 0.5}], ids=str)
def test_bfloat16_rounds_products_and_keeps_the_weights(make, settings):
    """A gradient differs from that of float32 by a few times 2^-8 of its length, and by more than nothing; weights stay float32."""
    gradients = []
    for precision in ("float32", "bfloat16"):
        engine = make(dataset="digits", precision=precision, **settings)
        for _ in range(engine.config.first_steps + 5):
            engine.train_step()
        assert all(p.dtype == p.grad.dtype == torch.float32 for p in engine._weights)
        gradients.append(torch.cat([p.grad.flatten() for p in engine._weights]))
    exact, rounded = gradients
    apart = ((rounded - exact).norm() / exact.norm()).item()
    assert 1e-4 < apart < 0.1, apart


def test_own_images_have_no_classes(make):
    rng = np.random.default_rng(0)
    engine = make(dataset="own-images", data=rng.uniform(-1, 1, (20, 3, 16, 16)).astype(np.float32), batch=8)
    train(engine, 2)
    assert engine.look()["stage"][0].label is None and "pixel_sliced_w1" in engine.evaluate()


@pytest.mark.parametrize("settings", [{}, {"objective": "eps", "schedule": "linear"}, {"dataset": "digits"}], ids=str)
def test_resumed_is_bit_for_bit_the_same_run(make, settings):
    whole = train(make(seed=1, **settings), 12)
    resumed = make(seed=1, **settings)
    unpack(resumed, pack(train(make(seed=1, **settings), 6)))
    assert resumed.step == 6
    assert pack(train(resumed, 6)) == pack(whole)


def test_looking_evaluating_and_sampling_change_nothing(make):
    for settings in ({"sampler": "ddpm"}, {"dataset": "digits", "num_steps": 3}):
        quiet, watched = make(seed=5, **settings), make(seed=5, **settings)
        for _ in range(3):
            quiet.train_step()
            watched.train_step()
            seen = [list(arrays(first_look(watched))) for _ in range(2)]
            for a, b in zip(*seen, strict=True):
                np.testing.assert_array_equal(a, b)
            watched.backdrop()
            watched.health()
            list(watched.sample(Request(n=5)))
        assert pack(quiet) == pack(watched)


def test_the_global_stream_is_neither_read_nor_moved(make):
    before = torch.get_rng_state()
    for settings in ({}, {"dataset": "digits", "num_steps": 2}):
        first_look(train(make(**settings), 2))
    assert torch.equal(before, torch.get_rng_state())


def test_views_and_metrics_are_what_the_page_expects(make):
    engine = make()
    (snapshot,) = [s for s in advance(engine, steps=5, every=5) if s is not None]
    arrows, paths, points = snapshot.views["stage"]
    assert isinstance(arrows, Field) and arrows.name == "score" and arrows.xy.shape == arrows.uv.shape == (196, 2)
    assert isinstance(paths, Paths) and paths.xy.shape == (24, 11, 2) and paths.xy.dtype == np.float32
    assert isinstance(points, Points) and points.xy.shape == (300, 2)
    np.testing.assert_allclose(paths.xy[:, -1], points.xy[:24], atol=1e-5)
    assert isinstance(snapshot.views["modes"][0], Bars)
    assert all(isinstance(snapshot.views[name][0], Curve) for name in ("loss_by_noise", "score_cosine"))
    assert not {name for name in snapshot.metrics if name not in METRICS and not name.startswith(MODE_SHARE)}
    backdrop = engine.backdrop()
    assert [v.name for v in backdrop.views["stage"]] == ["data", "modes", "exact score"]
    of_modes = {"modes_covered", "wide_modes", "share_kl", "hq_fraction", "reverse_kl"}
    assert {name.split("/")[0] for name in backdrop.metrics} == of_modes | {"sliced_w1", "validation_mse"}
    assert backdrop.views["loss_by_noise"][0].role == "exact"


def test_own_points_have_no_exact_curves(make):
    engine = make(dataset="own-2d", data=np.random.default_rng(0).normal(size=(60, 2)))
    train(engine, 3)
    assert "validation_mse" not in engine.backdrop().metrics and "score_cosine" not in engine.look()
    assert np.isfinite(engine.evaluate()["sliced_w1"])


def test_no_network_beats_the_best_possible_loss(make):
    """And the exact denoiser, in the network's place, reaches it: the floor is that of the same examples, noise and levels."""
    for objective in OBJECTIVES:
        engine = make(dataset="moons", objective=objective, seed=2)
        floor = engine.backdrop().metrics["validation_mse"]
        assert train(engine, 60).evaluate()["validation_mse"] > floor
        x0, eps, sigma = engine.probe.validate
        x = x0 + sigma[:, None] * eps
        c = engine.parameterisation.coefficients(sigma[:, None])
        best = (engine.probe.exact(x, sigma) - c.c_skip * x) / c.c_out
        loss = (best - engine.parameterisation.target(x0, eps, sigma[:, None])).square().mean()
        assert float(loss) == pytest.approx(floor, rel=1e-4)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_draws_from_a_trained_network(ring, sampler):
    """One network, every sampler: all modes."""
    engine = ring
    before = engine.config
    engine.config = replace(before, sampler=sampler, num_steps=60)
    report = engine.evaluate()
    engine.config = before
    assert report["modes_covered"] == 8 and report["hq_fraction"] > 0.6
    assert report["nfe"] == nfe(sampler, 60)


@pytest.fixture(scope="module")
def ring(make):
    return train(make(steps=800), 800)


def test_a_short_run_beats_what_it_started_from(ring):
    """800 steps of the torch engine, the averaged and the raw weights."""
    report = ring.evaluate()
    assert report["modes_covered"] == 8 and report["score_cosine"] > 0.9
    (raw,), (averaged,) = (list(ring.sample(Request(n=50, ema=ema))) for ema in (False, True))
    assert not np.array_equal(raw.views["samples"][0].xy, averaged.views["samples"][0].xy)
    (again,) = ring.sample(Request(n=50))
    np.testing.assert_array_equal(averaged.views["samples"][0].xy, again.views["samples"][0].xy)


def test_the_evaluations_are_counted(ring):
    """`nfe` against a denoiser that counts its calls."""
    for sampler in SAMPLERS:
        config, calls = replace(ring.config, sampler=sampler, num_steps=7), []

        def denoise(x, sigma, calls=calls):
            calls.append(1)
            return 0 * x

        list(walk(denoise, config, torch.zeros(2, 2), torch.randn_like))
        assert len(calls) == nfe(sampler, 7)


def test_guidance_of_one_is_off_and_of_zero_forgets_the_class(make):
    engine = train(make(dataset="digits"), 3)
    for p in engine.ema.net.parameters():  # a network that is zero has nothing to guide
        p.add_(0.05 * torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel())))
    x, y = torch.randn((4, 1, 8, 8), generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 3])
    off, none, two = (denoiser_of_run(engine, y, config=replace(engine.config, cfg_scale=w))(x, 1.0) for w in (1.0, 0.0, 2.0))
    plain = denoiser_of_run(engine)(x, 1.0)
    assert_close(none, plain)
    assert not torch.allclose(off, plain)
    assert_close(two, plain + 2 * (off - plain), rtol=1e-4, atol=1e-5)


def test_classifier_guidance_moves_along_the_classifiers_slope(make):
    """By finite differences: log p(y) rises along D_guided − D."""
    engine = train(make(dataset="digits", conditional=False), 2)
    from engines.diffusion.sampling import judge_logits

    x, y = torch.randn((3, 1, 8, 8), generator=torch.Generator().manual_seed(0)), torch.tensor([3, 1, 4])
    plain = denoiser_of_run(engine)
    moved = denoiser_of_run(engine, y, config=replace(engine.config, classifier_scale=1.0))(x, 0.5) - plain(x, 0.5)
    log_p = lambda x: judge_logits(engine)(plain(x, 0.5)).log_softmax(1).gather(1, y[:, None])[:, 0]  # noqa: E731
    with torch.no_grad():
        slope = (log_p(x + 1e-3 * moved) - log_p(x - 1e-3 * moved)) / 2e-3
    assert_close(slope, moved.flatten(1).square().sum(1) / 0.5**2, rtol=0.05, atol=1e-4)


@pytest.mark.parametrize("grid", GRIDS)
def test_grids_fall_to_zero(grid):
    config = resolve({"grid": grid, "num_steps": 9})
    sigmas = sigmas_of_run(config, torch.device("cpu"))
    assert len(sigmas) == 10 and sigmas[-1] == 0 and bool((sigmas.diff() < 0).all())


def test_live_knobs(make):
    engine = make()
    engine.set(num_steps=5, sampler="ddpm", lr=1e-3)
    assert (engine.config.num_steps, engine.config.sampler) == (5, "ddpm")
    with pytest.raises(ValueError, match="objective cannot change while training"):
        engine.set(objective="eps")
    with pytest.raises(ValueError, match="part='d' cannot be updated alone"):
        engine.train_step("d")


def test_a_lost_run_is_noticed(make):
    engine = make(lr=0.1, lr_decay=False)
    with torch.no_grad():
        engine.net.net.layers[0].weight.fill_(float("nan"))
    with pytest.raises(Diverged, match="the loss is not a number"):
        list(advance(engine, steps=5, every=5))


BAD = [
    ({"num_steps": 0}, "num_steps=0 is outside [1, 1000]"),
    ({"cfg_scale": 2.0}, "cfg_scale=2 is outside [1, 1] unless conditional=true"),
    ({"conditional": True}, "conditional=true cannot combine with points"),
    ({"dataset": "digits", "network": "dit", "width": 20}, "width=20 cannot combine with network=dit"),
    ({"sampler": "magic"}, "sampler=magic is not one of heun"),
    ({"speed": 1}, "speed is not a knob"),
]


@pytest.mark.parametrize(("settings", "sentence"), BAD, ids=str)
def test_bad_values_are_named(settings, sentence):
    with pytest.raises(ValueError) as error:
        resolve(settings)
    assert sentence in str(error.value)


@pytest.mark.parametrize("dataset", [key for key in CHOICES if key in DATASETS])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_recommendation_is_valid(dataset, schedule):
    config = resolve({"dataset": dataset, "schedule": schedule})
    assert from_dict(Config, to_dict(config)) == config
    assert min(cadence(config)) >= 1 and cost(config).flop_per_step > 0 and cost(config).bytes > 0


def test_every_preset_and_knob_is_valid():
    for preset in PRESETS.values():
        resolve(preset.settings)
    for cls in (Config, Request):
        for k in knobs(cls).values():
            assert k.title and (k.choices or k.type in (bool, str) or k.lo < k.hi)
    assert SAMPLERS.keys() == WALKS.keys()


def test_images_in_pixels_walk_down_the_grid_of_karras_and_latents_down_even_times():
    pixels, latents = resolve({"dataset": "mnist"}), resolve({"dataset": "mnist", "space": "latent"})
    assert (pixels.grid, pixels.num_steps, pixels.sigma_min, pixels.sigma_max, pixels.rho) == ("edm", 14, 0.05, 80.0, 7.0)
    assert (latents.grid, latents.num_steps, latents.sigma_max) == ("flow", 5, 1_000.0)
    assert resolve({"dataset": "mnist", "schedule": "cosine"}).grid == "timesteps" and resolve({}).sigma_max == 10
