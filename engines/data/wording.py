"""The words that captions of a data set are made of, how a caption is read, and where things lie in it. numpy only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

ROWS, COLUMNS = ("top", "", "bottom"), ("left", "", "right")
PLACES = ("at", "the", "top", "bottom", "left", "right", "in", "middle")
LOCATIONS = ("top", "bottom", "left", "right", "middle")  # the words of those that say where


@dataclass(frozen=True)
class Wording:
    """`vocabulary`: a word's place in it is its number, 0 ("") is no word; `longest` caption in words; `spelled`: what else a word may be
    written as; `nouns`: the words for what is seen; `named`: a caption for each class; `example`: one of any."""

    vocabulary: tuple[str, ...]
    longest: int
    spelled: Mapping[str, str] = field(default_factory=dict)
    nouns: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    example: str = ""

    @cached_property
    def index(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self.vocabulary)}

    @cached_property
    def grounded(self) -> np.ndarray:
        """Which words say what is seen or where, and so belong to a part of the image, [word before, word] bool: the "left" of "slanted
        left" does not."""
        words = np.array(self.vocabulary)
        return np.isin(words, self.nouns + LOCATIONS) & (words[:, None] != "slanted")

    def split(self, text: str) -> list[str]:
        """The words of a caption: lower case, commas and full stops left out, in the usual spelling."""
        return [self.spelled.get(word, word) for word in re.findall(r"[^\s,.]+", text.lower())]

    def encode(self, text: str) -> np.ndarray:
        """Numbers of the words of a caption, (longest,) int64. ValueError for a word that no caption has, or too many of them."""
        words = self.split(text)
        for word in words:
            if word not in self.index:
                known = ", ".join(self.vocabulary[1:])
                raise ValueError(f"caption holds “{word[:40]}”, which the text encoder never saw; it knows {known}")
        if not words or len(words) > self.longest:
            raise ValueError(f"caption has {len(words)} words, outside [1, {self.longest}]")
        return np.array([self.index[word] for word in words] + [0] * (self.longest - len(words)))

    def numbers(self, *texts: str) -> np.ndarray:
        """(len(texts), longest) int64; "" is all gaps."""
        return np.stack([self.encode(text) if text else np.zeros(self.longest, np.int64) for text in texts])


def where(row: int, column: int) -> str:
    """ "at the top left" of row −1, column −1; "in the middle" of 0, 0."""
    place = " ".join(word for word in (ROWS[row + 1], COLUMNS[column + 1]) if word)
    return f"at the {place}" if place else "in the middle"


def closed(words: np.ndarray, longest: int) -> np.ndarray:
    """Captions (n, variants, k) with gaps anywhere -> (n, variants, longest), words first, gaps last."""
    words = np.concatenate([words, np.zeros((*words.shape[:2], longest - words.shape[2]), words.dtype)], 2)
    return np.take_along_axis(words, np.argsort(words == 0, axis=2, kind="stable"), 2)
