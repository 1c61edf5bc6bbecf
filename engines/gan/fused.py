"""The fast twin of `engine.py` for 2-D data: the same networks, knobs, checkpoints and views; training is one compiled loop.

The torch networks stay, as windows on the arrays that the kernel works on, so that everything that looks at them (`probe_2d.py`)
serves both twins. Random streams differ from torch's, so the same seed starts from the same weights but takes other examples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from engines import metrics
from engines.data import kind
from engines.gan.config import Config
from engines.gan.engine import Deal, GanEngine
from engines.gan.objectives import OBJECTIVES
from engines.nn.flat import FlatAdam, FlatParameters, zeros
from engines.nn.kernel_streams import KernelStreams
from engines.nn.mlp import MLP

STREAMS = ("data", "noise", "penalty")
CHUNK_FLOP = 3e8  # of one call: some milliseconds, so that a button is obeyed at once
LONGEST_CHUNK = 256  # steps
NAMES = {  # column of the kernel's metrics -> metric
    0: metrics.D_LOSS, 1: metrics.G_LOSS, 2: metrics.D_GRAD_NORM, 3: metrics.G_GRAD_NORM, 4: metrics.D_ACCURACY, 5: metrics.PENALTY,
}  # fmt: skip
D_ONLY, G_ONLY, PENALISED = (0, 2, 4, 5), (1, 3), 6


def covers(config: Config, device: str = "cpu") -> bool:
    """Whether the kernel can train this: any objective on 2-D data, on a CPU, with the slope penalties but none of the cures that
    change what D is or sees, if numba is installed."""
    cures = (
        config.unroll,
        config.spectral_norm,
        config.minibatch_discrimination,
        config.pack > 1,
        config.label_smoothing,
        config.instance_noise,
        config.activation != "leaky",
        config.in_scale != 1,
        config.optimiser != "adam",
    )
    return kind(config.dataset) == "2d" and not any(cures) and torch.device(device).type == "cpu" and available()


@cache
def available() -> bool:
    """numba is there, and the kernel's parts can be put together."""
    if find_spec("numba") is None:
        return False
    try:
        import engines.gan.kernel  # noqa: F401
    except ImportError:
        return False
    return True


def compiled() -> bool:
    """Whether the first step starts at once (half a second, from the cache) or waits for the compiler (15 s)."""
    if not available():
        return False
    from engines.gan import kernel
    from engines.nn.kernels.target import in_cache

    return bool(kernel.run.signatures) or in_cache(kernel.run, "kernel.run")


def warm() -> None:
    """Compile the kernel, or load it from the cache, before a visitor waits for it: in a process of its own it fills the cache of all,
    in a worker it takes half a second from there. One compilation serves all sizes, losses and data sets."""
    FusedGan(Config(steps=1)).train_step()


