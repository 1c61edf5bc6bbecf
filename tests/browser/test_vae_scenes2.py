"""The VAE tab's scenes about whole distributions: what the page says against what the server answers, holes that decode, three dimensions
with and without WebGL, sweeps of whole runs."""

import json

import pytest

from tests.browser.conftest import open_vae, wait_state

LAB = "#lab-vae"
NO_WEBGL = """(() => { const get = HTMLCanvasElement.prototype.getContext;
  const none = (kind) => /webgl/.test(kind);
  HTMLCanvasElement.prototype.getContext = function (kind, ...rest) { return none(kind) ? null : get.call(this, kind, ...rest); };
})()"""
PREVIEW = "s => { window.playground.commands.preview(s); }"


@pytest.fixture
def page(browser, app):
    opened = open_vae(browser, app)
    opened.set_default_timeout(60_000)
    opened.wait_for_function("() => document.querySelector('#lab-vae .views').dataset.exact === 'true'")  # no question is under way
    yield opened
    bad = list(opened.watch.bad)
    opened.context.close()
    assert not bad, "\n".join(bad)


def scene(page, name: str):
    """Open a scene; its box."""
    page.evaluate("name => window.playground.commands.scene(name)", name)
    return page.locator(f"{LAB} .scene-{name}")


def until(page, name: str, test: str) -> None:
    """Wait for `test` of a scene's data attributes d."""
    page.wait_for_function(f"() => {{ const d = document.querySelector('{LAB} .scene-{name}').dataset; return {test}; }}")


def answer(page, question: str, **values) -> dict:
    """The metrics of the server's own answer."""
    ask = "async ([q, v]) => { const f = await window.playground.session.ask(q, v); return { step: f.step, m: f.metrics }; }"
    return page.evaluate(ask, [question, values])


def small(page, steps=60, **settings) -> None:
    """A short run on the 8×8 digits, trained."""
    page.evaluate(PREVIEW, {"dataset": "digits", "steps": steps} | settings)
    page.wait_for_function("() => window.playground.store.active?.info.config.dataset === 'digits' && window.playground.store.step === 0")
    page.evaluate("() => { window.playground.commands.train(); }")
    wait_state(page, "finished", 60, lab="vae")
    page.wait_for_function("n => window.playground.store.frameAt(n)?.step === n", arg=steps)


def test_both_priors_have_the_servers_numbers(page):
    box = scene(page, "prior")
    rows = ("Fréchet distance", "confidence", "sharpness")
    box.locator("[data-prior=mixture] dd[data-of=sharpness]:not([data-value=''])").wait_for()
    box.locator("[data-prior=normal] dd[data-of=sharpness]:not([data-value=''])").wait_for()
    shown = {}
    for prior in ("normal", "mixture"):
        m = answer(page, "prior", prior=prior, n=64, noise=False, seed=0)["m"]
        found = [float(box.locator(f"[data-prior={prior}] dd[data-of='{row}']").get_attribute("data-value")) for row in rows]
        assert found == pytest.approx([m["frechet_multiple"], m["confidence"], m["sharpness"]], rel=1e-6)
        shown[prior] = found
    assert float(box.locator("[data-prior=real] dd[data-of=sharpness]").get_attribute("data-value")) == 1
    words = box.locator(".scene-words").inner_text()
    assert "n 1,000 each, seed 0" in words
    saved = 1 - shown["mixture"][0] / shown["normal"][0]
    assert (f"{100 * saved:.0f} % of the distance is the prior's fault" in words) == (saved > 0.1)
    box.locator(".noise").click()
    noisy = answer(page, "prior", prior="normal", n=64, noise=True, seed=0)["m"]["sharpness"]
    assert noisy > shown["normal"][2]
    page.wait_for_function(
        "v => Math.abs(document.querySelector('#lab-vae [data-prior=normal] dd[data-of=sharpness]').dataset.value - v) < 1e-6", arg=noisy
    )


def test_the_ladder_goes_down_to_the_exact_value(page):
    box = scene(page, "bounds")
    until(page, "bounds", "d.rungs")
    m = answer(page, "bounds", n=100, seed=0)["m"]
    rungs = {name: float(value) for name, value in (r.rsplit(" ", 1) for r in box.get_attribute("data-rungs").split("; "))}
    assert list(rungs) == ["−ELBO", "IWAE-5", "IWAE-50", "IWAE-500", "exact"]
    assert list(rungs.values()) == pytest.approx([m[f"nll/{k}"] for k in ("1", "5", "50", "500", "exact")], rel=1e-6)
    assert list(rungs.values()) == sorted(rungs.values(), reverse=True)
    words = box.locator(".scene-words").inner_text()
    assert "Each rung has more draws" in words and "n 100 test examples" in words and "seed 0" in words
    assert f"{m['nll/1'] - m['nll/500']:.2f} nats" in words
    assert "no true likelihood" in words, "grey pixels under a Bernoulli"


