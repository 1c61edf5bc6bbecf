"""What the stage shows instead of data space, and the layers that are off at first: numbers behind the pictures, hands on them."""

import math

import pytest

from tests.browser.conftest import open_page, step_of, wait_step
from tests.browser.test_gan_tab import STAGE, train

NOISE = ".scene-noise"
PAD = ".scene-noise .pad canvas"
SCENES = ["Data space", "Noise space", "Predictions", "Losses"]


def trained(page, preset: str = "Collapse it", steps: int = 300) -> None:
    """A run that rests at its newest step."""
    page.locator(".presets button", has_text=preset).first.click()
    train(page)
    wait_step(page, steps)
    rest(page)


def rest(page) -> None:
    """Pause, and leave the film for the newest picture."""
    if page.evaluate("() => window.playground.store.header.state") == "running":
        page.evaluate("() => window.playground.commands.pause()")
    page.wait_for_function("() => ['paused', 'finished'].includes(window.playground.store.header.state)")
    page.wait_for_function("() => { const s = window.playground.store; return s.steps().at(-1) > s.active.lastStep - 25; }")
    page.evaluate("() => window.playground.commands.newest()")
    page.wait_for_timeout(300)


@pytest.fixture
def run(page):
    trained(page)
    return page


@pytest.fixture
def phone(browser, app):
    page = open_page(browser, app, width=375, height=800, touch=True)
    page.evaluate("() => window.playground.commands.preset('collapse')")
    page.evaluate("() => window.playground.commands.train()")
    wait_step(page, 200)
    rest(page)
    yield page
    bad = list(page.watch.bad)
    page.context.close()
    assert not bad, "\n".join(bad)


def scene(page, words: str) -> None:
    page.locator(".scene-button").click()
    page.locator(".scene-menu").get_by_text(words, exact=True).click()
    page.wait_for_timeout(250)


def pixels(page, left: float = 0, right: float = 1) -> int:
    """A checksum of the stage between two shares of its width."""
    page.wait_for_timeout(250)
    return page.evaluate(
        """([s, l, r]) => { const c = document.querySelector(s), x = Math.round(l * c.width), w = Math.round((r - l) * c.width);
        return c.getContext('2d').getImageData(x, 0, w, c.height).data.reduce((h, v) => (h * 31 + v) | 0, 7); }""",
        [STAGE, left, right],
    )


def data(page, selector: str) -> dict[str, str]:
    return page.evaluate("s => ({...document.querySelector(s).dataset})", selector)


def numbers(text: str) -> list[float]:
    return [float(v) for v in text.split(",")]


def walked(page, place: list[float]) -> list[float]:
    """The sample that the server makes of a place, asked for by itself."""
    return page.evaluate(
        "async ([x, y]) => [...(await window.playground.session.ask('walk', {x, y})).views.find((v) => v.panel === 'walk').arrays.xy]",
        place,
    )


def settled(page) -> dict[str, str]:
    """The noise scene once the handle's place has been answered."""
    page.wait_for_function("s => { const d = document.querySelector(s).dataset; return d.sample && d.place === d.asked; }", arg=NOISE)
    return data(page, NOISE)


def test_the_grid_and_the_best_d_are_off_until_asked_for(run):
    buttons = {name: run.locator(f"[data-layer={name}]") for name in ("grid", "best", "heat")}
    assert [b.get_attribute("aria-pressed") for b in buttons.values()] == ["false", "false", "true"]
    plain = pixels(run)
    buttons["grid"].click()
    assert (grid := pixels(run)) != plain
    buttons["grid"].click()
    assert pixels(run) == plain, "and off again"
    buttons["heat"].click()
    bare = pixels(run)
    buttons["best"].click()
    assert pixels(run) not in (plain, grid, bare)
    assert run.locator(".split").is_hidden(), "one map needs no divider"


def test_a_divider_parts_d_from_the_best_d(run):
    run.locator("[data-layer=best]").click()
    split = run.locator(".split")
    split.wait_for()
    gap = run.evaluate("() => window.playground.store.value('d_gap')")
    assert 0 < gap < 1
    between, outside = pixels(run, 0.3, 0.45), pixels(run, 0.6, 1)
    box, stage = split.bounding_box(), run.locator(STAGE).bounding_box()
    run.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    run.mouse.down()
    run.mouse.move(stage["x"] + 0.25 * stage["width"], box["y"] + 40, steps=8)
    run.mouse.up()
    assert split.get_attribute("aria-valuenow") == "25"
    assert pixels(run, 0.3, 0.45) != between, "what was D(x) is now D*"
    assert pixels(run, 0.6, 1) == outside
    split.focus()
    run.keyboard.press("ArrowRight")
    assert split.get_attribute("aria-valuenow") == "27"


