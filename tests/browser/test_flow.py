"""The diagram of one step: its nodes lead to the stage and back, its knobs are the form's, a step by hand runs through it slowly."""

import re

import pytest

from tests.browser.conftest import open_page, wait_step
from tests.browser.test_gan_tab import train
from tests.browser.test_scenes import rest

NODES = {  # what the stage shows: the scene, or the layers that are on
    "noise": "noise",
    "g": ["Samples", "Grid of G"],
    "fake": ["Samples"],
    "real": ["Data"],
    "d": ["Data", "Samples", "D(x)"],
    "says": "predictions",
    "loss_g": "losses",
    "loss_d": "losses",
    "grad_g": ["Samples", "G gradient"],
    "grad_d": "gradients",
}
USUAL = ["Data", "Samples", "D(x)", "G gradient"]


def node(page, key):
    return page.locator(f".flow-node[data-node={key}]")


def shown(page):
    """The scene on the stage, or the layers that are on."""
    scene = page.locator(".stage").get_attribute("data-scene")
    return scene or page.locator(".layers .toggle[aria-pressed=true]").all_inner_texts()


def collapsing(page) -> None:
    page.locator(".presets button", has_text="Collapse it").first.click()
    page.wait_for_function("() => window.playground.store.active?.info.config.batch === 64 && window.playground.store.frameAt(0)")


def words(page) -> str:
    return page.locator(".flow-words p").inner_text()


def row(page) -> dict:
    return page.evaluate(
        "() => { const s = window.playground.store; const r = s.active.rowAt(s.step); return {m: r.m, trace: r.trace ?? null, s: r.s}; }"
    )


def test_every_node_becomes_the_stage_and_leads_back(page):
    collapsing(page)
    train(page)
    wait_step(page, 100)
    rest(page)
    assert shown(page) == USUAL
    for key, expected in NODES.items():
        node(page, key).click()
        assert shown(page) == expected, key
        assert node(page, key).get_attribute("aria-pressed") == "true"
        assert page.locator(".flow-node[aria-pressed=true]").count() == 1
        node(page, key).click()
        assert shown(page) == USUAL, key


def test_the_keyboard_walks_through_the_diagram(page):
    node(page, "noise").focus()
    for key in ("g", "fake", "real"):
        page.keyboard.press("ArrowRight")
        assert page.evaluate("() => document.activeElement.dataset.node") == key
    page.keyboard.press("Enter")
    assert shown(page) == ["Data"]
    page.keyboard.press("Escape")
    assert shown(page) != ["Data"] and node(page, "real").get_attribute("aria-pressed") == "false"


def test_the_menu_takes_the_stage_back(page):
    node(page, "noise").click()
    page.locator(".scene-button").click()
    page.locator(".scene-menu").get_by_text("Losses", exact=True).click()
    page.wait_for_timeout(250)
    assert shown(page) == "losses" and page.locator(".flow-node[aria-pressed=true]").count() == 0
    assert page.locator(".flow-panel").is_hidden()


def test_the_knobs_of_a_node_are_those_of_the_form(page):
    collapsing(page)
    node(page, "d").click()
    field = page.locator("#d-knob-lr_d")
    field.fill("0.0007")
    field.press("Tab")
    page.wait_for_function("() => window.playground.store.active.info.config.lr_d === 0.0007")
    assert page.locator("#gan-knob-lr_d").input_value() == "7e-4"
    field.fill("7")
    field.press("Tab")
    page.wait_for_function("() => !document.querySelector('.flow-panel .field-error')?.hidden")
    error = page.locator(".flow-panel .knob[data-knob=lr_d] .field-error").inner_text()
    assert "lr_d=7" in error and "[1e-05, 1]" in error
    page.watch.forgive("400")


@pytest.mark.parametrize("part", ["d", "g"])
def test_a_step_by_hand_runs_slowly_through_the_diagram(page, part):
    collapsing(page)
    page.wait_for_function(
        "() => document.querySelector('#lab-gan [data-shown]')?.dataset.shown === '0' || window.playground.root.dataset.shown === '0'"
    )
    page.locator(".step-button", has_text=f"Step {part.upper()}").click()
    page.wait_for_function("() => window.playground.area.flow.playing")
    first = words(page)
    assert re.match(r"1 of [45] G turns noise, 64×2, into samples, 64×2\.", first)
    holding = page.evaluate("() => window.playground.area.flow.playing")
    seen = [first]
    page.wait_for_function("() => window.playground.root.dataset.state === 'paused'")
    while page.evaluate("() => window.playground.area.flow.slow"):
        if (now := words(page)) != seen[-1]:
            seen.append(now)
        page.wait_for_timeout(40)
    told, after = " ".join(seen), row(page)
    assert holding and after["trace"]["z"]["shape"] == [64, 2]
    loss = after["m"][f"{part}_loss"]
    assert f"{loss:.3f}".replace("-", "−") in told, told
    weights = after["trace"][f"grad_{part}"]["shape"][0]
    assert f"{weights:,}" in told and weights == page.evaluate(
        "p => window.playground.store.active.rowAt(0).trace[`grad_${p}`].shape[0]", part
    )
    assert ("G has not moved" in told) == (part == "d")
    assert page.locator(".flow-words").is_hidden()


def test_both_networks_step_and_a_skip_ends_it(page):
    collapsing(page)
    page.locator(".step-button", has_text="Both").click()
    page.wait_for_function("() => window.playground.area.flow.slow")
    assert words(page).startswith("1 of 9")
    page.get_by_role("button", name="Skip").click()
    page.wait_for_function("() => !window.playground.area.flow.slow && window.playground.root.dataset.shown === '1'")


def test_less_motion_gives_a_list(browser, app):
    page = open_page(browser, app)
    page.emulate_media(reduced_motion="reduce")
    collapsing(page)
    page.locator(".step-button", has_text="Both").click()
    page.wait_for_function("() => document.querySelectorAll('.flow-words p span').length === 9")
    assert not page.evaluate("() => window.playground.area.flow.slow")
    page.context.close()


def test_it_folds_and_stays_folded(page):
    tall = page.locator(".stage-canvas").bounding_box()["height"]
    page.locator(".flow-fold").click()
    assert page.locator(".flow-strip").is_hidden() and page.locator(".stage-canvas").bounding_box()["height"] >= tall
    page.reload()
    page.wait_for_function("() => window.playground?.store.frameAt(0)")
    assert page.locator(".flow-strip").is_hidden()
    page.locator(".flow-fold").click()
    assert page.locator(".flow-strip").is_visible()
