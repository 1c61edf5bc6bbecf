"""Products of a layer with one tile, and the weight gradient: built from blocks of vector instructions where the CPU has them."""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.nn.kernels.target import COLUMNS, LANES, inner, tile_at
from engines.nn.mlp import SLOPE

LEAK = np.float32(SLOPE)
ZERO = np.float32(0)
EPILOGUES = ("linear", "leaky", "raw", "masked", "tangent")


def _from_blocks(epilogue: str) -> Any:
    """All rows R of a product (a multiple of 4), most of them 8 at a time where there are registers for it."""
    from engines.nn.kernels.vector import rows_block

    most = 8 if LANES == 16 else 4
    many, four = rows_block(most, epilogue), rows_block(4, epilogue)

    @inner
    def product(W, w, row, col, K, R, bias, X, x, y, h, u, c):  # type: ignore[no-untyped-def]
        r = 0
        while r + most <= R:
            many(W, w + r * row, row, col, K, bias + r, X, x, y + r * COLUMNS, h + r * COLUMNS, u + r * COLUMNS, c)
            r += most
        while r < R:
            four(W, w + r * row, row, col, K, bias + r, X, x, y + r * COLUMNS, h + r * COLUMNS, u + r * COLUMNS, c)
            r += 4

    return product


def _outer_from_blocks() -> Any:
    from engines.nn.kernels.vector import OUTER, outer_block

    @inner
    def outer(grads, g, R, K, X, e, u, tiles):  # type: ignore[no-untyped-def]
        for j in range(0, R, OUTER):
            for i in range(0, K, 4):
                outer_block(grads, g + j * K + i, K, X, e + j * COLUMNS, R * COLUMNS, u + i * COLUMNS, K * COLUMNS, tiles)

    return outer


def _from_loops(epilogue: str) -> Any:
    """The same without vector instructions: four inputs at a time, so that each partial sum is read and written a quarter as often."""
    biased, leaky = epilogue in ("linear", "leaky"), epilogue == "leaky"
    masked, tangent = epilogue in ("masked", "tangent"), epilogue == "tangent"

    @inner
    def product(W, w, row, col, K, R, bias, X, x, y, h, u, c):  # type: ignore[no-untyped-def]
        inputs, outputs = tile_at(X, x, K), tile_at(X, y, R)
        hidden, combined, weight = tile_at(X, h, R), tile_at(X, u, R), tile_at(X, c, 1)[0]
        for r in range(R):
            out, at = outputs[r], w + r * row
            out[:] = W[bias + r] if biased else ZERO
            for k in range(0, K, 4):
                a, b, d, f = W[at + k * col], W[at + (k + 1) * col], W[at + (k + 2) * col], W[at + (k + 3) * col]
                for q in range(COLUMNS):
                    out[q] += a * inputs[k, q] + b * inputs[k + 1, q] + d * inputs[k + 2, q] + f * inputs[k + 3, q]
            if leaky:
                for q in range(COLUMNS):
                    out[q] = out[q] if out[q] > ZERO else LEAK * out[q]
            if masked:
                for q in range(COLUMNS):
                    out[q] = out[q] if hidden[r, q] > ZERO else LEAK * out[q]
            if tangent:
                for q in range(COLUMNS):
                    combined[r, q] = weight[q] * hidden[r, q] + out[q]

    return product


@inner
def _outer_loops(grads, g, R, K, X, e, u, tiles):  # type: ignore[no-untyped-def]
    for t in range(tiles):
        left, right = tile_at(X, e + t * R * COLUMNS, R), tile_at(X, u + t * K * COLUMNS, K)
        for j in range(R):
            for i in range(0, K, 4):
                a, b, c, d = ZERO, ZERO, ZERO, ZERO
                for q in range(COLUMNS):
                    a += left[j, q] * right[i, q]
                    b += left[j, q] * right[i + 1, q]
                    c += left[j, q] * right[i + 2, q]
                    d += left[j, q] * right[i + 3, q]
                at = g + j * K + i
                grads[at] += a
                grads[at + 1] += b
                grads[at + 2] += c
                grads[at + 3] += d


_make = _from_blocks if LANES else _from_loops
# product(W, w, row, col, K, R, bias, X, x, y, h, u, c): R rows from K inputs; see vector.py for the epilogues
linear, leaky, raw, masked, tangent = (_make(name) for name in EPILOGUES)
# outer(grads, g, R, K, X, e, u, tiles): grads (R, K) at g += sum over tiles and columns of e (R) u (K)
outer = _outer_from_blocks() if LANES else _outer_loops
