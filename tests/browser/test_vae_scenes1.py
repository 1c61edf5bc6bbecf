"""Scenes of latent space that draw, interpolate, add and differentiate, driven as a visitor drives them."""

import re

import pytest

from tests.browser.conftest import open_vae_page

RUN = {"dataset": "digits", "steps": 150, "width": 64}
FIND = "(f, panel, name) => f.views.find((v) => v.panel === panel && (!name || v.name === name))"


def trained(page, **settings) -> None:
    """A finished run on the VAE tab."""
    page.evaluate(
        """async (settings) => { const lab = window.playground; const reply = await fetch(new URL('play/resolve', document.baseURI),
        { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ family: 'vae', settings }) });
        lab.state.config = (await reply.json()).config; await lab.commands.train(); }""",
        RUN | settings,
    )
    page.wait_for_function(
        "() => window.playground.store.active?.info.config.dataset === 'digits'"
    )  # the run that comes with the tab is gone
    page.wait_for_function("() => window.playground.store.header.state === 'finished'", timeout=120_000)
    page.wait_for_function("() => { const s = window.playground.store; return s.steps().at(-1) === s.active.lastStep; }")


@pytest.fixture(scope="module")
def vae(browser, app):
    """One run for all tests that only look."""
    page = open_vae_page(browser, app)
    trained(page)
    yield page
    bad = list(page.watch.bad)
    page.context.close()
    assert not bad, "\n".join(bad)


def scene(page, key: str):
    """Open a scene; where its answer is."""
    page.evaluate("k => window.playground.commands.scene(k)", key)
    box = page.locator(f".scene-{key}")
    page.wait_for_function("k => document.querySelector(`.scene-${k}`).dataset.step", arg=key)
    return box


def ask(page, question: str, **values) -> dict:
    """The metrics that the server answers with, asked for by itself."""
    return page.evaluate("async ([q, v]) => (await window.playground.session.ask(q, v)).metrics", [question, values])


def wait(page, key: str, name: str, value: str) -> None:
    page.wait_for_function("([k, n, v]) => document.querySelector(`.scene-${k}`).dataset[n] === v", arg=[key, name, value])


def pixels(page, selector: str, index: int = 0) -> list[int]:
    """The red channel of a small canvas."""
    return page.evaluate(
        """([s, i]) => { const c = document.querySelectorAll(s)[i], d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        return [...d].filter((_, k) => k % 4 === 0); }""",
        [selector, index],
    )


def shown(page, question: str, values: dict, panel: str, name: str, index: int = 0) -> list[int]:
    """One picture of an answer as bytes."""
    return page.evaluate(
        f"""async ([q, v, panel, name, i]) => {{ const find = {FIND};
        const view = find(await window.playground.session.ask(q, v), panel, name);
        const {{ pixels }} = view.arrays; const [, c, h, w] = view.shapes.pixels; const at = i * c * h * w;
        return [...pixels.subarray(at, at + h * w)].map((p) => Math.round(pixels instanceof Uint8Array ? p : (p + 1) * 127.5)); }}""",
        [question, values, panel, name, index],
    )


def near(a: list[int], b: list[int]) -> bool:
    return len(a) == len(b) and max(abs(x - y) for x, y in zip(a, b, strict=True)) <= 1


