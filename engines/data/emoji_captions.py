"""Emoji with a sentence about each: shrunk to one of two sizes, put somewhere on a white canvas, some of them in other colours, and what is
said of them: size, the colour that most of it has, what it shows, place. "a small red apple at the top left".

Images are float32 in [−1, 1], (n, 3, 32, 32). numpy only."""

from __future__ import annotations

from functools import cache

import numpy as np

from engines.data.captions import VARIANTS, CaptionedSet, areas, resampled
from engines.data.emoji_nouns import NOUN_OF, NOUNS
from engines.data.images import FOLDER, HELD_OUT, load
from engines.data.wording import PLACES, Wording, closed, where

SIDES = {"small": 16, "large": 24}  # of the square that an emoji is shrunk to, in pixels
COPIES = 6  # of each emoji, at as many places; half of them in its own colours
TURNS = 6  # of the circle of hues: other colours are its own turned by a multiple of 60 degrees
SHAKE, SEED, SIDE = 1, 12, 32
INK = 0.12  # how far the darkest channel of a pixel is from white, in [0, 1], if it belongs to the emoji
SHARE = 0.4  # of the ink that has the colour that is named
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "grey")
GROUP_NOUNS = ("face", "person", "animal", "plant", "meal", "place", "thing", "sign")  # of EMOJI_GROUPS
HUES = (16.0, 38.0, 68.0, 168.0, 258.0, 300.0, 345.0)  # degrees where red, orange, yellow, green, blue, purple, pink end; then red again
EMOJI = Wording(
    ("", "a", *SIDES, *COLOURS, *GROUP_NOUNS, *NOUNS, *PLACES),
    longest=8,
    spelled={"an": "a", "gray": "grey", "food": "meal", "object": "thing", "symbol": "sign"},
    nouns=(*GROUP_NOUNS, *NOUNS),
    named=tuple(f"a {noun}" for noun in GROUP_NOUNS),
    example="a red apple",
)


@cache
def captioned() -> CaptionedSet:
    """COPIES of each training image and one of each test image."""
    data, rng = load("emoji"), np.random.default_rng(SEED)
    shown = nouns()
    trained = np.arange(len(shown)) % HELD_OUT != HELD_OUT - 1  # as `engines.data.images` divides them
    place = rng.permutation(COPIES * len(data.pixels))  # the file is in order of codepoints
    index, other = place // COPIES, place % 2
    pixels, size, row, column, boxes = scatter(data.pixels[index], other, rng)
    test, *_ = scatter(data.test_pixels, np.arange(len(data.test_pixels)) % 2, rng)
    labels = data.labels[index]
    captions = tell(size, colour(pixels), shown[trained][index], labels, row, column, rng)
    return CaptionedSet("emoji", pixels, labels, test, data.test_labels, data.classes, captions, boxes, EMOJI)


def nouns() -> np.ndarray:
    """Number of each emoji's noun in the vocabulary, or 0 where it is called after its group alone, (1299,)."""
    with np.load(FOLDER / "noto_emoji_rgba32.npz", allow_pickle=False) as z:
        return np.array([EMOJI.index.get(NOUN_OF.get(int(c), ""), 0) for c in z["codepoints"]])


