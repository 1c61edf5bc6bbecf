"""What the page may ask of a diffusion model between two steps. No torch here: the web process checks a question with these classes, a
worker answers it with `engines.diffusion.answers`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from engines.config import knob, validate
from engines.diffusion.config import SAMPLERS, SCHEDULES

OWN = {"": "as the run says", **SAMPLERS}
HALVES = {"top": "the upper half is known", "bottom": "the lower half", "left": "the left half", "right": "the right half"}


class Question:
    """Values are checked by their ranges; what does not fit a run is refused when it is answered."""

    def __post_init__(self) -> None:
        validate(self)


def _seed() -> Any:
    return knob(0, "Seed", lo=0, hi=9_999)


def _label() -> Any:
    return knob(-1, "Class", lo=-1, hi=999, help="−1 = all classes in turn")


def _steps() -> Any:
    return knob(0, "Sampler steps", lo=0, hi=1_000, help="0 = as the run says")


def _sampler() -> Any:
    return knob("", "Sampler", choices=OWN)


@dataclass(frozen=True)
class Trajectories(Question):
    """Which way do samples take, with the learned denoiser and with the exact one? 2-D."""

    starts: tuple[float, ...] = knob((), "Unit noise", lo=-6.0, hi=6.0, most=200, help="x, y, x, y, …; none = drawn from the seed")
    n: int = knob(50, "Paths", lo=1, hi=100, help="if none are given")
    sampler: str = _sampler()
    num_steps: int = _steps()
    seed: int = _seed()


@dataclass(frozen=True)
class Denoise(Question):
    """A batch, step by step: x_t, and what the network takes it for."""

    n: int = knob(16, "Examples", lo=1, hi=300, help="on images, no more than 64")
    sampler: str = _sampler()
    num_steps: int = _steps()
    frames: int = knob(100, "Steps kept", lo=2, hi=1_000, help="of a longer walk so many, evenly")
    cfg_scale: float = knob(-1.0, "Guidance", lo=-1.0, hi=10.0, help="−1 = as the run says")
    label: int = _label()
    ema: bool = knob(True, "Averaged weights")
    seed: int = _seed()


@dataclass(frozen=True)
class ScoreField(Question):
    """The score at one noise level or several: learned, exact, and how far apart. 2-D."""

    sigma: float = knob(0.3, "σ", lo=1e-3, hi=100.0, log=True)
    sigmas: tuple[float, ...] = knob((), "Levels", lo=1e-3, hi=1e3, most=64, help="one layer each; none = σ alone")
    zoomed: bool = knob(False, "In the flow's coordinates", help="places are x / (1 + σ), as paths are drawn")
    rows: int = knob(24, "Arrows in each direction", lo=4, hi=40)


@dataclass(frozen=True)
class Matrix(Question):
    """Samplers against steps, from the same noise."""

    samplers: str = knob("all", "Samplers", choices={"all": "every sampler", **SAMPLERS})
    most: int = knob(50, "Most steps", lo=1, hi=200, log=True)
    calls: tuple[float, ...] = knob(
        (), "Calls of the denoiser", lo=1, hi=200, most=12, help="as many steps as fit into each; none = by steps"
    )
    n: int = knob(500, "Samples in each cell", lo=10, hi=2_000, help="on images, no more than 64")
    exact: bool = knob(False, "Exact denoiser", help="what the samplers alone can do; 2-D")
    seed: int = _seed()


@dataclass(frozen=True)
class Guidance(Question):
    """What does guidance buy, and what does it cost? Images."""

    scales: tuple[float, ...] = knob((0.0, 1.0, 2.0, 4.0, 8.0), "Scales", lo=0.0, hi=10.0, most=8)
    per_class: int = knob(4, "Samples of each class", lo=1, hi=20)
    seed: int = _seed()


@dataclass(frozen=True)
class Examples(Question):
    """Test images, to choose from."""

    start: int = knob(0, "First", lo=0, hi=9_999)
    n: int = knob(10, "How many", lo=1, hi=64)


@dataclass(frozen=True)
class Edit(Question):
    """SDEdit: noise an example, or points, up to a level, then denoise. How much survives?"""

    index: int = knob(0, "Test example", lo=0, hi=999)
    pixels: tuple[float, ...] = knob((), "Values", lo=-1e4, hi=1e4, most=3 * 32 * 32, help="of one's own image or points, in data units")
    sigma: float = knob(1.0, "σ", lo=0.01, hi=100.0, log=True)
    n: int = knob(8, "Results", lo=1, hi=32)
    label: int = _label()
    num_steps: int = _steps()
    seed: int = _seed()


@dataclass(frozen=True)
class Inpaint(Question):
    """One half of an image is known: what may the other be?"""

    index: int = knob(0, "Test example", lo=0, hi=999)
    half: str = knob("top", "Known", choices=HALVES)
    n: int = knob(8, "Completions", lo=2, hi=32)
    label: int = _label()
    num_steps: int = _steps()
    repeats: int = knob(1, "Repeats of each step", lo=1, hi=5, help="so that both halves agree. RePaint, Lugmayr et al., 2022")
    seed: int = _seed()


@dataclass(frozen=True)
class Invert(Question):
    """The noise that a test example comes from, by DDIM backwards, and what comes back from it."""

    index: int = knob(0, "First test example", lo=0, hi=999)
    n: int = knob(8, "Examples", lo=1, hi=64)
    label: int = _label()
    num_steps: int = _steps()


@dataclass(frozen=True)
class Likelihood(Question):
    """log p of held-out data by the probability flow ODE, beside the exact one. 2-D."""

    n: int = knob(200, "Examples", lo=10, hi=1_000)
    num_steps: int = knob(100, "ODE steps", lo=10, hi=400)


@dataclass(frozen=True)
class Bound(Question):
    """How many bits does it need for a pixel? Images."""

    n: int = knob(200, "Test examples", lo=10, hi=1_000)
    draws: int = knob(4, "Noise levels of each", lo=1, hi=32)
    seed: int = _seed()


@dataclass(frozen=True)
class Parity(Question):
    """Does diffusers walk the same way? The same weights, grid and seed in both, through its own pipeline."""

    sampler: str = knob(
        "ddim", "Sampler", choices={k: SAMPLERS[k] for k in ("ddpm", "ddim", "euler", "heun", "dpmpp-2m", "unipc", "flow-euler")}
    )
    num_steps: int = knob(20, "Sampler steps", lo=2, hi=200, log=True)
    n: int = knob(16, "Examples", lo=1, hi=64)
    label: int = _label()
    seed: int = _seed()


@dataclass(frozen=True)
class Forward(Question):
    """From data to noise: the same examples with the same noise, at rising noise levels of a schedule."""

    schedule: str = knob("", "Schedule", choices={"": "as the run says", **SCHEDULES})
    n: int = knob(300, "Examples", lo=1, hi=500, help="on images, no more than 16")
    moments: int = knob(41, "Noise levels", lo=2, hi=101)
    seed: int = _seed()


@dataclass(frozen=True)
class Eta(Question):
    """DDIM twice from the same noise, each with fresh noise of its own: how far apart do they end, by η?"""

    etas: tuple[float, ...] = knob((0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0), "η", lo=0.0, hi=1.0, most=11)
    n: int = knob(300, "Samples", lo=2, hi=1_000, help="on images, no more than 32")
    num_steps: int = _steps()
    seed: int = _seed()


@dataclass(frozen=True)
class Averages(Question):
    """Raw against averaged weights: of the run as it is and, with `steps`, of the same run made once more from its first weights."""

    steps: int = knob(0, "Steps made again", lo=0, hi=5_000, help="from the beginning; 0 = only the run as it is")
    decays: tuple[float, ...] = knob((0.9, 0.99, 0.999), "Decays", lo=0.0, hi=0.9999, most=4)
    n: int = knob(300, "Samples", lo=10, hi=1_000, help="on images, no more than 32")
    num_steps: int = _steps()
    seed: int = _seed()


@dataclass(frozen=True)
class Attention(Question):
    """Which part of the image looked at which word of its caption? Runs that are told words."""

    caption: str = knob("", "Caption", most=200, help="none = an example of what the run was told")
    n: int = knob(4, "Images", lo=1, hi=16)
    num_steps: int = _steps()
    cfg_scale: float = knob(-1.0, "Guidance", lo=-1.0, hi=10.0, help="−1 = as the run says")
    seed: int = _seed()


METHODS = {
    "progressive": "one step is to land where two did, again and again. Salimans & Ho, 2022",
    "consistency": "all places of a path are to have one end. Song et al., 2023",
}


@dataclass(frozen=True)
class Distil(Question):
    """Can a student do it in one step? Trained beside the run, which stays as it is."""

    patience: ClassVar[float] = 60.0  # seconds that a page waits for the answer: a student of an image run takes a tenth of one an update

    method: str = knob("progressive", "Method", choices=METHODS)
    target: int = knob(1, "Steps of the student", lo=1, hi=8, help="1, 2, 4 or 8; progressive only")
    steps: int = knob(2_000, "Updates", lo=1, hi=20_000, log=True)
    lr: float = knob(1e-3, "Learning rate", lo=1e-5, hi=0.1, log=True)
    n: int = knob(500, "Samples", lo=10, hi=2_000, help="on images, no more than 40")
    seed: int = _seed()

    def __post_init__(self) -> None:
        validate(self)
        if self.target not in (1, 2, 4, 8):
            raise ValueError(f"target={self.target} is not one of 1, 2, 4, 8")


QUESTIONS = {
    "trajectories": Trajectories,
    "denoise": Denoise,
    "score_field": ScoreField,
    "matrix": Matrix,
    "forward": Forward,
    "eta": Eta,
    "averages": Averages,
    "guidance": Guidance,
    "examples": Examples,
    "edit": Edit,
    "inpaint": Inpaint,
    "invert": Invert,
    "likelihood": Likelihood,
    "bound": Bound,
    "parity": Parity,
    "distil": Distil,
    "attention": Attention,
}
