"""The diffusion tab in a browser: a run is trained, a walk from noise to data is scrubbed without the server, a start is dragged."""

import time

import pytest

from tests.browser.conftest import choose_tab, visit, wait_state

LAB = "#lab-diffusion"
STAGE = f"{LAB} .denoise"
WALKED = "() => { const d = document.querySelector('#lab-diffusion .denoise').dataset; return d.walk === 'asked' && d.of > 0; }"


def open_diffusion(browser, app, **options):
    """A fresh visitor on the diffusion tab, with its data shown."""
    page = visit(browser, app, **options)
    choose_tab(page, "Diffusion")
    page.wait_for_function("() => window.playground.family.key === 'diffusion' && window.playground.store.backdrop()", timeout=60_000)
    return page


def train(page, **settings):
    """Train to the end; the film of a run that was over at once is skipped, and the model's walk is there."""
    if settings:
        page.evaluate("s => window.playground.commands.preview(s)", settings)
        page.wait_for_function("n => window.playground.store.active?.info.config.steps === n", arg=settings["steps"])
    page.locator(f"{LAB} .train:visible").first.click()
    wait_state(page, "finished", 90, lab="diffusion")
    page.evaluate("() => window.playground.commands.newest()")
    page.wait_for_function(WALKED, timeout=60_000)


def about(page, name: str) -> str:
    return page.locator(STAGE).get_attribute(f"data-{name}")


def asks(page) -> list[str]:
    """Requests from now on, but for the pull that always waits for news."""
    made: list[str] = []
    page.on("request", lambda r: None if "/play/pull" in r.url else made.append(r.url))
    return made


def picture(page, view: str) -> str:
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.evaluate("s => document.querySelector(s).toDataURL()", f"{STAGE} {view} canvas")


@pytest.fixture(scope="module")
def ring(browser, app):
    page = open_diffusion(browser, app)
    train(page, dataset="ring8", steps=2_000)
    page.wait_for_function(f"() => document.querySelector('{STAGE}').dataset.fields", timeout=30_000)
    yield page
    bad = list(page.watch.bad)
    page.context.close()
    assert not bad, "\n".join(bad)


@pytest.fixture(autouse=True)
def at_rest(request):
    """Each test begins with the player at rest at its end."""
    if "ring" in request.fixturenames:
        page = request.getfixturevalue("ring")
        page.evaluate("() => { const { player } = window.playground.area; player.stop(); player.move(Infinity); }")


def test_the_whole_walk_is_scrubbed_in_the_browser(ring):
    """One answer holds every step: no request while the player moves, and every view follows."""
    ring.wait_for_timeout(300)  # what was asked before is answered
    made = asks(ring)
    track = ring.locator(f"{LAB} .denoise-player .track")
    box = track.bounding_box()
    seen = []
    for share in (0.0, 0.35, 0.6, 1.0):
        ring.mouse.click(box["x"] + 9 + share * (box["width"] - 18), box["y"] + box["height"] / 2)
        level = ring.locator(f"{STAGE} .view-journey h3 small").inner_text()
        pictures = [picture(ring, view) for view in (".view-journey", ".view-x0 .plane", ".view-score .plane")]
        seen.append((int(about(ring, "step")), level, ring.locator(f"{STAGE} .view-score h3 small").inner_text(), *pictures))
    assert [s[0] for s in seen] == [0, 6, 11, 18]
    assert seen[0][1].startswith("σ 10.0, SNR −20.0 dB") and "no noise" in seen[-1][1]
    assert all("cosine to exact" in s[2] for s in seen)
    for column in range(3, 6):
        assert len({s[column] for s in seen}) == 4, "each view shows each step differently"
    assert not made, made
    assert ring.locator(f"{LAB} .denoise-player .at").inner_text().startswith("denoising step 18 of 18")
    assert ring.locator(f"{LAB} .timeline .at b").inner_text().startswith("training step 2,000")


