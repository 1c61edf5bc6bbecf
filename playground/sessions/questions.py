"""What a page or a program asks a worker and waits for: samples, a whole run with other settings, single steps, an answer about the model.
Nothing of it is kept, and the visitor's own run goes on. Refused says what is wrong with a question, or that it takes too long."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engines.config import knobs
from engines.data import OWN
from playground.sessions import frames, settings, shelf
from playground.sessions.acts import active, named
from playground.sessions.limits import LIMITS, Refused
from playground.sessions.record import Own, Record, Run, Vq

if TYPE_CHECKING:
    from playground.sessions.service import Service

CLOSER_STEPS = 20  # single steps in one answer
GONE = 204  # no content: the page has another run by now and no use for the answer, so a browser should not call it an error
VQ = ("vae", "tokens")  # family and preset of the VQ-VAE that comes with the project
MOST_DECODED = 1_000
LOOK_UP = 0.4  # seconds between two looks whether the asker is still there


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


async def exact(service: Service, token: Any, overrides: Any, foresee: Any, gone: Callable[[], Awaitable[bool]]) -> bytes:
    """The end of a whole run with other settings, as if the visitor had trained it: see `trials.whole`. With `foresee` only the time it
    would take. Given up once `gone()`; a second one takes the place of the first."""
    record = service.find(token)
    service.acts.take(record.sid)
    if not isinstance(foresee, bool):
        raise Refused("foresee is not true or false.", "foresee")
    config = settings.resolve(service.family(record.family), overrides)
    if config.dataset in OWN and active(record).config.dataset != config.dataset:
        raise Refused("Show your own data on the stage first.", "dataset")
    about: dict[str, Any] = {"config": settings.to_dict(config), "seconds": LIMITS.exact_seconds, "foresee": foresee}
    late = "The server has too much to do: one run took longer than this answer may. Try again later."
    return await _ask(service, record, "exact", late, LIMITS.api_seconds, gone=gone, **about)


async def ask(service: Service, token: Any, question: Any, values: Any, branch: Any = None, seconds: float = 20.0) -> bytes:
    """One of the family's questions about the active run as it is now; a frame. It may train on meanwhile. A page says which run it
    takes for the active one: a question about a run that was just replaced fits no other, so it is not answered."""
    record = service.find(token)
    service.acts.take(record.sid)
    if branch is not None and branch != record.active:
        raise Refused("The run that this was asked about is not the active one any more.", status=GONE)
    family = service.family(record.family)
    name, checked = settings.asked(family, question, values)
    seconds = max(seconds, getattr(family.questions[name], "patience", seconds))
    return await _ask(service, record, "ask", "The answer took too long.", seconds, question=name, values=checked)


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
    about: dict[str, Any] = {"config": saved.config, "step": step, "count": count}
    return await _ask(service, record, "closer", "Making these steps again took too long.", seconds, run=run, payload=saved.data, **about)


async def codes(service: Service, token: Any, source: Any = None, seconds: float = 60.0) -> bytes:
    """The codes of a finished VQ-VAE's training images become the session's own data set of codes; a frame of what they are (see
    `trials.codes`). `source`: the token of a session whose active run is the VQ-VAE; None = the one that comes with the project."""
    record = service.find(token)
    service.acts.take(record.sid)
    if "own-codes" not in (knobs(service.family(record.family).Config)["dataset"].choices or {}):
        raise Refused("Models of this family do not learn from codes.")
    vq = _finished(service, source)
    late = "Making the codes took too long."
    about: dict[str, Any] = {"family": vq.family, "config": vq.config, "payload": vq.checkpoint}
    header, body = frames.unpack(await _ask(service, record, "codes", late, seconds, **about))
    with service.lock:
        record.own["own-codes"] = Own("<i2", tuple(header["shape"]), bytes(body[: header["bytes"]]))
        record.vq = vq
    return bytes(body[frames.pad8(header["bytes"]) :])


async def decoded(service: Service, token: Any, body: Mapping[str, Any], seconds: float = 60.0) -> bytes:
    """Grids that the active run draws, through the decoder of the VQ-VAE that its codes came from; a frame."""
    record = service.find(token)
    service.acts.take(record.sid)
    n, seed = settings.integer(body, "n", 1, MOST_DECODED), settings.integer(body, "seed", 0, 9_999)
    if record.vq is None or active(record).config.dataset != "own-codes":
        raise Refused("This run is not a model of codes; hand some over first.", status=GONE)
    about: dict[str, Any] = {"family": record.vq.family, "config": record.vq.config, "payload": record.vq.checkpoint, "n": n, "seed": seed}
    return await _ask(service, record, "decoded", "Drawing and decoding took too long.", seconds, **about)


def _finished(service: Service, source: Any) -> Vq:
    """A VQ-VAE that may be handed over."""
    if source is None:
        found = shelf.kept(shelf.folder(service.family(VQ[0]), VQ[1]))
        return Vq(VQ[0], found.config, found.checkpoint)
    other = service.find(source)
    run = active(other)
    if getattr(run.config, "objective", None) != "vq-vae" or run.data is not None:
        raise Refused("The run on the VAE tab is not a VQ-VAE of images that come with the project.")
    if run.state not in ("finished", "paused") or not run.checkpoints.items or not run.step:
        raise Refused("The VQ-VAE on the VAE tab has to be trained and paused or finished.")
    saved = run.checkpoints.items[-1]
    return Vq(other.family, saved.config or settings.to_dict(run.config), saved.data)


async def _ask(service: Service, record: Record, do: str, late: str, patience: float, *, run: Run | None = None,
               gone: Callable[[], Awaitable[bool]] | None = None, **more: Any) -> bytes:  # fmt: skip
    """Have the worker of a run, the active one if none is given, answer a question. It is told if nobody waits any longer."""
    service.working(record)
    ticket, loop = secrets.token_urlsafe(8), asyncio.get_running_loop()
    future = loop.create_future()
    with service.lock:
        run = run or active(record)
        service.ensure(record, run)
        service.tickets[ticket] = (loop, future)
        service.tell(record, run, do, ticket=ticket, **more)
    try:
        await _stays(future, record, run, gone, loop.time() + patience)
        return await asyncio.wait_for(future, 0)
    except TimeoutError:
        service.tell(record, run, "forget", ticket=ticket)  # asked again, it would stand behind itself
        raise Refused(late, status=503) from None
    finally:
        service.tickets.pop(ticket, None)
        if gone is not None:
            service.tell(record, run, "forget", ticket=ticket)


async def _stays(future: asyncio.Future, record: Record, run: Run, gone: Callable[[], Awaitable[bool]] | None, deadline: float) -> None:
    """Wait for the answer. Refused if its worker was lost, the run it stood beside was replaced, or the asker has gone."""
    life = run.life
    while not future.done() and asyncio.get_running_loop().time() < deadline:
        await asyncio.wait([future], timeout=LOOK_UP)
        if run.lost or run.life != life or record.runs.get(run.name) is not run:
            raise Refused("The run that this was asked beside is gone; ask once more.", status=GONE if gone is None else 503)
        if gone is not None and await gone():
            raise Refused("Nobody waits for this answer.", status=408)
