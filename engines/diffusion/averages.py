"""What the average of the weights is good for: the run as it is with its raw and its averaged weights, and the same run made once more from
its first weights with several averages beside it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from engines import metrics
from engines.core import Curve, Snapshot, View
from engines.diffusion import questions as q
from engines.diffusion.answers import Answer, configured, unit_noise
from engines.diffusion.distance import Distance
from engines.diffusion.model import build_network
from engines.diffusion.objectives import errors
from engines.diffusion.sampling import generate, in_turn, samples_view, seeded
from engines.nn.ema import Ema
from engines.state import Rng

if TYPE_CHECKING:
    from engines.diffusion.engine import DiffusionEngine

MOST_IMAGES = 32
LOOKS, FIRST = 6, 10  # pictures of a run made again, and the step of the first
LATE = 1_000_000  # a step at which the warm-up of an average is long over


class Bench:
    """One set of samples and held-out examples that every network is measured on."""

    def __init__(self, engine: DiffusionEngine, asked: q.Averages):
        self.engine, self.asked = engine, asked
        self.n = min(asked.n, MOST_IMAGES) if engine.image else asked.n
        self.eps, self.distance = unit_noise(engine, self.n, asked.seed), Distance(engine, self.n)
        self.y = in_turn(self.n, len(engine.info.classes), engine.device) if engine.info.classes else None
        self.held_out = engine.probe.validate if engine.latent is None else engine.probe.encoded(engine, engine.probe.validate)

    @torch.no_grad()
    def measure(self, net: nn.Module, name: str) -> tuple[View, dict[str, float]]:
        """Samples of a network, their distance from the data, and its loss on the fixed validation noise."""
        e, stand_in = self.engine, copy.copy(self.engine)
        stand_in.net = net
        config = configured(e, "", self.asked.num_steps)
        x = generate(stand_in, self.eps, self.y, seeded(self.asked.seed, "sampler", e.device), averaged=False, config=config)
        distance = self.distance.of(x)
        loss = float(errors(net, e.parameterisation, *self.held_out).mean())
        return samples_view(e, x, self.y, name), {metrics.SLICED_W1: distance, metrics.VALIDATION_MSE: loss}


def averages(engine: DiffusionEngine, asked: q.Averages) -> Answer:
    """View "now": samples with the weights "raw" and "averaged", all from the same noise. With `steps`, "again": layers named
    "EMA 0.99/100", a name and a step, and for each name a Curve over the step in "sliced_w1" and "validation_mse"; the names are "raw", one
    per decay, and the largest decay "without warm-up". Metrics: "raw/…" and "averaged/…" of those two, the floor of the distance, "n"."""
    if engine.begun < 1:
        raise ValueError(f"step {engine.step:,} is too early: the denoiser has not begun to learn, so there is nothing to average")
    bench = Bench(engine, asked)
    views: dict[str, tuple[View, ...]] = {}
    known = {**bench.distance.band, metrics.SAMPLES: float(bench.n)}
    for name, net in (("raw", engine.net), ("averaged", engine.ema.net)):
        layer, found = bench.measure(net, name)
        views["now"] = (*views.get("now", ()), layer)
        known |= {f"{name}/{metric}": value for metric, value in found.items()}
        yield None
    if asked.steps:
        again = Again(engine, asked.decays)
        rows: dict[str, list[tuple[int, dict[str, float]]]] = {name: [] for name in again.nets}
        layers: list[View] = []
        for step in looks(min(asked.steps, engine.total - again.first)):
            for _ in again.train(step):
                yield None
            for name, net in again.nets.items():
                layer, found = bench.measure(net, f"{name}/{step}")
                layers.append(layer)
                rows[name].append((step, found))
                yield None
        views["again"] = tuple(layers)
        for metric in (metrics.SLICED_W1, metrics.VALIDATION_MSE):
            views[metric] = tuple(_curve(name, [(s, m[metric]) for s, m in seen]) for name, seen in rows.items())
    yield Snapshot(engine.step, known, views)


def _curve(name: str, points: list[tuple[int, float]]) -> Curve:
    x, y = np.array(points, np.float32).T
    return Curve(x, y, name=name)


def looks(steps: int) -> list[int]:
    """Steps at which a run is looked at, evenly in log, the last one `steps`."""
    return sorted({int(round(s)) for s in np.geomspace(min(FIRST, steps), steps, LOOKS)})


class Again:
    """The run from its first weights, in plain torch with the engine's own step, and averages of it. The engine stays as it is; of a latent
    run the denoiser alone is made again, on the autoencoder as it is now, and its steps are counted."""

    def __init__(self, engine: DiffusionEngine, decays: tuple[float, ...]):
        from engines.diffusion.engine import DiffusionEngine, optimisers

        self.step_once = DiffusionEngine.train_step
        self.run, c = copy.copy(engine), engine.config
        self.first = 0 if engine.latent is None else engine.latent.first
        self.run.step, self.run.rng = self.first, Rng(c.seed, ("init", "data", "eps", "sigma"), engine.device)
        self.run.net = build_network(c, engine.info, self.run.rng["init"], () if engine.latent is None else engine.shape)
        self.run.ema, self.run._weights = Ema(self.run.net), list(self.run.net.parameters())
        self.run.opt, self.run.muon = optimisers(c, self.run._weights)
        self.averages = [(f"EMA {decay:g}", Ema(self.run.net), decay, False) for decay in decays]
        if decays:
            self.averages.append((f"EMA {max(decays):g} without warm-up", Ema(self.run.net), max(decays), True))

    @property
    def nets(self) -> dict[str, nn.Module]:
        return {"raw": self.run.net, **{name: ema.net for name, ema, _, _ in self.averages}}

    def train(self, to: int):
        """Up to step `to`; yields the loss after each step."""
        while self.run.begun < to:
            loss: Tensor = self.step_once(self.run)[metrics.MSE]
            for _, ema, decay, cold in self.averages:
                ema.update(self.run.net, decay, LATE if cold else self.run.begun - 1)
            yield loss
