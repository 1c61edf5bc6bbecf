"""What is seen and measured of a GAN on images: a grid of samples, the shares of the classes, and the judge's report."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from engines import clouds, measures, metrics
from engines.core import Bars, Curve, Images, Points, Snapshot, Views
from engines.data.images import ImageSet
from engines.gan.config import equilibrium
from engines.gan.model import draw_noise, packs
from engines.gan.predictions import histograms
from engines.gan.slope import mean_slope
from engines.judge import MEASURED as JUDGED
from engines.judge import Judge, halves, judge
from engines.state import Rng

if TYPE_CHECKING:
    from engines.gan.engine import GanEngine

SHOWN, COUNTED, MOST = 64, 256, 1_000  # data drawn on the stage, samples counted into the bars, samples measured at most
CHUNK = 250  # images at a time
FLOOR_DRAWS = 20


class ImageProbe:
    """Fixed noise and fixed classes, so that two looks differ only by what was learned. Samples come from a twin of G, so that
    looking moves none of its batch statistics: these belong to other weights than the averaged ones and are taken anew."""

    def __init__(self, engine: GanEngine):
        config, data = engine.config, engine.data
        rng = Rng(config.seed, ("look", "evaluate", "data"), engine.device)
        self.judge: Judge | None = judge(config.dataset)
        self.classes, self.device = len(data.classes), engine.device
        self.told = config.conditional and self.classes > 0
        self.n = self.judge.n if self.judge else min(COUNTED, len(data.pixels))  # samples measured
        self.shown = self.classes * round(0.84 * self.classes) if self.told else SHOWN  # whole rows, one column per class
        self.twin = copy.deepcopy(engine.G).requires_grad_(False)
        self.settled: tuple[int, int] | None = None  # whose weights the twin has, and of what age
        rows = torch.randint(len(data.pixels), (MOST,), generator=rng["data"], device=self.device).cpu()
        as_in_data = torch.from_numpy(data.labels)[rows].to(self.device)
        self.look_at = draw_noise(COUNTED, config, rng["look"]), self._in_turn(COUNTED)
        self.first_noise = self.look_at[0][0]  # (noise_dim,), of the first sample shown
        self.measured = draw_noise(self.n, config, rng["evaluate"]), as_in_data[: self.n]
        self.real = torch.from_numpy(data.pixels)[rows[:SHOWN]].to(self.device), as_in_data[:SHOWN]
        self.along = measures.directions(dim=int(np.prod(data.shape)))  # (64, c h w)
        self.truth = self._projections(data.test_pixels[: self.n])  # (64, n)

    def backdrop(self, engine: GanEngine) -> Snapshot:
        pixels, labels = self.real
        view = Images(pixels.cpu().numpy(), role="data", name="data", label=_bytes(labels) if self.classes else None)
        noise = Points(self.look_at[0][: self.shown, :2].cpu().numpy(), name="noise")
        known = {**self._floors(engine.data), metrics.SAMPLES: float(self.n), **equilibrium(engine.config)}
        return Snapshot(0, known, {"stage": (view,), "noise": (noise,)})

    @torch.no_grad()
    def look(self, engine: GanEngine) -> Views:
        x, y = self._settle(engine.ema.net), self.look_at[1]
        label = _bytes(y[: self.shown]) if self.told else None
        views: dict[str, tuple] = {"stage": (Images(x[: self.shown].cpu().numpy(), name="samples", label=label),)}
        views["predictions"] = self._predictions(engine, x, y)
        if self.judge:
            share, k = self.judge.shares(x), self.classes
            views["modes"] = (Bars(share, engine.data.classes, name="share", fair=1 / k, low=metrics.COVERED / k),)
        return views

    def _predictions(self, engine: GanEngine, x: Tensor, y: Tensor) -> tuple[Curve, Curve]:
        """How often D says what of the real examples on the stage and of as many samples."""
        pixels, labels = self.real
        m = engine.config.pack
        return histograms(engine.D(packs(pixels, m), labels), engine.D(packs(x[: len(pixels)], m), y[: len(pixels)]), engine.config)

    def measure(self, engine: GanEngine) -> dict[str, float]:
        """Nothing of images is cheap enough for every look."""
        return {}

    @torch.no_grad()
    def evaluate(self, engine: GanEngine) -> dict[str, float]:
        """The judge's report on n samples with classes as frequent as in the data; of one's own images, distances of pixels only."""
        x = self._generate(engine.ema.net, *self.measured).cpu()  # (n, c, h, w)
        result = {metrics.PIXEL_SLICED_W1: measures.projected_w1(self._projections(x.numpy()), self.truth)}
        if engine.config.pack == 1 and not engine.config.minibatch_discrimination and not engine.config.minibatch_std:
            pixels, labels = self.real
            result[metrics.D_SLOPE] = mean_slope(lambda x: engine.D(x, labels[: len(x)]), pixels, x[: len(pixels)].to(self.device))
        if self.judge:
            report = self.judge.report(x)
            result |= {name: report[name] for name in JUDGED}
        return result

    @torch.no_grad()
    def auditing(self, engine: GanEngine) -> Iterator[tuple[dict[str, float], dict[str, float]] | None]:
        """Kernel distance, precision, recall, density, coverage of the judge's features, and their floors, both empty without a judge;
        None before, between the parts."""
        if not self.judge:
            yield {}, {}
            return
        held = engine.data.test_pixels
        n = min(self.n, metrics.N_AUDIT, len(held) // 2)
        fake = self.judge.look(self._generate(engine.ema.net, *self.measured)[:n])[0]  # (n, 128)
        yield None
        real, floors = self.judge.look(held)[0], []  # (m, 128)
        width = clouds.median_distance(real[:n])
        for some, others in halves(len(held), n):
            yield None
            floors.append(measures.audit(real[some], real[others], width))
        yield None
        yield measures.audit(real[:n], fake, width), measures.band(floors)

    @torch.no_grad()
    def fresh(self, engine: GanEngine, n: int, generator: torch.Generator) -> np.ndarray:
        """Samples (n, c, h, w) for new noise, of classes as frequent as in the data."""
        rows = torch.randint(len(engine.data.labels), (n,), generator=generator, device=self.device).cpu()
        y = torch.from_numpy(engine.data.labels)[rows].to(self.device)
        return self._generate(engine.ema.net, draw_noise(n, engine.config, generator), y).cpu().numpy()

    @torch.no_grad()
    def draw(self, engine: GanEngine, z: Tensor, *, label: int, averaged: bool, name: str = "samples") -> Images:
        """Samples for noise z (n, noise_dim), all of class `label`, or of all classes in turn for −1."""
        if label >= max(self.classes, 1):
            raise ValueError(f"label={label} is outside [−1, {self.classes - 1}]")
        y = self._in_turn(len(z)) if label < 0 else torch.full((len(z),), label, device=self.device)
        x = self._generate(engine.ema.net if averaged else engine.G, z, y)
        return Images(x.cpu().numpy(), name=name, label=_bytes(y) if self.told else None)

    @torch.no_grad()
    def health(self, engine: GanEngine) -> dict[str, Tensor]:
        """Scalars that must stay below 1,000. Images cannot leave [−1, 1], but D can run away."""
        return {"the largest output of D": engine.D(packs(self.real[0], engine.config.pack), self.real[1]).abs().max()}

    def _settle(self, source: nn.Module) -> Tensor:
        """Images (COUNTED, c, h, w) of the twin with the weights of `source`. Its batch statistics are theirs from now on."""
        self.settled = _age(source)
        self.twin.load_state_dict(source.state_dict())
        for norm in self.twin.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.momentum = 1.0  # forget what was copied
        return self.twin.train()(*self.look_at)

    def _generate(self, source: nn.Module, z: Tensor, y: Tensor) -> Tensor:
        """Images (n, c, h, w) from noise (n, noise_dim) and classes (n,), each independent of the others."""
        if self.settled != _age(source):
            self._settle(source)
        net = self.twin.eval()
        return torch.cat([net(*part) for part in zip(z.split(CHUNK), y.split(CHUNK), strict=True)])

    def _in_turn(self, n: int) -> Tensor:
        return torch.arange(n, device=self.device) % max(self.classes, 1)  # (n,)

    def _projections(self, pixels: np.ndarray) -> np.ndarray:
        return measures.projections(pixels.reshape(len(pixels), -1), self.along)

    def _floors(self, data: ImageSet) -> dict[str, float]:
        """What real images score against the held-out ones; none for one's own images, where nothing is held out. Pixels are those of
        training images; the judge, which was trained on these, looks at held-out ones."""
        if data.test_pixels is data.pixels:
            return {}
        rng = np.random.default_rng(0)
        draws = [data.pixels[rng.choice(len(data.pixels), self.n, replace=False)] for _ in range(FLOOR_DRAWS)]
        scores = [{metrics.PIXEL_SLICED_W1: measures.projected_w1(self._projections(draw), self.truth)} for draw in draws]
        return measures.band(scores) | (self.judge.floors if self.judge else {})


def _bytes(labels: Tensor) -> np.ndarray:
    return labels.cpu().numpy().astype(np.uint8)


def _age(net: nn.Module) -> tuple[int, int]:
    """Changes whenever something is written to a network's weights or statistics."""
    return id(net), sum(tensor._version for tensor in net.state_dict(keep_vars=True).values())
