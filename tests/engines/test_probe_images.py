"""What is seen and measured of a GAN on images; looking must move nothing, batch statistics included."""

import copy

import numpy as np
import pytest
import torch

from engines import metrics
from engines.data import DATASETS
from engines.gan.config import OBJECTIVES, Request, resolve
from engines.gan.engine import GanEngine

JUDGED = {metrics.FRECHET_DISTANCE, metrics.CONFIDENCE, metrics.CLASSES_COVERED, metrics.CLASS_BALANCE}
KEYS = [key for key, info in DATASETS.items() if info.kind == "image"]


def built(steps=3, data=None, **settings):
    engine = GanEngine(resolve({"dataset": "digits", "batch": 16, **settings}), data=data)
    for _ in range(steps):
        engine.train_step()
    return engine


def samples(engine, **request):
    (snapshot,) = engine.sample(Request(**request))
    return snapshot.views["samples"][0]


def state(engine):
    return copy.deepcopy({name: part.state_dict() for name, part in engine.parts.items()})


@pytest.mark.parametrize("key", KEYS)
def test_views_and_metrics(key):
    engine, info = built(dataset=key), DATASETS[key]
    (stage,), (bars,) = engine.look()["stage"], engine.look()["modes"]
    assert stage.pixels.shape == (80 if len(info.classes) == 10 else 56, *info.shape) and np.abs(stage.pixels).max() <= 1
    assert stage.label.tolist()[:3] == [0, 1, 2]
    assert bars.labels == info.classes and bars.values.sum() == pytest.approx(1)
    scores = engine.evaluate()
    floors = engine.backdrop().metrics
    measured = {name.split("/")[0] for name in floors} - {metrics.SAMPLES, metrics.D_LOSS, metrics.G_LOSS}
    assert set(scores) == JUDGED | {metrics.PIXEL_SLICED_W1} == measured
    assert floors[metrics.SAMPLES] == (1_000 if key in ("mnist", "fashion") else 128)
    assert all(np.isfinite(value) for value in scores.values())
    (data,) = engine.backdrop().views["stage"]
    assert data.role == "data" and data.pixels.shape == (64, *info.shape)


def test_looking_changes_nothing():
    engine = built(conditional=True)
    before = state(engine)
    engine.look(), engine.evaluate(), engine.backdrop(), engine.health()
    samples(engine, n=20, ema=False), samples(engine, n=20)
    torch.testing.assert_close(state(engine), before, rtol=0, atol=0)
    assert engine.G.training


def test_two_looks_are_the_same():
    engine = built()
    first, again = engine.look()["stage"][0], engine.look()["stage"][0]
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert engine.evaluate() == engine.evaluate()


def test_batch_statistics_fit_the_averaged_weights():
    """With statistics copied from G, the average of its weights would draw washed-out or overdriven images."""
    engine = built(steps=40)
    engine.ema.net.load_state_dict({k: v * 3 if "running" in k else v for k, v in engine.ema.net.state_dict().items()})
    spoiled = samples(engine, n=64).pixels
    engine.ema.net.load_state_dict({k: v / 3 if "running" in k else v for k, v in engine.ema.net.state_dict().items()})
    np.testing.assert_array_equal(spoiled, samples(engine, n=64).pixels)


def test_a_class_on_request():
    engine = built()
    assert set(samples(engine, n=10, label=4).label.tolist()) == {4}
    assert samples(engine, n=12).label.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    with pytest.raises(ValueError, match="label=10"):
        samples(engine, n=1, label=10)


def test_a_sample_does_not_depend_on_those_beside_it():
    engine = built()
    many, few = samples(engine, n=400).pixels, samples(engine, n=16).pixels
    assert many.shape == (400, 1, 8, 8) and few.shape == (16, 1, 8, 8)
    z = torch.randn(300, engine.config.noise_dim, generator=torch.Generator().manual_seed(0))
    whole = engine.probe.draw(engine, z, label=3, averaged=True).pixels
    part = engine.probe.draw(engine, z[:5], label=3, averaged=True).pixels
    np.testing.assert_allclose(whole[:5], part, atol=1e-5)


@pytest.mark.parametrize("shape", [(9, 3, 32, 32), (40, 1, 28, 28)], ids=str)
def test_own_images_have_no_judge(shape):
    pictures = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    engine = built(dataset="own-images", data=pictures)
    assert set(engine.look()) == {"stage", "predictions"}
    assert set(engine.evaluate()) == {metrics.PIXEL_SLICED_W1}
    assert {k: v for k, v in engine.backdrop().metrics.items() if not k.endswith("_loss")} == {
        metrics.SAMPLES: float(min(256, len(pictures)))
    }
    assert samples(engine, n=10).pixels.shape == (10, *shape[1:])


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("conditional", [True, False])
def test_every_objective_trains(objective, conditional):
    engine = built(steps=8, objective=objective, conditional=conditional)
    assert all(p.isfinite().all() for p in engine.G.parameters())
    assert np.isfinite(engine.evaluate()[metrics.FRECHET_DISTANCE])


def test_an_odd_batch_trains():
    assert built(steps=4, batch=13).step == 4


@pytest.mark.slow
def test_digits_are_learned():
    """All ten, and four times closer to the data than at the start, after some seconds."""
    engine = built(steps=0, batch=64)
    start = engine.evaluate()[metrics.FRECHET_DISTANCE]
    for _ in range(300):
        engine.train_step()
    scores = engine.evaluate()
    assert scores[metrics.FRECHET_DISTANCE] < start / 4
    assert scores[metrics.CLASSES_COVERED] == 10
