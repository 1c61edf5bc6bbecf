"""The knobs of a VAE run, what cannot combine, and cost. No torch here: the form is made from this file. Recommended values and presets
are in `engines.vae.presets`."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from engines.config import knob, validate
from engines.core import Cost
from engines.data import CHOICES, DATASETS, DatasetInfo, kind

OBJECTIVES = {
    "elbo": "the bound itself: reconstruction + KL, both in nats",
    "beta-vae": "reconstruction + β KL; β = 1 is the bound itself",
    "warm-up": "β grows from 0 over the first steps, so that the latents are in use before they cost",
    "free-bits": "each latent may use so many nats for nothing; only more than that is paid for",
    "iwae": "a tighter bound from k weighted draws of the encoder",
    "autoencoder": "no KL and no noise: codes may lie anywhere, with holes between them",
    "vq-vae": "each latent is one of K learned codes; no gradient passes the choice, it is copied across",
}
GAUSSIAN = ("elbo", "beta-vae", "warm-up", "free-bits", "iwae")  # objectives with a Gaussian posterior, and so a KL
SINGLE = ("elbo", "beta-vae", "warm-up", "free-bits")  # of these, one draw per example
WEIGHTED = ("beta-vae", "warm-up", "free-bits")  # and the KL weighted by β
LIKELIHOODS = {
    "bernoulli": "each pixel is on with some probability",
    "gaussian": "a bell around each value, one σ for all",
    "logistic": "a bell over the grey levels that exist: 17 of the digits, 256 elsewhere",
}
BINARISATION = {
    "soft": "grey stays grey: the cross-entropy of real values, not a likelihood",
    "dynamic": "pixels drawn on or off anew each time they are seen",
    "fixed": "pixels drawn on or off once, before training",
}
ESTIMATORS = {
    "pathwise": "z = μ + σ ε: the gradient goes through the draw",
    "reinforce": "score function: the loss times the gradient of log q",
    "reinforce-baseline": "the same with a running mean taken off the loss",
}
NETWORKS = {"mlp": "fully connected layers", "conv": "two strided convolutions, and two back"}
ACTIVATIONS = {"silu": "x · sigmoid(x)", "tanh": "between −1 and 1", "relu": "zero below 0"}
LEVELS = {"digits": 17}  # grey levels of a data set, 256 for others


@dataclass(frozen=True)
class Config:
    """One VAE run. Learning rate, β, free bits and warm-up may change while it trains."""

    dataset: str = knob("mnist", "Data set", choices=CHOICES)
    objective: str = knob("beta-vae", "Loss", choices=OBJECTIVES)
    likelihood: str = knob("bernoulli", "Likelihood", choices=LIKELIHOODS)
    beta: float = knob(1.0, "β", unit="weight of KL", lo=0.0, hi=100.0, log=True, live=True, help="Higgins et al., 2017")
    latent: int = knob(2, "Latent dimensions", lo=1, hi=64, log=True, help="numbers that describe one example")
    lr: float = knob(3e-3, "Learning rate", lo=1e-5, hi=0.1, log=True, live=True, help="step size of Adam")
    steps: int = knob(3_000, "Steps", lo=1, hi=200_000, log=True, help="length of the run")
    seed: int = knob(7, "Seed", lo=0, hi=9_999, step=1, help="same seed and settings, same run")

    free_bits: float = knob(0.5, "Free nats per latent", unit="nats", lo=0.0, hi=10.0, group="fixes", live=True, help="Kingma et al., 2016")
    warmup: int = knob(500, "KL warm-up", unit="steps", lo=1, hi=100_000, log=True, group="fixes", live=True, help="Bowman et al., 2016")
    mean_pixels: bool = knob(
        False,
        "Average the pixels",
        group="fixes",
        live=True,
        help="the usual mistake: as if β were as many times larger as there are pixels",
    )
    k: int = knob(5, "Draws k", lo=1, hi=64, log=True, group="fixes", help="of IWAE. Burda et al., 2016")
    conditional: bool = knob(False, "Tell both the class", group="fixes", kind="image", help="conditional VAE, Sohn et al., 2015")
    estimator: str = knob("pathwise", "Gradient estimator", choices=ESTIMATORS, group="fixes")

    binarisation: str = knob("soft", "Pixels", choices=BINARISATION, group="advanced", kind="image")
    sigma: float = knob(
        0.1, "σ of the likelihood", lo=1e-3, hi=10.0, log=True, group="advanced", help="Gaussian only; where it starts if learned"
    )
    learn_sigma: bool = knob(True, "Learn σ", group="advanced", help="Gaussian only. Rybkin et al., 2021")
    network: str = knob("mlp", "Networks", choices=NETWORKS, group="advanced", kind="image")
    width: int = knob(400, "Width", unit="units", lo=4, hi=1024, log=True, group="advanced", help="of the hidden layers")
    depth: int = knob(1, "Hidden layers", lo=1, hi=4, group="advanced", help="of encoder and decoder each")
    channels: int = knob(16, "Channels", lo=8, hi=64, step=8, group="advanced", kind="image", help="convolutions only")
    activation: str = knob("silu", "Activation", choices=ACTIVATIONS, group="advanced")
    codes: int = knob(64, "Codes K", lo=2, hi=1024, log=True, group="advanced", help="VQ-VAE only. van den Oord et al., 2017")
    code_dim: int = knob(8, "Numbers per code", lo=1, hi=64, group="advanced", help="VQ-VAE only")
    commitment: float = knob(
        0.25, "Commitment", lo=0.0, hi=10.0, group="advanced", live=True, help="pulls the encoder to its codes; VQ-VAE only"
    )
    batch: int = knob(128, "Batch", unit="examples", lo=8, hi=1024, log=True, group="advanced")
    beta1: float = knob(0.9, "Adam β₁", lo=0.0, hi=0.99, group="advanced")
    beta2: float = knob(0.99, "Adam β₂", lo=0.5, hi=0.9999, group="advanced")
    lr_decay: bool = knob(True, "Lower the rate in the second half", group="advanced", help="linearly, to 2 % at the end")

    def __post_init__(self) -> None:
        validate(self)
        refuse(self)


def refuse(c: Config) -> None:
    """ValueError for knobs that cannot combine."""
    if kind(c.dataset) == "2d" and c.likelihood != "gaussian":
        raise ValueError(f"likelihood={c.likelihood} is not one of gaussian, the only one for points in the plane")
    if kind(c.dataset) == "2d" and c.network != "mlp":
        raise ValueError(f"network={c.network} is not one of mlp, the only one for points in the plane")
    if c.beta != 1 and c.objective not in WEIGHTED:
        raise ValueError(f"beta={c.beta:g} is outside [1, 1] for the objective {c.objective}; beta-vae weighs the KL")
    if c.estimator != "pathwise" and c.objective not in SINGLE:
        raise ValueError(f"estimator={c.estimator} cannot combine with the objective {c.objective}")
    if c.mean_pixels and c.objective not in SINGLE:
        raise ValueError(f"mean_pixels=true cannot combine with the objective {c.objective}")


def info_of(config: Config) -> DatasetInfo:
    """What is known of the data before it is loaded; of own images, the usual shape."""
    own = DatasetInfo(config.dataset, kind(config.dataset), "", "", (2,) if kind(config.dataset) == "2d" else (3, 32, 32))
    return DATASETS.get(config.dataset, own)


def levels(config: Config) -> int:
    """Grey levels of a pixel."""
    return LEVELS.get(config.dataset, 256)


def tokens(config: Config, shape: tuple[int, ...]) -> int:
    """Discrete latents of a VQ-VAE: one per cell of the convolutions, or as many as `latent` says."""
    return (shape[1] // 4) * (shape[2] // 4) if config.network == "conv" else config.latent


def heads(config: Config, shape: tuple[int, ...]) -> tuple[int, int]:
    """Numbers that the encoder gives and that the decoder takes, classes left out."""
    if config.objective == "vq-vae":
        n = tokens(config, shape) * config.code_dim
        return n, n
    return 2 * config.latent, config.latent


def cost(config: Config) -> Cost:
    """Parameters, FLOP per step (forward + 2 × backward, k draws through the decoder) and bytes (parameters, gradients, two Adam
    moments, activations of one step)."""
    info = info_of(config)
    dims = prod(info.shape)
    said, taken = heads(config, info.shape)
    told = len(info.classes) if config.conditional else 0
    outputs = dims * (2 if config.likelihood == "logistic" else 1)
    hidden = [config.width] * config.depth
    if config.network == "conv":
        encoder, decoder, flop_e, flop_d = _conv(config, info.shape, said, taken, told, outputs // dims)
        units = 6 * config.channels * dims
    else:
        encoder, decoder = _mlp([dims + told, *hidden, said]), _mlp([taken + told, *hidden, outputs])
        flop_e, flop_d, units = 2 * encoder, 2 * decoder, 2 * sum(hidden) + dims
    draws = config.k if config.objective == "iwae" else 1
    total = encoder + decoder + int(config.likelihood == "gaussian" and config.learn_sigma)
    total += config.codes * config.code_dim if config.objective == "vq-vae" else 0
    flop = 3.0 * config.batch * (flop_e + draws * flop_d)
    return Cost(parameters=total, flop_per_step=flop, bytes=4 * (4 * total + 4 * config.batch * draws * units))


def cadence(config: Config) -> tuple[int, int]:
    """Steps between looks and looks between evaluations: about 1,000 looks a run in 2-D, 250 on images."""
    if kind(config.dataset) == "2d":
        return min(25, max(1, config.steps // 1000)), 5
    return min(20, max(1, config.steps // 250)), 12


def _mlp(sizes: list[int]) -> int:
    return sum(a * b + b for a, b in zip(sizes, sizes[1:], strict=False))


def _conv(config: Config, shape: tuple[int, ...], said: int, taken: int, told: int, factor: int) -> tuple[int, int, float, float]:
    """Parameters and forward FLOP of both convolutional networks; see `engines.vae.convnets`."""
    (c, h, w), a, width = shape, config.channels, config.width
    cells = h // 4 * (w // 4)
    first, second, last = 16 * c * a + a, 16 * a * 2 * a + 2 * a, 9 * a * 4 * factor * c + 4 * factor * c
    back = 9 * 2 * a * 4 * a + 4 * a
    convs_e, convs_d = 2.0 * cells * (4 * first + second), 2.0 * cells * (back + 4 * last)
    if config.objective == "vq-vae":
        seen = 2 * a * config.code_dim + config.code_dim
        lifted = config.code_dim * 2 * a + 2 * a
        return first + second + seen, lifted + back + last, convs_e + 2 * cells * seen, convs_d + 2 * cells * lifted
    flat = _mlp([2 * a * cells + told, width, said])
    lift = _mlp([taken + told, width, 2 * a * cells])
    return first + second + flat, lift + back + last, convs_e + 2 * flat, convs_d + 2 * lift
