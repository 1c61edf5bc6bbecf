"""Images with a sentence about each: MNIST digits shrunk and put somewhere on the canvas, and what is said of them, from the label and
from what can be measured: thickness and slant of the stroke, size, place. "a small thick seven, slanted left, at the top left".

Images are float32 in [−1, 1], (n, 1, h, w); captions are whole numbers (n, WORDS), 0 where there is no word. numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from engines.data.images import ImageSet, load
from engines.data.wording import PLACES, Wording, closed, where

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIZES = {"small": 14, "large": 20}  # side of the box that a digit is shrunk to, in pixels
STROKES = ("thin", "thick")
SLANTS = ("upright", "slanted left", "slanted right")
SHAKE = 1  # pixels by which a place is missed
DIGITS = Wording(
    ("", "a", *SIZES, *STROKES, *NAMES, "upright", "slanted", *PLACES),
    longest=12,
    spelled={str(i): name for i, name in enumerate(NAMES)} | {"an": "a"},
    nouns=NAMES,
    named=tuple(f"a {name}" for name in NAMES),
    example="a seven",
)
VOCABULARY, WORDS, INDEX = DIGITS.vocabulary, DIGITS.longest, DIGITS.index
encode, split = DIGITS.encode, DIGITS.split
VARIANTS = 6  # captions of each image, the later ones saying less
SEED = 11  # of places and sizes: the data set is always the same
BOX, SIDE = 20, 28  # of MNIST: digits fill a box of 20 pixels, their mass in the middle of 28


@dataclass(frozen=True)
class Seen:
    """What can be said of images, (n,) each: label, size 0 or 1, row and column −1, 0, 1, and of the stroke thickness in pixels and slant
    in pixels sideways per pixel up; and the box (n, 3) that each lies in: its first row, first column and side in pixels."""

    label: np.ndarray
    size: np.ndarray
    row: np.ndarray
    column: np.ndarray
    thickness: np.ndarray
    slant: np.ndarray
    box: np.ndarray


@dataclass(frozen=True)
class CaptionedSet(ImageSet):
    """An ImageSet with captions (n, VARIANTS, longest) of its training images, in a wording, and the boxes (n, 3) that they speak of: first
    row, first column and side in pixels."""

    captions: np.ndarray = None  # type: ignore[assignment]
    boxes: np.ndarray = None  # type: ignore[assignment]
    wording: Wording = DIGITS


def wording_of(key: str) -> Wording:
    """The words of a data set's captions. KeyError if it has none."""
    from engines.data.emoji_captions import EMOJI

    return {"mnist": DIGITS, "emoji": EMOJI}[key]


@cache
def captioned(key: str) -> CaptionedSet:
    """The data set `key`, its images moved about, with captions."""
    if key == "emoji":
        from engines.data import emoji_captions

        return emoji_captions.captioned()
    data, rng = load(key), np.random.default_rng(SEED)
    pixels, seen = scatter(data.pixels, data.labels, rng)
    test_pixels, _ = scatter(data.test_pixels, data.test_labels, rng)
    return CaptionedSet(data.key, pixels, data.labels, test_pixels, data.test_labels, data.classes, tell(seen, rng), seen.box)


def scatter(pixels: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Seen]:
    """Every digit (n, 1, 28, 28) shrunk to one of two sizes and put into one of nine places, and what was done. Stroke and slant are those
    of the digit before it was moved."""
    n = len(pixels)
    size, row, column = rng.integers(0, 2, n), rng.integers(-1, 2, n), rng.integers(-1, 2, n)
    shake = rng.integers(-SHAKE, SHAKE + 1, (2, n))
    out, box = np.full_like(pixels, -1.0), np.zeros((n, 3), np.int64)
    for number, side in enumerate(SIZES.values()):
        room = (SIDE - side) // 2
        chosen = np.flatnonzero(size == number)
        at = np.clip(room + np.stack([row, column]) * room + shake, 0, SIDE - side)[:, chosen]  # (2, k)
        for i, digit, y, x in zip(chosen, shrink(pixels[chosen, 0], side), *at, strict=True):
            out[i, 0, y : y + side, x : x + side] = digit
            box[i] = y, x, side
    return out, Seen(labels, size, row, column, thickness(pixels), slant(pixels), box)


def shrink(digits: np.ndarray, side: int) -> np.ndarray:
    """The middle BOX pixels of digits (n, 28, 28) in [−1, 1], averaged over areas down to (n, side, side)."""
    edge = (SIDE - BOX) // 2
    return areas(side, BOX) @ digits[:, edge : edge + BOX, edge : edge + BOX] @ areas(side, BOX).T


@cache
def areas(to: int, of: int) -> np.ndarray:
    """(to, of): each row the share of every pixel of a line of `of` in one of a line of `to`; both cover the same length."""
    edges = np.linspace(0, of, to + 1)
    begin, end = edges[:-1, None], edges[1:, None]
    cover = np.clip(np.minimum(end, np.arange(1, of + 1)) - np.maximum(begin, np.arange(of)), 0, None)
    return (cover / (end - begin)).astype(np.float32)


# Measured from the pixels


