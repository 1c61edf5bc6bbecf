"""Every fix with every kind of game; minibatch discrimination, packing, label smoothing, instance noise against formulas of their own."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from engines.config import to_dict
from engines.gan.company import Company
from engines.gan.config import EQUILIBRIUM, equilibrium, resolve
from engines.gan.cost import cost
from engines.gan.diagnosis import diagnose
from engines.gan.model import packs
from engines.gan.objectives import OBJECTIVES as LOSSES
from engines.gan.objectives import SMOOTHED, squared_slope
from engines.loop import advance, first_look
from engines.nn.minibatch import MinibatchDiscrimination
from engines.state import pack, unpack
from tests.engines.conftest import layer

FIXES = {
    "unroll": dict(unroll=2),
    "descent": dict(unroll=2, unroll_by="descent", unroll_lr=0.02),
    "spectral": dict(spectral_norm=True),
    "minibatch": dict(minibatch_discrimination=4),
    "pack": dict(pack=2),
    "noise": dict(instance_noise=0.3),
    "smooth": dict(label_smoothing=0.1),
}
ALL = dict(unroll=1, unroll_lr=0.02, spectral_norm=True, minibatch_discrimination=3, pack=4, instance_noise=0.2)


def train(engine, steps):
    for _ in range(steps):
        engine.train_step()
    return engine


# Every fix with every kind of game


@pytest.mark.parametrize("objective", ["non-saturating", "lsgan", "wgan", "wgan-gp", "r3gan"])
@pytest.mark.parametrize("fix", [*FIXES, "all"])
def test_every_fix_trains_and_is_seen(gan, fix, objective):
    settings = FIXES.get(fix, ALL)
    if fix == "smooth" and objective not in SMOOTHED:
        pytest.skip("no labels")
    engine = gan(objective=objective, width_g=16, width_d=16, **settings)
    *_, last = advance(engine, steps=50, every=50)
    assert all(np.isfinite(v) for k, v in last.metrics.items() if k != "reverse_kl")
    heat, field, points = last.views["stage"][0], layer(last.views, "gradient"), layer(last.views, "samples")
    assert heat.lo <= heat.values.min() and heat.values.max() <= heat.hi and np.ptp(heat.values) > 0
    assert np.isfinite(field.uv).all() and np.isfinite(points.xy).all() and np.abs(field.uv).max() > 0


@pytest.mark.parametrize("fix", FIXES)
def test_every_fix_resumes_exactly_and_looking_moves_nothing(gan, fix):
    whole = train(gan(objective="non-saturating", seed=3, **FIXES[fix]), 12)
    half = train(gan(objective="non-saturating", seed=3, **FIXES[fix]), 6)
    first_look(half)
    half.backdrop()
    half.health()
    resumed = gan(objective="non-saturating", seed=3, **FIXES[fix])
    unpack(resumed, pack(half))
    assert pack(train(resumed, 6)) == pack(whole)


def test_all_fixes_together_resume_exactly(gan):
    whole, half, resumed = (gan(objective="r3gan", seed=3, **ALL) for _ in range(3))
    unpack(resumed, pack(train(half, 4)))
    assert pack(train(resumed, 4)) == pack(train(whole, 8))


@pytest.mark.parametrize("fix", FIXES)
def test_the_networks_begin_alike_with_and_without(gan, fix):
    """Same seed, same first weights wherever the shapes agree, so that runs differ by the fix alone."""
    plain, fixed = gan(objective="non-saturating"), gan(objective="non-saturating", **FIXES[fix])
    assert_close(plain.G.state_dict(), fixed.G.state_dict(), rtol=0, atol=0)
    if fix not in ("pack", "minibatch"):
        assert_close(dict(plain.D.named_parameters()), dict(fixed.D.named_parameters()), rtol=0, atol=0)


@pytest.mark.parametrize("fix", FIXES)
def test_parameters_are_counted(gan, fix):
    engine = gan(objective="non-saturating", **FIXES[fix])
    assert cost(engine.config).parameters == sum(p.numel() for net in (engine.G, engine.D) for p in net.parameters())


@pytest.mark.parametrize("fix", [*FIXES, "all"])
def test_fixes_on_images(gan, fix):
    settings = FIXES.get(fix, ALL)
    conditional = settings.get("pack", 1) == 1
    engine = gan(dataset="digits", objective="non-saturating", batch=8, conditional=conditional, channels_g=8, channels_d=8, **settings)
    before = [p.clone() for p in engine.D.parameters()]
    metrics = train(engine, 2).train_step()
    assert all(v.isfinite() for v in (*metrics.values(), *engine.health().values()))
    assert any(not torch.equal(a, b) for a, b in zip(before, engine.D.parameters(), strict=True))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"objective": "hinge", "label_smoothing": 0.1}, "label_smoothing=0.1 cannot combine with the objective hinge"),
        ({"objective": "r3gan", "label_smoothing": 0.1}, "label_smoothing=0.1 cannot combine with the objective r3gan"),
        ({"pack": 3}, "pack=3 cannot combine with batch=32"),
        ({"dataset": "digits", "pack": 2}, "pack=2 cannot combine with conditional=true"),
        ({"unroll": 11}, "unroll=11 is outside [0, 10]"),
        ({"label_smoothing": 0.6}, "label_smoothing=0.6 is outside [0, 0.5]"),
    ],
)
def test_what_cannot_combine_is_named(settings, sentence):
    with pytest.raises(ValueError) as error:
        resolve(settings)
    assert sentence in str(error.value)


def test_a_live_knob_cannot_break_the_rules(gan):
    with pytest.raises(ValueError, match="label_smoothing"):
        gan(objective="hinge").set(label_smoothing=0.1)
    for fixed in ("spectral_norm", "pack", "minibatch_discrimination"):
        with pytest.raises(ValueError, match=f"{fixed} cannot change"):
            gan().set(**{fixed: 2})


def test_the_cure_that_a_diagnosis_offers_fits_the_run():
    """A smoothed run is offered R3GAN, which has no labels to smooth."""
    config = resolve({"dataset": "ring8", "objective": "non-saturating", "label_smoothing": 0.1})
    row = {"modes_covered": 1.0, "hq_fraction": 0.9} | {f"mode_share/{i}": 0.9 * (i == 0) for i in range(8)}
    note = diagnose([{"step": step, **row} for step in range(500, 1000, 100)], config)
    assert note.kind == "collapse" and resolve(to_dict(config) | note.fix).objective == "r3gan"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("fix", [*FIXES, "all"])
def test_fixes_train_on_cuda(gan, fix):
    engine = gan("cuda", objective="non-saturating", **FIXES.get(fix, ALL))
    *_, last = advance(engine, steps=10, every=10)
    assert all(np.isfinite(v) for k, v in last.metrics.items() if k != "reverse_kl")


# Minibatch discrimination


@pytest.mark.parametrize(("dims", "times"), [(4, 1), (3, 4)])
def test_minibatch_discrimination_against_a_loop(dims, times):
    """The mean over the others; with four times that, the paper's sum over the four others of a batch of five."""
    layer = MinibatchDiscrimination(6, 3, dims, times)
    torch.nn.init.normal_(layer.T.weight, std=0.3)
    f, crowd = torch.randn(5, 6), torch.randn(4, 6)
    M, C = ((x @ layer.T.weight.T).reshape(-1, 3, dims) for x in (f, crowd))
    own, other = torch.zeros(5, 3), torch.zeros(5, 3)
    for i in range(5):
        for b in range(3):
            own[i, b] = sum(torch.exp(-(M[i, b] - M[j, b]).abs().sum()) for j in range(5) if j != i) / 4 * times
            other[i, b] = sum(torch.exp(-(M[i, b] - C[j, b]).abs().sum()) for j in range(4)) / 4 * times
    assert_close(layer(f), own)
    assert_close(layer(f, crowd), other)
    assert_close(layer(f[:1].expand(5, 6)), torch.full((5, 3), float(times)))  # all alike


