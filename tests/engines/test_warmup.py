"""The warm start of G: its two terms against torch's distributions, and the run around it. An encoder lives only as long as it lasts."""

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.testing import assert_close

from engines import metrics
from engines.gan.config import resolve
from engines.gan.cost import cost
from engines.gan.diagnosis import diagnose
from engines.gan.warmup import RAMP, Encoder, WarmUp, kl_to_noise, ramp, reconstruction
from engines.loop import advance, first_look
from engines.nn.init import reset
from engines.state import pack, unpack

STEPS = 6
SMALL = dict(dataset="digits", batch=16, channels_g=8, channels_d=8, seed=3)


@pytest.fixture
def warm(gan):
    """settings -> a small engine whose G has a warm start of STEPS steps."""
    return lambda **settings: gan(**{**SMALL, "warm_start": STEPS, **settings})


def train(engine, steps):
    for _ in range(steps):
        engine.train_step()
    return engine


def weights(net):
    return [p.detach().clone() for p in net.parameters()]


def same(before, net):
    return all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


# The two terms of the bound


def test_kl_against_torch():
    generator = torch.Generator().manual_seed(0)
    mean, logvar = (torch.randn(5, 7, generator=generator, dtype=torch.float64) for _ in range(2))
    prior = Normal(torch.zeros(5, 7, dtype=torch.float64), torch.ones(5, 7, dtype=torch.float64))
    assert_close(kl_to_noise(mean, logvar), kl_divergence(Normal(mean, (logvar / 2).exp()), prior).sum(1))
    assert_close(kl_to_noise(torch.ones(2, 4), torch.zeros(2, 4)), torch.full((2,), 2.0))  # ½ for each of four numbers
    assert_close(kl_to_noise(torch.zeros(2, 4), torch.zeros(2, 4)), torch.zeros(2))


def test_reconstruction_against_torch():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(4, 1, 8, 8, generator=generator, dtype=torch.float64)
    black_or_white = torch.randint(0, 2, logits.shape, generator=generator).double()
    want = -Bernoulli(logits=logits).log_prob(black_or_white).sum((1, 2, 3))
    assert_close(reconstruction(logits, 2 * black_or_white - 1), want)


