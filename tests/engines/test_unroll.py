"""Unrolling (Metz et al., 2017) against torch's own descent and against central differences."""

import pytest
import torch
from torch.testing import assert_close

from engines.gan.config import OBJECTIVES
from engines.gan.engine import Deal, GanEngine
from engines.gan.objectives import OBJECTIVES as LOSSES
from engines.gan.objectives import clip_weights
from engines.gan.unroll import Inner, unrolled, with_weights
from engines.state import pack, unpack


def train(engine, steps):
    for _ in range(steps):
        engine.train_step()
    return engine


def ahead(engine, deal, fake, steps, lr=0.05, clip=0.0):
    """D's weights after plain descent on its whole loss."""

    def loss(weights):
        return engine._judge(deal, fake, with_weights(engine.D, weights)).total

    return unrolled(dict(engine.D.named_parameters()), loss, steps, Inner("descent", lr, clip=clip))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_no_unrolled_step_is_the_plain_update_bit_for_bit(gan, objective):
    """With K = 0, both terms of the unrolled gradient together are the gradient of the plain loss."""
    engine = gan(objective=objective)
    deal = engine._deal(keep_graph=True)
    loss, answer = engine._look_ahead(deal)
    found = torch.autograd.grad(loss + answer, engine._weights_g, retain_graph=True)
    pairs = LOSSES[objective].pairs
    plain = LOSSES[objective].g(engine.D(deal.fake), engine.D(deal.real).detach() if pairs else None)
    expected = torch.autograd.grad(plain, engine._weights_g)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_switched_off_the_other_knobs_of_fixes_do_nothing(gan):
    a, b = gan(objective="r3gan"), gan(objective="r3gan", unroll=0, unroll_lr=0.5)
    train(a, 5), train(b, 5)
    assert_close(a.G.state_dict(), b.G.state_dict(), rtol=0, atol=0)


def test_unrolling_is_descent_by_hand_and_leaves_d_alone(gan):
    """Two steps of torch's own SGD on a copy of D end at the same logits."""
    engine = gan(objective="non-saturating", r1=0.1)
    deal = engine._deal(keep_graph=True)
    before = {k: v.clone() for k, v in engine.D.state_dict().items()}
    later = with_weights(engine.D, ahead(engine, deal, deal.fake, 2))(deal.fake)
    assert_close(engine.D.state_dict(), before, rtol=0, atol=0)
    optimiser = torch.optim.SGD(engine.D.parameters(), 0.05)
    for _ in range(2):
        optimiser.zero_grad()
        engine._judge(deal, deal.fake.detach(), engine.D).total.backward()
        optimiser.step()
    assert_close(engine.D(deal.fake), later)


def in_float64(engine, steps):
    """Minus D's loss after some unrolled steps, as a function of the weights of G; `outer` are the fakes of the last look, if these
    are not to move. Then those fakes, the deal, and the state of the stream of the penalty."""
    real, z = engine._deal(keep_graph=False).real.double(), torch.rand(32, 2, dtype=torch.float64, generator=generator())
    engine.G.double(), engine.D.double()
    places = engine.rng["penalty"].get_state()

    def value(outer=None):
        engine.rng["penalty"].set_state(places)  # the gradient penalty looks at the same places each time
        fake = engine.G(z)
        deal = Deal(real, fake, None)
        weights = ahead(engine, deal, fake, steps)
        return -engine._judge(deal, fake if outer is None else outer, with_weights(engine.D, weights)).total

    return value, engine.G(z).detach(), Deal(real, engine.G(z), None), places


def differences(weight, value, count=3, h=1e-6):
    """Central differences in the first entries of a weight."""
    found = []
    for i in range(count):
        ends = []
        for move in (h, -2 * h):
            with torch.no_grad():
                weight.view(-1)[i] += move
            ends.append(value().item())
        with torch.no_grad():
            weight.view(-1)[i] += h
        found.append((ends[0] - ends[1]) / (2 * h))
    return torch.tensor(found, dtype=torch.float64)


@pytest.mark.parametrize("objective", ["non-saturating", "r3gan", "wgan-gp", "minimax"])
def test_the_gradient_flows_through_the_steps_of_d(gan, objective):
    """The second-order path, dD/dG through three steps with their penalties, is not 0 and agrees with central differences."""
    engine = gan(objective=objective, width_g=6, width_d=6, fourier=0, unroll=3, unroll_by="descent", unroll_lr=0.05)
    value, fake, deal, places = in_float64(engine, 3)
    weight = engine._weights_g[0]
    engine.rng["penalty"].set_state(places)
    _, answer = engine._look_ahead(deal)
    (found,) = torch.autograd.grad(answer, weight, retain_graph=True)
    assert found.norm() > 1e-6
    assert_close(found.flatten()[:3], differences(weight, lambda: value(fake)), rtol=1e-4, atol=1e-7)


def test_of_a_zero_sum_game_both_terms_are_one_derivative(gan):
    """Metz et al., 2017: G lowers f_K, the value of the game against the unrolled D. Minimax without penalties is that game."""
    engine = gan(objective="minimax", width_g=6, width_d=6, fourier=0, unroll=3, unroll_by="descent", unroll_lr=0.05)
    value, _, deal, _ = in_float64(engine, 3)
    (found,) = torch.autograd.grad(sum(engine._look_ahead(deal)), engine._weights_g[0])
    assert_close(found.flatten()[:3], differences(engine._weights_g[0], value), rtol=1e-4, atol=1e-7)


