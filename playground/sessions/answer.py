"""The answer to a pull: everything of a session that is newer than a sequence number, in one binary message.

`u32 header length | JSON | padding to 8 | frames, each padded to 8`. Rows are JSON already, written once in the worker; they are only
strung together here. Where an event carries `cut`, what the reader has of that run after the event's step is void; rows of the same
answer come after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engines.config import to_dict
from playground.sessions import frames
from playground.sessions.acts import rewind_to
from playground.sessions.record import Item, Record, Run

if TYPE_CHECKING:
    from playground.sessions.service import Service


def build(service: Service, record: Record, since: int, history: bool) -> bytes:
    """The bytes. `history` asks for every kept frame instead of the newest of each run."""
    run, place = record.run, service.line.place(record)
    saved = rewind_to(run) if run else None
    listed, body = _frames(record, since, history)
    header = {
        "seq": record.seq,
        "state": run.state if run else "empty",
        "message": record.message,
        "place": place,
        "wait_seconds": service.line.seconds(place) if place else None,
        "active": record.active,
        "device": service.workers.device,
        "engine": run.twin if run else "torch",
        "can": {"rewind": saved.step if saved else None},
        "branches": [_branch(r) for r in record.runs.values()],
        "events": [event for seq, event in record.events if seq > since],
        "frames": listed,
    }
    rows = b",".join(row.data for r in record.runs.values() for row in _newer(r.rows, since))
    return frames.envelope(frames.to_json(header)[:-1] + b',"rows":[' + rows + b"]}", body)


def _branch(run: Run) -> dict[str, Any]:
    return {
        "id": run.name,
        "parent": run.parent,
        "from_step": run.from_step,
        "title": run.title,
        "config": to_dict(run.config),
        "kind": run.kind,
        "state": run.state,
        "step": run.step,
        "total": run.config.steps,
        "rate": run.rate,
        "seconds_left": run.seconds_left(),
        "cpu": run.cpu,
        "backdrop": run.backdrop.seq if run.backdrop else None,
    }


def _frames(record: Record, since: int, history: bool) -> tuple[list[dict[str, Any]], bytes]:
    listed, chunks, offset = [], [], 0
    for run in record.runs.values():
        newest = _newer(run.frames.items, since)
        backdrop = [run.backdrop] if run.backdrop and run.backdrop.seq > since else []
        for item in backdrop + (newest if history else newest[-1:]):
            back = item is run.backdrop
            listed.append({"b": run.name, "s": item.step, "seq": item.seq, "offset": offset, "length": len(item.data), "backdrop": back})
            chunks.append(item.data + bytes(frames.pad8(len(item.data)) - len(item.data)))
            offset += len(chunks[-1])
    return listed, b"".join(chunks)


def _newer(items: list[Item], since: int) -> list[Item]:
    """The tail with sequence numbers beyond `since`; they only grow along the list."""
    first = len(items)
    while first and items[first - 1].seq > since:
        first -= 1
    return items[first:]
