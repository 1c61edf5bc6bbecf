"""What is said while something is waited for, and what may stand on the page meanwhile: one strip for all questions, and nothing of another
run or another step that does not say so."""

import pytest

from tests.browser.conftest import choose_tab, open_page, open_vae, visit, wait_state, wait_step
from tests.browser.test_film import fast  # noqa: F401

STRIP = "#lab-vae .wait-strip"


def slow_asks(page, seconds=None, status=None, headers=None, times=99):
    """The server takes its time over each question, or turns it away."""
    held = {"left": times}

    def answer(route):
        if held["left"] <= 0:
            return route.continue_()
        held["left"] -= 1
        if status:
            return route.fulfill(status=status, json={"error": "the worker is busy"}, headers=headers or {})
        page.wait_for_timeout(1000 * seconds)
        return route.continue_()

    page.route("**/play/ask", answer)
    return held


def hang(page):
    """Questions that are never answered, until `page.unroute`."""
    page.route("**/play/ask", lambda route: None)


def test_a_slow_question_says_so_counts_and_can_be_given_up_and_asked_again(browser, app):
    page = open_vae(browser, app)
    hang(page)
    page.evaluate("() => window.playground.commands.scene('bounds')")
    strip = page.locator(STRIP)
    strip.get_by_text("Asking the model").wait_for(timeout=3000)
    strip.get_by_role("button", name="Cancel").wait_for(timeout=5000)
    first = strip.locator(".time").inner_text()
    page.wait_for_function("a => document.querySelector(`${a.s} .time`).textContent !== a.t", arg={"s": STRIP, "t": first})
    strip.get_by_role("button", name="Cancel").click()
    strip.get_by_text("Stopped waiting.").wait_for()
    assert page.locator("#lab-vae .stage .field-error:visible").count() == 0, "slow is no error in red"
    page.unroute("**/play/ask")
    strip.get_by_role("button", name="Ask again").click()
    strip.wait_for(state="hidden", timeout=60_000)
    page.wait_for_function("() => /\\d/.test(document.querySelector('#lab-vae .scene-bounds .scene-words').innerText)")
    page.context.close()


def test_a_busy_server_is_asked_again_when_it_says(browser, app):
    page = open_vae(browser, app)
    held = slow_asks(page, status=503, headers={"Retry-After": "1"}, times=3)
    page.evaluate("() => window.playground.commands.scene('bounds')")
    for _ in range(60):
        page.wait_for_timeout(500)
        if held["left"] == 0:
            break
    assert held["left"] == 0
    page.wait_for_timeout(500)
    page.locator(STRIP).wait_for(state="hidden", timeout=60_000)
    page.watch.forgive("503")
    assert not page.watch.bad
    page.context.close()


def test_every_question_goes_through_one_client():
    """No module of the page asks a session by itself."""
    from tests.browser.conftest import ROOT

    bare = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "assets" / "web").rglob("*.js")
        if "session.ask(" in path.read_text(encoding="utf-8") and path.name != "call.js"
    ]
    assert bare == []


def test_the_first_tab_is_alive_and_says_that_it_shows_a_recording(browser, app):
    page = open_page(browser, app)
    plate = page.locator("#lab-gan .plate")
    plate.get_by_text("A recorded run is playing").wait_for()
    shown = "() => document.querySelector('#lab-gan .stage-canvas canvas').toDataURL()"
    before = page.evaluate(shown)
    page.wait_for_function(f"(before) => ({shown})() !== before", arg=before)
    box, stage = plate.bounding_box(), page.locator("#lab-gan .stage-canvas").bounding_box()
    assert box["height"] < 0.3 * stage["height"]
    page.locator("#lab-gan .run-buttons .train").click()
    wait_step(page, 1)
    assert plate.is_hidden() or "recorded" not in plate.inner_text()
    assert not page.watch.bad
    page.context.close()


