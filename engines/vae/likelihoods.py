"""p(x | z): what the decoder's numbers say about the data. Each class owns both directions, from data to nats and from numbers to an
example. All in the units that `prepare` gives: [0, 1] for Bernoulli, the networks' own for the others."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Likelihood(nn.Module):
    """`factor` numbers per value of x come out of the decoder: out (n, factor · c, …)."""

    factor = 1

    def prepare(self, x: Tensor) -> Tensor:
        """Data in [−1, 1] (or points, any) in the units of this likelihood."""
        return x

    def restore(self, x: Tensor) -> Tensor:
        """Inverse of `prepare`."""
        return x

    def log_prob(self, out: Tensor, x: Tensor) -> Tensor:
        """log p(x | z) in nats, summed over dimensions, (n,)."""
        raise NotImplementedError

    def least(self, x: Tensor) -> Tensor | None:
        """−log p of x (n, …) under the decoder's numbers that suit it best, (n,): what even a perfect copy costs. None if nothing bounds it
        or it moves while training."""
        return None

    def pairs(self, out: Tensor, x: Tensor) -> Tensor:
        """log p(x_j | z_i) (m, n) of every place with every example: out (m, …), x (n, …)."""
        return torch.stack([self.log_prob(out, each[None].expand(len(out), *each.shape)) for each in x], 1)

    def mean(self, out: Tensor) -> Tensor:
        """E[x | z], shape of x."""
        raise NotImplementedError

    def sample(self, out: Tensor, generator: torch.Generator) -> Tensor:
        """x ~ p(x | z), shape of x."""
        raise NotImplementedError


class Bernoulli(Likelihood):
    """out are logits. Of grey values x in (0, 1) this is a cross-entropy, not a likelihood."""

    def prepare(self, x: Tensor) -> Tensor:
        return (x + 1) / 2

    def restore(self, x: Tensor) -> Tensor:
        return 2 * x - 1

    def log_prob(self, out: Tensor, x: Tensor) -> Tensor:
        return -F.binary_cross_entropy_with_logits(out, x.expand_as(out), reduction="none").flatten(1).sum(1)

    def least(self, x: Tensor) -> Tensor:
        return -(torch.xlogy(x, x) + torch.xlogy(1 - x, 1 - x)).flatten(1).sum(1)  # the entropy of each pixel

    def pairs(self, out: Tensor, x: Tensor) -> Tensor:
        out = out.flatten(1)
        return out @ x.flatten(1).T - F.softplus(out).sum(1, keepdim=True)  # x log p + (1 − x) log(1 − p) = x logit − softplus(logit)

    def mean(self, out: Tensor) -> Tensor:
        return torch.sigmoid(out)

    def sample(self, out: Tensor, generator: torch.Generator) -> Tensor:
        return torch.bernoulli(torch.sigmoid(out), generator=generator)


class Gaussian(Likelihood):
    """out are means; one σ for all values, fixed or learned (Rybkin et al., 2021)."""

    log_sigma: Tensor  # ()

    def __init__(self, sigma: float, learn: bool):
        super().__init__()
        log_sigma = torch.tensor(math.log(sigma))
        if learn:
            self.log_sigma = nn.Parameter(log_sigma)
        else:
            self.register_buffer("log_sigma", log_sigma)

    def log_prob(self, out: Tensor, x: Tensor) -> Tensor:
        u = (x - out) * torch.exp(-self.log_sigma)
        return -(0.5 * u.square() + self.log_sigma + 0.5 * math.log(2 * math.pi)).flatten(1).sum(1)

    def least(self, x: Tensor) -> Tensor | None:
        if isinstance(self.log_sigma, nn.Parameter):
            return None
        return torch.full((len(x),), x[0].numel() * (float(self.log_sigma) + 0.5 * math.log(2 * math.pi)), device=x.device)

    def mean(self, out: Tensor) -> Tensor:
        return out

    def sample(self, out: Tensor, generator: torch.Generator) -> Tensor:
        return out + self.log_sigma.exp() * torch.randn(out.shape, generator=generator, device=out.device)


class Logistic(Likelihood):
    """Probability of the grey level x under a logistic bell: the mass between the two half levels around it, all the rest at both ends.
    out are means and log scales. Kingma et al., 2016; Salimans et al., 2017."""

    factor = 2
    SHIFT = -2.0  # of the log scales, so that the first bells are about an eighth of the range wide

    def __init__(self, levels: int):
        super().__init__()
        self.reach = 1 / (levels - 1)  # half a level, in units of [−1, 1]

    def least(self, x: Tensor) -> Tensor:
        return torch.zeros(len(x), device=x.device)  # a bell as narrow as it may be puts all mass on one level

    def prepare(self, x: Tensor) -> Tensor:
        return ((x + 1) / (2 * self.reach)).round() * 2 * self.reach - 1

    def log_prob(self, out: Tensor, x: Tensor) -> Tensor:
        mean, log_scale = self._bell(out)
        narrow = torch.exp(-log_scale)
        above, below = narrow * (x - mean + self.reach), narrow * (x - mean - self.reach)
        # log(σ(a) − σ(b)) = log σ(a) + log σ(−b) + log(1 − e^(b − a)), which does not cancel
        inside = F.logsigmoid(above) + F.logsigmoid(-below) + torch.log(-torch.expm1(-2 * self.reach * narrow))
        mass = torch.where(x < -1 + self.reach, F.logsigmoid(above), torch.where(x > 1 - self.reach, F.logsigmoid(-below), inside))
        return mass.flatten(1).sum(1)

    def mean(self, out: Tensor) -> Tensor:
        return self._bell(out)[0].clamp(-1, 1)

    def sample(self, out: Tensor, generator: torch.Generator) -> Tensor:
        mean, log_scale = self._bell(out)
        u = torch.rand(mean.shape, generator=generator, device=out.device).clamp(1e-5, 1 - 1e-5)
        return self.prepare((mean + log_scale.exp() * torch.logit(u)).clamp(-1, 1))

    def _bell(self, out: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_scale = out.chunk(2, 1)
        return mean, (log_scale + self.SHIFT).clamp(-7, 3)  # a bell narrower than 1 / 256 of a level is a certainty already


def build(likelihood: str, sigma: float, learn_sigma: bool, levels: int) -> Likelihood:
    """The likelihood of that name."""
    if likelihood == "bernoulli":
        return Bernoulli()
    return Gaussian(sigma, learn_sigma) if likelihood == "gaussian" else Logistic(levels)
