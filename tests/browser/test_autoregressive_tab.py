"""The autoregressive tab in a browser: a text written, opened up, changed at a token; an image under the player; phone and dark."""

import pytest

from tests.browser.conftest import choose_tab, visit, wait_state

LAB = "#lab-autoregressive"
TEXT = {"dataset": "moby", "model": "gpt2", "width": 32, "layers": 2, "heads": 2, "kv_heads": 2, "block_size": 32, "batch": 8, "steps": 24}
IMAGES = {"dataset": "digits", "model": "gated-pixelcnn", "layers": 2, "width": 16, "steps": 12}


def open_tab(browser, app, **options):
    page = visit(browser, app, **options)
    choose_tab(page, "Autoregressive")
    page.wait_for_function("() => window.playground.family.key === 'autoregressive' && window.playground.store.backdrop()", timeout=60_000)
    return page


def train(page, settings) -> None:
    """A small run with these settings, from its data to its end."""
    page.evaluate("s => { window.playground.commands.preview(s); }", settings)
    page.wait_for_function(
        "s => window.playground.store.active?.info.config.steps === s.steps && window.playground.store.step === 0", arg=settings
    )
    page.evaluate("() => { window.playground.commands.train(); }")
    wait_state(page, "finished", 90, lab="autoregressive")


@pytest.fixture(scope="module")
def written(browser, app):
    """A page with a small text model at rest, its text gone on until it fills the stage."""
    page = open_tab(browser, app)
    train(page, TEXT)
    page.wait_for_function(f"() => document.querySelectorAll('{LAB} .written span').length === 420")
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def drawn(browser, app):
    page = open_tab(browser, app)
    train(page, IMAGES)
    page.wait_for_function(f"() => document.querySelector('{LAB} .seq-pixels').dataset.drawn")
    yield page
    page.context.close()


def data(page, stage: str, name: str) -> str:
    return page.locator(f"{LAB} .seq-{stage}").get_attribute(f"data-{name}")


def pieces(page) -> list[str]:
    return page.locator(f"{LAB} .written span").evaluate_all("all => all.map((s) => s.textContent)")


def chosen(page, position: int) -> None:
    """The bars have come that belong to a token."""
    page.wait_for_function(
        f"""at => {{ const all = ['.seq-text', `[data-at="${{at}}"]`, '.next-rows .chosen'];
        const [stage, span, row] = all.map((s) => document.querySelector('{LAB} ' + s));
        return +stage.dataset.position === at && row?.dataset.piece === span?.textContent; }}""",
        arg=position,
    )


def test_a_token_shows_what_could_have_come_and_the_keyboard_moves_on(written):
    written.locator(f'{LAB} .written [data-at="60"]').click()
    chosen(written, 60)
    shares = written.locator(f"{LAB} .next-rows button:not([hidden]) .share").all_inner_texts()
    numbers = [float(s.split()[0]) for s in shares]
    assert numbers == sorted(numbers, reverse=True) or numbers[:-1] == sorted(numbers[:-1], reverse=True)
    words = written.locator(f"{LAB} .view-next .said").inner_text()
    assert "surprise" in words and "of 4.42 for 83 characters" in words
    assert written.locator(f"{LAB} .next-rows u:visible").count() > 3, "ticks of what was learned, since the temperature is 0.8"
    written.locator(f"{LAB} .written").focus()
    written.keyboard.press("ArrowRight")
    chosen(written, 61)
    assert not written.watch.bad, written.watch.bad


def test_another_token_makes_another_text_and_can_be_undone(written):
    written.locator(f'{LAB} .written [data-at="50"]').click()
    chosen(written, 50)
    before = pieces(written)
    other = written.locator(f"{LAB} .next-rows button:not(.chosen):not([hidden])").first
    piece = other.get_attribute("data-piece")
    other.click()
    written.wait_for_function(f"() => document.querySelector('{LAB} .seq-text').dataset.own === 'true'")
    after = pieces(written)
    assert after[:50] == before[:50] and after[50] == piece != before[50] and len(after) == len(before)
    written.locator(f"{LAB} .view-next .undo").click()
    assert pieces(written) == before and data(written, "text", "own") == "false"


def test_one_token_at_a_time_and_a_text_from_a_prompt(written):
    before = len(pieces(written))
    written.locator(f"{LAB} .next-token").click()
    written.wait_for_function(f"n => document.querySelectorAll('{LAB} .written span').length === n", arg=before + 1)
    chosen(written, before)
    written.locator(f"{LAB} .prompt input").fill("The whale")
    written.locator(f"{LAB} .generate").click()
    written.wait_for_function(f"() => document.querySelector('{LAB} .written').textContent.startsWith('The whale')")
    assert len(pieces(written)) == 409 and written.locator(f"{LAB} .written .given").count() == 9
    written.locator(f"{LAB} .follow").click()
    assert data(written, "text", "own") == "false"


def test_a_head_is_chosen_and_the_map_points_at_the_text(written):
    written.locator(f"{LAB} .view-looking .layer").select_option("0")
    written.wait_for_function(f"() => document.querySelector('{LAB} .view-looking').dataset.shown === '0.1'")
    box = written.locator(f"{LAB} .view-looking .map canvas").bounding_box()
    written.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.8)
    written.wait_for_function(
        f"() => document.querySelector('{LAB} .written .looked-at') && document.querySelector('{LAB} .written .looks')"
    )
    written.mouse.move(5, 5)


