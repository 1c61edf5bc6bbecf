"""What a program may ask of an autoregressive model: what to draw, and questions about what it has learned. No torch here: the web
process checks a question with these classes, a worker answers it with `engines.autoregressive.answers`."""

from __future__ import annotations

from dataclasses import dataclass

from engines.config import knob, validate

LONGEST_TEXT = 4_096  # characters of a prompt or of a text asked about
MOST_PIXELS = 32 * 32
OTHERS = {
    "inverted": "the test images, black for white",
    "shuffled": "their pixels shuffled",
    "noise": "levels drawn evenly",
    "fashion": "clothes, for models of 28×28 digits",
    "mnist": "digits, for models of clothes",
}


class Question:
    """Values are checked by their ranges; what does not fit a run is refused when it is answered."""

    def __post_init__(self) -> None:
        validate(self)


def _text(title: str = "Text") -> str:
    return knob("", title, most=LONGEST_TEXT, help="empty = the beginning of the text held out")


def _position() -> int:
    return knob(-1, "Position", lo=-1, hi=LONGEST_TEXT, help="a token of the text, from 0; −1 = after the last one")


def _seed() -> int:
    return knob(0, "Seed", lo=0, hi=9_999)


def _temperature() -> float:
    return knob(1.0, "Temperature", lo=0.0, hi=5.0, help="1 = as learned; 0 = always the likeliest")


def _top_k() -> int:
    return knob(0, "Top-k", lo=0, hi=4_096, help="only the k likeliest; 0 = off")


def _top_p() -> float:
    return knob(1.0, "Top-p", lo=0.0, hi=1.0, help="only the likeliest that together hold p; 1 = off. Holtzman et al., 2020")


def _min_p() -> float:
    return knob(0.0, "Min-p", lo=0.0, hi=1.0, help="only what has p of the likeliest one's probability; 0 = off. Nguyen et al., 2024")


def _pixels() -> tuple[float, ...]:
    return knob((), "Pixels", lo=-1.0, hi=1.0, most=MOST_PIXELS, help="row by row, −1 black; none = an image held out")


def _index() -> int:
    return knob(0, "Image held out", lo=0, hi=100_000)


def _label() -> int:
    return knob(-1, "Class", lo=-1, hi=999, help="for a model that is told; −1 = all in turn, or that of the image held out")


@dataclass(frozen=True)
class Request(Question):
    """What to draw from a trained model: texts that go on from a prompt, or images."""

    n: int = knob(16, "Samples", lo=1, hi=10_000)
    seed: int = _seed()
    temperature: float = _temperature()
    top_k: int = _top_k()
    top_p: float = _top_p()
    min_p: float = _min_p()
    repetition_penalty: float = knob(
        1.0, "Repetition penalty", lo=1.0, hi=5.0, help="of tokens that were there; 1 = off. Keskar et al., 2019"
    )
    beams: int = knob(1, "Beams", lo=1, hi=16, help="the likeliest of so many continuations kept; 1 = draw instead")
    length: int = knob(400, "Length", unit="tokens", lo=1, hi=4_096)
    prompt: str = knob("\n", "Prompt", most=LONGEST_TEXT)
    cache: bool = knob(True, "Cache", help="keep what was computed of earlier tokens or pixels; the result is the same")
    label: int = _label()


@dataclass(frozen=True)
class Next(Question):
    """Text: what comes next at one position, and how sure is the model? Panel "next" (Bars, the `shown` likeliest), "text" (Tokens)."""

    text: str = _text()
    position: int = _position()
    shown: int = knob(20, "Shown", lo=1, hi=100)
    temperature: float = _temperature()
    top_k: int = _top_k()
    top_p: float = _top_p()
    min_p: float = _min_p()


@dataclass(frozen=True)
class Surprise(Question):
    """Text: how likely is each token of it? Panel "text" (Tokens), metrics in nats and bits, and how it ranks among the held-out text."""

    text: str = _text()


@dataclass(frozen=True)
class Attention(Question):
    """Text, transformers: where each token looks. Panel "attention" (Heat, query by key), "text" (Tokens)."""

    text: str = _text()
    layer: int = knob(0, "Layer", lo=0, hi=63)
    head: int = knob(0, "Head", lo=0, hi=63)


@dataclass(frozen=True)
class Lens(Question):
    """Text, transformers: what each layer would already say (nostalgebraist, 2020). Panel "lens" (a Bars per layer), "final" (Curve)."""

    text: str = _text()
    position: int = _position()
    shown: int = knob(5, "Shown", lo=1, hi=20)


@dataclass(frozen=True)
class Receptive(Question):
    """What a prediction depends on: the length of its gradient at each input. Text: panel "text" (Tokens, value = gradient); pixels: panel
    "field" (Heat)."""

    text: str = _text()
    position: int = _position()
    row: int = knob(-1, "Row", lo=-1, hi=31, help="−1 = the middle")
    column: int = knob(-1, "Column", lo=-1, hi=31, help="−1 = the middle")
    pixels: tuple[float, ...] = _pixels()
    index: int = _index()
    label: int = _label()