class FusedGan(GanEngine):
    """See `engines.core.Engine`. `train_steps` makes many steps in one call."""

    twin = "numba"

    def __init__(self, config: Config, *, device: str = "cpu", data: np.ndarray | None = None):
        super().__init__(config, device=device, data=data)
        from engines.gan import kernel

        self._kernel = kernel
        self.updates = np.zeros(2, np.int64)  # of G and of D
        G, D, averaged = self._networks()
        self._flat = {"G": FlatParameters(G), "D": FlatParameters(D)}
        for name, net in (("G", G), ("D", D)):
            self._flat[name].adopt(net, self._flat[name].values)
        self._flat["G"].adopt(averaged, self._flat["G"].average)
        betas = (config.beta1, config.beta2)
        self.opt_g = FlatAdam(self._weights_g, config.lr_g, betas, self._flat["G"], self.updates[:1])
        self.opt_d = FlatAdam(self._weights_d, config.lr_d, betas, self._flat["D"], self.updates[1:])
        self.rng = self.streams = KernelStreams(config.seed, STREAMS)
        self._parts |= {"opt_g": self.opt_g, "opt_d": self.opt_d, "rng": self.rng}
        self._lay_out()
        self.chunk = self._chunk()

    def _networks(self) -> tuple[MLP, MLP, MLP]:
        """The perceptrons in G, in D and in the average of G."""
        return tuple(cast(MLP, part.net) for part in (self.G, self.D, self.ema.net))  # type: ignore[return-value]

    def set(self, **changes: Any) -> None:
        """Change live knobs the kernel has. ValueError for any other."""
        before = self.config
        super().set(**changes)
        if not covers(self.config):
            self.config = before
            raise ValueError(f"{', '.join(changes)} cannot change while the compiled engine trains; start again or fork")

    def cadence(self) -> tuple[int, int]:
        """Steps between looks and looks between evaluations: a film of 150 pictures, since a look costs as much as 50 steps."""
        return max(1, self.config.steps // 150), 1

    def _lay_out(self) -> None:
        """One arena for all activations; every offset is a whole number of tile rows."""
        from engines.nn.kernels.layers import Net
        from engines.nn.kernels.streams import QUANTILES
        from engines.nn.kernels.target import COLUMNS

        self.tiles, end = -(-self.config.batch // COLUMNS), 0

        def take(sizes: Any, tiles: int) -> np.ndarray:
            nonlocal end
            starts = end + np.concatenate([[0], np.cumsum(np.asarray(sizes) * tiles * COLUMNS)])
            end = int(starts[-1])
            return starts[:-1].astype(np.int64)

        nets = {}
        for name, tiles in (("G", self.tiles), ("D", 3 * self.tiles)):
            f = self._flat[name]
            h, e, u = (take(f.sizes, tiles) for _ in range(3))
            places = (f.sizes, np.array(f.weights, np.int64), np.array(f.biases, np.int64), h, e, u)
            nets[name] = Net(*places, f.values, f.grads, f.first, f.second, f.average)
        self._net_g, self._net_d = nets["G"], nets["D"]
        c, mix, tangent, tangent2 = take([3 * self.tiles, self.tiles, max(self._net_d.sizes), max(self._net_d.sizes)], 1).tolist()
        # the networks' own memory, so that a checkpoint's frequencies arrive here too
        frequencies = cast(Any, self.D.features).frequencies.numpy().reshape(-1) if self.config.fourier else zeros(0)
        self._table = self._kernel.Table(zeros(end), c, mix, tangent, tangent2, self.data.unit, frequencies, QUANTILES)

    def _chunk(self) -> int:
        """Steps in one call of the kernel, from the sizes alone."""
        c, area = self.config, {name: int(np.dot(f.sizes[1:], f.sizes[:-1])) for name, f in self._flat.items()}
        flop = 6 * c.batch * (area["G"] + (4 * c.n_critic + 1) * area["D"])
        return max(1, min(LONGEST_CHUNK, int(CHUNK_FLOP / flop)))

    def _rules(self) -> Any:
        """The knobs as they are now."""
        from engines.gan.kernel_losses import GAMES

        c, objective = self.config, OBJECTIVES[self.config.objective]
        threshold = math.nan if objective.threshold is None else objective.threshold
        return self._kernel.Rules(
            c.batch, self.tiles, c.noise_dim, c.noise == "normal", *GAMES[c.objective], threshold, c.n_critic, c.lr_g, c.lr_d,
            c.lr_decay, c.decay_from, c.decay_to, self.total,
            c.beta1, c.beta2, c.r1, c.r2, c.gp, c.penalty_every, c.clip, c.ema_decay, c.fourier,
        )  # fmt: skip

    def _run(self, n: int, *, d: bool = True, g: bool = True, dealt: bool = False) -> np.ndarray:
        """Metrics (steps made, columns) float32; `step` stays where it is."""
        rows = np.empty((n, self._kernel.COLUMN_COUNT), np.float32)
        turn = self._kernel.Turn(self.step, d, g, dealt)
        made = self._kernel.run(self._rules(), self._net_g, self._net_d, self._table, self.streams.counters, self.updates, turn, rows)
        return rows[:made]

    def train_steps(self, n: int) -> dict[str, np.ndarray]:
        """`n` steps at once, or fewer if a loss is not finite: each metric of each step that has it, in order."""
        rows = self._run(n)
        self.step += len(rows)
        values = {name: rows[:, column] for column, name in NAMES.items()}
        values[metrics.PENALTY] = values[metrics.PENALTY][rows[:, PENALISED] > 0]
        return {name: column for name, column in values.items() if len(column)}

    def run_steps(self, n: int) -> dict[str, float]:
        """`n` steps at once; the mean of each metric over them."""
        return {name: float(np.mean(values, dtype=np.float64)) for name, values in self.train_steps(n).items()}

    def train_step(self, part: str | None = None) -> Mapping[str, Tensor]:
        """One update of both players, or of `part` "d" or "g" alone."""
        if part not in (None, "d", "g"):
            raise ValueError(f"part={part!r} is not one of d, g")
        self._set_rates()  # only so that the optimisers say what the kernel does
        (row,) = torch.from_numpy(self._run(1, d=part != "g", g=part != "d"))
        if part is None:
            self.step += 1
        columns = {"d": D_ONLY, "g": G_ONLY}.get(part or "", tuple(NAMES))
        found = {NAMES[k]: row[k] for k in columns if k != 5 or row[PENALISED] > 0}
        self._last = self._dealt(part), found
        return found

    def _dealt(self, part: str | None) -> Deal:
        """The last deal, out of the arena, with what D said of it."""
        G, D, t, last = self._net_g, self._net_d, self.tiles, len(self._net_d.sizes) - 1
        real_judged = part != "g" or OBJECTIVES[self.config.objective].pairs
        return Deal(
            self._held(D, 0, 0, 2), self._held(D, 0, t, 2), None, self._held(D, last, 0, 1)[:, 0] if real_judged else None,
            self._held(D, last, t, 1)[:, 0], self._held(G, 0, 0, self.config.noise_dim),
        )  # fmt: skip

    def _held(self, net: Any, layer: int, tile: int, rows: int) -> Tensor:
        """(batch, rows) of what the arena holds of a network's layer, from a tile on."""
        return torch.from_numpy(self._table.arena[self._places(net, layer, tile, rows)])

    def _places(self, net: Any, layer: int, tile: int, rows: int) -> np.ndarray:
        """(batch, rows): where in the arena that is."""
        from engines.nn.kernels.target import COLUMNS

        n = np.arange(self.config.batch)[:, None]
        return net.h[layer] + ((tile + n // COLUMNS) * net.sizes[layer] + np.arange(rows)) * COLUMNS + n % COLUMNS

    def _deal_given(self, real: np.ndarray, z: np.ndarray, mix: np.ndarray) -> None:
        """Put examples (batch, 2), noise (batch, noise_dim) and mixing weights (batch,) on the table, for a call that is `dealt`."""
        for net, rows in ((self._net_g, z), (self._net_d, real)):
            self._table.arena[self._places(net, 0, 0, rows.shape[1])] = rows
        self._table.arena[self._table.mix : self._table.mix + len(mix)] = mix