def test_real_and_fake_are_compared_among_themselves(gan):
    engine = gan(objective="non-saturating", minibatch_discrimination=4)
    deal = engine._deal(keep_graph=False)
    v = engine._judge(deal, deal.fake, engine.D)
    assert_close(v.real_logits, engine.D(deal.real), rtol=0, atol=0)
    assert_close(v.fake_logits, engine.D(deal.fake), rtol=0, atol=0)


# Packing


def test_packs_lie_side_by_side():
    points, images = torch.arange(14.0).reshape(7, 2), torch.randn(7, 3, 4, 4)
    assert_close(packs(points, 3)[1], points[3:6])
    assert packs(points, 3).shape == (2, 3, 2) and packs(points, 1) is points
    assert_close(packs(images, 2)[2], torch.cat([images[4], images[5]]))


def test_d_sees_packs_of_one_kind(gan):
    engine = gan(objective="non-saturating", pack=4)
    deal = engine._deal(keep_graph=False)
    assert deal.real.shape == deal.fake.shape == (8, 4, 2)
    again = gan(objective="non-saturating")._deal(keep_graph=False)
    assert_close(deal.fake.reshape(32, 2), again.fake)
    logits = engine.D(deal.real)
    features = engine.D.features(again.real).reshape(8, -1)
    assert_close(logits, engine.D.net(features)[:, 0])


