"""The whole training of a GAN on 2-D data as one compiled function: the same steps as `engine.py`, in the same order.

One step: n_critic times {deal examples and noise; D learns}, then G learns from the last deal. D sees groups of tiles: the real
examples, the fake ones, and those in between (for the gradient penalty). See `engines/nn/kernels/__init__.py` for the technique."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engines.gan.kernel_losses import PAIRS, clear_edge, play_d, play_g
from engines.nn.kernels.adam import adam, average, clip, gradient_norm
from engines.nn.kernels.fourier import features, pull_back, push_forward
from engines.nn.kernels.layers import add_bias_gradients, add_gradients, backward, forward, tangents
from engines.nn.kernels.streams import after, index, normal, uniform
from engines.nn.kernels.target import COLUMNS, inner, kernel, tile_at

REAL, FAKE, BETWEEN = 0, 1, 2  # groups of tiles
DATA, NOISE, PENALTY = 0, 1, 2  # random streams
D_LOSS, G_LOSS, D_NORM, G_NORM, D_ACCURACY, SLOPE_PENALTY, PENALISED = range(7)  # columns of the metrics
COLUMN_COUNT = 7
ZERO, ONE, TWO = np.float32(0), np.float32(1), np.float32(2)


class Rules(NamedTuple):
    """The knobs, as numbers. `game_d` and `game_g` are numbers of kernel_losses; `threshold` is not a number where there is none."""

    batch: int
    tiles: int  # that hold one batch
    noise_dim: int
    normal: bool
    game_d: int
    game_g: int
    threshold: float
    n_critic: int
    lr_g: float
    lr_d: float
    decays: bool
    decay_from: float
    decay_to: float
    total: int
    beta1: float
    beta2: float
    r1: float
    r2: float
    gp: float
    penalty_every: int
    clip: float
    ema_decay: float
    fourier: int


class Table(NamedTuple):
    """What is on the table: the arena, and where in it (offsets) lie the logits' gradients c and the mixing weights, both
    [tile][column], and two tangents of the widest layer; the data (n, 2), D's frequencies (2, fourier) flat, the normal quantiles."""

    arena: np.ndarray
    c: int
    mix: int
    tangent: int
    tangent2: int
    examples: np.ndarray
    frequencies: np.ndarray
    quantiles: np.ndarray


class Turn(NamedTuple):
    """What a call is to do: begin at `step`, and let `d` and `g` play; `dealt` if noise and examples already lie in the arena."""

    step: int
    d: bool
    g: bool
    dealt: bool


@inner
def deal(rules, G, D, table, streams):  # type: ignore[no-untyped-def]
    """Draw noise, real examples and mixing weights into the arena."""
    X, dims = table.arena, rules.noise_dim
    for t in range(rules.tiles):
        width = min(COLUMNS, rules.batch - t * COLUMNS)
        z, x = tile_at(X, G.h[0] + t * G.sizes[0] * COLUMNS, dims), tile_at(X, D.h[0] + t * D.sizes[0] * COLUMNS, 2)
        for q in range(width):
            p = t * COLUMNS + q  # its numbers do not depend on the tiles
            for row in range(dims):
                state = after(streams[NOISE], p * dims + row)
                z[row, q] = normal(state, table.quantiles) if rules.normal else uniform(state) * TWO - ONE
            chosen = index(after(streams[DATA], p), table.examples.shape[0])
            x[0, q] = table.examples[chosen, 0]
            x[1, q] = table.examples[chosen, 1]
            X[table.mix + p] = uniform(after(streams[PENALTY], p))
    streams[NOISE] = after(streams[NOISE], rules.batch * dims)
    streams[DATA], streams[PENALTY] = after(streams[DATA], rules.batch), after(streams[PENALTY], rules.batch)


@inner
def generate(rules, G, D, X):  # type: ignore[no-untyped-def]
    """Noise -> fakes, copied to where D sees them."""
    last = G.sizes.size - 1
    for t in range(rules.tiles):
        forward(G, X, t)
        x, fake = G.h[last] + t * G.sizes[last] * COLUMNS, D.h[0] + (rules.tiles + t) * D.sizes[0] * COLUMNS
        for q in range(2 * COLUMNS):
            X[fake + q] = X[x + q]


