"""What is seen and measured of a VAE on images: the manifold, reconstructions, and the judge's distances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines import measures, metrics
from engines.core import Images, Snapshot, Views
from engines.judge import MEASURED as JUDGED
from engines.judge import Judge, judge
from engines.state import Rng
from engines.vae.bounds import aggregate_kl, gap
from engines.vae.priors import normal
from engines.vae.probe import GRID, SHOWN, Probe

if TYPE_CHECKING:
    from engines.vae.engine import VaeEngine

DATA_SHOWN, MOST, FLOOR_DRAWS = 64, 1_000, 20
SIDE = 16  # tiles of the manifold are halved where images are larger, or every look would be 180 kB
NAMES = {1: "manifold", 2: "manifold"}


class ImageProbe(Probe):
    """`pixels` (n, c, h, w) in [−1, 1] are the test images as they are, beside `x` as the likelihood sees them."""

    def __init__(self, engine: VaeEngine):
        data = engine.data
        labels = torch.from_numpy(data.test_labels[:MOST]).to(engine.device) if engine.info.classes else None
        super().__init__(engine, engine.prepared(data.test_pixels[:MOST], "test"), labels)
        self.pixels = data.test_pixels[:MOST]
        self.shown = self._one_of_each(SHOWN)
        self.judge: Judge | None = judge(engine.config.dataset)
        self.n = min(self.judge.n if self.judge else 256, MOST)
        rng = Rng(engine.config.seed, ("evaluate", "classes"), engine.device)
        self.z_evaluate = rng["evaluate"]
        self.z_samples = torch.randn((self.n, engine.config.latent), generator=rng["evaluate"], device=engine.device)
        self.y_samples = torch.arange(self.n, device=engine.device) % max(1, len(engine.info.classes))
        self.energy = laplacian_energy(torch.from_numpy(self.pixels))

    def _one_of_each(self, n: int) -> Tensor:
        """n test examples, as many classes as there are first."""
        if self.y is None:
            return torch.arange(min(n, len(self.x)), device=self.x.device)
        firsts = [int((self.y == k).nonzero()[0]) for k in self.y.unique()]
        rest = [i for i in range(len(self.x)) if i not in firsts]
        return torch.tensor(sorted((firsts + rest)[: min(n, len(self.x))], key=lambda i: int(self.y[i])), device=self.x.device)  # type: ignore[index]

    def backdrop(self, engine: VaeEngine) -> Snapshot:
        data = engine.data
        rng = np.random.default_rng(engine.config.seed)
        rows = rng.choice(len(data.pixels), min(DATA_SHOWN, len(data.pixels)), replace=False)
        label = data.labels[rows].astype(np.uint8) if engine.info.classes else None
        known = dict(self.judge.floors) if self.judge else {}
        if self.judge:  # perfect copies are the test images themselves
            known[metrics.RECON_FRECHET] = self.judge.distance(self.judge.look(self.pixels[: self.n])[0])
        known |= self._sharpness(data.pixels) | {metrics.SAMPLES: float(self.n)}
        least = engine.likelihood.least(self.x)
        if least is not None and engine.config.objective != "vq-vae":
            copy = float(least.mean())  # of the test images; −ELBO cannot be lower either, since KL is not below 0
            known |= {metrics.TEST_RECON: copy, metrics.RECON: copy}
        return Snapshot(0, known, {"stage": (Images(data.pixels[rows], role="data", name="data", label=label),)})

    @torch.no_grad()
    def look(self, engine: VaeEngine) -> Views:
        views = dict(super().look(engine))
        views["manifold"] = (self.manifold(engine, small=True),)
        i = self.shown
        label = None if self.y is None else self.y[i].cpu().numpy().astype(np.uint8)
        inputs = engine.likelihood.restore(self.x[i]).cpu().numpy()
        views["reconstructions"] = (
            Images(inputs, role="data", name="test", label=label),
            Images(self.reconstruct(engine, i).cpu().numpy(), name="reconstructions", label=label),
        )
        return views

    @torch.no_grad()
    def manifold(self, engine: VaeEngine, *, small: bool, y: Tensor | None = None) -> Images:
        """GRID² decoded places, row by row. A conditional decoder is told class 0, or the classes in turn where z are draws."""
        z = self.lattice(engine)
        d = engine.config.latent
        if y is None:
            y = torch.arange(GRID**2, device=engine.device) % max(1, len(engine.info.classes)) * (d > 2)
        x = self.decode(engine, z, y)
        if small and min(x.shape[2:]) >= 2 * SIDE - 4:
            x = F.avg_pool2d(x, 2)
        name = "manifold" if d <= 2 and engine.codebook is None else "prior samples" if engine.codebook is None else "codes at random"
        return Images(x.cpu().numpy(), name=name)

    @torch.no_grad()
    def decode(self, engine: VaeEngine, z: Tensor, y: Tensor | None, noise: torch.Generator | None = None) -> Tensor:
        """Images (n, c, h, w) in [−1, 1] of places z (n, d): the mean of p(x | z), or a draw of it."""
        parts = []
        for at in range(0, len(z), 500):
            out = engine.decoder(z[at : at + 500], None if y is None else y[at : at + 500])
            x = engine.likelihood.mean(out) if noise is None else engine.likelihood.sample(out, noise)
            parts.append(engine.likelihood.restore(x).clamp(-1, 1))
        return torch.cat(parts)

    def reconstruct(self, engine: VaeEngine, index: Tensor) -> Tensor:
        """Test images (n,) encoded to their posterior means and decoded, (n, c, h, w) in [−1, 1]."""
        y = None if self.y is None else self.y[index]
        return self.decode(engine, self.seen(engine).mu[index], y)

    def drawn(self, engine: VaeEngine, z: Tensor, y: Tensor, noise: torch.Generator | None, name: str = "samples") -> Images:
        label = y.cpu().numpy().astype(np.uint8) if engine.told else None
        return Images(self.decode(engine, z, y, noise).cpu().numpy(), name=name, label=label)

    @torch.no_grad()
    def evaluate(self, engine: VaeEngine) -> dict[str, float]:
        """The terms on all test examples, a tighter bound, and the judge's report on samples and on reconstructions."""
        result = self.measure(engine, len(self.x))
        if engine.gaussian:
            result[metrics.TEST_IWAE] = result[metrics.TEST_NEG_ELBO] - gap(engine, metrics.N_IWAE, 50, self.seed)
            result[metrics.AGGREGATE_KL] = aggregate_kl(engine)
            if engine.config.likelihood == "logistic" or engine.binarised != "soft":
                result[metrics.BITS_PER_DIM] = result[metrics.TEST_NEG_ELBO] / engine.dims / np.log(2)
        z = self.z_samples if engine.codebook is None else normal(engine, self.n, Rng(self.seed, ("evaluate",), engine.device)["evaluate"])
        result |= self.quality(self.decode(engine, z, self.y_samples))
        if self.judge:
            copies = self.reconstruct(engine, torch.arange(self.n, device=engine.device))
            result[metrics.RECON_FRECHET] = self.judge.distance(self.judge.look(copies)[0])
        return result

    def _sharpness(self, pixels: np.ndarray) -> dict[str, float]:
        """The band of what n real images score."""
        rng = np.random.default_rng(0)
        rows = [rng.choice(len(pixels), min(self.n, len(pixels)), replace=False) for _ in range(FLOOR_DRAWS)]
        return measures.band([{metrics.SHARPNESS: laplacian_energy(torch.from_numpy(pixels[r])) / self.energy} for r in rows])

    def quality(self, x: Tensor) -> dict[str, float]:
        """The judge's report on images (n, c, h, w), and how sharp they are."""
        result = {metrics.SHARPNESS: laplacian_energy(x.cpu()) / self.energy}
        if self.judge:
            report = self.judge.report(x.cpu())
            result |= {name: report[name] for name in JUDGED}
        return result


def laplacian_energy(x: Tensor) -> float:
    """Mean squared discrete Laplacian of images (n, c, h, w), borders left out: blur lowers it. Pech-Pacheco et al., 2000."""
    inner = x[..., 1:-1, 1:-1]
    around = x[..., :-2, 1:-1] + x[..., 2:, 1:-1] + x[..., 1:-1, :-2] + x[..., 1:-1, 2:]
    return float((around - 4 * inner).square().mean())
