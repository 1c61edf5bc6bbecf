"""The drawing modules alone, without the app: synthetic frames drawn by harness/index.html, looked at through pixels and attributes."""

import functools
import http.server
import threading

import numpy as np
import pytest

from engines.core import Bars, Heat, Images, Points, Snapshot
from playground.sessions.frames import encode
from tests.browser.conftest import ROOT, Watch


class Quiet(http.server.SimpleHTTPRequestHandler):
    """The repository over loopback, without a log; fonts and all else that is missing would fail the test."""

    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def site():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(ROOT)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def show(browser, site):
    """show(query, width=...) -> a page with everything drawn. Complaints of the page fail the test."""
    pages = []

    def open_harness(query="", width=1190, height=760, **options):
        page = browser.new_context(viewport={"width": width, "height": height}, **options).new_page()
        page.watch = Watch(page, site)
        pages.append(page)
        page.goto(f"{site}tests/browser/harness/index.html{query}")
        page.wait_for_selector("body[data-ready]", state="attached")
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return page

    yield open_harness
    bad = [complaint for page in pages for complaint in page.watch.bad]
    for page in pages:
        page.context.close()
    assert not bad, "\n".join(bad)


COUNT = """(selector) => {
  const c = document.querySelector(selector);
  const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
  const colors = new Map();
  for (let i = 0; i < data.length; i += 4) {
    const key = data[i + 3] < 128 ? "none" : [data[i], data[i + 1], data[i + 2]].join();
    colors.set(key, (colors.get(key) ?? 0) + 1);
  }
  return { width: c.width, height: c.height, colors: Object.fromEntries(colors) };
}"""
LOWEST = """(selector) => {
  const c = document.querySelector(selector);
  const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
  let last = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i] < 150) last = Math.floor(i / 4 / c.width);
  return last;
}"""
DECODE = """(bytes) => {
  const { step, metrics, views } = harness.decodeFrame(new Uint8Array(bytes).buffer);
  const plain = (arrays) => Object.fromEntries(Object.entries(arrays).map(([k, a]) => [k, [...a]]));
  return { step, metrics, views: views.map((v) => ({ ...v, arrays: plain(v.arrays) })) };
}"""
PULL = """() => {
  const sent = [50, 100].map((s, i) => ({ b: "b0", s, seq: 8 + i, backdrop: false, bytes: harness.frame(s) }));
  const buffer = harness.encodePull({ seq: 9 }, sent);
  const { header, frames } = harness.decodePull(buffer);
  const inPlace = (view) => Object.values(view.arrays).every((a) => a.buffer === buffer);
  return [frames.every((f) => f.frame.views.every(inPlace)), frames.map((f) => [f.s, f.frame.step]), header.seq];
}"""
AXIS = """(values) => {
  const points = values.map((v, i) => [i, v]);
  harness.charts.loss.update({ series: [{ id: "a", points, color: "accent" }], lines: [], run: 1 });
  return harness.charts.loss.range();
}"""
STAGE, TRACK = ".stage-canvas canvas", ".timeline-track"
CANVASES = [STAGE, "#bars canvas", "#loss canvas", "#modes canvas", ".spark canvas", f"{TRACK} canvas"]
LIGHT = {"accent": "160,54,2", "data": "107,114,128", "ink": "22,25,29"}
DARK = {"accent": "240,138,85", "data": "163,171,183", "ink": "236,238,241"}


def test_everything_draws_in_the_colours_of_its_role(show):
    page = show()
    for selector in CANVASES:
        seen = page.evaluate(COUNT, selector)
        assert len(seen["colors"]) > 5, selector
        assert seen["colors"].get(LIGHT["accent"], 0) > 20, selector
    stage = page.evaluate(COUNT, STAGE)
    assert (stage["width"], stage["height"]) == (654, 458)
    assert stage["colors"][LIGHT["data"]] > 10
    assert page.evaluate(COUNT, "#loss canvas")["colors"][LIGHT["data"]] > 20


