"""What a GAN run will take, computed from its knobs before anything is allocated. No torch here."""

from __future__ import annotations

from math import prod

from engines.core import Cost
from engines.data import DATASETS, kind
from engines.gan.config import Config


def cost(config: Config) -> Cost:
    """Parameters, FLOP per step (forward + 2 x backward; D sees real and fake n_critic times, then fake once more) and bytes
    (parameters, gradients, two Adam moments, average of G, activations of one step). A step of the warm start is cheaper."""
    e = 0  # encoder of the warm start
    if kind(config.dataset) == "2d":
        g = _mlp([config.noise_dim, *[config.width_g] * config.depth_g, 2])
        d = _mlp([config.pack * (2 + 2 * config.fourier), *[config.width_d] * config.depth_d, 1]) + _kernels(config, config.width_d)
        flop_g, flop_d, units = 2 * g, 2 * d, config.width_g * config.depth_g + config.width_d * config.depth_d
    else:
        c, h, w = DATASETS[config.dataset].shape if config.dataset in DATASETS else (3, 32, 32)
        cells, cg, cd = (h // 4) * (w // 4), config.channels_g, config.channels_d
        g = (config.noise_dim + 10) * 128 + 128 * cg * cells + 9 * (2 * cg * cg + cg * cg // 4 + 2 * c * cg)
        d = 16 * config.pack * c * cd + _kernels(config, 128) + 32 * cd * cd + 2 * cd * cells * 128
        flop_g = 2 * (128 * cg * cells + 9 * cells * (2 * cg * cg + cg * cg + 8 * c * cg))
        flop_d = 2 * (64 * c * cd * cells + 32 * cd * cd * cells + 2 * cd * cells * 128)
        units = prod((c, h, w)) * (cg + cd)
        e = 400 * (prod((c, h, w)) + 1) + 2 * config.noise_dim * 401 if config.warm_start else 0
    penalised = 2 if (config.r1 or config.r2 or config.gp) else 1
    pairs = config.batch // config.pack * config.minibatch_discrimination * config.minibatch_dims  # of one example with its batch
    flop_d += 4 * pairs  # difference, size, sum and, once in C, exponential
    d_steps = config.n_critic + (1 + config.unroll_gradient) * config.unroll  # differentiated once more where G steers it
    rule = 12 * d * (config.n_critic + 2 * config.unroll * (config.unroll_by == "own"))  # the optimiser's own arithmetic
    flop = 3 * config.batch * (flop_g + flop_d + 2 * d_steps * penalised * flop_d + config.n_critic * flop_g / 3) + rule
    units = units * (1 + config.unroll * config.unroll_gradient) + pairs
    weights = 5 * g + 4 * d + (4 * e + 2 * g if e else 0)  # the warm start has moments of G of its own
    return Cost(parameters=g + d + e, flop_per_step=float(flop), bytes=4 * (weights + 6 * config.batch * units))


def _mlp(sizes: list[int]) -> int:
    return sum(a * b + b for a, b in zip(sizes, sizes[1:], strict=False))


def _kernels(config: Config, features: int) -> int:
    """Parameters of minibatch discrimination: some directions per kernel, and one more input of the last layer."""
    return config.minibatch_discrimination * (config.minibatch_dims * features + 1)
