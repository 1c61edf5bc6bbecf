"""The losses of `objectives.py` inside a kernel, for one tile: their values, and their gradients by the logits."""

from __future__ import annotations

import numpy as np

from engines.nn.kernels.target import COLUMNS, inner

# The games of D and of G, by number
LOGISTIC, SQUARES, HINGE, CRITIC, PAIRS = range(5)
G_LOGISTIC, G_MINIMAX, G_SQUARES, G_CRITIC, G_PAIRS = range(5)
GAMES = {
    "non-saturating": (LOGISTIC, G_LOGISTIC),
    "minimax": (LOGISTIC, G_MINIMAX),
    "lsgan": (SQUARES, G_SQUARES),
    "hinge": (HINGE, G_CRITIC),
    "wgan": (CRITIC, G_CRITIC),
    "wgan-gp": (CRITIC, G_CRITIC),
    "r1": (LOGISTIC, G_LOGISTIC),
    "r3gan": (PAIRS, G_PAIRS),
}
ZERO, ONE = np.float32(0), np.float32(1)


@inner
def slope_of_softplus(z):  # type: ignore[no-untyped-def]
    """sigmoid(z), and exp(−|z|), of which softplus(z) = max(z, 0) + log(1 + exp(−|z|)) is made."""
    small = np.exp(-np.abs(z))
    share = ONE / (ONE + small)
    return (share if z > ZERO else small * share), small


@inner
def add_softplus(total, product, z, small):  # type: ignore[no-untyped-def]
    """A sum of softplus(z) as total + log(product): one logarithm for a whole tile. Keeps what is not a number."""
    return total + 0.5 * (z + np.abs(z)), product * (1.0 + small)


@inner
def play_d(game, X, real, fake, c_real, c_fake, width, share, threshold):  # type: ignore[no-untyped-def]
    """Logits of `width` pairs at `real` and `fake` -> dLoss/dlogit at c_real and c_fake; the sum of the losses, and of points for
    D: one for each example on its side of `threshold`, two for each pair in order if there is none. `share` is 1 / batch."""
    total, product, points = 0.0, 1.0, 0.0
    for q in range(width):
        r, f = X[real + q], X[fake + q]
        if game == LOGISTIC:
            slope, small = slope_of_softplus(-r)
            total, product = add_softplus(total, product, -r, small)
            X[c_real + q] = -slope * share
            slope, small = slope_of_softplus(f)
            total, product = add_softplus(total, product, f, small)
            X[c_fake + q] = slope * share
        elif game == PAIRS:
            slope, small = slope_of_softplus(f - r)
            total, product = add_softplus(total, product, f - r, small)
            X[c_real + q] = -slope * share
            X[c_fake + q] = slope * share
        elif game == SQUARES:
            total += 0.5 * ((r - ONE) * (r - ONE) + f * f)
            X[c_real + q] = (r - ONE) * share
            X[c_fake + q] = f * share
        elif game == HINGE:
            total += 0.5 * (ONE - r + np.abs(ONE - r) + ONE + f + np.abs(ONE + f))
            X[c_real + q] = -share if r < ONE else ZERO
            X[c_fake + q] = share if f > -ONE else ZERO
        else:
            total += f - r
            X[c_real + q] = -share
            X[c_fake + q] = share
        if np.isnan(threshold):
            points += 2.0 * (r > f)
        else:
            points += 1.0 * (r > threshold) + 1.0 * (f < threshold)
    return total + np.log(product), points


@inner
def play_g(game, X, fake, real, e, width, share):  # type: ignore[no-untyped-def]
    """Logits at `fake` (and `real`, for pairs) -> G's dLoss/dlogit at e; the sum of its losses."""
    total, product = 0.0, 1.0
    for q in range(width):
        f = X[fake + q]
        if game == G_LOGISTIC:
            slope, small = slope_of_softplus(-f)
            total, product = add_softplus(total, product, -f, small)
            X[e + q] = -slope * share
        elif game == G_PAIRS:
            z = X[real + q] - f
            slope, small = slope_of_softplus(z)
            total, product = add_softplus(total, product, z, small)
            X[e + q] = -slope * share
        elif game == G_MINIMAX:
            slope, small = slope_of_softplus(f)
            total, product = add_softplus(total, product, f, small)
            X[e + q] = -slope * share
        elif game == G_SQUARES:
            total += 0.5 * (f - ONE) * (f - ONE)
            X[e + q] = (f - ONE) * share
        else:
            total -= f
            X[e + q] = -share
    total += np.log(product)
    return -total if game == G_MINIMAX else total


@inner
def clear_edge(X, at, width):  # type: ignore[no-untyped-def]
    """Columns beyond the batch take no part."""
    for q in range(width, COLUMNS):
        X[at + q] = ZERO
