"""What the numbers of a run say, in plain words: each sentence is computed from the rows it points to. No torch here.

A row is {"step": …} plus metrics; the costly ones are only in the rows that were evaluated."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engines import metrics
from engines.autoregressive.baselines import KNOWN, NAMES, ORDERS
from engines.autoregressive.config import Config, sides
from engines.core import Evidence, Note
from engines.data import kind

Row = Mapping[str, float]
SPACE = "\u00a0"  # a number does not leave its unit
GAP = 0.15  # nats/char between training and held-out text
RISE = 1.02  # how far above its best the held-out figure must be


@dataclass(frozen=True)
class Case:
    """All that the rules look at: rows, evaluated rows, and the name of the figure held out."""

    rows: Sequence[Row]
    measured: Sequence[Row]
    config: Config
    held_out: str
    training: str

    @property
    def now(self) -> Row:
        return self.measured[-1]

    @property
    def unit(self) -> str:
        return "nats/char" if self.held_out == metrics.VAL_NATS_PER_CHAR else "bits per pixel"


def headline(config: Config) -> tuple[str, ...]:
    """The four metrics shown as tiles."""
    if kind(config.dataset) == "text":
        return metrics.VAL_NATS_PER_CHAR, metrics.VAL_BITS_PER_BYTE, metrics.VAL_PERPLEXITY, metrics.NATS_PER_CHAR
    return metrics.BITS_PER_DIM, metrics.TEST_NLL, metrics.TRAIN_BITS_PER_DIM, metrics.GRAD_NORM


def diagnose(rows: Sequence[Row], config: Config) -> Note | None:
    """The most important thing that the rows so far show, or None. Only the last 400 rows are read."""
    rows = rows[-400:]
    text = kind(config.dataset) == "text"
    held_out = metrics.VAL_NATS_PER_CHAR if text else metrics.BITS_PER_DIM
    training = metrics.NATS_PER_CHAR if text else metrics.TRAIN_BITS_PER_DIM
    measured = [r for r in rows if r.get(held_out) is not None]
    if not measured:
        return None
    case = Case(rows, measured, config, held_out, training)
    return next((note for rule in RULES if (note := rule(case)) is not None), None)


# Rules, most important first. Each looks at a Case and speaks or is silent.


def leak(case: Case) -> Note | None:
    """Without the mask each token is shown the one that it is to predict."""
    if case.config.causal or case.now["step"] < 50:
        return None
    text = (
        f"Held-out loss {case.now[case.held_out]:.2f} {case.unit}{SPACE}①, because each token sees the one it is to predict. "
        "When it writes, there is nothing to copy from."
    )
    return Note("leak", "The future leaks", text, (_point(case, 1, case.held_out),), {"causal": True}, "Train with the mask")


def overfit(case: Case) -> Note | None:
    """What is held out gets worse while training gets better."""
    values = [r[case.held_out] for r in case.measured]
    best = min(range(len(values)), key=values.__getitem__)
    train = case.now.get(case.training)
    if train is None or len(values) - best < 4 or values[-1] < RISE * values[best] or train > values[-1] - GAP:
        return None
    text = (
        f"Held out it was best at step {case.measured[best]['step']:,.0f} and is now {values[-1]:.2f} {case.unit}{SPACE}①; "
        f"in training it reaches {train:.2f}{SPACE}②. It learns its examples by heart."
    )
    evidence = (_point(case, 1, case.held_out), _point(case, 2, case.training))
    stronger = {"weight_decay": min(1.0, max(0.1, 3 * case.config.weight_decay))}
    return Note("overfit", "Learning by heart", text, evidence, stronger, "Fork with more weight decay")


def stuck(case: Case) -> Note | None:
    """No better than counting single tokens, well into the run."""
    value, unigram = case.now[case.held_out], KNOWN.get(case.config.dataset, (0.0,))[0]
    if not unigram or value < 0.97 * unigram or case.now["step"] < max(200, 0.2 * case.config.steps):
        return None
    text = f"{value:.2f} nats/char{SPACE}①, no better than the frequency of each character alone, {unigram:.2f}."
    slower = {"lr": max(1e-5, case.config.lr / 10)}
    return Note("stuck", "It learns nothing", text, (_point(case, 1, case.held_out),), slower, "Fork with a tenth of the rate")


def ladder(case: Case) -> Note | None:
    """Which counts it has overtaken."""
    known = KNOWN.get(case.config.dataset)
    if known is None or case.config.limit:
        return None
    value = case.now[case.held_out]
    passed = [i for i in range(ORDERS) if value < known[i]]
    if not passed:
        return None
    better, ahead = NAMES[passed[-1]], [i for i in range(ORDERS) if value >= known[i]]
    text = f"{value:.2f} nats/char{SPACE}①: better than counting {better}s, {known[passed[-1]]:.2f}"
    text += f"; {NAMES[ahead[0]]}s reach {known[ahead[0]]:.2f}." if ahead else ", the longest counted here."
    return Note("ladder", f"Below the {better}", text, (_point(case, 1, case.held_out),))


def bits(case: Case) -> Note | None:
    """Images: what evenly spread levels would cost."""
    if kind(case.config.dataset) != "image":
        return None
    value, even = case.now[case.held_out], math.log2(int(case.config.levels))
    h, w = sides(case.config)
    text = (
        f"{value:.3f} bits per pixel{SPACE}①, where not knowing anything costs {even:.2f}: an image takes {value * h * w / 8:,.0f} bytes."
    )
    return Note("bits", "Bits per pixel", text, (_point(case, 1, case.held_out),))


RULES: tuple[Callable[[Case], Note | None], ...] = (leak, overfit, stuck, ladder, bits)


def _point(case: Case, number: int, metric: str) -> Evidence:
    return Evidence(number, metric, int(case.now["step"]), float(case.now[metric]))
