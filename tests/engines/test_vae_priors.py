"""Where z is drawn from: the learned flow on latents whose distribution is known, shares of classes, and that asking changes nothing."""

import numpy as np
import pytest
import torch

from engines import measures
from engines.registry import FAMILIES
from engines.state import pack
from engines.vae import flow_prior
from engines.vae.flow_prior import Flow, loss, train
from engines.vae.presets import Request
from engines.vae.priors import apportion
from engines.vae.questions import Prior

FAMILY = FAMILIES["vae"]
CENTRES = torch.tensor([[3.0, 0.0], [-1.0, 2.0], [-1.0, -2.5]])


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def mixture(n, seed):
    """Latents (n, 2) of three round Gaussians with σ = 0.4, and the number of each one's Gaussian."""
    y = torch.randint(3, (n,), generator=stream(seed))
    return CENTRES[y] + 0.4 * torch.randn((n, 2), generator=stream(seed + 100)), y


def last(iterator):
    *_, found = iterator
    return found


def built(**settings):
    engine = FAMILY.build(FAMILY.resolve(dict(dataset="digits", width=32, batch=32) | settings))
    for _ in range(3):
        engine.train_step()
    return engine


# The flow


def test_the_target_is_the_velocity_of_the_straight_path():
    x1, h = mixture(64, 1)[0].double(), 1e-3
    x0, t = torch.randn((64, 2), generator=stream(2)).double(), torch.rand(64, generator=stream(3)).double()

    def at(t):
        return torch.lerp(x0, x1, t[:, None])

    def difference(x, t, y):
        np.testing.assert_allclose(x, at(t), atol=1e-12)
        return (at(t + h) - at(t - h)) / (2 * h)

    assert float(loss(difference, x1, torch.zeros(64), x0, t)) < 1e-20
    away = loss(lambda x, t, y: difference(x, t, y) + 0.5, x1, torch.zeros(64), x0, t)
    assert float(away) == pytest.approx(0.25, rel=1e-4)


def test_an_untrained_flow_is_the_gaussian_of_the_latents():
    z, _ = mixture(2_000, 4)
    flow = Flow(z, 0, stream())
    x = torch.randn((500, 2), generator=stream(7))
    drawn = flow.sample(torch.zeros(500, dtype=torch.int64), stream(7), steps=32)
    np.testing.assert_allclose(drawn, z.mean(0) + z.std(0) * x, atol=0.02)


def test_heun_follows_a_known_flow():
    """v = x carries x(0) to e x(0); a step of Heun's method has the first three terms of exp(1 / steps)."""
    flow = Flow(mixture(500, 5)[0], 0, stream())
    flow.mean, flow.std = torch.zeros(2), torch.ones(2)
    flow.guided = lambda x, t, y, guidance: x
    x, y = torch.randn((50, 2), generator=stream(1)), torch.zeros(50, dtype=torch.int64)
    for steps in (1, 8):
        np.testing.assert_allclose(flow.sample(y, stream(1), steps), (1 + 1 / steps + 0.5 / steps**2) ** steps * x, rtol=1e-5)


@pytest.mark.slow
def test_a_learned_flow_draws_a_known_mixture():
    z, _ = mixture(10_000, 10)
    flow = last(train(z, None, 0, stream(1)))
    drawn = flow.sample(torch.zeros(2_000, dtype=torch.int64), stream(2)).numpy()
    real = [mixture(2_000, seed)[0].numpy() for seed in range(20, 26)]
    floor = np.mean([measures.sliced_w1(a, b) for a, b in zip(real[::2], real[1::2], strict=True)])
    assert np.mean([measures.sliced_w1(drawn, each) for each in real]) < 2 * floor


@pytest.mark.slow
def test_samples_of_a_class_come_from_its_region():
    z, labels = mixture(5_000, 30)
    flow = last(train(z, labels, 3, stream(1)))
    y = torch.arange(900) % 3
    plain, guided = (flow.sample(y, stream(2), guidance=w) for w in (1.0, 1.25))
    for drawn in (plain, guided):
        assert float((torch.cdist(drawn, CENTRES).argmin(1) == y).float().mean()) > 0.99
    for k in range(3):
        np.testing.assert_allclose(plain[y == k].mean(0), CENTRES[k], atol=0.15)
        assert guided[y == k].mean(0).norm() > plain[y == k].mean(0).norm()  # away from the other classes


# Shares


def test_each_comes_as_often_as_its_weight_says():
    weights = torch.tensor([0.5, 0.0, 0.33, 0.17])
    counts = torch.stack([apportion(weights, 10, stream(seed)).bincount(minlength=4) for seed in range(400)]).double()
    assert ((counts >= torch.tensor([5, 0, 3, 1])) & (counts <= torch.tensor([5, 0, 4, 2]))).all()
    np.testing.assert_allclose(counts.mean(0), 10 * weights, atol=0.1)
    order = apportion(weights, 1_000, stream())
    assert 0.4 < float((order[:100] == 0).float().mean()) < 0.6  # not sorted


# Runs


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(flow_prior, "STEPS", 25)


@pytest.mark.parametrize("settings", [{}, {"latent": 6, "conditional": True}, {"objective": "autoencoder"}, {"dataset": "moons"}], ids=str)
def test_asking_for_the_flow_changes_nothing(short, settings):
    quiet, watched = built(**settings), built(**settings)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    for _ in range(3):
        quiet.train_step()
        watched.train_step()
        answer = last(watched.answer(Prior(prior="flow", n=16)))
        assert answer.views["prior"][0].name == "flow" and all(np.isfinite(v) for v in answer.metrics.values())
        assert torch.is_grad_enabled()
        list(watched.sample(Request(n=4, prior="flow")))
    assert pack(quiet) == pack(watched)
    assert torch.equal(before, torch.get_rng_state())


def test_the_flow_is_kept_until_a_weight_changes(short):
    engine = built()
    pauses = list(engine.answer(Prior(prior="flow", n=4)))  # one after each CHUNK steps, and the answer
    kept = engine.probe.flow[1]
    assert len(pauses) >= 2 and not any(pauses[:-1])
    (again,) = engine.answer(Prior(prior="flow", n=4))
    assert engine.probe.flow[1] is kept
    np.testing.assert_array_equal(again.views["prior"][0].pixels, pauses[-1].views["prior"][0].pixels)
    (other,) = engine.answer(Prior(prior="flow", n=4, seed=1))
    assert np.abs(other.views["prior"][0].pixels - again.views["prior"][0].pixels).max() > 0.01
    engine.train_step()
    last(engine.answer(Prior(prior="flow", n=4)))
    assert engine.probe.flow[1] is not kept


def test_a_flow_depends_on_the_run_alone(short):
    first, second = built(), built()
    last(second.answer(Prior(prior="mixture", seed=3)))
    a, b = (last(engine.sample(Request(n=8, prior="flow", label=2))).views["samples"][0].pixels for engine in (first, second))
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("prior", ["mixture", "flow"])
def test_nothing_is_fitted_to_codes(prior):
    engine = built(objective="vq-vae")
    sentence = f"prior={prior} cannot be fitted to the codes of a VQ-VAE"
    with pytest.raises(ValueError, match=sentence):
        last(engine.answer(Prior(prior=prior)))
    with pytest.raises(ValueError, match=sentence):
        last(engine.sample(Request(prior=prior)))
