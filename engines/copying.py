"""Are samples copies? Of each image its nearest among those trained on and among those held out. numpy only.

Distances are of pixels: the root mean square difference as a share of the range from black to white. A copy is one in pixels, whereas
the features of a judge forget all that does not tell one class from another. A pool with more images has nearer ones, so the images
trained on are compared with those held out in blocks of as many. Held-out images themselves, each against the others, show what to
expect where nothing was copied. After Meehan et al., 2020, who ask whether samples lie nearer to the training data than held-out data do.
The question here, nearer to which of the two pools, does not mistake smooth samples, which are near to everything, for copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RANGE = 2.0  # of pixels in [−1, 1]
COPY = 1 / 3  # of the distance to the nearest other image: from there on one counts as a copy. Yoon et al., 2023
EDGES = np.linspace(-2, 2, 41)  # of the bins of log₂ (distance to trained-on / distance to held-out)


@dataclass(frozen=True)
class Nearest:
    """Of n images: `trained` and `held` (n,) are the nearest ones' numbers, `to_trained` and `to_held` (n,) how far they are, and
    `blocks` (n, k) how far the nearest one is in each of k blocks of images trained on that are as large as the pool held out."""

    trained: np.ndarray
    held: np.ndarray
    to_trained: np.ndarray
    to_held: np.ndarray
    blocks: np.ndarray

    @staticmethod
    def join(parts: list[Nearest]) -> Nearest:
        names = ("trained", "held", "to_trained", "to_held", "blocks")
        return Nearest(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


class Pools:
    """Images trained on (t, …) and held out (m, …), pixels in [−1, 1], ready for questions. ValueError if fewer were trained on than
    are held out."""

    def __init__(self, trained: np.ndarray, held: np.ndarray):
        if len(trained) < len(held):
            raise ValueError(f"{len(trained)} images trained on are fewer than the {len(held)} held out")
        self.trained, self.held = (np.asarray(x, np.float32).reshape(len(x), -1) for x in (trained, held))
        self.middle = self.held.mean(0)  # images far from 0 would cancel badly
        order = np.random.default_rng(0).permutation(len(trained))
        self.blocks = order[: len(trained) // len(held) * len(held)].reshape(-1, len(held))  # (k, m)
        self._squares = {id(pool): ((pool - self.middle) ** 2).sum(1) for pool in (self.trained, self.held)}

    def nearest(self, images: np.ndarray, own: np.ndarray | None = None) -> Nearest:
        """Of images (n, …). `own` (n,) says which of the held-out ones they are themselves: these are passed over."""
        x = np.asarray(images, np.float32).reshape(len(images), -1)
        to_trained, to_held = (self._squared(x, pool) for pool in (self.trained, self.held))
        if own is not None:
            to_held[np.arange(len(x)), own] = np.inf
        trained, held = to_trained.argmin(1), to_held.argmin(1)
        blocks = np.stack([to_trained[:, block].min(1) for block in self.blocks], 1)
        scale = RANGE * x.shape[1] ** 0.5
        distance = [np.linalg.norm(x - found, axis=1) / scale for found in (self.trained[trained], self.held[held])]
        return Nearest(trained, held, distance[0], distance[1], np.sqrt(blocks) / scale)

    def _squared(self, x: np.ndarray, pool: np.ndarray) -> np.ndarray:
        """‖x_i − y_j‖² (n, size of the pool) float32."""
        x = x - self.middle
        across = x @ pool.T - (x @ self.middle)[:, None]
        return np.maximum((x**2).sum(1)[:, None] + self._squares[id(pool)] - 2 * across, 0)


@dataclass(frozen=True)
class Lean:
    """To which pool images lean: `toward` is the share that lies nearer to a block trained on than to as many held out, 0.5 if neither
    draws them; `error` its standard error; `copies` the share of copies; `medians` of the distances to (one block, held out);
    `histogram` (40,) the shares in the bins of `EDGES`."""

    toward: float
    error: float
    copies: float
    medians: tuple[float, float]
    histogram: np.ndarray


def lean(found: Nearest, fair: float = 0.5) -> Lean:
    """`error` takes images with the same nearest held-out one for one observation: of a collapsed model, which says little, it is as
    large as the difference from `fair`."""
    nearer = (np.sign(found.to_held[:, None] - found.blocks).mean(1) + 1) / 2  # (n,), a tie counts half
    off = np.bincount(found.held, nearer - fair)  # summed over images with the same neighbour
    ratio = np.log2(np.maximum(found.blocks, 1e-9) / np.maximum(found.to_held[:, None], 1e-9))
    counts = np.histogram(np.clip(ratio, EDGES[0], EDGES[-1]), EDGES)[0]
    return Lean(
        toward=float(nearer.mean()),
        error=float(np.sqrt((off**2).sum()) / len(nearer)),
        copies=float((found.to_trained < COPY * found.to_held).mean()),
        medians=(float(np.median(found.blocks)), float(np.median(found.to_held))),
        histogram=(counts / ratio.size).astype(np.float32),
    )
