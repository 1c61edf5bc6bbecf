"""The compiled twin against the torch engine, step by step: the same weights, examples and noise give the same update."""

import numpy as np
import pytest
import torch

pytest.importorskip("numba")

from engines.gan.config import OBJECTIVES, resolve
from engines.gan.engine import Deal, GanEngine
from engines.gan.fused import FusedGan
from engines.gan.objectives import OBJECTIVES as LOSSES
from engines.loop import advance
from engines.state import pack, unpack

SHAPES = {
    "default": {},
    "no Fourier": {"fourier": 0},
    "shallow": {"depth_g": 1, "depth_d": 1, "width_g": 5, "width_d": 9},
    "deep": {"depth_g": 4, "depth_d": 3, "width_g": 13, "width_d": 22, "fourier": 6},
    "odd batch": {"batch": 41, "noise_dim": 7, "noise": "normal"},
    "many examples": {"batch": 200, "width_g": 64, "width_d": 48},
}
PENALTIES = {
    "none": {"r1": 0.0, "r2": 0.0},
    "R1": {"r1": 0.3, "r2": 0.0},
    "R1 and R2": {"r1": 0.3, "r2": 0.7},
    "R2": {"r1": 0.0, "r2": 0.2},
}
NEEDS = {"r1": {"r1": 0.2}, "r3gan": {"r1": 0.2}, "wgan-gp": {"gp": 0.5}, "wgan": {"clip": 0.3}}


def pair(**settings):
    """A torch engine and a fused one with the same networks: the same seed draws the same weights."""
    config = resolve(settings)
    return GanEngine(config), FusedGan(config)


def hand(config, seed=0):
    rng = np.random.default_rng(seed)
    n = config.batch
    real = rng.normal(size=(n, 2)).astype(np.float32)
    z = rng.uniform(-1, 1, (n, config.noise_dim)).astype(np.float32)
    mix = torch.rand([n, 1], generator=torch.Generator().manual_seed(seed))[:, 0].numpy()
    return real, z, mix


def play(engine, real, z, mix, seed=0, d=True, g=True):
    """One torch step, or half of one, with the given examples, noise and mixing weights."""
    engine._set_rates()
    metrics, deal = {}, Deal(torch.from_numpy(real), engine.G(torch.from_numpy(z)), None)
    for _ in range(engine.config.n_critic if d else 0):
        engine.rng["penalty"].manual_seed(seed)
        metrics |= engine._train_d(deal)
    if g:
        metrics |= engine._train_g(deal)
    engine.step += d and g
    return {name: float(value) for name, value in metrics.items()}


def play_fused(engine, real, z, mix, d=True, g=True):
    engine._deal_given(real, z, mix)
    (row,) = engine._run(1, dealt=True, d=d, g=g)
    engine.step += d and g
    return row


def check_metrics(expected, row):
    names = ("d_loss", "g_loss", "d_grad_norm", "g_grad_norm", "d_accuracy", "penalty")
    got = {name: float(value) for name, value in zip(names, row, strict=False) if name in expected}
    assert "d_loss" not in expected or (row[6] > 0) == ("penalty" in expected)
    for name, value in expected.items():
        np.testing.assert_allclose(got[name], value, rtol=2e-5, atol=2e-6, err_msg=name)


def check_moments(one, other, tolerance, names=("opt_g", "opt_d")):
    """Adam's moments of a whole network: mean gradients, and their squares, whose relative errors are twice as large."""
    for name in names:
        a, b = (engine.parts[name].state_dict()["state"] for engine in (one, other))
        assert [float(a[i]["step"]) for i in a] == [float(b[i]["step"]) for i in b]
        for moment, times in (("exp_avg", 1), ("exp_avg_sq", 2)):
            x, y = (torch.cat([s[i][moment].reshape(-1) for i in sorted(s)]).double() for s in (a, b))
            assert (x - y).norm() <= times * tolerance * x.norm(), (name, moment)


def check_weights(one, other, tolerance, names=("G", "D", "ema")):
    """Whole networks, by their norms. Only differences of logits count for some losses: the gradient of D's last bias is then 0, its
    rounding errors decide where Adam moves it, and it is left out."""
    for name in names:
        a, b = (engine.parts[name].state_dict() for engine in (one, other))
        last = max(key for key in a if key.endswith("bias"))
        free = name == "D" and LOSSES[one.config.objective].threshold is None and tolerance > 0
        x, y = (torch.cat([s[key].reshape(-1) for key in sorted(s) if not (free and key == last)]).double() for s in (a, b))
        assert (x - y).norm() <= tolerance * x.norm(), name


def warmed(steps=8, **settings):
    """Both twins after some steps of the torch engine: Adam's first step is the sign of the gradient whatever its size, and where
    that is next to 0 the sign is open."""
    torch_engine, fused_engine = pair(**settings)
    for _ in range(steps):
        torch_engine.train_step()
    unpack(fused_engine, pack(torch_engine))
    return torch_engine, fused_engine


