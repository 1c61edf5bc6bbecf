"""The web process's side of every session: what pages, routes and the public API call. Answers at once, holds no model.

A button changes what is remembered here and sends one message; the worker obeys at its next time slice. Everything that comes from
outside is checked again before it goes anywhere.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any, Protocol

from engines.config import to_dict
from engines.core import Family
from playground.sessions import answer, news, settings
from playground.sessions.acts import ACTS, BUILDS
from playground.sessions.limits import LIMITS, Buckets, Refused
from playground.sessions.line import Door, Line
from playground.sessions.record import Item, Own, Record, Run

log = logging.getLogger(__name__)


class Workers(Protocol):
    """Where models live. Messages to one worker arrive in order."""

    device: str

    def start(
        self, on_message: Callable[[dict[str, Any], bytes], None], on_lost: Callable[[int, str, tuple[str, str] | None], None]
    ) -> None: ...
    def send(self, worker: int, header: Mapping[str, Any], payload: bytes = b"") -> None: ...
    def pick(self) -> int:
        """The worker for a new session."""

    def release(self, worker: int) -> None:
        """A session of this worker is gone."""

    def trouble(self, worker: int) -> str | None:
        """A sentence if this worker cannot be started."""

    def close(self) -> None: ...


class Service:
    """All sessions. One lock guards them; nothing under it waits."""

    def __init__(self, workers: Workers, families: Mapping[str, Family]):
        self.workers, self.families = workers, families
        self.lock = threading.RLock()
        self.records: dict[str, Record] = {}  # by token
        self.by_sid: dict[str, Record] = {}
        self.line, self.door = Line(self.go), Door()
        self.opens = Buckets(LIMITS.open_rate, LIMITS.open_burst)
        self.all_opens = Buckets(LIMITS.all_opens, 10 * LIMITS.all_opens + LIMITS.open_burst)
        self.acts = Buckets(LIMITS.act_rate, LIMITS.act_burst)
        self.tickets: dict[str, tuple[asyncio.AbstractEventLoop, asyncio.Future]] = {}
        self.made = 0
        self.closing = threading.Event()

    def start(self) -> None:
        """Start the workers and the housekeeping."""
        self.workers.start(partial(news.take, self), partial(news.lost, self))
        threading.Thread(target=self._housekeeping, name="housekeeping", daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        self.workers.close()
        with self.lock:
            for record in self.records.values():
                record.next()

    # --- what routes and programs call ---------------------------------------------------------------------------------------

    def resolve(self, family: Any, overrides: Any) -> dict[str, Any]:
        """Overrides -> every knob, what a step costs, and the kind of data. Refused names the field."""
        found = self.family(family)
        config = settings.resolve(found, overrides)
        return {"config": to_dict(config), "cost": asdict(found.cost(config)), "kind": settings.kind(config)}

    def open(self, family: Any, token: Any, address: str, ticket: Any = None) -> dict[str, Any]:
        """Come back to a session, or begin one. Where every seat is taken, Refused with a `ticket` to ask again with."""
        self.family(family)
        with self.lock:
            record = self.records.get(token) if isinstance(token, str) else None
            if record and record.family == family:
                record.seen, record.leaving = time.monotonic(), False
                return {"token": record.token, "resumed": bool(record.runs)}
            ticket = ticket if isinstance(ticket, str) and ticket in self.door.seen else ""
            if not ticket:
                self.opens.take(address)
                self.all_opens.take("all")
            if sum(r.address == address for r in self.records.values()) >= LIMITS.address_sessions:
                raise Refused("Too many pages are open from here; close some.", status=429, again=10)
            self.door.admit(ticket, LIMITS.max_sessions - len(self.records))
            self.made += 1
            record = Record(secrets.token_urlsafe(16), f"s{self.made}", family, self.workers.pick(), address)
            self.records[record.token] = self.by_sid[record.sid] = record
            return {"token": record.token, "resumed": False}

    def act(self, token: Any, body: Any) -> dict[str, Any]:
        """Press a button: `{"do": ..., ...}`. Refused says what is wrong with it."""
        record = self.find(token)
        self.acts.take(record.sid)
        if not isinstance(body, dict):
            raise Refused("A command is a set of named values.")
        do = body.get("do")
        if not isinstance(do, str) or do not in ACTS:
            raise Refused(f"do is not one of {', '.join(ACTS)}.", "do")
        function, allowed = ACTS[do]
        if unknown := [name for name in body if name not in allowed and name != "do"]:
            raise Refused(f"{str(unknown[0])[:40]} does not belong to {do}.", str(unknown[0])[:40])
        if do in BUILDS:
            self.working(record)
        with self.lock:
            record.seen = time.monotonic()
            result = function(self, record, body)
            record.next()
            return {"ok": True, **(result or {})}

    async def pull(self, token: Any, since: int = 0, history: bool = False, wait: float = 15.0) -> bytes:
        """What is new in a session since sequence number `since`, as soon as there is something. See `answer.py` for the bytes."""
        record = self.find(token)
        with self.lock:
            record.pulling += 1
            record.leaving = False
        try:
            await asyncio.sleep(min(LIMITS.frame_seconds, record.pulled_at + LIMITS.frame_seconds - time.monotonic()))
            await self._news(record, since, time.monotonic() + wait)
            with self.lock:
                record.pulled_at = time.monotonic()
                return answer.build(self, record, since, history)
        finally:
            with self.lock:
                record.pulling -= 1
                record.seen = time.monotonic()

    def add_own(self, token: Any, dataset: str, own: Own, message: str) -> dict[str, Any]:
        """Keep a visitor's own data for the runs to come."""
        record = self.find(token)
        with self.lock:
            record.own[dataset] = own
        return {"dataset": dataset, "n": own.shape[0], "message": message}

    def leave(self, token: str) -> None:
        """Forget a session and all its runs."""
        with self.lock:
            if record := self.records.pop(token, None):
                del self.by_sid[record.sid]
                record.clear()
                self.line.settle(record)
                self.workers.send(record.worker, {"do": "close", "sid": record.sid})
                self.workers.release(record.worker)
                record.next()

    def find(self, token: Any) -> Record:
        record = self.records.get(token) if isinstance(token, str) else None
        if record is None:
            raise Refused("This session has ended; reload the page.", status=404)
        return record

    def working(self, record: Record) -> None:
        """Refused if this session's worker cannot be started."""
        if trouble := self.workers.trouble(record.worker):
            raise Refused(trouble, status=503)

    def family(self, key: Any) -> Family:
        if not isinstance(key, str) or key not in self.families:
            raise Refused(f"family is not one of {', '.join(self.families)}.", "family")
        return self.families[key]

    # --- what acts do to runs ------------------------------------------------------------------------------------------------

    def tell(self, record: Record, run: Run, do: str, payload: bytes = b"", **more: Any) -> None:
        """One message about a run to its worker."""
        self.workers.send(record.worker, {"do": do, "sid": record.sid, "b": run.name, **more}, payload)

    def launch(self, record: Record, run: Run) -> None:
        """Have the worker build a run: at its last checkpoint, at the point where it forks off, or at step 0."""
        saved = run.checkpoints.items[-1] if run.checkpoints.items else None
        fork = run.origin if saved is None else None
        start: Item | None = saved or fork
        own, run.lost, run.ready = run.data, False, False
        header = {
            "do": "open", "sid": record.sid, "b": run.name, "family": record.family, "config": to_dict(run.config), "life": run.life,
            "order": run.order, "run": False, "fork": fork is not None, "parent_config": fork.config if fork else None,
            "step": run.from_step if fork else saved.step if saved else 0,
            "data": {"dtype": own.dtype, "shape": own.shape, "bytes": len(own.raw)} if own else None,
        }  # fmt: skip
        self.workers.send(record.worker, header, (own.raw if own else b"") + (start.data if start else b""))

    def begin(self, record: Record, run: Run) -> None:
        """Train a run, or put its session in line."""
        self.ensure(record, run)
        record.message = None
        self.line.join(record, run)

    def pause(self, record: Record, run: Run) -> None:
        if run.state in ("waiting", "starting", "running"):
            was, run.state = run.state, "paused" if run.step else "empty"
            run.order += 1
            run.rate = run.beat = None
            if was != "waiting":
                run.state = "paused"
                self.tell(record, run, "pause", order=run.order)
            self.line.settle(record)

    def ensure(self, record: Record, run: Run) -> None:
        """Have a run built again that its worker has lost."""
        if run.lost:
            self.set_back(record, run, "restart", "Worker restarted")

    def set_back(self, record: Record, run: Run, kind: str, title: str) -> None:
        """Return a run to its last checkpoint, here and in the worker."""
        step = run.checkpoints.items[-1].step if run.checkpoints.items else run.from_step
        run.cut(step)
        record.events = [(n, e) for n, e in record.events if e["b"] != run.name or e["s"] <= step]
        record.add_event(run, step, kind, title, cut=True)
        self.launch(record, run)

    def go(self, record: Record, run: Run) -> None:
        """Let a run whose turn has come train."""
        self.ensure(record, run)  # its worker may have died while it waited in line
        run.state = "running" if run.ready else "starting"
        run.order += 1
        self.tell(record, run, "run", order=run.order)
        record.next()

    async def _news(self, record: Record, since: int, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        while (left := deadline - time.monotonic()) > 0 and not self.closing.is_set():
            event = asyncio.Event()
            with self.lock:
                if record.seq > since:
                    return
                record.waiters.add((loop, event))
            try:
                await asyncio.wait_for(event.wait(), left)
            except TimeoutError:
                return
            finally:
                with self.lock:
                    record.waiters.discard((loop, event))

    # --- housekeeping --------------------------------------------------------------------------------------------------------

    def _housekeeping(self) -> None:
        while not self.closing.wait(0.5):
            try:
                self._sweep(time.monotonic())
            except Exception:
                log.exception("housekeeping failed")

    def _sweep(self, now: float) -> None:
        """Pause what nobody looks at, forget what nobody came back to, tell those in line how long it will take."""
        with self.lock:
            for record in self.line.waiting.values():
                record.next()
            for record in list(self.records.values()):
                absent = 0.0 if record.pulling and not record.leaving else now - record.seen
                if absent > (LIMITS.free_seconds if record.runs or record.own or record.pulled_at else LIMITS.unused_seconds):
                    self.leave(record.token)
                elif record.training and absent > (LIMITS.leave_seconds if record.leaving else LIMITS.absent_seconds):
                    for run in record.runs.values():
                        self.pause(record, run)
                    record.message = "Paused while the page was closed or hidden"
                    record.next()
