"""Many visitors at once: N sessions train ring8 for T seconds, each pulling like a page, with buttons pressed now and then.

    python benchmarks/load_sessions.py [--sessions 16] [--seconds 60] [--url http://127.0.0.1:7860]

Without --url it starts the routes and their workers itself, on this machine only. Prints JSON lines: one per session, then a summary with
errors, steps, the latency of buttons and of pulls as visitors see it, and fairness (least over most CPU time, of sessions on one worker
and overall).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import sys
import time
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playground.sessions import frames

SETTINGS = {"dataset": "ring8"}  # the default run of the page


class Visitor:
    """One page: trains, pulls, and measures how long the web process takes to answer."""

    def __init__(self, http: httpx.AsyncClient, index: int):
        self.http, self.index = http, index
        self.errors: list[str] = []
        self.calls: list[float] = []
        self.first = self.started = 0.0
        self.steps = self.frames = self.since = 0
        self.cpu = self.longest_gap = 0.0

    async def post(self, path: str, body: dict) -> dict:
        start = time.monotonic()
        response = await self.http.post(f"/play/{path}", json=body, headers=getattr(self, "headers", {}))
        self.calls.append(time.monotonic() - start)
        if response.status_code != 200:
            self.errors.append(f"{path}: {response.status_code} {response.text[:100]}")
        return response.json()

    async def run(self, seconds: float) -> None:
        """Open, train, and pull until the time is over; every 2 s one button that changes nothing, to time it."""
        try:
            self.headers = {"X-Session": (await self.post("open", {"family": "gan"}))["token"]}
            self.started = time.monotonic()
            await self.post("act", {"do": "train", "settings": SETTINGS | {"seed": self.index}})
            await asyncio.gather(self._pull(self.started + seconds), self._press(self.started + seconds))
            await self.post("act", {"do": "pause"})
        except (httpx.HTTPError, KeyError, ValueError) as error:
            self.errors.append(repr(error))

    async def _pull(self, end: float) -> None:
        last = time.monotonic()
        while time.monotonic() < end:
            response = await self.http.get("/play/pull", params={"since": self.since, "wait": 5}, headers=self.headers)
            if response.status_code != 200:
                self.errors.append(f"pull: {response.status_code} {response.text[:100]}")
                return
            header, _ = frames.unpack(response.content)
            self.since, run = header["seq"], header["branches"][0]
            self.steps, self.cpu = run["step"], run["cpu"]
            if header["state"] not in ("starting", "running", "finished"):
                self.errors.append(f"state: {header['state']} {header['message']}")
            seen = [f for f in header["frames"] if f["s"] > 0]
            self.frames += len(seen)
            if seen:
                now = time.monotonic()
                self.first = self.first or now - self.started
                self.longest_gap, last = max(self.longest_gap, now - last), now

    async def _press(self, end: float) -> None:
        while time.monotonic() < end - 2:
            await asyncio.sleep(2)
            await self.post("act", {"do": "mark", "step": 0, "title": "load"})

    def report(self) -> dict:
        return {
            "session": self.index,
            "steps": self.steps,
            "cpu_seconds": round(self.cpu, 2),
            "frames": self.frames,
            "first_frame_ms": round(1e3 * self.first),
            "longest_gap_ms": round(1e3 * self.longest_gap),
            "errors": self.errors[:3],
        }


def p95(values: list[float]) -> float:
    return round(1e3 * statistics.quantiles(values, n=20)[-1], 1) if len(values) > 1 else 0.0


async def load(url: str, sessions: int, seconds: float) -> list[Visitor]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as http:
        visitors = [Visitor(http, i) for i in range(sessions)]
        await asyncio.gather(*(visitor.run(seconds) for visitor in visitors))
    return visitors


@contextlib.contextmanager
def served(url: str | None):
    """The address to load: one given, or one of our own."""
    if url:
        yield url
        return
    from playground.sessions.local import LocalWorkers
    from tests.playground.server import running

    workers = LocalWorkers()
    with running(workers) as (_, own):
        if not workers.wait_ready(180):
            raise SystemExit("the workers did not start")
        yield own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--url")
    arguments = parser.parse_args()
    before = os.getloadavg()[0]
    with served(arguments.url) as url:
        visitors = asyncio.run(load(url, arguments.sessions, arguments.seconds))
    for visitor in visitors:
        print(json.dumps(visitor.report()))
    cpu = [visitor.cpu for visitor in visitors]
    first = [visitor.first for visitor in visitors]
    calls = [t for visitor in visitors for t in visitor.calls]
    summary = {
        "sessions": arguments.sessions,
        "seconds": arguments.seconds,
        "errors": sum(len(visitor.errors) for visitor in visitors),
        "least_steps": min(visitor.steps for visitor in visitors),
        "steps_per_second": round(sum(visitor.steps for visitor in visitors) / arguments.seconds),
        "steps_per_cpu_second": round(sum(visitor.steps for visitor in visitors) / max(sum(cpu), 1e-9)),
        "button_ms": {"p50": round(1e3 * statistics.median(calls), 1), "p95": p95(calls), "n": len(calls)},
        "first_frame_ms": {"p50": round(1e3 * statistics.median(first)), "max": round(1e3 * max(first))},
        "longest_gap_ms": round(1e3 * max(visitor.longest_gap for visitor in visitors)),
        "fairness": round(min(cpu) / max(cpu), 3) if max(cpu) else 0.0,
        "load_before": before,
        "load_after": os.getloadavg()[0],
    }
    print(json.dumps(summary))
    sys.exit(1 if summary["errors"] or summary["least_steps"] == 0 else 0)


if __name__ == "__main__":
    main()
