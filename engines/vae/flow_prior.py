"""A learned prior: a small rectified flow on the latents (Liu et al., 2022; flow matching, Lipman et al., 2022). Noise x0 ~ N(0, I) and a
latent x1 are joined by a straight line, x_t = (1 − t) x0 + t x1; a network learns the mean of its velocity x1 − x0 at each place and time,
and following that velocity from t = 0 to 1 turns noise into latents."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.nn.init import reset

STEPS, CHUNK = 800, 25  # of training, always as many, so that a run depends on numbers only; between two yields
BATCH, RATE, WARM = 256, 3e-3, 30  # the rate rises over WARM steps and falls to 0 over the last half
WIDTH, LAYERS, TIMES = 192, 3, 8  # of the network; sines and as many cosines of t
HEUN = 8  # steps from noise to latents, two evaluations each
UNTOLD = 0.1  # share of examples whose class is hidden, so that guidance knows what is common to all
GUIDANCE = 1.25  # 1 = none; more draws what is typical of a class. Ho & Salimans, 2022. Searched on MNIST


class Velocity(nn.Module):
    """v(x_t, t, y): x (n, d), t (n,), classes y (n,) with the number of classes for "not told" -> (n, d)."""

    def __init__(self, d: int, classes: int):
        super().__init__()
        linear = nn.utils.skip_init  # no weights yet: `reset` draws them
        self.into, self.time = linear(nn.Linear, d, WIDTH), linear(nn.Linear, 2 * TIMES, WIDTH)
        self.told = linear(nn.Embedding, classes + 1, WIDTH)
        self.hidden = nn.ModuleList(linear(nn.Linear, WIDTH, WIDTH) for _ in range(LAYERS))
        self.out = linear(nn.Linear, WIDTH, d)

    def forward(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        size = (t.square() + (1 - t).square())[:, None]  # variance of x_t if the latents were N(0, I)
        angle = math.pi * t[:, None] * torch.arange(1, TIMES + 1, device=t.device)
        about = self.time(torch.cat([angle.sin(), angle.cos()], 1)) + self.told(y)
        h = self.into(x / size.sqrt())
        for layer in self.hidden:
            h = h + layer(F.silu(h + about))
        of_normal = (2 * t - 1)[:, None] / size * x  # the velocity of N(0, I) latents is known: only what differs is learned
        return of_normal + self.out(F.silu(h)) / size.sqrt()


class Flow:
    """A velocity and the units it is learned in: latents are `mean` + `std` x1, both (d,). `classes` = 0 where there are none."""

    def __init__(self, z: Tensor, classes: int, generator: torch.Generator):
        self.mean, self.std, self.classes = z.mean(0), z.std(0).clamp(min=1e-3), classes
        self.velocity = Velocity(z.shape[1], classes).to(z.device)
        with torch.no_grad():
            reset(self.velocity, generator)
            self.velocity.out.weight.zero_()  # at first the flow is that of N(0, I)
            self.velocity.out.bias.zero_()

    def guided(self, x: Tensor, t: float, y: Tensor, guidance: float) -> Tensor:
        """The velocity of all classes together, and `guidance` times the way from there to that of each one's own."""
        at, untold = torch.full((len(x),), t, device=x.device), torch.full_like(y, self.classes)
        if not self.classes:
            return self.velocity(x, at, untold)
        common, own = self.velocity(torch.cat([x, x]), torch.cat([at, at]), torch.cat([untold, y])).chunk(2)
        return common + guidance * (own - common)

    @torch.no_grad()
    def sample(self, y: Tensor, generator: torch.Generator, steps: int = HEUN, guidance: float = GUIDANCE) -> Tensor:
        """z (n, d) of classes y (n,), by Heun's method: each step goes along the mean of the velocities at its two ends."""
        x = torch.randn((len(y), len(self.mean)), generator=generator, device=self.mean.device)
        for i in range(steps):
            v = self.guided(x, i / steps, y, guidance)
            ahead = self.guided(x + v / steps, (i + 1) / steps, y, guidance)
            x = x + 0.5 * (v + ahead) / steps
        return self.mean + self.std * x


def loss(velocity: nn.Module, x1: Tensor, y: Tensor, x0: Tensor, t: Tensor) -> Tensor:
    """Mean squared error of the velocity at x_t of latents x1 (n, d), classes y (n,), noise x0 (n, d), times t (n,)."""
    x_t = (1 - t)[:, None] * x0 + t[:, None] * x1
    return (velocity(x_t, t, y) - (x1 - x0)).square().mean()


def train(z: Tensor, labels: Tensor | None, classes: int, generator: torch.Generator) -> Iterator[Flow | None]:
    """A flow learned from latents z (n, d) with classes `labels` (n,); None after every CHUNK steps, the flow at the end."""
    flow = Flow(z, classes if labels is not None else 0, generator)
    x = (z - flow.mean) / flow.std
    y = torch.full((len(z),), flow.classes, device=z.device) if labels is None else labels
    opt = torch.optim.Adam(flow.velocity.parameters(), RATE, (0.9, 0.99), fused=True)
    for step in range(STEPS):
        opt.param_groups[0]["lr"] = RATE * min(1.0, (step + 1) / WARM, 2 - 2 * step / STEPS)
        update(flow, opt, x, y, generator)
        if (step + 1) % CHUNK == 0:
            yield None
    yield flow


@torch.enable_grad()
def update(flow: Flow, opt: torch.optim.Optimizer, x: Tensor, y: Tensor, generator: torch.Generator) -> None:
    """One step on BATCH random latents."""
    rows = torch.randint(len(x), (BATCH,), generator=generator, device=x.device)
    x0 = torch.randn((BATCH, x.shape[1]), generator=generator, device=x.device)
    t, hide = torch.rand((2, BATCH), generator=generator, device=x.device)
    told = torch.where(hide < UNTOLD, flow.classes, y[rows])
    opt.zero_grad()
    loss(flow.velocity, x[rows], told, x0, t).backward()
    opt.step()
