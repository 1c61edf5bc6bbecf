"""What workers say, and what it changes in the memory of the web process. Called by the threads that read from workers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from playground.sessions.record import Item, Record, Run
from playground.sessions.settings import refusal

if TYPE_CHECKING:
    from playground.sessions.service import Service

DEATHS = 2  # a run that so many workers died of is not started again by itself


def take(service: Service, header: Mapping[str, Any], payload: bytes) -> None:
    """One message of a worker."""
    with service.lock:
        if header["type"] == "beat":
            for sid, name, life, step, cpu in header["runs"]:
                for _, run in _find(service, sid, name, life):
                    run.progress(step, cpu)
            return
        for record, run in _find(service, header["sid"], header["b"], header["life"]):
            _about(service, record, run, header, payload)


def lost(service: Service, worker: int, cause: str, at: tuple[str, str] | None) -> None:
    """A worker died, while it worked on run `at`. If an empty one is in its place, build again what was training, from the last
    checkpoints; if none can be started, say so."""
    trouble = service.workers.trouble(worker)
    with service.lock:
        for record in [r for r in service.records.values() if r.worker == worker]:
            going = [run for run in record.runs.values() if run.state in ("starting", "running")]
            for run in record.runs.values():
                run.lost = True
                run.deaths += (record.sid, run.name) == at
            for run in going if trouble is None else ():
                _recover(service, record, run, cause, (record.sid, run.name) == at)
            for run in record.runs.values() if trouble is not None else ():
                service.pause(record, run)
            record.message = trouble or record.message
            record.next()


def _find(service: Service, sid: str, name: str, life: int) -> Iterator[tuple[Record, Run]]:
    """The run a message is about, unless it has been set back or left behind meanwhile."""
    record = service.by_sid.get(sid)
    run = record.runs.get(name) if record else None
    if record and run and run.life == life:
        yield record, run


def _about(service: Service, record: Record, run: Run, header: Mapping[str, Any], payload: bytes) -> None:
    match header["type"]:
        case "row":
            run.add_row(Item(record.next(), header["s"], b'{"b":"%s",' % run.name.encode() + payload[1:]))
        case "frame":
            run.twin = header["twin"]
            run.add_frame(Item(record.next(), header["s"], payload), header["backdrop"])
        case "checkpoint":
            run.checkpoints.add(Item(record.seq, header["s"], payload, header["config"], header["pin"]))
        case "event":
            record.add_event(run, header["s"], header["kind"], header["title"])
        case "state" if header["order"] == run.order:  # else the visitor has pressed another button since
            _state(service, record, run, header)
        case "sampled" if header["ticket"] in service.tickets:
            loop, future = service.tickets.pop(header["ticket"])
            with contextlib.suppress(RuntimeError):  # that loop has ended
                loop.call_soon_threadsafe(_deliver, future, payload, header.get("error"))


def _deliver(future: asyncio.Future[bytes], payload: bytes, error: str | None) -> None:
    if future.done():  # the caller may have given up
        return
    if error is None:
        future.set_result(payload)
    else:
        future.set_exception(refusal(ValueError(error)))


def _state(service: Service, record: Record, run: Run, header: Mapping[str, Any]) -> None:
    run.state, run.step = header["state"], header["step"]
    record.message = header.get("message", record.message)
    if run.state == "running":
        run.state = "running" if run.ready else "starting"
    elif run.state == "failed":
        _failed(record, run)
    if run.state not in ("starting", "running"):
        run.rate = run.beat = None
    record.next()
    service.line.settle(record)


def _failed(record: Record, run: Run) -> None:
    """The run has to be built again; a fork that never was is given up."""
    run.state, run.lost = "paused" if run.step else "empty", True
    if not run.ready and run.checkpoints.items:
        run.checkpoints.cut(run.checkpoints.items[-1].step - 1)  # it cannot be restored; the one before may
    if run.parent and not run.ready:
        del record.runs[run.name]
        record.active = run.parent


def _recover(service: Service, record: Record, run: Run, cause: str, at_fault: bool) -> None:
    if at_fault and run.deaths >= DEATHS:
        service.pause(record, run)
        kept = f"its checkpoint of step {run.checkpoints.items[-1].step:,} is kept" if run.checkpoints.items else "none of it is kept"
        record.message = f"Set aside: the worker process {cause}. It was the second time while it worked on this run; {kept}."
        return
    service.ensure(record, run)
    service.go(record, run)
    record.message = f"The worker process restarted: the one before {cause}. Your run continues from step {run.step:,}."
