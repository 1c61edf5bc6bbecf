"""Random numbers inside a kernel, by counting: number i of a stream is a hash of start + i (SplitMix64; Steele et al., 2014), so the
whole state of a stream is one 64-bit number, and neither chunks nor vectors change what is drawn."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from engines.nn.kernels.target import inner

STEP = np.uint64(0x9E3779B97F4A7C15)
MIX1, MIX2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
U20, U27, U30, U31, U32, U40, LOW = (np.uint64(k) for k in (20, 27, 30, 31, 32, 40, 0xFFFFF))
CELLS = 4096
# Quantiles of the standard normal; the outermost cells end at 3.84 sigma (beyond lies one number in 8,000)
QUANTILES = np.array([NormalDist().inv_cdf(min(max(k / CELLS, 0.25 / CELLS), 1 - 0.25 / CELLS)) for k in range(CELLS + 1)], np.float32)
FRACTION, SMALL, ONE = np.float32(2.0**-20), np.float32(2.0**-24), np.float32(1)


@inner
def after(state, i):  # type: ignore[no-untyped-def]
    """The state `i` numbers later."""
    return state + np.uint64(i) * STEP


@inner
def bits(state):  # type: ignore[no-untyped-def]
    """64 random bits for a state."""
    z = (state ^ (state >> U30)) * MIX1
    z = (z ^ (z >> U27)) * MIX2
    return z ^ (z >> U31)


@inner
def uniform(state):  # type: ignore[no-untyped-def]
    """In [0, 1), in steps of 2^-24."""
    return np.float32(np.int64(bits(state) >> U40)) * SMALL


@inner
def normal(state, table):  # type: ignore[no-untyped-def]
    """Standard normal, by linear interpolation in QUANTILES."""
    z = bits(state) >> U32
    cell = np.int64(z >> U20)
    within = np.float32(np.int64(z & LOW)) * FRACTION
    return table[cell] + within * (table[cell + 1] - table[cell])


@inner
def index(state, n):  # type: ignore[no-untyped-def]
    """One of 0 … n - 1, n < 2^32."""
    return np.int64(((bits(state) >> U32) * np.uint64(n)) >> U32)
