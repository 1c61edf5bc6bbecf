"""Admission: so many sessions train at once, the others wait in line, in order of arrival."""

from __future__ import annotations

from collections.abc import Callable

from playground.sessions.limits import LIMITS
from playground.sessions.record import Record, Run


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
