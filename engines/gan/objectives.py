"""The losses of the game, one function for each player, and the penalties on D. Logits (n,) are D's output before any sigmoid;
losses are scalars, averaged over the batch, to be lowered. log D(x) = −softplus(−logit), log(1 − D(x)) = −softplus(logit)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus


# Goodfellow et al., 2014, section 3: min over G, max over D of E log D(x) + E log(1 − D(G(z)))
def minimax_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


def minimax_g(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    return -softplus(fake_logits).mean()


# Goodfellow et al., 2014, end of section 3: G raises log D(G(z)) instead, which does not go flat when D wins
def non_saturating_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


def non_saturating_g(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    return softplus(-fake_logits).mean()


# Mao et al., 2017, eq. 9 with a = 0, b = c = 1: D regresses to 1 on data and 0 on samples
def lsgan_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return 0.5 * (real_logits - 1).square().mean() + 0.5 * fake_logits.square().mean()


def lsgan_g(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    return 0.5 * (fake_logits - 1).square().mean()


# Lim & Ye, 2017, and Miyato et al., 2018, eq. 16-17: beyond a margin of 1, D gains nothing more
def hinge_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return (1 - real_logits).relu().mean() + (1 + fake_logits).relu().mean()


def hinge_g(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    return -fake_logits.mean()


# Arjovsky et al., 2017: −d_loss estimates the Wasserstein-1 distance, up to the slope that clipping or a penalty allows
def wgan_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return fake_logits.mean() - real_logits.mean()


def wgan_g(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    return -fake_logits.mean()


# Gulrajani et al., 2017: the same game, the slope held by `gradient_penalty`
def wgan_gp_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return wgan_d(real_logits, fake_logits)


def wgan_gp_g(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    return wgan_g(fake_logits)


# Mescheder et al., 2018: the non-saturating game, the slope at the data held by `r1_penalty`
def r1_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return non_saturating_d(real_logits, fake_logits)


def r1_g(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    return non_saturating_g(fake_logits)


# Huang et al., 2024 (R3GAN), after Jolicoeur-Martineau, 2019: D must rank each real above its fake; with R1 and R2
def r3gan_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return softplus(fake_logits - real_logits).mean()


def r3gan_g(fake_logits: Tensor, real_logits: Tensor) -> Tensor:
    return softplus(real_logits - fake_logits).mean()


# Salimans et al., 2016, section 3.4: one-sided label smoothing, D is to say 1 − s of the data and still 0 of the samples
def smoothed_logistic_d(real_logits: Tensor, fake_logits: Tensor, s: float) -> Tensor:
    return ((1 - s) * softplus(-real_logits) + s * softplus(real_logits)).mean() + softplus(fake_logits).mean()


def smoothed_lsgan_d(real_logits: Tensor, fake_logits: Tensor, s: float) -> Tensor:
    return 0.5 * (real_logits - (1 - s)).square().mean() + 0.5 * fake_logits.square().mean()


def squared_slope(logits: Tensor, x: Tensor) -> Tensor:
    """‖∇ₓ D(x)‖² per example, (n,), of logits (n,) computed from x (n, …); itself differentiable in the weights of D."""
    (slope,) = torch.autograd.grad(logits.sum(), x, create_graph=True)  # (n, …)
    return slope.flatten(1).square().sum(1)


def r1_penalty(D: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """E ‖∇ₓ D(x)‖² at the data (R1) or at the samples (R2); weigh it with γ/2. Mescheder et al., 2018, eq. 9."""
    x = x.detach().requires_grad_(True)
    return squared_slope(D(x), x).mean()


def gradient_penalty(D: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, generator: torch.Generator) -> Tensor:
    """E (‖∇ₓ D(x)‖ − 1)² at random places between real and fake, both (n, …). Gulrajani et al., 2017, eq. 3."""
    shape = [len(real)] + [1] * (real.dim() - 1)
    u = torch.rand(shape, generator=generator, device=real.device, dtype=real.dtype)
    x = torch.lerp(real, fake, u).requires_grad_(True)
    norm = (squared_slope(D(x), x) + 1e-12).sqrt()  # the root has no slope at 0
    return (norm - 1).square().mean()


def slope_penalty_fd(logits: Tensor, moved_logits: Tensor, sigma: float) -> Tensor:
    """E ((D(x + sigma eps) − D(x)) / sigma)² ≈ E ‖∇ₓ D(x)‖², from logits (n,) at x and at x + sigma eps, eps standard normal.
    Needs no second derivative, so it costs a third of R1 on images."""
    return ((moved_logits - logits) / sigma).square().mean()


@torch.no_grad()
def clip_weights(D: nn.Module, c: float) -> None:
    """Every weight of D into [−c, c]. Arjovsky et al., 2017, algorithm 1."""
    for p in D.parameters():
        p.clamp_(-c, c)


def accuracy(real_logits: Tensor, fake_logits: Tensor, threshold: float | None) -> Tensor:
    """Share that D puts on the right side of `threshold`; if it has none, share of pairs in which the real one is ahead."""
    if threshold is None:
        return (real_logits > fake_logits).float().mean()
    return 0.5 * ((real_logits > threshold).float().mean() + (fake_logits < threshold).float().mean())


@dataclass(frozen=True)
class Objective:
    """A game. `pairs`: G's loss needs real logits too. `threshold`: the output of D that is as real as fake, None for critics."""

    d: Callable[[Tensor, Tensor], Tensor]
    g: Callable[..., Tensor]  # (fake_logits, real_logits or None)
    pairs: bool = False
    threshold: float | None = 0.0

    def boundary(self, s: float = 0.0) -> float | None:
        """The threshold when labels are smoothed by s: there D gives real and fake the same odds, D = (1 − s) / 2."""
        if not s or self.threshold is None:
            return self.threshold
        return (1 - s) / 2 if self.threshold else log((1 - s) / (1 + s))


OBJECTIVES: dict[str, Objective] = {
    "non-saturating": Objective(non_saturating_d, non_saturating_g),
    "minimax": Objective(minimax_d, minimax_g),
    "lsgan": Objective(lsgan_d, lsgan_g, threshold=0.5),
    "hinge": Objective(hinge_d, hinge_g),
    "wgan": Objective(wgan_d, wgan_g, threshold=None),
    "wgan-gp": Objective(wgan_gp_d, wgan_gp_g, threshold=None),
    "r1": Objective(r1_d, r1_g),
    "r3gan": Objective(r3gan_d, r3gan_g, pairs=True, threshold=None),
}
SMOOTHED: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "non-saturating": smoothed_logistic_d,
    "minimax": smoothed_logistic_d,
    "lsgan": smoothed_lsgan_d,
    "r1": smoothed_logistic_d,
}
