"""How long a visitor waits, in a real browser: app start to a usable page, Train to the first new picture, time per drawn frame, a move
over latent space to its decoded picture."""

import json
import math
import statistics
import time

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS, App, open_page, open_vae, wait_state, wait_step

FIRST = """async () => { const lab = document.querySelector('#lab-gan'); const start = performance.now();
  document.querySelector('.column-controls .train').click();
  while (!(+lab.dataset.shown > 0)) await new Promise(requestAnimationFrame);
  return performance.now() - start; }"""
DRAWN = """async () => { const root = document.querySelector('#lab-gan'), start = performance.now(); let seen = '', frames = 0;
  while (performance.now() - start < 5000) { await new Promise(requestAnimationFrame);
    if (root.dataset.shown !== seen) { seen = root.dataset.shown; frames++; } }
  return frames; }"""


DECODED = """async place => { const start = performance.now(); window.playground.area.moveTo(place);
  const seen = document.querySelector('#lab-vae .views').dataset;
  while (seen.exact !== 'true' || seen.decoded !== seen.cursor) await new Promise((go) => setTimeout(go, 1));
  return performance.now() - start; }"""
MOVES = 60


def decodings(page) -> list[float]:
    """Milliseconds from a move of the cursor to the picture of that very place, sorted; the moves go around the middle of the map."""
    places = [[1.5 * math.cos(k), 1.5 * math.sin(1.7 * k)] for k in range(MOVES + 5)]
    return sorted([page.evaluate(DECODED, place) for place in places][5:])


OURS = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")  # TaskDuration also has painting, on the CPU where there is no GPU


def busy(session) -> dict[str, float]:
    """Milliseconds that the page's main thread has worked, by kind."""
    return {m["name"]: 1000 * m["value"] for m in session.send("Performance.getMetrics")["metrics"]}


def main() -> None:
    begun = time.monotonic()
    app = App()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = open_page(browser, app)
            print(json.dumps({"figure": "app start to usable page [s]", "value": round(time.monotonic() - begun, 2)}))
            waits = []
            for _ in range(7):
                waits.append(page.evaluate(FIRST))
                page.locator(".column-controls .train").click()
                wait_state(page, "paused")
                page.locator(".reset").click()
                page.wait_for_function("() => +document.querySelector('#lab-gan').dataset.step === 0")
                time.sleep(0.5)
            print(
                json.dumps(
                    {
                        "figure": "Train to first new picture [ms]",
                        "n": len(waits),
                        "median": round(statistics.median(waits)),
                        "max": round(max(waits)),
                    }
                )
            )
            page.locator(".column-controls .train").click()
            wait_step(page, 500)
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable")
            before = busy(session)
            frames = page.evaluate(DRAWN)
            after = busy(session)
            print(json.dumps({"figure": "new pictures a second while training", "value": round(frames / 5, 1)}))
            ours = sum(after[k] - before[k] for k in OURS) / frames
            whole = (after["TaskDuration"] - before["TaskDuration"]) / frames
            print(json.dumps({"figure": "main thread per picture: script, style, layout [ms]", "value": round(ours, 1)}))
            print(json.dumps({"figure": "main thread per picture: with painting in software [ms]", "value": round(whole, 1)}))
            page.context.close()
            waits = decodings(open_vae(browser, app))
            about = {"n": len(waits), "median": round(statistics.median(waits)), "p95": round(waits[int(0.95 * len(waits))])}
            print(json.dumps({"figure": "move over latent space to decoded picture [ms]", **about}))
    finally:
        app.stop()


if __name__ == "__main__":
    main()