def test_the_starting_point_is_dragged_and_takes_its_path_along(ring):
    place = ring.evaluate("() => window.playground.area.journey.handleAt()")
    box = ring.locator(f"{STAGE} .view-journey .plane canvas").bounding_box()
    x, y = box["x"] + place[0], box["y"] + place[1]
    end = "() => [...window.playground.area.start.ways[0].learned.arrays.xy.slice(-2)]"
    before = ring.evaluate(end)
    ring.mouse.move(x, y)
    ring.mouse.down()
    paths = set()
    for k in range(1, 9):
        ring.mouse.move(x - 6 * k, y + 14 * k)
        ring.wait_for_timeout(90)
        paths.add(tuple(ring.evaluate(end)))
    ring.mouse.up()
    settled = f"() => {{ const d = document.querySelector('{STAGE}').dataset; return d.answered === d.start; }}"
    ring.wait_for_function(settled)
    after = ring.evaluate(end)
    assert len(paths) > 2, "the path follows while it is dragged"
    assert ((after[0] - before[0]) ** 2 + (after[1] - before[1]) ** 2) ** 0.5 > 0.5, "another mode"
    exact = ring.evaluate("() => window.playground.area.start.ways[0].exact.shapes.xy")
    assert exact == [1, 19, 2]
    ring.locator(f"{STAGE} .view-journey .plane canvas").focus()
    was = [float(v) for v in about(ring, "start").split(",")]
    ring.keyboard.press("ArrowUp")
    ring.keyboard.press("ArrowLeft")
    assert [float(v) for v in about(ring, "start").split(",")] == pytest.approx([was[0] - 0.1, was[1] + 0.1], abs=2e-3)
    ring.locator(f"{STAGE} .sampler-chooser .choose").click()
    ring.locator(f"{STAGE} .sampler-chooser label", has_text="DDPM").first.click()
    ring.wait_for_function(f"() => document.querySelector('{STAGE}').dataset.ways === '2'")
    ring.keyboard.press("Escape")
    assert "DDPM" in ring.locator(f"{STAGE} .chosen").inner_text()


def test_sampler_settings_ask_again_and_train_nothing(ring):
    trained = ring.evaluate("() => window.playground.store.series('mse').main.length")
    ring.locator(f"{LAB} select[id$=knob-sampler]").select_option("ddim")
    steps = ring.locator(f"{LAB} [data-knob=num_steps] input.number")
    steps.fill("7")
    steps.press("Enter")
    ring.wait_for_function(f"() => document.querySelector('{STAGE}').dataset.of === '7'")
    ring.wait_for_function("() => window.playground.store.active.info.config.num_steps === 7")
    first = picture(ring, ".view-x0 .plane")
    ring.get_by_role("button", name="New noise").click()
    ring.wait_for_function(f"() => document.querySelector('{STAGE}').dataset.seed === '1'")
    ring.wait_for_function("() => !window.playground.area.runs.busy")
    assert picture(ring, ".view-x0 .plane") != first
    calm = ring.evaluate("() => window.playground.area.runs.walk.x.at(-1).arrays.xy[0]")
    ring.locator(f"{LAB} .group-advanced summary").click()
    eta = ring.locator(f"{LAB} [data-knob=eta] input.number")
    eta.fill("1")
    eta.press("Enter")
    ring.wait_for_function("c => window.playground.area.runs.walk.x.at(-1).arrays.xy[0] !== c", arg=calm)
    assert ring.evaluate("() => window.playground.store.series('mse').main.length") == trained
    assert ring.locator(LAB).get_attribute("data-state") == "finished"


def test_the_keyboard_and_a_film_in_steps(ring):
    track = ring.locator(f"{LAB} .denoise-player .track")
    last = int(about(ring, "of"))
    track.focus()
    ring.keyboard.press("Home")
    assert about(ring, "step") == "0" and track.get_attribute("aria-valuenow") == "0"
    ring.keyboard.press("ArrowRight")
    assert about(ring, "step") == "1"
    ring.evaluate("() => document.activeElement.blur()")
    ring.keyboard.press(".")
    ring.keyboard.press(".")
    ring.keyboard.press(",")
    assert about(ring, "step") == "2"
    ring.keyboard.press("p")
    ring.wait_for_function(f"k => +document.querySelector('{STAGE}').dataset.step === k", arg=last)
    ring.emulate_media(reduced_motion="reduce")
    ring.keyboard.press("Home")  # the timeline's key: the first picture of the training
    ring.wait_for_function(f"() => document.querySelector('{STAGE}').dataset.walk === 'picture'")
    ring.evaluate("() => window.playground.commands.newest()")
    ring.wait_for_function(WALKED)
    ring.keyboard.press("p")
    places = set()
    for _ in range(12):
        ring.wait_for_timeout(100)
        places.add(ring.evaluate("() => window.playground.area.player.position"))
    ring.emulate_media(reduced_motion="no-preference")
    assert len(places) > 1 and all(p == int(p) for p in places), "whole steps, nothing glides"


