"""The honest table of fixes: the preset that collapses, with one fix at a time, on the same seeds, at equal generator steps and at
equal seconds of one core.

python -m benchmarks.gan_fixes [NAME …] [--seeds 10] [--first 300] [--steps N] [--fast] [--short]

One JSON object a line: what a step of each fix costs, each run, then for each fix the means with 95 % intervals over the seeds under
both budgets. "steps" gives every fix all the steps of the preset; "seconds" what the preset without a fix takes for these, so that a
dear fix makes fewer. Seconds are always the torch engine's. It
also trains every row, unless --fast: then the compiled twin trains what it covers, from the same weights with random streams of its own,
and of all else the torch networks of all seeds are trained at once, stacked. --short: three seeds of the plain preset and of one cure."""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.stacked import Stacked
from engines import metrics
from engines.core import Diverged
from engines.gan.config import PRESETS, Config, resolve
from engines.gan.engine import GanEngine
from engines.gan.fused import FusedGan, covers
from engines.loop import advance

BASE = "no fix"
FIXES: dict[str, dict[str, Any]] = {  # networks, rates and batch of the preset
    BASE: {},
    "R1 + R2": dict(r1=0.1, r2=0.1),
    "R1": dict(r1=0.3),
    "R3GAN": dict(objective="r3gan", r1=0.1, r2=0.1),
    "R3GAN, hardly penalised": dict(objective="r3gan", r1=1e-6, r2=1e-6),
    "WGAN-GP, 0.1": dict(objective="wgan-gp", gp=0.1),
    "WGAN-GP, 10": dict(objective="wgan-gp", gp=10.0),
    "WGAN, clipped": dict(objective="wgan", clip=0.1),
    "spectral norm": dict(spectral_norm=True),
    "spectral norm, hinge": dict(objective="hinge", spectral_norm=True),
    "unrolled, 5": dict(unroll=5, unroll_by="descent"),
    "minibatch, 8": dict(minibatch_discrimination=8),
    "pack 2": dict(pack=2),
    "pack 4": dict(pack=4),
    "label smoothing": dict(label_smoothing=0.1),
    "instance noise, 0.5": dict(instance_noise=0.5),
    "instance noise, 1": dict(instance_noise=1.0),
}
# Settings found for each fix on seeds from 9,000; the plain game with the same change stands beside each.
_CRITIC = dict(n_critic=5, lr_d=1e-3)
TUNED: dict[str, dict[str, Any]] = {
    "no fix, G 0.001": dict(lr_g=1e-3),
    "R1, 1, G 0.001": dict(lr_g=1e-3, r1=1.0),
    "instance noise, 0.5, G 0.001": dict(lr_g=1e-3, instance_noise=0.5),
    "no fix, D 0.001": dict(lr_d=1e-3),
    "pack 4, D 0.001": dict(lr_d=1e-3, pack=4),
    "no fix, both 0.001": dict(lr_g=1e-3, lr_d=1e-3),
    "label smoothing, both 0.001": dict(lr_g=1e-3, lr_d=1e-3, label_smoothing=0.1),
    "no fix, 5 D steps at 0.001": _CRITIC,
    "WGAN-GP, 10, 5 D steps at 0.001": _CRITIC | dict(objective="wgan-gp", gp=10.0),
    "WGAN, clipped at 0.03, 5 D steps at 0.001": _CRITIC | dict(objective="wgan", clip=0.03),
    "no Fourier features": dict(fourier=0),
    "no Fourier, spectral norm, hinge": dict(fourier=0, objective="hinge", spectral_norm=True),
    "no Fourier, unrolled, 5": dict(fourier=0, unroll=5, unroll_by="descent"),
    "no Fourier, minibatch, 8": dict(fourier=0, minibatch_discrimination=8),
    "no Fourier, pack 2": dict(fourier=0, pack=2),
}
ROWS = FIXES | TUNED
MEASURED = (metrics.MODES_COVERED, metrics.HQ_FRACTION, metrics.REVERSE_KL, metrics.SLICED_W1)
BUDGETS = ("steps", "seconds")
LOOK = 500  # steps between checks that it has not diverged
SAME = 0.1  # prices that differ by less are taken as equal: they cannot be measured more finely on a shared machine
TURNS, TURN = 12, 10  # rounds of so many steps, by which the price of a step is measured


def configured(settings: dict[str, Any], steps: int) -> Config:
    """The preset with other settings."""
    return resolve({**PRESETS["collapse"].settings, **settings, "steps": steps})


