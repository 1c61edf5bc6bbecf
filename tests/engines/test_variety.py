"""Copies and variety: generators whose answer is known, loops, scikit-learn, and a run that is not disturbed by questions."""

import math

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from engines import clouds, copying
from engines.data import load
from engines.gan.questions import Audit, Birthday, Neighbours
from engines.state import pack


def ask(engine, question):
    """The answer, and how many breaks there were on the way."""
    parts = list(engine.answer(question))
    return parts[-1], parts[:-1].count(None)


def views(snapshot, panel):
    return {(v.name, v.role): v for v in snapshot.views[panel]}


def drawing(images):
    """A probe's `fresh` that draws from these images, or points."""

    def fresh(engine, n, generator):
        return images[torch.randint(len(images), (n,), generator=generator).numpy()]

    return fresh


@pytest.fixture(scope="module")
def digits():
    return load("digits")


# Copies


def test_nearest_images_are_those_of_scikit_learn(digits):
    pools = copying.Pools(digits.pixels, digits.test_pixels)
    x = np.clip(digits.pixels[:50] + 0.3 * np.random.default_rng(0).standard_normal((50, 1, 8, 8)), -1, 1).astype(np.float32)
    found = pools.nearest(x)
    for pool, index, distance in ((digits.pixels, found.trained, found.to_trained), (digits.test_pixels, found.held, found.to_held)):
        d, i = NearestNeighbors(n_neighbors=1).fit(pool.reshape(len(pool), -1)).kneighbors(x.reshape(50, -1))
        np.testing.assert_array_equal(index, i[:, 0])
        np.testing.assert_allclose(distance, d[:, 0] / 16, rtol=1e-5)  # 8 pixels' root of 64, a range of 2
    assert found.blocks.shape == (50, 4)
    assert (found.blocks.min(1) >= found.to_trained - 1e-4).all()


def test_an_image_held_out_is_not_its_own_neighbour(digits):
    pools = copying.Pools(digits.pixels, digits.test_pixels)
    found = pools.nearest(digits.test_pixels[:40], own=np.arange(40))
    assert (found.held != np.arange(40)).all() and (found.to_held > 0.01).all()
    with pytest.raises(ValueError, match="359 images trained on are fewer than the 1438"):
        copying.Pools(digits.test_pixels, digits.pixels)


def test_neither_pool_draws_images_of_the_same_source(digits):
    """All real images, dealt at random to samples, trained on and held out: half lie nearer to either, as far as chance goes."""
    everything, z = np.concatenate([digits.pixels, digits.test_pixels]), []
    for seed in range(12):
        order = np.random.default_rng(seed).permutation(len(everything))
        samples, trained, held = np.split(everything[order[:1_600]], [400, 1_300])
        lean = copying.lean(copying.Pools(trained, held).nearest(samples))
        z.append((lean.toward - 0.5) / lean.error)
        assert lean.histogram.sum() == pytest.approx(1, abs=1e-5)
    assert abs(np.mean(z)) < 1 and max(map(abs, z)) < 4


def test_one_repeated_sample_says_nothing(digits):
    """However many: as one observation its error is the whole difference."""
    pools = copying.Pools(digits.pixels, digits.test_pixels)
    lean = copying.lean(pools.nearest(np.repeat(digits.test_pixels[:1] * 0.9, 300, 0)))
    assert lean.error == pytest.approx(abs(lean.toward - 0.5), rel=1e-5) and lean.toward == 0


def test_a_generator_that_replays_its_training_data_is_found_out(gan, digits):
    engine = gan(dataset="digits")
    engine.probe.fresh = drawing(digits.pixels)
    answer, breaks = ask(engine, Neighbours(seed=3))
    m, rows = answer.metrics, views(answer, "neighbours")
    assert m["copies"] > 0.98 and m["floor/copies"] < 0.02 and breaks > 10
    assert m["toward"] - m["floor/toward"] > 3 * math.hypot(m["error"], m["floor/error"])
    samples, trained = rows["samples", "model"], rows["trained", "data"]
    np.testing.assert_array_equal(samples.pixels, trained.pixels)
    assert samples.pixels.shape == (16, 1, 8, 8) and rows["to trained", "model"].y.max() == 0 < rows["to held", "model"].y.min()


