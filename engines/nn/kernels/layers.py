"""A multilayer perceptron inside a kernel: forward, backward, tangents, weight gradient. Shapes are per tile of COLUMNS examples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engines.nn.kernels.products import leaky, linear, masked, outer, raw, tangent
from engines.nn.kernels.target import COLUMNS, inner, tile_at


class Net(NamedTuple):
    """One network. Layer l maps sizes[l] to sizes[l + 1] features (multiples of 4); offsets count floats. In the flat arrays its
    weights (out, in) start at weights[l], its biases at biases[l]; in the arena, layer l's inputs h, the loss's gradient e by the
    layer's outputs before LeakyReLU (one further on: e[l + 1]), and the inputs u of the weight gradient lie at [tile][feature][column]."""

    sizes: np.ndarray  # (L + 1,) int64
    weights: np.ndarray  # (L,) int64
    biases: np.ndarray
    h: np.ndarray  # (L + 1,) int64
    e: np.ndarray
    u: np.ndarray
    values: np.ndarray  # float32, as the next four
    grads: np.ndarray
    first: np.ndarray  # Adam's moments
    second: np.ndarray
    average: np.ndarray  # of the values, over the run


@inner
def forward(net, X, tile):  # type: ignore[no-untyped-def]
    """h[0] -> h[1] … h[L]."""
    last = net.weights.size - 1
    for l in range(last + 1):
        K, R = net.sizes[l], net.sizes[l + 1]
        x, y = net.h[l] + tile * K * COLUMNS, net.h[l + 1] + tile * R * COLUMNS
        if l < last:
            leaky(net.values, net.weights[l], K, 1, K, R, net.biases[l], X, x, y, 0, 0, 0)
        else:
            linear(net.values, net.weights[l], K, 1, K, R, net.biases[l], X, x, y, 0, 0, 0)


@inner
def backward(net, X, tile, to_input):  # type: ignore[no-untyped-def]
    """e[L] -> e[L - 1] … e[1], and e[0], the gradient by the input, if asked for."""
    for l in range(net.weights.size - 1, -1, -1):
        K, R = net.sizes[l], net.sizes[l + 1]
        y, x = net.e[l + 1] + tile * R * COLUMNS, net.e[l] + tile * K * COLUMNS
        if l > 0:
            masked(net.values, net.weights[l], 1, K, R, K, 0, X, y, x, net.h[l] + tile * K * COLUMNS, 0, 0)
        elif to_input:
            raw(net.values, net.weights[l], 1, K, R, K, 0, X, y, x, 0, 0, 0)


@inner
def tangents(net, X, tile, c, t, other):  # type: ignore[no-untyped-def]
    """The tangent at t goes forward through all hidden layers: u[l] = c h[l] + t_l, c (COLUMNS,) a weight per example.
    `other` is as much room again as the widest layer takes."""
    for l in range(net.weights.size - 1):
        K, R = net.sizes[l], net.sizes[l + 1]
        place = tile * R * COLUMNS
        tangent(net.values, net.weights[l], K, 1, K, R, 0, X, t, other, net.h[l + 1] + place, net.u[l + 1] + place, c)
        t, other = other, t


@inner
def add_gradients(net, X, right, first, tiles):  # type: ignore[no-untyped-def]
    """Weight gradients of tiles first … first + tiles - 1 from e and the inputs `right`: net.h, or net.u."""
    for l in range(net.weights.size):
        K, R = net.sizes[l], net.sizes[l + 1]
        e, u = net.e[l + 1] + first * R * COLUMNS, right[l] + first * K * COLUMNS
        outer(net.grads, net.weights[l], R, K, X, e, u, tiles)


@inner
def add_bias_gradients(net, X, first, tiles, c, weighted):  # type: ignore[no-untyped-def]
    """The same for the biases: sums of e, each example weighted by X[c + tile COLUMNS + column] if so asked."""
    for l in range(net.weights.size):
        R = net.sizes[l + 1]
        for j in range(R):
            total = np.float32(0)
            for tile in range(first, first + tiles):
                e, w = tile_at(X, net.e[l + 1] + (tile * R + j) * COLUMNS, 1), tile_at(X, c + tile * COLUMNS, 1)
                if weighted:
                    for q in range(COLUMNS):
                        total += e[0, q] * w[0, q]
                else:
                    for q in range(COLUMNS):
                        total += e[0, q]
            net.grads[net.biases[l] + j] += total
