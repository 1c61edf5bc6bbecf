"""Spectral normalisation (Miyato et al., 2018): the norm, its gradient, and who may move the power iteration."""

import pytest
import torch
from torch.testing import assert_close

from engines.gan.objectives import squared_slope
from engines.loop import first_look
from engines.nn.spectral import SpectralConv2d, SpectralEmbedding, SpectralLinear


def train(engine, steps):
    for _ in range(steps):
        engine.train_step()
    return engine


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("make", [lambda: SpectralLinear(7, 5), lambda: SpectralConv2d(3, 4, 3), lambda: SpectralEmbedding(6, 5)])
def test_the_normalised_weight_has_norm_one(make):
    layer = make()
    layer.start(generator())
    for _ in range(200):
        layer.power_step()
    assert torch.linalg.matrix_norm(layer.normalised().flatten(1), 2).item() == pytest.approx(1, abs=1e-4)


def test_the_gradient_of_a_normalised_weight_is_that_of_the_paper():
    """Miyato et al., 2018, eq. 12: dL/dW = (E − λ u vᵀ) / σ, λ = uᵀ-weighted back-propagated error."""
    layer = SpectralLinear(4, 3, bias=False)
    layer.start(generator())
    x, error = torch.randn(9, 4), torch.randn(9, 3)
    layer.power_step()
    (found,) = torch.autograd.grad((layer(x) * error).sum(), layer.weight)
    sigma = (layer.u @ layer.weight @ layer.v).detach()
    E = error.T @ x
    expected = (E - (E * layer.normalised().detach()).sum() * torch.outer(layer.u, layer.v)) / sigma
    assert_close(found, expected)


def test_spectral_d_stretches_nothing(gan):
    engine = train(gan(objective="hinge", spectral_norm=True, fourier=0), 60)
    x = torch.randn(500, 2, requires_grad=True)
    assert squared_slope(engine.D(x), x).max().sqrt() < 1.05
    x = torch.randn(500, 2, requires_grad=True)
    assert squared_slope(train(gan(objective="hinge", fourier=0), 60).D(x), x).max().sqrt() > 1.05


@pytest.mark.parametrize("settings", [{}, dict(in_scale=3.0), dict(fourier=0, in_scale=3.0), dict(activation="tanh"), dict(pack=2)])
def test_the_features_of_a_spectral_d_stretch_nothing_either(gan, settings):
    """The default D has 15 Fourier features of scale 5, which alone stretch by 19.5. The bound is that of the product of all norms."""
    D = train(gan(objective="hinge", spectral_norm=True, **settings), 60).D
    m = settings.get("pack", 1)
    x = torch.randn(500, m, 2, requires_grad=True) if m > 1 else torch.randn(500, 2, requires_grad=True)
    assert squared_slope(D(x), x).max().sqrt() < 1.05
    places = torch.randn(200, 2)
    whole = torch.vmap(torch.func.jacrev(lambda p: D.seen(p[None])[0]))(places)  # (200, k, 2)
    norms = torch.linalg.matrix_norm(whole, 2)
    assert_close(norms, torch.ones(200), rtol=1e-4, atol=1e-4)  # exactly 1, everywhere


def test_only_training_d_moves_the_power_iteration(gan):
    engine = train(gan(objective="hinge", spectral_norm=True), 3)
    u = engine._spectral[0].u.clone()
    first_look(engine)
    engine.train_step("g")
    assert torch.equal(u, engine._spectral[0].u)
    engine.train_step("d")
    assert not torch.equal(u, engine._spectral[0].u)
