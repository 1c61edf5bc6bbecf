"""The training loop: one generator that yields. The consumer decides about progress, saving and stopping.

At every yield the engine is whole, so abandoning the loop is always safe, and what is yielded depends on step numbers only, never
on the clock: a resumed run looks at the same steps as one that was not interrupted.

An engine may also have `train_steps(n)`, which makes n steps in one call and returns every metric of every step that has it, name ->
(steps,) array, and `chunk`, the most steps that a call should make, so that a button is still obeyed at once. If a loss is not finite
it stops after that step."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engines.core import Diverged, Snapshot
from engines.metrics import D_LOSS, G_LOSS, LOSS

LARGEST = 1e3  # weights or outputs beyond this are lost, though still finite
JUMP, JUMP_STEPS = 50.0, 20  # a loss this many times its usual size for so many steps is lost
TITLES = {D_LOSS: "loss of D", G_LOSS: "loss of G", LOSS: "the loss"}


def advance(engine: Any, *, steps: int, every: int, evaluate_every: int = 1) -> Iterator[Snapshot | None]:
    """Train for `steps` more steps, yielding after each, or each chunk: a Snapshot when engine.step is a multiple of `every` and at the
    last step, else None. Metrics are means over the steps since the last look; every `evaluate_every`-th look, and the last, also
    evaluates. Diverged is raised instead of the yield when a loss is not finite or far off, or a weight or an output is beyond 1,000."""
    means, watch, left = Means(), Watch(), steps
    while left > 0:
        left -= _train(engine, min(left, every - engine.step % every), means)
        watch.step(engine.step, means.newest)
        if engine.step % every and left:
            yield None
            continue
        snapshot = look(engine, means.take(), evaluate=not left or (engine.step // every) % evaluate_every == 0, watch=watch)
        yield snapshot


def _train(engine: Any, most: int, means: Means) -> int:
    """One step, or a chunk of at most `most` where the engine has chunks; how many it was."""
    if not hasattr(engine, "train_steps"):
        means.add(engine.train_step())
        return 1
    n = min(most, engine.chunk)
    means.extend(engine.train_steps(n))
    return n


def first_look(engine: Any) -> Snapshot:
    """The engine as it is now, without training: views and evaluation."""
    return Snapshot(engine.step, dict(engine.evaluate()), engine.look())


def look(engine: Any, means: Mapping[str, float], *, evaluate: bool, watch: Watch) -> Snapshot:
    """A Snapshot of a healthy engine, or Diverged."""
    watch.look(engine, means)
    metrics = {**means, **(engine.evaluate() if evaluate else {})}
    return Snapshot(engine.step, metrics, engine.look())


class Means:
    """Running means of scalar tensors; they stay on their device until taken. Or of the arrays of many steps, added one by one so that
    it does not matter how the steps were cut into chunks."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor | float] = {}
        self.counts: dict[str, int] = {}
        self.newest: Mapping[str, Tensor | float] = {}

    def add(self, metrics: Mapping[str, Tensor]) -> None:
        self.newest = metrics
        for name, value in metrics.items():
            self.sums[name] = self.sums[name] + value if name in self.sums else value
            self.counts[name] = self.counts.get(name, 0) + 1

    def extend(self, metrics: Mapping[str, np.ndarray]) -> None:
        self.newest = {name: float(values[-1]) for name, values in metrics.items()}
        for name, values in metrics.items():
            total = self.sums.get(name, 0.0)
            for value in values.tolist():
                total = total + value
            self.sums[name] = total
            self.counts[name] = self.counts.get(name, 0) + len(values)

    def take(self) -> dict[str, float]:
        """The means, in one transfer from the device; then start again."""
        if not self.sums:
            return {}
        values = torch.stack([torch.as_tensor(s).float() for s in self.sums.values()]).tolist()
        result = {name: value / self.counts[name] for name, value in zip(self.sums, values, strict=True)}
        self.sums, self.counts = {}, {}
        return result


class Watch:
    """Looks for the ways in which training is lost: at once where reading a number costs nothing (CPU), else at the next look."""

    def __init__(self) -> None:
        self.usual: dict[str, deque[float]] = {name: deque(maxlen=100) for name in TITLES}
        self.high = dict.fromkeys(TITLES, 0)  # steps for which a loss has been far above its usual size
        self.last = 0

    def step(self, step: int, metrics: Mapping[str, Tensor | float]) -> None:
        for name in TITLES:
            value = metrics.get(name)
            if value is not None and (isinstance(value, float) or value.device.type == "cpu"):
                _finite(step, TITLES[name], float(value))

    def look(self, engine: Any, means: Mapping[str, float]) -> None:
        """`means` of the losses since the last look; then the engine's own largest weights and outputs, one transfer."""
        for name, title in TITLES.items():
            if name in means:
                _finite(engine.step, title, means[name])
                self._jump(engine.step, name, means[name])
        self.last = engine.step
        health = engine.health()
        for quantity, value in zip(health, torch.stack(list(health.values())).tolist(), strict=True):
            _finite(engine.step, quantity, value)
            if value > LARGEST:
                raise Diverged(engine.step, quantity, f"reached {value:,.0f}")

    def _jump(self, step: int, name: str, value: float) -> None:
        usual = self.usual[name]
        if len(usual) >= 10 and abs(value) > JUMP * max(1.0, median(usual)):
            self.high[name] += step - self.last
            if self.high[name] >= JUMP_STEPS:
                raise Diverged(step, TITLES[name], f"rose to {value:,.0f}, {JUMP:.0f} times its usual size,")
            return
        self.high[name] = 0
        usual.append(abs(value))


def _finite(step: int, quantity: str, value: float) -> None:
    if not math.isfinite(value):
        raise Diverged(step, quantity, "is not a number" if math.isnan(value) else "is infinite")
