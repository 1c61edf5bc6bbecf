"""Does a GAN copy what it was trained on, and how many different samples does it have? Answers to `questions.Neighbours` and
`questions.Birthday`, each beside what real data score. Every sample is new, from streams of the question's own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from engines import clouds, copying
from engines.core import Curve, Images, Points, Role, Snapshot, View
from engines.data import OWN, images
from engines.data.images import ImageSet
from engines.state import Rng

if TYPE_CHECKING:
    from engines.gan.engine import GanEngine

N_NEIGHBOURS, ROWS = 1_000, 16  # samples measured, and of them shown
PART = 100  # images at a time
N_BIRTHDAY, FEWEST = 1_000, 200  # samples of a birthday test, and how many there must be at least
PER_BATCH = 10  # alike = as close as two real examples come in half of the batches of a tenth of them
LONGEST, BATCHES, ROUND = 4, 400, 50  # largest batch, in units of that tenth; how many are drawn, and how many at a time
SIZES = 60  # points of a curve


def neighbours(engine: GanEngine, seed: int) -> Iterator[Snapshot | None]:
    """Views: the first ROWS samples, the nearest images trained on and held out, the distances to them, and for samples and held-out
    images the histogram of how much nearer trained-on ones are. Metrics: what `copying.Lean` says of them."""
    if not engine.image:
        raise ValueError("nearest neighbours are for images: a sample in two dimensions always has points around it")
    if engine.config.dataset in OWN:
        raise ValueError("none of your own images are held out from training, so there are none to compare with")
    data, generator = engine.data, Rng(seed, ("neighbours",), engine.device)["neighbours"]
    pools = _pools(data.key)
    yield None
    n_real, parts = min(N_NEIGHBOURS, len(data.test_pixels)), []
    for start in range(0, n_real, PART):
        parts.append(_held_out(data.key, start, min(start + PART, n_real)))
        yield None
    floor, first, parts = copying.lean(copying.Nearest.join(parts)), None, []
    for _ in range(0, N_NEIGHBOURS, PART):
        samples = engine.probe.fresh(engine, PART, generator)
        first = samples[:ROWS] if first is None else first
        parts.append(pools.nearest(samples))
        yield None
    found = copying.Nearest.join(parts)
    lean = copying.lean(found, floor.toward)
    sizes = {"n": N_NEIGHBOURS, "floor/n": n_real, "trained": len(data.pixels), "held": len(data.test_pixels), "seed": seed}
    floors = {f"floor/{name}": value for name, value in _scores(floor).items()}
    yield Snapshot(engine.step, _scores(lean) | floors | sizes, {"neighbours": _rows(data, found, first, lean, floor)})


def _scores(lean: copying.Lean) -> dict[str, float]:
    scores = {"toward": lean.toward, "error": lean.error, "copies": lean.copies}
    return scores | dict(zip(("to_trained", "to_held"), lean.medians, strict=True))


def _rows(data: ImageSet, found: copying.Nearest, first: Any, lean: copying.Lean, floor: copying.Lean) -> tuple[View, ...]:
    trained, held, index = found.trained[:ROWS], found.held[:ROWS], np.arange(ROWS, dtype=np.float32)
    middles = ((copying.EDGES[:-1] + copying.EDGES[1:]) / 2).astype(np.float32)
    return (
        Images(first, name="samples"),
        Images(data.pixels[trained], role="data", name="trained"),
        Images(data.test_pixels[held], role="data", name="held"),
        Curve(index, found.to_trained[:ROWS].astype(np.float32), name="to trained"),
        Curve(index, found.to_held[:ROWS].astype(np.float32), name="to held"),
        Curve(middles, lean.histogram, name="samples lean"),
        Curve(middles, floor.histogram, role="data", name="held-out lean"),
    )


@lru_cache(maxsize=1)
def _pools(key: str) -> copying.Pools:
    data = images.load(key)
    return copying.Pools(data.pixels, data.test_pixels)


@lru_cache(maxsize=64)
def _held_out(key: str, start: int, end: int) -> copying.Nearest:
    """Some held-out images among the others. The same for every run, so found once per process."""
    pools = _pools(key)
    return pools.nearest(pools.held[start:end], own=np.arange(start, end))


def birthday(engine: GanEngine, seed: int) -> Iterator[Snapshot | None]:
    """Views: the share of batches that hold two alike against their size, of samples and of real examples; on 2-D data the last batch,
    drawn until two were alike; of samples and of real examples the pair most alike. Metrics: `half`, the size at which half of the
    batches do, `support`, how many different samples that speaks for (Arora & Zhang, 2017), and `close`, the distance of two alike."""
    known, real = _real(engine, seed)  # to say what is alike, and to see how often others are
    n = len(real)
    s = n // PER_BATCH
    yield None
    close = clouds.closeness(_flat(known), s, BATCHES, seed)
    yield None
    generator, parts = Rng(seed, ("birthday",), engine.device)["birthday"], []
    for start in range(0, n, PART):
        parts.append(engine.probe.fresh(engine, min(PART, n - start), generator))
        yield None
    fake = np.concatenate(parts)
    model = _Found(fake, close, LONGEST * s, seed)
    yield None
    floor = _Found(real, close, LONGEST * s, seed + 1)
    for _ in range(0, BATCHES, ROUND):
        yield None
        model.draw(ROUND)
        floor.draw(ROUND)
    yield None
    sizes = {"n": n, "batches": BATCHES, "longest": LONGEST * s, "close": close, "seed": seed}
    scores = model.scores() | {f"floor/{name}": value for name, value in floor.scores().items()}
    views = (model.curve("model"), floor.curve("data"), *model.pictures("model"), *floor.pictures("data"))
    yield Snapshot(engine.step, scores | sizes, {"birthday": views})


class _Found:
    """A birthday test of examples x (n, …), of which two within `close` are alike, with batches of up to `longest`."""

    def __init__(self, x: np.ndarray, close: float, longest: int, seed: int):
        self.x, self.longest, self.rng = x, longest, np.random.default_rng(seed)
        distance2 = clouds.squared_distances(_flat(x), _flat(x))
        np.fill_diagonal(distance2, np.inf)
        self.pair, self.distance = np.unravel_index(distance2.argmin(), distance2.shape), float(np.sqrt(distance2.min()))
        self.alike = distance2 <= close**2
        self.waited, self.example = np.zeros(0), np.arange(0)  # how long it took, and the batch of the last time

    def draw(self, batches: int) -> None:
        waited, example = clouds.waits(self.alike, self.longest, batches, self.rng)
        self.waited, self.example = np.concatenate([self.waited, waited]), example if len(example) else self.example

    def scores(self) -> dict[str, float]:
        half = clouds.half_of(self.waited)
        return {"half": half, "support": max(1.0, clouds.support_size(half, 0.5)), "pair": self.distance}

    def curve(self, role: Role) -> Curve:
        sizes = np.unique(np.geomspace(2, self.longest, SIZES).round())
        share = np.array([(self.waited <= s).mean() for s in sizes])
        return Curve(sizes.astype(np.float32), share.astype(np.float32), role=role, name="share")

    def pictures(self, role: Role) -> tuple[View, ...]:
        """Of images the pair most alike; of points the batch drawn until two were alike, these two last, if that ever happened."""
        if self.x.ndim == 2:
            return (Points(self.x[self.example], role=role, name="batch"),)
        return (Images(self.x[list(self.pair)], role=role, name="pair"),)


def _flat(x: np.ndarray) -> np.ndarray:
    """Examples (n, d) whose distances are in data units or, of images, root mean squares as a share of the range of pixels."""
    return x if x.ndim == 2 else x.reshape(len(x), -1) / (copying.RANGE * np.prod(x.shape[1:]) ** 0.5)


def _real(engine: GanEngine, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of as many different real examples. ValueError if there are too few."""
    if engine.image:
        pool = engine.data.pixels
    elif engine.data.density is None:
        pool = np.unique(engine.data.points, axis=0)
    else:
        return engine.data.draw(N_BIRTHDAY, 1_000 + 2 * seed), engine.data.draw(N_BIRTHDAY, 1_001 + 2 * seed)
    if len(pool) < 2 * FEWEST:
        raise ValueError(f"the birthday test needs {2 * FEWEST} different examples to compare with, there are {len(pool)}")
    n = min(N_BIRTHDAY, len(pool) // 2)
    order = np.random.default_rng([2, seed]).permutation(len(pool))
    return pool[order[:n]], pool[order[n : 2 * n]]
