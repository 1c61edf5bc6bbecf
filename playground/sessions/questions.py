"""What a page or a program asks a worker and waits for: samples, a whole run with other settings, single steps. Nothing of it is kept,
and the visitor's own run goes on. Refused says what is wrong with a question, or that it takes too long."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from playground.sessions import settings
from playground.sessions.acts import active, named
from playground.sessions.limits import LIMITS, Refused
from playground.sessions.record import Record, Run

if TYPE_CHECKING:
    from playground.sessions.service import Service

CLOSER_STEPS = 20  # single steps in one answer


async def sample(service: Service, token: Any, request: Mapping[str, Any], seconds: float = 60.0) -> bytes:
    """Draw from the active run's model; a frame with float32 arrays."""
    return await _ask(service, service.find(token), "sample", "Drawing the samples took too long.", seconds, request=dict(request))


async def what_if(service: Service, token: Any, overrides: Any, seconds: float = 10.0) -> bytes:
    """A whole short run with other settings: JSON {"rows"}, then the frame of its last picture. Only where the compiled engine runs,
    which has the answer while the knob is still under the finger."""
    record = service.find(token)
    service.acts.take(record.sid)
    config = settings.resolve(service.family(record.family), overrides)
    if not record.run or record.run.twin == "torch" or settings.kind(config) != "2d":
        raise Refused("What-if needs the compiled engine, which does not run here.")
    if config.steps > LIMITS.what_if_steps:
        config = replace(config, steps=LIMITS.what_if_steps)
    return await _ask(service, record, "what_if", "The run took too long.", seconds, config=settings.to_dict(config))


async def closer(service: Service, token: Any, body: Mapping[str, Any], seconds: float = 20.0) -> bytes:
    """Steps `step` to `step` + `count` − 1 of `branch`, one by one, as rows and frames of a pull: made again from the checkpoint
    before them."""
    record = service.find(token)
    service.acts.take(record.sid)
    with service.lock:
        run = named(record, body)
        step = settings.integer(body, "step", 1, run.step)
        count = min(settings.integer(body, "count", 1, CLOSER_STEPS), run.step - step + 1)
        saved = run.checkpoints.at(step - 1)
        if saved is None:
            raise Refused("Nothing is kept from before that step.", "step")
    about = {"config": saved.config, "step": step, "count": count}
    return await _ask(service, record, "closer", "Making these steps again took too long.", seconds, run=run, payload=saved.data, **about)


async def _ask(service: Service, record: Record, do: str, late: str, seconds: float, *, run: Run | None = None, **more: Any) -> bytes:
    """Have the worker of a run, the active one if none is given, answer a question."""
    ticket, loop = secrets.token_urlsafe(8), asyncio.get_running_loop()
    future = loop.create_future()
    with service.lock:
        run = run or active(record)
        service.ensure(record, run)
        service.tickets[ticket] = (loop, future)
        service.tell(record, run, do, ticket=ticket, **more)
    try:
        return await asyncio.wait_for(future, seconds)
    except TimeoutError:
        raise Refused(late, status=503) from None
    finally:
        service.tickets.pop(ticket, None)
