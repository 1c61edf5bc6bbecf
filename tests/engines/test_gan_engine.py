"""The contract of a family, on GANs: same seed same run, looking changes nothing, every objective trains on every data set."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from engines.core import Bars, Diverged, Field, Heat, Images, Points
from engines.data import DATASETS
from engines.gan.config import OBJECTIVES, Request
from engines.loop import advance, first_look
from engines.metrics import METRICS, MODE_SHARE
from engines.state import pack
from tests.engines.conftest import layer

TOYS = [d.key for d in DATASETS.values() if d.kind == "2d"]
IMAGES = [d.key for d in DATASETS.values() if d.kind == "image"]


def run(engine, steps, **cadence):
    return [s for s in advance(engine, steps=steps, **{"every": 10, **cadence}) if s is not None]


def arrays(snapshots):
    """Every array and number in the snapshots, in order."""
    for s in snapshots:
        yield from s.metrics.values()
        for layers in s.views.values():
            for view in layers:
                yield from (v for v in vars(view).values() if isinstance(v, np.ndarray))


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("dataset", TOYS)
def test_every_objective_trains_on_every_2d_data_set(gan, dataset, objective):
    engine = gan(dataset=dataset, objective=objective)
    weights = [p for net in (engine.G, engine.D) for p in net.parameters() if p.dim() > 1]  # a critic's last bias has no gradient
    before = [p.clone() for p in weights]
    (snapshot,) = run(engine, 50, every=50)
    assert engine.step == snapshot.step == 50
    assert all(np.isfinite(v) for k, v in snapshot.metrics.items() if k != "reverse_kl")
    assert all(not torch.equal(a, b) for a, b in zip(before, weights, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("dataset", IMAGES)
def test_every_objective_trains_on_every_image_data_set(gan, dataset, objective):
    pytest.importorskip("engines.gan.convnets")
    engine = gan(dataset=dataset, objective=objective, batch=16)
    snapshots = list(advance(engine, steps=50, every=50))
    assert all(np.isfinite(v) for v in snapshots[-1].metrics.values())


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_same_seed_same_run(gan, objective):
    first, second = (list(arrays(run(gan(objective=objective, seed=3), 30))) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_another_seed_another_run(gan):
    a, b = (gan(seed=s) for s in (1, 2))
    assert not torch.equal(a.G.net.layers[0].weight, b.G.net.layers[0].weight)


def test_the_global_stream_is_neither_read_nor_moved(gan):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = list(arrays(run(gan(objective="wgan-gp", seed=3), 20)))
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(1)
    for a, b in zip(first, arrays(run(gan(objective="wgan-gp", seed=3), 20)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_map_is_what_d_says_whatever_it_reads(gan):
    """Features that are kept for the map are those of in_scale · x."""
    engine = gan(objective="non-saturating", fourier=0, in_scale=3.0)
    x = engine.probe.grid
    np.testing.assert_allclose(engine.look()["stage"][0].values.ravel(), torch.sigmoid(engine.D(x)).detach().numpy(), rtol=1e-4, atol=1e-6)


def test_looking_evaluating_and_sampling_change_nothing(gan):
    quiet, watched = gan(seed=5), gan(seed=5)
    for _ in range(15):
        quiet.train_step()
        watched.train_step()
        first_look(watched)
        watched.backdrop()
        watched.health()
        list(watched.sample(Request(n=16)))
    assert pack(quiet) == pack(watched)


def test_views_and_metrics_are_what_the_page_expects(gan):
    engine = gan(dataset="ring8", objective="non-saturating")
    (snapshot,) = run(engine, 5, every=5)
    heat, _, _, field, points = snapshot.views["stage"]  # between them the best D and the grid, see test_gan_layers
    assert isinstance(heat, Heat) and heat.values.shape == (48, 68) and heat.contour == 0.5 and heat.name == "D(x)"
    assert heat.lo <= heat.values.min() and heat.values.max() <= heat.hi
    assert isinstance(field, Field) and field.xy.shape == field.uv.shape == (64, 2) and field.name == "gradient"
    assert isinstance(points, Points) and points.xy.shape == (300, 2) and points.role == "model"
    (bars,) = snapshot.views["modes"]
    assert isinstance(bars, Bars) and bars.values.shape == (8,) and len(bars.labels) == 8 and bars.fair == 1 / 8
    unknown = {name for name in snapshot.metrics if name not in METRICS and not name.startswith(MODE_SHARE)}
    assert not unknown
    backdrop = engine.backdrop()
    assert backdrop.step == 0 and backdrop.views["stage"][0].role == "data"
    of_modes = {"modes_covered", "wide_modes", "share_kl", "hq_fraction", "reverse_kl"}
    assert {name.split("/")[0] for name in backdrop.metrics} == of_modes | {"sliced_w1", "d_loss", "g_loss", "unit"}


@pytest.mark.parametrize("dataset", ["ring8", "grid25"])
def test_sentence_bars_and_stage_come_from_one_set_of_samples(gan, dataset):
    """At every look, evaluated or not, the shares in the row are the bars, and the stage shows the first of the samples counted."""
    looks = run(gan(dataset=dataset, objective="r3gan"), 60, every=10, evaluate_every=3)
    assert len(looks) == 6 and sum("sliced_w1" in s.metrics for s in looks) in (2, 3)
    for s in looks:
        (bars,) = s.views["modes"]
        shares = [s.metrics[f"{MODE_SHARE}{i}"] for i in range(len(bars.values))]
        np.testing.assert_array_equal(bars.values, np.array(shares, np.float32))
        assert s.metrics["modes_covered"] == (np.array(shares) >= 0.2 / len(shares)).sum()
    engine = gan(dataset=dataset)
    np.testing.assert_array_equal(layer(engine.look(), "samples").xy, engine.probe._samples(engine)[:300])


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_maps_stay_in_their_range(gan, objective):
    engine = gan(objective=objective)
    run(engine, 40)
    heat = engine.look()["stage"][0]
    assert heat.lo <= heat.values.min() and heat.values.max() <= heat.hi
    assert (heat.contour is None) == (heat.name == "critic") == (objective in ("wgan", "wgan-gp", "r3gan"))
    if objective == "r3gan":  # only differences count: 0 is a typical example, in the middle of the colours
        assert heat.lo == -heat.hi


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_arrows_point_to_where_g_would_move_the_samples(gan, objective):
    """Moving the samples a little along the arrows lowers G's loss on them."""
    engine = gan(objective=objective, fourier=0)
    run(engine, 60)
    field = layer(engine.look(), "gradient")
    from engines.gan.objectives import OBJECTIVES as LOSSES

    def loss(xy):
        x = torch.from_numpy(xy / engine.data.scale).float()
        with torch.no_grad():
            return LOSSES[objective].g(engine.D(x), engine.D(engine.probe.real)).item()

    assert loss(field.xy + 1e-3 * field.uv / np.abs(field.uv).max()) < loss(field.xy)


