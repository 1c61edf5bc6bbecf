"""The image networks: shapes, first weights from the generator alone, gradients that flow."""

import numpy as np
import pytest
import torch

from engines.gan.config import Config
from engines.gan.convnets import ImageDiscriminator, ImageGenerator, minibatch_deviation
from engines.nn.init import reset

SHAPES = [(c, side, side) for c in (1, 3) for side in (8, 28, 32)]


def networks(shape, classes=10, seed=0, **knobs):
    config = Config(dataset="mnist", noise_dim=16, minibatch_std=True, **{"conditional": True, **knobs})
    nets = ImageGenerator(config, shape, classes), ImageDiscriminator(config, shape, classes)
    generator = torch.Generator().manual_seed(seed)
    for net in nets:
        net.initialise(generator)
    return nets


def batch(n=16, classes=10):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n, 16, generator=generator), torch.arange(n) % classes


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_shapes_and_range(shape):
    G, D = networks(shape)
    z, y = batch()
    x = G(z, y)
    assert x.shape == (16, *shape)
    assert x.abs().max() <= 1
    assert D(x, y).shape == (16,)


@pytest.mark.parametrize("classes", [0, 10])
def test_without_classes_the_label_has_no_effect(classes):
    G, D = networks((1, 28, 28), classes, conditional=False)
    z, y = batch()
    torch.testing.assert_close(G(z, y), G(z))
    x = G(z).detach()
    torch.testing.assert_close(D(x, y), D(x))


def test_the_class_reaches_both():
    G, D = networks((1, 28, 28))
    z, y = batch()
    x = G(z, y)
    assert (x - G(z, (y + 1) % 10)).abs().max() > 1e-3
    assert (D(x, y) - D(x, (y + 1) % 10)).abs().max() > 1e-3


def test_same_generator_same_weights_and_the_global_state_stays():
    before = torch.get_rng_state()
    first, again, other = networks((3, 32, 32)), networks((3, 32, 32)), networks((3, 32, 32), seed=1)
    assert torch.equal(before, torch.get_rng_state())
    for a, b, c in zip(first, again, other, strict=True):
        weights_a, weights_b, weights_c = (torch.cat([p.flatten() for p in net.parameters()]) for net in (a, b, c))
        assert torch.equal(weights_a, weights_b)
        assert not torch.equal(weights_a, weights_c)
        assert weights_a.isfinite().all()


@pytest.mark.parametrize("n", [16, 12, 7])
def test_minibatch_deviation_against_numpy(n):
    x = torch.randn(n, 50, generator=torch.Generator().manual_seed(0))
    group = {16: 8, 12: 4, 7: 1}[n]
    want = np.sqrt(x.numpy().reshape(n // group, group, 50).var(1) + 1e-6).mean(1).repeat(group)
    np.testing.assert_allclose(minibatch_deviation(x)[:, 0].numpy(), want, rtol=1e-5, atol=1e-6)


def test_gradients_reach_every_weight():
    G, D = networks((1, 28, 28))
    z, y = batch()
    D(G(z, y), y).square().mean().backward()
    for net in (G, D):
        for name, weight in net.named_parameters():
            assert weight.grad is not None and weight.grad.isfinite().all() and weight.grad.abs().max() > 0, name


def test_minibatch_deviation_of_equal_images_has_a_gradient():
    x = torch.ones(8, 5, requires_grad=True)
    minibatch_deviation(x).sum().backward()
    assert x.grad.isfinite().all()


def test_reset_is_as_wide_as_torchs_own():
    layer = reset(torch.nn.Linear(400, 300), torch.Generator().manual_seed(0))
    for tensor in (layer.weight, layer.bias):
        assert abs(float(tensor.detach().abs().max()) - 1 / 20) < 1e-3
