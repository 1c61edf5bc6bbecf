"""What the page may ask of a VAE between two steps. No torch here: the web process checks a question with these classes, a worker answers
it with `engines.vae.answers`."""

from __future__ import annotations

from dataclasses import dataclass

from engines.config import knob, validate
from engines.vae.presets import PRIORS

PIXELS = 3 * 32 * 32
SOURCES = {"toy": "f(z) = ‖z − 2‖², z ~ N(0, I), whose gradient is known", "model": "the reconstruction of one test example"}


class Question:
    """Values are checked by their ranges; what does not fit a run is refused when it is answered."""

    def __post_init__(self) -> None:
        validate(self)


def _index(title: str = "Test example", default: int = 0) -> int:
    return knob(default, title, lo=0, hi=999)


def _label() -> int:
    return knob(-1, "Class", lo=-1, hi=999, help="told to a conditional decoder; −1 = the first class")


@dataclass(frozen=True)
class Decode(Question):
    """What does the decoder make of one place? Or of a row of places, one latent after the other moved."""

    z: tuple[float, ...] = knob((), "Latents", lo=-1e3, hi=1e3, most=64, help="further ones are 0")
    on_map: bool = knob(False, "On the map", help="z is a place (x, y) on the map, which shows a plane through more latents")
    sweep: int = knob(0, "Latent to sweep", lo=0, hi=64, help="from −3 to 3, counted from 1; 0 = none")
    label: int = _label()


@dataclass(frozen=True)
class Encode(Question):
    """What does the encoder say of a drawn image, and what comes back?"""

    pixels: tuple[float, ...] = knob((), "Pixels", lo=-1.0, hi=1.0, most=PIXELS, help="channel by channel, row by row; none = a test image")
    index: int = _index()
    centre: bool = knob(True, "Centre it", help="move what was drawn to where the data have it")
    seed: int = knob(0, "Seed", lo=0, hi=9_999)
    label: int = _label()


@dataclass(frozen=True)
class Interpolate(Question):
    """What lies between two test examples, among the latents and among the pixels?"""

    a: int = _index("From")
    b: int = _index("To", 1)
    n: int = knob(11, "Places", lo=2, hi=25)


@dataclass(frozen=True)
class Posterior(Question):
    """Where could this example come from? The true posterior beside the encoder's."""

    index: int = _index()


@dataclass(frozen=True)
class Prior(Question):
    """How good are samples, by where z is drawn from?"""

    prior: str = knob("normal", "Prior", choices=PRIORS)
    n: int = knob(64, "Shown", lo=1, hi=225)
    noise: bool = knob(False, "Decoder noise")
    seed: int = knob(0, "Seed", lo=0, hi=9_999)


@dataclass(frozen=True)
class Aggregate(Question):
    """Do the latents of all examples together fill the prior?"""

    seed: int = knob(0, "Seed", lo=0, hi=9_999)


@dataclass(frozen=True)
class Blur(Question):
    """Why are the pictures blurred? One place, the training images that share it, their mean and the decoder's."""

    index: int = _index()
    k: int = knob(16, "Nearest images", lo=2, hi=64)
    seed: int = knob(0, "Seed of the draws", lo=0, hi=9_999)


@dataclass(frozen=True)
class Bounds(Question):
    """How tight is the bound?"""

    n: int = knob(100, "Test examples", lo=1, hi=500)
    seed: int = knob(0, "Seed", lo=0, hi=9_999)


@dataclass(frozen=True)
class Cloud(Question):
    """How do the posterior means of test examples lie in three dimensions?"""


@dataclass(frozen=True)
class Arithmetic(Question):
    """What does an example become with one class's mean added and another's taken off?"""

    index: int = _index()
    plus: int = knob(1, "Class added", lo=0, hi=999)
    minus: int = knob(0, "Class taken off", lo=0, hi=999)
    strength: float = knob(1.0, "Strength", lo=-3.0, hi=3.0)


@dataclass(frozen=True)
class Estimators(Question):
    """How noisy are the ways to estimate a gradient through a random draw?"""

    source: str = knob("toy", "Of what", choices=SOURCES)
    d: int = knob(1, "Dimensions", lo=1, hi=100, log=True, help="of the toy function")
    sigma: float = knob(1.0, "σ", lo=0.01, hi=10.0, log=True, help="of the toy's z")
    n: int = knob(2_000, "Estimates", lo=100, hi=20_000)
    index: int = _index()
    seed: int = knob(0, "Seed", lo=0, hi=9_999)


@dataclass(frozen=True)
class Reparameterise(Question):
    """Where does z = μ + σ ε lie, and how does it move when μ or σ does?"""

    mu: float = knob(0.5, "μ", lo=-3.0, hi=3.0)
    sigma: float = knob(0.8, "σ", lo=0.05, hi=3.0, log=True)
    eps: float = knob(1.0, "ε", lo=-4.0, hi=4.0)


@dataclass(frozen=True)
class Examples(Question):
    """Test examples in their order, to choose from."""

    start: int = _index("First")
    n: int = knob(12, "Shown", lo=1, hi=40)


@dataclass(frozen=True)
class Manifold(Question):
    """The manifold of the last look in full detail, of one class if the decoder is told one."""

    label: int = _label()


QUESTIONS = {
    "decode": Decode,
    "encode": Encode,
    "interpolate": Interpolate,
    "posterior": Posterior,
    "prior": Prior,
    "aggregate": Aggregate,
    "blur": Blur,
    "bounds": Bounds,
    "cloud": Cloud,
    "arithmetic": Arithmetic,
    "estimators": Estimators,
    "reparameterise": Reparameterise,
    "examples": Examples,
    "manifold": Manifold,
}
