"""Several seeds of one GAN trained at once, their weights stacked along a first axis: most of what a small step costs is overhead, which
they then share. The same networks, losses, first weights and random streams as the torch engine, each seed's own; a test holds the two
together. For 2-D runs without slope penalties, which the compiled twin covers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state
from torch.nn.functional import normalize

from engines.gan.config import Config
from engines.gan.engine import Deal, GanEngine
from engines.gan.model import draw_noise, packs
from engines.gan.objectives import OBJECTIVES
from engines.gan.optimisers import optimiser
from engines.gan.unroll import inner, unrolled
from engines.loop import LARGEST

Weights = dict[str, Tensor]  # each (seeds, …)


class Stacked:
    """`engines` lend their streams and their first weights; `hand_back` gives them the trained ones, to be evaluated."""

    def __init__(self, configs: list[Config]):
        self.engines = [GanEngine(config) for config in configs]
        self.first, self.config, self.step = self.engines[0], configs[0], 0
        if self.config.r1 or self.config.r2 or self.config.gp or self.first.image:
            raise ValueError("stacked seeds have no slope penalties and no images")
        self.G, _ = stack_module_state([e.G for e in self.engines])
        self.D, self.buffers = stack_module_state([e.D for e in self.engines])
        self.average = {name: w.detach().clone() for name, w in self.G.items()}
        # the first engine sets their rates
        self.opt_g = self.first.opt_g = optimiser(list(self.G.values()), self.config.lr_g, self.config)
        self.opt_d = self.first.opt_d = optimiser(list(self.D.values()), self.config.lr_d, self.config)

    def train_step(self) -> None:
        """One step of each seed, as `GanEngine.train_step`."""
        for e in self.engines:
            e.step = self.step
        self.first._set_rates()
        for left in reversed(range(self.config.n_critic)):
            real, fake = self._deal(keep_graph=left == 0)
            self._power_step()
            self._update(self.opt_d, self._judged(self.D, real, fake.detach()).sum(), self.D)
            if c := self.config.clip:
                with torch.no_grad():
                    torch._foreach_clamp_min_(list(self.D.values()), -c)
                    torch._foreach_clamp_max_(list(self.D.values()), c)
        self._update(self.opt_g, self._loss_g(real, fake), self.G)
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.values()), list(self.G.values()), 1 - decay)
        self.step += 1

    @staticmethod
    def _update(optimiser: torch.optim.Optimizer, loss: Tensor, weights: Weights) -> None:
        optimiser.zero_grad()
        loss.backward(inputs=list(weights.values()))
        optimiser.step()

    def _deal(self, keep_graph: bool) -> tuple[Tensor, Tensor]:
        """Real and fake, (seeds, n, 2), or in packs (seeds, n / m, m, 2)."""
        real = [e._draw()[0] for e in self.engines]
        z = [draw_noise(e.config.batch, e.config, e.rng["noise"]) for e in self.engines]
        with torch.set_grad_enabled(keep_graph):
            fake = torch.vmap(lambda weights, z: functional_call(self.first.G, weights, (z,)))(self.G, torch.stack(z))
            seen = [[e._noisy(x) for x in pair] for e, *pair in zip(self.engines, real, fake, strict=True)]
            real, fake = (torch.stack([packs(x, self.config.pack) for x in kind]) for kind in zip(*seen, strict=True))
        return real, fake

    def _judged(self, weights: Weights, real: Tensor, fake: Tensor) -> Tensor:
        """The loss of D, (seeds,)."""

        def one(weights: Weights, buffers: Weights, real: Tensor, fake: Tensor) -> Tensor:
            return self.first._judge(Deal(real, fake, None), fake, self._critic(weights, buffers)).total

        return torch.vmap(one)(weights, self.buffers, real, fake)

    def _critic(self, weights: Weights, buffers: Weights):
        return lambda x, y=None: functional_call(self.first.D, (weights, buffers), (x,))

    def _loss_g(self, real: Tensor, fake: Tensor) -> Tensor:
        """As `GanEngine._train_g` and `_look_ahead`, summed over the seeds."""
        objective, weights, c = OBJECTIVES[self.config.objective], dict(self.D), self.config
        rule = inner(self.opt_d, c.unroll_by, c.unroll_lr, c.clip)
        steered = fake if c.unroll_gradient else fake.detach()
        weights = unrolled(weights, lambda w: self._judged(w, real, steered).sum(), c.unroll, rule, c.unroll_gradient)

        def one(weights: Weights, buffers: Weights, real: Tensor, fake: Tensor) -> Tensor:
            D = self._critic(weights, buffers)
            return objective.g(D(fake), D(real) if objective.pairs else None)

        held = {name: w.detach() for name, w in weights.items()}
        loss = torch.vmap(one)(held, self.buffers, real, fake).sum()
        return loss - self._judged(weights, real, fake.detach()).sum() if c.unroll and c.unroll_gradient else loss

    @torch.no_grad()
    def _power_step(self) -> None:
        for name in [name.removesuffix(".u") for name in self.buffers if name.endswith(".u")]:
            w, u, v = self.D[f"{name}.weight"], self.buffers[f"{name}.u"], self.buffers[f"{name}.v"]
            v.copy_(normalize(torch.einsum("src,sr->sc", w, u), dim=1))
            u.copy_(normalize(torch.einsum("src,sc->sr", w, v), dim=1))

    @torch.no_grad()
    def hand_back(self) -> list[str | None]:
        """Give each engine its weights; what was lost of it, or None."""
        lost: list[str | None] = []
        for i, e in enumerate(self.engines):
            e.step = self.step
            largest = 0.0
            for net, weights in ((e.G, self.G), (e.D, self.D | self.buffers), (e.ema.net, self.average)):
                mine: dict[str, Tensor | nn.Parameter] = net.state_dict()
                for name, w in weights.items():
                    mine[name].copy_(w[i])
                    largest = max(largest, float(w[i].abs().max().nan_to_num(torch.inf)))
            lost.append(f"a weight reached {largest:,.0f}" if largest > LARGEST else None)
        return lost
