"""The judges: as accurate as their files say, and distances that agree with an independent formula and with their floors."""

import numpy as np
import pytest
import torch

from engines import measures, metrics
from engines.data import images
from engines.judge import MEASURED, divergence, judge, without

ACCURACY = {"digits": 0.95, "mnist": 0.985, "fashion": 0.88, "emoji": 0.55}


@pytest.mark.parametrize("key", ACCURACY)
def test_accuracy_on_held_out_images(key):
    data, about = images.load(key), judge(key).about
    _, probability = judge(key).look(data.test_pixels)
    accuracy = (probability.argmax(1) == data.test_labels).mean()
    assert accuracy >= ACCURACY[key]
    assert abs(accuracy - about["accuracy"]) < 0.01  # MNIST's file speaks of all 10,000 test images
    np.testing.assert_allclose(probability.sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize("key", ACCURACY)
def test_real_images_that_the_judge_has_not_seen_score_the_floor(key):
    """Other draws than those of the file: 95 in 100 are no worse than the worse end, as far as 60 draws tell."""
    j, data = judge(key), images.load(key)
    features, probability = j.look(data.test_pixels)
    rng, worse = np.random.default_rng(99), {name: 0 for name in MEASURED}
    for _ in range(60):
        rows = rng.choice(len(features), j.n, replace=False)
        scores = {
            metrics.FRECHET_DISTANCE: measures.frechet(
                measures.moments(features[rows]), without((j.mean, j.cov), j.held_out, features[rows])
            )
        }
        scores |= j._said(probability[rng.integers(len(features), size=j.n)])
        for name, value in scores.items():
            up = metrics.METRICS[name].better == "up"
            worse[name] += value < j.floors[name + metrics.LO] if up else value > j.floors[name + metrics.HI]
    if j.held_out > len(features):  # of MNIST a fifth of the file's images is bundled, with other shares of the classes
        worse[metrics.CLASS_BALANCE] = 0
    assert set(worse) == set(MEASURED) and max(worse.values()) <= 8, worse


@pytest.mark.parametrize("key", ["emoji", "digits"])
def test_the_floor_is_not_that_of_images_the_judge_was_trained_on(key):
    """It is surer of those: no model of the data could be as sure."""
    j, data = judge(key), images.load(key)
    confidence = j.look(data.pixels)[1].max(1).mean()
    held_out = j.look(data.test_pixels)[1].max(1).mean()
    assert confidence > j.floors[metrics.CONFIDENCE + metrics.HI] > held_out > j.floors[metrics.CONFIDENCE + metrics.LO]


def test_leaving_examples_out_of_the_reference():
    x = np.random.default_rng(0).standard_normal((300, 5)) @ np.diag([1, 2, 3, 4, 5]) + 7
    mean, cov = without(measures.moments(x), 300, x[:120])
    expected = measures.moments(x[120:])
    np.testing.assert_allclose(mean, expected[0], rtol=1e-9)
    np.testing.assert_allclose(cov, expected[1], rtol=1e-9, atol=1e-9)


def test_frechet_distance_against_scipys_matrix_root():
    from scipy.linalg import sqrtm

    j = judge("mnist")
    features, _ = j.look(images.load("mnist").pixels[:500])
    live = j.cov.diagonal() > 0.1  # features that hardly move make the product singular, which scipy warns about
    mean, cov, mean_b, cov_b = features[:, live].mean(0), np.cov(features[:, live], rowvar=False), j.mean[live], j.cov[np.ix_(live, live)]
    want = ((mean - mean_b) ** 2).sum() + np.trace(cov + cov_b - 2 * sqrtm(cov @ cov_b).real)
    assert live.sum() > 50
    assert measures.frechet((mean, cov), (mean_b, cov_b)) == pytest.approx(want, rel=1e-6)
    assert j.distance(features) == pytest.approx(want, rel=0.02)


def test_reference_is_at_distance_zero_of_itself():
    j = judge("digits")
    features, _ = j.look(images.load("digits").test_pixels)
    assert j.distance(features) == pytest.approx(0, abs=1e-4)


def test_what_is_no_digit_scores_badly():
    j, generator = judge("mnist"), torch.Generator().manual_seed(0)
    noise = torch.rand(256, 1, 28, 28, generator=generator) * 2 - 1
    assert j.report(noise)[metrics.FRECHET_DISTANCE] > 20 * j.floor


def test_one_class_only():
    data = images.load("mnist")
    report = judge("mnist").report(data.pixels[data.labels == 3][:200])
    assert report[metrics.CLASSES_COVERED] == 1
    assert report["histogram"][3] > 0.95 and report["histogram"].sum() == pytest.approx(1)
    assert report[metrics.CLASS_BALANCE] == pytest.approx(np.log(10), rel=0.1)


def test_divergence():
    p = np.array([0.5, 0.25, 0.25])
    assert divergence(p, p) == pytest.approx(0)
    assert divergence(np.array([1.0, 0.0, 0.0]), p) == pytest.approx(np.log(2))


def test_deterministic_and_without_side_effects():
    pixels, state = images.load("emoji").pixels[:256], torch.get_rng_state()
    first, again = judge("emoji").report(pixels), judge("emoji").report(torch.from_numpy(pixels))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert torch.equal(state, torch.get_rng_state())


def test_no_judge_for_other_data():
    assert judge("own-images") is None


def test_says_how_it_was_made():
    for key in ACCURACY:
        about = judge(key).about
        assert about["command"].startswith(f"python -m engines.train_judge {key}")
        assert about["seed"] == 0 and str(judge(key).n) and key in about["data"]