def test_unrolled_weights_stay_clipped(gan):
    engine = gan(objective="wgan", clip=0.05, unroll=3, unroll_by="descent", unroll_lr=1.0)
    deal = engine._deal(keep_graph=True)
    free, clipped = (ahead(engine, deal, deal.fake, 2, 1.0, clip=c) for c in (0.0, 0.05))
    largest = [max(w.abs().max().item() for w in weights.values()) for weights in (free, clipped)]
    assert largest[1] == pytest.approx(0.05) and largest[0] > 0.05


# Steps of D's own optimiser

OWN = dict(unroll=3, unroll_by="own", fourier=0, width_g=6, width_d=6, activation="tanh", objective="minimax")


def by_hand(engine, deal, steps):
    """Torch's own optimiser goes on from D's moments, on a copy of D."""
    twin = GanEngine(engine.config)
    unpack(twin, pack(engine))
    twin._set_rates()
    for _ in range(steps):
        twin.opt_d.zero_grad()
        twin._judge(deal, deal.fake.detach(), twin.D).total.backward()
        twin.opt_d.step()
        if c := engine.config.clip:
            clip_weights(twin.D, c)
    return dict(twin.D.named_parameters())


@pytest.mark.parametrize("settings", [{}, dict(optimiser="rmsprop"), dict(objective="wgan", clip=0.3, optimiser="rmsprop")])
@pytest.mark.parametrize("warm", [0, 5])
def test_d_is_imagined_to_learn_as_torch_would_have_it(gan, settings, warm):
    """Adam and RMSProp written out, moments and count included, end where torch's own end; D and its optimiser stay as they are."""
    engine = train(gan(**(OWN | settings)), warm)
    deal = engine._deal(keep_graph=True)
    before = pack(engine)
    found = engine.d_ahead(deal)
    assert pack(engine) == before
    assert_close(found, by_hand(engine, deal, 3), rtol=1e-4, atol=1e-6)


def test_frozen_rates_are_those_of_adam(gan):
    """w − lr g / √v̂ with v held: the first step of descent at the rate of each weight; before Adam has one, nothing moves."""
    fresh, engine = gan(**OWN), train(gan(**OWN), 5)
    deal = fresh._deal(keep_graph=True)
    fresh.set(unroll_by="frozen")
    assert_close(fresh.d_ahead(deal), dict(fresh.D.named_parameters()), rtol=0, atol=0)
    engine.set(unroll_by="frozen", unroll=1)
    deal = engine._deal(keep_graph=True)
    slopes = torch.autograd.grad(engine._judge(deal, deal.fake, engine.D).total, engine._weights_d)
    found = engine.d_ahead(deal)
    for (name, w), g in zip(engine.D.named_parameters(), slopes, strict=True):
        v = engine.opt_d.state[w]["exp_avg_sq"] / (1 - 0.999**5)
        assert_close(found[name], w - engine.config.lr_d * g / (v + 1e-12).sqrt())


@pytest.mark.parametrize("by", ["own", "frozen"])
@pytest.mark.parametrize("optimiser", ["adam", "rmsprop"])
def test_the_gradient_flows_through_its_moments_too(gan, optimiser, by):
    """G's whole loss, against central differences of minus D's loss after three steps of its own optimiser, v differentiated."""
    engine = train(gan(**(OWN | dict(optimiser=optimiser, unroll_by=by, lr_d=0.02))), 5)
    real, z = engine._deal(keep_graph=False).real.double(), torch.rand(32, 2, dtype=torch.float64, generator=generator())
    engine.G.double(), engine.D.double()
    for state in engine.opt_d.state.values():
        state.update({k: v.double() for k, v in state.items() if k != "step"})

    def value():
        deal = Deal(real, engine.G(z), None)
        return -engine._judge(deal, deal.fake, with_weights(engine.D, engine.d_ahead(deal))).total

    weight = engine._weights_g[0]
    (found,) = torch.autograd.grad(sum(engine._look_ahead(Deal(real, engine.G(z), None))), weight)
    assert_close(found.flatten()[:3], differences(weight, value), rtol=1e-4, atol=1e-7)


def test_without_the_second_term_g_only_looks_ahead(gan):
    """The same later D and the same first term; no gradient reaches G through the steps of D."""
    both, first = (train(gan(**OWN, unroll_gradient=on), 0) for on in (True, False))
    deals = [e._deal(keep_graph=True) for e in (both, first)]
    (loss, answer), (alone, none) = (e._look_ahead(deal) for e, deal in zip((both, first), deals, strict=True))
    assert none is None and answer is not None
    assert_close(loss, alone)
    one, other, second = (
        torch.autograd.grad(x, e._weights_g, retain_graph=True) for x, e in ((loss, both), (alone, first), (answer, both))
    )
    assert_close(one, other)
    assert sum(float(g.abs().sum()) for g in second) > 1e-6
    weights = first.d_ahead(deals[1])
    assert all(w.grad_fn is None or not torch.autograd.grad(w.sum(), first._weights_g, allow_unused=True)[0] for w in weights.values())
