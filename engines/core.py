"""The vocabulary shared by engines, hosts and tabs. No torch here: the web process imports this file.

A `View` says what is to be seen (points in data units, an image batch) and in which role; never how (colours, sizes).
A `Snapshot` is one look at a run. Training and sampling both yield snapshots, so one player and one scrubber serve both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal, Protocol

import numpy as np

Role = Literal["data", "model", "reference", "exact"]


@dataclass(frozen=True)
class Points:
    """A cloud in data units. `xy` (n, 2) float32; `label` (n,) uint8, an optional class per point."""

    xy: np.ndarray
    role: Role = "model"
    name: str = "samples"
    label: np.ndarray | None = None


@dataclass(frozen=True)
class Heat:
    """A scalar on a grid. `values` (rows, cols) float32 in [lo, hi], row 0 at y0; `extent` (x0, x1, y0, y1) is where the outer
    cell centres lie; a contour line is drawn at `contour` if given."""

    values: np.ndarray
    extent: tuple[float, float, float, float]
    role: Role = "model"
    name: str = "heat"
    lo: float = 0.0
    hi: float = 1.0
    contour: float | None = None


@dataclass(frozen=True)
class Field:
    """Arrows. `xy` (n, 2) tails and `uv` (n, 2) vectors, both float32 in data units."""

    xy: np.ndarray
    uv: np.ndarray
    role: Role = "model"
    name: str = "field"


@dataclass(frozen=True)
class Paths:
    """Ways through the plane. `xy` (n, steps, 2) float32 in data units, from where each begins to where it ends."""

    xy: np.ndarray
    role: Role = "model"
    name: str = "paths"


@dataclass(frozen=True)
class Mesh:
    """A grid that was moved. `xy` (rows, cols, 2) are its crossings in data units, `density` (rows − 1, cols − 1) what lies on each
    cell per unit of area; both float32."""

    xy: np.ndarray
    density: np.ndarray
    role: Role = "model"
    name: str = "grid"


@dataclass(frozen=True)
class Images:
    """A batch of images. `pixels` (n, c, h, w) float32 in [-1, 1], c 1 or 3; `label` (n,) uint8, the class asked for."""

    pixels: np.ndarray
    role: Role = "model"
    name: str = "samples"
    label: np.ndarray | None = None


@dataclass(frozen=True)
class Curve:
    """A line. `x` and `y` (n,) float32."""

    x: np.ndarray
    y: np.ndarray
    role: Role = "model"
    name: str = "curve"


@dataclass(frozen=True)
class Bars:
    """One bar per category. `values` (k,) float32; `fair` is the value each bar should have; a bar below `low` is too small."""

    values: np.ndarray
    labels: tuple[str, ...]
    role: Role = "model"
    name: str = "bars"
    fair: float | None = None
    low: float | None = None


@dataclass(frozen=True)
class Ellipses:
    """Gaussians in the plane, drawn at one standard deviation. `xy` (n, 2) centres, `axes` (n, 2) half-axes, both float32 in data units;
    `angle` (n,) float32, of the first axis against x, in rad."""

    xy: np.ndarray
    axes: np.ndarray
    angle: np.ndarray
    role: Role = "model"
    name: str = "posterior"


@dataclass(frozen=True)
class Tokens:
    """A text token by token. `pieces` are the n tokens as written, the first `given` of which were not chosen by the model. Of each, where
    known: `surprise` −log p and `entropy` before it was chosen, both (n,) float32 in nats, NaN where not known; `value` (n,) float32, what
    a question asked for; `mark` (n,) uint8, 1 = stands out."""

    pieces: tuple[str, ...]
    surprise: np.ndarray | None = None
    entropy: np.ndarray | None = None
    value: np.ndarray | None = None
    mark: np.ndarray | None = None
    given: int = 0
    role: Role = "model"
    name: str = "samples"

    @property
    def text(self) -> str:
        return "".join(self.pieces)


View = Points | Heat | Field | Paths | Mesh | Images | Curve | Bars | Ellipses | Tokens
Views = Mapping[str, tuple[View, ...]]  # panel name -> layers, drawn in order


@dataclass(frozen=True)
class Snapshot:
    """One look at a run: the step it was taken at, its metrics (keys are the constants of `engines.metrics.names`) and its views."""

    step: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    views: Views = field(default_factory=dict)


def drawn(snapshot: Snapshot) -> Points | Images:
    """The view "samples" of a sampler's last snapshot. TypeError if it is of another kind."""
    view = snapshot.views["samples"][0]
    if not isinstance(view, Points | Images):
        raise TypeError(f"samples are points or images, not {type(view).__name__.lower()}")
    return view


