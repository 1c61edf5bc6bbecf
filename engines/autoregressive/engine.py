"""An autoregressive model in training: predict the next token, or the next pixel, from all before it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engines.autoregressive.config import TRANSFORMERS, Config
from engines.autoregressive.ladder import NGram
from engines.autoregressive.model import build_pixels, build_text
from engines.autoregressive.questions import Request
from engines.autoregressive.sources import PixelSource, TextSource, code_source, pixel_source
from engines.config import from_dict, knobs, to_dict
from engines.core import Images, Snapshot, Views
from engines.data import kind, load
from engines.metrics import GRAD_NORM, LEARNING_RATE, LOSS, NATS_PER_CHAR, TRAIN_BITS_PER_DIM
from engines.nn.ema import Ema
from engines.state import Rng

UNREAD = 2_000  # tokens at the end of a slice that tell what an n-gram makes of it before counting it


class AutoregressiveEngine:
    """See `engines.core.Engine`. `total` is the length that the decay of the learning rate is planned for."""

    family = "autoregressive"
    twin = "torch"

    def __init__(self, config: Config, *, device: str = "cpu", data: np.ndarray | None = None):
        self.config, self.step, self.total = config, 0, config.steps
        self.device = torch.device(device)
        self.text = kind(config.dataset) == "text"
        self.rng = Rng(config.seed, ("init", "data"), device)
        self.source: Any = self._source(data)
        self.net = self._network()
        self.parts: dict[str, Any] = {"net": self.net, "rng": self.rng}
        self.ema = Ema(self.net) if config.ema_decay and not isinstance(self.net, NGram) else None
        if self.ema:
            self.parts["ema"] = self.ema
        self._weights = list(self.net.parameters())
        if self._weights:
            self.opt = torch.optim.AdamW(self._groups(), config.lr, (0.9, config.beta2), fused=True)
            self.parts["opt"] = self.opt
        self.probe = self._make_probe()

    def _source(self, data: np.ndarray | None) -> TextSource | PixelSource:
        loaded = load(self.config.dataset, data)
        if self.text:
            return TextSource(loaded, self.config, self.device)
        source = code_source if kind(self.config.dataset) == "codes" else pixel_source
        return source(loaded, self.config, self.device)

    def _network(self) -> Any:
        s, c = self.source, self.config
        if self.text:
            return build_text(c, s.vocab, s.train.cpu().numpy(), self.rng["init"])
        return build_pixels(c, s.side, len(s.classes) if s.labels is not None else 0, s.levels, self.rng["init"])

    def _groups(self) -> list[dict[str, Any]]:
        """Matrices decay, gains and biases do not."""
        matrices = [p for p in self._weights if p.dim() > 1]
        rest = [p for p in self._weights if p.dim() < 2]
        return [{"params": matrices, "weight_decay": self.config.weight_decay}, {"params": rest, "weight_decay": 0.0}]

    def _make_probe(self) -> Any:
        if self.text:
            from engines.autoregressive.probe_text import TextProbe

            return TextProbe(self)
        from engines.autoregressive.probe_pixels import PixelProbe

        return PixelProbe(self)

    @property
    def model(self) -> Any:
        """What is looked at and drawn from: the averaged weights, if there are any."""
        return self.ema.net if self.ema else self.net

    # Training

    def train_step(self, part: str | None = None) -> Mapping[str, Tensor]:
        """One update. Scalars stay on the device. There are no parts to train alone."""
        if part is not None:
            raise ValueError(f"part={part!r}: an autoregressive model is one network")
        metrics = self._count() if isinstance(self.net, NGram) else self._descend()
        self.step += 1
        return metrics

    def _descend(self) -> dict[str, Tensor]:
        c, losses = self.config, []
        lr = self._set_rates()
        self.opt.zero_grad()
        for _ in range(c.accumulate):
            with torch.autocast(self.device.type, torch.bfloat16, enabled=c.precision == "bfloat16"):
                loss = self.source.loss(self.net, self.source.batch(c.batch, self.rng["data"])) / c.accumulate
            loss.backward()
            losses.append(loss.detach())
        norm = torch.nn.utils.clip_grad_norm_(self._weights, c.clip or math.inf)
        self.opt.step()
        if self.ema:
            self.ema.update(self.net, c.ema_decay, self.step)
        return self._in_units(torch.stack(losses).sum()) | {GRAD_NORM: norm.detach(), LEARNING_RATE: torch.tensor(lr, device=self.device)}

    def _in_units(self, loss: Tensor) -> dict[str, Tensor]:
        """The loss, nats per token or per image, and the same in the unit that it is compared in."""
        if self.text:
            return {LOSS: loss, NATS_PER_CHAR: loss / self.source.chars_per_token}
        h, w = self.source.side
        return {LOSS: loss, TRAIN_BITS_PER_DIM: loss / (h * w * math.log(2))}

    def _count(self) -> dict[str, Tensor]:
        """An n-gram reads one more slice of the text: what it makes of its end before counting it, then the counts."""
        net, train = self.net, self.source.train
        start, end = (math.ceil(len(train) * min(1.0, s / self.total)) for s in (self.step, self.step + 1))
        part = train[max(start, end - UNREAD - 1) : end]
        loss = self.source.loss(net, part[None]) if len(part) > 1 else torch.tensor(math.log(self.source.vocab), device=self.device)
        net.count(end)
        return self._in_units(loss)

    def _set_rates(self) -> float:
        """Up to the full rate in `warmup` steps, then down along a cosine to `lr_end` of it. Loshchilov & Hutter, 2017."""
        c = self.config
        done = min(1.0, max(0, self.step - c.warmup) / max(1, self.total - c.warmup))
        rate = c.lr * (c.lr_end + (1 - c.lr_end) * (1 + math.cos(math.pi * done)) / 2)
        rate *= min(1.0, (self.step + 1) / max(1, c.warmup))
        for group, decay in zip(self.opt.param_groups, (c.weight_decay, 0.0), strict=True):
            group["lr"], group["weight_decay"] = rate, decay
        return rate

    def set(self, **changes: Any) -> None:
        """Change live knobs. ValueError for any other, or for a bad value."""
        known = knobs(Config)
        for name in changes:
            if name in known and not known[name].live:
                raise ValueError(f"{name} cannot change while training; start again or fork")
        self.config = from_dict(Config, to_dict(self.config) | changes)

    def health(self) -> dict[str, Tensor]:
        """The largest absolute weight: it must stay below 1,000."""
        if not self._weights:
            return {"the largest weight": torch.zeros((), device=self.device)}
        with torch.no_grad():
            return {"the largest weight": torch.stack(torch._foreach_norm(self._weights, float("inf"))).max()}

    # Looking: own streams, no gradient kept; nothing changes

    def backdrop(self) -> Snapshot:
        return self.probe.backdrop(self)

    def look(self) -> Views:
        return self.probe.look(self)

    def evaluate(self) -> Mapping[str, float]:
        return self.probe.evaluate(self)

    def audit(self) -> tuple[Mapping[str, float], Mapping[str, float]]:
        """The measures of `evaluate` over all that is held out, and the floors of other measures: none."""
        return self.probe.audit(self), {}

    def answer(self, question: Any) -> Iterator[Snapshot | None]:
        """See `engines.core.Engine` and `engines.autoregressive.answers`."""
        from engines.autoregressive.answers import answer

        return answer(self, question)

    def sample(self, request: Request) -> Iterator[Snapshot]:
        """The last snapshot's "samples" are request.n Tokens, or one Images (n, 1, h, w); earlier ones show how they came about."""
        return self.probe.sample(self, request)

    def codes(self, samples: Images) -> np.ndarray | None:
        """The codes (n, h, w) behind samples of a model of codes; None for other models."""
        if kind(self.config.dataset) != "codes":
            return None
        return np.rint((samples.pixels[:, 0] + 1) / 2 * (self.source.levels - 1)).astype(np.int64)

    @property
    def attentive(self) -> bool:
        """Whether there is attention to be looked at."""
        return self.config.model in TRANSFORMERS
