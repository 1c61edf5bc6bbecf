"""Admission: so many sessions exist at once, and so many of them train; the others wait in line, in order of arrival."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

from playground.sessions.limits import LIMITS, Refused
from playground.sessions.record import Record, Run


class Door:
    """Who waits for a seat, in order of arrival. Each is known by a ticket that it shows when it asks again, and is taken off if it does
    not for a while. Guarded by the service's lock."""

    MOST, PATIENCE = 2_000, 30.0  # tickets, seconds

    def __init__(self) -> None:
        self.seen: OrderedDict[str, float] = OrderedDict()  # ticket -> when it was shown last

    def admit(self, ticket: str, free: int) -> None:
        """Return if the holder may come in now: there are more free seats than others before it. Else Refused, with ticket and place."""
        now = time.monotonic()
        for old in [t for t, seen in self.seen.items() if now - seen > self.PATIENCE]:
            del self.seen[old]
        place = list(self.seen).index(ticket) if ticket in self.seen else len(self.seen)
        if place < free:
            self.seen.pop(ticket, None)
            return
        if len(self.seen) >= self.MOST and ticket not in self.seen:
            raise Refused("Every seat is taken, and the line is full.", status=503, again=10)
        ticket = ticket if ticket in self.seen else secrets.token_urlsafe(16)
        self.seen[ticket] = now
        raise Refused("Every seat is taken.", status=503, again=min(8, 2 + place // 20), ticket=ticket, place=place + 1)


class Line:
    """`training` and `waiting` hold sessions by sid. `go(record, run)` starts a run whose turn has come. Guarded by the service's lock."""

    def __init__(self, go: Callable[[Record, Run], None]):
        self.go = go
        self.training: dict[str, Record] = {}
        self.waiting: dict[str, Record] = {}  # in order of arrival

    def join(self, record: Record, run: Run) -> None:
        """Start a run if its session trains already or a place is free; else it waits."""
        if record.sid not in self.training and len(self.training) >= LIMITS.max_running:
            self.waiting.setdefault(record.sid, record)
            run.state = "waiting"
            record.next()
            return
        self.training[record.sid] = record
        self.go(record, run)

    def settle(self, record: Record) -> None:
        """After a run stopped: free the place of a session that trains nothing, and start whoever is next."""
        states = {run.state for run in record.runs.values()}
        if not states & {"starting", "running"}:
            self.training.pop(record.sid, None)
        if "waiting" not in states:
            self.waiting.pop(record.sid, None)
        while self.waiting and len(self.training) < LIMITS.max_running:
            sid = next(iter(self.waiting))
            first = self.training[sid] = self.waiting.pop(sid)
            for run in first.runs.values():
                if run.state == "waiting":
                    self.go(first, run)
            for other in self.waiting.values():
                other.next()  # its place has changed

    def place(self, record: Record) -> int | None:
        """1 for the next in line."""
        return list(self.waiting).index(record.sid) + 1 if record.sid in self.waiting else None

    def seconds(self, place: int) -> float | None:
        """How long until so many of the sessions that train now have finished, if nobody stops before. None if it cannot be told."""
        known = sorted(seconds for record in self.training.values() if (seconds := _seconds_left(record)) is not None)
        return round(known[place - 1], 1) if place <= len(known) else None


def _seconds_left(record: Record) -> float | None:
    """Until the last run of a session has finished. None if one of them has no rate yet, or none trains."""
    left = [run.seconds_left() for run in record.runs.values() if run.state in ("starting", "running")]
    known = [seconds for seconds in left if seconds is not None]
    return max(known) if known and len(known) == len(left) else None