def test_the_slope_of_a_pack_is_that_of_all_its_members():
    x = torch.randn(5, 3, 2, requires_grad=True)
    w = torch.tensor([[1.0, 2.0], [0.0, 2.0], [4.0, 0.0]])
    assert_close(squared_slope((x * w).sum((1, 2)), x), torch.full((5,), 25.0))


@pytest.mark.parametrize("settings", [dict(pack=3, batch=48), dict(minibatch_discrimination=4), dict(pack=2, minibatch_discrimination=4)])
def test_one_example_among_companions(gan, settings):
    """Among one companion repeated, D(x) is D of the pack written out; the same x among real and among fake differs."""
    engine = train(gan(objective="non-saturating", **settings), 5)
    m, crowd = engine.config.pack, torch.randn(12, 2)
    x, other = torch.randn(6, 2), torch.randn(12, 2)
    D = Company(engine.D, engine.config, crowd, other)
    by_hand = [
        engine.D(torch.cat([p[None], crowd[: m - 1]])[None] if m > 1 else p[None], crowd=packs(crowd, m) if D.compares else None) for p in x
    ]
    with torch.no_grad():
        assert_close(D.among(x, crowd), torch.cat(by_hand).detach())
        assert_close(D(x), (D.among(x, crowd) + D.among(x, other)) / 2)
    assert not D.alone and Company(engine.D, gan().config, x, x).alone


# Label smoothing and instance noise


def test_smoothed_losses_against_torch():
    real, fake, bce = torch.tensor([0.3, -1.2]), torch.tensor([-0.7, 2.0]), F.binary_cross_entropy_with_logits
    target = torch.full((2,), 0.9)
    for key in ("non-saturating", "minimax", "r1"):
        assert_close(SMOOTHED[key](real, fake, 0.1), bce(real, target) + bce(fake, torch.zeros(2)))
    assert_close(SMOOTHED["lsgan"](real, fake, 0.1), 0.5 * F.mse_loss(real, target) + 0.5 * F.mse_loss(fake, torch.zeros(2)))
    for key, loss in SMOOTHED.items():
        assert_close(loss(real, fake, 0.0), LOSSES[key].d(real, fake))


@pytest.mark.parametrize("key", SMOOTHED)
def test_the_boundary_is_where_d_ends_against_a_perfect_g(key):
    """Goodfellow, 2016 (tutorial), section 4.2: the best D is (1 − s) p / (p + q), so (1 − s) / 2 when p = q."""
    value = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.SGD([value], 0.5)
    for _ in range(300):
        optimiser.zero_grad()
        SMOOTHED[key](value, value, 0.2).backward()
        optimiser.step()
    assert value.item() == pytest.approx(LOSSES[key].boundary(0.2), abs=1e-4)
    assert LOSSES[key].boundary() == LOSSES[key].threshold
    lines = equilibrium(resolve({"dataset": "ring8", "objective": key, "label_smoothing": 0.2}))
    value = torch.tensor([LOSSES[key].boundary(0.2)])
    assert SMOOTHED[key](value, value, 0.2).item() == pytest.approx(lines["d_loss"], abs=1e-6)
    assert LOSSES[key].g(value, None).item() == pytest.approx(lines["g_loss"], abs=1e-6)
    assert LOSSES["wgan"].boundary(0.2) is None
    assert all(equilibrium(resolve({"dataset": "ring8", "objective": name})) == lines for name, lines in EQUILIBRIUM.items())


def test_instance_noise_falls_to_nothing(gan):
    engine = gan(objective="non-saturating", instance_noise=0.8, steps=100)
    plain = gan(objective="non-saturating", steps=100)
    assert engine.instance_sigma() == 0.8
    a, b = engine._deal(keep_graph=True), plain._deal(keep_graph=True)
    assert a.fake.requires_grad  # G learns through it
    for noisy, clean in ((a.real, b.real), (a.fake, b.fake)):  # the same examples, with noise on top
        assert (noisy - clean).std().item() == pytest.approx(0.8, rel=0.2)
    engine.step = 75
    assert engine.instance_sigma() == pytest.approx(0.2)
    engine.step = plain.step = 130
    assert engine.instance_sigma() == 0
