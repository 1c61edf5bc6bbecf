"""How far a few samples are from the data: what it is measured in, and what it can tell apart."""

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance

from engines import measures
from engines.diffusion.distance import Distance
from engines.registry import FAMILIES


def built(**settings):
    family = FAMILIES["diffusion"]
    return family.build(family.resolve(settings))


@pytest.fixture(scope="module")
def digits():
    return built(dataset="mnist", steps=2)


def test_of_points_it_is_the_mean_of_distances_along_lines():
    engine = built(dataset="ring8")
    distance, x = Distance(engine, 200), torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    held_out, drawn = engine.data.draw(200, 9), x.numpy() * engine.scale + engine.shift.numpy()
    along = measures.directions(dim=2)
    expected = np.mean([wasserstein_distance(held_out @ a, drawn @ a) for a in along])
    assert distance.of(x) == pytest.approx(expected, rel=1e-4)
    assert 0 < distance.floor < 0.5 * distance.of(x)


def test_of_images_it_tells_a_blurred_class_from_one_of_its_images(digits):
    """The mean image of each class is what one step of a perfect denoiser gives: near in pixels, far for the judge."""
    distance, labels = Distance(digits, 40), np.arange(40) % 10
    means = np.stack([digits.data.pixels[digits.data.labels == k].mean(0) for k in range(10)])[labels]
    some = np.stack([digits.data.pixels[digits.data.labels == k][5 + i // 10] for i, k in enumerate(labels)])
    blurred, real = (distance.of(digits.encode(torch.from_numpy(x.astype(np.float32)))) for x in (means, some))
    assert real < 1.2 * distance.floor and blurred > 1.7 * distance.floor


def test_its_floor_is_that_of_images_of_the_same_classes(digits):
    """The classes come in turn in both, so that the floor has nothing of a difference between them."""
    distance = Distance(digits, 40)
    assert all((digits.data.test_labels[rows] == np.arange(40) % 10).all() for rows in distance.rows)
    band = distance.band
    assert band["sliced_w1/lo"] < distance.floor < band["sliced_w1/hi"]


def test_more_than_are_held_out_is_refused(digits):
    n = len(digits.data.test_pixels) + 1
    with pytest.raises(ValueError, match=f"n={n} is more than the {n - 1} examples"):
        Distance(digits, n)
