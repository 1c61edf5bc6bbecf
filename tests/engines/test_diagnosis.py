"""The sentences follow from the numbers, point to them, and stay short."""

import re

import pytest

from engines.core import Note
from engines.gan.config import PRESETS, Config, resolve
from engines.gan.diagnosis import diagnose, headline
from engines.metrics import METRICS

FAIR = [0.125] * 8
RING = resolve({"dataset": "ring8"})
PLAIN = resolve(PRESETS["collapse"].settings)


def row(step, shares=FAIR, accuracy=0.6, g_grad=0.3, **more):
    measured = {f"mode_share/{i}": s for i, s in enumerate(shares)}
    covered = sum(s >= 0.2 / len(shares) for s in shares)
    return {
        "step": step,
        "d_accuracy": accuracy,
        "g_grad_norm": g_grad,
        "modes_covered": covered,
        "hq_fraction": sum(shares),
        **measured,
        **more,
    }


def shares(**held):
    return [held.get(f"m{i}", 0.0) for i in range(8)]


COLLAPSED = [row(100 * i, shares(m3=0.9)) for i in range(1, 9)]
HOPPING = [row(100 * i, shares(**{f"m{i % 3}": 0.8})) for i in range(1, 11)]
FUZZY = [row(9000, [0.09] * 8)]
GOOD = [row(14000, [0.11] * 8)]
MISSING = [row(s, [0.12] * 6 + [0.001, 0.0]) for s in (7000, 7100, 7200)]
SURE = [row(100 * i, accuracy=0.998, shares=shares()) for i in range(1, 9)]
FLAT = [{**r, "g_grad_norm": 2e-4} for r in SURE]
CASES = {
    "collapse": (COLLAPSED, PLAIN, "90 % of the samples sit on 1 of 8 modes"),
    "hopping": (HOPPING, PLAIN, "the fullest mode changed 9 times in 900 steps"),
    "fuzzy": (FUZZY, RING, "All 8 modes ①, 72 % high quality ②"),
    "good": (GOOD, RING, "All 8 modes hold between 11 % and 11 % ①. 88 % of the samples are high quality"),
    "missing": (MISSING, RING, "6 of 8 modes are covered ①. Mode 7 holds 0 % ②, where 12 % is even"),
    "saturated": (SURE, PLAIN, "right on 99.8 % ① for 700 steps"),
    "vanishing": (FLAT, PLAIN, "its gradient is 2e-04 ① while D is right on 99.8 %"),
}


@pytest.mark.parametrize("kind", CASES)
def test_each_case(kind):
    rows, config, words = CASES[kind]
    note = diagnose(rows, config)
    assert note.kind == kind
    assert words in note.text.replace("\u00a0", " ")
    check(note, config)


def check(note: Note, config: Config):
    assert len([w for w in re.split(r"[ ;]+", note.text) if w]) < 30, note.text
    marks = [("①②③".index(m) + 1) for m in re.findall("[①②③]", note.text)]
    assert sorted(marks) == [e.number for e in note.evidence]
    for e in note.evidence:
        assert e.metric in METRICS or (e.metric == "mode_share" and e.index is not None)
    assert bool(note.fix) == bool(note.fix_title)
    if note.fix:
        changed = resolve({"dataset": config.dataset, **note.fix})  # a fix is a valid change of knobs
        assert changed != config


def test_evidence_is_the_number_in_the_row():
    note = diagnose(MISSING, RING)
    covered, bar = note.evidence
    assert (covered.metric, covered.step, covered.value) == ("modes_covered", 7200, 6)
    assert (bar.metric, bar.step, bar.index, bar.value) == ("mode_share", 7200, 7, 0.0)


@pytest.mark.parametrize(
    "rows",
    [[], [{"step": 1}], [row(1)][:0], [row(100, shares())], [{"step": 100, "d_loss": None, "d_accuracy": None}], COLLAPSED[:2], SURE[:2]],
    ids=range(7),
)
def test_nothing_unusual(rows):
    assert diagnose(rows, RING) is None


def test_the_first_steps_are_not_judged():
    assert diagnose([row(s, [0.12] * 6 + [0.001, 0.0]) for s in (70, 140, 210)], RING) is None


def test_vanishing_with_the_original_loss_suggests_the_other_one():
    note = diagnose(FLAT, resolve({"dataset": "ring8", "objective": "minimax"}))
    assert note.fix == {"objective": "non-saturating"}


@pytest.mark.parametrize(("to", "word"), [(60.0, "grew, from 0.3 to 60"), (0.01, "shrank, from 0.3 to 0.01"), (0.35, "changed little")])
def test_what_a_d_that_wins_leaves_to_g_is_measured(to, word):
    """The gradient of minimax shrinks then, that of most other losses grows; a critic is wanted to win and is not blamed."""
    rows = [row(100 * i, accuracy=0.998, shares=shares(), g_grad=0.3 if i < 8 else to) for i in range(1, 16)]
    for objective in ("non-saturating", "minimax", "hinge", "r3gan", "lsgan", "r1"):
        note = diagnose(rows, resolve({"dataset": "ring8", "objective": objective}))
        assert note.kind == "saturated" and word in note.text
        check(note, resolve({"dataset": "ring8", "objective": objective}))
        assert note.evidence[1].value == pytest.approx(to)
    for objective in ("wgan", "wgan-gp"):
        note = diagnose(rows, resolve({"dataset": "ring8", "objective": objective}))
        assert note is None or note.kind != "saturated"


def test_the_sentence_is_about_the_newest_look():
    """Full evaluations make the windows; the last look, cheap or not, is what stands on screen."""
    full = [{**row(100 * i, [0.11] * 8), "sliced_w1": 0.03} for i in range(1, 4)]
    newest = row(320, [0.13, 0.09, *[0.11] * 6])
    note = diagnose([*full, row(310, [0.12] * 8), newest], RING)
    assert "between 9 % and 13 %" in note.text.replace("\u00a0", " ") and note.evidence[0].step == 320 and note.evidence[0].index == 1


def test_when_the_slopes_are_penalised_already_smaller_steps_are_suggested():
    note = diagnose(COLLAPSED, RING)
    assert note.fix == {"lr_g": pytest.approx(1e-3), "lr_d": pytest.approx(1e-3)}


def test_images():
    config = resolve({"dataset": "mnist", "minibatch_std": False})
    rows = [{"step": s, "classes_covered": 3.0, "confidence": 0.9} for s in (100, 200, 300)]
    note = diagnose(rows, config)
    assert note.kind == "collapse" and "3 of 10 classes" in note.text and note.fix == {"minibatch_std": True}
    check(note, config)
    note = diagnose([{"step": 900, "classes_covered": 10.0, "confidence": 0.93}], config)
    assert note.kind == "good" and "93\u00a0%" in note.text
    check(note, config)


def test_data_without_modes():
    config = resolve({"dataset": "moons"})
    assert diagnose([{"step": s, "sliced_w1": 0.05, "d_accuracy": 0.6} for s in range(100, 5000, 100)], config) is None
    assert diagnose([{"step": s, "sliced_w1": 0.05, "d_accuracy": 1.0} for s in range(100, 1000, 100)], config).kind == "saturated"


@pytest.mark.parametrize("dataset", ["ring8", "moons", "gaussian", "mnist", "own-2d", "own-images"])
def test_four_tiles(dataset):
    names = headline(resolve({"dataset": dataset}))
    assert len(set(names)) == 4 and set(names) <= METRICS.keys()
