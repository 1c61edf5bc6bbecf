"""The fast twin of `engine.py` for 2-D data: the same network, knobs, checkpoints and views; training is one compiled loop.

The torch network stays, as a window on the arrays that the kernel works on, so that everything that looks at it serves both twins.
Random streams differ from torch's, so the same seed starts from the same weights but takes other examples."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from engines import metrics
from engines.data import kind
from engines.diffusion.config import OBJECTIVES, WEIGHTINGS, Config
from engines.diffusion.engine import DiffusionEngine
from engines.diffusion.model import PointDenoiser
from engines.nn.flat import FlatAdam, FlatParameters, zeros
from engines.nn.kernel_streams import KernelStreams

STREAMS = ("data", "eps", "sigma")
CHUNK_FLOP = 3e8  # of one call: some milliseconds, so that a button is obeyed at once
LONGEST_CHUNK = 512  # steps
NAMES = {0: metrics.MSE, 1: metrics.GRAD_NORM}  # column of the kernel's metrics -> metric
PICTURES = 60  # of a run: a look costs as much as two hundred steps


def covers(config: Config, device: str = "cpu") -> bool:
    """Whether the kernel can train this: anything on 2-D data, on a CPU, if numba is installed."""
    return kind(config.dataset) == "2d" and torch.device(device).type == "cpu" and available()


@cache
def available() -> bool:
    """numba is there, and the kernel's parts can be put together."""
    if find_spec("numba") is None:
        return False
    try:
        import engines.diffusion.kernel  # noqa: F401
    except ImportError:
        return False
    return True


def compiled() -> bool:
    """Whether the first step starts at once or waits for the compiler."""
    if not available():
        return False
    from engines.diffusion import kernel
    from engines.nn.kernels.target import in_cache

    return bool(kernel.train.signatures) or in_cache(kernel.train, "kernel.train")


def warm() -> None:
    """Compile the kernel, or load it from the cache, before a visitor waits for it. One compilation serves all sizes and knobs."""
    FusedDiffusion(Config(steps=1)).train_step()


class FusedDiffusion(DiffusionEngine):
    """See `engines.core.Engine`. `train_steps` makes many steps in one call."""

    twin = "numba"

    def __init__(self, config: Config, *, device: str = "cpu", data: np.ndarray | None = None):
        super().__init__(config, device=device, data=data)
        from engines.diffusion import kernel

        self._kernel = kernel
        self.updates = np.zeros(1, np.int64)
        net, averaged = (cast(PointDenoiser, n) for n in (self.net, self.ema.net))
        self._flat = FlatParameters(net.net)
        self._flat.adopt(net.net, self._flat.values)
        self._flat.adopt(averaged.net, self._flat.average)
        self.opt = FlatAdam(self._weights, config.lr, (config.beta1, config.beta2), self._flat, self.updates)
        self.rng = self.streams = KernelStreams(config.seed, STREAMS)
        self._parts |= {"opt": self.opt, "rng": self.rng}
        self._lay_out(net)
        area = int(np.dot(self._flat.sizes[1:], self._flat.sizes[:-1]))
        self.chunk = max(1, min(LONGEST_CHUNK, int(CHUNK_FLOP / (6 * config.batch * area))))

    def cadence(self) -> tuple[int, int]:
        """Steps between looks and looks between evaluations: a film of PICTURES pictures."""
        return max(1, self.config.steps // PICTURES), 6

    def _lay_out(self, net: PointDenoiser) -> None:
        """One arena for all activations; every offset is a whole number of tile rows."""
        from engines.nn.kernels.layers import Net
        from engines.nn.kernels.streams import QUANTILES
        from engines.nn.kernels.target import COLUMNS

        f, k, end = self._flat, self._kernel, 0
        self.tiles = -(-self.config.batch // COLUMNS)

        def take(sizes: Any) -> np.ndarray:
            nonlocal end
            starts = end + np.concatenate([[0], np.cumsum(np.asarray(sizes) * self.tiles * COLUMNS)])
            end = int(starts[-1])
            return starts[:-1].astype(np.int64)

        h, e = take(f.sizes), take(f.sizes)
        drawn, aimed = take([k.DRAWN, k.AIMED]).tolist()
        places = (f.sizes, np.array(f.weights, np.int64), np.array(f.biases, np.int64), h, e, e)
        self._net = Net(*places, f.values, f.grads, f.first, f.second, f.average)
        # the network's own memory, so that a checkpoint's frequencies arrive here too
        frequencies = net.features.frequencies.numpy().reshape(-1) if self.config.fourier else zeros(0)
        levels = zeros(0) if self.levels is None else self.levels.numpy()
        self._table = k.Table(zeros(end), drawn, aimed, self.data.unit, frequencies, levels, QUANTILES)

    def _rules(self) -> Any:
        """The knobs as they are now."""
        c = self.config
        return self._kernel.Rules(
            c.batch, self.tiles, list(OBJECTIVES).index(c.objective), list(WEIGHTINGS).index(c.weighting), self.levels is None,
            c.noise_mean, c.noise_std, c.lr, c.lr_decay, self.total, c.beta1, c.beta2, c.ema_decay, c.fourier,
        )  # fmt: skip

    def _run(self, n: int, *, dealt: bool = False) -> np.ndarray:
        """Metrics (steps made, columns) float32; `step` goes on."""
        rows = np.empty((n, self._kernel.COLUMN_COUNT), np.float32)
        made = self._kernel.train(self._rules(), self._net, self._table, self.streams.counters, self.updates, self.step, dealt, rows)
        self.step += made
        return rows[:made]

    def train_steps(self, n: int) -> dict[str, np.ndarray]:
        """`n` steps at once, or fewer if the loss is not finite: each metric of each step, in order."""
        rows = self._run(n)
        return {name: rows[:, column] for column, name in NAMES.items()}

    def train_step(self, part: str | None = None) -> Mapping[str, Tensor]:
        if part is not None:
            raise ValueError(f"part={part!r} cannot be updated alone: there is one network")
        self._set_rate()  # only so that the optimiser says what the kernel does
        (row,) = torch.from_numpy(self._run(1))
        return {name: row[column] for column, name in NAMES.items()}

    def deal_given(self, x0: np.ndarray, eps: np.ndarray, sigma: np.ndarray) -> None:
        """Put examples and noise (batch, 2) and noise levels (batch,) into the arena, for a call that is `dealt`."""
        from engines.nn.kernels.target import COLUMNS

        n = np.arange(len(x0))
        first = self._table.drawn + n // COLUMNS * self._kernel.DRAWN * COLUMNS + n % COLUMNS
        for row, values in enumerate((x0[:, 0], x0[:, 1], eps[:, 0], eps[:, 1], sigma)):
            self._table.arena[first + row * COLUMNS] = values
