"""The scenes of the autoregressive tab, each opened once on a small run: what the page says against what the server answers."""

import json

import pytest

from tests.browser.conftest import visit, wait_state

LAB = "#lab-autoregressive"
TEXT = {"dataset": "moby", "steps": 60, "layers": 2, "width": 32, "heads": 2, "block_size": 32}
DIGITS = {"dataset": "digits", "steps": 40, "model": "pixelcnn", "width": 16, "layers": 2}
PREVIEW = "s => { window.playground.commands.preview(s); }"
SIZES = """async (settings) => {
  const headers = { "Content-Type": "application/json" }, body = JSON.stringify({ family: "autoregressive", settings });
  return (await (await fetch("play/resolve", { method: "POST", headers, body })).json()).cost; }"""
SHOWN = """s => { const run = window.playground.store.active?.info;
  return run?.step === 0 && Object.entries(s).every(([k, v]) => run.config[k] === v); }"""


def trained(page, settings: dict) -> None:
    page.evaluate(PREVIEW, settings)
    page.wait_for_function(SHOWN, arg=settings)
    page.evaluate("() => { window.playground.commands.train(); }")
    wait_state(page, "finished", 60, lab="autoregressive")


def opened(browser, app, settings: dict, **options):
    page = visit(browser, app, **options)
    page.set_default_timeout(60_000)
    page.get_by_role("tab", name="Autoregressive").click()
    page.wait_for_function("() => window.playground.family.key === 'autoregressive' && window.playground.store.backdrop()")
    trained(page, settings)
    return page


@pytest.fixture(scope="module")
def text(browser, app):
    page = opened(browser, app, TEXT)
    yield page
    bad = list(page.watch.bad)
    page.context.close()
    assert not bad, "\n".join(bad)


@pytest.fixture(scope="module")
def digits(browser, app):
    page = opened(browser, app, DIGITS)
    yield page
    bad = list(page.watch.bad)
    page.context.close()
    assert not bad, "\n".join(bad)


def scene(page, name: str, test: str):
    """Open a scene and wait for `test` of its data attributes d; its box."""
    page.evaluate("name => window.playground.commands.scene(name)", name)
    until(page, name, test)
    return page.locator(f"{LAB} .scene-{name}")


def until(page, name: str, test: str) -> None:
    page.wait_for_function(f"() => {{ const d = document.querySelector('{LAB} .scene-{name}')?.dataset; return d && ({test}); }}")


def answer(page, question: str, **values) -> dict:
    """The metrics of the server's own answer."""
    return page.evaluate("async ([q, v]) => (await window.playground.session.ask(q, v)).metrics", [question, values])


def said(box) -> str:
    return box.locator(".scene-words").inner_text().replace("\u00a0", " ")


def number(box, name: str) -> float:
    return float(box.get_attribute(f"data-{name}"))


def test_three_ways_of_choosing(text):
    box = scene(text, "sampling", "d.nats && d.likely")
    m = answer(text, "sampling", seed=0, temperature=1.0, top_k=5, top_p=0.8, prompt="\n")
    assert number(box, "nats") == pytest.approx(m["nats/temperature"], rel=1e-5)
    likely = [float(v) for v in box.get_attribute("data-likely").split(",")]
    assert likely[0] < likely[-1], "the coldest text is the likeliest"
    assert "n 8 texts" in said(box) and "seed 0" in said(box)
    assert [len(box.locator(f"[data-way={k}] .text span").all()) for k in ("temperature", "top_k", "top_p")] == [161] * 3


def test_what_is_typed_is_weighed_and_taken_apart(text):
    box = scene(text, "surprise", "d.nats")
    typed = "Call me Ishmael."
    box.locator("textarea").fill(typed)
    text.wait_for_function(f"() => document.querySelectorAll('{LAB} .scene-surprise .tokens span').length === 16")
    m = answer(text, "surprise", text=typed)
    assert number(box, "nats") == pytest.approx(m["nll [nats]"], rel=1e-5) and f"{m['nll [bits]']:.1f} bits" in said(box)
    until(text, "surprise", "d.auroc")
    m = answer(text, "strange", against="words", n=200, seed=0)
    assert (
        number(box, "auroc") == pytest.approx(m["auroc"], rel=1e-5)
        and f"{m['auroc']:.2f} (95 % " in said(box)
        and "n 200 of each" in said(box)
    )
    box.locator("select.order").select_option("letters")
    until(text, "surprise", "d.against === 'letters'")
    box = scene(text, "receptive", "d.tokens")
    assert number(box, "tokens") == 32 and number(box, "matter") == answer(text, "receptive")["tokens that matter"]
    box = scene(text, "lens", "d.layers === '3'")
    lens = text.evaluate("async () => (await window.playground.session.ask('lens', { position: 24, shown: 6 })).views.at(-2).labels[0]")
    assert box.get_attribute("data-top") == lens and len(box.locator("tbody tr").all()) == 3


def test_context_copies_and_the_leak(text):
    box = scene(text, "context", "d.first && d.last")
    curve = text.evaluate("async () => [...(await window.playground.session.ask('context')).views[0].arrays.y]")
    assert len(curve) == 32 and number(box, "first") == pytest.approx(curve[0], rel=1e-6) and f"{curve[0]:.2f} nats" in said(box)
    assert "n 1,024 windows" in said(box)
    box = scene(text, "overfit", "d.copied && d.gap")
    m = answer(text, "memorised", least=20, length=300, seed=0, temperature=0.8)
    assert number(box, "copied") == m["copied"] and number(box, "longest") == m["longest copy [characters]"]
    box = scene(text, "mask", "d.masked")
    m = answer(text, "leak", n=16)
    assert number(box, "masked") == pytest.approx(m["token by token [nats]"], rel=1e-5)
    assert m["as trained [nats]"] == pytest.approx(m["token by token [nats]"], rel=1e-4), "the mask keeps its word"


