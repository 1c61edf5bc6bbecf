"""Losses against torch's own and closed forms, penalties against gradients worked out by hand."""

import math

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from engines.gan.config import EQUILIBRIUM
from engines.gan.config import OBJECTIVES as KEYS
from engines.gan.objectives import (
    OBJECTIVES,
    accuracy,
    clip_weights,
    gradient_penalty,
    r1_penalty,
    slope_penalty_fd,
    squared_slope,
)

REAL = torch.tensor([0.3, -1.2, 4.0, 0.0])
FAKE = torch.tensor([-0.7, 2.0, 0.5, -3.0])
ONE, ZERO = torch.ones(4), torch.zeros(4)
bce = F.binary_cross_entropy_with_logits


def test_the_registry_holds_what_the_form_offers():
    assert OBJECTIVES.keys() == KEYS.keys() == EQUILIBRIUM.keys()


def test_logistic_losses_are_binary_cross_entropies():
    expected = bce(REAL, ONE) + bce(FAKE, ZERO)
    for key in ("minimax", "non-saturating", "r1"):
        assert_close(OBJECTIVES[key].d(REAL, FAKE), expected)
    assert_close(OBJECTIVES["minimax"].g(FAKE, None), -bce(FAKE, ZERO))
    for key in ("non-saturating", "r1"):
        assert_close(OBJECTIVES[key].g(FAKE, None), bce(FAKE, ONE))


def test_the_others_against_torch():
    assert_close(OBJECTIVES["lsgan"].d(REAL, FAKE), 0.5 * F.mse_loss(REAL, ONE) + 0.5 * F.mse_loss(FAKE, ZERO))
    assert_close(OBJECTIVES["lsgan"].g(FAKE, None), 0.5 * F.mse_loss(FAKE, ONE))
    hinge = F.hinge_embedding_loss  # mean of max(0, margin − x) where the target is −1
    assert_close(OBJECTIVES["hinge"].d(REAL, FAKE), hinge(REAL, -ONE) + hinge(-FAKE, -ONE))
    assert_close(OBJECTIVES["hinge"].g(FAKE, None), -FAKE.mean())
    for key in ("wgan", "wgan-gp"):
        assert_close(OBJECTIVES[key].d(REAL, FAKE), FAKE.mean() - REAL.mean())
        assert_close(OBJECTIVES[key].g(FAKE, None), -FAKE.mean())
    assert_close(OBJECTIVES["r3gan"].d(REAL, FAKE), bce(REAL - FAKE, ONE))
    assert_close(OBJECTIVES["r3gan"].g(FAKE, REAL), bce(FAKE - REAL, ONE))


@pytest.mark.parametrize("key", KEYS)
def test_equilibrium_is_the_loss_of_a_d_that_cannot_tell(key):
    """Against a perfect G the best D is one value everywhere: the threshold, or any value for those that have none."""
    objective = OBJECTIVES[key]
    value = torch.full((5,), objective.threshold if objective.threshold is not None else 0.37)
    assert_close(objective.d(value, value).item(), EQUILIBRIUM[key]["d_loss"], atol=1e-6, rtol=0)
    if "g_loss" in EQUILIBRIUM[key]:
        assert_close(objective.g(value, value).item(), EQUILIBRIUM[key]["g_loss"], atol=1e-6, rtol=0)


@pytest.mark.parametrize("key", KEYS)
def test_d_gains_by_telling_and_g_by_fooling(key):
    """d falls when real logits rise and fake ones fall (inside any margin); g falls when fake logits rise."""
    objective = OBJECTIVES[key]
    real, fake = torch.full((4,), 0.5, requires_grad=True), torch.full((4,), 0.5, requires_grad=True)
    d_real, d_fake = torch.autograd.grad(objective.d(real, fake), (real, fake))
    (g_fake,) = torch.autograd.grad(objective.g(fake, real.detach()), fake)
    assert (d_real < 0).all() and (d_fake > 0).all() and (g_fake < 0).all()


