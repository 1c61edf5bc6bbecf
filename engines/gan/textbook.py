"""Three textbook fixes of mode collapse, each in a setting in which it was found to help, beside the plain game with the same numbers and
beside cheaper rivals: what the presets in pairs and the scene "Every fix" train, and what `benchmarks/gan_textbook.py` measures. Plain
values only: `config.py` imports this file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Common to the settings, as in the papers' own 2-D experiments: no Fourier features in D, noise of 16 normal numbers, no average of G.
_SMALL = dict(
    dataset="ring8", noise="normal", noise_dim=16, width_g=64, depth_g=2, width_d=64, depth_d=2, batch=64, fourier=0, ema_decay=0.0,
    lr_decay=False, unroll_by="own", standardise=False,
)  # fmt: skip
# Smooth networks, and D's whole loss for G.
_HOP = _SMALL | dict(objective="minimax", activation="tanh", start="orthogonal", in_scale=2.0, lr_d=1e-3, lr_g=7e-3, steps=3_000)
_SLOW = _HOP | dict(lr_g=5e-3)
_RELU = _SMALL | dict(objective="non-saturating", activation="relu", start="uniform")
_FALLING = dict(lr_decay=True, decay_from=0.0, decay_to=0.0)
_TWO = _RELU | dict(optimiser="rmsprop", n_critic=5, lr_d=2e-3, lr_g=2e-3, steps=5_500) | _FALLING
_ONE = _RELU | dict(lr_d=1e-3, lr_g=1e-3, steps=2_500)
_UNROLL = dict(unroll=5)
_CLIP = dict(objective="wgan", clip=0.3)
_KERNELS = dict(minibatch_discrimination=8, minibatch_dims=3, minibatch_spread=1.0)


@dataclass(frozen=True)
class Row:
    """One line of the table. `group` is its setting; `role` "plain", "fix", "rival" (cheaper than the fix) or "control"; `shown` on the
    page; `time` is the key of the row that spends the seconds of the fix in this one's way, where it is not this row."""

    group: str
    role: str
    title: str
    settings: Mapping[str, Any]
    shown: bool = False
    time: str = ""


# group -> its heading and the paper of its fix
GROUPS = {
    "hop": ("Unrolled D", "Metz et al., 2017"),
    "two": ("Clipped critic", "Arjovsky et al., 2017"),
    "one": ("Minibatch discrimination", "Salimans et al., 2016"),
    "slow": ("Unrolled D, slower G", "Metz et al., 2017"),
}
ROWS: dict[str, Row] = {
    "hop": Row("hop", "plain", "plain game", _HOP, True, "hop-long"),
    "hop-unrolled": Row("hop", "fix", "unrolled, 5 steps", _HOP | _UNROLL, True),
    "hop-ahead": Row("hop", "rival", "5 steps ahead, no gradient through them", _HOP | _UNROLL | dict(unroll_gradient=False), True),
    "hop-decay": Row("hop", "rival", "plain, rates fall to 0", _HOP | _FALLING, True),
    "hop-unrolled-decay": Row("hop", "control", "unrolled, rates fall to 0", _HOP | _UNROLL | _FALLING),
    "hop-6": Row("hop", "control", "plain, 6 steps of D", _HOP | dict(n_critic=6)),
    "hop-long": Row("hop", "control", "plain, 7 times the steps", _HOP | dict(steps=21_000)),
    "hop-1": Row("hop", "control", "unrolled, 1 step", _HOP | _UNROLL | dict(unroll=1)),
    "hop-10": Row("hop", "control", "unrolled, 10 steps", _HOP | _UNROLL | dict(unroll=10)),
    "two": Row("two", "plain", "plain game, 5 steps of D", _TWO, True),
    "two-clipped": Row("two", "fix", "WGAN, clipped at 0.3", _TWO | _CLIP, True),
    "two-one-step": Row("two", "rival", "plain, 1 step of D", _TWO | dict(n_critic=1), True),
    "two-minimax": Row("two", "control", "minimax", _TWO | dict(objective="minimax")),
    "two-tight": Row("two", "control", "WGAN, clipped at 0.01", _TWO | _CLIP | dict(clip=0.01)),
    "one": Row("one", "plain", "plain game", _ONE, True, "one-long"),
    "one-minibatch": Row("one", "fix", "8 kernels, mean", _ONE | _KERNELS, True),
    "one-sum": Row("one", "control", "8 kernels, sum", _ONE | _KERNELS | dict(minibatch_reduce="sum")),
    "one-faster": Row("one", "rival", "plain, both rates 5 times as high", _ONE | dict(lr_d=5e-3, lr_g=5e-3), True),
    "one-long": Row("one", "control", "plain, 6 times the steps", _ONE | dict(steps=15_000)),
    "slow": Row("slow", "plain", "plain game", _SLOW, time="slow-long"),
    "slow-unrolled": Row("slow", "fix", "unrolled, 5 steps", _SLOW | _UNROLL),
    "slow-frozen": Row("slow", "control", "unrolled, frozen rates", _SLOW | _UNROLL | dict(unroll_by="frozen")),
    "slow-ahead": Row("slow", "rival", "5 steps ahead, no gradient through them", _SLOW | _UNROLL | dict(unroll_gradient=False)),
    "slow-decay": Row("slow", "rival", "plain, rates fall to 0", _SLOW | _FALLING),
    "slow-long": Row("slow", "control", "plain, 7 times the steps", _SLOW | dict(steps=21_000)),
}
