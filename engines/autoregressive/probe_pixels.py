"""What is seen and measured of a pixel model: images it draws, and how many bits it needs for those held out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engines import metrics
from engines.autoregressive.generate import Choice, choose, draw
from engines.autoregressive.pixel_states import begin
from engines.autoregressive.questions import Request
from engines.core import Images, Snapshot, Views
from engines.state import Rng

if TYPE_CHECKING:
    from engines.autoregressive.engine import AutoregressiveEngine

SMALL = 12 * 12  # pixels up to which an image is quickly drawn
SHOWN_SMALL, SHOWN_LARGE = 36, 16  # images on the stage
DATA_SHOWN = 64
MEASURED = 500  # images held out that are measured while training
CHUNK = 100  # images at a time
AT_ONCE = 128


class PixelProbe:
    """The same random numbers for the images on the stage, and the same images held out, at each look."""

    def __init__(self, engine: AutoregressiveEngine):
        source, self.device = engine.source, engine.device
        self.h, self.w = source.side
        self.told = len(source.classes) if source.labels is not None else 0
        shown = SHOWN_SMALL if self.h * self.w <= SMALL else SHOWN_LARGE
        self.u = self.uniform(shown, engine.config.seed, "look")
        self.y = self.classes(shown, -1)

    def uniform(self, n: int, seed: int, name: str) -> Tensor:
        """(n, h w): one number for each pixel of each image; an image's do not depend on how many there are."""
        return torch.rand((n, self.h * self.w), generator=Rng(seed, (name,), self.device)[name], device=self.device)

    def classes(self, n: int, label: int) -> Tensor | None:
        """(n,): the class asked for, or all in turn; None for a model that is not told."""
        if label >= max(self.told, 1):
            raise ValueError(f"label={label} is outside [−1, {max(self.told, 1) - 1}]")
        if not self.told:
            return None
        return torch.arange(n, device=self.device) % self.told if label < 0 else torch.full((n,), label, device=self.device)

    def backdrop(self, engine: AutoregressiveEngine) -> Snapshot:
        source = engine.source
        label = None if source.labels is None else _bytes(source.labels[:DATA_SHOWN])
        view = Images(source.pixels(source.train[:DATA_SHOWN]), role="data", name="data", label=label)
        return Snapshot(0, {metrics.SAMPLES: float(min(MEASURED, len(source.test)))}, {"stage": (view,)})

    def look(self, engine: AutoregressiveEngine) -> Views:
        *_, x = self.draw(engine, self.u, self.y, Choice())
        return {"stage": (self.images(engine, x, self.y),)}

    def evaluate(self, engine: AutoregressiveEngine) -> dict[str, float]:
        return self.measure(engine, MEASURED)

    def audit(self, engine: AutoregressiveEngine) -> dict[str, float]:
        return self.measure(engine, len(engine.source.test))

    def measure(self, engine: AutoregressiveEngine, most: int) -> dict[str, float]:
        """−log p of the first `most` images held out: nats per image, bits per pixel."""
        source = engine.source
        y = None if source.test_labels is None else source.test_labels[:most]
        nats = self.nats(engine, source.test[:most].long(), y).double().sum((1, 2)).mean().item()
        return {metrics.TEST_NLL: nats, metrics.BITS_PER_DIM: nats / (self.h * self.w * math.log(2))}

    @torch.no_grad()
    def nats(self, engine: AutoregressiveEngine, x: Tensor, y: Tensor | None) -> Tensor:
        """−log p of each pixel given those before it, (n, h, w) like the levels x, in the order of the model."""
        net, found = engine.model, []
        for i in range(0, len(x), CHUNK):
            part = x[i : i + CHUNK]
            found.append(net.head.nll(net(part, None if y is None else y[i : i + CHUNK]), part))
        return torch.cat(found)

    # Drawing

    @torch.no_grad()
    def draw(
        self, engine: AutoregressiveEngine, u: Tensor, y: Tensor | None, choice: Choice, *,
        given: Tensor | None = None, known: int = 0, cached: bool = True,
    ) -> Iterator[Tensor]:  # fmt: skip
        """Images (n, h, w) after each row, in the order of the model; the first `known` pixels are taken from `given` (n, h, w)."""
        state = begin(engine.model, len(u), (self.h, self.w), y, self.device, cached=cached)
        for k in range(self.h * self.w):
            log_probs = state.log_probs()  # also where the level is given: later pixels need what is computed here
            state.put(draw(choose(log_probs, choice), u[:, k]) if k >= known or given is None else given.flatten(1)[:, k])
            if (k + 1) % self.w == 0:
                yield state.x

    def images(self, engine: AutoregressiveEngine, x: Tensor, y: Tensor | None = None, name: str = "samples") -> Images:
        """Levels (n, h, w) in the order of the model, as they are seen."""
        return Images(engine.source.pixels(x), name=name, label=None if y is None else _bytes(y))

    def sample(self, engine: AutoregressiveEngine, r: Request) -> Iterator[Snapshot]:
        if r.beams > 1 or r.repetition_penalty != 1:
            raise ValueError(f"beams={r.beams} and repetition_penalty={r.repetition_penalty:g} are for texts; images take 1 of each")
        u, y = self.uniform(r.n, r.seed, "sample"), self.classes(r.n, r.label)
        choice = Choice(r.temperature, r.top_k, r.top_p, r.min_p)
        done: list[Tensor] = []
        for i in range(0, r.n, AT_ONCE):
            told = None if y is None else y[i : i + AT_ONCE]
            for x in self.draw(engine, u[i : i + AT_ONCE], told, choice, cached=r.cache):
                yield Snapshot(engine.step, {}, {"samples": (self.images(engine, x[:SHOWN_LARGE]),)})
            done.append(x)
        yield Snapshot(engine.step, {}, {"samples": (self.images(engine, torch.cat(done), y),)})


def _bytes(labels: Tensor) -> np.ndarray:
    return labels.cpu().numpy().astype(np.uint8)
