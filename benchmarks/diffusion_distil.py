"""Few-step cures, measured: a student of a finished run against its teacher, by number of steps.

    python -m benchmarks.diffusion_distil ring                        # each seed with a run of its own: sliced W1 over the floor
    python -m benchmarks.diffusion_distil mnist --updates 100 400     # the finished run: Fréchet distance over the floor, n = 1,000

One JSON line per student and a summary per method. Ring: see `benchmarks.diffusion_quality`, whose measure this is. MNIST: the teacher
walks by DDIM, guided as the run says, classes as in the data; its row comes first, and with as many steps as the run takes, by its own
sampler. The seconds are CPU time of the student's training."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.diffusion_quality import DISTILLED, FIRST_SEED, run_distilled, summarised, warm
from engines import metrics
from engines.diffusion import questions as q
from engines.diffusion.answers_distill import grid_of, jumped, taught
from engines.diffusion.engine import DiffusionEngine
from engines.diffusion.samplers import ddim, final
from engines.diffusion.sampling import denoiser_of_run, generate, seeded, to_data
from engines.judge import judge
from engines.registry import FAMILIES
from engines.runs import load_run
from playground.sessions import shelf

STEPS, TEACHER_STEPS, CHUNK = (1, 2, 4), (1, 2, 4, 16), 250
N, NOISE = 1_000, 5  # samples, and the seed of the noise that they begin with


class Bench:
    """The same noise and classes for everybody."""

    def __init__(self, engine: DiffusionEngine):
        self.engine, found = engine, judge(engine.config.dataset)
        assert found is not None
        self.judge = found
        rows = np.random.default_rng(0).choice(len(engine.data.labels), N)
        self.y = torch.from_numpy(np.asarray(engine.data.labels)[rows])
        self.eps = torch.randn((N, *engine.shape), generator=torch.Generator().manual_seed(NOISE))

    def measure(self, draw: Callable[[Tensor, Tensor], Tensor]) -> tuple[float, float]:
        """Fréchet distance over the floor and the judge's confidence of what `draw(eps, y)` makes, some at a time."""
        parts = zip(self.eps.split(CHUNK), self.y.split(CHUNK), strict=True)
        with torch.no_grad():
            report = self.judge.report(to_data(self.engine, torch.cat([draw(eps, y) for eps, y in parts])))
        return report[metrics.FRECHET_DISTANCE] / self.judge.floor, report[metrics.CONFIDENCE]

    def teacher(self) -> dict[str, float]:
        e, row = self.engine, {}
        for k in TEACHER_STEPS:
            sigmas = grid_of(e, k)
            walk = lambda eps, y, s=sigmas: final(ddim(denoiser_of_run(e, y), eps * (1 + s[0] ** 2).sqrt(), s, None))  # noqa: E731
            row[f"DDIM {k}"], row[f"DDIM {k}, confidence"] = self.measure(walk)
        own = self.measure(lambda eps, y: generate(e, eps, y, seeded(0, "sampler", e.device)))
        return row | {f"{e.config.sampler} {e.config.num_steps}": own[0]}

    def student(self, method: str, updates: int, seed: int) -> dict[str, float]:
        asked, start = q.Distil(method=method, steps=updates, seed=seed), time.process_time()
        *_, net = taught(self.engine, asked)
        row = {"seconds": time.process_time() - start}
        for k in STEPS:
            draw = lambda eps, y, k=k: jumped(self.engine, net, asked, eps, y, grid_of(self.engine, k))  # noqa: E731
            row[f"student {k}"], row[f"student {k}, confidence"] = self.measure(draw)
        return row


def several(title: dict[str, Any], seeds: Sequence[int], run: Callable[[int], dict[str, float]]) -> None:
    rows = []
    for seed in seeds:
        rows.append(run(seed))
        print(json.dumps(title | {"seed": seed} | {name: round(value, 3) for name, value in rows[-1].items()}), flush=True)
    summarised(title, rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", choices=("ring", "mnist"))
    parser.add_argument("--methods", nargs="*", choices=list(DISTILLED), default=list(DISTILLED))
    parser.add_argument("--updates", type=int, nargs="*", default=[100, 400])
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if args.data == "ring":
        warm()
        for method in args.methods:
            seeds = range(FIRST_SEED, FIRST_SEED + args.seeds)
            several({"data": "ring8", "method": method}, seeds, lambda s, m=method: run_distilled(m, {"dataset": "ring8", "seed": s}))  # type: ignore[misc]
        return
    _, engine, _ = load_run(str(shelf.folder(FAMILIES["diffusion"], "mnist")))
    bench = Bench(engine)  # type: ignore[arg-type]
    print(json.dumps({"data": "mnist", "teacher": {name: round(v, 3) for name, v in bench.teacher().items()}}), flush=True)
    for method in args.methods:
        for updates in args.updates:
            title = {"data": "mnist", "method": method, "updates": updates}
            several(title, range(args.seeds), lambda s, m=method, u=updates: bench.student(m, u, s))  # type: ignore[misc]


if __name__ == "__main__":
    main()
