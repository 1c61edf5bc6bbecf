"""What the image presets reach in a given time of one core, over several seeds: the section "MNIST" of RESULTS.md.

python -m benchmarks.gan_images [JOB …] [--seconds 30 60 | --steps 1100 2200] [--seeds 3] [--first 0] [--grids FOLDER]

One JSON object a line: each run at each budget, then for each job and budget the means with 95 % t-intervals over the seeds. Training
and measuring are those of `python -m engines train gan --seconds S` and `evaluate`. Seconds are CPU time of training alone; "load" is the
machine's load when it was measured. Every distance stands beside its floor, what real training images score."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gan_fixes import interval
from engines import metrics
from engines.gan.config import PRESETS, Request
from engines.loop import Watch
from engines.registry import FAMILIES

JOBS: dict[str, dict[str, Any]] = {
    "mnist": dict(PRESETS["mnist"].settings),
    "mnist-warm": dict(PRESETS["mnist-warm"].settings),
    "mnist-unlabelled": dict(PRESETS["mnist-unlabelled"].settings),
    "fashion": dict(dataset="fashion"),
    "digits": dict(PRESETS["digits"].settings),
}
MEASURED = (metrics.FRECHET_DISTANCE, metrics.CONFIDENCE, metrics.CLASSES_COVERED, metrics.CLASS_BALANCE)
SUMMED = ("steps", metrics.FRECHET_DISTANCE, "multiple", metrics.CONFIDENCE, metrics.CLASSES_COVERED)
BURST = 10  # steps between two looks at the clock
ZOOM, COLUMNS = 3, 10


def run(
    settings: dict[str, Any], budgets: list[float], seed: int, unit: str = "seconds"
) -> Iterator[tuple[float, dict[str, Any], np.ndarray]]:
    """Train, and measure at each budget, in "seconds" or "steps": (budget, measurements, images on the stage). With falling rates, which
    are planned for one length, a budget is a run of its own."""
    family = FAMILIES["gan"]
    config = family.resolve({**settings, "seed": seed})
    for group in [[b] for b in budgets] if config.lr_decay else [sorted(budgets)]:
        engine: Any = family.build(config)
        floors, spent = engine.backdrop().metrics, 0.0
        for budget in group:
            if unit == "steps":
                engine.total = int(budget)
            while (spent if unit == "seconds" else engine.step) < budget:
                started = time.thread_time()
                for _ in range(BURST if unit == "seconds" else 1):
                    engine.train_step()
                spent += time.thread_time() - started
                if unit == "seconds":
                    engine.total = max(engine.step + 1, int(engine.step * budget / spent))
            yield budget, {"seconds": round(spent, 2), **measured(engine, floors)}, engine.look()["stage"][0].pixels


def measured(engine: Any, floors: Mapping[str, float]) -> dict[str, Any]:
    """The evaluation of the command line, the distance as a multiple of its floor, the share of each class among 1,000 samples."""
    Watch().look(engine, {})
    scores, floor = engine.evaluate(), floors[metrics.FRECHET_DISTANCE]
    *_, drawn = engine.sample(Request(n=1_000, seed=engine.config.seed))
    shares = engine.probe.judge.shares(drawn.views["samples"][0].pixels)
    return {
        "steps": engine.step,
        "load": round(os.getloadavg()[0], 1),
        **{name: round(float(scores[name]), 4) for name in MEASURED},
        "floor": round(floor, 4),
        "multiple": round(scores[metrics.FRECHET_DISTANCE] / floor, 3),
        "shares": [round(float(s), 3) for s in shares],
    }


def summary(job: str, seconds: float, found: list[dict[str, Any]]) -> dict[str, Any]:
    """One line of the table."""
    line: dict[str, Any] = {"job": job, "budget": seconds, "seeds": len(found)}
    for key in SUMMED:
        mean, half = interval([r[key] for r in found])
        line |= {key: round(mean, 3), f"{key} ±": round(half, 3)}
    shares = [s for r in found for s in r["shares"]]
    classes = len(found[0]["shares"])
    return line | {"all classes": sum(r[metrics.CLASSES_COVERED] == classes for r in found), "least share": min(shares)}


def table(
    jobs: list[str], budgets: list[float], seeds: range, grids: Path | None = None, unit: str = "seconds"
) -> Iterator[dict[str, Any]]:
    """Every run and every summary, in the order in which they are made."""
    for job in jobs:
        found: dict[float, list[dict[str, Any]]] = {budget: [] for budget in budgets}
        for seed in seeds:
            for budget, row, pixels in run(JOBS[job], budgets, seed, unit):
                found[budget].append(row)
                yield {"job": job, "budget": budget, "seed": seed, **row}
                if grids:
                    draw(pixels, grids / f"{job}-{budget:g}-{unit}-{seed}.png")
        for budget, its in found.items():
            yield summary(job, budget, its)


def draw(pixels: np.ndarray, path: Path) -> None:
    """Images (n, c, h, w) in [−1, 1] as one PNG, ten in a row."""
    from PIL import Image

    n, c, h, w = pixels.shape
    lines = n // COLUMNS
    tiled = pixels[: lines * COLUMNS].reshape(lines, COLUMNS, c, h, w).transpose(0, 3, 1, 4, 2).reshape(lines * h, COLUMNS * w, c)
    grey = ((tiled + 1) * 127.5).round().astype(np.uint8)
    picture = Image.fromarray(grey[..., 0] if c == 1 else grey)
    picture.resize((picture.width * ZOOM, picture.height * ZOOM), Image.Resampling.NEAREST).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Image presets at equal seconds of one core.")
    parser.add_argument("jobs", nargs="*", help=f"of {', '.join(JOBS)}; default all")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, nargs="+", default=[30.0, 60.0])
    length.add_argument("--steps", type=float, nargs="+", help="in place of seconds: the same runs on a busy machine as on a quiet one")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--grids", type=Path, default=None)
    args = parser.parse_args()
    if unknown := [job for job in args.jobs if job not in JOBS]:
        parser.error(f"{unknown[0]} is not one of {', '.join(JOBS)}")
    import torch

    torch.set_num_threads(1)
    if args.grids:
        args.grids.mkdir(parents=True, exist_ok=True)
    seeds, unit = range(args.first, args.first + args.seeds), "steps" if args.steps else "seconds"
    for row in table(args.jobs or list(JOBS), args.steps or args.seconds, seeds, args.grids, unit):
        values = {k: (None if v != v else v) for k, v in row.items()}
        print(json.dumps(values, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
