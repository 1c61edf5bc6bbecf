"""How the page fills a screen: lecture mode on each tab and size, what is above the fold, nothing cut off at its own frame."""

import pytest

from tests.browser.conftest import choose_tab, open_page, visit, wait_step

TABS = {"gan": "GAN", "vae": "VAE", "diffusion": "Diffusion", "autoregressive": "Autoregressive"}
PROJECTORS = [(1280, 720), (1440, 900), (1920, 1080), (3840, 2160)]

# What a visitor can press: in the window, and nothing lies over it.
REACHED = """selector => [...document.querySelectorAll(selector)].some((e) => {
  const r = e.getBoundingClientRect();
  const [x, y] = [r.x + r.width / 2, r.y + r.height / 2];
  return r.width > 8 && x > 0 && y > 0 && x < innerWidth && y < innerHeight && e.contains(document.elementFromPoint(x, y));
})"""
# Controls of the stage that end beyond it, or whose words are cut. Toggles may scroll, with a fade at the edge that says so.
CUT = """lab => { const stage = document.querySelector(`#lab-${lab} .stage`).getBoundingClientRect();
  return [...document.querySelectorAll(`#lab-${lab} .stage :is(button, select, input, h3)`)].filter((e) => {
    const r = e.getBoundingClientRect();
    return e.checkVisibility({ visibilityProperty: true }) && r.width && !e.closest('.layers, .flow, .scene-menu') &&
      (r.right > stage.right + 1 || r.left < stage.left - 1 || r.bottom > stage.bottom + 1);
  }).map((e) => (e.innerText || e.className || e.getAttribute('aria-label')).slice(0, 40)) }"""
# The smallest type on the stage and in the header, px on the screen.
SMALLEST = """lab => Math.min(...[...document.querySelectorAll(`#lab-${lab} :is(.run-header, .stage) *`)].filter((e) =>
  e.checkVisibility() && !e.closest('svg, sub, sup, .evidence, .flow') && 
    [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).map((e) =>
  parseFloat(getComputedStyle(e).fontSize) * e.currentCSSZoom))"""


def go(page, key: str) -> None:
    choose_tab(page, TABS[key])
    page.wait_for_function("key => document.querySelector(`#lab-${key}`).dataset.shown != null", arg=key)
    page.wait_for_timeout(700)


@pytest.mark.parametrize(("width", "height"), PROJECTORS)
def test_lecture_mode_fills_the_screen_on_every_tab_with_all_that_a_lecturer_presses(browser, app, width, height):
    page = open_page(browser, app, width=width, height=height)
    page.keyboard.press("l")
    for key in TABS:
        go(page, key)
        lab = f"#lab-{key}"
        stage = page.locator(f"{lab} [data-part=stage]").bounding_box()
        assert stage["width"] >= 0.6 * width, (key, stage)
        assert stage["y"] + stage["height"] <= height and stage["height"] >= 0.65 * height, (key, stage)
        for part in ("train", "lecture-bar select", "leave-lecture", "timeline-track"):
            assert page.evaluate(REACHED, f"{lab} .lecture-bar .train" if part == "train" else f"{lab} .{part}"), (key, part)
        views = page.locator(f"{lab} .stage-canvas > .view, {lab} .seq-views > .view").all()
        for view in [v for v in views if v.is_visible()]:
            assert view.bounding_box()["width"] >= 0.12 * width, key
        assert page.evaluate(CUT, key) == [], key
        assert page.evaluate(SMALLEST, key) >= 14.8, key
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, key
        assert page.locator("#nav > .tab-wrapper").bounding_box()["height"] >= 60
    assert not page.watch.bad
    page.context.close()


def test_a_lecture_is_held_with_the_mouse_alone(browser, app):
    page = open_page(browser, app, width=1280, height=720)
    page.get_by_label("Lecture mode: the stage alone, large").click()
    assert page.locator("#lab-gan .run-buttons").is_hidden()
    page.locator("#lab-gan .lecture-bar select").select_option("collapse")
    page.wait_for_function("() => window.playground.state.config.objective === 'non-saturating'")
    page.locator("#lab-gan .lecture-bar .train").click()
    wait_step(page, 1)
    page.locator("#lab-gan .leave-lecture").click()
    assert page.locator("#lab-gan .run-buttons").is_visible()
    assert not page.watch.bad
    page.context.close()


@pytest.mark.parametrize("key", TABS)
def test_what_explains_the_picture_is_above_the_fold(browser, app, key):
    """At 1440 x 900 what is happening and why can be read without scrolling; at 1280 x 720 too, and no control is cut off."""
    for width, height in ((1440, 900), (1280, 720)):
        page = visit(browser, app, width=width, height=height)
        go(page, key)
        for part in (".happening .head", ".why .equation"):
            box = page.locator(f"#lab-{key} {part}").first.bounding_box()
            assert box["y"] + box["height"] <= height, (width, part, box)
        if height == 900:
            box = page.locator(f"#lab-{key} .explain").bounding_box()
            assert box["y"] + box["height"] <= height, box
        assert page.evaluate(CUT, key) == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        assert not page.watch.bad
        page.context.close()