def test_a_press_is_answered_before_the_server_answers(browser, app):
    page = open_vae(browser, app)
    page.route("**/play/act", lambda route: None)
    page.locator("#lab-vae [data-preset=fashion]").click()
    page.wait_for_timeout(200)
    assert page.locator("#lab-vae [data-preset=fashion]").get_attribute("aria-checked") == "true"
    plate = page.locator("#lab-vae .plate")
    assert "Loading" in plate.inner_text() and "run before" in plate.inner_text()
    assert "Finished" not in page.locator("#lab-vae .run-header .state").inner_text()
    assert "Nothing unusual" not in page.locator("#lab-vae .happening").inner_text()
    page.context.close()


def test_a_what_if_is_announced_uncovered_and_kept(browser, fast):  # noqa: F811
    page = open_page(browser, fast)
    page.wait_for_function("() => window.playground.store.header.engine === 'numba'", timeout=120_000)
    assert "drag a knob" in page.locator("#lab-gan .plate").inner_text()
    slider = page.locator("#lab-gan .knobs [data-knob=lr_g] input[type=range]")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    for i in range(12):
        page.mouse.move(box["x"] + box["width"] / 2 - 3 * i, y)
        page.wait_for_timeout(40)
    page.wait_for_function("() => window.playground.whatIf.trial")
    page.wait_for_timeout(300)
    assert page.locator("#lab-gan .plate").is_hidden()
    assert "What if" in page.locator("#lab-gan .run-header .state").inner_text()
    page.mouse.up()
    left = page.evaluate("() => window.playground.state.config.lr_g")
    page.wait_for_function("() => window.playground.store.active.info.step > 0 && !window.playground.whatIf.trial")
    assert page.evaluate("() => window.playground.store.active.info.config.lr_g") == left
    assert not page.watch.bad
    page.context.close()


def test_a_film_tells_nothing_before_it_is_seen(browser, fast):  # noqa: F811
    page = open_page(browser, fast)
    page.wait_for_function("() => window.playground.store.header.engine === 'numba'", timeout=120_000)
    page.locator("#lab-gan .run-buttons .train").click()
    wait_state(page, "finished")
    seen = page.evaluate("""() => { const { store } = window.playground;
      return { shown: store.step, last: store.active.lastStep, horizon: store.horizon,
        curve: Math.max(...store.series('modes_covered').main.map(([s]) => s)) }; }""")
    assert seen["shown"] < seen["last"] and seen["curve"] <= seen["horizon"] < seen["last"], seen
    assert "Replay" in page.locator("#lab-gan .run-header .state").inner_text()
    assert "replay" in page.locator("#lab-gan .timeline .at").inner_text()
    page.locator("#lab-gan .go-live").click()
    page.wait_for_function("() => window.playground.store.horizon === null")
    assert page.evaluate("() => Math.max(...window.playground.store.series('modes_covered').main.map(([s]) => s))") == seen["last"]
    assert not page.watch.bad
    page.context.close()


def test_a_fork_shows_both_futures_and_each_its_own_flags(browser, fast):  # noqa: F811
    page = open_page(browser, fast)
    page.wait_for_function("() => window.playground.store.header.engine === 'numba'", timeout=120_000)
    page.locator("#lab-gan .run-buttons .train").click()
    wait_state(page, "finished")
    page.evaluate("() => { const s = window.playground.store.steps(); window.playground.commands.scrub(s[Math.floor(s.length / 3)]) }")
    at = page.evaluate("() => window.playground.store.step")
    page.locator("#lab-gan .timeline .fork").click()
    page.locator("#gan-knob-objective").select_option("non-saturating")
    page.wait_for_timeout(600)
    page.locator("#lab-gan .run-buttons .train").click()
    page.wait_for_function("() => window.playground.store.branches.size === 2 && window.playground.store.header.state === 'finished'")
    page.evaluate("() => window.playground.commands.newest()")
    page.wait_for_function("() => window.playground.store.rival(window.playground.store.step)")
    found = page.evaluate("""() => { const { store } = window.playground;
      return { title: store.rival(store.step).title, frame: store.rival(store.step).frame.step }; }""")
    assert found["frame"] > at and found["title"]
    assert page.locator("#lab-gan .branches").inner_text().startswith("Shown")
    flags = page.evaluate("""async () => { const { timelineOf } = await import(new URL('play/web/timelinedata.js', document.baseURI));
      const { store, family, state } = window.playground;
      const about = { config: state.config, set: family.datasets.ring8, info: { name: 'modes_covered' }, canFork: true };
      return timelineOf(store, about).events.map((e) => e.step); }""")
    own = page.evaluate("""() => { const { store } = window.playground;
      return store.active.events.concat(store.active.rows.filter((r) => r.note)).map((e) => e.s); }""")
    assert all(step <= at or step in own for step in flags), (at, flags)
    assert not page.watch.bad
    page.context.close()


