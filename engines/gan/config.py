"""The knobs of a GAN run, their recommended values per data set, presets and cost. No torch here: the form is made from this file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Any

from engines.config import from_dict, knob, validate
from engines.core import Preset
from engines.data import CHOICES, kind
from engines.gan.textbook import ROWS as TEXTBOOK

OBJECTIVES = {
    "non-saturating": "G raises log D(G(z)); strong gradients early, nothing that asks for every mode",
    "minimax": "the original game: G lowers log(1 − D(G(z))), which goes flat when D wins",
    "lsgan": "least squares: D regresses to 1 and 0, G to 1",
    "hinge": "D stops caring about points beyond a margin of 1",
    "wgan": "critic with clipped weights; its gap is a bound on W₁ up to its steepness",
    "wgan-gp": "critic whose slope is pulled towards 1 between data and samples",
    "r1": "non-saturating, with the slope of D at the data penalised",
    "r3gan": "D compares pairs of real and fake; its slope is penalised at both",
}
# What the losses are when G is perfect and D cannot tell (one value everywhere), penalties left out. A critic's value has no zero
# point, so G's loss has no equilibrium there.
EQUILIBRIUM: dict[str, dict[str, float]] = {
    "non-saturating": {"d_loss": log(4), "g_loss": log(2)},
    "minimax": {"d_loss": log(4), "g_loss": -log(2)},
    "lsgan": {"d_loss": 0.25, "g_loss": 0.125},
    "hinge": {"d_loss": 2.0, "g_loss": 0.0},
    "wgan": {"d_loss": 0.0},
    "wgan-gp": {"d_loss": 0.0},
    "r1": {"d_loss": log(4), "g_loss": log(2)},
    "r3gan": {"d_loss": log(2), "g_loss": log(2)},
}
CRITICS = ("wgan", "wgan-gp")  # whose best answer is a distance: one that wins is wanted
LABELLED = ("non-saturating", "minimax", "lsgan", "r1")  # games in which D is told 1 for data and 0 for samples
NOISE = {"uniform": "each number uniform in [−1, 1]", "normal": "each number standard normal"}
ACTIVATIONS = {
    "leaky": "LeakyReLU, slope 0.2 below 0",
    "relu": "ReLU: flat below 0",
    "tanh": "tanh: smooth, so that steps of D can be differentiated twice",
}
STARTS = {
    "he": "normal, variance 2 / inputs, biases 0; He et al., 2015",
    "uniform": "weights and biases uniform within 1 / √inputs, as torch does by default",
    "orthogonal": "orthogonal, times 1.4, biases 0; Saxe et al., 2014",
}
OPTIMISERS = {
    "adam": "Adam; Kingma & Ba, 2015",
    "rmsprop": "RMSProp without momentum, α = 0.99; Tieleman & Hinton, 2012. Arjovsky et al., 2017, use it with clipping",
}
UNROLLED_BY = {
    "own": "D's own optimiser, going on from its moments, differentiated with them",
    "frozen": "descent at the rate that D's optimiser has for each weight now",
    "descent": "plain descent at one rate for all weights",
}
REDUCE = {"mean": "mean over the other examples of the batch", "sum": "their sum, as in the paper"}


@dataclass(frozen=True)
class Config:
    """One GAN run. Learning rates, n_critic and the penalty weights may change while it trains."""

    dataset: str = knob("ring8", "Data set", choices=CHOICES)
    objective: str = knob("non-saturating", "Loss", choices=OBJECTIVES)
    lr_g: float = knob(3e-3, "Learning rate, G", lo=1e-5, hi=1.0, log=True, live=True, help="step size of Adam for the generator")
    lr_d: float = knob(3e-3, "Learning rate, D", lo=1e-5, hi=1.0, log=True, live=True, help="step size of Adam for the discriminator")
    n_critic: int = knob(1, "D steps per G step", lo=1, hi=10, step=1, live=True, help="how often D is updated before G moves once")
    steps: int = knob(14_000, "Steps", unit="G updates", lo=1, hi=200_000, log=True, help="length of the run")
    seed: int = knob(7, "Seed", lo=0, hi=9_999, step=1, help="same seed and settings, same run")

    r1: float = knob(
        0.0,
        "R1 penalty γ",
        lo=0.0,
        hi=100.0,
        log=True,
        group="fixes",
        live=True,
        help="γ/2 ‖∇D‖² at the data; 0 = off. Mescheder et al., 2018",
    )
    r2: float = knob(0.0, "R2 penalty γ", lo=0.0, hi=100.0, log=True, group="fixes", live=True, help="γ/2 ‖∇D‖² at the samples; 0 = off")
    gp: float = knob(
        0.0,
        "Gradient penalty λ",
        lo=0.0,
        hi=100.0,
        log=True,
        group="fixes",
        live=True,
        help="λ (‖∇D‖ − 1)² between data and samples; 0 = off. Gulrajani et al., 2017",
    )
    clip: float = knob(
        0.0,
        "Weight clipping",
        lo=0.0,
        hi=1.0,
        log=True,
        group="fixes",
        live=True,
        help="keep every weight and bias of D in ± this; 0 = off. Arjovsky et al., 2017",
    )
    minibatch_std: bool = knob(
        False, "Minibatch deviation", group="fixes", kind="image", help="D sees how much a group of 8 images varies. Karras et al., 2018"
    )
    warm_start: int = knob(
        0,
        "Warm start of G",
        unit="steps",
        lo=0,
        hi=5_000,
        log=True,
        group="fixes",
        kind="image",
        help="as an autoencoder's decoder; 0 = off",
    )
    unroll: int = knob(
        0, "Unrolled steps of D", lo=0, hi=10, group="fixes", live=True, help="G plays against the D of K steps ahead. Metz et al., 2017"
    )
    unroll_by: str = knob("descent", "Unrolled steps are", choices=UNROLLED_BY, group="fixes", live=True, help="how D is imagined to learn")
    unroll_gradient: bool = knob(
        True,
        "Gradient through unrolled steps",
        group="fixes",
        live=True,
        help="the second term of Metz et al., 2017, eq. 8: how a move of G steers D; off: G only looks ahead",
    )
    unroll_lr: float = knob(
        0.03, "Rate of unrolled steps", lo=1e-3, hi=1.0, log=True, group="fixes", live=True, help="where they are plain descent"
    )
    spectral_norm: bool = knob(
        False,
        "Spectral norm",
        group="fixes",
        help="each weight of D over its largest singular value, its Fourier features too: in 2-D no slope of D exceeds 1. Miyato et al., "
        "2018",
    )
    minibatch_discrimination: int = knob(
        0, "Minibatch kernels", lo=0, hi=32, group="fixes", help="D sees how alike a batch is; 0 = off. Salimans et al., 2016"
    )
    minibatch_dims: int = knob(4, "Dimensions of a kernel", lo=1, hi=16, group="fixes", help="in which a kernel compares; C in the paper")
    minibatch_reduce: str = knob("mean", "Kernels take the", choices=REDUCE, group="fixes", help="of the closeness to each other example")
    minibatch_spread: float = knob(
        0.35, "Spread of kernels", lo=0.01, hi=10.0, log=True, group="fixes", help="first deviation of T, times √(features it reads)"
    )
    pack: int = knob(1, "Packing", lo=1, hi=4, group="fixes", help="examples D sees at once; 1 = off. PacGAN, Lin et al., 2018")
    label_smoothing: float = knob(
        0.0, "Label smoothing", lo=0.0, hi=0.5, group="fixes", live=True, help="D is to say 1 − s of data; 0 = off. Salimans et al., 2016"
    )
    instance_noise: float = knob(
        0.0, "Instance noise σ", lo=0.0, hi=2.0, group="fixes", live=True, help="on all that D sees, falling to 0. Sønderby et al., 2017"
    )

    batch: int = knob(32, "Batch", unit="examples", lo=8, hi=512, log=True, group="advanced")
    noise: str = knob("uniform", "Noise", choices=NOISE, group="advanced")
    noise_dim: int = knob(2, "Noise dimension", lo=1, hi=64, group="advanced")
    width_g: int = knob(32, "Width of G", unit="units", lo=4, hi=256, log=True, group="advanced", kind="2d")
    depth_g: int = knob(3, "Hidden layers of G", lo=1, hi=6, group="advanced", kind="2d")
    width_d: int = knob(32, "Width of D", unit="units", lo=4, hi=256, log=True, group="advanced", kind="2d")
    depth_d: int = knob(2, "Hidden layers of D", lo=1, hi=6, group="advanced", kind="2d")
    fourier: int = knob(
        15,
        "Fourier features of D",
        lo=0,
        hi=32,
        group="advanced",
        kind="2d",
        help="random sines of x that D also sees; 0 = off. Tancik et al., 2020",
    )
    activation: str = knob("leaky", "Hidden units", choices=ACTIVATIONS, group="advanced", kind="2d", help="of G and D")
    start: str = knob("he", "First weights", choices=STARTS, group="advanced", kind="2d", help="of G and D")
    standardise: bool = knob(
        True, "Standardise the data", group="advanced", kind="2d", help="both play in units of the data's spread; off: in its own units"
    )
    in_scale: float = knob(
        1.0, "D reads x times", lo=0.1, hi=10.0, log=True, group="advanced", kind="2d", help="larger: D may be steeper from the start"
    )
    fourier_scale: float = knob(5.0, "Fourier scale", unit="rad", lo=0.1, hi=20.0, log=True, group="advanced", kind="2d")
    channels_g: int = knob(32, "Channels of G", lo=8, hi=64, step=8, group="advanced", kind="image")
    channels_d: int = knob(16, "Channels of D", lo=8, hi=64, step=8, group="advanced", kind="image")
    conditional: bool = knob(
        False, "Tell both the class", group="advanced", kind="image", help="Mirza & Osindero, 2014; D by projection, Miyato & Koyama, 2018"
    )
    penalty_every: int = knob(
        1, "Penalty every k steps", lo=1, hi=16, group="advanced", help="lazy regularisation, weight times k. Karras et al., 2020"
    )
    optimiser: str = knob("adam", "Optimiser", choices=OPTIMISERS, group="advanced", help="of both players")
    beta1: float = knob(0.5, "Adam β₁", lo=0.0, hi=0.99, group="advanced")
    beta2: float = knob(0.999, "Adam β₂", lo=0.5, hi=0.9999, group="advanced")
    lr_decay: bool = knob(True, "Lower both rates", group="advanced", help="linearly, from a part of the run on")
    decay_from: float = knob(
        0.5, "Rates fall from", unit="of the run", lo=0.0, hi=0.99, group="advanced", help="0 = from the first step on"
    )
    decay_to: float = knob(0.02, "Rates fall to", unit="of the rate", lo=0.0, hi=1.0, group="advanced", help="at the end of the run")
    ema_decay: float = knob(0.98, "Average of G's weights", lo=0.0, hi=0.9999, group="advanced", help="decay per step; 0 = the raw weights")

    def __post_init__(self) -> None:
        validate(self)
        needs = {"r1": "r1", "r3gan": "r1", "wgan-gp": "gp", "wgan": "clip"}.get(self.objective)
        if needs and not getattr(self, needs) > 0:
            raise ValueError(f"{needs}=0 is outside (0, {100 if needs != 'clip' else 1}] for the objective {self.objective}")
        refuse(self)


def equilibrium(c: Config) -> dict[str, float]:
    """EQUILIBRIUM of this run: smoothed labels move it, since the best D then says a = (1 − s) / 2."""
    s, a = c.label_smoothing, (1 - c.label_smoothing) / 2
    if not s:
        return EQUILIBRIUM[c.objective]
    if c.objective == "lsgan":
        return {"d_loss": a**2, "g_loss": 0.5 * (1 - a) ** 2}
    d_loss = -(1 - s) * log(a) - (1 + s) * log(1 - a)
    return {"d_loss": d_loss, "g_loss": log(1 - a) if c.objective == "minimax" else -log(a)}


def rate_factor(c: Config, step: int, total: int) -> float:
    """Of both learning rates, at a step of a run planned for `total`: 1 until `decay_from` of it, then linearly to `decay_to`."""
    return min(1.0, max(c.decay_to, (1 - step / total) / (1 - c.decay_from))) if c.lr_decay else 1.0


def refuse(c: Config) -> None:
    """ValueError for knobs that cannot combine."""
    if c.label_smoothing and c.objective not in LABELLED:
        raise ValueError(f"label_smoothing={c.label_smoothing:g} cannot combine with the objective {c.objective}, which has no labels")
    if c.batch % c.pack:
        raise ValueError(f"pack={c.pack} cannot combine with batch={c.batch}, which it does not divide")
    if c.pack > 1 and c.conditional:
        raise ValueError(f"pack={c.pack} cannot combine with conditional=true: a pack has no single class")
    if c.warm_start and c.noise != "normal" and kind(c.dataset) == "image":
        raise ValueError(f"warm_start={c.warm_start} cannot combine with noise={c.noise}: the prior of its autoencoder is normal")


@dataclass(frozen=True)
class Request:
    """What to draw from a trained generator."""

    n: int = knob(64, "Samples", lo=1, hi=10_000)
    seed: int = knob(0, "Seed", lo=0, hi=9_999)
    label: int = knob(-1, "Class", lo=-1, hi=999, help="−1 = all classes in turn")
    ema: bool = knob(True, "Averaged weights")

    def __post_init__(self) -> None:
        validate(self)


# Recommended values. Ring and grid were searched on other seeds than benchmarks/RESULTS.md reports; the smooth sets rest on one seed.
_IMAGE = dict(
    objective="r3gan", r1=0.25, r2=0.25, penalty_every=4, minibatch_std=True, batch=64, noise="normal", noise_dim=32, lr_g=3e-3, lr_d=3e-3,
    beta1=0.0, beta2=0.99, ema_decay=0.998, lr_decay=True, conditional=True, steps=1_800,
)  # fmt: skip
# Without narrow modes the game circles around its end: larger batches and a longer average bring it nearer than more steps do.
_SMOOTH = dict(objective="r3gan", r1=0.5, r2=0.5, batch=128, ema_decay=0.998, steps=6_000)
_NARROW = _SMOOTH | dict(r1=0.1, r2=0.1)  # thin lines need a steeper D
_COLOUR = dict(r1=1.0, r2=1.0, lr_g=2e-3, lr_d=2e-3)  # few images, many pixels: D must be held more firmly
DATASET_DEFAULTS: dict[str, dict[str, Any]] = {
    "ring8": dict(objective="r3gan"),
    "grid25": dict(objective="r3gan", lr_g=2e-3, lr_d=2e-3, beta2=0.99, ema_decay=0.995, steps=50_000),
    "moons": _SMOOTH,
    "spirals": dict(objective="r3gan", r1=0.03, r2=0.03, batch=64, ema_decay=0.995, steps=12_000),
    "swissroll": _NARROW,
    "checkerboard": _SMOOTH,
    "pinwheel": _NARROW,
    "circles": _NARROW,
    "s_curve": _NARROW,
    "gaussian": _SMOOTH,
    "own-2d": _NARROW,
    "digits": dict(steps=1_000),
    "emoji": _COLOUR,
    "own-images": _COLOUR,
}
OBJECTIVE_DEFAULTS: dict[str, dict[str, Any]] = {
    "r1": dict(r1=0.1),
    "r3gan": dict(r1=0.1, r2=0.1),
    "wgan-gp": dict(gp=0.1),
    "wgan": dict(clip=0.1),
}
IMAGE_OBJECTIVE_DEFAULTS: dict[str, dict[str, Any]] = {"wgan": dict(clip=0.01, lr_g=1e-3, lr_d=1e-3)}


def recommended(dataset: str, objective: str | None = None) -> dict[str, Any]:
    """Knob values recommended for a data set and, if given, an objective other than its usual one."""
    base: dict[str, Any] = dict(_IMAGE) if kind(dataset) == "image" else dict(objective="r3gan")
    base["unroll_by"] = "own"  # plain descent, the default of older runs, is not how D learns
    base |= DATASET_DEFAULTS.get(dataset, {})
    usual = base["objective"]
    if objective is not None and objective != usual:
        for name in ("r1", "r2"):
            base.pop(name, None)
        base["objective"] = objective
        if kind(dataset) == "image":
            base |= IMAGE_OBJECTIVE_DEFAULTS.get(objective, {})
    return OBJECTIVE_DEFAULTS.get(base["objective"], {}) | base | {"dataset": dataset}


def resolve(overrides: Mapping[str, Any]) -> Config:
    """Overrides on top of what is recommended for their data set and objective. ValueError names a bad knob."""
    if not isinstance(overrides, Mapping):
        raise ValueError("settings must be a set of named values")
    from_dict_check = {k: v for k, v in overrides.items() if k in ("dataset", "objective")}
    plain = from_dict(Config, {**from_dict_check, "r1": 1.0, "gp": 1.0, "clip": 1.0})  # refuse unknown keys before looking them up
    base = recommended(plain.dataset, overrides.get("objective"))
    return from_dict(Config, {**base, **overrides})


_COLLAPSE = dict(
    dataset="ring8", objective="non-saturating", batch=64, lr_g=5e-3, lr_d=5e-3, depth_g=2, lr_decay=False, steps=4_000,
)  # fmt: skip
# What a preset promises was measured over several seeds, of the compiled twin too: benchmarks/RESULTS.md.
PRESETS = {
    "ring": Preset("Ring of 8", dict(dataset="ring8"), "8 of 8", "R3GAN; 8 of 8 modes in 10 of 10 seeds, torch"),
    "collapse": Preset("Collapse it", _COLLAPSE, "≤ 2 of 8", "the plain game at a high rate; 2 modes or fewer in 9 of 10 seeds, torch"),
    "fix-r3gan": Preset(
        "Fix it with R3GAN",
        _COLLAPSE | dict(objective="r3gan", r1=0.1, r2=0.1),
        "8 of 8",
        "same nets and rate; 8 of 8 in 9 of 10 seeds, torch",
    ),
    "fix-gp": Preset(
        "Fix it with a gradient penalty",
        _COLLAPSE | dict(objective="wgan-gp", gp=0.1),
        "8 of 8",
        "same nets and rate; 8 of 8 in 10 of 10 seeds, torch",
    ),
    "hop": Preset(
        "It hops", TEXTBOOK["hop"].settings, "hops", "minimax, G faster than D; at the end all 8 modes, wide, in 0 of 20 seeds, torch"
    ),
    "hop-unrolled": Preset(
        "Unroll it",
        TEXTBOOK["hop-unrolled"].settings,
        "8 of 8, wide",
        "the same, against D 5 steps ahead; all 8 modes within 10σ in 20 of 20 seeds, torch",
    ),
    "two": Preset("Two modes", TEXTBOOK["two"].settings, "2 to 4 of 8", "five steps of D; 4 modes or fewer in 8 of 10 seeds, torch"),
    "two-clipped": Preset(
        "Clip the critic",
        TEXTBOOK["two-clipped"].settings,
        "7 of 8",
        "the same nets and rates, clipped at 0.3; 7 modes or more in 8 of 10 seeds, torch",
    ),
    "one": Preset(
        "One lump", TEXTBOOK["one"].settings, "a lump", "the plain game at a low rate; 3 modes or fewer, blurred, in 20 of 20 seeds, torch"
    ),
    "one-minibatch": Preset(
        "Compare the batch",
        TEXTBOOK["one-minibatch"].settings,
        "7 of 8",
        "the same, D compares each batch; 7 modes or more in 16 of 20 seeds, torch",
    ),
    "grid": Preset("Grid of 25", dict(dataset="grid25"), "25 of 25", "R3GAN, 50,000 steps; 25 of 25 in 3 of 3 seeds, torch"),
    "digits": Preset("Digits in 15 seconds", dict(dataset="digits"), "8×8", "R3GAN, told the class"),
    "mnist": Preset("MNIST in a minute", dict(dataset="mnist"), "28×28", "R3GAN, told the class; 1.6 to 2.1 times the floor in 60 s"),
    "mnist-warm": Preset(
        "MNIST, warm start",
        dict(dataset="mnist", warm_start=100),
        "28×28",
        "100 steps as a decoder, then R3GAN; 2.9 times the floor after 1,100 steps",
    ),
    "mnist-unlabelled": Preset(
        "MNIST without labels",
        dict(dataset="mnist", conditional=False),
        "10 of 10",
        "R3GAN, not told the class; all ten in 3 of 3 seeds after 1,100 steps",
    ),
}


def cadence(config: Config) -> tuple[int, int]:
    """Steps between looks and looks between evaluations: about 1,000 looks a run in 2-D (30 a second), 250 on images,
    and never so far apart that nothing moves for a second."""
    if kind(config.dataset) == "2d":
        return min(25, max(1, config.steps // 1000)), 5
    return min(20, max(1, config.steps // 250)), 12
