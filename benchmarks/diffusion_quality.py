"""How good a diffusion model is, by CPU second of training. One JSON line per run; then a summary per data set.

    python -m benchmarks.diffusion_quality                              # 2-D: every data set, distillation, orders of the samplers
    python -m benchmarks.diffusion_quality ring8 --seeds 10
    python -m benchmarks.diffusion_quality mnist --seconds 60 --scales 1 1.5 2 --seeds 3
    python -m benchmarks.diffusion_quality mnist --steps 1200           # as many as the seconds of a quiet core give

2-D: the compiled twin with the recommended settings, n = 2,000 samples; their sliced W1 is the mean over eight real sets, since against a
single one even real data of the ring are beyond twice the floor in 3 draws of 100; beside that of one draw of samples stands the mean of
four. Distillation: a student's samples in one step against its teacher's in 50, the same way. Images: the torch engine, the decay of the
rate planned for the seconds or steps, then the judge's Fréchet distance of 1,000 samples in the run's own sampler steps, for each guidance
scale asked for: of the run's own thousand, whose classes come as in the data, and the mean of four others with the classes in turn. Of one
thousand real images the distance has a standard deviation of a tenth of the floor. Runs on latents have two parts, so their length is
given in steps, `--set space=latent --set steps=1050`, and the CPU seconds are reported."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from engines import measures, metrics
from engines.config import parse
from engines.data import DATASETS, kind
from engines.data.toy2d import TOYS
from engines.diffusion import questions as q
from engines.diffusion.answers_distill import grid_of, jumped, taught
from engines.diffusion.config import Config
from engines.diffusion.engine import DiffusionEngine
from engines.diffusion.fused import FusedDiffusion, warm
from engines.diffusion.oracle import exact_denoiser
from engines.diffusion.parameterisations import denoiser
from engines.diffusion.presets import Request, resolve
from engines.diffusion.samplers import SAMPLERS, ddim, final
from engines.diffusion.sampling import sigmas_of_run, to_data
from engines.diffusion.schedules import edm_sigmas
from engines.judge import judge

FIRST_SEED = 3_000  # not among those that the settings were chosen on
DISTILLED = {"progressive": dict(steps=4_000), "consistency": dict(steps=4_000)}
TEACHER_STEPS = 50
DRAWS = 4  # of samples: a single one is far from the data now and then, whatever the model
DETERMINISTIC = ("euler", "ddim", "flow-euler", "heun", "flow-heun", "dpmpp-2m", "unipc")


def trained_2d(settings: dict[str, Any]) -> tuple[FusedDiffusion, float]:
    """A whole run, and the CPU seconds of its training."""
    engine, start = FusedDiffusion(resolve(settings)), time.process_time()
    while engine.step < engine.config.steps:
        engine.train_steps(min(engine.chunk, engine.config.steps - engine.step))
    return engine, time.process_time() - start


def from_data(engine: FusedDiffusion, xy: np.ndarray) -> float:
    """Mean sliced W1 of samples (n, 2) from eight real sets, over the floor at 2,000 samples."""
    floor = engine.backdrop().metrics[metrics.SLICED_W1]
    return float(np.mean([measures.sliced_w1(xy, engine.data.draw(len(xy), 900 + k)) for k in range(8)])) / floor


def run_2d(settings: dict[str, Any]) -> dict[str, float]:
    """One whole run: CPU seconds of training, and what its samples score over the floors."""
    engine, seconds = trained_2d(settings)
    start = time.process_time()
    found = engine.evaluate()
    row = {"seconds": seconds, "sampling": time.process_time() - start}
    draws = []
    for k in range(DRAWS):
        (drawn,) = engine.sample(Request(n=metrics.N_EVALUATE, seed=(settings["seed"] + 1_000 * k) % 10_000))
        draws.append(from_data(engine, drawn.views["samples"][0].xy))  # type: ignore[union-attr]
    row |= {"sw_over_floor": draws[0], f"sw_over_floor, {DRAWS} draws": float(np.mean(draws))}
    kept = (metrics.MODES_COVERED, metrics.HQ_FRACTION, metrics.SCORE_COSINE, metrics.VALIDATION_MSE)
    return row | {name: found[name] for name in kept if name in found}


def run_distilled(method: str, settings: dict[str, Any]) -> dict[str, float]:
    """A student of a finished run: both over the floor, in 1, 2, 4 steps and the teacher in TEACHER_STEPS; `ratio` is the student's one
    step over that."""
    engine, _ = trained_2d(settings)
    asked = q.Distil(method=method, seed=settings["seed"] % 1_000, **DISTILLED[method])
    start = time.process_time()
    *_, student = taught(engine, asked)
    row = {"seconds": time.process_time() - start}
    generator = torch.Generator().manual_seed(settings["seed"])
    eps = torch.randn((metrics.N_EVALUATE, 2), generator=generator)
    teacher = denoiser(engine.ema.net, engine.parameterisation)
    with torch.no_grad():
        for name, k in (("teacher 1", 1), (f"teacher {TEACHER_STEPS}", TEACHER_STEPS)):
            sigmas = sigmas_of_run(engine.config, engine.device, k).float()
            row[name] = from_data(engine, to_data(engine, final(ddim(teacher, eps * (1 + sigmas[0] ** 2).sqrt(), sigmas, None))))
        for k in (1, 2, 4):
            x = jumped(engine, student, asked, eps, None, grid_of(engine, k))
            row[f"student {k}"] = from_data(engine, to_data(engine, x))
    return row | {"ratio": row["student 1"] / row[f"teacher {TEACHER_STEPS}"]}


def orders() -> Iterator[dict[str, Any]]:
    """Each deterministic sampler with the exact denoiser of the grid, from σ 5 to 0.2: mean distance of 40 end points from those of 1,000
    steps of Heun, and the order of convergence that the two finest give."""
    denoise, x = exact_denoiser(TOYS["grid25"]()), torch.randn((40, 2), generator=torch.Generator().manual_seed(0)).double()
    walk = lambda name, n: final(SAMPLERS[name](denoise, 5 * x, torch.from_numpy(edm_sigmas(n, 0.2, 5.0, 7.0)[:-1]), None))  # noqa: E731
    end = walk("heun", 1_000)
    for name in DETERMINISTIC:
        errors = {n: float((walk(name, n) - end).norm(dim=1).mean()) for n in (10, 20, 40, 80, 160)}
        yield {
            "sampler": name,
            "order": round(float(np.log2(errors[80] / errors[160])), 2),
            "error": {n: f"{e:.1e}" for n, e in errors.items()},
        }


def run_images(settings: dict[str, Any], seconds: float, steps: int | None, scales: Sequence[float]) -> dict[str, float]:
    """Training for `seconds` of CPU time, or `steps`, then 1,000 samples before the judge."""
    engine, spent = DiffusionEngine(resolve(settings | {"steps": steps or 200_000})), 0.0
    while engine.step < steps if steps else spent < seconds:
        start = time.process_time()
        engine.train_step()
        spent += time.process_time() - start
        if not steps and spent > 0.02 * seconds:
            engine.total = max(engine.step + 1, int(engine.step * seconds / spent))
    row: dict[str, float] = {"seconds": spent, "steps": engine.step}
    for scale in scales or [engine.config.cfg_scale]:
        engine.config, start = replace(engine.config, cfg_scale=scale), time.process_time()
        found, floors = engine.audit()
        name = f" w={scale:g}" if scales else ""
        row[f"ms per image, audit included{name}"] = time.process_time() - start
        row[f"fd_over_floor, {DRAWS} draws{name}"] = of_draws(engine)
        row[f"fd_over_floor{name}"] = found[metrics.FRECHET_DISTANCE] / floors[metrics.FRECHET_DISTANCE]
        row |= {f"{key}{name}": found[key] for key in (metrics.CONFIDENCE, metrics.CLASSES_COVERED, metrics.RECALL)}
    return row


def of_draws(engine: DiffusionEngine) -> float:
    """Fréchet distance of 1,000 samples, all classes in turn, over the floor: the mean of DRAWS."""
    seen, distances = judge(engine.config.dataset), []
    assert seen is not None
    for k in range(DRAWS):
        (drawn,) = engine.sample(Request(n=metrics.N_IMAGES, seed=(engine.config.seed + 1_000 * (k + 1)) % 10_000))
        distances.append(seen.report(drawn.views["samples"][0].pixels)[metrics.FRECHET_DISTANCE])  # type: ignore[union-attr]
    return float(np.mean(distances)) / seen.floor


def summarised(title: dict[str, Any], rows: Sequence[dict[str, float]]) -> None:
    table = {name: [row[name] for row in rows] for name in rows[0]}
    summary = {name: [round(float(f(v)), 4) for f in (np.mean, np.min, np.max)] for name, v in table.items()}
    print(json.dumps(title | {"n": len(rows), "mean, min, max": summary}), flush=True)


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
        row[f"fd_over_floor, {DRAWS} draws" + name] = of_draws(engine)
        row["confidence" + name] = found[metrics.CONFIDENCE]
    return row | {"classes": found[metrics.CLASSES_COVERED]}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=FIRST_SEED)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--scales", type=float, nargs="*", default=[])
    parser.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    warm()
    knobs = dict(parse(Config, text) for text in args.set)
    seeds = range(args.first, args.first + args.seeds)

    def measured(title: dict[str, Any], dataset: str, run: Any) -> None:
        rows = []
        for seed in seeds:
            rows.append(run({"dataset": dataset, "seed": seed} | knobs))
            print(json.dumps(title | {"seed": seed} | {k: round(v, 4) for k, v in rows[-1].items()}), flush=True)
        summarised(title, rows)

    for dataset in args.datasets or [d.key for d in DATASETS.values() if d.kind == "2d"]:
        of_images = run_latent if knobs.get("space") == "latent" else lambda s: run_images(s, args.seconds, args.steps, args.scales)
        run = run_2d if kind(dataset) == "2d" else of_images
        measured({"dataset": dataset}, dataset, run)
    if not args.datasets:
        for method in DISTILLED:
            measured({"dataset": "ring8", "distilled": method}, "ring8", lambda s, m=method: run_distilled(m, s))
        for row in orders():
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