def prices(names: list[str]) -> dict[str, float]:
    """Seconds of one core per step of each row. All take turns, and the fastest turn counts: other work on the machine only adds."""
    engines = {name: GanEngine(configured(ROWS[name], TURN * (TURNS + 1))) for name in names}
    best = dict.fromkeys(names, math.inf)
    for turn in range(TURNS + 1):
        for name, e in engines.items():
            started = time.thread_time()
            for _ in range(TURN):
                e.train_step()
            if turn:  # the first warms up
                best[name] = min(best[name], (time.thread_time() - started) / TURN)
    return best


def run(e: GanEngine, stops: list[int]) -> list[dict[str, Any]]:
    """Train one engine and measure at each of `stops`, which rise. A run that diverges is measured where it was lost."""
    lost, found = None, []
    for stop in stops:
        if lost is None:
            try:
                for _ in advance(e, steps=stop - e.step, every=LOOK, evaluate_every=stop):
                    pass
            except Diverged as error:
                lost = str(error)
        found.append(measured(e, lost))
    return found


def measured(e: GanEngine, lost: str | None) -> dict[str, Any]:
    scores = e.evaluate()
    return {"steps": e.step, **{name: scores[name] for name in MEASURED}} | ({"lost": lost} if lost else {})


def together(configs: list[Config], stops: list[int]) -> list[list[dict[str, Any]]]:
    """As `run`, the seeds of one row stacked: [seed][stop]."""
    stack = Stacked(configs)
    found: list[list[dict[str, Any]]] = [[] for _ in configs]
    for stop in stops:
        while stack.step < stop:
            stack.train_step()
        for e, lost, rows in zip(stack.engines, stack.hand_back(), found, strict=True):
            rows.append(measured(e, lost))
    return found


def runs(settings: dict[str, Any], seeds: range, lengths: dict[str, int], way: str = "torch") -> dict[str, list[dict[str, Any]]]:
    """budget -> one run per seed of so many steps. Where nothing depends on the planned length, the shorter run is the beginning of the
    longer."""
    stops = sorted(set(lengths.values()))
    config = configured(settings, 1)
    cuts = [[stop] for stop in stops] if config.lr_decay or config.instance_noise else [stops]
    found: dict[int, list[dict[str, Any]]] = {}
    for cut in cuts:
        configs = [configured({**settings, "seed": seed}, cut[-1]) for seed in seeds]
        if way == "stacked":
            by_seed = together(configs, cut)
        else:
            by_seed = [run(FusedGan(c) if way == "twin" else GanEngine(c), cut) for c in configs]
        found |= dict(zip(cut, map(list, zip(*by_seed, strict=True)), strict=True))
    return {budget: found[steps] for budget, steps in lengths.items()}


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


def table(names: list[str], seeds: range, steps: int, fast: bool = False) -> Iterator[dict[str, Any]]:
    """Prices, every run and every summary, in the order in which they are made; the plain preset, which sets the seconds, comes first."""
    names = [BASE, *(n for n in names if n != BASE)]
    price = prices(names)
    for name in names:
        share = price[BASE] / price[name]
        lengths = {"steps": steps, "seconds": steps if abs(share - 1) < SAME else max(1, round(steps * share))}
        way = "torch" if not fast else "twin" if covers(configured(ROWS[name], steps)) else "stacked"
        yield {"fix": name, "ms per step": round(1e3 * price[name], 3), "price": round(1 / share, 2), "engine": way}
        for budget, rows in runs(ROWS[name], seeds, lengths, way).items():
            for seed, row in zip(seeds, rows, strict=True):
                row = {**row, "seconds": row["steps"] * price[name]}
                yield {"fix": name, "budget": budget, "seed": seed, **row}
            yield summary(name, budget, [{**row, "seconds": row["steps"] * price[name]} for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(description="One fix at a time on the preset that collapses.")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(ROWS)}; default all")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=300)
    parser.add_argument("--steps", type=int, default=PRESETS["collapse"].settings["steps"])
    parser.add_argument("--fast", action="store_true", help="the compiled twin, or all seeds at once")
    parser.add_argument("--short", action="store_true", help="three seeds of two rows")
    args = parser.parse_args()
    if unknown := [n for n in args.names if n not in ROWS]:
        parser.error(f"{unknown[0]} is not one of {', '.join(ROWS)}")
    import torch

    torch.set_num_threads(1)
    names, count = (["R1 + R2"], 3) if args.short else (args.names or list(ROWS), args.seeds)
    for row in table(names, range(args.first, args.first + count), args.steps, args.fast):
        values = {k: (None if isinstance(v, float) and not math.isfinite(v) else v) for k, v in row.items()}
        print(json.dumps(values, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