@inner
def judge(rules, D, table, tile):  # type: ignore[no-untyped-def]
    """x of one tile -> its logits."""
    features(table.arena, D.h[0] + tile * D.sizes[0] * COLUMNS, table.frequencies, rules.fourier)
    forward(D, table.arena, tile)


@inner
def mix(rules, D, table, t):  # type: ignore[no-untyped-def]
    """Places between the real and the fake examples of tile t."""
    X, size = table.arena, D.sizes[0] * COLUMNS
    real = D.h[0] + t * size
    fake, between = real + rules.tiles * size, real + 2 * rules.tiles * size
    for row in range(2):
        for q in range(COLUMNS):
            a = X[real + row * COLUMNS + q]
            X[between + row * COLUMNS + q] = a + X[table.mix + t * COLUMNS + q] * (X[fake + row * COLUMNS + q] - a)


@inner
def slope(rules, D, table, tile, width, weight, towards_one):  # type: ignore[no-untyped-def]
    """The penalty on |dD/dx| of one tile: weight/2 |g|², or weight (|g| − 1)², summed. Leaves e, and in u what the weight gradient
    needs (engines/nn/kernels/__init__.py)."""
    X, e_last, n0 = table.arena, D.sizes.size - 1, D.sizes[0] * COLUMNS
    e = D.e[e_last] + tile * D.sizes[e_last] * COLUMNS
    for q in range(COLUMNS):
        X[e + q] = ONE
    backward(D, X, tile, True)
    g, h = table.tangent, D.h[0] + tile * n0
    pull_back(X, h, D.e[0] + tile * n0, table.frequencies, rules.fourier, g)
    total = 0.0
    for q in range(COLUMNS):
        square = X[g + q] * X[g + q] + X[g + COLUMNS + q] * X[g + COLUMNS + q]
        factor = np.float32(weight)
        if towards_one:
            length = np.sqrt(square + np.float32(1e-12))  # the root has no slope at 0
            factor *= TWO * (length - ONE) / length
            square = TWO * (length - ONE) * (length - ONE)
        if q >= width:
            factor = ZERO
        else:
            total += 0.5 * weight * square
        X[g + q] *= factor
        X[g + COLUMNS + q] *= factor
    c = table.c + tile * COLUMNS
    push_forward(X, h, D.sizes[0], table.frequencies, rules.fourier, g, D.u[0] + tile * n0, c)
    tangents(D, X, tile, c, table.tangent, table.tangent2)
    return total


@inner
def blame(D, table, tile):  # type: ignore[no-untyped-def]
    """Plain back-propagation of dLoss/dlogit through one tile."""
    X, last = table.arena, D.sizes.size - 1
    e, c = D.e[last] + tile * D.sizes[last] * COLUMNS, table.c + tile * COLUMNS
    for q in range(COLUMNS):
        X[e + q] = X[c + q]
    backward(D, X, tile, False)


@inner
def logits_at(D, tile):  # type: ignore[no-untyped-def]
    return D.h[D.sizes.size - 1] + tile * D.sizes[D.sizes.size - 1] * COLUMNS


@inner
def learn_d(rules, D, table, weight, metrics):  # type: ignore[no-untyped-def]
    """Gradients of D's loss and penalties on the deal in the arena. `weight` of the penalties: 0 where they are left out."""
    share, X, nt = ONE / np.float32(rules.batch), table.arena, rules.tiles
    both = weight > 0 and (rules.r1 > 0 or rules.r2 > 0)
    groups = 3 if weight > 0 and rules.gp > 0 else 2
    gammas = (weight * rules.r1 / rules.batch, weight * rules.r2 / rules.batch, weight * rules.gp / rules.batch)
    loss, points, penalty = 0.0, 0.0, 0.0
    for t in range(nt):
        width = min(COLUMNS, rules.batch - t * COLUMNS)
        judge(rules, D, table, t)
        judge(rules, D, table, nt + t)
        real, fake = table.c + t * COLUMNS, table.c + (nt + t) * COLUMNS
        more, hits = play_d(rules.game_d, X, logits_at(D, t), logits_at(D, nt + t), real, fake, width, share, rules.threshold)
        loss += more
        points += hits
        clear_edge(X, real, width)
        clear_edge(X, fake, width)
        for group in range(groups):
            if group == BETWEEN:
                mix(rules, D, table, t)
                judge(rules, D, table, 2 * nt + t)
            if gammas[group] > 0:
                penalty += slope(rules, D, table, group * nt + t, width, gammas[group], group == BETWEEN)
            else:
                blame(D, table, group * nt + t)
    collect(rules, D, table, groups, gammas)
    metrics[D_LOSS] = loss / rules.batch
    metrics[D_ACCURACY] = points / (2 * rules.batch)
    metrics[D_NORM] = gradient_norm(D)
    metrics[SLOPE_PENALTY], metrics[PENALISED] = penalty, 1.0 if both or groups == 3 else 0.0


