"""Fourier features inside a kernel: x (2) -> [x, sin(x·f), cos(x·f)], and their Jacobian both ways. One tile at a time; the features
lie at [feature][column] from offset h. `F` holds the frequencies (2, count) flat, in rad per unit of x."""

from __future__ import annotations

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial

from engines.nn.kernels.target import COLUMNS, inner, tile_at


def _fit(x: np.ndarray, y: np.ndarray) -> tuple[np.float32, ...]:
    """Coefficients of a polynomial of degree 6 that passes as near as can be."""
    return tuple(Chebyshev.fit(x, y, 6).convert(kind=Polynomial).coef.astype(np.float32))


_turns = np.linspace(-0.5, 0.5, 4001)
_right = _turns[_turns > 0]
# sin(2 pi u) = u SIN(u^2) and cos(2 pi u) = COS(u^2) for |u| <= 1/2, to 1e-7
SIN = _fit(_right**2, np.sin(2 * np.pi * _right) / _right)
COS = _fit(_turns**2, np.cos(2 * np.pi * _turns))
TURN = np.float32(1 / (2 * np.pi))
HALF = np.float32(0.5)


@inner
def power_series(a, w):  # type: ignore[no-untyped-def]
    return a[0] + w * (a[1] + w * (a[2] + w * (a[3] + w * (a[4] + w * (a[5] + w * a[6])))))


@inner
def features(X, h, F, count):  # type: ignore[no-untyped-def]
    """Rows 0 and 1 hold x; fill in the sines and cosines."""
    x, sines, cosines = tile_at(X, h, 2), tile_at(X, h + 2 * COLUMNS, count), tile_at(X, h + (2 + count) * COLUMNS, count)
    for k in range(count):
        f0, f1 = F[k] * TURN, F[count + k] * TURN
        for q in range(COLUMNS):
            u = f0 * x[0, q] + f1 * x[1, q]
            u -= np.floor(u + HALF)
            sines[k, q] = u * power_series(SIN, u * u)
            cosines[k, q] = power_series(COS, u * u)


@inner
def pull_back(X, h, e, F, count, g):  # type: ignore[no-untyped-def]
    """The gradient by the features, at e -> the gradient by x, two rows at g."""
    given, gx = tile_at(X, e, 2 + 2 * count), tile_at(X, g, 2)
    sines, cosines = tile_at(X, h + 2 * COLUMNS, count), tile_at(X, h + (2 + count) * COLUMNS, count)
    for q in range(COLUMNS):
        gx[0, q] = given[0, q]
        gx[1, q] = given[1, q]
    for k in range(count):
        f0, f1 = F[k], F[count + k]
        for q in range(COLUMNS):
            turn = cosines[k, q] * given[2 + k, q] - sines[k, q] * given[2 + count + k, q]
            gx[0, q] += f0 * turn
            gx[1, q] += f1 * turn


@inner
def push_forward(X, h, rows, F, count, t, u, c):  # type: ignore[no-untyped-def]
    """The tangent by x, two rows at t -> the tangent by the features, `rows` rows from t; and u = c h + t."""
    tangent, hidden, combined, weight = tile_at(X, t, rows), tile_at(X, h, rows), tile_at(X, u, rows), tile_at(X, c, 1)
    for k in range(count):
        f0, f1 = F[k], F[count + k]
        for q in range(COLUMNS):
            turn = f0 * tangent[0, q] + f1 * tangent[1, q]
            tangent[2 + k, q] = hidden[2 + count + k, q] * turn
            tangent[2 + count + k, q] = -hidden[2 + k, q] * turn
    for row in range(2 + 2 * count, rows):
        tangent[row] = np.float32(0)
    for row in range(rows):
        for q in range(COLUMNS):
            combined[row, q] = weight[0, q] * hidden[row, q] + tangent[row, q]
