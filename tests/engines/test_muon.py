"""Muon: what is made orthogonal, how far a step goes, and that a run with it can be packed and resumed."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from engines.config import to_dict
from engines.nn.muon import MOMENTUM, RMS, ROWS, Muon, blocks, orthogonal
from engines.registry import FAMILIES
from engines.state import pack, read_meta, unpack


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(3, 16, 144), (2, 48, 16), (1, 32, 32)])
def test_singular_values_are_made_alike(shape):
    """Wide, tall and square: U f(S) Vᵀ with the same U and V, f(S) near 1 for all but the least."""
    m = normal(*shape)
    made = orthogonal(m)
    u, s, vh = torch.linalg.svd(m, full_matrices=False)
    inside = u.mT @ made @ vh.mT
    values = inside.diagonal(dim1=1, dim2=2)
    assert_close(inside, torch.diag_embed(values), atol=1e-4, rtol=0)
    kept = s > 0.1 * s[:, :1]
    assert kept.float().mean() > 0.8 and values[kept].min() > 0.6 and values[kept].max() < 1.25


def test_blocks():
    assert blocks(torch.empty(32, 16, 3, 3)) == (32, 144)
    assert blocks(torch.empty(256, 10)) == (ROWS, 10) and blocks(torch.empty(66, 10)) == (33, 10)


def test_a_step_has_the_size_of_adams_and_momentum_adds_up():
    """Against the formula, written out: twice the same gradient is the same direction; its entries have RMS 0.2 times the rate."""
    p = normal(16, 8, 3, 3).requires_grad_(True)
    start, g = p.detach().clone(), normal(16, 8, 3, 3, seed=1)
    opt = Muon([p], lr=0.5)
    for _ in range(2):
        p.grad = g.clone()
        opt.step()
    step = (start - p.detach()) / 2
    assert_close(step, 0.5 * RMS * 72**0.5 * orthogonal(g.reshape(1, 16, 72)).reshape(g.shape), rtol=1e-3, atol=1e-4)
    assert float(step.square().mean().sqrt()) == pytest.approx(0.5 * RMS, rel=0.15)
    assert_close(opt.state[p]["exp_avg"], (1 - MOMENTUM**2) * g)


def test_a_run_with_it_is_resumed_bit_for_bit_and_learns():
    family = FAMILIES["diffusion"]
    make = lambda: family.build(family.resolve({"dataset": "digits", "optimizer": "muon", "seed": 3}))  # noqa: E731
    whole, first, resumed = make(), make(), make()
    before = whole.evaluate()["validation_mse"]
    for _ in range(12):
        whole.train_step()
    for _ in range(6):
        first.train_step()
    assert read_meta(pack(first))["config"] == to_dict(first.config)
    unpack(resumed, pack(first))
    for _ in range(6):
        resumed.train_step()
    assert pack(resumed) == pack(whole)
    assert np.isfinite(whole.evaluate()["validation_mse"]) and whole.evaluate()["validation_mse"] < before


@pytest.mark.parametrize("settings", [{"dataset": "ring8"}, {"dataset": "mnist", "network": "dit"}], ids=str)
def test_it_is_refused_where_there_are_no_convolutions(settings):
    with pytest.raises(ValueError, match="optimizer=muon is for the convolutions"):
        FAMILIES["diffusion"].resolve(settings | {"optimizer": "muon"})
