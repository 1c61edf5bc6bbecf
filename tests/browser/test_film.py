"""The compiled engine in the page: the whole run is there at once and plays as a film."""

import subprocess
import sys
import time

import pytest

from tests.browser.conftest import ROOT, App, open_page, wait_state
from tests.browser.test_gan_tab import train


@pytest.fixture(scope="module")
def fast():
    warm = "from engines.gan.fused import warm; warm()"  # as `make run` does: the compiler is waited for once, not by visitors
    subprocess.run([sys.executable, "-c", warm], cwd=ROOT, check=True, timeout=300)
    running = App(PLAYGROUND_ENGINE="auto")
    yield running
    running.stop()


def test_a_whole_run_is_computed_at_once_and_played(browser, fast):
    page = open_page(browser, fast)
    page.wait_for_function("() => window.playground.store.header.engine === 'numba'", timeout=120_000)
    assert "numba" in page.locator('[data-part="header"]').inner_text()
    begun = time.monotonic()
    train(page)
    wait_state(page, "finished", seconds=20)
    assert time.monotonic() - begun < 15, "14,000 steps"
    shown = int(page.evaluate("() => +document.querySelector('#lab-gan').dataset.shown"))
    assert shown < 14_000, "the film is still playing"
    steps = page.evaluate("() => window.playground.store.steps()")
    assert len(steps) > 80 and steps[0] == 0 and steps[-1] == 14_000
    page.wait_for_function("s => +document.querySelector('#lab-gan').dataset.shown > s", arg=shown)
    slider = page.locator('[data-part="stage"] [role=slider]')
    slider.focus()
    page.keyboard.press("End")
    page.wait_for_function("() => document.querySelector('#lab-gan').dataset.shown === '14000'")
    page.wait_for_function("() => document.querySelector('[data-metric=modes_covered] b').textContent === '8'")
    assert not page.watch.bad, page.watch.bad
    page.context.close()


def test_dragging_a_knob_redraws_whole_runs_and_letting_go_trains_exactly(browser, fast):
    page = open_page(browser, fast)
    page.wait_for_function("() => window.playground.store.header.engine === 'numba'", timeout=120_000)
    train(page)
    wait_state(page, "finished", seconds=20)
    answers = []
    page.on("requestfinished", lambda r: answers.append(r.url) if "what-if" in r.url else None)
    box = page.locator("[data-knob=r1] input[type=range]").first
    page.locator("summary", has_text="Fixes").click()
    place = box.bounding_box()
    y = place["y"] + place["height"] / 2
    page.mouse.move(place["x"] + place["width"] / 2, y)
    page.mouse.down()
    for i in range(40):
        page.mouse.move(place["x"] + place["width"] / 2 - 3 * i, y)
        time.sleep(0.04)
    page.wait_for_function("() => document.querySelector('[data-part=explain]').textContent.includes('What if')")
    assert len(answers) >= 2
    ghost = page.evaluate("() => window.playground.whatIf.trial.series('modes_covered').others.length")
    assert ghost == 1, "the run from before the drag stays as a ghost"
    page.mouse.up()
    page.wait_for_function("() => window.playground.store.active.info.config.r1 < 0.1")
    page.wait_for_function(
        "() => { const { state, step } = window.playground.store.active.info; return state === 'finished' && step === 14000; }"
    )
    assert not page.watch.bad, page.watch.bad
    page.context.close()


def test_the_film_goes_step_by_step_or_all_at_once(browser, fast):
    page = open_page(browser, fast)
    page.wait_for_function("() => window.playground.store.header.engine === 'numba'", timeout=120_000)
    train(page)
    wait_state(page, "finished", seconds=20)
    page.select_option(".speed", label="1 step/s")
    shown = "() => +document.querySelector('#lab-gan').dataset.shown"
    seen = []
    while len(seen) < 3:
        page.wait_for_timeout(250)
        if (step := int(page.evaluate(shown))) not in seen[-1:]:
            seen.append(step)
    assert [b - a for a, b in zip(seen[1:], seen[2:], strict=False)] == [1], "every single step, though few were looked at before"
    assert page.evaluate("() => window.playground.store.value('modes_covered')") == page.evaluate(
        "s => window.playground.store.active.fine.get(s).modes_covered", seen[-1]
    ), "measured at this very step"
    page.select_option(".speed", label="at once")
    page.wait_for_function("() => document.querySelector('#lab-gan').dataset.shown === '14000'")
    assert not page.watch.bad, page.watch.bad
    page.context.close()