@inner
def collect(rules, D, table, groups, gammas):  # type: ignore[no-untyped-def]
    """Weight gradients of all groups; neighbours that are treated alike in one go."""
    group = 0
    while group < groups:
        after = group + 1
        while after < groups and (gammas[after] > 0) == (gammas[group] > 0):
            after += 1
        penalised = gammas[group] > 0
        first, tiles = group * rules.tiles, (after - group) * rules.tiles
        add_gradients(D, table.arena, D.u if penalised else D.h, first, tiles)
        add_bias_gradients(D, table.arena, first, tiles, table.c, penalised)
        group = after


@inner
def learn_g(rules, G, D, table, real_known, metrics):  # type: ignore[no-untyped-def]
    """Gradients of G's loss on the deal in the arena. Pairs need real logits: those from before D's update, if it has just learned."""
    share, X, nt = ONE / np.float32(rules.batch), table.arena, rules.tiles
    last_g, last_d = G.sizes.size - 1, D.sizes.size - 1
    loss = 0.0
    for t in range(nt):
        width = min(COLUMNS, rules.batch - t * COLUMNS)
        judge(rules, D, table, nt + t)
        if rules.game_d == PAIRS and not real_known:
            judge(rules, D, table, t)
        e = D.e[last_d] + (nt + t) * D.sizes[last_d] * COLUMNS
        loss += play_g(rules.game_g, X, logits_at(D, nt + t), logits_at(D, t), e, width, share)
        clear_edge(X, e, width)
        backward(D, X, nt + t, True)
        place = (nt + t) * D.sizes[0] * COLUMNS
        pull_back(X, D.h[0] + place, D.e[0] + place, table.frequencies, rules.fourier, G.e[last_g] + t * G.sizes[last_g] * COLUMNS)
        backward(G, X, t, False)
    add_gradients(G, X, G.h, 0, nt)
    add_bias_gradients(G, X, 0, nt, 0, False)
    metrics[G_LOSS] = loss / rules.batch
    metrics[G_NORM] = gradient_norm(G)


@kernel
def run(rules, G, D, table, streams, updates, turn, metrics):  # type: ignore[no-untyped-def]
    """Make a step for every row of `metrics` (n, COLUMN_COUNT) float32, or until a loss is not finite; the number of steps made.
    `streams` (3,) uint64 and `updates` (2,) int64, how often G and D were updated, are carried on."""
    for n in range(metrics.shape[0]):
        step, row = turn.step + n, metrics[n]
        row[:] = ZERO
        rate = 1.0  # as `config.rate_factor`
        if rules.decays:
            rate = min(1.0, max(rules.decay_to, (1 - step / rules.total) / (1 - rules.decay_from)))
        weight = float(rules.penalty_every) if step % rules.penalty_every == 0 else 0.0
        for _ in range(rules.n_critic if turn.d else 1):
            if not turn.dealt:
                deal(rules, G, D, table, streams)
            generate(rules, G, D, table.arena)
            if turn.d:
                learn_d(rules, D, table, weight, row)
                updates[1] += 1
                adam(D, updates[1], rules.lr_d * rate, rules.beta1, rules.beta2)
                if rules.clip > 0:
                    clip(D, rules.clip)
        if turn.g:
            learn_g(rules, G, D, table, turn.d, row)
            updates[0] += 1
            adam(G, updates[0], rules.lr_g * rate, rules.beta1, rules.beta2)
            average(G, rules.ema_decay, step)
        if not (np.isfinite(row[D_LOSS]) and np.isfinite(row[G_LOSS])):
            return n + 1
    return metrics.shape[0]
