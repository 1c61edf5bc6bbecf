"""How good a diffusion model is, by CPU second of training: `python -m benchmarks.diffusion_quality ring8 grid25 --seeds 10`, on images
`python -m benchmarks.diffusion_quality mnist --seconds 60`. One JSON line per run; then a summary per data set.

2-D: the compiled twin with the recommended settings, n = 2,000 samples; their sliced W1 is the mean over eight real sets, since against a
single one even real data of the ring are beyond twice the floor in 3 draws of 100. Images: the torch engine until the seconds are spent,
the decay of the rate planned for them, then the judge's Fréchet distance of 1,000 samples in the run's own sampler steps. Runs on latents
have two parts, so their length is given in steps, `--set space=latent --set steps=1050`, and the CPU seconds are reported."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from engines import metrics
from engines.config import parse
from engines.data import kind
from engines.diffusion.config import Config
from engines.diffusion.engine import DiffusionEngine
from engines.diffusion.fused import FusedDiffusion, warm
from engines.diffusion.presets import Request, resolve

FIRST_SEED = 3_000  # not among those that the settings were chosen on


def run_2d(settings: dict[str, Any]) -> dict[str, float]:
    """One whole run: CPU seconds of training, and what its samples score over the floors."""
    engine = FusedDiffusion(resolve(settings))
    start = time.process_time()
    while engine.step < engine.config.steps:
        engine.train_steps(min(engine.chunk, engine.config.steps - engine.step))
    trained = time.process_time()
    found = engine.evaluate()
    row = {"seconds": trained - start, "sampling": time.process_time() - trained}
    (drawn,) = engine.sample(Request(n=metrics.N_EVALUATE, seed=settings["seed"]))
    xy, floor = drawn.views["samples"][0].xy, engine.backdrop().metrics[metrics.SLICED_W1]  # type: ignore[union-attr]
    row["sw_over_floor"] = float(np.mean([metrics.sliced_w1(xy, engine.data.draw(len(xy), 900 + k)) for k in range(8)])) / floor
    kept = (metrics.MODES_COVERED, metrics.HQ_FRACTION, metrics.SCORE_COSINE, metrics.VALIDATION_MSE)
    return row | {name: found[name] for name in kept if name in found}


def run_images(settings: dict[str, Any], seconds: float) -> dict[str, float]:
    """Training for `seconds` of CPU time, then 1,000 samples before the judge."""
    engine, spent = DiffusionEngine(resolve(settings | {"steps": 200_000})), 0.0
    while spent < seconds:
        start = time.process_time()
        engine.train_step()
        spent += time.process_time() - start
        if spent > 0.02 * seconds:
            engine.total = max(engine.step + 1, int(engine.step * seconds / spent))
    start = time.process_time()
    found, floors = engine.audit()
    row = {"seconds": spent, "steps": engine.step, "sampling": time.process_time() - start}
    row["fd_over_floor"] = found[metrics.FRECHET_DISTANCE] / floors[metrics.FRECHET_DISTANCE]
    return row | {name: found[name] for name in (metrics.FRECHET_DISTANCE, metrics.CONFIDENCE, metrics.CLASSES_COVERED, metrics.RECALL)}


def run_latent(settings: dict[str, Any]) -> dict[str, float]:
    """A whole run in two parts; then 1,000 samples before the judge, guided as the run says and not guided."""
    engine, row = DiffusionEngine(resolve(settings)), {}
    assert engine.latent is not None
    for part, end in (("autoencoder", engine.latent.first), ("denoiser", engine.config.steps)):
        start = time.process_time()
        while engine.step < end:
            engine.train_step()
        row[part] = time.process_time() - start
    row |= {"seconds": row["autoencoder"] + row["denoiser"], "steps": engine.step}
    for name, scale in (("", engine.config.cfg_scale), (" unguided", 1.0)):
        engine.set(cfg_scale=scale)
        start = time.process_time()
        list(engine.sample(Request(n=metrics.N_IMAGES)))
        row["ms an image" + name] = (time.process_time() - start) / metrics.N_IMAGES * 1e3
        found, floors = engine.audit()
        row["fd_over_floor" + name] = found[metrics.FRECHET_DISTANCE] / floors[metrics.FRECHET_DISTANCE]
        row["confidence" + name] = found[metrics.CONFIDENCE]
    return row | {"classes": found[metrics.CLASSES_COVERED]}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="+")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=FIRST_SEED)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    warm()
    for dataset in args.datasets:
        rows = []
        for seed in range(args.first, args.first + args.seeds):
            settings = {"dataset": dataset, "seed": seed} | dict(parse(Config, text) for text in args.set)
            of_latents = settings.get("space") == "latent"
            run = run_2d if kind(dataset) == "2d" else run_latent if of_latents else lambda s: run_images(s, args.seconds)
            rows.append(run(settings))
            print(json.dumps({"dataset": dataset, "seed": seed} | {k: round(v, 4) for k, v in rows[-1].items()}), flush=True)
        table = {name: [row[name] for row in rows] for name in rows[0]}
        summary = {name: [round(float(f(v)), 4) for f in (np.mean, np.min, np.max)] for name, v in table.items()}
        print(json.dumps({"dataset": dataset, "n": len(rows), "mean, min, max": summary}), flush=True)


if __name__ == "__main__":
    main()
