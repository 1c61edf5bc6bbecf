"""Unrolled GAN (Metz et al., 2017): G feels how D would answer, K steps ahead, before it jumps onto one mode. Its gradient has two
terms (eq. 8): the slope of its loss against that later D, and, through all K steps, the slope of what its move does to D's own loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.func import functional_call

Critic = Callable[..., Tensor]  # (x, y) -> logits
Weights = dict[str, Tensor]
ALPHA = 0.99  # of RMSProp
TINY = 1e-16  # inside the root of the second moment, so that a weight that never had a gradient has a slope of 0 and not of NaN

FLAT = 1e-12  # the same where v is held: what had no gradient so far is not to leap


@dataclass(frozen=True)
class Inner:
    """How D is imagined to learn: its rule and rate, and what its optimiser holds of its weights: moments m and v, after t updates. All
    weights are one vector (k,), which takes a sixth of the operations."""

    by: str  # "descent", "frozen", "adam" or "rmsprop"
    lr: float
    betas: tuple[float, float] = (0.9, 0.999)
    m: Tensor | float = 0.0
    v: Tensor | float = 0.0
    t: int = 0
    clip: float = 0.0  # bounds each weight, 0 = not

    def step(self, w: Tensor, slope: Tensor) -> tuple[Tensor, Inner]:
        """One update, differentiable in everything, its moments included. Kingma & Ba, 2015, algorithm 1."""
        after = self
        if self.by == "descent":
            moved = w - self.lr * slope
        elif self.by == "frozen":  # descent at the rate that Adam has now for each weight, which has no derivative of its own
            rate = self.lr if self.t else 0.0  # before its first update it has none
            moved = w - rate * slope / (self.v / (1 - self.betas[1] ** max(self.t, 1)) + FLAT) ** 0.5
        else:
            own = self.by == "adam"
            b1, b2 = self.betas if own else (0.0, ALPHA)
            m, v, t = b1 * self.m + (1 - b1) * slope, b2 * self.v + (1 - b2) * slope * slope, self.t + 1
            size, scale = (self.lr / (1 - b1**t), 1 - b2**t) if own else (self.lr, 1.0)  # RMSProp corrects nothing
            moved, after = w - size * m / (v / scale + TINY) ** 0.5, replace(self, m=m, v=v, t=t)
        return (moved.clamp(-self.clip, self.clip) if self.clip else moved), after


def inner(optimiser: torch.optim.Optimizer, by: str, descent_lr: float, clip: float) -> Inner:
    """D's next steps, by `by`: its own `optimiser` going on from where it is, descent at its frozen rates, or plain descent at
    `descent_lr`. The optimiser stays as it is."""
    if by == "descent":
        return Inner("descent", descent_lr, clip=clip)
    group = optimiser.param_groups[0]
    weights = group["params"]
    known = [optimiser.state.get(w, {}) for w in weights]  # empty before the first update
    adam = "betas" in group
    second = "exp_avg_sq" if adam else "square_avg"
    m, v = (flat([s.get(name, torch.zeros_like(w)) for s, w in zip(known, weights, strict=True)]) for name in ("exp_avg", second))
    t = int(known[0]["step"]) if known[0] else 0
    betas = group["betas"] if adam else (0.0, 0.0)  # so that its frozen rates are not corrected either
    return Inner("frozen" if by == "frozen" else "adam" if adam else "rmsprop", group["lr"], betas, m, v, t, clip)


def flat(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([t.flatten() for t in tensors])


def unrolled(weights: Weights, loss: Callable[[Weights], Tensor], steps: int, rule: Inner, second: bool = True) -> Weights:
    """The weights after `steps` more steps on `loss` (eq. 4-6), differentiable in everything that `loss` depends on; without `second`
    they are only numbers."""
    shapes, sizes = [w.shape for w in weights.values()], [w.numel() for w in weights.values()]
    for _ in range(steps):
        slopes = torch.autograd.grad(loss(weights), list(weights.values()), create_graph=second)
        moved, rule = rule.step(flat(weights.values()), flat(slopes))
        if not second:
            moved = moved.detach().requires_grad_()
        weights = {name: part.view(shape) for name, part, shape in zip(weights, moved.split(sizes), shapes, strict=True)}
    return weights


def with_weights(D: nn.Module, weights: Weights) -> Critic:
    """D with other weights in place of its own."""
    return lambda x, y=None: functional_call(D, weights, (x, y))


def held(weights: Weights) -> Weights:
    """The same numbers, without the way by which they came about."""
    return {name: w.detach() for name, w in weights.items()}
