"""Other runs beside the visitor's own, of which nothing is kept: a short one while a knob is dragged, a whole one for one of many seeds.
Runs in a worker. Each is a generator that yields after every step and returns the answer's bytes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from typing import Any

from engines.core import Diverged, Engine, Snapshot
from engines.loop import advance, first_look
from playground.sessions import frames

log = logging.getLogger(__name__)
LOOKS = 12  # of a short run
MEASURED = 0.25  # seconds of CPU time after which the rest can be foreseen
Build = Callable[[Any], Engine]
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
