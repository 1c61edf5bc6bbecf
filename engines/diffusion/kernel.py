"""The whole training of a diffusion model on 2-D data as one compiled function: the same steps as `engine.py`, in the same order.

One step: draw examples, noise and noise levels; make the network's input and target from them; learn. See
`engines/nn/kernels/__init__.py` for the technique."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engines.nn.kernels.adam import adam, average, gradient_norm
from engines.nn.kernels.fourier import COS, HALF, SIN, features, power_series
from engines.nn.kernels.layers import add_bias_gradients, add_gradients, backward, forward
from engines.nn.kernels.streams import after, index, normal
from engines.nn.kernels.target import COLUMNS, inner, kernel, tile_at

DATA, EPS, SIGMA = 0, 1, 2  # random streams
FLOW, V, PREDICT_EPS, PREDICT_X0 = 0, 1, 2, 3  # what the network predicts
SIMPLE, SNR, MIN_SNR, EDM = 0, 1, 2, 3  # weightings
LOSS, NORM = 0, 1  # columns of the metrics
COLUMN_COUNT = 2
DRAWN, AIMED = 5, 3  # rows of a tile: x0 (2), eps (2), sigma; and target (2), weight
CLOCK = 2  # frequencies of c_noise
QUARTER = np.float32(0.25)  # turns per unit of c_noise, of the slowest
LAST_RATE = 0.01  # of the learning rate, at the end of a decaying run
ZERO, ONE, GAMMA = np.float32(0), np.float32(1), np.float32(5)


class Rules(NamedTuple):
    """The knobs, as numbers. Without `lognormal`, noise levels come from the table."""

    batch: int
    tiles: int  # that hold one batch
    objective: int
    weighting: int
    lognormal: bool
    mean: float
    std: float
    lr: float
    decays: bool
    total: int
    beta1: float
    beta2: float
    ema_decay: float
    fourier: int


class Table(NamedTuple):
    """The arena, and where in it (offsets) lie what was drawn [tile][DRAWN][column] and what is aimed at [tile][AIMED][column]; the data
    (n, 2), the frequencies (2, fourier) flat, the noise levels, the normal quantiles."""

    arena: np.ndarray
    drawn: int
    aimed: int
    examples: np.ndarray
    frequencies: np.ndarray
    levels: np.ndarray
    quantiles: np.ndarray


@inner
def deal(rules, table, streams):  # type: ignore[no-untyped-def]
    """Draw x0, eps and sigma into the arena."""
    for t in range(rules.tiles):
        drawn = tile_at(table.arena, table.drawn + t * DRAWN * COLUMNS, DRAWN)
        for q in range(min(COLUMNS, rules.batch - t * COLUMNS)):
            p = t * COLUMNS + q  # its numbers do not depend on the tiles
            chosen = index(after(streams[DATA], p), table.examples.shape[0])
            drawn[0, q] = table.examples[chosen, 0]
            drawn[1, q] = table.examples[chosen, 1]
            drawn[2, q] = normal(after(streams[EPS], 2 * p), table.quantiles)
            drawn[3, q] = normal(after(streams[EPS], 2 * p + 1), table.quantiles)
            if rules.lognormal:
                z = normal(after(streams[SIGMA], p), table.quantiles)
                drawn[4, q] = np.exp(np.float32(rules.mean) + np.float32(rules.std) * z)
            else:
                drawn[4, q] = table.levels[index(after(streams[SIGMA], p), table.levels.size)]
    streams[DATA], streams[EPS] = after(streams[DATA], rules.batch), after(streams[EPS], 2 * rules.batch)
    streams[SIGMA] = after(streams[SIGMA], rules.batch)


@inner
def coefficients(objective, sigma):  # type: ignore[no-untyped-def]
    """c_in, c_noise, c_out up to its sign, and a, b of the target a x0 + b eps; see `parameterisations.py`."""
    keep, alpha = ONE / (ONE + sigma), ONE / np.sqrt(ONE + sigma * sigma)
    if objective == FLOW:
        return keep, (sigma - ONE) * keep, sigma * keep, -ONE, ONE
    if objective == V:
        return alpha, (sigma - ONE) * keep, sigma * alpha, -sigma * alpha, alpha
    clock = np.log(sigma) * QUARTER
    if objective == PREDICT_EPS:
        return alpha, clock, sigma, ZERO, ONE
    return alpha, clock, ONE, ONE, ZERO


@inner
def weight_of(weighting, sigma, c_out):  # type: ignore[no-untyped-def]
    """What an error of the network's output counts; see `objectives.py`."""
    if weighting == SIMPLE:
        return ONE
    snr = ONE / (sigma * sigma)
    if weighting == MIN_SNR:
        snr = min(snr, GAMMA)
    elif weighting == EDM:
        snr = snr + ONE
    return snr * c_out * c_out


