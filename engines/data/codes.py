"""Grids of codes, such as a VQ-VAE makes of images (van den Oord et al., 2017): numbers without an order. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

HELD_OUT = 5  # every fifth grid is held out
MOST_CODES, LARGEST_SIDE, FEWEST = 1_024, 32, 10


@dataclass(frozen=True)
class CodeSet:
    """`train` and `test` (n, h, w) int64 in 0 … count − 1."""

    train: np.ndarray
    test: np.ndarray
    count: int


def own(array: np.ndarray | None) -> CodeSet:
    """Codes (n, h, w), whole numbers from 0. ValueError says what does not fit."""
    if array is None or np.ndim(array) != 3 or not np.issubdtype(np.asarray(array).dtype, np.integer):
        raise ValueError("codes are needed as whole numbers of shape (n, rows, columns)")
    n, h, w = np.shape(array)
    if n < FEWEST or not 2 <= h <= LARGEST_SIDE or not 2 <= w <= LARGEST_SIDE:
        raise ValueError(f"codes of {n:,}×{h}×{w} do not fit: at least {FEWEST} grids with sides of 2 to {LARGEST_SIDE}")
    codes = np.asarray(array).astype(np.int64)
    if codes.min() < 0 or codes.max() >= MOST_CODES:
        raise ValueError(f"codes from {codes.min():,} to {codes.max():,} are outside [0, {MOST_CODES - 1:,}]")
    held = np.arange(n) % HELD_OUT == HELD_OUT - 1
    return CodeSet(codes[~held], codes[held], max(2, int(codes.max()) + 1))