def test_the_gap_is_what_the_bound_misses(page):
    box = scene(page, "posterior")
    until(page, "posterior", "d.gap")
    box.locator("canvas").first.focus()
    page.keyboard.press("ArrowRight")
    until(page, "posterior", "d.index === '1'")
    m = answer(page, "posterior", index=1)["m"]
    assert float(box.get_attribute("data-gap")) == pytest.approx(m["kl_q_posterior"], rel=1e-6)
    shown = [float(box.locator(f".{k}").inner_text().replace("−", "-").split()[0]) for k in ("logpx", "elbo", "gap")]
    assert shown == pytest.approx([m["log_px"], m["elbo"], m["kl_q_posterior"]], abs=0.006)
    assert shown[0] - shown[1] == pytest.approx(shown[2], abs=0.02)


def test_a_press_on_a_hole_decodes_it(page):
    box = scene(page, "aggregate")
    until(page, "aggregate", "d.holes && d.decoded")
    m = answer(page, "aggregate", seed=0)["m"]
    assert float(box.get_attribute("data-holes")) == pytest.approx(m["holes"], rel=1e-6)
    assert float(box.get_attribute("data-kl")) == pytest.approx(m["aggregate_kl"], rel=1e-6)
    box.locator(".strip button").nth(2).click()
    until(page, "aggregate", "d.decoded === d.place && d.inhole === 'true'")
    third = box.get_attribute("data-place")
    canvas = box.locator(".map canvas").bounding_box()
    scale = min(canvas["width"], canvas["height"]) / 8
    box.locator(".strip button").first.click()
    until(page, "aggregate", f"d.place !== '{third}' && d.decoded === d.place")
    x, y = (float(v) for v in third.split(","))
    page.mouse.click(canvas["x"] + canvas["width"] / 2 + x * scale, canvas["y"] + canvas["height"] / 2 - y * scale)
    until(page, "aggregate", "d.decoded === d.place && d.inhole === 'true'")
    assert [float(v) for v in box.get_attribute("data-place").split(",")] == pytest.approx([x, y], abs=0.03)


def test_blur_says_what_the_decoder_shares_with_the_mean_of_neighbours(page):
    box = scene(page, "blur")
    until(page, "blur", "d.decoded && d.index === '0'")
    m = answer(page, "blur", index=0, k=16, seed=0)["m"]
    words = box.locator(".scene-words").inner_text()
    assert f"has {m['many/decoded']:.2f} of the sharpness" in words and f"neighbours {m['many/mean']:.2f}" in words
    assert [box.locator(f"[data-of={key}] canvas").count() for key in ("near", "mean", "decoded", "draws")] == [1, 1, 1, 1]
    box.locator(".next").click()
    until(page, "blur", "d.index === '1'")


def test_three_dimensions_or_a_sentence(page):
    """The bundle comes from our own server: the page complains of any other host."""
    box = scene(page, "latents3d")
    until(page, "latents3d", "d.webgl === 'no' || d.drawn")
    n = answer(page, "cloud")["m"]["n"]
    assert f"n {n:,.0f} test examples" in box.locator(".scene-words").inner_text()
    if box.get_attribute("data-webgl") == "no":
        assert box.locator(".flat canvas").is_visible()
        return
    assert float(box.get_attribute("data-points")) == n
    assert page.evaluate("() => document.querySelector('#lab-vae .space').data.filter((t) => t.mode === 'markers').length") == 10
    box.locator("[data-eye=Above]").click()
    page.wait_for_function("() => document.querySelector('#lab-vae .space').layout.scene.camera.eye.z > 1")
    box.locator("[data-label='3']").click()
    page.wait_for_function("() => document.querySelector('#lab-vae .space').data.filter((t) => t.mode === 'markers').length === 9")
    eye = page.evaluate("() => document.querySelector('#lab-vae .space')._fullLayout.scene._scene.getCamera().eye.z")
    assert eye > 1, "taking a class away does not turn the cloud"


