"""What the numbers of a run say, in plain words: each sentence is computed from the rows it points to. No torch here.

A row is {"step": …} plus metrics; the costly ones are only in the rows that were evaluated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engines import metrics
from engines.core import Evidence, Note
from engines.data import DATASETS, kind
from engines.gan.config import CRITICS, Config

Row = Mapping[str, float]
GOOD_HQ = 0.85
SATURATED, SATURATED_STEPS = 0.99, 200
VANISHING = 5e-3
ENDS, CHANGED = 5, 2  # rows averaged at each end of a time, and the factor by which a gradient grew or shrank
SPACE = "\u00a0"  # a number does not leave its unit


@dataclass(frozen=True)
class Case:
    """All that the rules look at: rows, evaluated rows, the shares of the modes in those, the number of modes."""

    rows: Sequence[Row]
    measured: Sequence[Row]
    config: Config
    k: int

    @property
    def now(self) -> Row:
        return self.measured[-1]

    def shares(self, row: Row) -> list[float]:
        return [row.get(f"{metrics.MODE_SHARE}{i}", 0.0) or 0.0 for i in range(self.k)]


def diagnose(rows: Sequence[Row], config: Config) -> Note | None:
    """The most important thing that the rows so far show, or None. Only the last 400 rows are read."""
    rows = rows[-400:]
    if not rows:
        return None
    info = DATASETS.get(config.dataset)
    key = metrics.MODES_COVERED if info and info.modes > 1 else metrics.CLASSES_COVERED
    measured = _evaluated(rows, key)
    k = (info.modes or len(info.classes)) if info and measured else 0
    case = Case(rows, measured, config, k)
    for rule in RULES:
        note = rule(case)
        if note is not None:
            return replace(note, text=_numbered(note.text))
    return None


def _evaluated(rows: Sequence[Row], key: str) -> list[Row]:
    """The rows of full evaluations, and the newest one, which is on screen: between them the cheap metrics alone are taken, and a window
    of so many rows is to stay as long as it was."""
    known = [r for r in rows if r.get(key) is not None]
    whole = [r for r in known[:-1] if r.get(metrics.SLICED_W1) is not None]
    return [*whole, *known[-1:]] if whole else known


def headline(config: Config) -> tuple[str, ...]:
    """The four metrics shown as tiles."""
    info = DATASETS.get(config.dataset)
    if kind(config.dataset) == "image":
        first = (
            (metrics.FRECHET_DISTANCE, metrics.CONFIDENCE, metrics.CLASSES_COVERED)
            if info
            else (metrics.PIXEL_SLICED_W1, metrics.G_GRAD_NORM, metrics.D_GRAD_NORM)
        )
        return (*first, metrics.D_ACCURACY)
    if info and info.modes > 1:
        return metrics.MODES_COVERED, metrics.HQ_FRACTION, metrics.REVERSE_KL, metrics.SLICED_W1
    return metrics.SLICED_W1, metrics.D_ACCURACY, metrics.G_GRAD_NORM, metrics.D_GRAD_NORM


# Rules, most important first. Each looks at a Case and speaks or is silent.


def warming(case: Case) -> Note | None:
    """The game has not begun: G is trained as a decoder."""
    last = case.rows[-1]
    rebuilt, kl = last.get(metrics.RECON), last.get(metrics.KL)
    if rebuilt is None or kl is None or last["step"] > case.config.warm_start:
        return None
    text = (
        f"Until step {case.config.warm_start:,} G is the decoder of an autoencoder and D waits. "
        f"Reconstruction costs {rebuilt:,.1f}{SPACE}nats an image, its place in the noise {kl:.1f}{SPACE}nats."
    )
    return Note("warm", "Warm start", text)  # no chart of the page shows these two


def hopping(case: Case) -> Note | None:
    """Samples sit on few modes, and on other ones a moment later."""
    recent = case.measured[-12:]
    if not _few(case) or len(recent) < 6:
        return None
    tops = [max(range(case.k), key=case.shares(r).__getitem__) for r in recent]
    changes = sum(a != b for a, b in zip(tops, tops[1:], strict=False))
    if changes < 3:
        return None
    share = max(case.shares(case.now))
    text = (
        f"Samples hop between modes. Mode {tops[-1]} holds {_percent(share)} ①, where {_percent(1 / case.k)} is even; "
        f"the fullest mode changed {changes} times in {recent[-1]['step'] - recent[0]['step']:,.0f} steps ②."
    )
    evidence = (_bar(1, case, tops[-1]), _point(2, metrics.MODES_COVERED, case.now))
    return Note("hopping", "Mode hopping", text, evidence, *_slope_fix(case.config))


def collapse(case: Case) -> Note | None:
    """Samples sit on few modes and stay there."""
    if not _few(case) or not all(_is_few(case, r) for r in case.measured[-3:]) or len(case.measured) < 3:
        return None
    covered, hq = case.now[metrics.MODES_COVERED], case.now[metrics.HQ_FRACTION]
    text = (
        f"Mode collapse: {_percent(hq)} of the samples sit on {covered:.0f} of {case.k} modes ①②. "
        "D has no lasting reason to send G anywhere else."
    )
    evidence = (_point(1, metrics.HQ_FRACTION, case.now), _point(2, metrics.MODES_COVERED, case.now))
    return Note("collapse", "Mode collapse", text, evidence, *_slope_fix(case.config))


def vanishing(case: Case) -> Note | None:
    """D is sure of everything, and next to no gradient reaches G."""
    steps, accuracy = _saturated(case)
    last = case.rows[-1]
    slope = last.get(metrics.G_GRAD_NORM)
    if not steps or slope is None or slope > VANISHING:
        return None
    text = f"G hardly learns: its gradient is {slope:.0e} ① while D is right on {_percent(accuracy)} ②."
    evidence = (_point(1, metrics.G_GRAD_NORM, last), _point(2, metrics.D_ACCURACY, last))
    if case.config.objective == "minimax":
        text += " The slope of log(1 − D) goes to 0 where D is sure."
        return Note("vanishing", "Gradient vanishes", text, evidence, {"objective": "non-saturating"}, "Fork with the non-saturating loss")
    return Note("vanishing", "Gradient vanishes", text, evidence, *_slope_fix(case.config))


def saturated(case: Case) -> Note | None:
    """D wins every time. What that leaves to G depends on the loss, so it is measured; a critic is wanted to win."""
    steps, accuracy = _saturated(case)
    if not steps or case.config.objective in CRITICS:
        return None
    text = f"D wins: it has been right on {_percent(accuracy)} ① for {steps:,} steps."
    evidence = [_point(1, metrics.D_ACCURACY, case.rows[-1])]
    felt = [r for r in case.rows if r["step"] >= case.rows[-1]["step"] - steps and r.get(metrics.G_GRAD_NORM) is not None]
    if len(felt) >= 2 * ENDS:
        before, now = (sum(r[metrics.G_GRAD_NORM] for r in rows) / ENDS for rows in (felt[:ENDS], felt[-ENDS:]))
        change = "shrank" if now < before / CHANGED else "grew" if now > before * CHANGED else "changed little"
        text += f" Meanwhile the gradient of G {change}, from {before:.2g} to {now:.2g} ②."
        evidence.append(Evidence(2, metrics.G_GRAD_NORM, int(felt[-1]["step"]), now))
    return Note("saturated", "D wins", text, tuple(evidence), *_slope_fix(case.config))


def good(case: Case) -> Note | None:
    """All modes, sharp."""
    if not _in_modes(case) or case.now[metrics.MODES_COVERED] < case.k or case.now[metrics.HQ_FRACTION] < GOOD_HQ:
        return None
    shares, hq = case.shares(case.now), case.now[metrics.HQ_FRACTION]
    text = (
        f"All {case.k} modes hold between {_percent(min(shares))} and {_percent(max(shares))} ①. "
        f"{_percent(hq)} of the samples are high quality ②; of the data, {_percent(metrics.HQ_CEILING)} are."
    )
    evidence = (_bar(1, case, shares.index(min(shares))), _point(2, metrics.HQ_FRACTION, case.now))
    return Note("good", "All modes", text, evidence)


def fuzzy(case: Case) -> Note | None:
    """All modes, not sharp."""
    if not _in_modes(case) or case.now[metrics.MODES_COVERED] < case.k:
        return None
    c, hq = case.config, case.now[metrics.HQ_FRACTION]
    text = f"All {case.k} modes ①, {_percent(hq)} high quality ②; the data reach {_percent(metrics.HQ_CEILING)}. "
    falling = c.lr_decay and case.now["step"] < 0.9 * c.steps
    text += f"Both rates fall from step {c.steps // 2:,}, which sharpens the samples." if falling else "Smaller steps sharpen the samples."
    evidence = (_point(1, metrics.MODES_COVERED, case.now), _point(2, metrics.HQ_FRACTION, case.now))
    fix = ({"lr_decay": True}, "Fork with falling rates") if not c.lr_decay else _rate_fix(c)
    return Note("fuzzy", "All modes, not sharp", text, evidence, *((None, "") if falling else fix))


def missing(case: Case) -> Note | None:
    """Some modes stay empty although a quarter of the run is over."""
    if not _in_modes(case) or case.now["step"] < 0.25 * case.config.steps or len(case.measured) < 3:
        return None
    covered, shares = case.now[metrics.MODES_COVERED], case.shares(case.now)
    if covered >= case.k:
        return None
    low = min(range(case.k), key=shares.__getitem__)
    text = (
        f"{covered:.0f} of {case.k} modes are covered ①. Mode {low} holds {_percent(shares[low])} ②, where {_percent(1 / case.k)} is even."
    )
    return Note(
        "missing", "Modes missing", text, (_point(1, metrics.MODES_COVERED, case.now), _bar(2, case, low)), *_slope_fix(case.config)
    )


def classes_missing(case: Case) -> Note | None:
    """Images: the judge sees few classes."""
    if not case.k or metrics.CLASSES_COVERED not in case.now or len(case.measured) < 3:
        return None
    if not all(r[metrics.CLASSES_COVERED] <= 0.6 * case.k for r in case.measured[-3:]):
        return None
    covered = case.now[metrics.CLASSES_COVERED]
    text = f"The classifier sees {covered:.0f} of {case.k} classes among the samples ①. G found a few that pass and repeats them."
    evidence = (_point(1, metrics.CLASSES_COVERED, case.now),)
    if not case.config.minibatch_std:
        return Note("collapse", "Classes missing", text, evidence, {"minibatch_std": True}, "Fork with minibatch deviation")
    return Note("collapse", "Classes missing", text, evidence, *_slope_fix(case.config))


def classes_good(case: Case) -> Note | None:
    """Images: all classes, and the judge is sure."""
    if not case.k or case.now.get(metrics.CLASSES_COVERED) != case.k or (case.now.get(metrics.CONFIDENCE) or 0) < GOOD_HQ:
        return None
    text = (
        f"All {case.k} classes appear ①, and the classifier is {_percent(case.now[metrics.CONFIDENCE])} sure of what it sees, on average ②."
    )
    evidence = (_point(1, metrics.CLASSES_COVERED, case.now), _point(2, metrics.CONFIDENCE, case.now))
    return Note("good", "All classes", text, evidence)


RULES: tuple[Callable[[Case], Note | None], ...] = (
    warming,
    hopping,
    collapse,
    vanishing,
    classes_missing,
    good,
    saturated,
    fuzzy,
    missing,
    classes_good,
)


def _in_modes(case: Case) -> bool:
    return case.k > 1 and metrics.MODES_COVERED in case.now


def _few(case: Case) -> bool:
    return _in_modes(case) and _is_few(case, case.now)


def _is_few(case: Case, row: Row) -> bool:
    """Most samples are on modes, but on no more than a third of these."""
    return row[metrics.MODES_COVERED] <= case.k / 3 and row[metrics.HQ_FRACTION] >= 0.3


def _saturated(case: Case) -> tuple[int, float]:
    """For how many steps up to now D was right on 99 % (0 if less than 200), and its accuracy now."""
    first = last = None
    for row in reversed(case.rows):
        value = row.get(metrics.D_ACCURACY)
        if value is None:
            continue
        if not value >= SATURATED:
            break
        last, first = last or row, row
    if first is None or last is None or last["step"] - first["step"] < SATURATED_STEPS:
        return 0, 0.0
    return int(last["step"] - first["step"]), last[metrics.D_ACCURACY]


def _slope_fix(c: Config) -> tuple[dict[str, Any], str]:
    """What cures collapse here: penalties at both real and fake; if they are on already, smaller steps."""
    if c.r1 and c.r2:
        return _rate_fix(c)
    labels = {"label_smoothing": 0.0} if c.label_smoothing else {}  # R3GAN has none to smooth
    return {"objective": "r3gan", "r1": 0.1, "r2": 0.1, "gp": 0.0, "clip": 0.0} | labels, "Fork with R3GAN"


def _rate_fix(c: Config) -> tuple[dict[str, Any], str]:
    return {"lr_g": max(1e-5, c.lr_g / 3), "lr_d": max(1e-5, c.lr_d / 3)}, "Fork with rates ÷ 3"


def _percent(x: float) -> str:
    value = 100 * x
    return f"{value:.{1 if (value < 1 or value > 98.5) and 0.05 <= value < 99.95 else 0}f}{SPACE}%"


def _point(number: int, metric: str, row: Row) -> Evidence:
    return Evidence(number, metric, int(row["step"]), float(row[metric]))


def _bar(number: int, case: Case, index: int) -> Evidence:
    return Evidence(number, metrics.MODE_SHARE.rstrip("/"), int(case.now["step"]), case.shares(case.now)[index], index)


def _numbered(text: str) -> str:
    return text.replace(" ①", f"{SPACE}①").replace(" ②", f"{SPACE}②")
