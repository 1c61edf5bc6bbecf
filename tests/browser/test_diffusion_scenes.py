"""The diffusion tab's readings and scenes: each says what the server answers, and what a closed form or a definition demands."""

import json
import math

import pytest

from tests.browser.conftest import visit, wait_state

LAB = "#lab-diffusion"
PREVIEW = "s => { window.playground.commands.preview(s); }"
STEPS = 1_500


@pytest.fixture(scope="module")
def lab(browser, app):
    """A page with a short, finished run on the ring."""
    page = visit(browser, app)
    page.set_default_timeout(90_000)
    page.get_by_role("tab", name="Diffusion").click()
    page.wait_for_function("() => window.playground.family.key === 'diffusion' && window.playground.store.backdrop()")
    page.evaluate(PREVIEW, {"dataset": "ring8", "steps": STEPS})
    page.wait_for_function("n => window.playground.store.active?.info.config.steps === n", arg=STEPS)
    page.evaluate("() => { window.playground.commands.train(); }")
    wait_state(page, "finished", 60, lab="diffusion")
    yield page
    page.context.close()


@pytest.fixture
def page(lab):
    yield lab
    bad, lab.watch.bad = lab.watch.bad, []
    assert not bad, "\n".join(bad)


def scene(page, name: str, until: str):
    """Open a scene and wait for `until` of its data attributes d; its box."""
    page.evaluate("name => window.playground.commands.scene(name)", name)
    page.wait_for_function(f"() => {{ const d = document.querySelector('{LAB} .scene-{name}').dataset; return {until}; }}")
    return page.locator(f"{LAB} .scene-{name}")


def answer(page, question: str, **values) -> dict:
    """The server's own answer: metrics, and the curves as {"panel/name": [x, y]}."""
    ask = """async ([q, v]) => { const f = await window.playground.session.ask(q, v);
      const lines = f.views.filter((x) => x.type === "curve");
      const curves = lines.map((x) => [`${x.panel}/${x.name}`, [Array.from(x.arrays.x), Array.from(x.arrays.y)]]);
      return { step: f.step, m: f.metrics, curves: Object.fromEntries(curves) }; }"""
    return page.evaluate(ask, [question, values])


def words(box) -> str:
    return box.locator(".scene-words").inner_text()


def test_the_matrix_of_the_readings(page):
    panel = page.locator(f"{LAB} .matrix-panel")
    page.wait_for_function(f"() => document.querySelector('{LAB} .matrix-panel').dataset.measured === '4'")
    seen = answer(page, "matrix", samplers="heun", calls=[1, 2, 5, 10, 20, 50], n=1_000, seed=0)
    row = panel.locator("[data-sampler=heun] button")
    assert [float(b.get_attribute("data-value")) for b in row.all()] == pytest.approx(seen["curves"]["sliced_w1/heun"][1], rel=1e-6)
    assert [b.get_attribute("data-steps") for b in row.all()] == ["1", "1", "3", "5", "10", "25"], "Heun calls the network twice a step"
    most = float(panel.get_attribute("data-most"))
    for button in panel.locator("button[data-calls]").all():
        near = float(button.get_attribute("data-value")) <= most
        assert ("near" in (button.get_attribute("class") or "").split()) == near
    panel.locator("[data-sampler=ddim] [data-calls='20']").click()
    page.wait_for_function(
        "() => { const c = window.playground.store.active.info.config; return c.sampler === 'ddim' && c.num_steps === 20; }"
    )
    assert page.evaluate(f"() => document.querySelector('{LAB}').dataset.step") == str(STEPS), "sampling knobs start no training"
    assert page.locator(f"{LAB} .chart-losses").get_attribute("data-bars").count(",") == 11


def test_forward_says_what_the_schedule_says(page):
    box = scene(page, "forward", "d.schedule === 'lognormal' && d.alpha")
    box.locator("[data-schedule=cosine]").click()
    page.wait_for_function(
        f"() => {{ const d = document.querySelector('{LAB} .scene-forward').dataset; return d.schedule === 'cosine' && d.alpha; }}"
    )
    box.locator("input[type=range]").fill("20")
    level = float(box.get_attribute("data-alpha"))
    assert level == pytest.approx(math.cos(0.508 / 1.008 * math.pi / 2) ** 2, rel=0.01), "Nichol & Dhariwal, eq. 17, at t = 1/2"
    assert float(box.get_attribute("data-snr")) == pytest.approx(10 * math.log10(level / (1 - level)), abs=0.05)
    assert float(box.get_attribute("data-sigma")) == pytest.approx(math.sqrt((1 - level) / level), rel=1e-4)
    assert "noise outweighs data from t 0.50 on" in words(box)


