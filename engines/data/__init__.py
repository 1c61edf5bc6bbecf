"""The catalogue of data sets. Only descriptions here (no torch, no arrays): `load` fetches one where a model is built."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class DatasetInfo:
    """`kind` "2d" or "image"; `shape` of one example; `modes` > 0 if the density is a mixture whose centres are known;
    `classes` names the labels, empty if there are none."""

    key: str
    kind: str
    title: str
    about: str
    shape: tuple[int, ...] = (2,)
    modes: int = 0
    classes: tuple[str, ...] = ()


_DIGITS = tuple("0123456789")
_FASHION = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
# see emoji_groups.py
EMOJI_GROUPS = ("face", "person", "animal", "plant", "food", "place", "object", "symbol")

DATASETS: dict[str, DatasetInfo] = {
    d.key: d
    for d in (
        DatasetInfo("ring8", "2d", "Ring of 8, σ 0.02", "eight Gaussians on a circle of radius 1", modes=8),
        DatasetInfo("grid25", "2d", "Grid of 25, σ 0.05", "twenty-five Gaussians on {−2 … 2}²", modes=25),
        DatasetInfo("moons", "2d", "Two moons", "two half circles, interleaved"),
        DatasetInfo("spirals", "2d", "Two spirals", "two arms that wind around each other"),
        DatasetInfo("swissroll", "2d", "Swiss roll", "one long arm, rolled up"),
        DatasetInfo("checkerboard", "2d", "Checkerboard", "eight squares of uniform density, sharp edges"),
        DatasetInfo("pinwheel", "2d", "Pinwheel", "five bent blades"),
        DatasetInfo("circles", "2d", "Two circles", "one circle inside another"),
        DatasetInfo("s_curve", "2d", "S curve", "one smooth curve"),
        DatasetInfo("gaussian", "2d", "One Gaussian", "a single tilted bell, the easiest case", modes=1),
        DatasetInfo("digits", "image", "Digits, 8×8", "1,797 scanned digits, scikit-learn", (1, 8, 8), classes=_DIGITS),
        DatasetInfo("mnist", "image", "MNIST, 28×28", "handwritten digits, 10,000 of them", (1, 28, 28), classes=_DIGITS),
        DatasetInfo("fashion", "image", "Fashion-MNIST, 28×28", "clothes, 10,000 of them", (1, 28, 28), classes=_FASHION),
        DatasetInfo("emoji", "image", "Emoji, 32×32", "1,299 emoji in colour", (3, 32, 32), classes=EMOJI_GROUPS),
    )
}
OWN = {"own-2d": "Your own points", "own-images": "Your own images"}
CHOICES = {d.key: d.about for d in DATASETS.values()} | {"own-2d": "points you drew or uploaded", "own-images": "pictures you uploaded"}


def kind(key: str) -> str:
    """ "2d" or "image", for the visitor's own data too."""
    return {"own-2d": "2d", "own-images": "image"}.get(key) or DATASETS[key].kind


def load(key: str, own: np.ndarray | None = None):
    """The data set itself: `toy2d.Toy2D` or `images.ImageSet`. `own` is the visitor's array for "own-2d" and "own-images"."""
    if kind(key) == "2d":
        from engines.data import toy2d

        return toy2d.own(own) if key == "own-2d" else toy2d.TOYS[key]()
    from engines.data import images

    return images.own(own) if key == "own-images" else images.load(key)
