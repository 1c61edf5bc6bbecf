"""How Stable Diffusion works, on the finished run that comes with the tab: caption, denoising, image, and a map for every word."""

import pytest

from tests.browser.conftest import visit

SCENE = ".scene-anatomy"


@pytest.fixture(scope="module")
def page(browser, app):
    """The run that is told words, with the scene open and its first caption drawn."""
    opened = visit(browser, app)
    opened.get_by_role("tab", name="Diffusion").click()
    opened.wait_for_function("() => window.playground.family.key === 'diffusion' && window.playground.store.backdrop()")
    opened.evaluate("() => window.playground.commands.preset('text')")
    opened.wait_for_function("() => window.playground.store.active?.info.config.text")
    opened.wait_for_function("() => window.playground.store.header.state === 'finished'")
    opened.evaluate("() => window.playground.commands.scene('anatomy')")
    opened.wait_for_function("s => document.querySelector(s).dataset.caption", arg=SCENE)
    yield opened
    bad = list(opened.watch.bad)
    opened.context.close()
    assert not bad, "\n".join(bad)


def test_both_losses_of_the_autoencoder_are_drawn_as_long_as_it_learned(page):
    """A chart that only runs on latents have: it ends where the autoencoder was frozen, before the loss of the denoiser begins."""
    page.evaluate("() => window.playground.commands.scene(null)")  # on a low screen a scene has the room of the charts
    chart = page.locator("#lab-diffusion .charts .chart", has=page.get_by_text("Autoencoder first, nats"))
    chart.wait_for()
    assert chart.is_visible() and chart.locator(".legend").all_inner_texts() == ["reconstruction", "KL"]
    first = page.evaluate("() => { const c = window.playground.store.active.info.config; return Math.round(c.ae_share * c.steps); }")
    course = lambda name: [row for row in page.evaluate("n => window.playground.store.series(n).main", name) if row[1] is not None]  # noqa: E731
    recon, kl, mse = map(course, ("recon", "kl", "mse"))
    assert len(recon) == len(kl) > 3 and all(value > 0 for _, value in recon + kl)
    assert recon[-2][0] < first < mse[0][0] and recon[-1][0] == mse[0][0]  # a row tells of all steps since the one before
    drawn = (
        "c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; return new Set(new Uint32Array(d.buffer)).size; }"
    )
    assert chart.locator("canvas").evaluate(drawn) > 20
    page.evaluate("() => window.playground.commands.scene('anatomy')")


def test_diffusers_draws_the_same_through_latents_and_captions(page):
    box = page.locator("#lab-diffusion .scene-reference")
    page.evaluate("() => window.playground.commands.scene('reference')")
    page.wait_for_function("() => document.querySelector('#lab-diffusion .scene-reference')?.dataset.largest", timeout=60_000)
    assert float(box.get_attribute("data-largest")) < 1e-5 and box.get_attribute("data-steps") == "20"
    words = box.locator(".scene-words").inner_text()
    assert words.startswith("Both walk the same way") and "seed (0)" in words and "n 20" in box.locator(".said").inner_text()
    assert all(text.split()[0].replace(".", "").isdigit() for text in box.locator("dd").all_inner_texts())
    same = "() => [...document.querySelectorAll('.scene-reference .cell canvas')].map((c) => c.toDataURL())"
    ours, theirs = page.evaluate(same)
    assert ours == theirs and len(ours) > 2_000
    page.evaluate("() => window.playground.commands.scene('anatomy')")
    page.wait_for_function("s => !document.querySelector(s).hidden", arg=SCENE)


