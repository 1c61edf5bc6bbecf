"""How long a visitor waits, in a real browser: app start to a usable page, Train to the first new picture, time per drawn frame."""

import json
import statistics
import time

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS, App, open_page, wait_state, wait_step

FIRST = """async () => { const lab = document.querySelector('#lab-gan'); const start = performance.now();
  document.querySelector('.column-controls .train').click();
  while (!(+lab.dataset.shown > 0)) await new Promise(requestAnimationFrame);
  return performance.now() - start; }"""
DRAW = """async () => { const lab = window.playground, times = []; let seen = '';
  const root = document.querySelector('#lab-gan'); const start = performance.now();
  while (performance.now() - start < 5000) { await new Promise(requestAnimationFrame);
    if (root.dataset.shown === seen) continue;
    seen = root.dataset.shown; const t = performance.now(); lab.draw(); times.push(performance.now() - t); }
  return times; }"""


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
            times = page.evaluate(DRAW)
            rank = sorted(times)
            figure = {
                "figure": "main-thread time per drawn frame [ms]",
                "frames": len(times),
                "frames_per_second": round(len(times) / 5, 1),
            }
            print(json.dumps(figure | {"median": round(statistics.median(times), 2), "p95": round(rank[int(0.95 * len(rank))], 2)}))
    finally:
        app.stop()


if __name__ == "__main__":
    main()
