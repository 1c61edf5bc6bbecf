"""Adam (Kingma & Ba, 2015) with the average of the weights and clipping, over flat arrays."""

from __future__ import annotations

import numpy as np

from engines.nn.kernels.target import inner

ONE, EPS = np.float32(1), np.float32(1e-8)


@inner
def gradient_norm(net):  # type: ignore[no-untyped-def]
    total = np.float32(0)
    for k in range(net.grads.size):
        total += net.grads[k] * net.grads[k]
    return np.sqrt(total)


@inner
def adam(net, step, lr, beta1, beta2):  # type: ignore[no-untyped-def]
    """Update number `step`, counted from 1. The gradients are used up: they start again from 0."""
    values, grads, first, second = net.values, net.grads, net.first, net.second
    b1, b2 = np.float32(beta1), np.float32(beta2)
    size = np.float32(lr / (1 - beta1**step))
    scale = np.float32(1 / np.sqrt(1 - beta2**step))
    for k in range(values.size):
        g = grads[k]
        m = first[k] + (ONE - b1) * (g - first[k])
        v = b2 * second[k] + (ONE - b2) * g * g
        first[k] = m
        second[k] = v
        grads[k] = np.float32(0)
        values[k] -= size * m / (np.sqrt(v) * scale + EPS)


@inner
def average(net, decay, step):  # type: ignore[no-untyped-def]
    """As `engines.nn.ema.Ema.update`: the first steps count more. `step` counts from 0."""
    share = np.float32(1 - min(decay, (1 + step) / (10 + step)))
    for k in range(net.values.size):
        net.average[k] += share * (net.values[k] - net.average[k])


@inner
def clip(net, limit):  # type: ignore[no-untyped-def]
    """Every weight into [-limit, limit]."""
    c = np.float32(limit)
    for k in range(net.values.size):
        net.values[k] = min(max(net.values[k], -c), c)