def test_matrix_trajectories_and_grids(page):
    box = scene(page, "matrix", "d.measured === '9'")
    assert box.locator("button[data-calls]").count() == 9 * 7
    assert "Heun is far off in 3 steps" in words(box) and "on this grid up to 72 times it" in words(box)
    assert (
        box.locator("[data-sampler=euler] [data-calls='100']").get_attribute("data-value")[:6]
        == box.locator("[data-sampler=ddim] [data-calls='100']").get_attribute("data-value")[:6]
    ), "DDIM without fresh noise is Euler"
    box = scene(page, "trajectories", "d.missing === '0'")
    straight = {
        s: float(box.locator(f"section[data-sampler={s}]").get_attribute("data-straightness")) for s in ("ddpm", "ddim", "flow-euler")
    }
    told = answer(page, "trajectories", n=50, sampler="ddim", num_steps=20, seed=0)["m"]["straightness"]
    assert straight["ddim"] == pytest.approx(told, rel=1e-3)
    assert straight["ddpm"] < straight["ddim"] and "wander" in words(box)
    box = scene(page, "grids", "d.few && d.many")
    assert box.get_attribute("data-few") == "0" and float(box.get_attribute("data-many")) > 0.1
    assert words(box).startswith("No: step 20 of 20 has arrived")


def test_eta_and_score(page):
    box = scene(page, "eta", "d.apart")
    apart = [float(v) for v in box.get_attribute("data-apart").split(",")]
    assert apart[0] == 0 and 0 < apart[1] < apart[-1]
    assert "the same to the last bit" in words(box)
    box = scene(page, "score", "d.cosine")
    assert float(box.get_attribute("data-cosine")) == pytest.approx(
        answer(page, "score_field", sigma=0.3, rows=22)["m"]["score_cosine"], rel=1e-6
    )


def test_averages_and_a_student(page):
    box = scene(page, "averages", "d.raw")
    seen = answer(page, "averages", n=300, num_steps=20, seed=0)["m"]
    assert float(box.get_attribute("data-averaged-loss")) == pytest.approx(seen["averaged/validation_mse"], rel=1e-6)
    box.locator("select").select_option("200")
    box.locator(".press").click()
    page.wait_for_function(f"() => document.querySelector('{LAB} .scene-averages').dataset.again")
    assert box.get_attribute("data-again").split(",")[-1] == "200"
    box.locator("input[type=range]").fill("1")
    assert "of the first, random weights" in words(box)
    box = scene(page, "distil", "d.busy === 'false'")
    box.locator("select").select_option("500")
    box.locator(".press").click()
    page.wait_for_function(f"() => document.querySelector('{LAB} .scene-distil').dataset.student")
    teacher, student = (json.loads(f"[{box.get_attribute(f'data-{who}')}]") for who in ("teacher", "student"))
    assert student[0] < teacher[0] and "times nearer to the data than its teacher" in words(box)


def test_targets_are_whole_runs(page):
    box = scene(page, "targets", "d.of === '72'")
    page.evaluate(
        """() => { const s = document.querySelector('#lab-diffusion .scene-targets select');
        s.innerHTML = '<option value="270">270</option>'; s.dispatchEvent(new Event('change')); }"""
    )
    box.locator(".press").click()
    page.wait_for_function(
        f"() => {{ const d = document.querySelector('{LAB} .scene-targets').dataset; return d.state === 'idle' && d.done === '72'; }}"
    )
    means = {key: (mean, n) for key, mean, n in json.loads(box.get_attribute("data-means"))}
    assert means.keys() == {"eps", "x0", "v", "flow"} and all(mean > 0 and n == 6 for mean, n in means.values())
    best = min(means, key=lambda key: means[key][0])
    named = {"eps": "ε, the noise", "x0": "x₀, the example", "v": "v", "flow": "flow velocity"}[best]
    assert f"After 270 steps {named} is nearest to the data ({means[best][0]:.3f}" in words(box)