def test_reconstruction_of_grey_is_least_at_that_grey():
    """A quarter grey on 64 pixels: 64 times the entropy of ¼, which no other prediction reaches."""
    x = torch.full((1, 1, 8, 8), 2 * 0.25 - 1)
    least = -64 * (0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    scores = [reconstruction(torch.full_like(x, float(np.log(p / (1 - p)))), x).item() for p in (0.2, 0.25, 0.3)]
    assert scores[1] == pytest.approx(least, rel=1e-6) and scores[1] == min(scores)


def test_logits_are_what_g_draws(warm):
    """tanh(l / 2) = 2 sigmoid(l) − 1: the grey value that the warm start asks for is the pixel that the game shows."""
    G = warm().G.eval()
    z, y = torch.randn(4, 32, generator=torch.Generator().manual_seed(0)), torch.arange(4)
    assert_close((G(z, y) + 1) / 2, torch.sigmoid(G.logits(z, y)))


def test_gradients_reach_every_weight_of_both(warm):
    engine = warm()
    engine.train_step()
    for net in (engine.parts["encoder"], engine.G):
        for name, weight in net.named_parameters():
            assert weight.grad.isfinite().all() and weight.grad.abs().max() > 0, name


def test_a_huge_variance_stays_finite():
    encoder = reset(Encoder(4, 3), torch.Generator().manual_seed(0))
    mean, logvar = encoder(torch.full((2, 1, 2, 2), 1e6))
    assert kl_to_noise(mean, logvar).isfinite().all() and logvar.exp().max() < 55


def test_a_step_lowers_the_bound_it_reports(warm):
    """Many steps on one batch: both terms are those of the formula, and their sum falls."""
    engine = warm()
    x, y = engine._draw()
    warm_up = WarmUp(engine.G, engine.config, x[0].numel(), engine.device)
    seen = [warm_up.train_step(x, y, 0.0, torch.Generator().manual_seed(1)) for _ in range(60)]
    bounds = [float(m[metrics.RECON] + m[metrics.KL]) for m in seen]
    assert bounds[0] == pytest.approx(64 * np.log(2), rel=0.1)  # at first every pixel is as likely white as black
    assert bounds[-1] < 0.75 * bounds[0]


def test_the_rate_of_g_rises_after_it(warm):
    engine = train(warm(lr_decay=False, lr_g=1e-3, steps=400), STEPS)
    seen = []
    for _ in range(RAMP + 20):
        engine.train_step()
        seen.append(engine.opt_g.param_groups[0]["lr"])
        assert engine.opt_d.param_groups[0]["lr"] == engine.config.lr_d
    np.testing.assert_allclose(seen, 1e-3 * np.minimum(1, np.arange(1, RAMP + 21) / RAMP))
    assert ramp(0, 0) == 1.0  # without a warm start


# The run


def test_d_waits_and_the_encoder_goes(warm):
    engine = warm()
    first = weights(engine.D)
    seen = engine.train_step()
    assert seen.keys() == {metrics.RECON, metrics.KL, metrics.G_GRAD_NORM} <= metrics.METRICS.keys()
    assert {"encoder", "opt_warm"} <= engine.parts.keys()
    train(engine, STEPS - 1)
    assert same(first, engine.D) and not engine.opt_d.state and not engine.opt_g.state
    assert engine.parts.keys() == {"G", "D", "ema", "opt_g", "opt_d", "rng"} and b"encoder" not in pack(engine)
    then = engine.train_step()
    assert {metrics.D_LOSS, metrics.G_LOSS} <= then.keys() and metrics.KL not in then
    assert not same(first, engine.D) and engine._warm_up is None


def test_the_game_starts_from_the_warm_g(warm, gan):
    """The first step of the game moves each of the decoder's weights by Adam's rate at most, which is a hundredth of lr_g by then."""
    engine = train(warm(lr_g=1e-2), STEPS)
    decoder = weights(engine.G)
    engine.train_step()
    moved = max((a - b).abs().max().item() for a, b in zip(decoder, engine.G.parameters(), strict=True))
    assert 0 < moved <= 1.01e-2 / RAMP
    assert not same(decoder, gan(**SMALL).G) and {int(s["step"]) for s in engine.opt_g.state.values()} == {1}


@pytest.mark.parametrize("steps", [0, 3, STEPS - 1, STEPS, STEPS + 2])
def test_resumes_exactly_before_in_and_after_it(warm, steps):
    whole, half, resumed = train(warm(), STEPS + 4), train(warm(), steps), warm()
    first_look(half), half.backdrop(), half.health()  # looking moves nothing
    unpack(resumed, pack(half))
    assert pack(train(resumed, STEPS + 4 - steps)) == pack(whole)


def test_back_into_it_from_later(warm):
    """Rewind: an engine that has dropped its encoder takes one again."""
    engine, blob = warm(), pack(train(warm(), 3))
    train(engine, STEPS + 2)
    unpack(engine, blob)
    assert pack(engine) == blob and pack(train(engine, 4)) == pack(train(warm(), 7))


def test_the_global_stream_is_neither_read_nor_moved(warm):
    before = torch.get_rng_state()
    first = pack(train(warm(), 3))
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(1)
    assert pack(train(warm(), 3)) == first


def test_the_networks_begin_alike_with_and_without(warm, gan):
    plain, warmed = gan(**SMALL), warm()
    assert same(weights(plain.G), warmed.G) and same(weights(plain.D), warmed.D)
    assert pack(train(gan(**SMALL, warm_start=0), 3)) == pack(train(plain, 3))


def test_a_fork_may_change_the_game_but_not_the_warm_start(warm):
    parent = pack(train(warm(), 3))
    fork = warm(objective="non-saturating", lr_g=1e-3)
    unpack(fork, parent)
    assert "d_loss" in train(fork, STEPS).train_step()
    with pytest.raises(ValueError, match="holds (encoder|opt_warm), which this engine does not have"):
        unpack(warm(warm_start=0), parent)
    with pytest.raises(ValueError, match="only in the engine"):
        unpack(warm(warm_start=20), pack(train(warm(), STEPS)))


def test_steps_by_hand(warm):
    engine = warm()
    g, d = weights(engine.G), weights(engine.D)
    assert metrics.KL in engine.train_step("g") and engine.step == 0 and same(d, engine.D) and not same(g, engine.G)
    g = weights(engine.G)
    assert metrics.D_LOSS in engine.train_step("d") and engine.step == 0 and same(g, engine.G) and not same(d, engine.D)
    assert engine.trace()  # of D's step
    engine.train_step()
    assert engine.trace() == {}  # no game was played


def test_what_is_seen_of_it(warm):
    """Every look of the loop works, its rows hold no loss of D, and a sentence says what goes on."""
    engine = warm()
    looks = [s for s in advance(engine, steps=STEPS + 3, every=3) if s is not None]
    assert [metrics.D_LOSS in s.metrics for s in looks] == [False, False, True]
    assert all("stage" in s.views and "predictions" in s.views for s in looks)
    rows = [{**s.metrics, "step": s.step} for s in looks]
    note = diagnose(rows[:2], engine.config)
    assert note.kind == "warm" and f"Until step {STEPS} " in note.text
    assert f"{rows[1][metrics.RECON]:.1f}\u00a0nats" in note.text and f"{rows[1][metrics.KL]:.1f}\u00a0nats" in note.text
    after = diagnose(rows, engine.config)
    assert after is None or after.kind != "warm"


def test_the_average_follows(warm):
    """The views show averaged weights: they move with G in the warm start too."""
    engine = warm()
    averaged = weights(engine.ema.net)
    engine.train_step()
    assert not same(averaged, engine.ema.net)


@pytest.mark.parametrize("settings", [dict(dataset="emoji", batch=8), dict(conditional=False), dict(n_critic=2, unroll=1)], ids=str)
def test_other_runs(warm, settings):
    engine = train(warm(**settings), STEPS + 1)
    assert all(v.isfinite() for v in (*engine.train_step().values(), *engine.health().values()))


def test_cost_counts_the_encoder(warm, gan):
    engine, plain = warm(), gan(**SMALL)
    encoder = sum(p.numel() for p in engine.parts["encoder"].parameters())
    assert cost(engine.config).parameters - cost(plain.config).parameters == encoder
    assert cost(engine.config).bytes > cost(plain.config).bytes


def test_the_noise_must_be_its_prior():
    with pytest.raises(ValueError, match="warm_start=50 cannot combine with noise=uniform: the prior of its autoencoder is normal"):
        resolve(dict(dataset="mnist", warm_start=50, noise="uniform"))
    with pytest.raises(ValueError, match=r"warm_start=6000 is outside \[0, 5000\]"):
        resolve(dict(dataset="mnist", warm_start=6_000))


def test_it_is_of_images_alone(gan):
    """As every knob of images: a 2-D run has no such thing."""
    engine = gan(dataset="ring8", warm_start=5)
    assert "d_loss" in engine.train_step()


@pytest.mark.slow
def test_the_decoder_alone_draws_all_ten(gan):
    """Noise that no image was encoded to becomes digits: of every class, and far nearer to the data than at the start."""
    engine = gan(dataset="digits", seed=1, warm_start=150)
    start = engine.evaluate()[metrics.FRECHET_DISTANCE]
    scores = train(engine, 150).evaluate()
    assert scores[metrics.FRECHET_DISTANCE] < start / 4 and scores[metrics.CLASSES_COVERED] == 10