def thickness(pixels: np.ndarray) -> np.ndarray:
    """Mean width of the stroke of (n, 1, h, w) in pixels, (n,): twice its area over its outline (the two long sides of it)."""
    ink = (pixels[:, 0] + 1) / 2
    outline = np.abs(np.diff(ink, axis=1)).sum((1, 2)) + np.abs(np.diff(ink, axis=2)).sum((1, 2))
    return 2 * ink.sum((1, 2)) / np.maximum(outline * np.pi / 4, 1e-6)  # π/4: an outline in steps is that much too long, on average


def slant(pixels: np.ndarray) -> np.ndarray:
    """How far (n, 1, h, w) leans to the right, in pixels per pixel up, (n,): regression of the ink's column on its row."""
    ink = ((pixels[:, 0] + 1) / 2).astype(np.float64)
    mass = np.maximum(ink.sum((1, 2)), 1e-6)
    y, x = np.arange(ink.shape[1])[:, None], np.arange(ink.shape[2])
    dy = y - ((ink * y).sum((1, 2)) / mass)[:, None, None]
    dx = x - ((ink * x).sum((1, 2)) / mass)[:, None, None]
    return -(ink * dx * dy).sum((1, 2)) / np.maximum((ink * dy**2).sum((1, 2)), 1e-6)


# In words


def tell(seen: Seen, rng: np.random.Generator) -> np.ndarray:
    """Captions (n, VARIANTS, WORDS): the first says all, from the others each thing is left out at an even chance. The thinner and the
    thicker third of the strokes are worth a word, and so are the third that leans left and the third that leans right."""
    n = len(seen.label)
    words = np.zeros((n, VARIANTS, 6), np.int64)
    kept = rng.random((4, n, VARIANTS)) < 0.5
    kept[:, :, 0] = True
    stroke, lean = _third(seen.thickness), _third(seen.slant)
    noun = np.array([INDEX[name] for name in NAMES])[seen.label]
    words[:, :, 0], words[:, :, 3] = INDEX["a"], noun[:, None]
    words[:, :, 1] = kept[0] * np.array([INDEX[name] for name in SIZES])[seen.size][:, None]
    words[:, :, 2] = kept[1] * np.array([INDEX["thin"], 0, INDEX["thick"]])[stroke][:, None]
    leaning = np.array([encode(text)[:2] for text in (SLANTS[1], SLANTS[0], SLANTS[2])])[lean]  # (n, 2)
    words[:, :, 4:6] = kept[2][..., None] * leaning[:, None]
    places = np.array([[encode(where(row, column))[:4] for column in (-1, 0, 1)] for row in (-1, 0, 1)])
    place = kept[3][..., None] * places[seen.row + 1, seen.column + 1][:, None]  # (n, VARIANTS, 4)
    return closed(np.concatenate([words, place], 2), WORDS)


def _third(values: np.ndarray) -> np.ndarray:
    """0, 1, 2 (n,): in which third of all values (n,) each is."""
    return np.digitize(values, np.quantile(values, (1 / 3, 2 / 3)))


def labels_of(text: str) -> list[int]:
    """The digits that a caption names."""
    return [NAMES.index(word) for word in split(text) if word in NAMES]


# Back to the form that the judge of a data set knows


def plain(key: str, pixels: np.ndarray) -> np.ndarray:
    """Images of a captioned data set, enlarged and in the middle again."""
    from engines.data import emoji_captions

    return {"mnist": normalised, "emoji": emoji_captions.normalised}[key](pixels)


def normalised(pixels: np.ndarray) -> np.ndarray:
    """Each (n, 1, 28, 28) as MNIST was made (LeCun et al., 1998): its ink enlarged to a box of 20 pixels, its mass in the middle."""
    return np.stack([_normalised(image[0])[None] for image in pixels])


def _normalised(image: np.ndarray) -> np.ndarray:
    ink = np.clip((image + 1) / 2, 0, 1)
    rows, columns = (np.flatnonzero(ink.max(axis) > 0.3) for axis in (1, 0))
    out = np.zeros((SIDE, SIDE), np.float32)
    if not len(rows):
        return out - 1
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    longest = max(cut.shape)
    h, w = (max(1, round(BOX * k / longest)) for k in cut.shape)
    drawn = resampled(h, cut.shape[0]) @ cut @ resampled(w, cut.shape[1]).T
    mass = max(float(drawn.sum()), 1e-6)
    y = round(SIDE / 2 - 0.5 - float((drawn.sum(1) * np.arange(h)).sum()) / mass)
    x = round(SIDE / 2 - 0.5 - float((drawn.sum(0) * np.arange(w)).sum()) / mass)
    y, x = int(np.clip(y, 0, SIDE - h)), int(np.clip(x, 0, SIDE - w))
    out[y : y + h, x : x + w] = drawn
    return out * 2 - 1


@cache
def resampled(to: int, of: int) -> np.ndarray:
    """(to, of): linear interpolation where a line grows, areas where it shrinks."""
    if to <= of:
        return areas(to, of)
    at = np.clip((np.arange(to) + 0.5) * of / to - 0.5, 0, of - 1)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(of))).astype(np.float32)
