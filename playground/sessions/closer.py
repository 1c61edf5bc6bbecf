"""Single steps of a run that was seen only now and then: made again from a checkpoint, looked at one by one, nothing of it kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from typing import Any

from engines.core import Diverged, Engine, Snapshot
from engines.loop import advance
from engines.state import unpack
from playground.sessions import frames

log = logging.getLogger(__name__)


def closer(build: Callable[[Any], Engine], config: Any, checkpoint: bytes, step: int, count: int) -> Generator[None, None, bytes]:
    """Train a fresh engine from `checkpoint` (at or before `step` − 1), yielding after every step; the `count` steps from `step` on as
    rows and frames, up to where the run diverged if it did so there."""
    engine, seen = build(config), []
    yield
    try:
        unpack(engine, checkpoint)
        if engine.step < step - 1:
            for _ in advance(engine, steps=step - 1 - engine.step, every=step):
                yield
        for snapshot in advance(engine, steps=count, every=1):
            if snapshot is not None:
                seen.append(snapshot)
            yield
    except Diverged as error:
        log.info("closer: %s", error)
    return answer(seen)


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
