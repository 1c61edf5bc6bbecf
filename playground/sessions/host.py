"""Many runs in one worker, in fair turns. Runs in the worker process; the web process never imports it.

The session that has used least CPU time goes next, for one time slice. A session that wakes up starts where the least served of the
others is: it can neither save up turns by pausing nor be punished for having trained while nobody else did.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from engines.config import from_dict
from engines.core import Family
from playground.sessions import closer, trials
from playground.sessions.branch import Branch, Origin

log = logging.getLogger(__name__)
LONGEST, SHORTEST, ROUND = 0.050, 0.008, 0.5  # seconds of CPU time: one slice, and one round of all sessions
BEAT = 0.25  # seconds between reports of progress


class Outgoing(Protocol):
    def put(self, header: Mapping[str, Any], payload: bytes = b"", slot: tuple | None = None) -> None: ...


@dataclass
class Seat:
    """One session's place in the queue. `used` is its CPU time in seconds, on the queue's own clock."""

    used: float = 0.0
    awake: bool = False
    branches: dict[str, Branch] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        return any(branch.busy for branch in self.branches.values())


class Host:
    """Obeys the messages of the web process and shares the core among sessions."""

    def __init__(self, out: Outgoing, families: Mapping[str, Family], *, device: str = "cpu",
                 clock: Callable[[], float] = time.thread_time):  # fmt: skip
        self.out, self.families, self.device, self.clock = out, families, device, clock
        self.seats: dict[str, Seat] = {}
        self.floor = 0.0  # CPU time of the least served session that runs; never goes back
        self.beat_at = 0.0
        self.at: tuple[str, str] | None = None  # the run that is worked on, as the web process knows it

    @property
    def busy(self) -> bool:
        return any(seat.busy for seat in self.seats.values())

    def turn(self) -> Seat | None:
        """One time slice for the session whose turn it is. None if nothing runs."""
        ready = self._ready()
        if not ready:
            self._say(None)
            return None
        sid = min(ready, key=lambda s: self.seats[s].used)
        seat = self.seats[sid]
        name, branch = min(((n, b) for n, b in seat.branches.items() if b.busy), key=lambda item: item[1].used)
        self._say((sid, name))
        quantum = min(LONGEST, max(SHORTEST, ROUND / len(ready)))
        start, late = self.clock(), time.monotonic() + 2 * LONGEST
        spent = 0.0
        while branch.busy and spent < quantum and time.monotonic() < late or not spent:
            branch.tick()
            spent = max(self.clock() - start, 1e-6)
        seat.used += spent
        branch.used += spent
        return seat

    def _say(self, at: tuple[str, str] | None) -> None:
        """Tell which run is worked on before it is, so that only this one answers for a death of this process."""
        if at != self.at:
            self.at = at
            sid, name = at or ("", "")
            self.out.put({"type": "at", "sid": sid, "b": name}, slot=("at",))  # newest only, sent at once

    def _ready(self) -> list[str]:
        ready = [sid for sid, seat in self.seats.items() if seat.busy]
        settled = [seat.used for sid in ready if (seat := self.seats[sid]).awake]
        if settled:
            self.floor = max(self.floor, min(settled))
        for seat in self.seats.values():
            awake = seat.busy
            if awake and not seat.awake:
                seat.used = max(seat.used, self.floor)
            seat.awake = awake
        return ready

    def beat(self) -> None:
        """Tell the web process that this worker lives, and how far every run is."""
        if time.monotonic() - self.beat_at < BEAT:
            return
        self.beat_at = time.monotonic()
        runs = [
            [sid, name, b.life, b.step, round(b.used, 4)] for sid, seat in self.seats.items() for name, b in seat.branches.items() if b.busy
        ]
        self.out.put({"type": "beat", "runs": runs})

    # --- messages ------------------------------------------------------------------------------------------------------------

    def handle(self, header: Mapping[str, Any], payload: bytes = b"") -> None:
        """Obey one message. What goes wrong with it ends what was asked, with a sentence, and never the worker, which others share."""
        self._say((header["sid"], header["b"]) if header.get("sid") and header.get("b") else None)
        try:
            self._obey(header, payload)
        except Exception as error:
            log.exception("the message %s was not obeyed", header.get("do"))
            words = str(error) if isinstance(error, ValueError) else "This stopped on an error of ours; it is in the log"
            branch = self._branch(header)
            if "ticket" in header and branch is not None:
                branch.emit("sampled", ticket=header["ticket"], error=words)
            elif branch is not None:
                branch.fail(words)
            elif header.get("do") == "open":  # there is no run yet to say so
                emit = self._emitter(header["sid"], header["b"], header["life"])
                emit("state", state="failed", step=header["step"], order=header["order"], ready=False, message=words)

    def _branch(self, header: Mapping[str, Any]) -> Branch | None:
        seat = self.seats.get(header.get("sid", ""))
        return seat.branches.get(header.get("b", "")) if seat else None

    def _obey(self, header: Mapping[str, Any], payload: bytes) -> None:
        """A run that no longer exists is no error: its visitor may have just left."""
        do, sid, name = header["do"], header["sid"], header.get("b")
        if do == "open":
            self._open(header, payload)
        elif do == "close":
            self.seats.pop(sid, None)
        elif do == "clear":
            self.seats.setdefault(sid, Seat()).branches.clear()  # the seat keeps its place in the queue
        elif sid in self.seats and name in self.seats[sid].branches:
            seat = self.seats[sid]
            branch = seat.branches[name]
            match do:
                case "drop":
                    del seat.branches[name]
                case "run":
                    branch.run(header["order"])
                case "pause":
                    branch.pause(header["order"])
                case "step":
                    branch.do_steps(header["order"], header["count"], header.get("part"))
                case "set":
                    branch.set(header["knobs"])
                case "sample":
                    branch.sample(header["ticket"], header["request"])
                case "ask":
                    branch.ask(header["ticket"], from_dict(branch.family.questions[header["question"]], header["values"]))
                case "what_if":
                    config = from_dict(branch.family.Config, header["config"])
                    branch.beside(header["ticket"], trials.short(branch.build, config))
                case "exact":
                    config = from_dict(branch.family.Config, header["config"])
                    branch.exact(header["ticket"], config, header["seconds"], header["foresee"])
                case "forget":
                    branch.forget(header["ticket"])
                case "closer":
                    config = from_dict(branch.family.Config, header["config"])
                    branch.beside(header["ticket"], closer.closer(branch.build, config, payload, header["step"], header["count"]))
                case "codes":
                    branch.beside(header["ticket"], trials.codes(self._finished(header, payload)))
                case "decoded":
                    request = from_dict(branch.family.Request, {"n": header["n"], "seed": header["seed"]})
                    branch.beside(header["ticket"], trials.decoded(self._finished(header, payload), branch.built, request))

    def _finished(self, header: Mapping[str, Any], checkpoint: bytes) -> trials.Make:
        """How a run of another family is made again from its checkpoint, when its turn comes."""
        family = self.families[header["family"]]
        config = from_dict(family.Config, header["config"])
        return lambda: trials.restored(family.build(config, device=self.device), checkpoint)

    def _open(self, header: Mapping[str, Any], payload: bytes) -> None:
        sid, name, about = header["sid"], header["b"], header["data"]
        family = self.families[header["family"]]
        seat = self.seats.setdefault(sid, Seat())
        old = seat.branches.get(name)
        size = about["bytes"] if about else 0
        data = np.frombuffer(payload[:size], about["dtype"]).reshape(about["shape"]).copy() if about else None
        origin = Origin(payload[size:], header.get("parent_config"), header["step"], header["fork"])
        seat.branches[name] = Branch(
            family, from_dict(family.Config, header["config"]), self._emitter(sid, name, header["life"]),
            life=header["life"], order=header["order"], run=header["run"], origin=origin, data=data, device=self.device,
            rows=[row for row in old.rows if row["step"] <= origin.step] if old else None,
        )  # fmt: skip
        seat.branches[name].used = old.used if old else 0.0

    def _emitter(self, sid: str, name: str, life: int) -> Callable[..., None]:
        def emit(type: str, payload: bytes = b"", *, frame: bool = False, **header: Any) -> None:
            slot = (sid, name, life, header["backdrop"]) if frame else None
            self.out.put({"type": type, "sid": sid, "b": name, "life": life, **header}, payload, slot)

        return emit
