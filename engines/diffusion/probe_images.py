"""What is seen and measured of a diffusion model on images: a grid of samples, errors by noise level, and the judge's report. Sampling is
dear (a thousand guided images take ten seconds of one core), so looks and evaluations draw few images in few steps; `audit` draws as many
as the judge asks for, in the run's own steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engines import clouds, measures, metrics
from engines.core import Bars, Curve, Images, Points, Snapshot, View, Views
from engines.diffusion.config import TWICE, Config, nfe
from engines.diffusion.objectives import errors
from engines.diffusion.probe_2d import LEVELS, noise_levels
from engines.diffusion.sampling import generate, in_turn, samples_view, seeded, to_data
from engines.judge import MEASURED as JUDGED
from engines.judge import Judge, halves, judge, judge_of_captions
from engines.state import Rng

if TYPE_CHECKING:
    from engines.diffusion.engine import DiffusionEngine

ROWS, SHOWN = 3, 32  # of samples, one column per class; samples where there are no classes
DATA_SHOWN = 64
REBUILT = 10  # held-out images that are encoded and decoded
COUNTED = 200  # samples measured while training
LOOK_EVALUATIONS = 9  # of the network, at most, in looks and evaluations
PER_LEVEL, MEASURED = 16, 200  # images at each noise level, and images of the validation loss
FLOOR_DRAWS = 20
HeldOut = tuple[Tensor, Tensor, Tensor, Tensor | None]  # images or latents, noise, noise levels, what the network is told


def look_steps(config: Config) -> int:
    """Steps of the sampler, at most, in looks and evaluations."""
    return (LOOK_EVALUATIONS + 1) // 2 if config.sampler in TWICE else LOOK_EVALUATIONS


class ImageProbe:
    """Fixed noise and fixed classes, so that two looks differ only by what was learned."""

    def __init__(self, engine: DiffusionEngine):
        config, data = engine.config, engine.data
        rng = Rng(config.seed, ("look", "evaluate", "data", "validate"), engine.device)
        self.judge: Judge | None = judge_of_captions(config.dataset) if config.text else judge(config.dataset)
        self.classes, self.device = len(data.classes), engine.device
        self.shown = ROWS * self.classes if engine.told else SHOWN
        self.n = min(COUNTED, len(data.test_pixels) // 2 if self.judge else len(data.test_pixels))
        rows = torch.randint(len(data.pixels), (metrics.N_IMAGES,), generator=rng["data"], device=self.device).cpu()
        self.rows = rows.numpy()
        self.as_in_data = torch.from_numpy(data.labels[self.rows]).to(self.device)
        self.eps_look = torch.randn((self.shown, *engine.shape), generator=rng["look"], device=self.device)
        self.eps_evaluate = torch.randn((metrics.N_IMAGES, *engine.shape), generator=rng["evaluate"], device=self.device)
        self.validate = self._held_out(engine, MEASURED, rng, engine.draw_sigma(MEASURED, rng["validate"]))
        self.sigmas = noise_levels(engine)  # (LEVELS,)
        self.levelled = self._held_out(engine, LEVELS * PER_LEVEL, rng, self.sigmas.repeat_interleave(PER_LEVEL))
        of_latents = (max(MEASURED, LEVELS * PER_LEVEL) if engine.latent is not None else 0, *engine.shape)
        self.within = torch.randn(of_latents, generator=rng["validate"], device=self.device)  # of q(z | x)
        self.along = measures.directions(dim=int(np.prod(data.shape)))  # (64, c h w)
        self.truth = self._projections(data.test_pixels[: self.n])  # (64, n)

    def _held_out(self, engine: DiffusionEngine, n: int, rng: Rng, sigma: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Test images, noise, noise levels and what the network is told; see `_errors`."""
        at = np.arange(n) % len(engine.data.test_pixels)
        x = torch.from_numpy(engine.data.test_pixels[at]).to(self.device)
        labels = torch.from_numpy(np.asarray(engine.data.test_labels[at], np.int64)).to(self.device)
        y = engine.condition(labels) if engine.told else None
        eps = torch.randn((n, *engine.shape), generator=rng["validate"], device=self.device)
        return x if engine.latent is not None else engine.encode(x), eps, sigma, y

    def _errors(self, engine: DiffusionEngine, held_out: HeldOut) -> Tensor:
        """(n,) errors on held-out images; of a latent run, on their latents as they are now."""
        held_out = held_out if engine.latent is None else self.encoded(engine, held_out)
        return errors(engine.ema.net, engine.parameterisation, *held_out)

    def encoded(self, engine: DiffusionEngine, held_out: HeldOut) -> HeldOut:
        """The same with latents in place of images, drawn as training draws them: centres alone would be easier to guess."""
        x, *others = held_out
        assert engine.latent is not None
        return engine.latent.encode(x, self.within[: len(x)]), *others  # type: ignore[return-value]

    def backdrop(self, engine: DiffusionEngine) -> Snapshot:
        labels = engine.data.labels[self.rows[:DATA_SHOWN]].astype(np.uint8) if self.classes else None
        view = Images(engine.data.pixels[self.rows[:DATA_SHOWN]], role="data", name="data", label=labels)
        noise = Points(self.eps_look.flatten(1)[:, :2].cpu().numpy(), name="noise")
        known = {**self._floors(engine), metrics.SAMPLES: float(self.n)}
        return Snapshot(0, known, {"stage": (view,), "noise": (noise,)})

    @torch.no_grad()
    def look(self, engine: DiffusionEngine) -> Views:
        y = self._asked(engine, self.shown)
        x = self._generate(engine, self.eps_look, y, look_steps(engine.config))
        views: dict[str, tuple[View, ...]] = {"stage": (samples_view(engine, x, y if engine.begun > 0 else None),)}
        if engine.latent is not None:
            views["reconstruction"] = self._rebuilt(engine)
        each = self._errors(engine, self.levelled)
        loss = each.unflatten(0, (LEVELS, -1)).mean(1).cpu().numpy()
        views["loss_by_noise"] = (Curve(self.sigmas.log().cpu().numpy(), loss, name="loss"),)
        if self.judge:
            share, k = self.judge.shares(to_data(engine, x)), self.classes
            views["modes"] = (Bars(share, engine.data.classes, name="share", fair=1 / k, low=metrics.COVERED / k),)
        return views

    def _rebuilt(self, engine: DiffusionEngine) -> tuple[View, ...]:
        """Held-out images, and what the autoencoder makes of them."""
        x = engine.data.test_pixels[:REBUILT]
        again = to_data(engine, engine.encode(torch.from_numpy(x).to(self.device)))
        return Images(x, role="data", name="held out"), Images(again, name="encoded and decoded")

    @torch.no_grad()
    def evaluate(self, engine: DiffusionEngine) -> dict[str, float]:
        """The loss on fixed noise and, once there is something to judge, the judge's report on n samples in few steps; of one's own
        images, distances of pixels only."""
        c = engine.config
        result = {metrics.VALIDATION_MSE: float(self._errors(engine, self.validate).mean())} if engine.begun >= 0 else {}
        result[metrics.NFE] = float(nfe(c.sampler, c.num_steps, engine.told and c.cfg_scale != 1))
        if not engine.step:
            return result
        y = self.as_in_data[: self.n] if self.classes else None
        pixels = to_data(engine, self._generate(engine, self.eps_evaluate[: self.n], y, look_steps(engine.config)))
        result[metrics.PIXEL_SLICED_W1] = measures.projected_w1(self._projections(pixels), self.truth)
        if self.judge:
            report = self.judge.report(pixels)
            result |= {name: report[name] for name in JUDGED}
        return result

    @torch.no_grad()
    def audit(self, engine: DiffusionEngine) -> tuple[dict[str, float], dict[str, float]]:
        """The judge's report on as many samples as its own floor was taken on, in the run's own steps; then kernel distance, precision,
        recall, density, coverage of its features. With all their floors; none without a judge."""
        if not self.judge:
            return {}, {}
        held, n = engine.data.test_pixels, min(self.judge.n, metrics.N_IMAGES)
        pixels = to_data(engine, self._generate(engine, self.eps_evaluate[:n], self.as_in_data[:n], engine.config.num_steps))
        report, m = self.judge.report(pixels), min(n, len(held) // 2)
        fake, real = self.judge.look(pixels[:m])[0], self.judge.look(held)[0]
        width = clouds.median_distance(real[:m])
        floors = measures.band([measures.audit(real[some], real[others], width) for some, others in halves(len(held), m)])
        found = {name: report[name] for name in JUDGED} | measures.audit(real[:m], fake, width)
        return found, self.judge.floors | floors

    def _generate(self, engine: DiffusionEngine, eps: Tensor, y: Tensor | None, most: int) -> Tensor:
        steps = min(engine.config.num_steps, most)
        return generate(engine, eps, y, seeded(engine.config.seed, "sampler", self.device), steps)

    def _asked(self, engine: DiffusionEngine, n: int) -> Tensor | None:
        return in_turn(n, self.classes, self.device) if self.classes else None

    def _projections(self, pixels: np.ndarray) -> np.ndarray:
        return measures.projections(pixels.reshape(len(pixels), -1), self.along)

    def _floors(self, engine: DiffusionEngine) -> dict[str, float]:
        """What n real images score against the held-out ones; none for one's own images, where nothing is held out. Pixels are those of
        training images; the judge, which was trained on these, looks at held-out ones."""
        data = engine.data
        if data.test_pixels is data.pixels:
            return {}
        rng = np.random.default_rng(0)
        draws = [data.pixels[rng.choice(len(data.pixels), self.n, replace=False)] for _ in range(FLOOR_DRAWS)]
        floors = measures.band([{metrics.PIXEL_SLICED_W1: measures.projected_w1(self._projections(draw), self.truth)} for draw in draws])
        return floors | (self.judge.real_scores(data.test_pixels, self.n) if self.judge else {})
