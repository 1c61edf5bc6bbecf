"""Scenes of the diffusion tab that guide, edit and compare with diffusers, each once on digits trained briefly."""

import pytest

from tests.browser.conftest import visit

TRAIN = """async (settings) => { const lab = window.playground; const reply = await fetch(new URL('play/resolve', document.baseURI),
    { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ family: 'diffusion', settings }) });
    lab.state.config = (await reply.json()).config; await lab.commands.train(); }"""


@pytest.fixture(scope="module")
def page(browser, app):
    """One run for all tests, which only look."""
    page = visit(browser, app)
    page.get_by_role("tab", name="Diffusion").click()
    page.wait_for_function("() => window.playground.family.key === 'diffusion' && window.playground.store.backdrop()")
    page.evaluate(TRAIN, {"dataset": "digits", "steps": 150, "sampler": "flow-heun", "num_steps": 4})
    page.wait_for_function("() => window.playground.store.active?.info.config.dataset === 'digits'")
    page.wait_for_function("() => window.playground.store.header.state === 'finished'", timeout=120_000)
    yield page
    bad = list(page.watch.bad)
    page.context.close()
    assert not bad, "\n".join(bad)


def scene(page, key: str):
    """Open a scene and wait for all its answers."""
    page.evaluate("k => window.playground.commands.scene(k)", key)
    answered(page, key)
    return page.locator(f".scene-{key}")


def answered(page, key: str) -> None:
    ready = (
        "k => { const d = document.querySelector(`.scene-${k}`).dataset; return d.missing === '0' && d.busy === 'false' && d.step !== ''; }"
    )
    page.wait_for_function(ready, arg=key, timeout=90_000)


def data(page, key: str) -> dict:
    return page.evaluate("k => ({ ...document.querySelector(`.scene-${k}`).dataset })", key)


def words(page, key: str) -> str:
    return page.locator(f".scene-{key} .scene-words").inner_text()


def test_guidance_draws_a_row_for_each_scale(page):
    box = scene(page, "guidance")
    seen = data(page, "guidance")
    obeyed = {float(w): float(v) for w, v in (pair.split(",") for pair in seen["obeyed"].split(" "))}
    assert list(obeyed) == [0, 1, 2, 4, 8] and obeyed[4] > obeyed[0]  # the class counts, even after 150 steps
    assert box.locator(".scale").count() == 5 and box.locator(".scale .pixels").count() == 50
    assert "n 80 samples a scale, seed 0" in words(page, "guidance")


def test_what_is_painted_is_noised_and_denoised(page):
    box = scene(page, "edit")
    low = page.evaluate("() => +document.querySelector('.scene-edit').dataset.distance")
    box.locator("input[type=range]").fill("100")
    page.wait_for_function("low => +document.querySelector('.scene-edit').dataset.distance > low", arg=low)
    paper = box.locator(".sheet").bounding_box()
    page.mouse.move(paper["x"] + 20, paper["y"] + 20)
    page.mouse.down()
    page.mouse.move(paper["x"] + 120, paper["y"] + 20, steps=4)
    page.mouse.up()
    page.wait_for_function(
        "() => { const d = document.querySelector('.scene-edit').dataset; return d.painted === 'true' && d.results === 'yes'; }"
    )
    assert "differ from the original by" in words(page, "edit") and "n 8 results, seed 0" in words(page, "edit")
    box.locator(".back").click()
    page.wait_for_function("() => document.querySelector('.scene-edit').dataset.painted === 'false'")
    answered(page, "edit")


def test_the_known_half_stays_and_another_half_can_be_chosen(page):
    box = scene(page, "inpaint")
    assert data(page, "inpaint")["repeated"] == "0" and "bit for bit" in words(page, "inpaint")
    before = data(page, "inpaint")["spread"]
    box.locator("[data-half=left]").click()
    page.wait_for_function(
        "was => { const { spread } = document.querySelector('.scene-inpaint').dataset; return spread && spread !== was; }", arg=before
    )
    assert box.locator(".completions .pixels").count() == 8 and data(page, "inpaint")["half"] == "left"


def test_diffusers_opens_the_run_and_walks_the_same_way(page):
    page.locator("[data-opens=reference]").filter(visible=True).click()
    answered(page, "reference")
    seen = data(page, "reference")
    assert 0 < float(seen["largest"]) < 1e-5
    assert "Both walk the same way" in words(page, "reference") and "DDIMScheduler" in words(page, "reference")


def test_a_refusal_is_said_as_it_is(page):
    told = page.evaluate("() => window.playground.session.ask('edit', { sigma: 1e6 }).catch((e) => e.message)")
    assert "sigma" in told and "100" in told
    told = page.evaluate("() => window.playground.session.ask('inpaint', { index: 900 }).catch((e) => e.message)")
    assert "index=900 is outside" in told
    page.watch.forgive("400")
