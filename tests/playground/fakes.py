"""A family in a few lines: an engine that walks one step to the right, at a price in CPU time that a fake clock charges."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from engines.config import from_dict, knob, to_dict, validate
from engines.core import Cost, Family, Points, Snapshot


@dataclass(frozen=True)
class Config:
    dataset: str = knob("ring8", "Data set", choices={"ring8": "", "own-2d": ""})
    lr: float = knob(1.0, "Stride", lo=0.0, hi=1e9, live=True)
    price: float = knob(1.0, "Price of a step", unit="ms", lo=0.0, hi=1e4)
    steps: int = knob(1_000_000, "Steps", lo=1, hi=10_000_000)
    width: int = knob(1, "Width", lo=1, hi=8)
    __post_init__ = validate


@dataclass(frozen=True)
class Request:
    n: int = knob(1, "Samples", lo=1, hi=10)
    __post_init__ = validate


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


CLOCK = Clock()


class Walker:
    """`x` is the sum of all strides: it tells which steps were taken, with which knob."""

    family = "fake"

    def __init__(self, config: Config, *, device: str = "cpu", data: np.ndarray | None = None):
        self.config, self.step = config, 0
        self.net = torch.nn.ParameterDict({"x": torch.nn.Parameter(torch.zeros(config.width), requires_grad=False)})
        self.parts = {"net": self.net}

    def train_step(self, part: str | None = None):
        CLOCK.now += self.config.price / 1e3
        self.net["x"] += self.config.lr
        self.step += part is None
        return {"d_loss": self.net["x"].sum().clone()}

    def set(self, **changes) -> None:
        self.config = from_dict(Config, to_dict(self.config) | changes)

    def health(self):
        return {"x": self.net["x"].max() / 1e6}

    def backdrop(self) -> Snapshot:
        return Snapshot(0, {}, {})

    def look(self):
        return {"stage": (Points(np.full((1, 2), self.net["x"][0].item(), np.float32)),)}

    def evaluate(self):
        return {"x": float(self.net["x"][0])}

    def sample(self, request):
        yield Snapshot(self.step, {}, {"samples": (Points(np.zeros((request.n, 2), np.float32)),)})


FAMILY = Family(
    key="fake", title="Fake", summary="", paper="", paper_url="", Config=Config, Request=Request, engine="tests.playground.fakes:Walker",
    presets={}, resolve=lambda overrides: from_dict(Config, overrides), cost=lambda c: Cost(c.width, c.price, c.width),
    cadence=lambda c: (5, 1), diagnose=lambda rows, config: None, headline=lambda config: (),
)  # fmt: skip
FAMILIES = {"fake": FAMILY}


def message(sid: str, b: str = "b1", **changes) -> dict:
    """An "open" message as the service sends it."""
    config = replace(Config(), **changes)
    return {
        "do": "open", "sid": sid, "b": b, "family": "fake", "config": to_dict(config), "life": 0, "order": 0, "run": False, "fork": False,
        "parent_config": None, "step": 0, "data": None,
    }  # fmt: skip


class Log:
    """Stands for the outbox: keeps every message."""

    def __init__(self) -> None:
        self.messages: list[tuple[dict, bytes]] = []

    def put(self, header, payload=b"", slot=None) -> None:
        self.messages.append((dict(header), payload))

    def of(self, kind: str, sid: str = "a") -> list[tuple[dict, bytes]]:
        return [(h, p) for h, p in self.messages if h["type"] == kind and h.get("sid") == sid]
