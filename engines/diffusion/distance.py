"""How far a few samples are from the data, for answers that compare samplers, steps, averages and students."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from engines import measures, metrics
from engines.diffusion.sampling import in_turn, to_data

if TYPE_CHECKING:
    from engines.diffusion.engine import DiffusionEngine

FLOOR_DRAWS = 20


class Distance:
    """Sliced W1 of n samples from as many held-out examples: of points in data units, of images in the features of the judge, to which a
    blurred digit looks unlike a sharp one where pixels hardly differ; in pixels where there is no judge. A network that is told classes
    draws them in turn, and is compared with images of these. ValueError for an n of more examples than are held out."""

    def __init__(self, engine: DiffusionEngine, n: int):
        self.engine, self.n, data = engine, n, engine.data
        if not engine.image:
            self.truth = self._projected(data.draw(n, 9))
            return
        if n > len(data.test_pixels):
            raise ValueError(f"n={n} is more than the {len(data.test_pixels)} examples there are to compare with")
        classes = in_turn(n, len(engine.info.classes), engine.device).cpu().numpy() if engine.told else None
        rng = np.random.default_rng(0)
        seen = self._seen(data.test_pixels)
        truth = _chosen(classes, data.test_labels, n, rng)
        rest = np.setdiff1d(np.arange(len(seen)), truth)  # a judge has seen what is trained on, so its floor is of other held-out images
        apart = rest if len(rest) >= n else np.arange(len(seen))
        self.rows = [apart[_chosen(classes, data.test_labels[apart], n, rng)] for _ in range(FLOOR_DRAWS)]  # of held-out images
        self.draws = [measures.projections(seen[rows]) for rows in self.rows]
        self.truth = measures.projections(seen[truth])

    def of(self, x: Tensor) -> float:
        """Of samples x (n, …) in the network's units."""
        return measures.projected_w1(self._projected(to_data(self.engine, x)), self.truth)

    @cached_property
    def band(self) -> dict[str, float]:
        """Of n real examples that are neither those compared with nor, on images, trained on: see `measures.band`."""
        if not self.engine.image:
            self.draws = [self._projected(self.engine.data.draw(self.n, 100 + i)) for i in range(FLOOR_DRAWS)]
        return measures.band([{metrics.SLICED_W1: measures.projected_w1(draw, self.truth)} for draw in self.draws])

    @property
    def floor(self) -> float:
        """The mean of the band."""
        return self.band[metrics.SLICED_W1]

    def _projected(self, x: np.ndarray) -> np.ndarray:
        return measures.projections(self._seen(x))

    def _seen(self, x: np.ndarray) -> np.ndarray:
        """Points as they are, images in the judge's features, or as pixels where there is no judge, (n, d)."""
        judge = self.engine.probe.judge if self.engine.image else None
        return judge.look(x)[0] if judge else x.reshape(len(x), -1)


def _chosen(classes: np.ndarray | None, labels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) different examples, of these classes (n,) if given; a class with too few of them gives some twice."""
    if classes is None:
        return rng.choice(len(labels), n, replace=False)
    found = np.zeros(n, np.int64)
    for label in np.unique(classes):
        rows, wanted = np.flatnonzero(labels == label), classes == label
        found[wanted] = rng.choice(rows, wanted.sum(), replace=len(rows) < wanted.sum())
    return found