def test_without_webgl_the_plane_stands_in(browser, app):
    from tests.browser.conftest import open_page

    context = browser.new_context()
    context.add_init_script(NO_WEBGL)
    original = browser.new_context
    try:
        browser.new_context = lambda **options: context
        page = open_page(browser, app)
    finally:
        browser.new_context = original
    page.get_by_role("tab", name="VAE", exact=True).click()
    page.wait_for_function("() => document.querySelector('#lab-vae').dataset.state === 'finished'")
    box = scene(page, "latents3d")
    page.wait_for_function("() => /no WebGL/.test(document.querySelector('#lab-vae .scene-latents3d .scene-words').textContent)")
    assert box.locator(".flat canvas").is_visible() and box.locator(".space").is_hidden()
    assert page.evaluate("() => !document.querySelector('script[src*=plotly]')"), "what cannot be used is not fetched"
    bad = list(page.watch.bad)
    context.close()
    assert not bad, "\n".join(bad)


def test_a_bar_sweeps_its_latent(page):
    small(page, latent=6)
    box = scene(page, "units")
    until(page, "units", "d.latents === '6' && d.swept")
    box.locator(".bars canvas").focus()
    before = int(box.get_attribute("data-chosen"))
    page.keyboard.press("ArrowRight")
    after = before % 6 + 1
    until(page, "units", f"d.chosen === '{after}' && d.swept === '{after}'")
    kl = page.evaluate(
        "() => Array.from(window.playground.store.frameAt(60).views.find((v) => v.panel === 'units' && v.name === 'KL').arrays.values)"
    )
    words = box.locator(".scene-words").inner_text()
    assert f"Latent {after} carries {kl[after - 1]:.2f} of {sum(kl):.2f} nats" in words
    assert "n 359 test examples" in words
    assert box.locator(".swept canvas").count() == 11
    canvas = box.locator(".bars canvas").bounding_box()
    page.mouse.click(canvas["x"] + 60, canvas["y"] + canvas["height"] / 2)
    until(page, "units", "d.chosen === '1' && d.swept === '1'")
    scene(page, "posterior").locator(".scene-words", has_text="this run has 6").wait_for()


def test_a_sweep_draws_the_servers_runs(page):
    small(page, latent=3, steps=300)
    box = scene(page, "sweep")
    box.locator(".said", has_text="about").wait_for()
    assert "seed" in box.locator(".said").inner_text(), "how long it takes is said before it starts"
    box.locator("select").select_option("30")
    box.locator(".press").click()
    until(page, "sweep", "d.done === '6' && d.state === 'idle'")
    dots = {beta: (kl, recon) for beta, kl, recon in json.loads(box.get_attribute("data-dots"))}
    assert list(dots) == [0.1, 0.3, 1, 3, 10, 20]
    assert dots[20][0] < dots[0.1][0], "β buys less KL"
    exact = "async (s) => (await window.playground.session.exact({ ...window.playground.store.active.info.config, ...s })).rows.at(-1).m"
    m = page.evaluate(exact, {"beta": 3, "steps": 30})
    assert dots[3] == pytest.approx((m["test_kl"], m["test_recon"]), rel=1e-6)
    cell = box.locator("tr[data-value='3'] td[data-metric=test_neg_elbo]")
    assert float(cell.get_attribute("data-value")) == pytest.approx(m["test_neg_elbo"], rel=1e-6)
    words = box.locator(".scene-words").inner_text()
    now = page.evaluate("() => ['test_kl', 'test_recon'].map((name) => window.playground.store.value(name))")
    assert f"{now[0]:.1f} nats of KL" in words and f"{now[1]:.1f} for reconstruction" in words and "30 steps" in words
    score = {beta: recon + kl for beta, (kl, recon) in dots.items()}
    gain = now[1] + now[0] - min(score.values())
    assert ("lies below it by" in words) == (gain > 0.1), words
    box.locator("[data-mode=latent]").click()
    box.locator("select").select_option("300")
    until(page, "sweep", "d.mode === 'latent' && d.steps === '300'")
    box.locator(".press").click()
    until(page, "sweep", "+d.done >= 1")
    box.locator(".press", has_text="Stop").click()
    until(page, "sweep", "d.state === 'idle'")
    assert 1 <= int(box.get_attribute("data-done")) < 6, "stopped after what there was"
    page.watch.forgive("408")


def test_nothing_trained_is_said(page):
    page.evaluate(PREVIEW, {"dataset": "digits", "steps": 60})
    page.wait_for_function("() => window.playground.store.active?.info.config.dataset === 'digits' && window.playground.store.step === 0")
    for name in ("prior", "aggregate", "bounds", "posterior", "units", "sweep", "latents3d"):
        box = scene(page, name)
        page.wait_for_function(
            "name => document.querySelector(`#lab-vae .scene-${name} .scene-words`).textContent.startsWith('Nothing trained yet')", arg=name
        )
        assert "nothing" in box.get_attribute("class")
