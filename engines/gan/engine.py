"""A GAN in training: the reference engine, in plain torch. One step: D learns `n_critic` times, then G learns once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engines.config import from_dict, knobs, to_dict
from engines.core import Snapshot, Views
from engines.data import DATASETS, DatasetInfo, kind, load
from engines.data.toy2d import unscaled
from engines.gan.config import Config, Request, rate_factor
from engines.gan.deal import Deal, Verdict
from engines.gan.model import build_networks, draw_noise, packs
from engines.gan.objectives import OBJECTIVES, SMOOTHED, accuracy, clip_weights, gradient_penalty, slope_penalty_fd, squared_slope
from engines.gan.optimisers import optimiser
from engines.gan.trace import trace
from engines.gan.unroll import Critic, Weights, held, inner, unrolled, with_weights
from engines.gan.warmup import WarmUp, ramp
from engines.metrics import D_ACCURACY, D_GRAD_NORM, D_LOSS, G_GRAD_NORM, G_LOSS, PENALTY
from engines.nn.ema import Ema
from engines.nn.spectral import Spectral
from engines.state import Rng

FD_SIGMA = 0.1  # how far the finite-difference penalty moves an image, in units of its range of 2


class GanEngine:
    """See `engines.core.Engine`. `total` is the length that the learning rates' decay is planned for."""

    family = "gan"
    twin = "torch"

    def __init__(self, config: Config, *, device: str = "cpu", data: np.ndarray | None = None):
        self.config, self.step, self.total = config, 0, config.steps
        self.device = torch.device(device)
        self.image = kind(config.dataset) == "image"
        self.data = load(config.dataset, data)
        if not self.image and not config.standardise:
            self.data = unscaled(self.data)
        self.info = DATASETS.get(config.dataset) or DatasetInfo(
            config.dataset, kind(config.dataset), "", "", tuple(self.data.shape), classes=tuple(getattr(self.data, "classes", ()))
        )
        self.rng = Rng(config.seed, ("init", "data", "noise", "penalty"), device)
        self.G, self.D = build_networks(config, self.info, self.rng["init"])
        self.ema = Ema(self.G)
        self._weights_g: list[Tensor] = list(self.G.parameters())
        self._weights_d: list[Tensor] = list(self.D.parameters())
        self._spectral = [layer for layer in self.D.modules() if isinstance(layer, Spectral)]
        self.opt_g, self.opt_d = optimiser(self._weights_g, config.lr_g, config), optimiser(self._weights_d, config.lr_d, config)
        self._parts = {"G": self.G, "D": self.D, "ema": self.ema, "opt_g": self.opt_g, "opt_d": self.opt_d, "rng": self.rng}
        self.warm_steps = config.warm_start if self.image else 0
        self._warm_up: WarmUp | None = None  # while it lasts, see `_autoencoder`
        self._last: tuple[Deal | None, Mapping[str, Tensor]] = None, {}  # the last step's deal and metrics
        self._examples, self._labels = self._to_device()
        self.probe = self._make_probe()

    def _to_device(self) -> tuple[Tensor, Tensor | None]:
        """The whole data set: points in units of the networks (n, 2), or pixels (n, c, h, w) with labels (n,). On CPU without a copy."""
        if not self.image:
            return torch.from_numpy(self.data.unit).to(self.device), None
        labels = torch.from_numpy(np.asarray(self.data.labels, np.int64)).to(self.device)
        return torch.from_numpy(self.data.pixels).to(self.device), labels

    def _make_probe(self) -> Any:
        if self.image:
            from engines.gan.probe_images import ImageProbe

            return ImageProbe(self)
        from engines.gan.probe_2d import Probe2D

        return Probe2D(self)

    @property
    def parts(self) -> dict[str, Any]:
        return self.parts_at(self.step)

    def parts_at(self, step: int) -> dict[str, Any]:
        """What must survive a move at that step: while G has a warm start, its encoder too."""
        if step >= self.warm_steps:
            return self._parts
        return self._parts | self._autoencoder().parts

    # Training

    def train_step(self, part: str | None = None) -> Mapping[str, Tensor]:
        """One update of both players, or of `part` "d" or "g" alone. Scalars stay on the device."""
        if part not in (None, "d", "g"):
            raise ValueError(f"part={part!r} is not one of d, g")
        self._set_rates()
        if self.step < self.warm_steps and part != "d":
            return self._train_warm(part)
        if self.step >= self.warm_steps:
            self._warm_up = None
        metrics: dict[str, Tensor] = {}
        deal = None
        if part != "g":
            for left in reversed(range(self.config.n_critic)):
                deal = self._deal(keep_graph=part is None and left == 0)  # the last fakes serve G too
                metrics |= self._train_d(deal)
        if part != "d":
            deal = deal or self._deal(keep_graph=True)
            metrics |= self._train_g(deal)
        if part is None:
            self.step += 1
        self._last = deal, metrics
        return metrics

    def _draw(self) -> tuple[Tensor, Tensor | None]:
        """Real examples (batch, …) and their classes (batch,), if there are any."""
        index = torch.randint(len(self._examples), (self.config.batch,), generator=self.rng["data"], device=self.device)
        real = self._examples[index]  # (n, …)
        if real.dtype == torch.uint8:
            real = real.float().div_(127.5).sub_(1)
        return real, None if self._labels is None else self._labels[index]

    def _train_warm(self, part: str | None) -> Mapping[str, Tensor]:
        """One update of G as the decoder of an autoencoder; D does not learn. See `engines.gan.warmup`."""
        metrics = self._autoencoder().train_step(*self._draw(), self.step / self.warm_steps, self.rng["noise"])
        self.ema.update(self.G, self.config.ema_decay, self.step)
        self.step += part is None
        self._last = None, metrics
        return metrics

    def _autoencoder(self) -> WarmUp:
        self._warm_up = self._warm_up or WarmUp(self.G, self.config, self._examples[0].numel(), self.device)
        return self._warm_up

    def _deal(self, keep_graph: bool) -> Deal:
        real, y = self._draw()
        z = draw_noise(len(real), self.config, self.rng["noise"])
        with torch.set_grad_enabled(keep_graph):
            fake = self.G(z, y)
        real, fake = self._noisy(real), self._noisy(fake)
        return Deal(packs(real, self.config.pack), packs(fake, self.config.pack), y, z=z)

    def _noisy(self, x: Tensor) -> Tensor:
        """x as D sees it: with instance noise."""
        sigma = self.instance_sigma()
        return x + sigma * torch.randn(x.shape, generator=self.rng["penalty"], device=self.device) if sigma else x

    def instance_sigma(self) -> float:
        """Standard deviation of the noise on everything D sees, in units of the networks; linearly to 0 at the end of the run.
        Sønderby et al., 2017; Arjovsky & Bottou, 2017."""
        return self.config.instance_noise * max(0.0, 1 - self.step / self.total)

    def _train_d(self, deal: Deal) -> dict[str, Tensor]:
        c = self.config
        for layer in self._spectral:
            layer.power_step()
        v = self._judge(deal, deal.fake.detach(), self.D)
        self.opt_d.zero_grad()
        v.total.backward()
        norm = _grad_norm(self._weights_d)
        self.opt_d.step()
        if c.clip:
            clip_weights(self.D, c.clip)
        deal.real_logits, deal.fake_logits = v.real_logits.detach(), v.fake_logits.detach()
        right = accuracy(v.real_logits, v.fake_logits, OBJECTIVES[c.objective].boundary(c.label_smoothing))
        metrics = {D_LOSS: v.loss.detach(), D_GRAD_NORM: norm, D_ACCURACY: right}
        return metrics if v.penalty is None else metrics | {PENALTY: v.penalty.detach()}

    def _judge(self, deal: Deal, fake: Tensor, D: Critic) -> Verdict:
        """What a critic D says of the real examples of a deal and of `fake` (n, …), with loss and penalties."""
        c = self.config
        x = torch.cat([deal.real, fake])  # (2 n, …)
        y = None if deal.y is None else torch.cat([deal.y, deal.y])
        weight = float(c.penalty_every) if self.step % c.penalty_every == 0 else 0.0
        both = weight and (c.r1 or c.r2)
        slopes = penalty = None
        if both and self.image:
            logits, slopes = self._judge_moved(x, y, D)
        elif both:
            x.requires_grad_(True)
            logits = self._logits(x, y, D)
            slopes = [s.mean() for s in squared_slope(logits, x).chunk(2)]
        else:
            logits = self._logits(x, y, D)
        if slopes is not None:
            penalty = weight / 2 * (c.r1 * slopes[0] + c.r2 * slopes[1])
        if weight and c.gp:
            gp = weight * c.gp * gradient_penalty(lambda x: D(x, deal.y), deal.real, fake, self.rng["penalty"])
            penalty = gp if penalty is None else penalty + gp
        real_logits, fake_logits = logits.chunk(2)
        if c.label_smoothing:
            loss = SMOOTHED[c.objective](real_logits, fake_logits, c.label_smoothing)
        else:
            loss = OBJECTIVES[c.objective].d(real_logits, fake_logits)
        return Verdict(real_logits, fake_logits, loss, penalty)

    def _logits(self, x: Tensor, y: Tensor | None, D: Critic, batches: int = 2) -> Tensor:
        """Logits of several batches in one tensor x. Minibatch discrimination compares within each batch only."""
        if not self.config.minibatch_discrimination:
            return D(x, y)
        classes = [None] * batches if y is None else y.chunk(batches)
        return torch.cat([D(part, its) for part, its in zip(x.chunk(batches), classes, strict=True)])

    def _judge_moved(self, x: Tensor, y: Tensor | None, D: Critic) -> tuple[Tensor, list[Tensor]]:
        """Logits (2 n,) and the mean squared slopes at real and fake, by finite differences."""
        eps = torch.randn(x.shape, generator=self.rng["penalty"], device=self.device)
        twice = None if y is None else torch.cat([y, y])
        logits, moved = self._logits(torch.cat([x, x + FD_SIGMA * eps]), twice, D, batches=4).chunk(2)
        return logits, [slope_penalty_fd(a, b, FD_SIGMA) for a, b in zip(logits.chunk(2), moved.chunk(2), strict=True)]

    def _train_g(self, deal: Deal) -> dict[str, Tensor]:
        objective = OBJECTIVES[self.config.objective]
        if self.config.unroll:
            loss, answer = self._look_ahead(deal)
        else:
            if objective.pairs and deal.real_logits is None:
                with torch.no_grad():
                    deal.real_logits = self.D(deal.real, deal.y)
            logits = self.D(deal.fake, deal.y)
            loss, answer = objective.g(logits, deal.real_logits), None
            deal.fake_logits = logits.detach()
        self.opt_g.zero_grad()
        (loss if answer is None else loss + answer).backward(inputs=self._weights_g)  # D is not to learn here
        norm = _grad_norm(self._weights_g)
        self.opt_g.step()
        self.ema.update(self.G, self.config.ema_decay, self.step)
        return {G_LOSS: loss.detach(), G_GRAD_NORM: norm}

    def _look_ahead(self, deal: Deal) -> tuple[Tensor, Tensor | None]:
        """G's loss against D as it would be `unroll` steps later, and minus D's loss by then, which G raises by how it steers these
        steps: the two terms of Metz et al., 2017, eq. 8. Where the game is zero-sum, they are the derivative of one value. The second is
        None where G only looks ahead."""
        c, objective = self.config, OBJECTIVES[self.config.objective]
        weights = self.d_ahead(deal)
        later = with_weights(self.D, held(weights))
        real_logits = later(deal.real, deal.y) if objective.pairs else None
        logits = later(deal.fake, deal.y)
        loss, deal.fake_logits = objective.g(logits, real_logits), logits.detach()
        if not c.unroll_gradient:
            return loss, None
        return loss, -self._judge(deal, deal.fake.detach(), with_weights(self.D, weights)).total

    def d_ahead(self, deal: Deal) -> Weights:
        """The weights D would have after `unroll` more steps on this deal, as a function of its fakes."""
        c = self.config
        fake = deal.fake if c.unroll_gradient else deal.fake.detach()
        rule = inner(self.opt_d, c.unroll_by, c.unroll_lr, c.clip)
        weights: Weights = dict(self.D.named_parameters())

        def loss(weights: Weights) -> Tensor:
            return self._judge(deal, fake, with_weights(self.D, weights)).total

        return unrolled(weights, loss, c.unroll, rule, c.unroll_gradient)

    def _set_rates(self) -> None:
        factor = rate_factor(self.config, self.step, self.total)
        self.opt_g.param_groups[0]["lr"] = self.config.lr_g * factor * ramp(self.step, self.warm_steps)
        self.opt_d.param_groups[0]["lr"] = self.config.lr_d * factor

    def set(self, **changes: Any) -> None:
        """Change live knobs. ValueError for any other, or for a bad value."""
        known = knobs(Config)
        for name in changes:
            if name in known and not known[name].live:
                raise ValueError(f"{name} cannot change while training; start again or fork")
        self.config = from_dict(Config, to_dict(self.config) | changes)

    def health(self) -> dict[str, Tensor]:
        """Largest absolute weight of each network, and what the probe adds: scalars that must stay below 1,000."""
        largest = {"the largest weight of G": _largest(self._weights_g), "the largest weight of D": _largest(self._weights_d)}
        return largest | self.probe.health(self)

    # Looking: own fixed noise, averaged weights, no gradient kept; nothing changes

    def backdrop(self) -> Snapshot:
        return self.probe.backdrop(self)

    def look(self) -> Views:
        return self.probe.look(self)

    def measure(self) -> Mapping[str, float]:
        return self.probe.measure(self)

    def evaluate(self) -> Mapping[str, float]:
        return self.probe.evaluate(self)

    def audit(self) -> tuple[Mapping[str, float], Mapping[str, float]]:
        """Metrics too slow to be measured while training, and their floors. Changes nothing."""
        *_, found = self.probe.auditing(self)
        return found

    def trace(self) -> dict[str, dict[str, Any]]:
        """The tensors of the last step by name, each with its shape and norm; see `engines.gan.trace`."""
        sizes = {name: sum(w.numel() for w in weights) for name, weights in (("g", self._weights_g), ("d", self._weights_d))}
        return trace(*self._last, sizes)

    def answer(self, question: Any) -> Iterator[Snapshot | None]:
        """See `engines.core.Engine` and `engines.gan.answers`."""
        from engines.gan.answers import answer

        return answer(self, question)

    def sample(self, request: Request) -> Iterator[Snapshot]:
        """One snapshot: view "samples" holds request.n examples in data units, Points (n, 2) or Images (n, c, h, w)."""
        generator = Rng(request.seed, ("sample",), self.device)["sample"]
        z = draw_noise(request.n, self.config, generator)
        yield Snapshot(self.step, {}, {"samples": (self.probe.draw(self, z, label=request.label, averaged=request.ema),)})


@torch.no_grad()
def _grad_norm(weights: list[Tensor]) -> Tensor:
    return torch.stack(torch._foreach_norm([w.grad for w in weights if w.grad is not None])).norm()


@torch.no_grad()
def _largest(weights: list[Tensor]) -> Tensor:
    return torch.stack(torch._foreach_norm(weights, float("inf"))).max()
