"""Tests on request: nearest neighbours, the birthday test, and the audit behind precision and recall. Against the real app."""

import numpy as np
import pytest

from tests.browser.conftest import open_page
from tests.browser.test_gan_tab import ink
from tests.browser.test_quality import scene
from tests.browser.test_scenes import trained

ANSWERS = """() => {
  const { session } = window.playground, ask = session.ask.bind(session);
  window.answers = [];
  session.ask = async (...args) => { const found = await ask(...args); window.answers.push(found); return found; };
}"""

COPIED = """() => {
  const { session } = window.playground, ask = session.ask.bind(session);
  session.ask = async (...args) => {
    const found = await ask(...args);
    Object.assign(found.metrics, { copies: 0.4, toward: 0.6 });
    return found;
  };
}"""


@pytest.fixture
def points(page):
    trained(page)
    page.evaluate(ANSWERS)
    return page


@pytest.fixture
def digits(page):
    trained(page, "Digits in 15 seconds", 60)
    page.evaluate(ANSWERS)
    return page


def answered(page, name: str, count: int = 1) -> dict[str, float]:
    """The metrics of the latest answer, once the scene has shown it."""
    page.wait_for_function("n => window.answers.length >= n", arg=count)
    metrics = page.evaluate("() => window.answers.at(-1).metrics")
    if "seed" in metrics:
        page.wait_for_function("([s, v]) => document.querySelector(s).dataset.seed === v", arg=[f".scene-{name}", f"{metrics['seed']:g}"])
    return metrics


def words(page, name: str) -> str:
    return page.locator(f".scene-{name} .scene-words").inner_text().replace("\u00a0", " ")


def share(value: float, decimals: int = 0) -> str:
    return f"{100 * value:.{decimals}f} %"


def test_neighbours_say_what_was_measured(digits):
    scene(digits, "neighbours")
    m = answered(digits, "neighbours")
    said = words(digits, "neighbours")
    assert "n 1,000 and 359, seed 0." in said and "pools of 359 each" in said
    z = (m["toward"] - m["floor/toward"]) / np.hypot(m["error"], m["floor/error"])
    verdict = digits.locator(".scene-neighbours").get_attribute("data-verdict")
    assert verdict == ("copies" if m["copies"] - m["floor/copies"] > 0.03 else "leans" if z > 3 else "clear")
    cells = digits.locator(".scene-neighbours td").all_inner_texts()
    assert cells[:3] == ["Trained on nearer", share(m["toward"], 1), share(m["floor/toward"], 1)]
    assert ink(digits, ".scene-neighbours .strips canvas") > 10 and ink(digits, ".scene-neighbours .plot canvas") > 3
    assert m["trained"] == 1438 and "Nearest of 1,438 trained on and 359 held out" in digits.locator(".scene-neighbours .calm").inner_text()


def test_neighbours_again_with_another_seed(digits):
    scene(digits, "neighbours")
    first = answered(digits, "neighbours")
    again = digits.locator(".scene-neighbours .again")
    assert again.inner_text() == "Run again with seed 1"
    again.click()
    second = answered(digits, "neighbours", 2)
    assert [first["seed"], second["seed"]] == [0, 1] and second["toward"] != first["toward"]
    assert second["floor/toward"] == first["floor/toward"], "the same held-out images"
    assert "seed 1." in words(digits, "neighbours") and again.inner_text() == "Run again with seed 2"


def test_the_verdict_on_copies_follows_the_numbers(page):
    """An answer as a run that copies would give it: no run here gets that far."""
    trained(page, "Digits in 15 seconds", 20)
    page.evaluate(COPIED)
    scene(page, "neighbours")
    page.wait_for_function("() => document.querySelector('.scene-neighbours').dataset.verdict === 'copies'")
    assert words(page, "neighbours").startswith("40 % of samples are copies: less than a third as far")