def test_layers_and_the_timeline(ring):
    ring.evaluate("() => window.playground.area.player.pick(4)")
    for layer, view in (
        ("data", ".view-x0 .plane"),
        ("paths", ".view-journey .plane"),
        ("exact", ".view-score .plane"),
        ("error", ".view-score .plane"),
    ):
        before = picture(ring, view)
        button = ring.locator(f"{LAB} .layers [data-layer={layer}]")
        button.click()
        assert picture(ring, view) != before, layer
        button.click()
    ring.evaluate("() => window.playground.commands.scrub(500)")
    ring.wait_for_function(f"() => document.querySelector('{STAGE}').dataset.walk === 'picture'")
    assert "24 paths of training step" in ring.locator(f"{LAB} .denoise-player .where").inner_text()
    assert ring.locator(f"{STAGE} .view-x0 h3 span").inner_text() == "Samples"
    ring.evaluate("() => window.playground.commands.newest()")
    ring.wait_for_function(WALKED)


def test_many_seeds_are_trained_beside_the_run(ring):
    ring.evaluate("() => window.playground.commands.scene('seeds')")
    scene = ring.locator(f"{LAB} .scene-seeds")
    scene.locator("select").select_option("8")
    scene.locator(".press").click()
    ring.wait_for_function("() => +document.querySelector('#lab-diffusion .scene-seeds').dataset.done >= 2", timeout=60_000)
    scene.locator(".press").click()
    assert "of 8 modes in" in scene.locator(".scene-words").inner_text()
    ring.keyboard.press("Escape")
    ring.evaluate("() => window.playground.commands.scene(null)")
    assert ring.locator(STAGE).is_visible()


def test_images_have_classes_and_numbers_for_each_step(browser, app):
    page = open_diffusion(browser, app)
    train(page, dataset="digits", steps=60, num_steps=6)
    assert page.locator(f"{STAGE} tbody tr").count() == 6
    page.evaluate("() => window.playground.area.player.pick(2)")
    assert page.locator(f"{STAGE} tr[aria-current] td").first.inner_text() == "3", "the estimate that is made from this x_t"
    pictures = {
        picture(page, ".view-journey .grid") for k in (0, 3, 6) if page.evaluate("k => window.playground.area.player.pick(k)", k) is None
    }
    assert len(pictures) == 3
    made = asks(page)
    page.locator(f"{STAGE} tbody tr").nth(1).click()
    assert about(page, "step") == "1" and not made
    assert page.evaluate("() => window.playground.area.runs.walk.x0[0].arrays.label[3]") == 3, "columns are classes"
    assert page.locator(f"{LAB} .layers").is_hidden()
    assert not page.watch.bad, page.watch.bad
    page.context.close()


def test_a_phone_in_the_dark(browser, app):
    page = open_diffusion(browser, app, width=375, height=812, scheme="dark", touch=True)
    begun = time.monotonic()
    train(page, dataset="ring8", steps=1_000)
    print(f"trained and walked after {time.monotonic() - begun:.1f} s")
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    for part in (
        ".view-journey .plane canvas",
        ".view-x0 .plane canvas",
        ".view-score .plane canvas",
        ".track canvas",
        ".again",
        ".choose",
    ):
        box = page.locator(f"{STAGE} {part}").bounding_box()
        assert box["width"] > 20 and box["x"] >= 0 and box["x"] + box["width"] <= 375, part
    corner = "() => [...document.querySelector('#lab-diffusion .view-x0 canvas').getContext('2d').getImageData(1, 1, 1, 1).data]"
    assert max(page.evaluate(corner)[:3]) < 60, "dark ground"
    assert not page.watch.bad, page.watch.bad
    page.context.close()
