"""The scene "Every fix": the recorded table first, drawn and said as it is; a press trains a row, a dot opens its seed on the stage."""

import json
from pathlib import Path

import pytest
from scipy import stats

RECORD = json.loads((Path(__file__).parents[2] / "assets" / "recordings" / "gan-fixes.json").read_bytes())
ROWS = ".scene-fixes .fix-rows section"
SHORT = """() => {
  const { session } = window.playground, exact = session.exact.bind(session);
  session.exact = (config, options) => exact({ ...config, steps: 20 }, options);
}"""


@pytest.fixture
def scene(page):
    page.evaluate("() => window.playground.commands.scene('fixes')")
    page.wait_for_selector(ROWS)
    return page


def shown(group):
    return {key: row for key, row in RECORD["rows"].items() if row["group"] == group and row["shown"]}


def test_the_recorded_table_is_said_as_it_is(scene):
    words = scene.locator(".scene-fixes .scene-words").inner_text()
    rows = shown("hop")
    assert [s.get_attribute("data-row") for s in scene.locator(ROWS).all()] == list(rows)
    full = {key: [v == 8 for v in row["wide_modes"]] for key, row in rows.items()}
    for key in rows:
        assert scene.locator(f"{ROWS}[data-row='{key}'] b").inner_text() == f"{sum(full[key])} of {len(full[key])}"
        assert scene.locator(f"{ROWS}[data-row='{key}']").get_attribute("data-source") == "recorded"
    fix = next(key for key, row in rows.items() if row["role"] == "fix")
    plain = next(key for key, row in rows.items() if row["role"] == "plain")
    gained = sum(a and not b for a, b in zip(full[fix], full[plain], strict=True))
    lost = sum(b and not a for a, b in zip(full[fix], full[plain], strict=True))
    p = stats.binomtest(min(gained, lost), gained + lost).pvalue
    said = "< 0.001" if p < 0.001 else f"= {p:.3f}"
    assert f"(paired {gained}:{lost}, exact McNemar, p {said})" in words
    assert "Recorded: python -m benchmarks.gan_textbook" in scene.locator(".scene-fixes").inner_text()


def test_every_group_and_measure_is_drawn(scene):
    for key, group in RECORD["groups"].items():
        if not shown(key):
            continue
        scene.get_by_role("button", name=group, exact=True).click()
        for measure in ("modes within 3σ", "modes within 10σ", "KL of shares, nats"):
            scene.get_by_role("button", name=measure, exact=True).click()
            assert scene.locator(f"{ROWS} canvas").count() == scene.locator(ROWS).count() >= 3
            assert "seeds" in scene.locator(".scene-fixes .scene-words").inner_text()


@pytest.mark.slow
def test_a_press_trains_the_seeds_of_a_row(scene):
    """Twenty steps in place of thousands: that its own values take the place of the recorded ones is what is looked at."""
    scene.evaluate(SHORT)
    row = scene.locator(ROWS).first
    row.locator("button").click()
    scene.wait_for_function(f"() => document.querySelector('{ROWS}').dataset.source === 'own'")
    scene.wait_for_function(f"() => document.querySelector('{ROWS} button').textContent === 'Train again'", timeout=120_000)
    assert row.locator("b").inner_text().endswith(f"of {len(RECORD['rows']['hop']['seeds'])}")
    assert "Trained here" in scene.locator(".scene-fixes").inner_text()


@pytest.mark.slow
def test_a_dot_opens_its_seed_on_the_stage(scene):
    key, row = next((key, row) for key, row in shown("hop").items() if row["role"] == "plain")
    box = scene.locator(f"{ROWS}[data-row='{key}'] canvas").bounding_box()
    for x in range(0, int(box["width"]), 3):  # where dots are is not said: the first that answers a press
        for y in range(2, int(box["height"]) - 14, 4):
            scene.mouse.move(box["x"] + x, box["y"] + y)
            if scene.evaluate(f"() => document.querySelector(`{ROWS}[data-row='{key}'] canvas`).style.cursor") == "pointer":
                scene.mouse.click(box["x"] + x, box["y"] + y)
                scene.wait_for_function(
                    "() => window.playground.store.active?.info.config.objective && window.playground.state.config.seed >= 300"
                )
                config = scene.evaluate("() => window.playground.state.config")
                assert config["seed"] in row["seeds"]
                assert all(config[k] == v for k, v in row["settings"].items() if k in config and k != "seed")
                return
    raise AssertionError("no dot answers the pointer")
