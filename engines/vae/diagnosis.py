"""What the numbers of a run say, in plain words: each sentence is computed from the rows it points to. No torch here.

A row is {"step": …} plus metrics; the costly ones are only in the rows that were evaluated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engines import metrics
from engines.core import Evidence, Note
from engines.data import DATASETS, kind
from engines.vae.config import GAUSSIAN, WEIGHTED, Config

Row = Mapping[str, float]
SPACE = "\u00a0"  # a number does not leave its unit
HOLES = 1.0  # nats of KL(q(z) ‖ p(z)) from which samples are far from what the decoder knows
RISEN, APART = 1.02, 1.05  # test −ELBO over its best, and over that of training
LATE = 0.25  # of a run: latents that are not in use by then will not come
WASTED = 0.5  # of the codes of a VQ-VAE


@dataclass(frozen=True)
class Case:
    """All that the rules look at: the rows, those in which test examples were measured, and the knobs."""

    rows: Sequence[Row]
    measured: Sequence[Row]
    config: Config

    @property
    def now(self) -> Row:
        return self.measured[-1]

    def last(self, name: str) -> Row | None:
        """The newest row that has a metric."""
        return next((r for r in reversed(self.rows) if r.get(name) is not None), None)


def diagnose(rows: Sequence[Row], config: Config) -> Note | None:
    """The most important thing that the rows so far show, or None. Only the last 400 rows are read."""
    rows = rows[-400:]
    measured = [r for r in rows if r.get(metrics.TEST_RECON) is not None]
    if len(measured) < 3 or measured[-1]["step"] == 0:
        return None
    case = Case(rows, measured, config)
    for rule in RULES:
        note = rule(case)
        if note is not None:
            return replace(note, text=note.text.replace(" ①", f"{SPACE}①").replace(" ②", f"{SPACE}②"))
    return None


def headline(config: Config) -> tuple[str, ...]:
    """The four metrics shown as tiles."""
    known = config.dataset in DATASETS
    distance = metrics.SLICED_W1 if kind(config.dataset) == "2d" else metrics.FRECHET_DISTANCE if known else metrics.SHARPNESS
    if config.objective == "vq-vae":
        return metrics.TEST_NEG_ELBO, metrics.TEST_RECON, metrics.CODES_USED, distance
    if config.objective not in GAUSSIAN:
        copies = (metrics.RECON_FRECHET,) if distance == metrics.FRECHET_DISTANCE else ()
        return metrics.TEST_RECON, metrics.RECON, *copies, distance
    return metrics.TEST_NEG_ELBO, metrics.TEST_KL, metrics.ACTIVE_UNITS, distance


# Rules, most important first. Each looks at a Case and speaks or is silent.


def collapse(case: Case) -> Note | None:
    """No latent says anything of the example."""
    recent = case.measured[-3:]
    if any(r.get(metrics.ACTIVE_UNITS) != 0 for r in recent):
        return None
    now = case.now
    text = (
        f"Posterior collapse: {_latents(0, case.config.latent)} in use ①, KL is {now[metrics.TEST_KL]:.2f} nats ②. "
        "The decoder ignores z and shows the same mean example everywhere."
    )
    evidence = (_point(1, metrics.ACTIVE_UNITS, now), _point(2, metrics.TEST_KL, now))
    return Note("collapse", "Posterior collapse", text, evidence, *_repair(case.config))


def overfitting(case: Case) -> Note | None:
    """The bound on held-out examples gets worse while that of training gets better."""
    values = [r[metrics.TEST_NEG_ELBO] for r in case.measured if metrics.TEST_NEG_ELBO in r]
    train = case.last(metrics.NEG_ELBO)
    if len(values) < 10 or train is None or min(values) <= 0:
        return None
    now = sum(values[-3:]) / 3
    if now < RISEN * min(values) or now < APART * train[metrics.NEG_ELBO]:
        return None
    text = (
        f"Overfitting: test −ELBO is {now:.1f} nats ① after a best of {min(values):.1f}, "
        f"while that of training is {train[metrics.NEG_ELBO]:.1f} ②. More steps make it worse."
    )
    return Note("overfitting", "Overfitting", text, (_point(1, metrics.TEST_NEG_ELBO, case.now), _point(2, metrics.NEG_ELBO, train)))


def wasted(case: Case) -> Note | None:
    """A VQ-VAE with codes that nothing chooses."""
    row = case.last(metrics.CODES_USED)
    if case.config.objective != "vq-vae" or row is None or row[metrics.CODES_USED] >= WASTED * case.config.codes:
        return None
    text = f"Codes lie idle: {row[metrics.CODES_USED]:.0f} of {case.config.codes} are in use ①. A code that is never nearest never moves."
    return Note("wasted", "Codes lie idle", text, (_point(1, metrics.CODES_USED, row),))


def holes(case: Case) -> Note | None:
    """Where N(0, I) draws, the decoder was never asked."""
    row = case.last(metrics.AGGREGATE_KL)
    if row is None or row[metrics.AGGREGATE_KL] < HOLES:
        return None
    text = (
        f"The latents do not fill the prior: KL of all of them together is {row[metrics.AGGREGATE_KL]:.1f} nats ① at least. "
        "N(0, I) draws where the decoder has seen nothing; a mixture fitted to the latents does not."
    )
    return Note("holes", "Holes in the prior", text, (_point(1, metrics.AGGREGATE_KL, row),))


def unused(case: Case) -> Note | None:
    """Some latents carry nothing, a while into the run."""
    active, d = case.now.get(metrics.ACTIVE_UNITS), case.config.latent
    if active is None or active >= d or case.now["step"] < LATE * case.config.steps:
        return None
    text = f"{_latents(active, d)} in use ①. The others do not pay: what they would save in reconstruction costs more KL."
    return Note("unused", "Latents not in use", text, (_point(1, metrics.ACTIVE_UNITS, case.now),))


def loose(case: Case) -> Note | None:
    """The bound is far below what the same networks say with more draws."""
    row = case.last(metrics.TEST_IWAE)
    if row is None or metrics.TEST_NEG_ELBO not in row or row["step"] < LATE * case.config.steps:
        return None
    gap = row[metrics.TEST_NEG_ELBO] - row[metrics.TEST_IWAE]
    if gap < 0.02 * abs(row[metrics.TEST_NEG_ELBO]) or gap < 0.3:
        return None
    text = (
        f"The bound is loose by {gap:.1f} nats at least: −ELBO {row[metrics.TEST_NEG_ELBO]:.1f} ①, with 50 draws "
        f"{row[metrics.TEST_IWAE]:.1f} ②. The encoder's bells do not fit the true posterior."
    )
    evidence = (_point(1, metrics.TEST_NEG_ELBO, row), _point(2, metrics.TEST_IWAE, row))
    return Note("loose", "Loose bound", text, evidence)


def good(case: Case) -> Note | None:
    """Every latent is in use."""
    active, now = case.now.get(metrics.ACTIVE_UNITS), case.now
    if active is None or active < case.config.latent or now["step"] < LATE * case.config.steps:
        return None
    text = f"{_latents(active, case.config.latent)} in use ①; together they carry {now[metrics.TEST_KL]:.1f} nats of each example ②."
    return Note("good", "All latents in use", text, (_point(1, metrics.ACTIVE_UNITS, now), _point(2, metrics.TEST_KL, now)))


RULES: tuple[Callable[[Case], Note | None], ...] = (collapse, overfitting, wasted, holes, unused, loose, good)


def _repair(c: Config) -> tuple[dict[str, Any], str]:
    """What cures a collapse: the sum of the pixels, β of 1, and if both are so already, latents that may be used for nothing."""
    if c.mean_pixels:
        return {"mean_pixels": False}, "Fork with pixels summed"
    if c.objective in WEIGHTED and c.beta > 1:
        return {"beta": 1.0}, "Fork with β = 1"
    return {"objective": "free-bits", "beta": 1.0, "free_bits": 0.5}, "Fork with free bits"


def _latents(active: float, d: int) -> str:
    return f"{active:.0f} of {d} {'latent is' if d == 1 else 'latents are'}"


def _point(number: int, metric: str, row: Row) -> Evidence:
    return Evidence(number, metric, int(row["step"]), float(row[metric]))
