"""What is seen and measured of a GAN on 2-D data: samples, D as a map, where G is pushed, and the shares of the modes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor

from engines import clouds, measures, metrics
from engines.core import Bars, Field, Heat, Points, Snapshot, View, Views
from engines.data.toy2d import AUDITED, TRUTH, audit_floors, floors
from engines.gan.company import Company
from engines.gan.config import Config, equilibrium
from engines.gan.gap import POINTS, gap
from engines.gan.layers import BestD, lattice, mesh
from engines.gan.model import Discriminator, draw_noise
from engines.gan.objectives import OBJECTIVES
from engines.gan.predictions import histograms, said
from engines.gan.slope import mean_slope
from engines.state import Rng

if TYPE_CHECKING:
    from engines.gan.engine import GanEngine

ROWS, COLS = 48, 68  # cells of the map; wider than the data, as the stage is
SHOWN, ARROWS, COUNTED = 300, 64, 1_000  # samples drawn, with arrows, judged by D
DATA_SHOWN = 2_000


class Probe2D:
    """Fixed noise and fixed places, so that two looks differ only by what was learned."""

    def __init__(self, engine: GanEngine):
        rng = Rng(engine.config.seed, ("evaluate", "pairs", "gap"), engine.device)
        self.toy, self.device = engine.data, engine.device
        self.shift = torch.tensor(self.toy.shift, dtype=torch.float32, device=self.device)  # (2,)
        self.z_evaluate = draw_noise(metrics.N_EVALUATE, engine.config, rng["evaluate"])  # behind stage, bars and numbers alike
        self.first_noise = self.z_evaluate[0]  # (noise_dim,), of the first sample shown
        index = torch.randint(len(self.toy.unit), (ARROWS,), generator=rng["pairs"], device=self.device)
        unit = torch.from_numpy(self.toy.unit).to(self.device)
        self.real = unit[index]  # (ARROWS, 2)
        self.judged = unit[torch.randint(len(unit), (COUNTED,), generator=rng["pairs"], device=self.device)]  # (COUNTED, 2)
        fresh = (self.toy.draw(POINTS, 4) - self.toy.shift) / self.toy.scale
        self.judged_more = torch.from_numpy(fresh.astype(np.float32)).to(self.device)  # (POINTS, 2), for the gap of D
        self.z_gap = draw_noise(POINTS, engine.config, rng["gap"])
        self.noise_gap = torch.randn((2 * POINTS, 2), generator=rng["gap"], device=self.device)
        x0, x1, y0, y1 = self.toy.extent
        margin = (x1 - x0) * (COLS / ROWS - 1) / 2
        self.extent = x0, x1, y0, y1 = x0 - margin, x1 + margin, y0, y1
        ys, xs = np.meshgrid(np.linspace(y0, y1, ROWS), np.linspace(x0, x1, COLS), indexing="ij")
        places = (np.stack([xs, ys], 2).reshape(-1, 2) - self.toy.shift) / self.toy.scale
        self.grid = torch.from_numpy(places.astype(np.float32)).to(self.device)  # (ROWS · COLS, 2)
        self.truth = measures.projections(self.toy.draw(metrics.N_EVALUATE, TRUTH))
        self.best = BestD(self.toy, self.extent, ROWS, COLS)
        self._features: tuple[Tensor, Tensor] | None = None  # D's frequencies, and what they make of grid and judged
        square = lattice(engine.config, self.first_noise) if engine.config.noise_dim > 1 else self.z_evaluate[:0]
        self.z_seen = torch.cat([self.z_evaluate, square])  # (N_EVALUATE + LATTICE², noise_dim), or without a lattice

    def backdrop(self, engine: GanEngine) -> Snapshot:
        layers: list[View] = [Points(self.toy.draw(DATA_SHOWN, 1), role="data", name="data")]
        if self.toy.centres is not None:
            layers.append(Points(self.toy.centres.astype(np.float32), role="exact", name="modes"))
        noise = self.z_evaluate[:SHOWN, :2].cpu().numpy()
        if noise.shape[1] == 1:
            noise = np.pad(noise, ((0, 0), (0, 1)))
        known = {**floors(self.toy), **equilibrium(engine.config), metrics.UNIT: self.toy.scale}
        return Snapshot(0, known, {"stage": tuple(layers), "noise": (Points(noise, name="noise"),)})

    @torch.no_grad()
    def look(self, engine: GanEngine) -> Views:
        seen = engine.ema.net(self.z_seen)  # (N_EVALUATE + LATTICE², 2), units of the networks
        x, square = seen[: metrics.N_EVALUATE], seen[metrics.N_EVALUATE :]
        xy = self._data_units(x)
        views: dict[str, tuple[View, ...]] = {}
        D = Company(engine.D, engine.config, self.real, x[:ARROWS])
        everywhere, real = self._fixed(D)
        arrows, samples = self._arrows(engine.config, D), Points(xy[:SHOWN], name="samples")
        views["stage"] = (self._map(engine.config, D, everywhere), *self._more(engine, square), arrows, samples)
        views["predictions"] = histograms(real, D.among(x[:COUNTED], D.fake), engine.config)
        if self.toy.modes > 1:
            k, report = self.toy.modes, measures.mode_report(xy, self.toy.centres, self.toy.root)
            labels = tuple(str(i) for i in range(k))
            views["modes"] = (Bars(report.shares.astype(np.float32), labels, name="share", fair=1 / k, low=metrics.COVERED / k),)
        return views

    def measure(self, engine: GanEngine) -> dict[str, float]:
        """What is cheap enough for every look: where the samples lie that the look draws and counts into its bars."""
        return self._in_modes(self._samples(engine)) if self.toy.centres is not None else {}

    @torch.no_grad()
    def _samples(self, engine: GanEngine) -> np.ndarray:
        return self._data_units(engine.ema.net(self.z_seen)[: metrics.N_EVALUATE])  # in one batch with a look's, so the same to the bit

    def _in_modes(self, xy: np.ndarray) -> dict[str, float]:
        report = measures.mode_report(xy, self.toy.centres, self.toy.root)
        shares = {f"{metrics.MODE_SHARE}{i}": float(share) for i, share in enumerate(report.shares)}
        return shares | {
            metrics.MODES_COVERED: float(report.modes_covered),
            metrics.HQ_FRACTION: report.hq_fraction,
            metrics.REVERSE_KL: report.reverse_kl,
            metrics.WIDE_MODES: float(report.wide_modes),
            metrics.SHARE_KL: report.share_kl,
        }

    @torch.no_grad()
    def evaluate(self, engine: GanEngine) -> dict[str, float]:
        xy = self._samples(engine)
        result = {metrics.SLICED_W1: measures.projected_w1(measures.projections(xy), self.truth)}
        if self.toy.centres is not None:
            result |= self._in_modes(xy)
        if (D := Company(engine.D, engine.config, self.real, self.real)).alone:
            result[metrics.D_SLOPE] = mean_slope(D, self.real, engine.ema.net(self.z_evaluate[:ARROWS]))
        if self.best.defined(engine.config):
            result[metrics.D_GAP] = self._gap(engine)
        return result

    def _gap(self, engine: GanEngine) -> float:
        """How far D is from the best D against G as it plays, not its average: see `engines.gan.gap`."""
        x = torch.cat([self.judged_more, engine.G(self.z_gap)]) + engine.instance_sigma() * self.noise_gap  # (2 POINTS, 2)
        labels = (1 - engine.config.label_smoothing) * (torch.arange(len(x), device=self.device) < POINTS)
        return gap(x.cpu().numpy(), (labels - said(engine.D(x), engine.config)).cpu().numpy())

    @torch.no_grad()
    def auditing(self, engine: GanEngine) -> Iterator[tuple[dict[str, float], dict[str, float]] | None]:
        """Measures too slow for `evaluate`, and their floors: kernel distance, precision, recall, density, coverage. None before,
        between the parts."""
        floors = audit_floors(self.toy)
        yield None
        real, fake = self.toy.draw(metrics.N_AUDIT, AUDITED), self._data_units(engine.ema.net(self.z_evaluate[: metrics.N_AUDIT]))
        yield measures.audit(real, fake, clouds.median_distance(real)), floors

    @torch.no_grad()
    def fresh(self, engine: GanEngine, n: int, generator: torch.Generator) -> np.ndarray:
        """Samples (n, 2) for new noise."""
        return self._data_units(engine.ema.net(draw_noise(n, engine.config, generator)))

    @torch.no_grad()
    def draw(self, engine: GanEngine, z: Tensor, *, label: int, averaged: bool, name: str = "samples") -> Points:
        """Samples for noise z (n, noise_dim). 2-D data have no classes: `label` has no effect."""
        return Points(self._data_units((engine.ema.net if averaged else engine.G)(z)), name=name)

    @torch.no_grad()
    def health(self, engine: GanEngine) -> dict[str, Tensor]:
        """Scalars that must stay below 1,000."""
        return {"the largest coordinate of a sample": engine.G(self.z_evaluate[:ARROWS]).abs().max()}

    def _data_units(self, x: Tensor) -> np.ndarray:
        return (x * self.toy.scale + self.shift).cpu().numpy()

    def _more(self, engine: GanEngine, square: Tensor) -> tuple[View, ...]:
        """The best D there could be, and the grid that G makes of its noise, G(lattice) = `square` (LATTICE², 2), where they are
        defined."""
        layers: list[View] = []
        if self.best.defined(engine.config):
            layers.append(self.best.heat(self._best(engine), engine.config))
        if len(square):
            layers.append(mesh(self._data_units(square), engine.config))
        return tuple(layers)

    def _best(self, engine: GanEngine) -> np.ndarray:
        """D* against G as it plays, not its average, blurred, (ROWS, COLS)."""
        samples = self._data_units(engine.G(self.z_evaluate))
        return self.best.map(samples, engine.config, self.toy.scale * engine.instance_sigma())

    def _fixed(self, D: Company) -> tuple[Tensor, Tensor]:
        """Logits of every place of the map, (ROWS · COLS,), and of COUNTED real examples."""
        if not D.alone:
            return D(self.grid), D.among(self.judged, D.real)
        net = cast(Discriminator, D.D)
        frequencies = getattr(net.features, "frequencies", self.grid[:0])
        if self._features is None or not torch.equal(self._features[0], frequencies):  # a checkpoint may have brought others
            self._features = frequencies.clone(), net.seen(torch.cat([self.grid, self.judged]))
        everywhere, real = net.net(self._features[1])[:, 0].split([ROWS * COLS, COUNTED])
        return everywhere, real

    def _map(self, config: Config, D: Company, logits: Tensor) -> Heat:
        """What D says of every place, by its logits (ROWS · COLS,): a probability where it has one, else the critic's value over its
        own range."""
        objective = OBJECTIVES[config.objective]
        if objective.pairs:  # only differences count: how far above a typical example
            logits = logits - D(torch.cat([self.real, D.fake])).mean()
        values = _shaped(said(logits, config))
        if objective.threshold is not None:
            contour = (1 - config.label_smoothing) / 2  # where real and fake are as likely
            return Heat(values, self.extent, name="D(x)", contour=contour)
        lo, hi = float(values.min()), float(values.max())
        if objective.pairs:
            lo, hi = -max(-lo, hi), max(-lo, hi)
        return Heat(values, self.extent, name="critic", lo=lo, hi=hi if hi > lo else lo + 1)

    def _arrows(self, config: Config, D: Company) -> Field:
        """−∂L_G/∂x of each of the ARROWS samples x alone, per data unit."""
        objective = OBJECTIVES[config.objective]
        with torch.enable_grad():
            x = D.fake.detach().requires_grad_(True)  # (ARROWS, 2)
            if D.alone:
                fake_logits, real_logits = D(torch.cat([x, self.real])).split(len(x))
            else:
                fake_logits, real_logits = D.among(x, D.fake), D.among(self.real, D.real)
            loss = objective.g(fake_logits, real_logits.detach()) * len(x)  # a sum: each sample by itself
            (slope,) = torch.autograd.grad(loss, x)
        return Field(self._data_units(x.detach()), (-slope / self.toy.scale).cpu().numpy(), name="gradient")


def _shaped(values: Tensor) -> np.ndarray:
    return values.cpu().numpy().reshape(ROWS, COLS)
