"""The scenes that judge a run: gradient health, precision against recall. What the page computes agrees with the engines."""

import numpy as np

from engines import clouds
from tests.browser.conftest import wait_step
from tests.browser.test_gan_tab import train

SAMPLES = """() => {
  const { store } = window.playground;
  const xy = (frame, name) => [...frame.views.find((v) => v.panel === 'stage' && v.name === name).arrays.xy.subarray(0, 600)];
  return { fake: xy(store.frameAt(store.step), 'samples'), real: xy(store.backdrop(), 'data') };
}"""
HERE = """async ({ real, fake }) => {
  const { precisionRecall } = await import('./play/web/neighbourhoods.js');
  return precisionRecall(Float32Array.from(real), Float32Array.from(fake));
}"""


def scene(page, name: str) -> None:
    page.locator(".scene-button").click()
    page.locator(f".scene-menu [data-scene={name}]").click()
    page.wait_for_selector(f".scene-{name}:visible")


def test_precision_and_recall_in_the_page_are_those_of_the_engines(page):
    train(page)
    wait_step(page, 60)
    page.keyboard.press("Space")
    found = page.evaluate(SAMPLES)
    real, fake = (np.reshape(found[k], (-1, 2)) for k in ("real", "fake"))
    wanted = clouds.neighbours(real, fake, 5)
    here = page.evaluate(HERE, found)
    assert abs(here["precision"] - wanted.precision) < 0.005 and abs(here["recall"] - wanted.recall) < 0.005
    scene(page, "fidelity")
    words = page.locator(".scene-fidelity .scene-words")
    page.wait_for_function("() => document.querySelector('.scene-fidelity .scene-words').textContent.includes('of samples lie among')")
    assert "n\u00a0300" in words.inner_text() and "seed" in words.inner_text()


def test_gradient_health_follows_the_timeline(page):
    train(page)
    wait_step(page, 80)
    page.keyboard.press("Space")
    scene(page, "gradients")
    words = page.locator(".scene-gradients .scene-words")
    page.wait_for_function("() => document.querySelector('.scene-gradients .scene-words').textContent.includes('D is right on')")
    late = words.inner_text()
    page.keyboard.press("Home")
    page.wait_for_function("() => document.querySelector('.scene-gradients .scene-words').textContent.startsWith('Nothing measured yet')")
    page.keyboard.press("End")
    page.wait_for_function("t => document.querySelector('.scene-gradients .scene-words').textContent === t", arg=late)
    page.locator(".scene-button").press("Escape")
    assert page.locator(".stage-canvas").is_visible(), "Escape leads back to data space"
