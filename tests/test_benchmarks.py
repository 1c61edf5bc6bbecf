"""The figures of the GAN, tables of fixes and of image presets, on runs of a few steps."""

import json
import math
from dataclasses import replace

import pytest
import torch
from PIL import Image
from pytest import approx
from torch.testing import assert_close

from benchmarks import gan_fixes, gan_images, gan_quality
from benchmarks.gan_fixes import BASE, FIXES, ROWS, TUNED, configured, interval, run, runs, summary, table
from benchmarks.stacked import Stacked
from engines.gan.config import PRESETS, resolve
from engines.gan.engine import GanEngine

PLAIN = PRESETS["collapse"].settings


@pytest.mark.parametrize("name", FIXES)
def test_every_fix_fits_the_preset(name):
    config, plain = resolve({**PLAIN, **FIXES[name]}), resolve(PLAIN)
    assert (config.lr_g, config.batch, config.depth_g, config.width_d) == (plain.lr_g, plain.batch, plain.depth_g, plain.width_d)


@pytest.mark.parametrize("name", TUNED)
def test_a_tuned_fix_stands_beside_the_plain_game_with_the_same_change(name):
    """Rates, schedule, batch and features of a tuned row are those of a row without its fix."""
    shared = ("lr_g", "lr_d", "lr_decay", "batch", "fourier", "n_critic", "beta1")
    off = {"r1": 0, "r2": 0, "gp": 0, "clip": 0, "unroll": 0, "spectral_norm": False, "minibatch_discrimination": 0, "pack": 1}
    off |= {"label_smoothing": 0, "instance_noise": 0, "objective": "non-saturating"}
    plain = [config for config in (resolve({**PLAIN, **s}) for s in ROWS.values()) if all(getattr(config, k) == v for k, v in off.items())]
    assert any(all(getattr(resolve({**PLAIN, **TUNED[name]}), k) == getattr(p, k) for k in shared) for p in plain)


def test_the_table_has_both_budgets_for_every_fix(monkeypatch):
    monkeypatch.setattr(gan_fixes, "prices", lambda names: {name: 0.002 if name == BASE else 0.004 for name in names})
    rows = list(table(["pack 2"], range(2), steps=4))
    made, lines = [r for r in rows if "seed" in r], [r for r in rows if "seeds" in r]
    assert [(r["fix"], r["budget"]) for r in lines] == [(BASE, "steps"), (BASE, "seconds"), ("pack 2", "steps"), ("pack 2", "seconds")]
    assert [r["steps"] for r in made if r["fix"] == "pack 2"] == [4, 4, 2, 2]  # twice the price, half the steps
    assert [r["seconds"] for r in made if r["budget"] == "seconds"] == [0.008] * 4
    assert all(line["seeds"] == 2 and line["lost"] == 0 for line in lines)
    json.dumps(rows)


@pytest.mark.parametrize("settings", [{}, {"instance_noise": 0.5}, {"lr_decay": True}])
@pytest.mark.parametrize("way", ["torch", "stacked"])
def test_the_shorter_run_is_one_of_that_length(settings, way):
    """Measured on the way where nothing depends on the planned length, else a run of its own."""
    both = runs(settings, range(3, 5), {"steps": 12, "seconds": 6}, way)
    for budget, steps in (("steps", 12), ("seconds", 6)):
        (alone,) = run(GanEngine(configured({**settings, "seed": 4}, steps)), [steps])
        assert both[budget][1] == approx(alone, nan_ok=True, abs=0, rel=0 if way == "torch" else 1e-4)


STACKS = {
    "plain": {},
    "spectral": dict(spectral_norm=True),
    "unrolled": dict(unroll=2, unroll_lr=0.1),
    "pack": dict(pack=4),
    "minibatch": dict(minibatch_discrimination=4),
    "noise": dict(instance_noise=0.5),
    "smooth, decaying, two D steps": dict(label_smoothing=0.1, lr_decay=True, n_critic=2),
}


@pytest.mark.parametrize("name", STACKS)
def test_stacked_seeds_train_as_each_alone(name):
    configs = [configured({**STACKS[name], "seed": seed}, 8) for seed in (3, 4)]
    stack, alone = Stacked(configs), [GanEngine(config) for config in configs]
    for _ in range(5):
        stack.train_step()
        for e in alone:
            e.train_step()
    assert stack.hand_back() == [None, None]
    for mine, its in zip(stack.engines, alone, strict=True):
        for a, b in ((mine.G, its.G), (mine.D, its.D), (mine.ema.net, its.ema.net)):
            assert_close(a.state_dict(), b.state_dict(), rtol=1e-4, atol=1e-5)


