"""Answers that edit: what they measure is computed here a second time from what they show."""

import numpy as np
import pytest

from engines.diffusion import questions as q
from engines.registry import FAMILIES


@pytest.fixture(scope="module")
def make():
    family = FAMILIES["diffusion"]

    def made(steps=3, **settings):
        engine = family.build(family.resolve(settings))
        for _ in range(steps):
            engine.train_step()
        return engine

    return made


@pytest.fixture(scope="module")
def digits(make):
    return make(dataset="digits", num_steps=4)


def last(engine, question):
    *_, snapshot = engine.answer(question)
    return snapshot


def test_points_are_edited_each_for_itself(make):
    moons = make(steps=30, dataset="moons", num_steps=6)
    near, far = (0.0, 0.5), (3.0, -2.0)
    seen = last(moons, q.Edit(pixels=(*near, *far), sigma=0.02, n=3))
    results = seen.views["results"][0].xy
    assert results.shape == (6, 2) and seen.views["original"][0].xy.ravel().tolist() == pytest.approx([*near, *far], abs=1e-5)
    apart = np.linalg.norm(results[:, None] - np.array([near, far]), axis=2)
    assert apart.argmin(1).tolist() == [0, 0, 0, 1, 1, 1]  # at so low a level a point's results stay beside it
    # root mean square over both coordinates, in units of the data's scale
    own = np.concatenate([apart[:3, 0], apart[3:, 1]]) / 2**0.5 / moons.scale
    assert seen.metrics["distance"] == pytest.approx(own.mean(), rel=1e-3)
    assert seen.metrics["spread"] == pytest.approx(own.std(ddof=1), rel=1e-3)
    assert seen.metrics["n"] == 6 and seen.metrics["unrelated"] > 0.5
    with pytest.raises(ValueError, match="pixels holds 3 numbers"):
        last(moons, q.Edit(pixels=(1.0, 2.0, 3.0)))


def test_test_images_are_handed_out_to_choose_from(digits):
    seen = last(digits, q.Examples(start=5, n=4))
    view, data = seen.views["examples"][0], digits.data
    assert np.abs(view.pixels - data.test_pixels[5:9]).max() < 1e-5
    assert view.label.tolist() == data.test_labels[5:9].tolist() and seen.metrics["count"] == len(data.test_pixels)
    assert len(last(digits, q.Examples(start=int(seen.metrics["count"]) - 2, n=8)).views["examples"][0].pixels) == 2
    with pytest.raises(ValueError, match="start=9999 is outside"):
        last(digits, q.Examples(start=9_999))


@pytest.mark.parametrize("half", q.HALVES)
def test_the_known_half_is_clamped_and_the_spread_is_that_of_the_rest(digits, half):
    seen = last(digits, q.Inpaint(half=half, n=5, label=3))
    assert seen.metrics["repeated"] == 0 and seen.metrics["n"] == 5
    pixels = seen.views["completions"][0].pixels
    unknown = {"top": np.s_[4:, :], "bottom": np.s_[:4, :], "left": np.s_[:, 4:], "right": np.s_[:, :4]}[half]
    rms = lambda x: float(np.sqrt((x.std(0, ddof=1)[(0, *unknown)] ** 2).mean()))  # noqa: E731
    assert seen.metrics["spread"] == pytest.approx(rms(pixels), rel=1e-4)
    threes = digits.data.test_pixels[digits.data.test_labels == 3]
    assert seen.metrics["data spread"] == pytest.approx(rms(threes), rel=1e-4)
    assert 0 <= seen.metrics["obeyed"] <= 1


def test_guidance_and_inversion_say_what_to_compare_with(digits):
    seen = last(digits, q.Guidance(scales=(1.0,), per_class=2))
    assert seen.metrics["n"] == 20 and seen.metrics["real obeyed"] > 0.9  # the judge knows real digits
    turned = last(digits, q.Invert(n=3, num_steps=5))
    assert turned.metrics["steps"] == 5 and turned.metrics["n"] == 3 and 0.8 < turned.metrics["unrelated"] < 2
