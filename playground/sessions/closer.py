"""Single steps of a run that was seen only now and then: made again from a checkpoint, looked at one by one, nothing of it kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engines.core import Engine, Snapshot
from engines.loop import advance
from engines.state import unpack
from playground.sessions import frames


def closer(engine: Engine, checkpoint: bytes, step: int, count: int) -> Iterator[Snapshot | None]:
    """Train a fresh `engine` from `checkpoint` (at or before `step` − 1) and yield each of the `count` steps from `step` on as a
    Snapshot; None after each step before them. Diverged if the run did so there."""
    unpack(engine, checkpoint)
    if engine.step < step - 1:
        for _ in advance(engine, steps=step - 1 - engine.step, every=step):
            yield None
    yield from advance(engine, steps=count, every=1)


def answer(seen: list[Snapshot]) -> bytes:
    """Rows and frames as one answer to a pull holds them."""
    rows: list[dict[str, Any]] = [{"s": snapshot.step, "m": snapshot.metrics} for snapshot in seen]
    about, bodies, offset = [], [], 0
    for snapshot in seen:
        raw = frames.encode(snapshot)
        about.append({"s": snapshot.step, "offset": offset, "length": len(raw)})
        bodies.append(raw + bytes(frames.pad8(len(raw)) - len(raw)))
        offset += len(bodies[-1])
    return frames.pack({"rows": rows, "frames": about}, b"".join(bodies))