def test_texts_follow_the_timeline_and_copies_are_marked(written):
    first = written.locator(f"{LAB} .earlier button").first
    step = int(first.get_attribute("data-step"))
    first.click()
    written.wait_for_function(f"s => document.querySelector('{LAB} .seq-text').dataset.step === String(s)", arg=step)
    theirs = written.evaluate("s => window.playground.store.frameAt(s).views.find((v) => v.type === 'tokens').pieces", step)
    assert pieces(written) == theirs
    written.evaluate("() => window.playground.commands.newest()")
    written.locator(f"{LAB} [data-layer=copies]").click()
    written.wait_for_function(f"() => document.querySelector('{LAB} .mean').textContent.startsWith('copied')")
    written.locator(f"{LAB} [data-layer=entropy]").click()
    assert written.locator(f"{LAB} [data-layer=surprise]").get_attribute("aria-pressed") == "false", "one tint at a time"
    assert written.locator(f"{LAB} .legend.ladder").is_visible()
    assert not written.watch.bad, written.watch.bad


def test_the_form_shows_what_the_model_has(written):
    shown = lambda name: written.locator(f'{LAB} [data-knob="{name}"]').get_attribute("hidden") is None  # noqa: E731
    assert [shown(k) for k in ("block_size", "heads", "order", "kv_heads", "vocab", "levels")] == [True, True, False, False, False, False]
    heights = written.locator(f"{LAB} .presets button").evaluate_all("all => all.map((b) => b.offsetHeight)")
    assert max(heights) < 40, "one line each"


def test_the_player_needs_no_server_and_a_pixel_can_be_another(drawn):
    asked = []
    drawn.on("request", lambda r: asked.append(r.url) if "play/ask" in r.url else None)
    drawn.wait_for_timeout(1_000)
    asked.clear()
    seen = drawn.evaluate(
        f"""() => {{ const [stage, at] = ['.seq-pixels', '.pixel-at'].map((s) => document.querySelector('{LAB} ' + s)), seen = [];
        for (let k = 0; k <= 64; k++) {{ at.value = k; at.dispatchEvent(new Event('input')); seen.push(+stage.dataset.k); }}
        return seen; }}"""
    )
    assert seen == list(range(65)) and asked == []
    drawn.locator(f"{LAB} .view-growing canvas").click(position={"x": 110, "y": 100})
    k = int(data(drawn, "pixels", "k"))
    assert 0 < k < 64
    drawn.locator(f"{LAB} .pixel-on").click()
    assert int(data(drawn, "pixels", "k")) == k + 1
    levels = "() => [...window.playground.store.steps()].length && document.querySelector('#lab-autoregressive .seq-pixels').dataset.drawn"
    before = drawn.evaluate(levels)
    drawn.locator(f"{LAB} .view-levels canvas").focus()
    drawn.keyboard.press("ArrowLeft") if before.split(",")[k + 1] == "16" else drawn.keyboard.press("ArrowRight")
    drawn.keyboard.press("Enter")
    drawn.wait_for_function(f"k => +document.querySelector('{LAB} .seq-pixels').dataset.known === k + 2", arg=k)
    after = drawn.evaluate(levels)
    was, now = before.split(","), after.split(",")
    assert now[: k + 1] == was[: k + 1] and abs(int(now[k + 1]) - int(was[k + 1])) == 1
    drawn.locator(f"{LAB} .seq-pixels .undo").click()
    drawn.wait_for_function(f"was => document.querySelector('{LAB} .seq-pixels').dataset.drawn === was", arg=before)
    assert "bits" in drawn.locator(f"{LAB} .view-levels .said").inner_text()
    drawn.wait_for_function(f"() => document.querySelector('{LAB} .view-field .said').textContent.includes('matter')")
    assert not drawn.watch.bad, drawn.watch.bad


def test_a_phone_in_the_dark_has_everything_in_reach(browser, app):
    page = open_tab(browser, app, width=375, height=812, scheme="dark", touch=True)
    train(page, TEXT)
    chosen_row = page.locator(f"{LAB} .next-rows .chosen")
    chosen_row.wait_for()
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    for part in (".written", ".next-rows", ".view-looking .map canvas", ".generate", ".prompt input", ".chart.broad canvas"):
        box = page.locator(f"{LAB} {part}").first.bounding_box()
        assert box["width"] > 60 and box["x"] >= 0 and box["x"] + box["width"] <= 375, part
    assert not page.watch.bad, page.watch.bad
    page.context.close()


def test_a_text_of_ones_own(browser, app):
    page = open_tab(browser, app)
    page.locator(f"{LAB} .draw-own").click()
    use = page.locator(f"{LAB} .own-text .use")
    page.locator(f"{LAB} .own-text textarea").fill("too short")
    assert use.is_disabled()
    page.locator(f"{LAB} .own-text textarea").fill("Wer reitet so spät durch Nacht und Wind?\n" * 40)
    use.click()
    page.wait_for_function("() => window.playground.store.active?.info.config.dataset === 'own-text'")
    page.wait_for_function(f"() => document.querySelector('{LAB} .written').textContent.includes('reitet')")
    assert not page.watch.bad, page.watch.bad
    page.context.close()
