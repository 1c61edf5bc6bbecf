"""What simple models make of a text, in nats per character: counts of one to five characters, and gzip. No torch here."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engines.core import Bars
from engines.data.text import Characters, TextSet, gzip_nats_per_char

ORDERS = 5
NAMES = ("unigram", "bigram", "trigram", "4-gram", "5-gram", "gzip")
# Of the bundled texts, so that nobody waits for the counting; a test counts again.
KNOWN: dict[str, tuple[float, ...]] = {
    "moby": (3.1176, 2.4624, 2.0078, 1.675, 1.547, 2.3196),
    "shakespeare": (3.3473, 2.4858, 2.0492, 1.7738, 1.6688, 2.2116),
}


def observed(train: np.ndarray, val: np.ndarray, order: int, vocab: int) -> float:
    """Mean −log p in nats of the tokens val (n,) under counts of train (n,), both int64: the model of `ladder.NGram`, but only of the
    tokens that came, each with the whole text held out before it."""
    p = np.full(len(val), 1 / vocab)
    for n in range(1, order + 1):
        contexts, pairs = _keys(train, n, vocab)
        known, totals = np.unique(contexts, return_counts=True)
        kinds, counts = np.unique(pairs, return_counts=True)
        different = np.unique(kinds // vocab, return_counts=True)[1]
        asked, asked_pairs = _keys(val, n, vocab)
        at, hit = _find(known, asked)
        at_pair, hit_pair = _find(kinds, asked_pairs)
        c, t = np.where(hit_pair, counts[at_pair], 0), np.where(hit, totals[at], 0)
        d = np.where(hit, different[at], 1)
        p[n - 1 :] = (c + d * p[n - 1 :]) / (t + d)
    return float(-np.log(p).mean())


def _keys(text: np.ndarray, n: int, vocab: int) -> tuple[np.ndarray, np.ndarray]:
    """Of every place with n − 1 tokens before it: those as one number, and with the token itself."""
    length = len(text) - n + 1
    key = np.zeros(length, np.int64)
    for i in range(n - 1):
        key = key * vocab + text[i : i + length]
    return key, key * vocab + text[n - 1 :]


def _find(table: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each key is in a sorted table, and whether it is."""
    at = np.searchsorted(table, keys).clip(max=len(table) - 1)
    return at, table[at] == keys


def measure(text: TextSet) -> Iterator[tuple[float, ...]]:
    """One more of the six figures at each step."""
    tokens = Characters(text.text)
    train, val = tokens.encode(text.train), tokens.encode(text.val)
    found: tuple[float, ...] = ()
    for order in range(1, ORDERS + 1):
        found = (*found, observed(train, val, order, len(tokens.pieces)))
        yield found
    yield (*found, gzip_nats_per_char(text))


def bars(figures: tuple[float, ...]) -> Bars:
    """The figures as bars, in nats per character."""
    return Bars(np.array(figures, np.float32), NAMES[: len(figures)], role="reference", name="nats per character")