def compare_one_step(**settings):
    """D alone, then G alone from the same weights; then both in turn, where Adam has blown up what rounding left of gradients of 0."""
    torch_engine, fused_engine = warmed(**settings)
    given, start = hand(torch_engine.config), pack(torch_engine)
    check_metrics(play(torch_engine, *given, g=False), play_fused(fused_engine, *given, g=False))
    check_moments(torch_engine, fused_engine, 1e-5, ["opt_d"])
    check_weights(torch_engine, fused_engine, 5e-5, ["D"])
    unpack(fused_engine, pack(torch_engine))
    check_metrics(play(torch_engine, *given, d=False), play_fused(fused_engine, *given, d=False))
    check_moments(torch_engine, fused_engine, 1e-5, ["opt_g"])
    check_weights(torch_engine, fused_engine, 5e-5, ["G", "ema"])
    for engine in (torch_engine, fused_engine):
        unpack(engine, start)
    expected, row = play(torch_engine, *given), play_fused(fused_engine, *given)
    np.testing.assert_allclose(row[:2], [expected["d_loss"], expected["g_loss"]], atol=0.01)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_one_step_with_every_loss(objective, penalty):
    compare_one_step(objective=objective, **(PENALTIES[penalty] | NEEDS.get(objective, {})))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("objective", ["r3gan", "wgan-gp"])
def test_one_step_with_every_shape(objective, shape):
    compare_one_step(objective=objective, **SHAPES[shape])


@pytest.mark.parametrize("objective", ["r3gan", "wgan-gp", "lsgan"])
def test_several_critic_steps(objective):
    compare_one_step(objective=objective, n_critic=2, r1=0.1, r2=0.1)


def test_all_penalties_at_once():
    compare_one_step(objective="non-saturating", r1=0.2, r2=0.3, gp=0.4, clip=0.5, penalty_every=4)
    compare_one_step(objective="non-saturating", r2=0.3, gp=0.4)
    compare_one_step(objective="non-saturating", r1=0.3, gp=0.4)


@pytest.mark.parametrize("objective", ["non-saturating", "lsgan", "minimax"])
def test_twenty_steps_of_adam_average_and_decay(objective):
    """20 steps in the falling half of the rates."""
    settings = {"objective": objective, "steps": 30, "penalty_every": 3, "r1": 0.1, "r2": 0.1, "lr_g": 1e-3, "lr_d": 2e-3, "n_critic": 2}
    torch_engine, fused_engine = warmed(**settings)
    for k in range(20):
        given = hand(torch_engine.config, k)
        expected, row = play(torch_engine, *given, seed=k), play_fused(fused_engine, *given)
        np.testing.assert_allclose(row[:2], [expected["d_loss"], expected["g_loss"]], rtol=1e-4)
    check_weights(torch_engine, fused_engine, 1e-4)
    check_moments(torch_engine, fused_engine, 1e-3)


@pytest.mark.parametrize("settings", [{"fourier": 0}, {"width_g": 7, "depth_d": 3}, {"objective": "wgan-gp"}], ids=str)
def test_checkpoints_move_between_the_twins(settings):
    torch_engine, fused_engine = warmed(5, seed=3, **settings)
    assert fused_engine.step == 5
    check_weights(torch_engine, fused_engine, 0.0)
    check_moments(torch_engine, fused_engine, 0.0)
    fused_engine.train_steps(5)
    back = GanEngine(torch_engine.config)
    unpack(back, pack(fused_engine))
    assert back.step == 10
    check_weights(back, fused_engine, 0.0)
    check_moments(back, fused_engine, 0.0)
    given = hand(back.config)
    check_metrics(play(back, *given, g=False), play_fused(fused_engine, *given, g=False))
    # the same bytes, the same future
    again = FusedGan(torch_engine.config)
    unpack(again, pack(torch_engine))
    again.train_steps(3)
    one = pack(again)
    unpack(again, pack(torch_engine))
    again.train_steps(3)
    assert pack(again) == one


@pytest.mark.slow
def test_the_twins_reach_the_same():
    """Ring of 8, three seeds each, half the usual steps: modes and quality alike."""
    reached = {}
    for twin in (GanEngine, FusedGan):
        reports = []
        for seed in range(3):
            engine = twin(resolve({"steps": 7_000, "seed": 50 + seed}))
            list(advance(engine, steps=7_000, every=7_000))
            reports.append(engine.evaluate())
        reached[twin] = [np.mean([r[name] for r in reports]) for name in ("modes_covered", "hq_fraction")]
    (modes, quality), (fused_modes, fused_quality) = reached.values()
    assert abs(modes - fused_modes) <= 0.8 and abs(quality - fused_quality) < 0.08
