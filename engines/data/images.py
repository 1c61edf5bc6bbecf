"""Image data sets, as float32 in [-1, 1], (n, c, h, w). The files and their licences are in assets/data/."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from engines.data import DATASETS
from engines.data.emoji_groups import group
from engines.data.uploads import decode_uploads

__all__ = ["FOLDER", "ImageSet", "decode_uploads", "load", "own", "to_pixels"]

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "data"
HELD_OUT = 5  # where a data set comes without a test part, every fifth image is one


@dataclass(frozen=True)
class ImageSet:
    """`pixels` (n, c, h, w) float32 in [-1, 1] and `labels` (n,) int64 to train on, `test_pixels` and `test_labels` likewise, held
    out; `classes` names the labels, empty if there are none. Every session shares the arrays: nobody writes to them."""

    key: str
    pixels: np.ndarray
    labels: np.ndarray
    test_pixels: np.ndarray
    test_labels: np.ndarray
    classes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(c, h, w) of one image."""
        return self.pixels.shape[1:]


@cache
def load(key: str) -> ImageSet:
    """A bundled data set, read once per process. KeyError if there is none of that name."""
    pixels, labels, test_pixels, test_labels = SETS[key]()
    return ImageSet(key, pixels, labels.astype(np.int64), test_pixels, test_labels.astype(np.int64), DATASETS[key].classes)


def own(array: np.ndarray | None) -> ImageSet:
    """The visitor's images (n, c, h, w), c 1 or 3, already of one size that is a multiple of 4: uint8, or float in [-1, 1]. Nothing is
    held out: the few there are all serve to train and to compare with. ValueError says what does not fit."""
    if array is None or np.ndim(array) != 4 or len(array) < 8:
        raise ValueError("upload at least 8 images of your own first")
    array = np.asarray(array)
    c, h, w = array.shape[1:]
    if c not in (1, 3) or h % 4 or w % 4 or not 8 <= h <= 32 or not 8 <= w <= 32:
        raise ValueError(f"images of {c}×{h}×{w} do not fit: 1 or 3 channels, sides of 8 to 32 pixels in steps of 4")
    pixels = to_pixels(array) if array.dtype == np.uint8 else array.astype(np.float32)
    if not np.isfinite(pixels).all() or np.abs(pixels).max() > 1:
        raise ValueError("pixel values must lie in [−1, 1]")
    labels = np.zeros(len(pixels), np.int64)
    return ImageSet("own-images", pixels, labels, pixels, labels)


def to_pixels(values: np.ndarray) -> np.ndarray:
    """uint8 0 ... 255 -> float32 -1 ... 1, same shape."""
    return values.astype(np.float32) / 127.5 - 1


def _digits() -> tuple[np.ndarray, ...]:
    """As sklearn.datasets.load_digits reads them; from its file, because importing scikit-learn takes a second or two."""
    found = find_spec("sklearn")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("the 8×8 digits come with scikit-learn, which is not installed")
    with gzip.open(Path(found.origin).parent / "datasets" / "data" / "digits.csv.gz", "rt") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.float32)  # (1797, 65)
    return _split(table[:, :64].reshape(-1, 1, 8, 8) / 8 - 1, table[:, 64])  # 0 ... 16 -> -1 ... 1


def _mnist() -> tuple[np.ndarray, ...]:
    return _idx_like("mnist_12k.npz")


def _fashion() -> tuple[np.ndarray, ...]:
    return _idx_like("fashion_mnist_12k.npz")


def _emoji() -> tuple[np.ndarray, ...]:
    with np.load(_file("noto_emoji_rgba32.npz"), allow_pickle=False) as z:
        rgba, codepoints = z["x"].astype(np.float32), z["codepoints"]  # (1299, 32, 32, 4)
    alpha = rgba[..., 3:] / 255
    on_white = rgba[..., :3] * alpha + 255 * (1 - alpha)
    pixels = to_pixels(on_white).transpose(0, 3, 1, 2)  # (1299, 3, 32, 32)
    return _split(np.ascontiguousarray(pixels), np.array([group(c) for c in codepoints]))


def _idx_like(name: str) -> tuple[np.ndarray, ...]:
    with np.load(_file(name), allow_pickle=False) as z:
        return to_pixels(z["x_train"])[:, None], z["y_train"], to_pixels(z["x_test"])[:, None], z["y_test"]


def _file(name: str) -> io.BytesIO:
    """The whole file in memory: np.load seeks a great deal, which is slow on network disks."""
    return io.BytesIO((FOLDER / name).read_bytes())


def _split(pixels: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, ...]:
    held = np.arange(len(pixels)) % HELD_OUT == HELD_OUT - 1
    return pixels[~held], labels[~held], pixels[held], labels[held]


SETS: dict[str, Callable[[], tuple[np.ndarray, ...]]] = {
    "digits": _digits,
    "mnist": _mnist,
    "fashion": _fashion,
    "emoji": _emoji,
}
