"""What the numbers of a run say, in plain words: each sentence is computed from the rows it points to. No torch here.

A row is {"step": …} plus metrics; the costly ones are only in the rows that were evaluated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from engines import metrics
from engines.core import Evidence, Note
from engines.data import DATASETS, kind
from engines.diffusion.config import RANDOM, Config

Row = Mapping[str, float]
GOOD_HQ, GOOD_CONFIDENCE = 0.9, 0.9
FEW_STEPS, FEW_RANDOM = 8, 50  # sampler steps below which samples suffer, whatever was learned
SPACE = "\u00a0"  # a number does not leave its unit


@dataclass(frozen=True)
class Case:
    """All that the rules look at: rows, evaluated rows, the number of modes or classes."""

    rows: Sequence[Row]
    measured: Sequence[Row]
    config: Config
    k: int

    @property
    def now(self) -> Row:
        return self.measured[-1]


def diagnose(rows: Sequence[Row], config: Config) -> Note | None:
    """The most important thing that the rows so far show, or None. Only the last 400 rows are read."""
    rows = rows[-400:]
    if rows and rows[-1]["step"] < config.first_steps and rows[-1].get(metrics.RECON) is not None:
        return autoencoder_first(rows[-1], config)
    measured = [r for r in rows if r.get(metrics.VALIDATION_MSE) is not None]
    if not measured:
        return None
    info = DATASETS.get(config.dataset)
    case = Case(rows, measured, config, (info.modes or len(info.classes)) if info else 0)
    for rule in RULES:
        note = rule(case)
        if note is not None:
            return replace(note, text=note.text.replace(" ①", f"{SPACE}①").replace(" ②", f"{SPACE}②"))
    return None


def headline(config: Config) -> tuple[str, ...]:
    """The four metrics shown as tiles."""
    info = DATASETS.get(config.dataset)
    if kind(config.dataset) == "image":
        if info is None:
            return metrics.PIXEL_SLICED_W1, metrics.VALIDATION_MSE, metrics.MSE, metrics.NFE
        return metrics.FRECHET_DISTANCE, metrics.CONFIDENCE, metrics.CLASSES_COVERED, metrics.VALIDATION_MSE
    if info and info.modes > 1:
        return metrics.MODES_COVERED, metrics.HQ_FRACTION, metrics.SLICED_W1, metrics.VALIDATION_MSE
    known = metrics.SCORE_COSINE if info else metrics.GRAD_NORM
    return metrics.SLICED_W1, metrics.VALIDATION_MSE, known, metrics.STRAIGHTNESS


def autoencoder_first(row: Row, config: Config) -> Note:
    """The first part of a latent run, when samples cannot be any good."""
    text = (
        f"The autoencoder learns until step {config.first_steps:,}; rebuilding an image now costs {row[metrics.RECON]:.0f} nats"
        f"{SPACE}①. The denoiser has not begun: samples are noise, decoded."
    )
    return Note("autoencoder", "Autoencoder first", text, (_point(1, metrics.RECON, row),))


# Rules, most important first. Each looks at a Case and speaks or is silent.


def overfitting(case: Case) -> Note | None:
    """The loss on held-out examples rises while the loss of training falls."""
    losses = [r[metrics.VALIDATION_MSE] for r in case.measured]
    lowest = min(range(len(losses)), key=losses.__getitem__)
    if len(losses) < 6 or losses[-1] < 1.1 * losses[lowest] or lowest > len(losses) - 4 or not _falling(case):
        return None
    text = (
        f"Overfitting: the loss on held-out examples rose from {losses[lowest]:.3f} ① to {losses[-1]:.3f} ②, while that of training fell. "
        "Whether samples become copies is not measured here."
    )
    evidence = (_point(1, metrics.VALIDATION_MSE, case.measured[lowest]), _point(2, metrics.VALIDATION_MSE, case.now))
    return Note("overfitting", "Overfitting", text, evidence)


def few_steps(case: Case) -> Note | None:
    """The network is good and the sampler is hurried."""
    c, cosine = case.config, case.now.get(metrics.SCORE_COSINE)
    least = FEW_RANDOM if c.sampler in RANDOM or (c.sampler == "ddim" and c.eta > 0.5) else FEW_STEPS
    hq = case.now.get(metrics.HQ_FRACTION)
    if c.num_steps >= least or cosine is None or cosine < 0.9 or hq is None or hq >= GOOD_HQ:
        return None
    text = (
        f"The score is right (cosine {cosine:.2f} ①) but {c.num_steps} steps of the sampler are too few: {_percent(hq)} high quality ②. "
        "More steps need no more training."
    )
    evidence = (_point(1, metrics.SCORE_COSINE, case.now), _point(2, metrics.HQ_FRACTION, case.now))
    return Note("few-steps", "Too few sampler steps", text, evidence, {"num_steps": least}, f"Sample in {least} steps")


def good(case: Case) -> Note | None:
    """All modes, sharp."""
    covered, hq = case.now.get(metrics.MODES_COVERED), case.now.get(metrics.HQ_FRACTION)
    if case.k < 2 or covered != case.k or hq is None or hq < GOOD_HQ:
        return None
    text = f"All {case.k} modes ①, {_percent(hq)} of the samples high quality ②; of the data, {_percent(metrics.HQ_CEILING)} are."
    return Note("good", "All modes", text, (_point(1, metrics.MODES_COVERED, case.now), _point(2, metrics.HQ_FRACTION, case.now)))


def flat_loss(case: Case) -> Note | None:
    """The usual question: is it stuck? No: what is left of the loss cannot be learned."""
    losses = [r[metrics.VALIDATION_MSE] for r in case.measured]
    if kind(case.config.dataset) == "image" or len(losses) < 6 or case.now["step"] < 0.2 * case.config.steps:
        return None
    before, now = losses[len(losses) // 2], losses[-1]
    if abs(before - now) > 0.03 * now or metrics.SCORE_COSINE not in case.now:
        return None
    text = (
        f"The loss has hardly moved since the middle of the run, {now:.3f} ①, and is not stuck: most of it is noise that nobody could "
        f"predict. The score still improves; its cosine is {case.now[metrics.SCORE_COSINE]:.3f} ②."
    )
    evidence = (_point(1, metrics.VALIDATION_MSE, case.now), _point(2, metrics.SCORE_COSINE, case.now))
    return Note("flat-loss", "A flat loss is not a stuck one", text, evidence)


def over_guided(case: Case) -> Note | None:
    """Images: strong guidance, and a judge that is sure of every class."""
    c, sure, distance = case.config, case.now.get(metrics.CONFIDENCE), case.now.get(metrics.FRECHET_DISTANCE)
    if c.cfg_scale < 3 or sure is None or distance is None or sure < GOOD_CONFIDENCE:
        return None
    text = (
        f"Strong guidance, {c.cfg_scale:g}: the classifier is {_percent(sure)} sure of the samples ①, at a Fréchet distance of "
        f"{distance:.0f} ②. Weaker guidance was not measured in this run: fork, and compare both."
    )
    evidence = (_point(1, metrics.CONFIDENCE, case.now), _point(2, metrics.FRECHET_DISTANCE, case.now))
    return Note("over-guided", "Strong guidance", text, evidence, {"cfg_scale": 1.5}, "Guide less")


def classes_good(case: Case) -> Note | None:
    """Images: all classes, and the judge is sure."""
    sure = case.now.get(metrics.CONFIDENCE)
    if not case.k or case.now.get(metrics.CLASSES_COVERED) != case.k or sure is None or sure < GOOD_CONFIDENCE:
        return None
    text = f"All {case.k} classes appear ①, and the classifier is {_percent(sure)} sure of what it sees, on average ②."
    return Note("good", "All classes", text, (_point(1, metrics.CLASSES_COVERED, case.now), _point(2, metrics.CONFIDENCE, case.now)))


RULES: tuple[Callable[[Case], Note | None], ...] = (overfitting, few_steps, over_guided, good, classes_good, flat_loss)


def _falling(case: Case) -> bool:
    losses = [r[metrics.MSE] for r in case.rows if r.get(metrics.MSE) is not None]
    half = len(losses) // 2
    return half > 2 and sum(losses[half:]) / len(losses[half:]) < sum(losses[:half]) / half


def _percent(x: float) -> str:
    value = 100 * x
    return f"{value:.{1 if (value < 1 or value > 98.5) and 0.05 <= value < 99.95 else 0}f}{SPACE}%"


def _point(number: int, metric: str, row: Row) -> Evidence:
    return Evidence(number, metric, int(row["step"]), float(row[metric]))
