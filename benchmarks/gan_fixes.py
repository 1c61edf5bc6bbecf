"""The honest table of fixes: the preset that collapses, with one fix at a time, on the same seeds, at equal generator steps and at
equal seconds of one core.

python -m benchmarks.gan_fixes [NAME …] [--seeds 10] [--first 300] [--seconds S] [--steps N]

One JSON object a line: each run, then for each fix and budget the means with 95 % intervals over the seeds. Budget "steps" gives all
the steps of the preset; budget "seconds" gives all what the preset without a fix takes for these (or S), by each one's own time per
step, so that a dear fix makes fewer. Seconds are CPU time of training alone."""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from engines import metrics
from engines.core import Diverged
from engines.gan.config import PRESETS
from engines.loop import Means, Watch
from engines.registry import FAMILIES

BASE = "no fix"
FIXES: dict[str, dict[str, Any]] = {
    BASE: {},
    "R1 + R2": dict(r1=0.1, r2=0.1),
    "R1": dict(r1=0.3),
    "R3GAN": dict(objective="r3gan", r1=0.1, r2=0.1),
    "WGAN-GP, 0.1": dict(objective="wgan-gp", gp=0.1),
    "WGAN-GP, 10": dict(objective="wgan-gp", gp=10.0),
    "WGAN, clipped": dict(objective="wgan", clip=0.1),
    "spectral norm": dict(spectral_norm=True),
    "spectral norm, hinge": dict(objective="hinge", spectral_norm=True),
    "unrolled, 5": dict(unroll=5),
    "unrolled, 10": dict(unroll=10),
    "minibatch, 8": dict(minibatch_discrimination=8),
    "minibatch, 32": dict(minibatch_discrimination=32),
    "pack 2": dict(pack=2),
    "pack 4": dict(pack=4),
    "label smoothing": dict(label_smoothing=0.1),
    "instance noise, 0.5": dict(instance_noise=0.5),
    "instance noise, 1": dict(instance_noise=1.0),
    # a second plain game, less collapsed, in which D is smooth: what the milder fixes add there
    "no Fourier features": dict(fourier=0),
    "no Fourier, unrolled 5": dict(fourier=0, unroll=5),
    "no Fourier, minibatch 8": dict(fourier=0, minibatch_discrimination=8),
    "no Fourier, pack 4": dict(fourier=0, pack=4),
}
MEASURED = (metrics.MODES_COVERED, metrics.HQ_FRACTION, metrics.REVERSE_KL, metrics.SLICED_W1)
LOOK = 50  # steps between checks for divergence


def run(settings: dict[str, Any], steps: int) -> dict[str, Any]:
    """Train once and measure: {metric: value, "seconds", "steps"}. A run that diverges is measured where it was lost."""
    family = FAMILIES["gan"]
    engine: Any = family.build(family.resolve({**PRESETS["collapse"].settings, **settings, "steps": steps}))
    watch, means, seconds, lost = Watch(), Means(), 0.0, None
    while engine.step < steps and lost is None:
        started = time.thread_time()
        for _ in range(min(LOOK, steps - engine.step)):
            means.add(engine.train_step())
        seconds += time.thread_time() - started
        try:
            watch.look(engine, means.take())
        except Diverged as error:
            lost = str(error)
    scores = engine.evaluate()
    return {"steps": engine.step, "seconds": round(seconds, 3), **{name: scores[name] for name in MEASURED}} | (
        {"lost": lost} if lost else {}
    )


def interval(values: list[float]) -> tuple[float, float]:
    """Mean and half width of its 95 % t-interval; NaN without two finite values."""
    from scipy import stats  # comes with scikit-learn

    finite = [v for v in values if math.isfinite(v)]
    if len(finite) < 2:
        return (finite[0] if finite else math.nan), math.nan
    return float(np.mean(finite)), float(stats.t.ppf(0.975, len(finite) - 1) * stats.sem(finite))


def summary(name: str, budget: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One line of the table."""
    line: dict[str, Any] = {"fix": name, "budget": budget, "seeds": len(rows), "lost": sum("lost" in r for r in rows)}
    for key in (*MEASURED, "seconds", "steps"):
        mean, half = interval([r[key] for r in rows])
        line |= {key: mean, f"{key} ±": half}
    line["all modes"] = sum(r[metrics.MODES_COVERED] == 8 for r in rows)
    line["at most 2"] = sum(r[metrics.MODES_COVERED] <= 2 for r in rows)
    return line


def table(names: list[str], seeds: range, steps: int, seconds: float | None) -> Iterator[dict[str, Any]]:
    """Every run and every summary, in the order in which they are made. The plain preset comes first: it sets the seconds."""
    for name in [BASE, *(n for n in names if n != BASE)]:
        by_steps = []
        for seed in seeds:
            by_steps.append(run({**FIXES[name], "seed": seed}, steps))
            yield {"fix": name, "budget": "steps", "seed": seed, **by_steps[-1]}
        yield summary(name, "steps", by_steps)
        spent = float(np.median([r["seconds"] / r["steps"] for r in by_steps]))  # per step
        if seconds is None:  # what the plain preset takes: its runs are the ones just made
            seconds = spent * steps
            yield summary(name, "seconds", by_steps)
            continue
        by_seconds = []
        for seed in seeds:
            by_seconds.append(run({**FIXES[name], "seed": seed}, max(1, round(seconds / spent))))
            yield {"fix": name, "budget": "seconds", "seed": seed, **by_seconds[-1]}
        yield summary(name, "seconds", by_seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description="One fix at a time on the preset that collapses.")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(FIXES)}; default all")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=None)
    parser.add_argument("--steps", type=int, default=PRESETS["collapse"].settings["steps"])
    args = parser.parse_args()
    if unknown := [n for n in args.names if n not in FIXES]:
        parser.error(f"{unknown[0]} is not one of {', '.join(FIXES)}")
    import torch

    torch.set_num_threads(1)
    for row in table(args.names or list(FIXES), range(args.first, args.first + args.seeds), args.steps, args.seconds):
        values = {k: (None if isinstance(v, float) and not math.isfinite(v) else v) for k, v in row.items()}
        print(json.dumps(values, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