def test_what_cannot_be_shown_says_why(page):
    page.wait_for_function("() => window.playground.store.active.info.config.objective === 'r3gan'")
    best = page.locator("[data-layer=best]")
    assert best.get_attribute("aria-disabled") == "true"
    assert "no single best" in best.get_attribute("title")
    best.click(force=True)
    assert best.get_attribute("aria-pressed") == "false"
    page.locator("summary", has_text="Advanced").click()
    page.locator("#gan-knob-noise_dim").fill("1")
    page.locator("#gan-knob-noise_dim").press("Enter")
    page.wait_for_function("() => !document.querySelector('[data-layer=grid]')")


def test_dragging_the_handle_moves_the_sample_at_once(run):
    scene(run, "Noise space")
    before = settled(run)
    box = run.locator(PAD).bounding_box()
    run.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.5 * box["height"])
    run.mouse.down()
    for i in range(20):
        run.mouse.move(box["x"] + (0.8 - 0.03 * i) * box["width"], box["y"] + (0.5 - 0.015 * i) * box["height"])
        run.wait_for_timeout(30)
    run.mouse.up()
    after = settled(run)
    assert int(after["moves"]) > int(before["moves"]) + 4
    assert after["sample"] != before["sample"]
    assert numbers(after["sample"]) == pytest.approx(walked(run, numbers(after["place"])), abs=1e-5)
    assert "moves, seed 7" in run.locator(f"{NOISE} .scene-words").inner_text()


def test_keys_move_the_handle_and_the_film_gives_way_to_the_newest_step(run):
    scene(run, "Noise space")
    start = numbers(settled(run)["place"])
    run.evaluate("() => window.playground.commands.scrub(100)")
    assert not run.evaluate("() => window.playground.store.live")
    run.locator(PAD).focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowUp", "Shift+ArrowDown"):
        run.keyboard.press(key)
    now = settled(run)
    assert numbers(now["place"]) == pytest.approx([start[0] - 0.1, start[1] + 0.05 - 0.2])
    assert numbers(now["sample"]) == pytest.approx(walked(run, numbers(now["place"])), abs=1e-5)
    assert run.evaluate("() => window.playground.store.live")
    assert "newest step" in run.locator(f"{NOISE} .scene-words").inner_text()


def test_the_walk_goes_round_by_itself_and_in_stills_where_motion_is_unwelcome(browser, app):
    moves = {}
    for motion in ("no-preference", "reduce"):
        page = open_page(browser, app)
        page.emulate_media(reduced_motion=motion)
        trained(page)
        scene(page, "Noise space")
        first = settled(page)
        page.locator(f"{NOISE} .walk").click()
        page.wait_for_timeout(2000)
        page.locator(f"{NOISE} .walk").click()
        last = settled(page)
        moves[motion] = int(last["moves"]) - int(first["moves"])
        radius = [math.hypot(*numbers(d["place"])) for d in (first, last)]
        assert radius[0] == pytest.approx(radius[1], abs=1e-4) and last["place"] != first["place"]
        assert not page.watch.bad, page.watch.bad
        page.context.close()
    assert 2 <= moves["reduce"] <= 4 < 15 < moves["no-preference"]


def test_pictures_are_walked_too_of_the_class_one_asks_for(page):
    trained(page, "Digits in 15 seconds", 10)
    scene(page, "Noise space")
    page.wait_for_function("s => +document.querySelector(s).dataset.moves > 0", arg=NOISE)
    asked = []
    page.on("request", lambda r: asked.append(r.post_data_json["values"]) if r.url.endswith("/ask") else None)
    page.locator(f"{NOISE} select").select_option("3")
    page.locator(PAD).focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("s => { const d = document.querySelector(s).dataset; return d.place === d.asked; }", arg=NOISE)
    assert {a["label"] for a in asked} == {3} and asked[-1]["x"] == pytest.approx(0.95)
    assert "class" in page.locator(f"{NOISE} .row").inner_text()


def test_predictions_are_shares_of_what_d_said(run):
    scene(run, "Predictions")
    told = {k: float(v) for k, v in data(run, ".scene-predictions").items()}
    assert told["real"] == pytest.approx(1, abs=1e-5) and told["fake"] == pytest.approx(1, abs=1e-5)
    views = run.evaluate(
        "() => window.playground.store.frameAt(1e9).views.filter((v) => v.panel === 'predictions').map((v) => [v.name, [...v.arrays.y]])"
    )
    shares = dict(views)
    assert told["overlap"] == pytest.approx(sum(map(min, shares["real"], shares["fake"])), abs=1e-6)
    words = run.locator(".scene-predictions .scene-words").inner_text()
    assert f"overlap by {round(100 * told['overlap'])} %" in words and "n\u00a01,000 each" in words
    assert run.locator(".scene-predictions .legend.dash").is_visible()


