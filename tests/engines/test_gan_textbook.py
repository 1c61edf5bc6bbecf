"""The three textbook fixes: what they need of networks, optimisers and rates, against torch; every row trains, resumes, is counted."""

import json
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from engines.config import from_dict, knobs, to_dict
from engines.gan.config import PRESETS, Config, rate_factor, resolve
from engines.gan.cost import cost
from engines.gan.engine import GanEngine
from engines.gan.fused import covers
from engines.gan.model import build_networks
from engines.gan.textbook import GROUPS, ROWS
from engines.state import Rng, pack, unpack

NEW = ("unroll_by", "unroll_gradient", "minibatch_dims", "minibatch_reduce", "minibatch_spread", "activation", "start", "in_scale")
NEW += ("standardise", "optimiser", "decay_from", "decay_to")


def train(engine, steps):
    for _ in range(steps):
        engine.train_step()
    return engine


def engine_of(row, **changes):
    return GanEngine(from_dict(Config, {**ROWS[row].settings, **changes}))


@pytest.mark.parametrize("row", ROWS)
def test_every_row_trains_and_resumes_exactly(row):
    whole, half, resumed = (engine_of(row, seed=3, batch=16, width_g=8, width_d=8) for _ in range(3))
    unpack(resumed, pack(train(half, 2)))
    assert pack(train(resumed, 2)) == pack(train(whole, 4))


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_counted_and_dearer_than_its_plain_game(row):
    c = from_dict(Config, dict(ROWS[row].settings))
    found = cost(c)
    engine = GanEngine(c)
    assert found.parameters == sum(p.numel() for net in (engine.G, engine.D) for p in net.parameters())
    assert found.flop_per_step >= cost(from_dict(Config, dict(ROWS[ROWS[row].group].settings))).flop_per_step or row == "two-one-step"


def test_each_group_has_a_plain_game_and_a_fix_that_differ_by_the_fix_alone():
    allowed = {
        "hop": {"unroll"}, "slow": {"unroll"}, "two": {"objective", "clip"},
        "one": {"minibatch_discrimination", "minibatch_dims", "minibatch_spread"},
    }  # fmt: skip
    for group in GROUPS:
        of = {role: [r for r in ROWS.values() if r.group == group and r.role == role] for role in ("plain", "fix", "rival")}
        assert [len(of["plain"]), len(of["fix"])] == [1, 1] and of["rival"]
        plain, fix = (to_dict(from_dict(Config, dict(of[role][0].settings))) for role in ("plain", "fix"))
        assert {k for k in plain if plain[k] != fix[k]} <= allowed[group]
        assert plain["fourier"] == 0
    assert all(row.time in ROWS for row in ROWS.values() if row.time)


def test_presets_stand_in_pairs():
    for plain, fix in (("hop", "hop-unrolled"), ("two", "two-clipped"), ("one", "one-minibatch")):
        for key in (plain, fix):
            assert to_dict(resolve(PRESETS[key].settings)) == to_dict(from_dict(Config, dict(ROWS[key].settings)))
        names = list(PRESETS)
        assert names.index(fix) == names.index(plain) + 1


def test_a_run_from_before_these_knobs_opens_and_goes_on_alike(gan):
    """Its config lacks them: their defaults are what was done then."""
    engine = train(gan(objective="non-saturating", unroll=2, unroll_by="descent", minibatch_discrimination=2, seed=2), 3)
    old = {k: v for k, v in to_dict(engine.config).items() if k not in NEW}
    assert set(NEW) <= set(knobs(Config))
    again = GanEngine(from_dict(Config, old))
    unpack(again, pack(engine))
    assert pack(train(again, 3)) == pack(train(engine, 3))


# What they need


def test_activations_and_first_weights(gan):
    x = torch.randn(50, 2)
    for activation, act in (("relu", torch.relu), ("tanh", torch.tanh), ("leaky", lambda h: torch.where(h > 0, h, 0.2 * h))):
        D = gan(activation=activation, fourier=0, in_scale=3.0).D
        h = 3 * x
        for layer in D.net.layers[:-1]:
            h = act(h @ layer.weight.T + layer.bias)
        assert_close(D(x), (h @ D.net.layers[-1].weight.T + D.net.layers[-1].bias)[:, 0])


def test_networks_may_play_in_the_units_of_the_data(gan):
    """Of the ring, whose centres are 1 from the middle: 0.71 deviations make a unit of the networks, or not."""
    own, unit = gan(standardise=False), gan()
    assert own.data.scale == 1 and unit.data.scale == pytest.approx(0.5**0.5)
    assert_close(own._draw()[0], unit._draw()[0] * unit.data.scale)
    assert own.evaluate()["modes_covered"] >= 0 and gan(standardise=False).data is own.data


def test_orthogonal_and_uniform_starts(gan):
    nets = gan(start="orthogonal", fourier=0, width_d=16)
    for layer in (*nets.D.net.layers, *nets.G.net.layers):
        w = layer.weight if layer.weight.shape[0] <= layer.weight.shape[1] else layer.weight.T
        assert_close(w @ w.T, 1.96 * torch.eye(len(w)), rtol=0, atol=1e-5)
        assert not layer.bias.any()
    for layer in gan(start="uniform", width_d=64).D.net.layers:
        bound = layer.in_features**-0.5
        assert 0.9 * bound < layer.weight.abs().max() <= bound and 0 < layer.bias.abs().max() <= bound