def test_birthday_reads_the_support_off_the_curve(points):
    scene(points, "birthday")
    m = answered(points, "birthday")
    curve = points.evaluate(
        "() => window.answers[0].views.filter((v) => v.name === 'share').map((v) => [[...v.arrays.x], [...v.arrays.y]])"
    )
    half = np.interp(0.5, curve[0][1], curve[0][0])
    assert m["half"] == pytest.approx(half, rel=0.15)
    assert m["support"] == pytest.approx(m["half"] * (m["half"] - 1) / (2 * np.log(2)), rel=1e-4)
    said = words(points, "birthday")
    size = f"{m['half']:.1f}" if m["half"] < 10 else f"{int(m['half'] + 0.5)}"
    assert f"Half of the batches of {size} samples hold two alike" in said and "n 1,000 each, 400 batches, seed 0" in said
    verdict = points.locator(".scene-birthday").get_attribute("data-verdict")
    ratio = m["floor/support"] / m["support"]
    assert verdict == ("early" if ratio > 2 else "late" if ratio < 0.5 else "alike")
    batch = points.evaluate("() => [...window.answers[0].views.find((v) => v.name === 'batch').arrays.xy]")
    pair = np.reshape(batch[-4:], (2, 2))
    assert np.linalg.norm(pair[0] - pair[1]) <= m["close"] * 1.001
    assert f"Drawn until two were alike: {len(batch) // 2}" in points.locator(".scene-birthday .example").inner_text()
    assert ink(points, ".scene-birthday .pair-view canvas") > 3
    points.locator(".scene-birthday .again").click()
    assert answered(points, "birthday", 2)["seed"] == 1


def test_birthday_of_images_shows_the_pairs_most_alike(digits):
    scene(digits, "birthday")
    m = answered(digits, "birthday")
    assert digits.locator(".scene-birthday .example").inner_text() == "Most alike"
    assert f"n {m['n']:.0f} each" in words(digits, "birthday")
    assert ink(digits, ".scene-birthday .pair-view canvas") > 10
    assert "of the range per pixel" in digits.locator(".scene-birthday .calm").inner_text()


def test_a_test_belongs_to_its_run(points):
    """Another data set forgets the answer; where nothing is trained, nothing is asked."""
    scene(points, "birthday")
    answered(points, "birthday")
    points.evaluate("() => window.playground.commands.preset('grid')")
    points.wait_for_function("() => document.querySelector('.scene-birthday').dataset.seed === ''")
    assert words(points, "birthday") == "Nothing trained yet: train first." and points.locator(".scene-birthday .again").is_disabled()
    points.wait_for_timeout(400)
    assert points.evaluate("() => window.answers.length") == 1


@pytest.mark.parametrize("run", ["points", "digits"])
def test_the_audit_button_fills_the_table(request, run):
    page = request.getfixturevalue(run)
    scene(page, "fidelity")
    button = page.locator(".scene-fidelity .measure")
    n = {"points": "1,000", "digits": "128"}[run]
    assert button.inner_text() == f"Measure with n {n}"
    button.click()
    m = answered(page, "fidelity")
    real = lambda name: " to ".join(share(m[f"floor/{name}/{end}"], 1) for end in ("lo", "hi"))  # noqa: E731
    rows = page.locator(".scene-fidelity tbody tr")
    page.wait_for_function("() => document.querySelectorAll('.scene-fidelity tbody tr').length === 5")
    assert rows.first.locator("td").all_inner_texts() == ["Precision", share(m["precision"], 1), real("precision")]
    assert rows.nth(3).locator("td").all_inner_texts() == ["Coverage", share(m["coverage"], 1), real("coverage")]
    page.wait_for_function("() => !document.querySelector('.scene-fidelity .measure').disabled")
    assert "of samples lie among the data" in words(page, "fidelity")
    page.evaluate("() => window.playground.commands.preset('grid')")
    page.wait_for_function("() => !document.querySelector('.scene-fidelity tbody tr')")


def test_tests_fit_a_phone(browser, app):
    page = open_page(browser, app, width=375, height=800, touch=True)
    page.evaluate("() => window.playground.commands.preset('digits')")
    page.wait_for_function("() => window.playground.store.active?.info.kind === 'image'")
    page.evaluate("() => window.playground.commands.train()")
    page.wait_for_function("() => +document.querySelector('#lab-gan').dataset.step >= 20")
    page.evaluate("() => window.playground.commands.pause()")
    for name in ("neighbours", "birthday"):
        scene(page, name)
        page.wait_for_function("s => document.querySelector(s).dataset.seed === '0'", arg=f".scene-{name}")
        assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") == 0
        box, panel = page.locator(f".scene-{name}").evaluate("e => [e.scrollWidth, e.clientWidth]")
        assert box <= panel, "it scrolls down, not sideways"
        page.locator(f".scene-{name} .again").scroll_into_view_if_needed()
        page.locator(f".scene-{name} .again").tap()
        page.wait_for_function("s => document.querySelector(s).dataset.seed === '1'", arg=f".scene-{name}")
    assert not page.watch.bad, page.watch.bad
    page.context.close()