def written(snapshot: Snapshot) -> list[str] | None:
    """The texts of a sampler's last snapshot, one for each layer of "samples"; None if it drew something else."""
    views = snapshot.views["samples"]
    return [view.text for view in views if isinstance(view, Tokens)] if isinstance(views[0], Tokens) else None


class Diverged(RuntimeError):
    """Training left the healthy region. The engine is not to be trained further; the last healthy state still is."""

    def __init__(self, step: int, quantity: str, reason: str):
        super().__init__(f"{quantity} {reason} at step {step:,}")
        self.step, self.quantity, self.reason = step, quantity, reason


class Stateful(Protocol):
    """Anything with a state: a torch module, an optimiser, `Rng`, an EMA."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> Any: ...


class Sampler(Protocol):
    """Draws from a model. The last snapshot holds the finished samples; earlier ones, if any, how they came about."""

    def sample(self, request: Any) -> Iterator[Snapshot]: ...


class Engine(Sampler, Protocol):
    """A model in training. Between two calls of `train_step` it is always whole: it can be packed, moved, sampled, dropped."""

    config: Any
    step: int
    total: int  # steps that the decay of the learning rates is planned for
    parts: dict[str, Any]  # every Stateful that must survive a move; an engine whose parts change also has `parts_at(step)`

    def train_step(self, part: str | None = None) -> Mapping[str, Any]:
        """One update of everything; scalar metrics, left on the device. `part` names one network to update alone (slow motion):
        `step` then stays where it is."""

    def set(self, **knobs: Any) -> None:
        """Change knobs marked live. ValueError names any other."""

    def backdrop(self) -> Snapshot:
        """What does not change while training, sent once: the data as views, and as metrics the floor of each metric that has one
        (the value that real data scores against other real data at the same n)."""

    def look(self) -> Views:
        """What the model does now. Own generator, no grad: looking changes nothing."""

    def evaluate(self) -> Mapping[str, float]:
        """Metrics worth their cost, at their own cadence. Changes nothing. What is cheap enough for every look may be had from an optional
        `measure()`, and is then included here."""

    def answer(self, question: Any) -> Iterator[Snapshot | None]:
        """The answer to one of the family's questions, as the last snapshot; None between the parts of a long one. Changes nothing.
        ValueError, in one sentence, where the question makes no sense for this run."""


@dataclass(frozen=True)
class Cost:
    """What a configuration will take, computed before anything is allocated."""

    parameters: int
    flop_per_step: float
    bytes: int


@dataclass(frozen=True)
class Preset:
    """A named starting point. `expect` is the short result shown beside it, `settings` the knobs that differ from the defaults."""

    title: str
    settings: Mapping[str, Any]
    expect: str = ""
    about: str = ""


@dataclass(frozen=True)
class Evidence:
    """Where a sentence can be checked: a metric at a step, or one bar of a panel."""

    number: int
    metric: str
    step: int
    value: float
    index: int | None = None


@dataclass(frozen=True)
class Note:
    """A diagnosis in plain words. ①② in `text` refer to `evidence`; `fix` holds knob changes to try, `title` names the event."""

    kind: str
    title: str
    text: str
    evidence: tuple[Evidence, ...] = ()
    fix: Mapping[str, Any] | None = None
    fix_title: str = ""


@dataclass(frozen=True)
class Family:
    """All that the product knows of a family of models. Nothing here imports torch until `build` is called."""

    key: str
    title: str
    summary: str
    paper: str  # "Goodfellow et al., 2014"
    paper_url: str
    Config: type[Any]
    Request: type[Any]
    engine: str  # "engines.gan.engine:GanEngine", imported where models are built
    presets: Mapping[str, Preset]
    resolve: Callable[[Mapping[str, Any]], Any]  # knob overrides -> Config, with the recommended values of the data set filled in
    cost: Callable[[Any], Cost]
    cadence: Callable[[Any], tuple[int, int]]  # Config -> (steps between looks, looks between evaluations)
    diagnose: Callable[[Sequence[Mapping[str, float]], Any], Note | None]
    headline: Callable[[Any], tuple[str, ...]]  # Config -> names of the metrics shown as tiles
    questions: Mapping[str, type[Any]] = field(default_factory=dict)  # what a run can be asked: name -> class whose fields are knobs
    references: Mapping[str, str] = field(default_factory=dict)  # format of `engines.exchange` -> module that writes and reads it

    def build(self, config: Any, *, device: str = "cpu", data: np.ndarray | None = None) -> Engine:
        """A fresh engine. `data` carries the visitor's own points (n, 2), images (n, c, h, w), text as
        UTF-8 bytes (n,) uint8, or codes (n, h, w) when config.dataset is "own-…"."""
        module, name = self.engine.split(":")
        return getattr(import_module(module), name)(config, device=device, data=data)