def test_kernels_start_as_spread_as_asked(gan):
    settings = dict(minibatch_discrimination=32, minibatch_dims=16, width_d=64)
    for spread in (0.35, 1.0):
        T = gan(**settings, minibatch_spread=spread).D.minibatch.T.weight
        assert T.shape == (512, 64) and T.std().item() == pytest.approx(spread / 8, rel=0.02)
    assert gan(**settings, minibatch_reduce="sum").D.minibatch.times == 31
    assert gan(**settings, minibatch_reduce="sum", pack=2).D.minibatch.times == 15


def test_clipping_holds_biases_too(gan):
    engine = train(gan(objective="wgan", clip=0.05, start="uniform", optimiser="rmsprop", lr_d=0.05), 3)
    largest = {name: w.abs().max().item() for name, w in engine.D.named_parameters()}
    assert any(name.endswith("bias") for name in largest) and all(v < 0.0501 for v in largest.values())
    assert max(v for name, v in largest.items() if name.endswith("bias")) == pytest.approx(0.05)


def test_rmsprop_is_torchs(gan):
    """Ten updates of D alone; RMSProp of the same gradients, written out."""
    engine = gan(objective="non-saturating", optimiser="rmsprop", lr_decay=False, lr_d=1e-3)
    w, v = engine._weights_d[0], torch.zeros_like(engine._weights_d[0])
    for _ in range(10):
        before = w.detach().clone()
        engine.train_step("d")
        v = 0.99 * v + 0.01 * w.grad**2
        assert_close(w.detach(), before - 1e-3 * w.grad / (v.sqrt() + 1e-8), rtol=1e-4, atol=1e-6)


def test_rates_fall_from_where_they_are_told():
    c = from_dict(Config, dict(lr_decay=True, steps=100, decay_from=0.0, decay_to=0.0))
    assert [rate_factor(c, step, 100) for step in (0, 25, 100)] == pytest.approx([1.0, 0.75, 0.0])
    half = from_dict(Config, {})
    assert [rate_factor(half, step, 100) for step in (0, 50, 75, 99, 100, 130)] == pytest.approx([1, 1, 0.5, 0.02, 0.02, 0.02])
    assert rate_factor(from_dict(Config, dict(lr_decay=False)), 90, 100) == 1


def test_several_steps_of_d_see_fresh_examples(gan, monkeypatch):
    engine, seen = gan(n_critic=5, objective="non-saturating"), []
    deal = engine._deal
    monkeypatch.setattr(engine, "_deal", lambda keep_graph: seen.append(deal(keep_graph)) or seen[-1])
    engine.train_step()
    assert len(seen) == 5 and len({tuple(d.real[0].tolist()) for d in seen}) == 5 and len({tuple(d.z[0].tolist()) for d in seen}) == 5


@pytest.mark.parametrize("settings", [dict(activation="relu"), dict(activation="tanh"), dict(in_scale=2.0), dict(optimiser="rmsprop")])
def test_the_compiled_twin_leaves_to_torch_what_it_does_not_know(settings):
    assert not covers(resolve({"dataset": "ring8", **settings}))


def test_looking_ahead_costs_less_than_steering(gan):
    steered, seen = (cost(gan(unroll=5, unroll_gradient=on).config) for on in (True, False))
    assert seen.flop_per_step < steered.flop_per_step and seen.bytes < steered.bytes
    few, many = (cost(gan(minibatch_discrimination=k).config).flop_per_step for k in (1, 32))
    assert few < many


def test_networks_do_not_touch_the_global_stream():
    state = torch.get_rng_state()
    c = from_dict(Config, dict(ROWS["hop"].settings))
    build_networks(c, GanEngine(c).info, Rng(1, ("init",))["init"])
    assert torch.equal(state, torch.get_rng_state())


def test_the_recorded_table_is_of_the_rows_as_they_are():
    """What the page shows before anything is trained: same settings, as many values as seeds, and who made it."""
    record = json.loads((Path(__file__).parents[2] / "assets" / "recordings" / "gan-fixes.json").read_text())
    assert record["command"] and record["engine"] and record["n"] == 2_000
    shown = [key for key, row in ROWS.items() if row.shown]
    assert set(shown) <= set(record["rows"]) <= set(ROWS)
    for key, row in record["rows"].items():
        expected = {k: v for k, v in to_dict(from_dict(Config, dict(ROWS[key].settings))).items() if k != "seed"}
        assert row["settings"] == expected and row["title"] == ROWS[key].title and row["steps"] == expected["steps"]
        assert all(len(row[name]) == len(row["seeds"]) >= 10 for name in ("modes_covered", "wide_modes", "share_kl"))
    for group in ("hop", "two", "one"):  # the fix is told from the plain game on the seeds that both have
        fix = next(k for k in shown if ROWS[k].group == group and ROWS[k].role == "fix")
        a, b = (dict(zip(record["rows"][k]["seeds"], record["rows"][k]["wide_modes"], strict=True)) for k in (group, fix))
        gained, lost = (sum(x[s] == 8 > y[s] for s in a.keys() & b.keys()) for x, y in ((b, a), (a, b)))
        assert gained >= 8 and lost == 0
