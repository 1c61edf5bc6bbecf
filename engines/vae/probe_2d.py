"""What is seen and measured of a VAE on points in the plane: the sheet that the decoder makes of its latents, and samples around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engines import measures, metrics
from engines.core import Curve, Field, Mesh, Points, Snapshot, View, Views
from engines.data.toy2d import TRUTH, floors
from engines.state import Rng
from engines.vae.bounds import aggregate_kl, gap
from engines.vae.priors import normal
from engines.vae.probe import GRID, HIGH, LOW, Probe

if TYPE_CHECKING:
    from engines.vae.engine import VaeEngine

SHOWN, ARROWS, DATA_SHOWN = 300, 64, 2_000
TEST_SEED = 5  # of the toy's own stream


class Probe2D(Probe):
    """`xy` (n, 2) are the test points in data units."""

    def __init__(self, engine: VaeEngine):
        self.toy = engine.data
        self.xy = self.toy.draw(metrics.N_TEST, TEST_SEED)
        unit = ((self.xy - self.toy.shift) / self.toy.scale).astype(np.float32)
        super().__init__(engine, torch.from_numpy(unit).to(engine.device), None)
        self.n = metrics.N_EVALUATE
        self.truth = measures.projections(self.toy.draw(metrics.N_EVALUATE, TRUTH))

    def label(self) -> np.ndarray | None:
        """The nearest mode of each test point, where there are modes."""
        if self.toy.modes < 2:
            return None
        away = np.square(self.xy[:, None] - self.toy.centres).sum(2)
        return away.argmin(1).astype(np.uint8)

    def backdrop(self, engine: VaeEngine) -> Snapshot:
        layers: list[View] = [Points(self.toy.draw(DATA_SHOWN, 1), role="data", name="data")]
        if self.toy.centres is not None:
            layers.append(Points(self.toy.centres.astype(np.float32), role="exact", name="modes"))
        known = dict(floors(self.toy))
        if self.toy.density is not None:
            entropy = -float(self.toy.log_prob(self.xy).mean())  # no model can be below the data's own entropy
            if np.isfinite(entropy):
                known |= {metrics.TEST_NEG_ELBO: entropy, metrics.NEG_ELBO: entropy, metrics.TEST_IWAE: entropy}
        return Snapshot(0, known, {"stage": tuple(layers)})

    @torch.no_grad()
    def look(self, engine: VaeEngine) -> Views:
        views = dict(super().look(engine))
        samples = self.drawn(engine, *self._prior(engine, SHOWN, "look"))
        views["stage"] = (*self.sheet(engine), samples)
        mu = self.seen(engine).mu[:ARROWS]
        back = self.data_units(engine.likelihood.mean(engine.decoder(mu)))
        views["reconstructions"] = (Field(self.xy[:ARROWS], back - self.xy[:ARROWS], name="reconstructions"),)
        return views

    def sheet(self, engine: VaeEngine) -> tuple[View, ...]:
        """Where the decoder puts the latents: a grid of two at Gaussian quantiles, a line of one; none of more."""
        d = engine.config.latent
        if d > 2 or engine.codebook is not None:
            return ()
        xy = self.data_units(engine.likelihood.mean(engine.decoder(self.lattice(engine))))
        if d == 1:
            return (Curve(xy[:, 0].copy(), xy[:, 1].copy(), name="manifold"),)
        xy = xy.reshape(GRID, GRID, 2)
        across, up = np.diff(xy, axis=1)[:-1], np.diff(xy, axis=0)[:, :-1]  # (GRID − 1, GRID − 1, 2)
        area = np.abs(across[..., 0] * up[..., 1] - across[..., 1] * up[..., 0])
        share = ((HIGH - LOW) / (GRID - 1)) ** 2
        return (Mesh(xy, (share / np.maximum(area, 1e-9)).astype(np.float32), name="manifold"),)

    def _prior(self, engine: VaeEngine, n: int, stream: str) -> tuple[Tensor, Tensor, torch.Generator]:
        generator = Rng(self.seed, (stream,), engine.device)[stream]
        return normal(engine, n, generator), torch.zeros(n, dtype=torch.int64, device=engine.device), generator

    @torch.no_grad()
    def drawn(self, engine: VaeEngine, z: Tensor, y: Tensor, noise: torch.Generator | None, name: str = "samples") -> Points:
        out = engine.decoder(z)
        x = engine.likelihood.mean(out) if noise is None else engine.likelihood.sample(out, noise)
        return Points(self.data_units(x), name=name)

    @torch.no_grad()
    def evaluate(self, engine: VaeEngine) -> dict[str, float]:
        """The terms, a tighter bound, and the distances of samples."""
        result = self.measure(engine, len(self.x))
        if engine.gaussian:
            result[metrics.TEST_IWAE] = result[metrics.TEST_NEG_ELBO] - gap(engine, metrics.N_IWAE, 50, self.seed)
            result[metrics.AGGREGATE_KL] = aggregate_kl(engine)
        return result | self.quality(self.drawn(engine, *self._prior(engine, self.n, "evaluate")).xy)

    def quality(self, xy: np.ndarray) -> dict[str, float]:
        """Distances of samples (N_EVALUATE, 2) in data units."""
        result = {metrics.SLICED_W1: measures.projected_w1(measures.projections(xy), self.truth)}
        if self.toy.centres is not None:
            report = measures.mode_report(xy, self.toy.centres, self.toy.root)
            result[metrics.MODES_COVERED] = float(report.modes_covered)
            result[metrics.HQ_FRACTION] = report.hq_fraction
            result[metrics.REVERSE_KL] = report.reverse_kl
        return result

    def data_units(self, x: Tensor) -> np.ndarray:
        return (x.cpu().numpy() * self.toy.scale + self.toy.shift).astype(np.float32)
