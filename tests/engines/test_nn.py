"""Blocks: shapes, first weights, averages."""

import math

import pytest
import torch
from torch.testing import assert_close

from engines.nn.ema import Ema
from engines.nn.mlp import MLP, Fourier, initialise
from engines.state import Rng


def test_first_weights_come_from_the_generator_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    a, b = MLP([64, 256, 256, 1]), MLP([64, 256, 256, 1])
    for net, seed in ((a, 1), (b, 1)):
        initialise(net, torch.Generator().manual_seed(seed))
    assert_close(a.state_dict(), b.state_dict(), rtol=0, atol=0)
    assert torch.equal(before, torch.get_rng_state())  # the global stream is nobody's business
    assert a.layers[1].weight.std().item() == pytest.approx(math.sqrt(2 / 256), rel=0.02)
    assert all(not layer.bias.any() for layer in a.layers)


def test_fourier_features():
    f = Fourier(500, 5.0, torch.Generator().manual_seed(0))
    x = torch.randn(7, 2)
    out = f(x)
    assert out.shape == (7, 1002)
    assert_close(out[:, :2], x)
    assert_close(out[:, 2:502].square() + out[:, 502:].square(), torch.ones(7, 500))
    assert f.frequencies.std().item() == pytest.approx(5, rel=0.05)


def test_ema_against_the_formula():
    net = torch.nn.Linear(2, 1)
    ema = Ema(net)
    expected = net.weight.detach().clone()
    for step in range(30):
        with torch.no_grad():
            net.weight.add_(1.0)
        ema.update(net, 0.9, step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * net.weight.detach()
    assert_close(ema.net.weight, expected)
    ema.update(net, 0.0, 5)
    assert_close(ema.net.weight, net.weight.detach())
    assert not any(p.requires_grad for p in ema.net.parameters())


def test_streams_are_independent_and_do_not_change_between_programs():
    a, b = Rng(7, ("data", "noise")), Rng(7, ("noise", "data", "more"))
    torch.rand(5, generator=b["data"])
    assert_close(torch.rand(3, generator=a["noise"]), torch.rand(3, generator=b["noise"]))
    # crc32, not hash(): the latter is salted anew in each process
    by_hand = torch.Generator().manual_seed(0x3DD99275)
    assert_close(torch.rand(3, generator=Rng(7, ("noise",))["noise"]), torch.rand(3, generator=by_hand))
    assert not torch.equal(torch.rand(3, generator=Rng(8, ("noise",))["noise"]), torch.rand(3, generator=Rng(7, ("noise",))["noise"]))