def test_dark_mode_repaints_what_is_there(show):
    page = show()
    page.evaluate("document.body.classList.add('dark')")
    page.wait_for_function("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
    for selector in CANVASES:
        colors = page.evaluate(COUNT, selector)["colors"]
        assert LIGHT["accent"] not in colors, selector
        assert colors.get(DARK["accent"], 0) > 20, selector


def test_canvases_are_sharp_and_follow_their_containers(show):
    page = show("", device_scale_factor=2)
    seen = page.evaluate(COUNT, STAGE)
    assert (seen["width"], seen["height"]) == tuple(
        2 * page.evaluate(f"document.querySelector('.stage-canvas').client{side}") for side in ("Width", "Height")
    )
    page.set_viewport_size({"width": 375, "height": 760})
    page.wait_for_function(
        "() => document.querySelector('.stage-canvas canvas').width === 2 * document.querySelector('.stage-canvas').clientWidth"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert page.evaluate(COUNT, STAGE)["colors"][LIGHT["accent"]] > 20


def test_layers_can_be_hidden(show):
    page = show()

    def count(color, layers):
        page.evaluate("(layers) => (harness.stage.setLayers(layers), harness.flush())", layers)
        return page.evaluate(COUNT, STAGE)["colors"].get(color, 0)

    assert count(LIGHT["accent"], {"samples": False}) == 0 < count(LIGHT["accent"], {})
    assert count(LIGHT["data"], {"data": False, "samples": False}) < count(LIGHT["data"], {"samples": False})
    plain = count("255,255,255", {})
    assert count("255,255,255", {"heat": False}) > 4 * plain
    assert count("255,255,255", {"heat": False, "gradient": False}) > count("255,255,255", {"heat": False})


def test_an_empty_stage_shows_the_data_only(show):
    page = show("?state=empty")
    colors = page.evaluate(COUNT, STAGE)["colors"]
    assert LIGHT["accent"] not in colors and colors[LIGHT["data"]] > 100
    rows = page.evaluate(LOWEST, STAGE)
    assert rows < 458 - 132  # nothing under the message


def test_frames_of_the_server_decode_to_the_same_numbers(show):
    page = show()
    rng = np.random.default_rng(0)
    xy = rng.standard_normal((7, 2)).astype(np.float32)
    values = rng.random((5, 4)).astype(np.float32)
    pixels = rng.uniform(-1, 1, (3, 1, 5, 5)).astype(np.float32)
    label = np.array([0, 1, 2], np.uint8)
    views = {
        "stage": (Points(xy), Heat(values, (-1, 1, -2, 2), contour=0.5), Images(pixels, label=label)),
        "modes": (Bars(np.array([0.25, 0.75], np.float32), ("a", "b"), fair=0.5, low=0.1),),
    }
    data = encode(Snapshot(40, {"g_loss": 0.5, "d_loss": float("nan")}, views))
    got = page.evaluate(DECODE, list(data))
    points, heat, images, bars = got["views"]
    assert (got["step"], got["metrics"]) == (40, {"g_loss": 0.5, "d_loss": None})
    np.testing.assert_array_equal(np.float32(points["arrays"]["xy"]).reshape(7, 2), xy)
    assert (points["type"], points["panel"], points["role"], points["shapes"]["xy"]) == ("points", "stage", "model", [7, 2])
    np.testing.assert_allclose(np.array(heat["arrays"]["values"]).reshape(5, 4) / 255, values, atol=0.5 / 255 + 1e-6)
    assert (heat["extent"], heat["contour"]) == ([-1, 1, -2, 2], 0.5)
    np.testing.assert_allclose(np.array(images["arrays"]["pixels"]).reshape(3, 1, 5, 5) / 127.5 - 1, pixels, atol=0.5 / 127.5 + 1e-6)
    assert images["arrays"]["label"] == [0, 1, 2]
    assert (bars["labels"], bars["fair"]) == (["a", "b"], 0.5)


def test_a_pull_holds_frames_without_copying_them(show):
    page = show()
    same, steps, seq = page.evaluate(PULL)
    assert same and steps == [[50, 50], [100, 100]] and seq == 9


def test_the_slider_obeys_the_keyboard_and_says_where_it_is(show):
    page = show()
    track = page.locator(TRACK)
    assert track.get_attribute("aria-valuenow") == "3000"
    track.focus()
    for key, expected in [
        ("ArrowLeft", "2950"),
        ("ArrowRight", "3000"),
        ("PageDown", "2700"),
        ("PageUp", "3000"),
        ("Home", "0"),
        ("ArrowRight", "50"),
        ("End", "3000"),
    ]:
        page.keyboard.press(key)
        assert track.get_attribute("aria-valuenow") == expected, key
    page.keyboard.press("Home")
    assert track.get_attribute("aria-valuetext") == "step 0 of 4,200, newest is 3,000"
    assert page.locator(".at").inner_text() == "step 0 , live is 3,000"
    assert page.evaluate("harness.calls.scrub.slice(0, 3)") == [2950, 2700, 0]
    page.get_by_role("button", name="Go live").click()
    assert track.get_attribute("aria-valuenow") == "3000" and page.locator(".go-live").is_hidden()


def test_the_slider_follows_pointer_and_wheel(show):
    page = show()
    box = page.locator(f"{TRACK} canvas").bounding_box()

    def x(step):
        return box["x"] + 8 + step / 4200 * (box["width"] - 16)

    page.mouse.move(x(500), box["y"] + 33)
    page.mouse.down()
    page.mouse.move(x(1560), box["y"] + 300, steps=4)  # the pointer may leave the track while it is held
    page.mouse.up()
    assert page.evaluate("harness.run.cursor") == 1550
    page.mouse.move(x(1550), box["y"] + 33)
    page.mouse.wheel(0, 80)
    page.wait_for_function("() => harness.run.cursor === 1650")
    page.mouse.click(x(1200) + 3, box["y"] + 10)  # a flag
    assert page.evaluate("harness.calls.flag") == [1200]
    page.locator(".timeline .fork").click()
    page.locator(".timeline .mark").click()
    assert page.evaluate("[harness.calls.fork, harness.calls.mark]") == [[1200], [1200]]


def test_the_film_plays_and_ends_at_the_newest_step(show):
    page = show("?step=2500")
    page.locator(".timeline .play").click()
    page.wait_for_function("() => harness.calls.live === 1", timeout=6000)
    scrubbed = page.evaluate("harness.calls.scrub")
    assert scrubbed == sorted(scrubbed) and scrubbed
    assert page.evaluate("harness.calls.play") == [True, False]
    still = show("?step=500", reduced_motion="reduce")
    still.locator(".timeline .play").click()
    still.wait_for_function("() => harness.calls.scrub.length === 2")
    assert np.diff(still.evaluate("harness.calls.scrub")) == [250]  # a few still steps instead of a film


def test_charts_report_the_step_under_the_pointer(show):
    page = show()
    box = page.locator("#loss canvas").bounding_box()
    x = box["x"] + 36 + 1500 / 4200 * (box["width"] - 44)
    before = page.evaluate(COUNT, "#loss canvas")["colors"]
    page.mouse.move(x, box["y"] + 60)
    assert abs(page.evaluate("harness.calls.hover.at(-1)") - 1500) <= 10
    page.evaluate("harness.flush()")
    assert page.evaluate(COUNT, "#loss canvas")["colors"] != before
    page.mouse.click(x, box["y"] + 60)
    assert abs(page.evaluate("harness.calls.pick[0]") - 1500) <= 10
    page.mouse.move(5, 5)
    assert page.evaluate("harness.calls.hover.at(-1)") is None


def test_axes_widen_and_never_shrink(show):
    page = show()
    assert page.evaluate(AXIS, [0.1, 0.9]) == [0, 1.2]
    assert page.evaluate(AXIS, [0.1, 3.0]) == [0, 4]
    assert page.evaluate(AXIS, [0.1, 0.2]) == [0, 4]
    assert page.evaluate(AXIS, [-0.3, 0.2]) == [-0.4, 4]


def test_the_stage_tells_the_place_under_the_pointer(show):
    page = show()
    box = page.locator(STAGE).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    at = page.evaluate("harness.calls.stage.at(-1)")
    assert abs(at["x"]) < 0.05 and abs(at["y"]) < 0.05 and 0 <= at["value"] < 0.3
    page.locator(STAGE).focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("harness.calls.stage.at(-1)")["x"] > at["x"] + 0.05
    page.keyboard.press("Escape")
    assert page.evaluate("harness.calls.stage.at(-1)") is None


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_fill_the_stage_and_can_be_held_up(show, channels):
    page = show(f"?images={channels}")
    colors = page.evaluate(COUNT, STAGE)["colors"]
    coloured = [c for c in colors if c != "none" and np.ptp([int(v) for v in c.split(",")]) > 60]
    assert (len(coloured) > 50) == (channels == 3)
    box = page.locator(STAGE).bounding_box()
    page.mouse.move(box["x"] + 75, box["y"] + 60)
    held = page.evaluate("harness.calls.stage.at(-1)")
    assert held == {"index": 0, "label": 0}
    page.evaluate("harness.stage.setLayers({ samples: false })")


def test_numbers_are_written_one_way(show):
    page = show()
    calls = [
        ["fmt", 0.0876, 2],
        ["fmt", -1.234],
        ["fmt", 3000.4],
        ["fmt", 0.00012, 2],
        ["fmt", 12345678],
        ["fmt", None],
        ["fmt", 0],
        ["fmt", 99.96],
        ["int", 4200],
        ["int", -0.2],
    ]
    calls += [
        ["percent", 0.541],
        ["duration", 11.2],
        ["duration", 0.44],
        ["duration", 3900],
        ["fixed", -0.001, 2],
        ["short", 0.25],
        ["short", 1e-5],
    ]
    got = page.evaluate("(calls) => calls.map(([name, ...args]) => harness.format[name](...args))", calls)
    assert got == [
        "0.088",
        "−1.23",
        "3,000",
        "1.2e-4",
        "1.23e7",
        "—",
        "0",
        "100",
        "4,200",
        "0",
        "54.1 %",
        "11 s",
        "0.4 s",
        "1 h 5 min",
        "0.00",
        "0.25",
        "1e-5",
    ]


def test_icons_are_drawings_without_words(show):
    page = show()
    assert page.evaluate("harness.iconNames.every((n) => harness.icon(n).startsWith('<svg') && harness.icon(n).includes('aria-hidden'))")


def test_a_frame_costs_little_of_the_main_thread(show):
    """Everything redrawn with a new frame: decoding, stage, three charts, four tiles, timeline. 10 ms is the promise, measured as CPU
    time of the main thread with its share of the painting; a crowded machine gets half as much again."""
    page = show()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent():
        return {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}["TaskDuration"]

    page.evaluate("harness.animate(15)")
    costs = []
    for _ in range(3):
        before = spent()
        page.evaluate("harness.animate(40)")
        costs.append(1000 * (spent() - before) / 40)
    print(f"{min(costs):.1f} ms of main thread per frame")
    assert min(costs) < 15