@pytest.mark.parametrize("key", KEYS)
def test_losses_are_finite_at_extreme_logits(key):
    far = torch.tensor([-1e3, 1e3])
    assert OBJECTIVES[key].d(far, -far).isfinite() and OBJECTIVES[key].g(far, -far).isfinite()


def test_minimax_goes_flat_where_non_saturating_does_not():
    sure = torch.full((1,), -20.0, requires_grad=True)
    slopes = {k: torch.autograd.grad(OBJECTIVES[k].g(sure, None), sure)[0].abs().item() for k in ("minimax", "non-saturating")}
    assert slopes["minimax"] < 1e-8 and slopes["non-saturating"] == pytest.approx(1)


def linear(weight):
    """D(x) = w·x: its slope is w everywhere, so every penalty is known."""
    return lambda x: x @ weight


def test_penalties_of_a_linear_d_and_their_gradients():
    w = torch.tensor([3.0, 4.0], requires_grad=True)
    x, y = torch.randn(6, 2), torch.randn(6, 2)
    r1 = r1_penalty(linear(w), x)
    assert_close(r1, torch.tensor(25.0))
    assert_close(torch.autograd.grad(r1, w)[0], 2 * w.detach())  # d|w|²/dw
    gp = gradient_penalty(linear(w), x, y, torch.Generator().manual_seed(0))
    assert_close(gp, torch.tensor(16.0))  # (5 − 1)²
    assert_close(torch.autograd.grad(gp, w)[0], 2 * 4 * w.detach() / 5)


def test_r1_of_a_quadratic_d():
    """D(x) = a |x|² / 2 has the slope a x: R1 = a² E|x|², and 2 a E|x|² is its derivative in a."""
    a, x = torch.tensor(1.5, requires_grad=True), torch.randn(50, 2)
    r1 = r1_penalty(lambda x: a * x.square().sum(1) / 2, x)
    assert_close(r1, a.detach() ** 2 * x.square().sum(1).mean())
    assert_close(torch.autograd.grad(r1, a)[0], 2 * a.detach() * x.square().sum(1).mean())


def test_squared_slope_of_images_is_per_example():
    x = torch.randn(3, 1, 4, 4, requires_grad=True)
    slopes = squared_slope((x.flatten(1) * torch.tensor([[1.0], [2.0], [3.0]])).sum(1), x)
    assert_close(slopes, torch.tensor([16.0, 64.0, 144.0]))


def test_the_gradient_penalty_looks_between_real_and_fake():
    seen = []
    gradient_penalty(
        lambda x: seen.append(x.detach()) or x.sum(1), torch.zeros(500, 2), torch.ones(500, 2), torch.Generator().manual_seed(1)
    )
    (x,) = seen
    assert_close(x[:, 0], x[:, 1])  # on the line
    assert 0 <= x.min() < 0.05 and 0.95 < x.max() <= 1 and abs(x.mean() - 0.5) < 0.05


def test_finite_differences_estimate_the_squared_slope():
    w, generator = torch.tensor([3.0, 4.0]), torch.Generator().manual_seed(0)
    x, eps = torch.randn(40_000, 2, generator=generator), torch.randn(40_000, 2, generator=generator)
    found = slope_penalty_fd(linear(w)(x), linear(w)(x + 0.1 * eps), 0.1)
    assert_close(found, torch.tensor(25.0), rtol=0.03, atol=0)


def test_clip_and_accuracy():
    net = torch.nn.Linear(3, 1)
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[5.0, -5.0, 0.01]]))
    clip_weights(net, 0.1)
    assert_close(net.weight.detach(), torch.tensor([[0.1, -0.1, 0.01]]))
    assert accuracy(REAL, FAKE, 0.0).item() == pytest.approx((2 / 4 + 2 / 4) / 2)
    assert accuracy(REAL, FAKE, None).item() == pytest.approx(3 / 4)


def test_log_four_is_where_goodfellow_put_it():
    """Goodfellow et al., 2014, theorem 1: the value of the game is −log 4."""
    assert_close(-OBJECTIVES["minimax"].d(ZERO, ZERO).item(), -math.log(4))
