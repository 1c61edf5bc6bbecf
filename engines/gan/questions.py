"""What the page may ask of a GAN between two steps. No torch here: the web process checks a question with these classes, a worker answers
it with `engines.gan.answers`."""

from __future__ import annotations

from dataclasses import dataclass

from engines.config import knob, validate


@dataclass(frozen=True)
class Walk:
    """What does G make of one place of its noise? (x, y) lies on a square pad."""

    x: float = knob(0.0, "Across", lo=-1.0, hi=1.0)
    y: float = knob(0.0, "Up", lo=-1.0, hi=1.0)
    label: int = knob(-1, "Class", lo=-1, hi=999, help="−1 = the first class")

    def __post_init__(self) -> None:
        validate(self)


@dataclass(frozen=True)
class Neighbours:
    """Are samples copies? Of each, the nearest image among those trained on and among those held out."""

    seed: int = knob(0, "Seed", lo=0, hi=9_999)

    def __post_init__(self) -> None:
        validate(self)


@dataclass(frozen=True)
class Birthday:
    """How many different samples are there? By how soon two in a batch are alike."""

    seed: int = knob(0, "Seed", lo=0, hi=9_999)

    def __post_init__(self) -> None:
        validate(self)


@dataclass(frozen=True)
class Audit:
    """How do samples and data lie in each other's neighbourhoods? Measures too slow to be taken while training, and their floors."""


QUESTIONS = {"walk": Walk, "neighbours": Neighbours, "birthday": Birthday, "audit": Audit}
