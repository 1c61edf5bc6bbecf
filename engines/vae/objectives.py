"""What a VAE minimises. Each objective is one function of the terms of a batch, in nats per example; all sums over dimensions come before
the mean over the batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from engines.vae.config import Config


@dataclass
class Terms:
    """recon (n,) = −log p(x | z) of one draw, kl (n, d) = KL(q(z | x) ‖ p(z)) per latent; log_w (k, n) = log p(x, z) − log q(z | x) of
    k draws; z (n, d), mu, logvar (n, d). Of a VQ-VAE: distances of codes and encoder outputs, codebook and commitment (n,)."""

    recon: Tensor
    kl: Tensor
    z: Tensor
    mu: Tensor | None = None
    logvar: Tensor | None = None
    log_w: Tensor | None = None
    codebook: Tensor | None = None
    commitment: Tensor | None = None


def kl_per_dim(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mu, exp(logvar)) ‖ N(0, 1)) in nats for each latent, shape of mu. Kingma & Welling, 2013, appendix B."""
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar)


def log_normal(z: Tensor, mu: Tensor | None = None, logvar: Tensor | None = None) -> Tensor:
    """log N(z; mu, exp(logvar)), or of the standard normal, summed over the last dimension."""
    if mu is None or logvar is None:
        return -0.5 * (z.square() + math.log(2 * math.pi)).sum(-1)
    return -0.5 * ((z - mu).square() * torch.exp(-logvar) + logvar + math.log(2 * math.pi)).sum(-1)


def elbo(t: Terms, c: Config, step: int) -> Tensor:
    """−ELBO = E_q[−log p(x | z)] + KL(q(z | x) ‖ p(z)). Kingma & Welling, 2013, eq. 3."""
    return (t.recon + t.kl.sum(1)).mean()


def beta_vae(t: Terms, c: Config, step: int) -> Tensor:
    """Reconstruction + β KL. Higgins et al., 2017."""
    return (t.recon + c.beta * t.kl.sum(1)).mean()


def warm_up(t: Terms, c: Config, step: int) -> Tensor:
    """The weight of KL grows linearly from 0 to β. Bowman et al., 2016; Sønderby et al., 2016."""
    weight = c.beta * min(1.0, step / c.warmup)
    return (t.recon + weight * t.kl.sum(1)).mean()


def free_bits(t: Terms, c: Config, step: int) -> Tensor:
    """A latent whose mean KL is below λ pays λ, so nothing pushes it further down. Kingma et al., 2016, eq. 15."""
    paid = t.kl.mean(0).clamp(min=c.free_bits)  # (d,)
    return t.recon.mean() + c.beta * paid.sum()


def iwae(t: Terms, c: Config, step: int) -> Tensor:
    """−E log 1/k Σ p(x, z_i) / q(z_i | x). Burda et al., 2016, eq. 8."""
    assert t.log_w is not None
    return -log_mean_exp(t.log_w).mean()


def autoencoder(t: Terms, c: Config, step: int) -> Tensor:
    """Reconstruction from z = μ alone."""
    return t.recon.mean()


def vq_vae(t: Terms, c: Config, step: int) -> Tensor:
    """Reconstruction + ‖sg(e) − c‖² + commitment ‖e − sg(c)‖² for encoder outputs e and their nearest codes c.
    van den Oord et al., 2017, eq. 3."""
    assert t.codebook is not None and t.commitment is not None
    return (t.recon + t.codebook + c.commitment * t.commitment).mean()


def log_mean_exp(log_w: Tensor) -> Tensor:
    """log of the mean of exp over the first dimension, without overflow."""
    return torch.logsumexp(log_w, 0) - math.log(len(log_w))


def score_function(t: Terms, baseline: Tensor | float) -> Tensor:
    """The terms that let the encoder learn where z is a constant: value 0, gradient (recon − b) ∇ log q(z | x), (n,).
    REINFORCE, Williams, 1992; of VAEs: Mnih & Gregor, 2014; any b leaves the expectation as it is."""
    assert t.mu is not None and t.logvar is not None
    log_q = log_normal(t.z.detach(), t.mu, t.logvar)  # (n,)
    return (t.recon.detach() - baseline) * (log_q - log_q.detach())


OBJECTIVES: dict[str, Callable[[Terms, Config, int], Tensor]] = {
    "elbo": elbo,
    "beta-vae": beta_vae,
    "warm-up": warm_up,
    "free-bits": free_bits,
    "iwae": iwae,
    "autoencoder": autoencoder,
    "vq-vae": vq_vae,
}