def test_held_out_images_as_samples_are_no_copies(gan, digits):
    """Half of the held-out images serve as samples, so that none of them is in a pool."""
    engine, half = gan(dataset="digits"), len(digits.test_pixels) // 2
    pools = copying.Pools(digits.pixels, digits.test_pixels[half:])
    lean = copying.lean(pools.nearest(digits.test_pixels[:half]))
    assert lean.copies < 0.02 and abs(lean.toward - 0.5) < 4 * lean.error
    engine.probe.fresh = drawing(digits.test_pixels)
    answer, _ = ask(engine, Neighbours())
    assert answer.metrics["toward"] == 0 and answer.metrics["copies"] == 0, "in the pool they are nearest to themselves"


def test_what_neighbours_cannot_be_asked_of(gan, digits):
    with pytest.raises(ValueError, match="images"):
        list(gan().answer(Neighbours()))
    own = gan(dataset="own-images", data=digits.pixels[:40])
    with pytest.raises(ValueError, match="none of your own images are held out"):
        list(own.answer(Neighbours()))


# Variety


def test_waits_give_the_curve_of_the_plain_test():
    x = np.random.default_rng(0).random((600, 2))
    alike = (clouds.squared_distances(x, x) <= 0.01**2) & ~np.eye(600, dtype=bool)
    waited, example = clouds.waits(alike, 120, 2_000, np.random.default_rng(1))
    for s in (10, 40, 90):
        assert (waited <= s).mean() == pytest.approx(clouds.birthday(x, s, 0.01, batches=2_000, seed=2), abs=0.05)
    batch = x[example]
    assert len(set(example)) == len(example) == waited[np.isfinite(waited)][-1]
    assert np.linalg.norm(batch[-1] - batch[-2]) <= 0.01
    apart = clouds.squared_distances(batch[:-1], batch[:-1])[np.triu_indices(len(batch) - 1, 1)]
    assert apart.min() > 0.01**2, "none was alike before the last came"


def test_twenty_three_people():
    """With 365 days, 23 people make it likelier than not that two share one."""
    days = np.random.default_rng(0).integers(365, size=6_000)
    alike = (days[:, None] == days) & ~np.eye(6_000, dtype=bool)
    waited, _ = clouds.waits(alike, 100, 2_000, np.random.default_rng(0))
    half = clouds.half_of(waited)
    assert 21.5 < half < 23.5 and clouds.support_size(half, 0.5) == pytest.approx(365, rel=0.12)


def test_half_lies_between_whole_numbers():
    assert clouds.half_of(np.full(10, 2.0)) == 1.5
    assert clouds.half_of(np.array([2.0, 2, 3, 3])) == 2.0
    assert clouds.half_of(np.array([5.0, np.inf, np.inf])) == math.inf
    waited, example = clouds.waits(np.zeros((20, 20), bool), 10, 3, np.random.default_rng(0))
    assert np.isinf(waited).all() and len(example) == 0


def test_closeness_is_how_near_real_examples_come_by_chance():
    x = np.random.default_rng(3).random((1_000, 2))
    close = clouds.closeness(x, 100)
    assert clouds.birthday(x, 100, close, batches=1_000, seed=9) == pytest.approx(0.5, abs=0.08)
    assert clouds.closeness(np.repeat(x[:10], 50, 0), 100) > 0, "equal examples are alike"