def test_a_stroke_sends_its_pixels_and_shows_what_the_server_says_of_them(vae):
    box = scene(vae, "draw")
    asked = []
    vae.on("request", lambda r: asked.append(r.post_data_json) if r.url.endswith("/ask") else None)
    at = box.locator("canvas.sheet").bounding_box()
    vae.mouse.move(at["x"] + 0.5 * at["width"], at["y"] + 0.2 * at["height"])
    vae.mouse.down()
    vae.mouse.move(at["x"] + 0.5 * at["width"], at["y"] + 0.8 * at["height"], steps=6)
    vae.mouse.up()
    wait(vae, "draw", "asked", "pixels")
    vae.wait_for_timeout(1_500)
    sent = [a["values"]["pixels"] for a in asked if a and a.get("values", {}).get("pixels")][-1]
    ink = [i for i, v in enumerate(sent) if v > 0]
    assert len(sent) == 64 and {i % 8 for i in ink} <= {3, 4} and {i // 8 for i in ink} >= {2, 3, 4, 5}
    assert near(pixels(vae, ".scene-draw .sheet"), [round((v + 1) * 127.5) for v in sent])
    answer = ask(vae, "encode", pixels=sent, seed=0)
    says = "v => Math.abs(+document.querySelector('.scene-draw').dataset.negElbo / v - 1) < 1e-6"
    vae.wait_for_function(says, arg=answer["neg_elbo"])
    assert box.get_attribute("data-draws") == "8" and box.locator(".draws canvas").count() == 8
    for i in (0, 7):
        assert near(
            pixels(vae, ".scene-draw .draws canvas", i), shown(vae, "encode", {"pixels": sent, "seed": 0}, "reconstructions", "draws", i)
        )
    words = box.locator(".scene-words").inner_text()
    assert (
        f"−ELBO {answer['neg_elbo']:.0f} nats" in words
        and f"average {answer['test_mean']:.0f} ± {answer['test_sd']:.0f} above theirs" in words
    )
    assert f"a {answer['nearest_label']:.0f} (number" in words.replace("an 8", "a 8") and f"{100 * answer['test_below']:.0f} %" in words


def test_new_noise_undo_and_a_test_image_by_number(vae):
    box = scene(vae, "draw")
    box.get_by_label("Test image, by number").fill("5")
    box.get_by_label("Test image, by number").press("Enter")
    wait(vae, "draw", "asked", "5")
    before = [pixels(vae, ".scene-draw .draws canvas", i) for i in range(8)]
    box.get_by_role("button", name="New ε").click()
    vae.wait_for_function("() => document.querySelector('.scene-draw .head small').textContent === 'seed 1'")
    vae.wait_for_timeout(600)
    assert [pixels(vae, ".scene-draw .draws canvas", i) for i in range(8)] != before
    assert near(pixels(vae, ".scene-draw .sheet"), shown(vae, "examples", {"start": 5, "n": 1}, "examples", "test"))
    box.get_by_role("button", name="Clear").click()
    assert set(pixels(vae, ".scene-draw .sheet")) == {0}
    box.get_by_role("button", name="Undo").click()
    assert near(pixels(vae, ".scene-draw .sheet"), shown(vae, "examples", {"start": 5, "n": 1}, "examples", "test"))


def test_a_file_is_scaled_and_made_a_negative(vae, tmp_path):
    from PIL import Image, ImageDraw

    paper = Image.new("RGB", (160, 160), "white")
    ImageDraw.Draw(paper).rectangle((60, 20, 99, 139), fill="black")
    paper.save(tmp_path / "one.png")
    box = scene(vae, "draw")
    box.locator("input[type=file]").set_input_files(tmp_path / "one.png")
    wait(vae, "draw", "source", "file")
    vae.wait_for_function(
        "() => /one.png, scaled to 8 × 8, as a negative/.test(document.querySelector('.scene-draw .scene-words').textContent)"
    )
    rows = pixels(vae, ".scene-draw .sheet")
    assert rows[3 * 8 + 3] > 220 and rows[0] < 15 and rows[3 * 8 + 7] < 15
    (tmp_path / "text.png").write_text("no image")
    box.locator("input[type=file]").set_input_files(tmp_path / "text.png")
    vae.wait_for_function("() => /not an image/.test(document.querySelector('.scene-draw .scene-words').textContent)")


def test_rows_begin_and_end_at_the_chosen_images(vae):
    box = scene(vae, "interpolate")
    box.locator(".strip button").nth(3).click()
    wait(vae, "interpolate", "a", "3")
    box.locator(".strip button").nth(4).click()
    wait(vae, "interpolate", "b", "4")
    for index, place in ((3, 0), (4, 10)):
        example = shown(vae, "examples", {"start": index, "n": 1}, "examples", "test")
        assert near(pixels(vae, '[data-way="pixels"] canvas', place), example)
        mean = shown(vae, "encode", {"index": index}, "reconstructions", "mean")
        for way in ("lerp", "slerp"):
            assert near(pixels(vae, f'[data-way="{way}"] canvas', place), mean)
    slider = box.get_by_label("Place t on the path")
    slider.focus()
    vae.keyboard.press("Home")
    wait(vae, "interpolate", "at", "0")
    assert near(pixels(vae, ".scene-interpolate .three canvas", 2), shown(vae, "examples", {"start": 3, "n": 1}, "examples", "test"))
    curves = vae.evaluate(
        """async () => Object.fromEntries((await window.playground.session.ask('interpolate', {a: 3, b: 4, n: 11})).views
        .filter((v) => v.panel === 'nll').map((v) => [v.name, [...v.arrays.y]]))"""
    )
    rise = {name: max(y) - max(y[0], y[-1]) for name, y in curves.items()}
    words = box.locator(".scene-words").inner_text()
    for name, where in (("pixels", "among the pixels"), ("lerp", "on the latent line")):
        said = "nothing" if rise[name] < 0.05 else f"{rise[name]:.1f} nats"
        assert re.search(rf"by {re.escape(said)}( \(t [\d.]+\))? {where}", words), (rise, words)


def test_pairs_of_the_same_class_are_of_the_same_class(vae):
    box = scene(vae, "interpolate")
    label = "i => window.playground.store.frameAt(1e9).views.find((v) => v.panel === 'latent').arrays.label[i]"
    for button, same in (("Same class", True), ("Other class", False)):
        box.get_by_role("button", name=button).click()
        vae.wait_for_timeout(700)
        a, b = (vae.evaluate(label, int(box.get_attribute(f"data-{end}"))) for end in "ab")
        assert (a == b) is same


def test_arithmetic_follows_classes_and_strength(vae):
    box = scene(vae, "arithmetic")
    box.get_by_label("Class added", exact=True).select_option("7")
    box.get_by_label("Class taken off", exact=True).select_option("2")
    slider = box.get_by_label("Strength, from −3 to 3")
    slider.focus()
    vae.keyboard.press("End")
    wait(vae, "arithmetic", "strength", "3")
    wait(vae, "arithmetic", "plus", "7")
    asked = {"index": 0, "plus": 7, "minus": 2, "strength": 3}
    assert near(pixels(vae, ".scene-arithmetic .terms canvas", 3), shown(vae, "arithmetic", asked, "arithmetic", "copy and result", 1))
    assert near(pixels(vae, ".scene-arithmetic .terms canvas", 1), shown(vae, "arithmetic", asked, "arithmetic", "class means", 0))
    labels = vae.evaluate(
        f"""async (v) => {{ const find = {FIND}; return [...find(await window.playground.session.ask('arithmetic', v), 'arithmetic',
        'strengths').arrays.label]; }}""",
        asked,
    )
    assert [t.split(" · ")[1] for t in box.locator(".strengths small").all_inner_texts()] == [str(c) for c in labels]
    box.locator(".strengths button").nth(0).click()
    wait(vae, "arithmetic", "strength", "-3")


def test_z_and_its_slopes_are_the_servers(vae):
    vae.evaluate("() => window.playground.commands.scene('reparameterise')")
    box = vae.locator(".scene-reparameterise")
    for name, value in (("μ", "-1"), ("σ", "0.5"), ("ε", "-2")):
        box.get_by_label(name, exact=True).fill(value)
    wait(vae, "reparameterise", "z", "-2")
    answer = ask(vae, "reparameterise", mu=-1, sigma=0.5, eps=-2)
    assert answer["dz_dsigma"] == -2 and answer["df_dsigma"] == pytest.approx(16)
    for key, value in answer.items():
        if key.startswith("d"):
            cells = [t.replace("−", "-") for t in box.locator(f'[data-slope="{key}"] td').all_inner_texts()[1:]]
            assert [float(c) for c in cells] == pytest.approx([value] * 3, abs=1e-3), key


def test_the_bench_says_what_the_server_measured(vae):
    vae.evaluate("() => window.playground.commands.scene('reparameterise')")
    box = vae.locator(".scene-reparameterise")
    box.get_by_label("Dimensions, from 1 to 100").fill("20")
    wait(vae, "reparameterise", "d", "100")
    answer = ask(vae, "estimators", source="toy", d=100, sigma=1, n=2000)
    assert float(box.get_attribute("data-ratio")) == pytest.approx(answer["ratio/reinforce"], rel=1e-5)
    said = float(re.search(r"variance is ([\d,.]+) times", box.locator(".scene-words").inner_text())[1].replace(",", ""))
    assert said == pytest.approx(answer["ratio/reinforce"], rel=6e-3)
    box.get_by_role("button", name="This model").click()
    wait(vae, "reparameterise", "source", "model")
    assert "Test image 0, step 150" in box.locator(".scene-words").inner_text()


def test_back_on_the_timeline_it_says_which_step_answers(vae):
    box = scene(vae, "draw")
    vae.evaluate("() => window.playground.commands.scrub(1)")
    vae.wait_for_function(
        "() => /answers come from the newest step, 150/.test(document.querySelector('.scene-draw .scene-words').textContent)"
    )
    vae.evaluate("() => window.playground.commands.newest()")
    assert box.is_visible()


def test_a_test_image_that_is_not_there_is_refused_in_words(vae):
    box = scene(vae, "draw")
    box.get_by_label("Test image, by number").fill("900")
    box.get_by_label("Test image, by number").press("Enter")
    vae.wait_for_function("() => /index=900 is outside/.test(document.querySelector('.scene-draw .scene-words').textContent)")
    vae.watch.forgive("400")
    box.get_by_label("Test image, by number").fill("0")
    box.get_by_label("Test image, by number").press("Enter")
    wait(vae, "draw", "asked", "0")


def test_before_training_a_scene_says_what_will_be_there(browser, app):
    page = open_vae_page(browser, app, width=375, height=800, touch=True)
    page.evaluate("() => window.playground.commands.preview({dataset: 'digits'})")
    page.wait_for_function("() => window.playground.store.active?.info.config.dataset === 'digits' && window.playground.store.step === 0")
    for key in ("draw", "interpolate", "arithmetic", "reparameterise"):
        page.evaluate("k => window.playground.commands.scene(k)", key)
        page.wait_for_function(
            "k => /Nothing is trained yet/.test(document.querySelector(`.scene-${k} .scene-words`).textContent)", arg=key
        )
        assert page.locator("[data-part=stage] > .plate").first.is_hidden(), "the scene says it itself"
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    bad = list(page.watch.bad)
    page.context.close()
    assert not bad, "\n".join(bad)


def test_a_conditional_decoder_is_told_the_class_of_a_test_image(browser, app):
    page = open_vae_page(browser, app)
    trained(page, conditional=True)
    box = scene(page, "draw")
    wait(page, "draw", "asked", "0")
    own = page.evaluate("() => window.playground.store.frameAt(1e9).views.find((v) => v.panel === 'latent').arrays.label[0]")
    assert box.get_by_label("class told").input_value() == str(own)
    shows = "v => Math.abs(+document.querySelector('.scene-draw').dataset.negElbo / v - 1) < 1e-6"
    page.wait_for_function(shows, arg=ask(page, "encode", index=0)["neg_elbo"])
    box.get_by_label("class told").select_option(str((own + 1) % 10))
    page.wait_for_function(shows, arg=ask(page, "encode", index=0, label=(own + 1) % 10)["neg_elbo"])
    bad = list(page.watch.bad)
    page.context.close()
    assert not bad, "\n".join(bad)