def test_the_map_of_a_word_shows_an_emoji_by_what_is_not_white(page):
    """A white image with one yellow pixel under a map that is 0 everywhere but in one quarter."""
    seen = page.evaluate(
        """async () => { const { boxOf, overlay, shareIn } = await import(new URL("play/web/denoise/scenes/wordmap.js", document.baseURI));
        const pixels = new Float32Array(3 * 16).fill(1); pixels[32 + 5] = -1; // blue of row 1, column 1
        const image = { shapes: { pixels: [1, 3, 4, 4] }, arrays: { pixels } };
        const heat = { shapes: { values: [2, 2] }, arrays: { values: Float32Array.of(0, 0, 0, 4) } }; // top right
        const canvas = document.createElement("canvas");
        overlay(canvas, image, heat, { surface: "#ffffff", ink: "#000000", accent: "#0000ff" });
        const d = canvas.getContext("2d").getImageData(0, 0, 4, 4).data, at = (r, c) => [...d.slice(16 * r + 4 * c, 16 * r + 4 * c + 3)];
        const half = { top: 0, left: 0.5, bottom: 1, right: 0.75 };
        const box = boxOf(image);
        return { white: at(3, 0), inked: at(1, 1), looked: at(0, 3), box, outside: shareIn(heat, box), half: shareIn(heat, half) }; }"""
    )
    assert seen["white"] == [255, 255, 255], "white paper stays the ground"
    assert max(seen["inked"]) < 130, "yellow has all of its red and green, and is ink"
    assert seen["looked"][2] == 255 and seen["looked"][0] < 80, "three quarters of the accent"
    assert seen["box"] == {"top": 0.25, "left": 0.25, "bottom": 0.5, "right": 0.5, "area": 1 / 16}
    assert seen["outside"] == 0 and seen["half"] == 0.5, "half of the only cell that was looked up"


def ink(page, selector: str) -> list[float]:
    """How much of a small canvas is bright, and the mean column of that, from 0 to 1."""
    return page.evaluate(
        """s => { const c = document.querySelector(s), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        let [n, x] = [0, 0];
        for (let i = 0; i < c.width * c.height; i++) { n += d[4 * i]; x += d[4 * i] * (i % c.width) / (c.width - 1); }
        return [n / 255 / c.width / c.height, x / Math.max(n, 1)]; }""",
        selector,
    )


def draw(page, caption: str) -> None:
    page.fill(f"{SCENE} input[type=text]", caption)
    page.keyboard.press("Enter")
    page.wait_for_function("([s, c]) => document.querySelector(s).dataset.caption === c", arg=[SCENE, caption])


def test_a_caption_becomes_an_image_where_it_says(page):
    places = {}
    for side in ("left", "right"):
        draw(page, f"a large seven at the {side}")
        places[side] = ink(page, f"{SCENE} figure.image canvas")[1]
        assert page.locator(f"{SCENE} .token").all_inner_texts() == ["a", "large", "seven", "at", "the", side]
        assert page.locator(f"{SCENE} .maps figure").count() == 6
    assert places["left"] < 0.5 < places["right"]


def test_steps_go_from_noise_to_the_image(page):
    slider = page.locator(f"{SCENE} input[type=range]")
    page.wait_for_function("s => +document.querySelector(s).dataset.step === 6", arg=SCENE)  # played to the end
    last = ink(page, f"{SCENE} figure.xt canvas")
    slider.fill("0")
    assert "step 1 of 7" in page.locator(f"{SCENE} output").inner_text()
    assert ink(page, f"{SCENE} figure.xt canvas") != last


def test_an_unknown_word_is_refused_by_name_and_every_part_says_what_it_stands_for(page):
    page.fill(f"{SCENE} input[type=text]", "a cat")
    page.keyboard.press("Enter")
    page.wait_for_function("s => document.querySelector(`${s} .scene-words`).textContent.includes('“cat”')", arg=SCENE)
    assert "seven" in page.locator(f"{SCENE} .scene-words").inner_text()
    page.watch.forgive("400")
    page.watch.forgive("422")
    for part in ("text", "denoiser", "decoder", "attention"):
        said = page.locator(f"{SCENE} [data-part={part}] dl").inner_text()
        assert "Stable Diffusion 1" in said and "DALL·E 3" in said and "not public" in said


def test_emoji_have_captions_and_sizes_of_their_own(page):
    """Last: the run on the stage becomes another."""
    box = page.locator(SCENE)
    assert "28 × 28, 7 × 7" in box.locator("[data-part=decoder]").inner_text()
    page.evaluate("() => window.playground.commands.preset('emoji-text')")
    page.wait_for_function("s => document.querySelector(`${s} input`).value === 'a small red apple'", arg=SCENE)
    assert "a large yellow face in the middle" in box.locator(".tries button").all_inner_texts()
    assert "32 × 32, 8 × 8" in box.locator("[data-part=decoder]").inner_text()
    assert "Nothing is trained yet" in box.locator(".scene-words").inner_text()