def test_the_clock_and_transformers_agree_on_the_text(text):
    box = scene(text, "cache", "d.identical && d.passes")
    assert number(box, "identical") == 127 and 1 <= number(box, "perpass") <= 5
    assert "identical" in said(box) and "on the server" in said(box)
    box = scene(text, "reference", "d.drawn")
    assert number(box, "greedy") == number(box, "drawn") == number(box, "tokens") == 31
    assert number(box, "logit") < 1e-3 and "Both write the same 31 tokens" in said(box)


def test_scale_and_ladder(text):
    box = scene(text, "scale", "d.parameters")
    config = text.evaluate("() => window.playground.store.active.info.config")
    sizes = text.evaluate(SIZES, config)
    assert number(box, "parameters") == sizes["parameters"] and number(box, "tokens") == 60 * 16 * 32
    assert number(box, "rows") == 8 and "not published" in said(box)
    box = scene(text, "ladder", "d.state === 'idle'")
    box.locator("select").select_option("50")
    box.locator(".press").click()
    until(text, "ladder", "d.done >= 1")
    box.locator(".press").click()
    until(text, "ladder", "d.state === 'idle'")
    box.locator("tr[data-model=mlp]").click()
    until(text, "ladder", "d.picked === 'mlp'")
    points = {key: (x, y) for key, x, y in json.loads(box.get_attribute("data-points"))}
    assert points["mlp"][0] == 89_811 and 1.5 < points["mlp"][1] < 4.5 and "own" in points
    assert len(box.locator(".text span").all()) > 100 and "seed 7" in said(box)


def test_what_convolutions_can_see(digits):
    box = scene(digits, "receptive", "d.blind && d.matter")
    row, column = (int(v) for v in box.get_attribute("data-place").split(","))
    m = answer(digits, "blindspot", row=row, column=column)
    assert number(box, "blind") == m["blind/plain"] > 0 == number(box, "gated")
    box.locator("[data-mask=B]").click()
    until(digits, "receptive", "d.leaks === '1'")
    assert "the answer itself" in said(box)


def test_images_are_completed_and_weighed(digits):
    box = scene(digits, "complete", "d.completions === '16' && d.vote")
    assert number(box, "given") == 32 and "n 16" in said(box)
    box = scene(digits, "surprise", "d.nats && d.auroc")
    assert number(box, "nats") == pytest.approx(answer(digits, "likelihood", index=0)["nll [nats]"], rel=1e-5)
    assert number(box, "auroc") == pytest.approx(answer(digits, "anomaly", against="inverted", n=200, seed=0)["auroc"], rel=1e-5)
    sheet = box.locator(".sheet").bounding_box()
    digits.mouse.move(sheet["x"] + 60, sheet["y"] + 60)
    digits.mouse.down()
    digits.mouse.move(sheet["x"] + 60, sheet["y"] + 180)
    digits.mouse.up()
    digits.wait_for_function(f"() => document.querySelector('{LAB} .scene-surprise .scene-words').textContent.includes('Your drawing')")


def test_orders_are_trained_one_by_one(digits):
    box = scene(digits, "order", "d.state === 'idle'")
    assert number(box, "of") == 18
    box.locator(".press").click()
    until(digits, "order", "d.done >= 1")
    box.locator(".press").click()
    until(digits, "order", "d.state === 'idle'")
    (order, n, mean), *_ = json.loads(box.get_attribute("data-means"))
    assert order == "raster" and n == 1 and 1.5 < mean < 4.1


def test_a_model_that_does_not_fit_is_told_so(text):
    trained(text, {"dataset": "moby", "model": "ngram", "steps": 5})
    text.evaluate("() => window.playground.commands.scene('lens')")
    box = text.locator(f"{LAB} .scene-lens")
    box.locator(".misfit-plate button").wait_for()
    assert "n-gram" in box.locator(".misfit-plate").inner_text()
    box.locator(".misfit-plate button").click()
    text.wait_for_function("() => window.playground.store.active?.info.config.model === 'gpt2'")


def test_images_become_codes_and_codes_that_are_drawn_become_images(digits):
    box = scene(digits, "imagetokens", "d.state === 'idle'")
    box.locator(".hand").click()
    until(digits, "imagetokens", "d.used && d.state === 'idle'")
    assert number(box, "used") == 64 and number(box, "uniform") == 6 and 3 < number(box, "independent") < 4
    digits.evaluate(PREVIEW, {"dataset": "own-codes", "model": "gated-pixelcnn", "steps": 20, "width": 16, "layers": 2})
    digits.wait_for_function(SHOWN, arg={"dataset": "own-codes", "steps": 20})
    digits.evaluate("() => { window.playground.commands.train(); }")
    until(digits, "imagetokens", "d.judged")
    assert number(box, "drawn") == 20 and number(box, "bits") < 6
    ratio = number(box, "judged") / number(box, "copies")
    assert ratio > 3, "after 20 steps its grids are far from those of real images"
    assert "n 1,000, seed 0" in said(box) and f"needs {number(box, 'bits'):.2f} bits a code" in said(box)
    assert len(box.locator(".images .pixels").all()) == 16
    digits.evaluate("() => window.playground.commands.scene(null)")
    stage = digits.locator(f"{LAB} .seq-pixels")
    stage.locator(".view-levels h3", has_text="code, row").wait_for()
    assert (
        stage.locator(".view-growing b").inner_text() == "One grid, code by code"
        and " code " in stage.locator(".view-levels .said").inner_text()
    )