@inner
def prepare(rules, net, table, t):  # type: ignore[no-untyped-def]
    """The network's input, its target and the weight of each error, of one tile. Columns beyond the batch weigh nothing."""
    X, width = table.arena, min(COLUMNS, rules.batch - t * COLUMNS)
    h = net.h[0] + t * net.sizes[0] * COLUMNS
    first = 2 + 2 * rules.fourier
    drawn, aimed = tile_at(X, table.drawn + t * DRAWN * COLUMNS, DRAWN), tile_at(X, table.aimed + t * AIMED * COLUMNS, AIMED)
    x, clock = tile_at(X, h, 2), tile_at(X, h + first * COLUMNS, 1 + 2 * CLOCK)
    for q in range(width):
        sigma = drawn[4, q]
        c_in, c_noise, c_out, a, b = coefficients(rules.objective, sigma)
        for row in range(2):
            x[row, q] = c_in * (drawn[row, q] + sigma * drawn[2 + row, q])
            aimed[row, q] = a * drawn[row, q] + b * drawn[2 + row, q]
        aimed[2, q] = weight_of(rules.weighting, sigma, c_out)
        clock[0, q] = c_noise
    for k in range(CLOCK):
        for q in range(COLUMNS):
            u = np.float32(k + 1) * QUARTER * clock[0, q]
            u -= np.floor(u + HALF)
            clock[1 + k, q] = u * power_series(SIN, u * u)
            clock[1 + CLOCK + k, q] = power_series(COS, u * u)
    features(X, h, table.frequencies, rules.fourier)


@inner
def learn(rules, net, table, metrics):  # type: ignore[no-untyped-def]
    """Gradients of the weighted error on what lies in the arena."""
    X, share, last, loss = table.arena, ONE / np.float32(rules.batch), net.sizes.size - 1, 0.0
    for t in range(rules.tiles):
        prepare(rules, net, table, t)
        forward(net, X, t)
        place = t * net.sizes[last] * COLUMNS
        said, e = tile_at(X, net.h[last] + place, 2), tile_at(X, net.e[last] + place, 2)
        aimed = tile_at(X, table.aimed + t * AIMED * COLUMNS, AIMED)
        for row in range(2):
            for q in range(COLUMNS):
                error = said[row, q] - aimed[row, q]
                e[row, q] = aimed[2, q] * share * error
                loss += 0.5 * aimed[2, q] * error * error
        backward(net, X, t, False)
    add_gradients(net, X, net.h, 0, rules.tiles)
    add_bias_gradients(net, X, 0, rules.tiles, 0, False)
    metrics[LOSS] = loss / rules.batch
    metrics[NORM] = gradient_norm(net)


@kernel
def train(rules, net, table, streams, updates, start, dealt, metrics):  # type: ignore[no-untyped-def]
    """Make a step for every row of `metrics` (n, COLUMN_COUNT) float32, from step `start` on, or until the loss is not finite; the number
    of steps made. `dealt` if examples already lie in the arena. `streams` (3,) uint64 and `updates` (1,) int64 are carried on."""
    for n in range(metrics.shape[0]):
        step, row = start + n, metrics[n]
        if not dealt:
            deal(rules, table, streams)
        learn(rules, net, table, row)
        updates[0] += 1
        rate = min(1.0, max(LAST_RATE, 2 - 2 * (step / rules.total))) if rules.decays else 1.0
        adam(net, updates[0], rules.lr * rate, rules.beta1, rules.beta2)
        average(net, rules.ema_decay, step)
        if not np.isfinite(row[LOSS]):
            return n + 1
    return metrics.shape[0]
