"""The tables of fixes and of image presets, on runs of a few steps."""

import json
import math

import pytest
from PIL import Image

from benchmarks import gan_images
from benchmarks.gan_fixes import BASE, FIXES, interval, summary, table
from engines.gan.config import PRESETS, resolve


@pytest.mark.parametrize("name", FIXES)
def test_every_fix_fits_the_preset(name):
    config = resolve({**PRESETS["collapse"].settings, **FIXES[name]})
    plain = resolve(PRESETS["collapse"].settings)
    assert (config.lr_g, config.batch, config.depth_g, config.width_d) == (plain.lr_g, plain.batch, plain.depth_g, plain.width_d)


def test_the_table_has_both_budgets_for_every_fix():
    rows = list(table(["pack 2"], range(2), steps=4, seconds=None))
    runs, lines = [r for r in rows if "seed" in r], [r for r in rows if "seeds" in r]
    assert [(r["fix"], r["budget"]) for r in lines] == [(BASE, "steps"), (BASE, "seconds"), ("pack 2", "steps"), ("pack 2", "seconds")]
    assert len(runs) == 6 and all(r["steps"] == 4 for r in runs if r["budget"] == "steps")
    assert all(line["seeds"] == 2 and line["lost"] == 0 for line in lines)
    json.dumps(rows)


def test_intervals():
    """t(0.975, 2) = 4.303; of 1, 2, 3 the standard error is 1/√3."""
    mean, half = interval([1.0, 2.0, 3.0, math.nan])
    assert (mean, half) == pytest.approx((2.0, 4.303 / math.sqrt(3)), abs=1e-3)
    assert math.isnan(interval([1.0])[1]) and math.isnan(interval([math.nan])[0])


def test_a_lost_run_is_counted():
    row = {"modes_covered": 8.0, "hq_fraction": 0.9, "reverse_kl": math.nan, "sliced_w1": 0.1, "seconds": 1.0, "steps": 10}
    line = summary("x", "steps", [row, {**row, "modes_covered": 1.0, "lost": "the loss of D is not a number at step 10"}])
    assert (line["lost"], line["all modes"], line["at most 2"], line["modes_covered"]) == (1, 1, 1, 4.5)


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
