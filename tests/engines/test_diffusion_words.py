"""What a diffusion run says of itself: diagnoses follow from the numbers, and each objective and fix has its prose."""

import pytest
import torch

from engines.config import knobs
from engines.data import DATASETS
from engines.diffusion.config import OBJECTIVES, Config
from engines.diffusion.diagnosis import diagnose, headline
from engines.diffusion.objectives import WEIGHTINGS, weights
from engines.diffusion.parameterisations import PARAMETERISATIONS
from engines.diffusion.presets import resolve
from engines.diffusion.schedules import alphas_cumprod, edm_sigmas, flow_sigmas, shifted, training_sigmas
from engines.metrics import METRICS
from playground.components import explain

RING, DIGITS = resolve({"num_steps": 4}), resolve({"dataset": "digits", "cfg_scale": 5.0})


def row(step, validation, mse=0.5, **more):
    return {"step": step, "mse": mse, "validation_mse": validation, **more}


FLAT = [row(1000 * k, 0.53, score_cosine=0.95 + 0.002 * k) for k in range(2, 14)]
CASES = {
    "few-steps": ([row(9000, 0.5, score_cosine=0.98, hq_fraction=0.4, modes_covered=8)], RING),
    "good": ([row(9000, 0.5, score_cosine=0.98, hq_fraction=0.95, modes_covered=8)], RING),
    "flat-loss": (FLAT, resolve({"dataset": "moons"})),
    "over-guided": ([row(900, 0.3, confidence=0.99, classes_covered=10, frechet_distance=60.0)], DIGITS),
    "overfitting": ([row(100 * k, 0.3 if k < 5 else 0.3 + 0.02 * (k - 4), mse=0.5 - 0.02 * k) for k in range(12)], DIGITS),
}


@pytest.mark.parametrize("kind", CASES)
def test_each_case_is_told(kind):
    rows, config = CASES[kind]
    note = diagnose(rows, config)
    assert note is not None and note.kind == kind
    assert len(note.text) < 240 and note.text.endswith(".")
    for evidence in note.evidence:
        assert "①②"[evidence.number - 1] in note.text and evidence.metric in METRICS
        assert any(r["step"] == evidence.step and r[evidence.metric] == evidence.value for r in rows)
    if note.fix:
        resolve({"dataset": config.dataset, **note.fix})


def test_silence_where_there_is_nothing_to_say():
    assert diagnose([], RING) is None and diagnose([{"step": 3, "mse": 1.0}], RING) is None
    assert diagnose([row(100, 0.9, score_cosine=0.5, hq_fraction=0.1, modes_covered=3)], RING) is None


@pytest.mark.parametrize("dataset", [*(d.key for d in DATASETS.values() if d.kind != "text"), "own-2d", "own-images"])
def test_four_tiles(dataset):
    names = headline(resolve({"dataset": dataset}))
    assert len(set(names)) == 4 and set(names) <= METRICS.keys()


def test_every_objective_and_fix_has_its_words():
    told = explain.objectives("diffusion")
    assert told.keys() == OBJECTIVES.keys()
    assert all(t["equation"] and t["text"].count(".") >= 2 and t["read"].count(".") >= 2 for t in told.values())
    assert explain.fixes("diffusion").keys() == {k.name for k in knobs(Config).values() if k.group == "fixes"}


@pytest.mark.parametrize("name", PARAMETERISATIONS)
def test_weights_are_those_of_x0_seen_at_the_output(name):
    """An error of x0 is c_out times that of the output. SNR weighting is the simple loss of eps, EDM's that of v."""
    sigma, p = torch.tensor([0.05, 0.4, 1.0, 5.0]), PARAMETERISATIONS[name]
    c_out = p.coefficients(sigma).c_out
    expected = {"simple": torch.ones(4), "snr": (c_out / sigma) ** 2, "edm": c_out**2 * (1 / sigma**2 + 1)}
    expected["min-snr"] = c_out**2 * torch.tensor([5.0, 5.0, 1.0, 0.04])
    for weighting in WEIGHTINGS:
        torch.testing.assert_close(weights(weighting, p, sigma), expected[weighting])
    same = {"eps": "snr", "v": "edm"}.get(name)
    assert same is None or torch.allclose(weights(same, p, sigma), torch.ones(4), rtol=1e-5)


def test_schedules():
    """End points of the published schedules, the shift of Esser et al., and where grids begin and end."""
    assert alphas_cumprod("linear")[-1] == pytest.approx(4.04e-5, rel=0.01)  # Ho et al., 2020: "L_T ≈ 10⁻⁵"
    for schedule in ("linear", "cosine", "sigmoid"):
        level = alphas_cumprod(schedule)
        assert level[0] > 0.99 and 0 < level[-1] < 1e-4 and (level[1:] < level[:-1]).all()
    assert alphas_cumprod("cosine")[499] == pytest.approx(0.49, abs=0.01)  # half of the signal is left half way
    assert shifted(0.5, 3.0) == pytest.approx(0.75) and shifted(shifted(0.3, 3.0), 1 / 3.0) == pytest.approx(0.3)
    assert training_sigmas("lognormal", 1.0) is None
    uniform = training_sigmas("uniform", 1.0)
    assert uniform is not None and uniform[499] == pytest.approx(1, rel=0.01)
    for grid in (edm_sigmas(10, 0.01, 50.0, 7.0), flow_sigmas(10, 3.0, 50.0)):
        assert len(grid) == 11 and grid[0] == pytest.approx(50) and grid[-1] == 0
    assert edm_sigmas(10, 0.01, 50.0, 7.0)[-2] == pytest.approx(0.01)