def test_snapshots_hold_no_tensors(gan):
    for dataset in ("ring8", "moons"):
        engine = gan(dataset=dataset)
        for s in (*run(engine, 10), engine.backdrop(), *engine.sample(Request(n=4))):
            assert all(type(v) is float for v in s.metrics.values())
            for layers in s.views.values():
                for view in layers:
                    assert not any(isinstance(v, torch.Tensor) for v in vars(view).values())


def test_samples_are_in_data_units(gan):
    """An untrained G at the grid: its samples times the scale, as the views show them."""
    engine = gan(dataset="grid25")
    (snapshot,) = engine.sample(Request(n=500, seed=2))
    (points,) = snapshot.views["samples"]
    assert points.xy.shape == (500, 2) and points.xy.dtype == np.float32
    (again,) = engine.sample(Request(n=500, seed=2))
    np.testing.assert_array_equal(points.xy, again.views["samples"][0].xy)
    (other,) = engine.sample(Request(n=500, seed=3))
    assert not np.array_equal(points.xy, other.views["samples"][0].xy)


def test_raw_and_averaged_weights_differ(gan):
    engine = gan()
    run(engine, 30)
    averaged, raw = (next(iter(engine.sample(Request(n=8, ema=ema)))).views["samples"][0].xy for ema in (True, False))
    assert not np.allclose(averaged, raw)


def test_own_points_come_back_in_their_own_units(gan):
    points = np.random.default_rng(0).normal([300, -20], [5, 2], (400, 2))
    engine = gan(dataset="own-2d", data=points)
    run(engine, 20)
    look = engine.look()
    assert np.abs(layer(look, "samples").xy.mean(0) - [300, -20]).max() < 30 and "modes" not in look
    assert "sliced_w1" in engine.evaluate()


def test_one_player_at_a_time(gan):
    engine = gan()
    state = {name: [p.clone() for p in getattr(engine, name).parameters()] for name in "GD"}

    def moved(name):
        now = list(getattr(engine, name).parameters())
        result = any(not torch.equal(a, b) for a, b in zip(state[name], now, strict=True))
        state[name] = [p.clone() for p in now]
        return result

    assert engine.train_step("d").keys() >= {"d_loss", "d_accuracy"} and moved("D") and not moved("G")
    assert engine.train_step("g").keys() == {"g_loss", "g_grad_norm"} and moved("G") and not moved("D")
    assert engine.step == 0
    engine.train_step()
    assert engine.step == 1 and moved("G") and moved("D")
    with pytest.raises(ValueError, match="part='x'"):
        engine.train_step("x")