def test_losses_come_with_how_to_read_them(run):
    scene(run, "Losses")
    told = data(run, ".scene-losses")
    assert int(told["points"]) > 5 and all(math.isfinite(float(told[k])) for k in "dg")
    words = run.locator(".scene-losses .scene-words").inner_text()
    assert words.startswith("How to read this loss. When G is perfect") and "D: log 4, G: log 2" in words
    floors = run.evaluate("() => ['d_loss', 'g_loss'].map((m) => window.playground.store.floor(m))")
    assert floors == pytest.approx([math.log(4), math.log(2)], abs=1e-6)
    assert run.locator(".scene-losses .critic").is_hidden()


def test_a_critic_s_gap_stands_beside_the_distance_itself(page):
    trained(page, "Fix it with a gradient penalty")
    scene(page, "Losses")
    assert page.locator(".scene-losses .critic").is_visible()
    assert page.locator(".scene-losses .critic h3").all_inner_texts() == ["− critic loss", "π/2 · Sliced W₁, n 2,000"]
    scene(page, "Predictions")
    assert page.locator(".scene-predictions .legend.dash").is_hidden(), "a critic has no threshold"
    assert "only differences count" in page.locator(".scene-predictions .scene-words").inner_text()


def test_the_menu_of_scenes_works_from_the_keyboard(run):
    run.locator(".scene-button").focus()
    run.keyboard.press("Enter")
    seen = run.locator(".scene-menu button").all_inner_texts()
    assert [words.split("\n")[0] for words in seen][: len(SCENES)] == SCENES, "each with a line of what is in it"
    run.keyboard.press("ArrowDown")
    run.keyboard.press("ArrowDown")
    run.keyboard.press("Enter")
    assert run.locator(".scene-predictions").is_visible() and run.locator(".stage-canvas").is_hidden()
    assert run.evaluate("() => document.activeElement.className") == "scene-button"
    run.keyboard.press("Escape")
    assert run.locator(".stage-canvas").is_visible() and run.locator(".scene-predictions").is_hidden()


def test_a_fix_that_is_on_can_be_asked_what_it_does(page):
    """The sections are written here, so that the test does not hang on the prose."""

    def tell(route):
        told = route.fetch().json()
        told["families"]["gan"]["fixes"] = {
            "r1": {"equation": "<i>R</i><sub>1</sub>", "text": "Flat at the data. No word of samples. " * 8},
            "pack": {"equation": "<i>m</i>", "text": "Several at once."},
        }
        route.fulfill(json=told)

    page.route("**/play/schema", tell)
    page.reload()
    page.wait_for_function("() => window.playground && document.querySelector('#lab-gan').dataset.shown")
    names = page.locator(".why .fixes .fix-name")
    names.first.wait_for()
    assert names.all_inner_texts() == ["R1 penalty γ"], "packing is off"
    why = page.locator('[data-part="explain"]')
    height = why.bounding_box()["height"]
    assert "Flat at the data" not in (loss := why.inner_text())
    names.first.click()
    assert names.first.get_attribute("aria-expanded") == "true" and "Flat at the data" in why.inner_text()
    assert why.bounding_box()["height"] == height
    names.first.click()
    page.mouse.move(5, 5)
    assert why.inner_text() == loss


def test_on_a_phone_everything_is_within_reach(phone):
    wide = "() => document.documentElement.scrollWidth - innerWidth"
    assert phone.evaluate(wide) == 0
    bar = phone.locator(".layers").evaluate("(b) => [b.scrollWidth, b.clientWidth, b.getBoundingClientRect().right]")
    assert bar[0] > bar[1] and bar[2] <= 375, "the toggles scroll, the page does not"
    phone.locator("[data-layer=best]").scroll_into_view_if_needed()
    phone.locator("[data-layer=best]").tap()
    phone.locator(".split").wait_for()
    for words in SCENES[2:]:
        scene(phone, words)
        assert phone.evaluate(wide) == 0
    scene(phone, "Noise space")
    before = settled(phone)
    box = phone.locator(PAD).bounding_box()
    phone.touchscreen.tap(box["x"] + 0.4 * box["width"], box["y"] + 0.4 * box["height"])
    phone.wait_for_function("p => document.querySelector('.scene-noise').dataset.place !== p", arg=before["place"])
    after = settled(phone)
    assert numbers(after["sample"]) == pytest.approx(walked(phone, numbers(after["place"])), abs=1e-5)
    assert phone.evaluate(wide) == 0 and step_of(phone) >= 200


def test_the_split_goes_with_the_map(run):
    """Pictures have no map to divide."""
    run.locator("[data-layer=best]").click()
    run.locator(".split").wait_for()
    run.evaluate("() => window.playground.commands.preset('digits')")
    run.wait_for_function(
        "() => window.playground.stage && window.playground.store.active.info.kind === 'image' && window.playground.store.frameAt(0)"
    )
    run.locator(".split").wait_for(state="hidden")
