"""Captions: what is said of an image is what was done to it, and what can be measured."""

import unicodedata

import numpy as np
import pytest

from engines.data import captions as c
from engines.data import emoji_captions as emoji
from engines.data.emoji_nouns import NOUN_OF
from engines.data.images import load
from engines.judge import judge


@pytest.fixture(scope="module")
def data():
    return c.captioned("mnist")


def words_of(row):
    return [c.VOCABULARY[i] for i in row if i]


def bar(width, lean):
    """A stroke of a width, leaning to the right by `lean` pixels per pixel up."""
    image = np.full((1, 1, 28, 28), -1.0, np.float32)
    for y in range(4, 24):
        x = round(14 + lean * (14 - y) - width / 2)
        image[0, 0, y, x : x + width] = 1
    return image


@pytest.mark.parametrize("lean", [-0.5, 0.0, 0.5])
def test_slant_is_that_of_a_drawn_stroke(lean):
    assert c.slant(bar(3, lean))[0] == pytest.approx(lean, abs=0.05)


def test_thickness_grows_with_the_stroke():
    found = [float(c.thickness(bar(width, 0.0))[0]) for width in (1, 2, 4)]
    assert found[0] < found[1] < found[2] and found[1] == pytest.approx(2, abs=0.5)


def test_shrinking_keeps_the_mean():
    digits = load("mnist").pixels[:5, 0]
    small = c.shrink(digits, 12)
    assert small.shape == (5, 12, 12)
    np.testing.assert_allclose(small.mean((1, 2)), digits[:, 4:24, 4:24].mean((1, 2)), atol=1e-5)


def test_the_first_caption_says_all_that_is_true(data):
    """The class, and the place: the ink of "left" lies left of that of "right"."""
    rows = np.arange(28)
    ink = (data.pixels[:, 0] + 1) / 2
    x = (ink.sum(1) * rows).sum(1) / ink.sum((1, 2))
    y = (ink.sum(2) * rows).sum(1) / ink.sum((1, 2))
    first = data.captions[:, 0]
    for word, at, low in (("left", x, True), ("right", x, False), ("top", y, True), ("bottom", y, False)):
        place = np.array([word in words_of(row)[-3:] and "at" in words_of(row) for row in first[:2000]])
        assert (at[:2000][place] < 13.5).mean() > 0.99 if low else (at[:2000][place] > 13.5).mean() > 0.99
    named = [c.NAMES.index(next(w for w in words_of(row) if w in c.NAMES)) for row in first[:500]]
    np.testing.assert_array_equal(named, data.labels[:500])


def test_every_caption_can_be_read_back(data):
    for row in data.captions[:20].reshape(-1, c.WORDS):
        np.testing.assert_array_equal(c.encode(" ".join(words_of(row))), row)
    assert max(len(words_of(row)) for row in data.captions[:, 0]) <= c.WORDS


def test_emoji_are_told_by_what_was_done_to_them():
    """Dominant colours of flat squares; a turned hue; every noun in a name of Unicode's; "left" lies left."""
    flat = {"red": (200, 20, 20), "yellow": (255, 204, 50), "green": (30, 160, 60), "blue": (30, 90, 220), "grey": (128, 128, 128)}
    for name, rgb in flat.items():
        image = np.ones((1, 3, 32, 32), np.float32)
        image[0, :, 8:24, 8:24] = np.array(rgb)[:, None, None] / 127.5 - 1
        assert emoji.COLOURS[emoji.colour(image)[0]] == name
        np.testing.assert_allclose(emoji.turned(emoji.turned(image[0], 1 / 3), 2 / 3), image[0], atol=1e-5)
    for noun in ("cat", "heart", "clock", "moon", "apple"):
        assert all(noun.upper() in unicodedata.name(chr(c)) for c, n in NOUN_OF.items() if n == noun)
    found = c.captioned("emoji")
    assert found.pixels.shape == (6240, 3, 32, 32) and found.captions.max() < len(found.wording.vocabulary)
    ink = ((1 - found.pixels[:1000]).max(1) / 2 > emoji.INK).sum(1)
    x = (ink * np.arange(32)).sum(1) / np.maximum(ink.sum(1), 1)
    for word, low in (("left", True), ("right", False)):
        told = (found.captions[:1000, 0] == found.wording.index[word]).any(1)
        assert ((x[told] < 15.5) == low).mean() > 0.97


def test_boxes_hold_all_of_the_ink_and_touch_it(data):
    """Nothing lies outside, and no more than the margins that shrunk pictures have of their own lies between."""
    for found, blank, most in ((data, -1.0, 3), (c.captioned("emoji"), 1.0, 4)):
        inked = np.abs(found.pixels - blank).max(1) > 0.05  # (n, h, w)
        first, stop = found.boxes[:, :2], found.boxes[:, :2] + found.boxes[:, 2:]
        lines = np.arange(inked.shape[1])
        rows, columns = ((lines >= first[:, k, None]) & (lines < stop[:, k, None]) for k in (0, 1))
        assert not (inked & ~(rows[:, :, None] & columns[:, None])).any()
        tall = inked.any(2)
        above, below = tall.argmax(1) - first[:, 0], stop[:, 0] - len(lines) + tall[:, ::-1].argmax(1)
        assert min(above.min(), below.min()) >= 0 and np.median(np.maximum(above, below)) <= most


def test_words_belong_to_a_region_if_they_say_what_or_where():
    said = c.encode("a small thin seven slanted left at the top left")
    counted = c.DIGITS.grounded[np.roll(said, 1), said]
    assert [c.VOCABULARY[i] for i in said[counted]] == ["seven", "top", "left"] and not counted[5]
    said = emoji.EMOJI.encode("a large red apple in the middle")
    assert [emoji.EMOJI.vocabulary[i] for i in said[emoji.EMOJI.grounded[np.roll(said, 1), said]]] == ["apple", "middle"]


def test_spelling_is_forgiven_and_unknown_words_are_named():
    np.testing.assert_array_equal(c.encode("A small 7, slanted left."), c.encode("a small seven slanted left"))
    with pytest.raises(ValueError, match="caption holds “cat”, which the text encoder never saw; it knows a, small"):
        c.encode("a small cat")
    with pytest.raises(ValueError, match=r"caption has 0 words, outside \[1, 12\]"):
        c.encode(" ")
    assert c.labels_of("an 8 at the top") == [8]


def test_the_judge_knows_moved_digits_again(data):
    """The classifier of plain MNIST on digits put back into its form."""
    said = judge("mnist").look(c.normalised(data.pixels[:300]))[1].argmax(1)
    assert (said == data.labels[:300]).mean() > 0.95
    assert c.normalised(np.full((1, 1, 28, 28), -1.0, np.float32)).max() == -1