@dataclass(frozen=True)
class Context(Question):
    """Text: how much does more context help? Panel "context" (Curve: tokens seen, nats per token)."""


@dataclass(frozen=True)
class Baselines(Question):
    """Text: what do counts and gzip make of it, and how many different characters are there? Panel "baselines" (Bars, nats/char)."""


@dataclass(frozen=True)
class Continue(Question):
    """Text: what follows if one token is another? Panel "text" (Tokens)."""

    text: str = _text()
    position: int = _position()
    token: str = knob("", "Token put there", most=64, help="empty = drawn")
    length: int = knob(200, "Length", unit="tokens", lo=1, hi=2_000)
    seed: int = _seed()
    temperature: float = _temperature()
    top_k: int = _top_k()
    top_p: float = _top_p()
    min_p: float = _min_p()
    repetition_penalty: float = knob(1.0, "Repetition penalty", lo=1.0, hi=5.0)


@dataclass(frozen=True)
class Memorised(Question):
    """Text: which parts of a text are copies of the text trained on? Without a text it writes one. Panel "text" (Tokens, mark = within a
    copy)."""

    text: str = knob("", "Text", most=LONGEST_TEXT, help="empty = one that it writes")
    least: int = knob(20, "Shortest copy", unit="characters", lo=5, hi=200)
    length: int = knob(400, "Length", unit="tokens", lo=1, hi=2_000)
    seed: int = _seed()
    temperature: float = _temperature()


@dataclass(frozen=True)
class Speculative(Question):
    """Text: the same distribution, faster: a small model drafts, the large one checks (Leviathan et al., 2023). The draft is a trigram."""

    draft: int = knob(4, "Tokens drafted", lo=1, hi=16)
    length: int = knob(200, "Length", unit="tokens", lo=1, hi=2_000)
    seed: int = _seed()
    temperature: float = _temperature()
    prompt: str = knob("\n", "Prompt", most=LONGEST_TEXT)


@dataclass(frozen=True)
class Pixel(Question):
    """Pixels: what did it expect of one pixel, given those before? Panel "next" (Bars, one per level), "image" (Images)."""

    pixels: tuple[float, ...] = _pixels()
    index: int = _index()
    row: int = knob(-1, "Row", lo=-1, hi=31, help="−1 = the middle")
    column: int = knob(-1, "Column", lo=-1, hi=31, help="−1 = the middle")
    label: int = _label()


@dataclass(frozen=True)
class Draw(Question):
    """Pixels: one image drawn pixel by pixel, and what was expected of each pixel before. Panel "image" (Images), "order" (Curve: which
    pixel is k-th, counted row by row, and the level drawn), "next" (Curve: `levels` probabilities for each k in turn)."""

    pixels: tuple[float, ...] = _pixels()
    known: int = knob(0, "Pixels kept", lo=0, hi=MOST_PIXELS, help="so many are taken from the pixels given, in the order of the model")
    seed: int = _seed()
    temperature: float = _temperature()
    label: int = _label()


@dataclass(frozen=True)
class Likelihood(Question):
    """Pixels: how likely is an image? Panel "bits" (Heat, per pixel), "image", "held out" (Bars: where the test images lie)."""

    pixels: tuple[float, ...] = _pixels()
    index: int = _index()
    label: int = _label()


@dataclass(frozen=True)
class Complete(Question):
    """Pixels: how does half an image go on? Panel "stage" (Images: the given one, then completions), "entropy" (Heat), "vote" (Bars)."""

    pixels: tuple[float, ...] = _pixels()
    index: int = _index()
    given: float = knob(0.5, "Part given", lo=0.0, hi=1.0, help="of the pixels, in the order of the model")
    n: int = knob(15, "Completions", lo=1, hi=64)
    seed: int = _seed()
    temperature: float = _temperature()
    label: int = _label()


@dataclass(frozen=True)
class Anomaly(Question):
    """Pixels: does it tell other images from its own by their likelihood? Panel "roc" (Curve), "bits" (Curves: histograms)."""

    against: str = knob("inverted", "Against", choices=OTHERS)
    n: int = knob(200, "Images of each", lo=10, hi=1_000)
    seed: int = _seed()


QUESTIONS = {
    "next": Next,
    "surprise": Surprise,
    "attention": Attention,
    "lens": Lens,
    "receptive": Receptive,
    "context": Context,
    "baselines": Baselines,
    "continue": Continue,
    "memorised": Memorised,
    "speculative": Speculative,
    "pixel": Pixel,
    "draw": Draw,
    "likelihood": Likelihood,
    "complete": Complete,
    "anomaly": Anomaly,
}
