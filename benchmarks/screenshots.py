"""The pictures of README.md and of every state worth looking at, taken from the running app: `make screenshots`."""

import argparse
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from engines.registry import FAMILIES
from tests.browser.conftest import CHROMIUM, FLAGS, App, choose_tab, open_page, open_vae, visit, wait_state

SCENES = {
    "gan-light": dict(width=1440, height=900, scheme="light", step=6_000),
    "gan-dark": dict(width=1440, height=900, scheme="dark", step=3_000),
    "gan-phone": dict(width=375, height=812, scheme="light", step=2_000, full=True),
    "gan-tablet": dict(width=768, height=1024, scheme="light", step=1_500, full=True),
    "gan-collapse": dict(width=1440, height=900, scheme="light", preset="collapse", step=2_500),
    "gan-mnist": dict(width=1440, height=900, scheme="light", preset="mnist", step=600),
    "gan-empty": dict(width=1440, height=900, scheme="light", step=0),
}


VAE = {
    "vae-light": dict(width=1440, height=900, scheme="light"),
    "vae-dark": dict(width=1440, height=900, scheme="dark", scene="draw"),
    "vae-phone": dict(width=375, height=812, scheme="light", full=True),
    "vae-reparameterization": dict(width=1440, height=900, scheme="light", scene="reparameterise"),
}

# Tabs that are alive at first sight: which run of their presets, and which scene of it
WIDE = {
    "diffusion-light": dict(family="diffusion", scheme="light", preset="ring"),
    "diffusion-dark": dict(family="diffusion", scheme="dark", preset="mnist"),
    "diffusion-phone": dict(family="diffusion", scheme="light", preset="ring", width=375, height=812, full=True),
    "diffusion-anatomy": dict(family="diffusion", scheme="light", preset="text", scene="anatomy"),
    "autoregressive-light": dict(family="autoregressive", scheme="light", preset="pixelcnn"),
    "autoregressive-dark": dict(family="autoregressive", scheme="dark", preset="moby"),
    "autoregressive-phone": dict(family="autoregressive", scheme="light", preset="moby", width=375, height=812, full=True),
}


def take_wide(browser, app: App, out: Path, name: str, *, family, scheme, preset, scene=None, width=1440, height=900, full=False) -> None:
    """A tab with a finished run of a preset, as it comes with the project or trained now, and one of its scenes."""
    page = visit(browser, app, width=width, height=height, scheme=scheme, touch=width < 1000)
    choose_tab(page, FAMILIES[family].title)
    page.wait_for_function("key => window.playground.family.key === key && window.playground.store.backdrop()", arg=family)
    page.evaluate("key => window.playground.commands.preset(key)", preset)
    time.sleep(2)
    if page.evaluate("window.playground.store.header.state") != "finished":
        page.evaluate("window.playground.commands.train()")
    wait_state(page, "finished", seconds=600, lab=family)
    if scene:
        page.evaluate("name => window.playground.commands.scene(name)", scene)
    time.sleep(12)
    page.screenshot(path=str(out / f"{name}.png"), full_page=full)
    page.context.close()


def take_vae(browser, app: App, out: Path, name: str, *, width, height, scheme, scene=None, full=False) -> None:
    """The VAE tab on the run that comes with it, the cursor somewhere on the map, or one of its scenes."""
    page = open_vae(browser, app, width=width, height=height, scheme=scheme, touch=width < 1000)
    if scene:
        page.evaluate("name => window.playground.commands.scene(name)", scene)
    else:
        box = page.locator("#lab-vae .view-map canvas").bounding_box()
        page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.4 * box["height"])
    time.sleep(3)
    page.screenshot(path=str(out / f"{name}.png"), full_page=full)
    page.context.close()


def take(browser, app: App, out: Path, name: str, *, width, height, scheme, step, preset=None, full=False) -> None:
    """One scene: open, choose, train to a step, look."""
    page = open_page(browser, app, width=width, height=height, scheme=scheme, touch=width < 1000)
    if preset:
        page.locator(f'[data-preset="{preset}"]').click()
        time.sleep(1)
    if step:
        page.locator(".phone-bar .train" if width < 1180 else ".column-controls .train").click()
        page.wait_for_function("s => +document.querySelector('#lab-gan').dataset.shown >= s", arg=step, timeout=180_000)
    time.sleep(0.3)
    page.screenshot(path=str(out / f"{name}.png"), full_page=full)
    page.context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("assets/screenshots"))
    parser.add_argument("--only", nargs="*", choices=[*SCENES, *VAE, *WIDE])
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    app = App()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for name in arguments.only or [*SCENES, *VAE, *WIDE]:
                if name in VAE:
                    take_vae(browser, app, arguments.out, name, **VAE[name])
                elif name in WIDE:
                    take_wide(browser, app, arguments.out, name, **WIDE[name])
                else:
                    take(browser, app, arguments.out, name, **SCENES[name])
                print(arguments.out / f"{name}.png", flush=True)
    finally:
        app.stop()


if __name__ == "__main__":
    main()
