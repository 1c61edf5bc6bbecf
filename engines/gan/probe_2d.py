"""What is seen and measured of a GAN on 2-D data: samples, D as a map, where G is pushed, and the shares of the modes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engines import clouds, metrics
from engines.core import Bars, Field, Heat, Points, Snapshot, View, Views
from engines.data.toy2d import audit_floors, floors
from engines.gan.company import Company
from engines.gan.config import Config
from engines.gan.layers import BEST_D, GRID, BestD, gap, lattice, mesh
from engines.gan.model import draw_noise
from engines.gan.objectives import OBJECTIVES
from engines.state import Rng

if TYPE_CHECKING:
    from engines.gan.engine import GanEngine

ROWS, COLS = 48, 68  # cells of the map; wider than the data, as the stage is
SHOWN, ARROWS, COUNTED = 300, 64, 1_000  # samples drawn, with arrows, counted into the bars
DATA_SHOWN = 2_000


class Probe2D:
    """Fixed noise and fixed places, so that two looks differ only by what was learned."""

    def __init__(self, engine: GanEngine):
        rng = Rng(engine.config.seed, ("look", "evaluate", "pairs"), engine.device)
        self.toy, self.device = engine.data, engine.device
        self.shift = torch.tensor(self.toy.shift, dtype=torch.float32, device=self.device)  # (2,)
        self.z_look = draw_noise(COUNTED, engine.config, rng["look"])
        self.z_evaluate = draw_noise(metrics.N_EVALUATE, engine.config, rng["evaluate"])
        index = torch.randint(len(self.toy.unit), (ARROWS,), generator=rng["pairs"], device=self.device)
        self.real = torch.from_numpy(self.toy.unit).to(self.device)[index]  # (ARROWS, 2)
        x0, x1, y0, y1 = self.toy.extent
        margin = (x1 - x0) * (COLS / ROWS - 1) / 2
        self.extent = x0, x1, y0, y1 = x0 - margin, x1 + margin, y0, y1
        ys, xs = np.meshgrid(np.linspace(y0, y1, ROWS), np.linspace(x0, x1, COLS), indexing="ij")
        places = (np.stack([xs, ys], 2).reshape(-1, 2) - self.toy.shift) / self.toy.scale
        self.grid = torch.from_numpy(places.astype(np.float32)).to(self.device)  # (ROWS · COLS, 2)
        self.truth = metrics.projections(self.toy.draw(metrics.N_EVALUATE, 0))
        self.best = BestD(self.toy, self.extent, ROWS, COLS)
        self.z_grid = lattice(engine.config, self.z_look[0]) if engine.config.noise_dim > 1 else self.z_look[:1]

    def backdrop(self, engine: GanEngine) -> Snapshot:
        layers: list[View] = [Points(self.toy.draw(DATA_SHOWN, 1), role="data", name="data")]
        if self.toy.centres is not None:
            layers.append(Points(self.toy.centres.astype(np.float32), role="exact", name="modes"))
        return Snapshot(0, floors(self.toy), {"stage": tuple(layers)})

    @torch.no_grad()
    def look(self, engine: GanEngine) -> Views:
        x = engine.ema.net(self.z_look)  # (COUNTED, 2), units of the networks
        xy = self._data_units(x)
        views: dict[str, tuple[View, ...]] = {}
        D = Company(engine.D, engine.config, self.real, x[:ARROWS])
        arrows, samples = self._arrows(engine.config, D), Points(xy[:SHOWN], name="samples")
        views["stage"] = (self._map(engine.config, D), *self._more(engine), arrows, samples)
        if self.toy.modes > 1:
            k, report = self.toy.modes, metrics.mode_report(xy, self.toy.centres, self.toy.root)
            labels = tuple(str(i) for i in range(k))
            views["modes"] = (Bars(report.shares.astype(np.float32), labels, name="share", fair=1 / k, low=metrics.COVERED / k),)
        return views

    @torch.no_grad()
    def evaluate(self, engine: GanEngine) -> dict[str, float]:
        xy = self._data_units(engine.ema.net(self.z_evaluate))
        result = {metrics.SLICED_W1: metrics.projected_w1(metrics.projections(xy), self.truth)}
        if self.toy.centres is not None:
            report = metrics.mode_report(xy, self.toy.centres, self.toy.root)
            result[metrics.MODES_COVERED] = float(report.modes_covered)
            result[metrics.HQ_FRACTION] = report.hq_fraction
            result[metrics.REVERSE_KL] = report.reverse_kl
            result |= {f"{metrics.MODE_SHARE}{i}": float(share) for i, share in enumerate(report.shares)}
        if self.best.defined(engine.config):
            best, share = self._best(engine)
            result[metrics.D_GAP] = gap(
                self._map(engine.config, Company(engine.D, engine.config, self.real, self.real)).values, best, share
            )
        return result

    @torch.no_grad()
    def audit(self, engine: GanEngine) -> tuple[dict[str, float], dict[str, float]]:
        """Measures too slow for `evaluate`, and their floors: kernel distance, precision, recall, density, coverage."""
        real, fake = self.toy.draw(metrics.N_AUDIT, 3), self._data_units(engine.ema.net(self.z_evaluate[: metrics.N_AUDIT]))
        return metrics.audit(real, fake, clouds.median_distance(real)), audit_floors(self.toy)

    @torch.no_grad()
    def draw(self, engine: GanEngine, z: Tensor, *, label: int, averaged: bool) -> Points:
        """Samples for noise z (n, noise_dim). 2-D data have no classes: `label` has no effect."""
        return Points(self._data_units((engine.ema.net if averaged else engine.G)(z)), name="samples")

    @torch.no_grad()
    def health(self, engine: GanEngine) -> dict[str, Tensor]:
        """Scalars that must stay below 1,000."""
        return {"the largest coordinate of a sample": engine.G(self.z_look[:ARROWS]).abs().max()}

    def _data_units(self, x: Tensor) -> np.ndarray:
        return (x * self.toy.scale + self.shift).cpu().numpy()

    def _more(self, engine: GanEngine) -> tuple[View, ...]:
        """The layers that `engine.layers` asks for, where they are defined."""
        layers: list[View] = []
        if BEST_D in engine.layers and self.best.defined(engine.config):
            layers.append(self.best.heat(self._best(engine)[0], engine.config))
        if GRID in engine.layers and engine.config.noise_dim > 1:
            layers.append(mesh(self._data_units(engine.ema.net(self.z_grid)), engine.config))
        return tuple(layers)

    def _best(self, engine: GanEngine) -> tuple[np.ndarray, np.ndarray]:
        """D* against G as it plays, not its average, and where data and samples are; both (ROWS, COLS)."""
        samples = self._data_units(engine.G(self.z_evaluate))
        return self.best.map(samples, engine.config, self.toy.scale * engine.instance_sigma())

    def _map(self, config: Config, D: Company) -> Heat:
        """What D says of every place: a probability where it has one, else the critic's value over its own range."""
        objective = config.objective
        logits = D(self.grid)  # (ROWS · COLS,)
        if OBJECTIVES[objective].pairs:  # only differences count: how far above a typical example
            logits = logits - D(torch.cat([self.real, D.fake])).mean()
        if OBJECTIVES[objective].threshold is None:
            values = logits.cpu().numpy().reshape(ROWS, COLS)
            lo, hi = float(values.min()), float(values.max())
            if OBJECTIVES[objective].pairs:
                lo, hi = -max(-lo, hi), max(-lo, hi)
            return Heat(values, self.extent, name="critic", lo=lo, hi=hi if hi > lo else lo + 1)
        share = logits.clamp(0, 1) if objective == "lsgan" else torch.sigmoid(logits)
        contour = (1 - config.label_smoothing) / 2  # where real and fake are as likely
        return Heat(share.cpu().numpy().reshape(ROWS, COLS), self.extent, name="D(x)", contour=contour)

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
