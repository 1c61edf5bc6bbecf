"""Questions that have a model write or read at length for one measurement: ways of choosing, speed, the leak, transformers beside it. No
torch here; `engines.autoregressive.answers` answers them."""

from __future__ import annotations

from dataclasses import dataclass

from engines.autoregressive.questions import LONGEST_TEXT, Question
from engines.config import knob

STRANGE_TEXTS = {
    "letters": "the same characters, shuffled",
    "words": "the same words, shuffled",
    "reversed": "the same characters, back to front",
}
MASKS = {"A": "the pixel itself is hidden", "B": "the pixel itself is seen: a leak"}


def _seed() -> int:
    return knob(0, "Seed", lo=0, hi=9_999)


def _prompt() -> str:
    return knob("\n", "Prompt", most=LONGEST_TEXT)


@dataclass(frozen=True)
class Sampling(Question):
    """Text: one continuation by temperature, one by top-k, one by top-p, all from the same random numbers. Panel "text" (Tokens, in this
    order); metrics of each: distinct-3 and nats per token under the model as learned."""

    prompt: str = _prompt()
    length: int = knob(160, "Length", unit="tokens", lo=3, hi=1_000)
    seed: int = _seed()
    temperature: float = knob(1.0, "Temperature", lo=0.0, hi=5.0, help="of the first text")
    top_k: int = knob(5, "Top-k", lo=1, hi=4_096, help="of the second text, at temperature 1")
    top_p: float = knob(0.8, "Top-p", lo=0.0, hi=1.0, help="of the third text, at temperature 1. Holtzman et al., 2020")


@dataclass(frozen=True)
class Temperatures(Question):
    """Text: how varied and how likely is what it writes at each temperature? Panels "distinct" and "nll" (Curves over the temperature);
    metrics: the same of text held out."""

    prompt: str = _prompt()
    n: int = knob(8, "Texts at each temperature", lo=1, hi=64)
    length: int = knob(120, "Length", unit="tokens", lo=3, hi=1_000)
    seed: int = _seed()


@dataclass(frozen=True)
class Leak(Question):
    """Text: does the loss of training hold when text is read token by token, as it must be when it is written? Metrics: both, in nats per
    token of text held out."""

    n: int = knob(16, "Windows", lo=1, hi=256)


@dataclass(frozen=True)
class Strange(Question):
    """Text: does it tell strange texts from those held out by their nats per character? Each strange one is made of one held out, so
    that counts of characters cannot part them. Panels "roc" (Curve), "nats" (Curves), "text" (Tokens: one of each); metric "auroc"."""

    against: str = knob("words", "Against", choices=STRANGE_TEXTS)
    n: int = knob(200, "Texts of each", lo=10, hi=1_000)
    length: int = knob(60, "Length", unit="characters", lo=8, hi=400, help="the context at most")
    seed: int = _seed()


@dataclass(frozen=True)
class Stopwatch(Question):
    """Text: how long does each token take with what was computed before kept, and without? Panel "time" (Curves: position, ms), "machine"
    (Tokens); both ways must write the same text."""

    context: int = knob(
        256, "Context", unit="tokens", lo=8, hi=512, log=True, help="of a transformer of this shape; its weights do not change the time"
    )
    repeats: int = knob(3, "Repeats", lo=1, hi=9, help="the shortest of them counts")
    seed: int = _seed()


@dataclass(frozen=True)
class Reference(Question):
    """Text, transformers: the exported folder, opened by Hugging Face and set to write with its own `generate`. Panels "text" (Tokens: ours
    and theirs, greedy, then drawn from the same random numbers), "difference" (Bars: the largest of each layer and of the logits)."""

    prompt: str = _prompt()
    length: int = knob(60, "Length", unit="tokens", lo=1, hi=511)
    seed: int = _seed()
    temperature: float = knob(0.8, "Temperature", lo=0.05, hi=5.0, help="of the drawn text")


@dataclass(frozen=True)
class Blindspot(Question):
    """Pixels, convolutions: which pixels can reach one, whatever the weights? Panel "field" (Heats: plain and gated PixelCNN with the
    layers and kernel of this run); metrics: earlier pixels out of reach, and for any number of layers."""

    row: int = knob(-1, "Row", lo=-1, hi=31, help="−1 = the middle")
    column: int = knob(-1, "Column", lo=-1, hi=31, help="−1 = the middle")
    mask: str = knob("A", "Mask of the first layer", choices=MASKS, help="of the plain PixelCNN")


MORE_QUESTIONS = {
    "sampling": Sampling,
    "temperatures": Temperatures,
    "leak": Leak,
    "strange": Strange,
    "stopwatch": Stopwatch,
    "reference": Reference,
    "blindspot": Blindspot,
}
