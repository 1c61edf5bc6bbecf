"""Does diffusers walk the same way? The run is written as a folder, opened by diffusers' own `from_pretrained`, and its pipeline set going
from the same seed; then ours, with the weights still in memory, from the same noise down the same noise levels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import thread_time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from engines.core import Curve, Snapshot, View
from engines.diffusion import questions as q
from engines.diffusion.answers import Answer
from engines.diffusion.references import check_steps, export, open_pipeline, walk_of
from engines.diffusion.samplers import draw
from engines.diffusion.sampling import classes_asked, denoiser_of_run, samples_view, to_data
from engines.state import Rng

if TYPE_CHECKING:
    from engines.diffusion.engine import DiffusionEngine


@torch.no_grad()
def parity(engine: DiffusionEngine, asked: q.Parity) -> Answer:
    """View "difference": Curve of the largest |ours − theirs| after each step over the largest |x|; "ours", "theirs": the samples. Metrics:
    "largest difference" of them, "value difference" (largest in the samples, in data units), CPU seconds "ours", "theirs" for the walk and
    "opening" for writing and opening the folder, and its size "megabytes"."""
    from engines.diffusion.pipeline import classes

    check_steps(asked.sampler, asked.num_steps)
    if engine.config.classifier_scale:
        raise ValueError(
            f"classifier_scale={engine.config.classifier_scale:g}: diffusers has no classifier guidance; set it to 0 to compare"
        )
    y = classes_asked(engine, asked.n, asked.label)
    classes()  # loads diffusers the first time, which takes seconds
    yield None
    began = thread_time()
    with TemporaryDirectory() as folder:
        export(engine, folder, asked.sampler)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        pipeline = open_pipeline(folder)
    opening = thread_time() - began
    yield None
    theirs, mine, spent = [], [], {"theirs": 0.0, "ours": 0.0}
    for (sigma, x), seconds in clocked(their_walk(engine, pipeline, asked, y)):
        theirs.append((sigma, x))
        spent["theirs"] += seconds
        yield None
    sigmas, first = torch.tensor([s for s, _ in theirs], dtype=first_type(theirs), device=engine.device), theirs[0][1]
    for moment, seconds in clocked(our_walk(engine, asked, y, first, sigmas)):
        mine.append(moment.x)
        spent["ours"] += seconds
        yield None
    apart = [float((a - b).abs().max() / b.abs().max()) for a, (_, b) in zip(mine, theirs[1:], strict=True)]
    number = np.arange(1, len(apart) + 1, dtype=np.float32)
    last = theirs[-1][1]
    views: dict[str, tuple[View, ...]] = {"difference": (Curve(number, np.asarray(apart, np.float32), name="difference"),)}
    views["ours"] = (samples_view(engine, mine[-1], y, "ours"),)
    views["theirs"] = (samples_view(engine, last, y, "theirs", "reference"),)
    values = float(np.abs(to_data(engine, mine[-1]) - to_data(engine, last)).max())
    found = {"largest difference": max(apart), "value difference": values, **spent, "opening": opening, "megabytes": size / 1e6}
    yield Snapshot(engine.step, found, views)


def first_type(walk: list[tuple[float, Tensor]]) -> torch.dtype:
    return walk[0][1].dtype


def their_walk(engine: DiffusionEngine, pipeline: Any, asked: q.Parity, y: Tensor | None) -> Iterator[tuple[float, Tensor]]:
    generator = Rng(asked.seed, ("sample",), engine.device)["sample"]
    return walk_of(
        pipeline.to(engine.device), asked.sampler, batch_size=asked.n, num_inference_steps=asked.num_steps, generator=generator,
        guidance_scale=engine.config.cfg_scale, **told(engine, y),
    )  # fmt: skip


def told(engine: DiffusionEngine, y: Tensor | None) -> dict[str, Any]:
    """What their pipeline is told for classes y (n,): those, or captions that name them."""
    if y is None or not engine.told:
        return {}
    return {"prompt": [engine.data.wording.named[k] for k in y.tolist()]} if engine.config.text else {"class_labels": y}


def our_walk(engine: DiffusionEngine, asked: q.Parity, y: Tensor | None, first: Tensor, sigmas: Tensor) -> Iterator[Any]:
    """Our sampler from the pipeline's first noise, with fresh noise, if it takes any, from a generator in the same state."""
    generator = Rng(asked.seed, ("sample",), engine.device)["sample"]
    fresh = lambda x: torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)  # noqa: E731
    fresh(first)  # the pipeline's first noise came from it, too
    return draw(asked.sampler, denoiser_of_run(engine, y), first, sigmas, fresh)


def clocked(steps: Iterator[Any]) -> Iterator[tuple[Any, float]]:
    """Each step with the CPU seconds it took this thread; others may use the core between two steps."""
    while True:
        start = thread_time()
        try:
            step = next(steps)
        except StopIteration:
            return
        yield step, thread_time() - start