def test_stacked_seeds_know_what_is_lost_and_what_they_do_not_cover():
    stack = Stacked([configured({"seed": seed}, 8) for seed in (3, 4)])
    with torch.no_grad():
        stack.G["net.layers.0.weight"][1, 0, 0] = torch.nan
    lost = stack.hand_back()
    assert lost[0] is None and lost[1] is not None
    with pytest.raises(ValueError, match="no slope penalties"):
        Stacked([configured({"r1": 0.1}, 8)])


def test_prices_tell_dear_from_cheap(monkeypatch):
    monkeypatch.setattr(gan_fixes, "TURNS", 2)
    price = gan_fixes.prices([BASE, "unrolled, 5"])
    assert 0 < price[BASE] < price["unrolled, 5"]


def test_intervals():
    """t(0.975, 2) = 4.303; of 1, 2, 3 the standard error is 1/√3."""
    mean, half = interval([1.0, 2.0, 3.0, math.nan])
    assert (mean, half) == pytest.approx((2.0, 4.303 / math.sqrt(3)), abs=1e-3)
    assert math.isnan(interval([1.0])[1]) and math.isnan(interval([math.nan])[0])


def test_a_lost_run_is_counted():
    row = {"modes_covered": 8.0, "hq_fraction": 0.9, "reverse_kl": math.nan, "sliced_w1": 0.1, "seconds": 1.0, "steps": 10}
    line = summary("x", "steps", [row, {**row, "modes_covered": 1.0, "lost": "the loss of D is not a number at step 10"}])
    assert (line["lost"], line["all modes"], line["at most 2"], line["modes_covered"]) == (1, 1, 1, 4.5)


def test_quality_reads_the_end_of_a_run_from_the_command_line(monkeypatch, tmp_path):
    monkeypatch.setenv("PLAYGROUND_ENGINE", "torch")
    short = replace(PRESETS["collapse"], settings={**PLAIN, "steps": 6})
    monkeypatch.setitem(gan_quality.PRESETS, "collapse", short)
    row = gan_quality.one(gan_quality.JOBS["collapse"], 5, tmp_path / "run")
    (alone,) = run(GanEngine(configured({"seed": 5}, 6)), [6])
    assert row["step"] == 6 and row["sliced_w1"] == approx(alone["sliced_w1"]) and row["hq_fraction"] == alone["hq_fraction"]
    with pytest.raises(RuntimeError, match="train gan --dataset nowhere"):
        gan_quality.call(["train", "gan", "--dataset", "nowhere", "--out", str(tmp_path / "other")])


# The table of image presets


@pytest.mark.parametrize("job", gan_images.JOBS)
def test_every_image_job_is_a_run(job):
    assert resolve(gan_images.JOBS[job]).dataset in ("mnist", "fashion", "digits")


def test_an_image_run_is_measured_beside_its_floor(tmp_path, monkeypatch):
    monkeypatch.setattr(gan_images, "BURST", 2)
    runs = list(gan_images.table(["digits"], [0.2], range(2), tmp_path))
    for row in runs[:2]:
        assert row["steps"] >= 1 and 0.2 <= row["seconds"] < 2
        assert row["multiple"] == pytest.approx(row["frechet_distance"] / row["floor"], abs=1e-3) and row["multiple"] > 1
        assert sum(row["shares"]) == pytest.approx(1, abs=0.01) and len(row["shares"]) == 10
        with Image.open(tmp_path / f"digits-0.2-seconds-{row['seed']}.png") as grid:
            assert grid.size == (10 * 8 * gan_images.ZOOM, 8 * 8 * gan_images.ZOOM)
    line = runs[2]
    assert line["seeds"] == 2 and line["multiple"] == pytest.approx(sum(r["multiple"] for r in runs[:2]) / 2, abs=1e-3)
    assert line["all classes"] == sum(r["classes_covered"] == 10 for r in runs[:2])
    assert line["least share"] == min(s for r in runs[:2] for s in r["shares"])
    json.dumps(runs)


def test_an_image_run_of_so_many_steps_can_be_repeated():
    first, again = ([r for r in gan_images.table(["digits"], [3, 5], range(1), unit="steps") if "seed" in r] for _ in range(2))
    assert [r["steps"] for r in first] == [3, 5]
    for a, b in zip(first, again, strict=True):
        assert {k: v for k, v in a.items() if k not in ("seconds", "load")} == {k: v for k, v in b.items() if k not in ("seconds", "load")}
