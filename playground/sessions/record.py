"""What the web process remembers of one session: its runs with their curves, kept frames and checkpoints, each within a budget."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from playground.sessions.limits import LIMITS

ROWS = 6_000  # of one run; a full run has about 1,000
EVENTS = 300
RATE_SECONDS = 0.5  # reports can arrive in bursts; a rate needs some time between two


class Own(NamedTuple):
    """A visitor's own data, as raw bytes."""

    dtype: str
    shape: tuple[int, ...]
    raw: bytes


class Vq(NamedTuple):
    """A finished VQ-VAE: its family, knobs and state."""

    family: str
    config: dict[str, Any]
    checkpoint: bytes


class Item(NamedTuple):
    """Something kept of a step: a row (JSON), a frame or a checkpoint."""

    seq: int
    step: int
    data: bytes
    config: dict[str, Any] | None = None  # of a checkpoint: the knobs it was trained with
    pinned: bool = False  # cannot be replayed from an earlier one: a knob was turned here, or one network stepped alone


class Kept:
    """Items of one kind in the order of their steps, thinned to `budget` bytes: log-spaced, first and last `tail` always kept."""

    def __init__(self, budget: Callable[[], int], tail: int = 1):
        self.items: list[Item] = []
        self.budget, self.tail, self.bytes = budget, tail, 0

    def add(self, item: Item) -> None:
        """Keep an item, in place of any of the same or a later step."""
        self.cut(item.step - 1)
        self.items.append(item)
        self.bytes += len(item.data)
        if self.bytes > self.budget():
            self._thin()

    def cut(self, step: int) -> None:
        """Forget what came after `step`."""
        while self.items and self.items[-1].step > step:
            self.bytes -= len(self.items.pop().data)

    def at(self, step: int) -> Item | None:
        """The newest item at or before `step`."""
        return next((item for item in reversed(self.items) if item.step <= step), None)

    def _thin(self) -> None:
        """Drop the items whose neighbours are closest on a log scale, down to 7/8 of the budget: one pass now and then instead of one
        for every frame."""
        goal = self.budget() * 7 // 8
        while self.bytes > goal and len(self.items) > 1 + self.tail:
            items = self.items
            inner: Sequence[int] = range(1, len(items) - self.tail)
            inner = [i for i in inner if not items[i].pinned] or inner
            gaps = sorted(inner, key=lambda i: math.log1p(items[i + 1].step) - math.log1p(items[i - 1].step))
            gone: set[int] = set()
            for i in gaps[: max(1, len(gaps) // 8)]:
                if self.bytes > goal and i - 1 not in gone and i + 1 not in gone:
                    gone.add(i)
                    self.bytes -= len(self.items[i].data)
            self.items = [item for i, item in enumerate(self.items) if i not in gone]


@dataclass
class Run:
    """One branch. `order` counts buttons pressed, `life` how often it was set back: messages of an older life are void."""

    name: str
    config: Any
    kind: str
    frames: Kept
    checkpoints: Kept
    parent: str | None = None
    from_step: int = 0
    title: str = "Run"
    data: Own | None = None
    state: str = "empty"
    twin: str = "torch"  # which of the family's engines runs it: the readable one, or its compiled twin ("numba")
    origin: Item | None = None  # of a fork: the checkpoint of its parent
    ready: bool = False  # the worker has built it and it can be seen
    lost: bool = False  # the worker has it no longer; it is built again when needed
    order: int = 0
    life: int = 0
    step: int = 0
    rate: float | None = None
    cpu: float = 0.0
    rows: list[Item] = field(default_factory=list)
    backdrop: Item | None = None
    beat: tuple[float, int] | None = None
    deaths: int = 0  # of workers, while they worked on it

    def cut(self, step: int) -> None:
        """Forget all that came after `step`, and what the worker may still be sending about it."""
        self.life += 1
        self.step, self.rate, self.beat = step, None, None
        self.rows = [row for row in self.rows if row.step <= step]
        self.frames.cut(step)
        self.checkpoints.cut(step)

    def progress(self, step: int, cpu: float) -> None:
        """Take a report of the worker; two that are at least half a second apart give the rate in steps per second."""
        now = time.monotonic()
        self.step, self.cpu = step, cpu
        if self.beat and now - self.beat[0] < RATE_SECONDS:
            return
        if self.beat and step > self.beat[1]:
            rate = (step - self.beat[1]) / (now - self.beat[0])
            self.rate = rate if self.rate is None else 0.7 * self.rate + 0.3 * rate
        self.beat = (now, step)

    def add_row(self, item: Item) -> None:
        self.rows.append(item)
        self.step = max(self.step, item.step)
        if len(self.rows) > ROWS:
            del self.rows[1 : ROWS // 2 : 2]

    def add_frame(self, item: Item, backdrop: bool) -> None:
        if backdrop:
            self.backdrop = item
            return
        self.frames.add(item)
        self.step, self.ready = max(self.step, item.step), True

    def seconds_left(self) -> float | None:
        return max(0, self.config.steps - self.step) / self.rate if self.rate else None


class Record:
    """One session. All of it is guarded by the service's lock; `touch` wakes the pulls that wait."""

    def __init__(self, token: str, sid: str, family: str, worker: int, address: str = ""):
        self.token, self.sid, self.family, self.worker, self.address = token, sid, family, worker, address
        self.runs: dict[str, Run] = {}
        self.active: str | None = None
        self.seq = 0
        self.events: list[tuple[int, dict[str, Any]]] = []
        self.message: str | None = None
        self.own: dict[str, Own] = {}
        self.vq: Vq | None = None  # whose codes those of own-codes are
        self.made = 0  # runs made so far; names are never used twice
        self.seen = time.monotonic()
        self.pulling = 0
        self.pulled_at = 0.0
        self.leaving = False
        self.waiters: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    @property
    def run(self) -> Run | None:
        return self.runs.get(self.active) if self.active else None

    def clear(self) -> None:
        """Forget every run."""
        self.runs.clear()
        self.events.clear()
        self.active = self.message = None

    @property
    def training(self) -> bool:
        """Does any of its runs train, or wait to?"""
        return any(run.state in ("waiting", "starting", "running") for run in self.runs.values())

    def new_run(self, config: Any, kind: str, **more: Any) -> Run:
        """An empty run, made the active one. Budgets are shared among the runs of the session."""
        self.made += 1
        frames = Kept(lambda: LIMITS.frame_bytes // max(1, len(self.runs)))
        checkpoints = Kept(lambda: LIMITS.checkpoint_bytes // max(1, len(self.runs)), tail=3)
        run = Run(f"b{self.made}", config, kind, frames, checkpoints, **more)
        self.runs[run.name] = run
        self.active = run.name
        return run

    def next(self) -> int:
        """The next sequence number, telling every waiting pull."""
        self.seq += 1
        waiters, self.waiters = self.waiters, set()
        for loop, event in waiters:
            with contextlib.suppress(RuntimeError):  # that loop has ended, nobody reads there any more
                loop.call_soon_threadsafe(event.set)
        return self.seq

    def add_event(self, run: Run, step: int, kind: str, title: str, **more: Any) -> None:
        self.events.append((self.next(), {"b": run.name, "s": step, "kind": kind, "title": title, **more}))
        if len(self.events) > EVENTS:
            del self.events[1]
