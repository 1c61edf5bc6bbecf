"""The catalogue of data sets. Only descriptions here (no torch, no arrays): `load` fetches one where a model is built."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class DatasetInfo:
    """`kind` "2d", "image" or "text"; `shape` of one example, empty for texts; `modes` > 0 if the density is a mixture
    whose centres are known; `classes` names the labels, empty if there are none."""

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
        DatasetInfo("moby", "text", "Moby Dick", "1.2 MB of English, Herman Melville, 1851", ()),
        DatasetInfo("shakespeare", "text", "Tiny Shakespeare", "1.1 MB of plays, what small language models are compared on", ()),
    )
}
OWN = {"own-2d": "Your own points", "own-images": "Your own images", "own-text": "Your own text", "own-codes": "Codes of a VQ-VAE"}
_OWN_KINDS = {"own-2d": "2d", "own-images": "image", "own-text": "text", "own-codes": "codes"}
_OWN_ABOUT = {
    "own-2d": "points you drew or uploaded",
    "own-images": "pictures you uploaded",
    "own-text": "a text you pasted or uploaded, up to 1 MB",
    "own-codes": "grids of codes that a VQ-VAE made of images",
}


def kind(key: str) -> str:
    """ "2d", "image", "text" or "codes", for the visitor's own data too."""
    return _OWN_KINDS.get(key) or DATASETS[key].kind


def choices(*kinds: str) -> dict[str, str]:
    """key -> what it is, of all data sets of these kinds, the visitor's own last."""
    found = {d.key: d.about for d in DATASETS.values() if d.kind in kinds}
    return found | {key: about for key, about in _OWN_ABOUT.items() if _OWN_KINDS[key] in kinds}


CHOICES = choices("2d", "image")
CAPTIONED = ("mnist", "emoji")  # what `engines.data.captions` can put into words


def load(key: str, own: np.ndarray | None = None):
    """The data set itself: `toy2d.Toy2D`, `images.ImageSet`, `text.TextSet` or `codes.CodeSet`.
    `own` is the visitor's array where the key is one of OWN."""
    if kind(key) == "2d":
        from engines.data import toy2d

        return toy2d.own(own) if key == "own-2d" else toy2d.TOYS[key]()
    if kind(key) == "text":
        from engines.data import text

        return text.own(own) if key == "own-text" else text.load(key)
    if kind(key) == "codes":
        from engines.data import codes

        return codes.own(own)
    from engines.data import images

    return images.own(own) if key == "own-images" else images.load(key)