@pytest.mark.parametrize("k", [8, 40, 120])
def test_a_generator_with_k_different_points_is_counted(gan, k):
    engine = gan(dataset="moons")
    engine.probe.fresh = drawing(engine.data.draw(k, 77))
    answer, breaks = ask(engine, Birthday(seed=1))
    assert answer.metrics["support"] == pytest.approx(k, rel=0.3) and breaks > 10
    assert answer.metrics["floor/support"] == pytest.approx(100 * 99 / (2 * math.log(2)), rel=0.7)
    batch = views(answer, "birthday")["batch", "model"].xy
    assert np.array_equal(batch[-1], batch[-2]) and len(np.unique(batch, axis=0)) == len(batch) - 1


def test_a_generator_with_k_different_images_is_counted(gan, digits):
    engine = gan(dataset="digits")
    engine.probe.fresh = drawing(digits.pixels[:60])
    answer, _ = ask(engine, Birthday())
    assert answer.metrics["support"] == pytest.approx(60, rel=0.3)
    found = views(answer, "birthday")
    np.testing.assert_array_equal(*found["pair", "model"].pixels)
    assert answer.metrics["pair"] < 1e-6 < answer.metrics["floor/pair"]
    real = found["pair", "data"].pixels.reshape(2, -1)
    assert np.sqrt(((real[0] - real[1]) ** 2).mean()) / 2 == pytest.approx(answer.metrics["floor/pair"], rel=1e-5)
    curve = found["share", "model"]
    assert curve.x[0] == 2 and curve.x[-1] == answer.metrics["longest"] and (np.diff(curve.y) >= 0).all() and curve.y[-1] == 1


def test_real_points_as_samples_repeat_as_soon_as_data(gan):
    engine = gan()
    engine.probe.fresh = lambda engine, n, generator: engine.data.draw(n, int(torch.randint(10**6, (), generator=generator)))
    ratios = [m["support"] / m["floor/support"] for m in (ask(engine, Birthday(seed=seed))[0].metrics for seed in range(4))]
    assert 0.6 < np.exp(np.mean(np.log(ratios))) < 1.6


def test_a_single_point_is_one_sample(gan):
    engine = gan()
    engine.probe.fresh = lambda engine, n, generator: np.zeros((n, 2), np.float32)
    answer, _ = ask(engine, Birthday())
    assert answer.metrics["support"] == 1 and answer.metrics["half"] == 1.5


def test_own_data_are_compared_without_repeats_and_not_if_too_few(gan, digits):
    few = gan(dataset="own-images", data=digits.pixels[:40])
    with pytest.raises(ValueError, match="needs 400 different examples to compare with, there are 40"):
        list(few.answer(Birthday()))
    points = np.random.default_rng(0).standard_normal((30, 2))
    answer, _ = ask(gan(dataset="own-2d", data=points), Birthday())
    assert answer.metrics["close"] > 1e-5 and answer.metrics["n"] == 1_000


# Questions change nothing


def test_an_audit_is_answered_with_its_floors(gan):
    engine = gan(dataset="digits", batch=8, channels_g=8, channels_d=8)
    answer, breaks = ask(engine, Audit())
    scores, floors = engine.audit()
    assert answer.metrics == scores | {f"floor/{name}": value for name, value in floors.items()} and breaks > 3
    with pytest.raises(ValueError, match="judge"):
        list(gan(dataset="own-images", data=np.zeros((8, 1, 8, 8), np.float32)).answer(Audit()))


@pytest.mark.parametrize("settings", [{"dataset": "ring8"}, {"dataset": "emoji", "batch": 8, "conditional": True}])
def test_questions_do_not_touch_the_run(gan, settings):
    asked, left_alone = gan(**settings), gan(**settings)
    questions = [Birthday(seed=2), Audit()] + ([Neighbours(seed=2)] if asked.image else [])
    for question in questions:
        asked.train_step()
        before = pack(asked)
        first, _ = ask(asked, question)
        again, _ = ask(asked, question)
        assert pack(asked) == before and first.metrics == again.metrics
        left_alone.train_step()
    assert pack(asked) == pack(left_alone)
