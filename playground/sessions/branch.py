"""One run inside a worker. Everything it does is a generator that yields after each training step, so that the host can take turns
between many runs and obey a button at the next step."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from engines.config import from_dict, knobs, to_dict
from engines.core import Diverged, Engine, Family, Snapshot
from engines.loop import Watch, advance, first_look, look
from engines.state import pack, unpack
from playground.sessions import frames, trials

log = logging.getLogger(__name__)
Emit = Callable[..., None]  # emit(type, payload=b"", frame=False, **header)


@dataclass(frozen=True)
class Origin:
    """Where a run comes from: `checkpoint` is restored under `config` and trained on to `step`; then `fork` switches to new knobs."""

    checkpoint: bytes = b""
    config: Mapping[str, Any] | None = None
    step: int = 0
    fork: bool = False


class Branch:
    """A run and its pending jobs. `used` is its CPU time in seconds; `life` grows when the run is set back, so that what was sent
    before can be told from what came after; `order` is the last button obeyed."""

    def __init__(self, family: Family, config: Any, emit: Emit, *, life: int, order: int, run: bool, origin: Origin,
                 data: np.ndarray | None = None, device: str = "cpu", rows: list[dict[str, float]] | None = None):  # fmt: skip
        self.family, self.config, self.emit = family, config, emit
        self.life, self.order, self.origin, self.data, self.device = life, order, origin, data, device
        self.engine: Engine | None = None
        self.state = "running" if run else "paused" if origin.step else "empty"
        self.jobs: deque[Iterator[None]] = deque([self._prepare()])
        self.answers: dict[str, Iterator[None]] = {}  # the jobs somebody waits for, by their tickets
        self.aside: dict[str, Iterator[None]] = {}  # by its ticket: at most one run, which takes turns with this one
        self.asides_turn = False
        self.training: Iterator[Snapshot | None] | None = None
        self.rows, self.noted = rows or [], ""
        self.used, self.step = 0.0, origin.step
        self.saved_step, self.saved_at, self.save_cost = -1, 0.0, 0.0

    @property
    def busy(self) -> bool:
        return bool(self.jobs or self.aside) or self.state == "running"

    def tick(self) -> None:
        """The next step of whatever is to be done. Never raises: what goes wrong is told to the visitor."""
        try:
            if self.jobs:
                if next(self.jobs[0], self) is self:
                    self.jobs.popleft()
            elif self.aside and (self.asides_turn or self.state != "running"):
                self.asides_turn = False
                next(next(iter(self.aside.values())), None)
            else:
                self.asides_turn = True
                self._train()
        except Diverged as error:
            self._stop("diverged", f"{str(error)[:1].upper()}{str(error)[1:]}.", quantity=error.quantity)
        except MemoryError:
            self._stop("failed", "This run needs more memory than one visitor may use.")
        except ValueError as error:
            self._stop("failed", str(error))
        except Exception:
            log.exception("a run failed")
            self._stop("failed", "The run stopped on an error of ours; it is in the log.")

    # --- buttons -------------------------------------------------------------------------------------------------------------

    def run(self, order: int) -> None:
        self.order = order
        if self.state in ("empty", "paused"):
            self.state = "running"
        self.tell_state()

    def pause(self, order: int) -> None:
        self.order = order
        if self.state == "running":
            self.state = "paused"
            self.jobs.append(self._save())
        self.tell_state()

    def do_steps(self, order: int, count: int, part: str | None) -> None:
        """Slow motion: `count` steps, of one network alone if `part` is given."""
        self.pause(order)
        self.jobs.append(self._steps(count, part))

    def set(self, values: Mapping[str, Any]) -> None:
        self.jobs.append(self._set(values))

    def sample(self, ticket: str, request: Mapping[str, Any]) -> None:
        self.jobs.append(self._sample(ticket, request))

    def ask(self, ticket: str, question: Any) -> None:
        self.beside(ticket, self._ask(question))

    def beside(self, ticket: str, work: trials.Answer) -> None:
        """Something of which nothing is kept here."""
        self.jobs.append(self.answers.setdefault(ticket, self._answer(ticket, work)))

    def exact(self, ticket: str, config: Any, limit: float, foresee: bool) -> None:
        """A whole run beside this one. An older one that is still under way is given up."""
        for old in self.aside:
            self.emit("sampled", ticket=old, error="Another run took its place")
        cadence = self.family.cadence(config)
        self.aside = {ticket: self._answer(ticket, trials.whole(self.build, config, cadence, limit, foresee))}

    def forget(self, ticket: str) -> None:
        """Nobody waits for that run or answer any longer."""
        self.aside.pop(ticket, None)
        if (job := self.answers.pop(ticket, None)) and job in self.jobs:
            self.jobs.remove(job)

    # --- jobs ----------------------------------------------------------------------------------------------------------------

    def _prepare(self) -> Iterator[None]:
        origin = self.origin
        engine = self.build(self.config)
        yield
        if origin.fork:
            parent = self.build(from_dict(self.family.Config, origin.config))
            unpack(parent, origin.checkpoint)
            yield
            if parent.step < origin.step:
                for _ in advance(parent, steps=origin.step - parent.step, every=origin.step):
                    yield
            inherit(engine, pack(parent))
        elif origin.checkpoint:
            unpack(engine, origin.checkpoint)
        self.engine, self.step = engine, engine.step
        self._send_frame(engine.backdrop(), backdrop=True)
        yield
        self._send(first_look(engine), row=origin.fork or not origin.checkpoint)
        yield from self._save()
        if self.state == "running":
            self.tell_state()

    def _steps(self, count: int, part: str | None) -> Iterator[None]:
        engine, self.training = self.built(), None  # the mean over the steps before is not continued
        for _ in range(count):
            if part is None and engine.step >= self.config.steps:
                break
            scalars = engine.train_step(part)
            yield
        seen = look(engine, {name: float(value) for name, value in scalars.items()}, evaluate=True, watch=Watch())
        self._send(seen, **({"trace": engine.trace()} if count == 1 and hasattr(engine, "trace") else {}))
        yield from self._save(pin=part is not None)
        if engine.step >= self.config.steps:
            self.state = "finished"
        elif self.state == "empty":
            self.state = "paused"
        self.tell_state()

    def _set(self, values: Mapping[str, Any]) -> Iterator[None]:
        titles = []
        for name, k in knobs(type(self.config)).items():
            if name in values and values[name] != getattr(self.config, name):
                titles.append(f"{k.title} {_short(getattr(self.config, name))} → {_short(values[name])}")
        self.config = replace(self.config, **values)
        engine = self.built()
        try:
            engine.set(**values)
        except ValueError as error:  # the compiled engine lacks this one
            self.config = engine.config
            return self.tell_state(message=str(error))
        self._send_frame(engine.backdrop(), backdrop=True)  # where the losses come to rest may have moved
        if titles:
            self.emit("event", s=engine.step, kind="knob", title=", ".join(titles))
        yield from self._save(pin=True)

    def _sample(self, ticket: str, request: Mapping[str, Any]) -> Iterator[None]:
        for snapshot in self.built().sample(from_dict(self.family.Request, request)):
            answer = snapshot
            yield
        self.emit("sampled", frames.encode(answer, exact=True), ticket=ticket)

    def _ask(self, question: Any) -> Generator[None, None, bytes]:
        """One of the family's questions, or one that makes no sense for this run."""
        for snapshot in self.built().answer(question):
            if snapshot is not None:
                answer = snapshot
            yield
        return frames.encode(answer)

    def _answer(self, ticket: str, work: Generator[None, None, bytes]) -> Iterator[None]:
        """What `work` returns. If it is refused, this run goes on."""
        try:
            payload = yield from work
        except ValueError as error:
            return self.emit("sampled", ticket=ticket, error=str(error))
        except MemoryError:
            return self.emit("sampled", ticket=ticket, error="One more run needs more memory than one visitor may use")
        finally:
            self.aside.pop(ticket, None)
            self.answers.pop(ticket, None)
        self.emit("sampled", payload, ticket=ticket)

    def _save(self, pin: bool = False) -> Iterator[None]:
        Watch().look(self.built(), {})  # Diverged rather than keep a state that is lost
        self._checkpoint(pin)
        yield

    # --- training ------------------------------------------------------------------------------------------------------------

    def _train(self) -> None:
        engine = self.built()
        if self.training is None:
            cadence = getattr(engine, "cadence", None)  # a compiled engine is so fast that looking would cost more than training
            every, evaluate_every = cadence() if cadence else self.family.cadence(self.config)
            left = self.config.steps - engine.step
            self.training = advance(engine, steps=left, every=every, evaluate_every=evaluate_every)
        snapshot = next(self.training, self)  # self: there are no more
        self.step = engine.step
        if isinstance(snapshot, Branch):
            self.state = "finished"
            self._checkpoint()
            self.tell_state()
        elif snapshot is not None:
            self._send(snapshot)
            if self._due():
                self._checkpoint()

    def _due(self) -> bool:
        """Log-spaced, so that a fork never replays much more than 5 % of the steps before it; and every four seconds, so that a crash
        costs little. Never more than a fiftieth of the time."""
        age = time.monotonic() - self.saved_at
        return age >= max(0.7, 50 * self.save_cost) and (self.built().step >= 1.05 * self.saved_step or age >= 4.0)

    def _checkpoint(self, pin: bool = False) -> None:
        engine, start = self.built(), time.thread_time()
        blob = pack(engine)
        self.save_cost = time.thread_time() - start
        self.saved_step, self.saved_at = engine.step, time.monotonic()
        self.emit("checkpoint", blob, s=engine.step, config=to_dict(self.config), pin=pin)

    def build(self, config: Any) -> Engine:
        return self.family.build(config, device=self.device, data=self.data)

    def built(self) -> Engine:
        """The engine, which every job after the first one finds there."""
        if self.engine is None:
            raise RuntimeError("the run was not built")
        return self.engine

    # --- telling -------------------------------------------------------------------------------------------------------------

    def _send(self, snapshot: Snapshot, row: bool = True, **more: Any) -> None:
        """A picture and, with `row`, its metrics with what else is to be said of that step."""
        self.step = self.built().step
        if row:
            self.rows.append({**snapshot.metrics, "step": snapshot.step})
            note = self.family.diagnose(self.rows, self.config)
            entry = {"s": snapshot.step, "m": snapshot.metrics, **more} | ({"note": asdict(note)} if note else {})
            self.emit("row", frames.to_json(entry), s=snapshot.step)
            if note and note.title != self.noted:
                self.emit("event", s=snapshot.step, kind=note.kind, title=note.title)
            self.noted = note.title if note else ""
        self._send_frame(snapshot)

    def _send_frame(self, snapshot: Snapshot, backdrop: bool = False) -> None:
        twin = getattr(self.built(), "twin", "torch")  # which of a family's engines runs
        self.emit("frame", frames.encode(snapshot), frame=True, s=snapshot.step, backdrop=backdrop, twin=twin)

    def tell_state(self, **more: Any) -> None:
        """What state the run is in, and after which button."""
        self.emit("state", state=self.state, step=self.step, order=self.order, ready=self.engine is not None, **more)

    def fail(self, message: str) -> None:
        """Stop with a sentence: what was asked of this run could not be done."""
        self._stop("failed", message)

    def _stop(self, state: str, message: str, **more: Any) -> None:
        for waiting in (self.jobs, self.answers):
            waiting.clear()
        self.state, self.training = state, None
        self.step = self.engine.step if self.engine else self.step
        if state == "diverged":
            self.emit("event", s=self.step, kind="diverged", title="Diverged")
        self.tell_state(message=message, **more)


def inherit(engine: Engine, state: bytes) -> None:
    """Give `engine` all that another one has learned: networks, averages, moments, random state. Its own knobs stay. ValueError if
    the networks differ."""
    try:
        unpack(engine, state)
    except ValueError as error:
        raise ValueError(f"A fork keeps the networks as they are: {error}. Train a new run instead.") from None


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