def test_n_critic_steps_of_d(gan):
    engine = gan(n_critic=3)
    engine.train_step()
    steps = {name: int(next(iter(getattr(engine, name).state.values()))["step"]) for name in ("opt_g", "opt_d")}
    assert steps == {"opt_g": 1, "opt_d": 3}


def test_knobs_that_may_change_while_training(gan):
    engine = gan()
    engine.set(lr_g=1e-4, r1=0.5)
    engine.train_step()
    assert engine.opt_g.param_groups[0]["lr"] == 1e-4 and engine.config.r1 == 0.5
    for bad in ({"batch": 64}, {"lr_g": float("nan")}, {"speed": 1}, {"r1": -1.0}, {"lr_d": 1e9}, {"r1": 0.0}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            engine.set(**bad)
    assert engine.config.batch == 32


def test_rates_fall_in_the_second_half(gan):
    engine = gan(steps=100, lr_g=1e-3)
    seen = []
    for _ in range(120):
        engine.train_step()
        seen.append(engine.opt_g.param_groups[0]["lr"])
    np.testing.assert_allclose(seen[:51], 1e-3)
    np.testing.assert_allclose(seen[75], 0.5e-3)
    np.testing.assert_allclose(seen[100:], 0.02e-3)


def test_weights_stay_clipped(gan):
    engine = gan(objective="wgan", clip=0.05)
    run(engine, 20)
    assert max(p.abs().max().item() for p in engine.D.parameters()) <= 0.05 + 1e-7


def test_lazy_penalties_weigh_as_much_in_total(gan):
    """Every fourth step, four times the weight: the first step sees four times the penalty, the next none."""
    often, seldom = gan(penalty_every=1), gan(penalty_every=4)
    a, b = often.train_step(), seldom.train_step()
    assert_close(4 * a["penalty"], b["penalty"])
    assert "penalty" in often.train_step() and "penalty" not in seldom.train_step()


def test_fused_adam_agrees_with_the_plain_one(gan):
    """The fused Adam of torch 2.13 goes wrong on CPU with gradients in another layout; those of backward() are safe."""
    engine = gan(objective="r3gan")
    plain = torch.optim.Adam([p.detach().clone().requires_grad_() for p in engine.D.parameters()], engine.config.lr_d, (0.5, 0.999))
    for _ in range(5):
        engine.train_step("d")
        for mine, its in zip(plain.param_groups[0]["params"], engine.D.parameters(), strict=True):
            mine.grad = its.grad.clone()
        plain.step()
    for mine, its in zip(plain.param_groups[0]["params"], engine.D.parameters(), strict=True):
        assert_close(mine, its)


@pytest.mark.parametrize("lr", [1.0])
def test_a_hopeless_rate_diverges_and_says_what(gan, lr):
    engine = gan(objective="non-saturating", lr_g=lr, lr_d=lr, lr_decay=False, steps=5000)
    with pytest.raises(Diverged) as error:
        run(engine, 5000)
    assert error.value.quantity and f"at step {error.value.step:,}" in str(error.value)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_cpu_and_cuda_agree(gan, objective):
    """The same weights, examples and noise on both: the same losses and the same update."""
    from engines.gan.engine import Deal
    from engines.state import unpack

    cpu, cuda = gan(objective=objective, gp=0.0 if objective != "wgan-gp" else 0.1), gan("cuda", objective=objective)
    cuda.set(gp=cpu.config.gp)
    cpu.train_step()
    unpack(cuda, pack(cpu))
    deal = cpu._deal(keep_graph=True)
    same = Deal(deal.real.cuda(), deal.fake.detach().cuda(), None)
    first, second = cpu._train_d(deal), cuda._train_d(same)
    if objective != "wgan-gp":  # its random places differ
        assert_close(first["d_loss"], second["d_loss"].cpu(), rtol=1e-4, atol=1e-5)
        assert_close(first["d_grad_norm"], second["d_grad_norm"].cpu(), rtol=1e-3, atol=1e-5)
    (snapshot,) = run(cuda, 10)
    assert isinstance(layer(snapshot.views, "samples").xy, np.ndarray) and cuda.step == 11


@pytest.mark.slow
@pytest.mark.parametrize("key", ["digits"])
def test_images_are_seen_as_images(gan, key):
    pytest.importorskip("engines.gan.probe_images")
    engine = gan(dataset=key, batch=16)
    run(engine, 2, every=2)
    assert isinstance(engine.look()["stage"][0], Images)
