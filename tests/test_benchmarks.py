"""The table of fixes, on runs of a few steps."""

import json
import math

import pytest

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
