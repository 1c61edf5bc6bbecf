"""What is seen and measured of a diffusion model on 2-D data: samples and the paths they took, the score as arrows, errors by noise level,
each beside its exact optimum where the density is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engines import clouds, measures, metrics
from engines.core import Bars, Curve, Field, Paths, Points, Snapshot, View, Views
from engines.data.toy2d import AUDITED, TRUTH, Toy2D, audit_floors, floors
from engines.diffusion.config import nfe
from engines.diffusion.objectives import errors
from engines.diffusion.oracle import exact_denoiser, optimal_loss
from engines.diffusion.parameterisations import PARAMETERISATIONS, Denoise, denoiser
from engines.diffusion.sampling import denoiser_of_run, generate, seeded, sigmas_of_run, to_data, walk
from engines.diffusion.schedules import training_sigmas
from engines.state import Rng

if TYPE_CHECKING:
    from engines.diffusion.engine import DiffusionEngine

SHOWN, COUNTED, WALKED = 300, 500, 24  # samples drawn, counted into the bars, drawn with their paths
DATA_SHOWN = 2_000
LOOK_STEPS = 10  # of the sampler, at most, in a look: it is to cost no more than some tens of training steps
ROWS, FIELD_SIGMA = 14, 0.3  # arrows in each direction, and the noise level they belong to
LEVELS, PER_LEVEL = 12, 100  # noise levels, and examples at each, of the curves
MEASURED = 1_000  # examples of the validation loss


class Probe2D:
    """Fixed noise and fixed places, so that two looks differ only by what was learned."""

    def __init__(self, engine: DiffusionEngine):
        config, self.toy, self.device = engine.config, engine.data, engine.device
        rng = Rng(config.seed, ("look", "evaluate", "validate"), engine.device)
        self.eps_look = torch.randn((COUNTED, 2), generator=rng["look"], device=self.device)
        self.eps_evaluate = torch.randn((metrics.N_EVALUATE, 2), generator=rng["evaluate"], device=self.device)
        self.truth = measures.projections(self.toy.draw(metrics.N_EVALUATE, TRUTH))
        x0, x1, y0, y1 = self.toy.extent
        places = np.stack(np.meshgrid(np.linspace(x0, x1, ROWS), np.linspace(y0, y1, ROWS)), 2).reshape(-1, 2)
        self.grid = torch.from_numpy(((places - self.toy.shift) / self.toy.scale).astype(np.float32)).to(self.device)
        self.validate = self._held_out(MEASURED, 2), self._noise(MEASURED, rng), engine.draw_sigma(MEASURED, rng["validate"])
        self.sigmas = noise_levels(engine)  # (LEVELS,) float32
        n = LEVELS * PER_LEVEL
        self.levelled = self._held_out(n, 4), self._noise(n, rng), self.sigmas.repeat_interleave(PER_LEVEL)
        self.exact: Denoise | None = None if self.toy.density is None else exact_denoiser(self.toy)

    def _held_out(self, n: int, seed: int) -> Tensor:
        """Examples that training does not see, (n, 2), in units of the network."""
        xy = (self.toy.draw(n, seed) - self.toy.shift) / self.toy.scale
        return torch.from_numpy(xy.astype(np.float32)).to(self.device)

    def _noise(self, n: int, rng: Rng) -> Tensor:
        return torch.randn((n, 2), generator=rng["validate"], device=self.device)

    def backdrop(self, engine: DiffusionEngine) -> Snapshot:
        layers: list[View] = [Points(self.toy.draw(DATA_SHOWN, 1), role="data", name="data")]
        if self.toy.centres is not None:
            layers.append(Points(self.toy.centres.astype(np.float32), role="exact", name="modes"))
        noise = self.eps_look[:SHOWN]
        views: dict[str, tuple[View, ...]] = {"noise": (Points(noise.cpu().numpy(), name="noise"),)}
        views["start"] = (Points(to_data(engine, noise), name="noise in data units"),)  # where paths begin
        known = dict(floors(self.toy))
        if self.exact is not None:
            layers.append(self._arrows(engine, self.exact, "exact"))
            best, at_levels = best_losses(self.toy, engine.config.objective, (self.validate, self.levelled))
            known[metrics.VALIDATION_MSE] = best
            views["loss_by_noise"] = (Curve(self._clock(), at_levels, role="exact", name="best possible"),)
        return Snapshot(0, known, {"stage": tuple(layers), **views})

    @torch.no_grad()
    def look(self, engine: DiffusionEngine) -> Views:
        denoise, steps = denoiser_of_run(engine), min(engine.config.num_steps, LOOK_STEPS)
        moments = list(walk(denoise, engine.config, self.eps_look, seeded(engine.config.seed, "sampler", self.device), steps))
        xy = to_data(engine, moments[-1].x)
        views: dict[str, tuple[View, ...]] = {}
        arrows = self._arrows(engine, denoiser(engine.ema.net, engine.parameterisation), "model")
        views["stage"] = (arrows, self._paths(engine, moments), Points(xy[:SHOWN], name="samples"))
        grid = sigmas_of_run(engine.config, self.device, steps).cpu().numpy().astype(np.float32)
        views["walk"] = (Curve(np.arange(len(grid), dtype=np.float32), grid, name="sigma"),)
        each = errors(engine.ema.net, engine.parameterisation, *self.levelled)
        views["loss_by_noise"] = (Curve(self._clock(), _means(each), name="loss"),)
        if self.exact is not None:
            views["score_cosine"] = (Curve(self._clock(), self._cosines(engine), name="cosine"),)
        if self.toy.modes > 1:
            k, report = self.toy.modes, measures.mode_report(xy, self.toy.centres, self.toy.root)
            labels = tuple(str(i) for i in range(k))
            views["modes"] = (Bars(report.shares.astype(np.float32), labels, name="share", fair=1 / k, low=metrics.COVERED / k),)
        return views

    @torch.no_grad()
    def evaluate(self, engine: DiffusionEngine) -> dict[str, float]:
        c, net = engine.config, engine.ema.net
        noise = seeded(c.seed, "sampler", self.device)
        moments = list(walk(denoiser_of_run(engine), c, self.eps_evaluate, noise))
        xy = to_data(engine, moments[-1].x)
        result = {metrics.SLICED_W1: measures.projected_w1(measures.projections(xy), self.truth)}
        if self.toy.centres is not None:
            report = measures.mode_report(xy, self.toy.centres, self.toy.root)
            result[metrics.MODES_COVERED] = float(report.modes_covered)
            result[metrics.HQ_FRACTION] = report.hq_fraction
            result[metrics.REVERSE_KL] = report.reverse_kl
            result |= {f"{metrics.MODE_SHARE}{i}": float(share) for i, share in enumerate(report.shares)}
        result[metrics.VALIDATION_MSE] = float(errors(net, engine.parameterisation, *self.validate).mean())
        if self.exact is not None:
            result[metrics.SCORE_COSINE] = float(self._cosines(engine).mean())
        result[metrics.STRAIGHTNESS] = straightness([self.eps_evaluate, *(m.x / (1 + m.sigma) for m in moments)])
        return result | {metrics.NFE: float(nfe(c.sampler, c.num_steps))}

    def audit(self, engine: DiffusionEngine) -> tuple[dict[str, float], dict[str, float]]:
        """Measures too slow for `evaluate`, and their floors: kernel distance, precision, recall, density, coverage."""
        noise = seeded(engine.config.seed, "sampler", self.device)
        fake = to_data(engine, generate(engine, self.eps_evaluate[: metrics.N_AUDIT], None, noise))
        real = self.toy.draw(metrics.N_AUDIT, AUDITED)
        return measures.audit(real, fake, clouds.median_distance(real)), audit_floors(self.toy)

    def _clock(self) -> np.ndarray:
        """The horizontal axis of the curves: ln sigma, (LEVELS,)."""
        return self.sigmas.log().cpu().numpy()

    def _arrows(self, engine: DiffusionEngine, denoise: Denoise, role: str) -> Field:
        """Where a denoiser would move each place at noise FIELD_SIGMA: D(x, sigma) − x, which is sigma² times the score."""
        with torch.no_grad():
            moved = (denoise(self.grid, FIELD_SIGMA) - self.grid) * engine.scale
        name = "score" if role == "model" else "exact score"
        return Field(to_data(engine, self.grid), moved.float().cpu().numpy(), role=role, name=name)  # type: ignore[arg-type]

    def _paths(self, engine: DiffusionEngine, moments: list) -> Paths:
        """How WALKED of the samples came about: D's estimates would jump, x of high noise lies far out, so the flow's x_t is drawn."""
        xs = [self.eps_look[:WALKED], *(m.x[:WALKED] / (1 + m.sigma) for m in moments)]
        return Paths(np.stack([to_data(engine, x) for x in xs], 1), name="paths")

    def _cosines(self, engine: DiffusionEngine) -> np.ndarray:
        """Mean cosine between learned and exact score at each noise level, (LEVELS,)."""
        x0, eps, sigma = self.levelled
        x = x0 + sigma[:, None] * eps
        learned = denoiser(engine.ema.net, engine.parameterisation)(x, sigma) - x
        return _means(torch.cosine_similarity(learned, self._exact_moves()))

    def _exact_moves(self) -> Tensor:
        """D(x, sigma) − x of the exact denoiser on the levelled examples; of the noise alone, so the same for every run."""
        if self.exact is None:
            raise ValueError("this data set has no exact density")
        if not hasattr(self, "_moves"):
            x0, eps, sigma = self.levelled
            x = x0 + sigma[:, None] * eps
            self._moves = self.exact(x, sigma) - x
        return self._moves


def noise_levels(engine: DiffusionEngine) -> Tensor:
    """(LEVELS,) noise levels that training meets, from its 1st to its 99th percentile, evenly in how often they are met."""
    c, share = engine.config, torch.linspace(0.01, 0.99, LEVELS, device=engine.device)
    levels = training_sigmas(c.schedule, c.shift)
    if levels is None:
        return (c.noise_mean + c.noise_std * torch.special.ndtri(share)).exp()
    return torch.from_numpy(np.quantile(levels, share.cpu().numpy())).float().to(engine.device)


Examples = tuple[Tensor, Tensor, Tensor]


def best_losses(toy: Toy2D, objective: str, examples: tuple[Examples, Examples]) -> tuple[float, np.ndarray]:
    """What the best possible network would lose on the validation examples, and at each noise level (LEVELS,)."""
    validate, levelled = examples
    denoise, p = exact_denoiser(toy), PARAMETERISATIONS[objective]
    return float(optimal_loss(denoise, *validate, p).mean()), _means(optimal_loss(denoise, *levelled, p))


def straightness(xs: list[Tensor]) -> float:
    """Distance from first to last over the length of the way, averaged over paths xs (steps + 1) of (n, d); 1 = straight. In the flow's
    coordinates, where a rectified flow is straight (Liu et al., 2023)."""
    way = sum((b - a).flatten(1).norm(dim=1) for a, b in zip(xs[:-1], xs[1:], strict=True))
    return float(((xs[-1] - xs[0]).flatten(1).norm(dim=1) / torch.as_tensor(way).clamp(min=1e-9)).mean())


def _means(each: Tensor) -> np.ndarray:
    """Means per noise level, (LEVELS,) float32, of (LEVELS · PER_LEVEL,)."""
    return each.unflatten(0, (LEVELS, -1)).mean(1).float().cpu().numpy()
