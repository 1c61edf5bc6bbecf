"""Other runs beside the visitor's own, of which nothing is kept: a short one while a knob is dragged, a whole one for one of many seeds, a
finished VQ-VAE that makes codes of images and images of codes (no family knows another: they meet here). Runs in a worker. Each is a
generator that yields after every step and returns the answer's bytes."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from engines.core import Diverged, Engine, Images, Snapshot
from engines.handover import independent
from engines.judge import judge
from engines.loop import advance, first_look
from engines.state import unpack
from playground.sessions import frames

log = logging.getLogger(__name__)
LOOKS = 12  # of a short run
MEASURED = 0.25  # seconds of CPU time after which the rest can be foreseen
SHOWN, JUDGED = 16, 1_000  # images that are shown, and that are judged
CODES = "<i2"  # how codes travel: there are 1,024 at most
Build = Callable[[Any], Engine]
Make = Callable[[], Any]  # a finished VQ-VAE, made when its turn comes
Answer = Generator[None, None, bytes]


def short(build: Build, config: Any) -> Answer:
    """JSON {"rows"}, then the frame of the last picture. If training diverges, what there is until then."""
    engine = build(config)
    yield
    rows, last = [], first_look(engine)
    try:
        for snapshot in advance(engine, steps=config.steps, every=max(1, config.steps // LOOKS)):
            if snapshot is not None:
                rows.append({"s": snapshot.step, "m": snapshot.metrics})
                last = snapshot
            yield
    except Diverged as error:
        log.info("what if: %s", error)
    return frames.pack({"rows": rows}, frames.encode(last))


def whole(build: Build, config: Any, cadence: tuple[int, int], limit: float, foresee: bool) -> Answer:
    """JSON {"rows", "seconds", "twin", "floors", "lost"}, then the frame of the end: all exactly as if the visitor had trained it.
    "rows" is one row, none where training was lost ("lost" says why) or, with `foresee`, only the time was asked for; "seconds" of CPU
    time. ValueError as soon as it is clear that it takes more than `limit` of them."""
    engine: Any = build(config)
    yield
    every = engine.cadence()[0] if hasattr(engine, "cadence") else cadence[0]
    run = Whole(engine, every)
    yield from run.train(limit, foresee)
    rows = [{"s": run.end.step, "m": run.end.metrics}] if run.end else []
    floors = engine.backdrop().metrics
    about = {"rows": rows, "seconds": run.seconds, "twin": getattr(engine, "twin", "torch"), "floors": floors, "lost": run.lost}
    return frames.pack(about, frames.encode(Snapshot(engine.step, {}, engine.look() if run.end else {})))


def restored(engine: Engine, checkpoint: bytes) -> Engine:
    unpack(engine, checkpoint)
    return engine


def codes(make: Make) -> Answer:
    """The codes that a VQ-VAE gives its training images: JSON {"shape", "bytes"}, the codes as CODES, then a frame. Its panels: "data",
    "codes" as greys, "copies" of a few; its metrics what a prior has to beat (bits per code if all K are as likely, and if each place
    has its own shares), how many codes are used, and the judge's distances: of copies, and of codes drawn place by place."""
    vq = make()
    yield
    found = vq.to_codes()
    yield
    n, rows, columns = found.shape
    bits = rows * columns * math.log(2)
    count = vq.config.codes
    share = np.bincount(found.ravel(), minlength=count) / found.size
    m = {
        "K": float(count), "used": float((share > 0).sum()), "n": float(n), "step": float(vq.step), "seed": float(vq.config.seed),
        "perplexity": float(np.exp(-(share[share > 0] * np.log(share[share > 0])).sum())),
        "bits/uniform": math.log2(count), "bits/independent": independent(found, count) / bits,
    }  # fmt: skip
    for name, grids in {"copies": found[:JUDGED], "independent": shuffled(found, JUDGED)}.items():
        m |= judged(vq, grids, name)
        yield
    views = {"data": (Images(vq.data.pixels[:SHOWN], role="data", name="data"),)} | seen(vq, found[:SHOWN], "copies")
    raw = found.astype(CODES).tobytes()
    about = {"shape": list(found.shape), "bytes": len(raw)}
    return frames.pack(about, raw + bytes(frames.pad8(len(raw)) - len(raw)) + frames.encode(Snapshot(vq.step, m, views)))


