"""How much one visitor, one address and this machine may use. Every number can be set from the environment, as PLAYGROUND_<NAME>."""

from __future__ import annotations

import math
import os
import time
from collections import OrderedDict
from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass
class Limits:
    """Numbers read once, when the program starts. 0 for `workers` and `max_running` means: by the number of cores."""

    workers: int = 0
    max_running: int = 0  # sessions that train at once; 32 per core
    max_sessions: int = 500
    address_sessions: int = 300  # of these, from one address: a classroom with four tabs each
    max_branches: int = 6
    absent_seconds: float = 30.0  # a page that is not heard of for so long is paused
    leave_seconds: float = 5.0  # the same after the page said goodbye: a reload is back before
    free_seconds: float = 600.0  # and for so long: forgotten
    unused_seconds: float = 60.0  # the same for a session that never asked for anything
    frame_seconds: float = 0.03  # between two answers to one page
    frame_bytes: int = 8_000_000  # kept frames of one session
    checkpoint_bytes: int = 24_000_000
    what_if_steps: int = 1_600  # of a run that is redrawn while a knob is dragged
    exact_seconds: float = 120.0  # CPU time of one whole run beside a visitor's own, for one of many seeds
    max_flop: float = 3e10  # of one step
    max_bytes: float = 1.5e9  # of one run
    step_seconds: float = 20.0  # a worker that is silent for longer is stopped
    start_seconds: float = 180.0  # the same while it starts
    worker_memory_mb: int = 8_000
    max_body: int = 64_000  # bytes of a request
    max_data: int = 5_000_000  # bytes of uploaded data
    body_seconds: float = 120.0  # until a body has arrived
    body_silence: float = 10.0  # between two parts of it
    call_rate: float = 100.0  # calls a second from one address, pulls not counted; bursts of `call_burst`
    call_burst: float = 300.0
    all_calls: float = 500.0  # the same from all addresses together
    act_rate: float = 30.0  # buttons a second from one session
    act_burst: float = 60.0
    open_rate: float = 2.0  # new sessions a second from one address
    open_burst: float = 200.0
    all_opens: float = 20.0  # the same from all addresses together
    proxies: int = 0  # trusted proxies in front, whose X-Forwarded-For is believed; 1 on a Space
    hosts: str = ""  # names of this server, separated by commas, * for any part; addresses and names without a dot need not be named
    api_steps: int = 20_000  # of one run asked for by a program
    api_seconds: float = 600.0

    @classmethod
    def from_env(cls) -> Self:
        """Defaults, overridden by the environment. ValueError names a variable that is not a number."""
        values: dict[str, Any] = {}
        for f in fields(cls):
            text = os.environ.get(f"PLAYGROUND_{f.name.upper()}")
            if text and f.type == "str":
                values[f.name] = text
            elif text:
                try:
                    values[f.name] = type(getattr(cls, f.name))(float(text))
                except (ValueError, OverflowError):
                    raise ValueError(f"PLAYGROUND_{f.name.upper()}={text[:40]} is not a number") from None
        if os.environ.get("SPACE_ID"):
            values.setdefault("proxies", 1)
        limits = cls(**values)
        limits.workers = limits.workers or os.cpu_count() or 1
        limits.max_running = limits.max_running or 32 * (os.cpu_count() or 1)
        return limits


LIMITS = Limits.from_env()


class Refused(Exception):
    """Something a visitor asked for and does not get. `field` names the setting at fault, `status` is the HTTP answer, `again` how many
    seconds later the same may be asked with a better chance, `more` what else the answer says."""

    def __init__(self, sentence: str, field: str | None = None, status: int = 400, again: float | None = None, **more: Any):
        super().__init__(sentence)
        self.field, self.status, self.again, self.more = field, status, again, more


class Buckets:
    """Token buckets by key: `rate` a second, up to `burst` at once. Remembers the `capacity` keys used last."""

    def __init__(self, rate: float, burst: float, capacity: int = 10_000):
        self.rate, self.burst, self.capacity = rate, burst, capacity
        self.levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key -> (tokens left, at this time)

    def take(self, key: str) -> None:
        """One token for `key`, or Refused with status 429."""
        now = time.monotonic()
        level, then = self.levels.pop(key, (self.burst, now))
        level = min(self.burst, level + (now - then) * self.rate)
        self.levels[key] = (max(0.0, level - 1) if level >= 1 else level, now)
        if len(self.levels) > self.capacity:
            self.levels.popitem(last=False)
        if level < 1:
            raise Refused("Too many requests from here; wait a moment.", status=429, again=math.ceil((1 - level) / self.rate))