def test_numbers_of_a_run_that_was_replaced_are_faint_and_named(browser, app):
    page = visit(browser, app)
    choose_tab(page, "Diffusion")
    panel = page.locator("#lab-diffusion .matrix-panel")
    page.wait_for_function("() => document.querySelector('#lab-diffusion .matrix-panel')?.dataset.measured === '4'", timeout=120_000)
    assert not panel.evaluate("(e) => e.classList.contains('stale')")
    page.locator("#lab-diffusion .run-buttons .train").click()
    page.wait_for_function("() => document.querySelector('#lab-diffusion').dataset.state === 'running'", timeout=60_000)
    panel.get_by_text("of the run before").wait_for()
    assert float(panel.locator(".sampler-matrix").evaluate("(e) => getComputedStyle(e).opacity")) < 0.6
    page.evaluate("() => window.playground.commands.pause()")
    page.context.close()


@pytest.mark.parametrize("key", ["gan", "vae", "diffusion", "autoregressive"])
def test_stage_and_scenes_open_with_where_to_look_and_the_menu_says_what_is_behind_it(browser, app, key):
    page = visit(browser, app)
    choose_tab(page, {"gan": "GAN", "vae": "VAE", "diffusion": "Diffusion", "autoregressive": "Autoregressive"}[key])
    page.wait_for_function("key => document.querySelector(`#lab-${key}`).dataset.shown != null", arg=key)
    look = page.locator(f"#lab-{key} .look")
    look.wait_for()
    home = look.inner_text()
    assert len(home) > 30
    page.locator(f"#lab-{key} .scene-button").click()
    menu = page.locator(f"#lab-{key} .scene-menu")
    assert menu.locator("h4").count() >= 2
    lines = menu.locator("button:not([data-scene='']) small").all_inner_texts()
    missing = page.evaluate("""() => { const { family, area } = window.playground; return family.guide.groups.flatMap(([, e]) => e)
      .filter(([, line]) => line.length > 140).map(([name]) => name) }""")
    assert all(len(line) > 20 for line in lines) and not missing
    assert menu.locator("[aria-current]").get_attribute("data-scene") == ""
    item = menu.locator("button:not([data-scene=''])").first
    name, line = item.get_attribute("data-scene"), item.locator("small").inner_text()
    item.click()
    assert look.inner_text() == line != home
    page.locator(f"#lab-{key} .scene-button").click()
    assert menu.locator("[aria-current]").get_attribute("data-scene") == name
    page.context.close()


def test_terms_are_explained_under_pointer_finger_and_focus(browser, app):
    page = open_page(browser, app)
    card = page.locator(".term-card")
    tile = page.locator("#lab-gan [data-metric=reverse_kl] .name").first
    if not tile.count():
        tile = page.locator("#lab-gan .tile .name", has_text="Reverse KL")
    tile.hover(position={"x": 20, "y": 9})
    card.get_by_text("Kullback").or_(card.get_by_text("KL divergence")).first.wait_for()
    page.mouse.move(5, 5)
    card.wait_for(state="hidden")
    page.locator("#lab-gan .tile").first.focus()
    page.keyboard.press("Tab")
    card.wait_for()
    page.keyboard.press("Escape")
    card.wait_for(state="hidden")
    page.evaluate("() => document.querySelector('#lab-gan .tile').blur()")
    page.wait_for_function("() => CSS.highlights.get('term').size > 8")  # they are marked anew a moment after the page has changed
    page.context.close()
    phone = open_page(browser, app, width=375, height=812, touch=True)
    name = phone.locator("#lab-gan .tile .name", has_text="Sliced")
    name.scroll_into_view_if_needed()
    name.tap(position={"x": 20, "y": 9})
    phone.locator(".term-card").get_by_text("Distance between two clouds").wait_for()
    phone.context.close()