def decoded(make: Make, prior: Callable[[], Any], request: Any) -> Answer:
    """A frame of grids that the model of codes draws and what the VQ-VAE's decoder makes of them: panels "codes" and "images" (a few of
    them), metrics the judge's distance over all of them."""
    vq = make()
    yield
    for snapshot in prior().sample(request):
        last = snapshot
        yield
    grids = prior().codes(last.views["samples"][0])
    if grids is None:
        raise ValueError("this run is not a model of codes; hand some over first")
    m = judged(vq, grids, "prior")
    yield
    return frames.encode(Snapshot(prior().step, {"n": float(len(grids)), **m}, seen(vq, grids[:SHOWN], "images")))


def shuffled(found: np.ndarray, n: int) -> np.ndarray:
    """n grids whose codes are drawn place by place from those found (m, rows, columns): the shares of each place, and nothing else."""
    m, *side = found.shape
    at = np.random.default_rng(0).integers(m, size=(n, found[0].size))
    return np.take_along_axis(found.reshape(m, -1), at, 0).reshape(n, *side)


def judged(vq: Any, grids: np.ndarray, name: str) -> dict[str, float]:
    """Distance of decoded grids from the data and its floor, where there is a judge of these images and there are enough of them."""
    by = judge(vq.config.dataset)
    if by is None or len(grids) < by.n:
        return {}
    return {
        f"frechet/{name}": by.distance(by.look(vq.from_codes(grids[: by.n]).pixels)[0]),
        "frechet/floor": by.floor,
        "judged": float(by.n),
    }


def seen(vq: Any, grids: np.ndarray, name: str) -> dict[str, Any]:
    """Grids as greys, one for each code, and decoded."""
    greys = (grids[:, None] * (2 / max(1, vq.config.codes - 1)) - 1).astype(np.float32)
    return {"codes": (Images(greys, name="codes"),), name: (Images(vq.from_codes(grids).pixels, name=name),)}


class Unseen:
    """An engine that `advance` may train and check but takes no pictures of: they take twice as long as the training."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def look(self) -> dict[str, Any]:
        return {}


class Whole:
    """A run from beginning to end, checked every `every` steps and measured at the end only. `seconds` is the CPU time it took or, until
    then, will take."""

    def __init__(self, engine: Engine, every: int, clock: Callable[[], float] = time.thread_time):
        self.engine, self.every, self.clock = engine, every, clock
        self.seconds = 0.0
        self.end: Snapshot | None = None
        self.lost: str | None = None

    def train(self, limit: float, foresee: bool = False) -> Generator[None, None, None]:
        steps, spent = self.engine.config.steps, 0.0
        training = advance(Unseen(self.engine), steps=steps, every=self.every, evaluate_every=steps + 1)
        begun: tuple[float, int] | None = None  # after the first step, which may have had to load things
        try:
            while self.engine.step < steps:
                start = self.clock()
                self.end = next(training)
                spent += self.clock() - start
                begun = begun or (spent, self.engine.step)
                if not self.seconds and spent - begun[0] >= MEASURED:
                    pace = (spent - begun[0]) / (self.engine.step - begun[1])
                    self.seconds = spent + pace * (steps - self.engine.step)
                    self._within(limit)
                    if foresee:
                        self.end = None
                        return
                yield
            self.seconds = spent
        except Diverged as error:
            self.end, self.seconds = None, spent
            self.lost = f"{str(error)[:1].upper()}{str(error)[1:]}."

    def _within(self, limit: float) -> None:
        """Refused early or not at all: a run that was let through goes on to its end."""
        if self.seconds > limit:
            raise ValueError(
                f"steps={self.engine.config.steps:,} would take about {self.seconds:,.0f} s of one core here, and {limit:,.0f} s is the "
                "limit for one of many runs; fewer steps would fit"
            )