def scatter(pixels: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Every emoji (n, 3, 32, 32) shrunk and put into one of nine places, where `other` (n,) is 1 in other colours; its size 0 or 1, row and
    column −1, 0, 1, all (n,), and the box (n, 3) that it lies in: first row, first column and side."""
    n = len(pixels)
    size, row, column = rng.integers(0, 2, n), rng.integers(-1, 2, n), rng.integers(-1, 2, n)
    turn, shake = other * rng.integers(0, TURNS, n), rng.integers(-SHAKE, SHAKE + 1, (2, n))
    out, box = np.ones_like(pixels), np.zeros((n, 3), np.int64)
    for i in range(n):
        side = tuple(SIDES.values())[size[i]]
        room = (SIDE - side) // 2
        y, x = np.clip(room + np.array([row[i], column[i]]) * room + shake[:, i], 0, SIDE - side)
        out[i, :, y : y + side, x : x + side] = areas(side, SIDE) @ turned(pixels[i], turn[i] / TURNS) @ areas(side, SIDE).T
        box[i] = y, x, side
    return out, size, row, column, box


def turned(image: np.ndarray, by: float) -> np.ndarray:
    """An image (3, h, w) with every hue moved on by a part of the circle; light and shade stay."""
    if not by:
        return image
    hue, low, high = hue_of(image)
    away = (hue / 60 + 6 * by + np.array([0, 4, 2])[:, None, None]) % 6  # of red, green and blue, in sixths of the circle
    return (low + (high - low) * np.clip(np.abs(away - 3) - 1, 0, 1)).astype(np.float32)


def hue_of(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hue in degrees, lowest and highest channel of an image (3, …), each (…)."""
    r, g, b = image
    low, high = image.min(0), image.max(0)
    span = np.maximum(high - low, 1e-6)
    sixth = np.where(high == r, (g - b) / span % 6, np.where(high == g, (b - r) / span + 2, (r - g) / span + 4))
    return 60 * sixth, low, high


def colour(pixels: np.ndarray) -> np.ndarray:
    """The colour that most of the ink of (n, 3, h, w) has: its number in COLOURS, or −1 where none has enough of it, (n,)."""
    return np.array([_colour((image + 1) / 2) for image in pixels])


def _colour(image: np.ndarray) -> int:
    hue, low, high = (part[image.min(0) < 1 - INK] for part in hue_of(image))  # of the ink
    if not len(hue):
        return -1
    strong = (high - low) / np.maximum(high, 1e-6)
    found = np.array([*range(len(HUES)), 0])[np.digitize(hue, HUES)]
    red, warm = (found == 0) & (strong < 0.5) & (high > 0.75), (found <= 2) & (high < 0.68) & (hue > 8) & (hue < 60)
    found = np.where(red, COLOURS.index("pink"), np.where(warm, COLOURS.index("brown"), found))
    found = np.where(high < 0.35, COLOURS.index("black"), np.where(strong < 0.22, COLOURS.index("grey"), found))
    counts = np.bincount(found, minlength=len(COLOURS))
    return int(counts.argmax()) if counts.max() >= SHARE * len(found) else -1


def tell(size: np.ndarray, hue: np.ndarray, noun: np.ndarray, label: np.ndarray, row: np.ndarray, column: np.ndarray,
         rng: np.random.Generator) -> np.ndarray:  # fmt: skip
    """Captions (n, VARIANTS, longest): the first says all that can be said, from the others each thing is left out at an even chance, and
    the group may stand for the noun."""
    n, index = len(size), EMOJI.index
    words = np.zeros((n, VARIANTS, 4), np.int64)
    kept = rng.random((4, n, VARIANTS)) < 0.5
    kept[:, :, 0] = True
    group = np.array([index[name] for name in GROUP_NOUNS])[label]
    words[:, :, 0] = index["a"]
    words[:, :, 1] = kept[0] * np.array([index[name] for name in SIDES])[size][:, None]
    words[:, :, 2] = kept[1] * np.array([*(index[name] for name in COLOURS), 0])[hue][:, None]
    words[:, :, 3] = np.where(kept[2] & (noun > 0)[:, None], noun[:, None], group[:, None])
    places = np.array([[EMOJI.encode(where(r, c))[:4] for c in (-1, 0, 1)] for r in (-1, 0, 1)])
    place = kept[3][..., None] * places[row + 1, column + 1][:, None]  # (n, VARIANTS, 4)
    return closed(np.concatenate([words, place], 2), EMOJI.longest)


def normalised(pixels: np.ndarray) -> np.ndarray:
    """Each of (n, 3, 32, 32) enlarged until what is not white fills the canvas, as the emoji of the data set do."""
    return np.stack([_normalised(image) for image in pixels])


def _normalised(image: np.ndarray) -> np.ndarray:
    ink = (1 - image).max(0) / 2 > INK
    rows, columns = (np.flatnonzero(ink.any(axis)) for axis in (1, 0))
    if not len(rows):
        return np.ones_like(image)
    side = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1  # a square around its middle
    y, x = ((at[0] + at[-1] + 1 - side) // 2 for at in (rows, columns))
    y, x = (int(np.clip(v, 0, SIDE - side)) for v in (y, x))
    cut, wide = image[:, y : y + side, x : x + side], resampled(SIDE, int(side))
    return (wide @ cut @ wide.T).astype(np.float32)
