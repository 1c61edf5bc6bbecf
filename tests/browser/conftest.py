"""The running app and a browser to drive it. A page fails its test on any console error, failed request, or request to another host."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
ALLOWED = ("AbortError", "net::ERR_ABORTED")  # a pull in flight when the page is left


def pytest_collection_modifyitems(items):
    for item in items:
        if "/browser/" in str(item.fspath):
            item.add_marker(pytest.mark.browser)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class App:
    """`python app.py` in a process of its own, as a visitor's machine runs it."""

    def __init__(self, **env: str):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.log = (Path(os.environ.get("TMPDIR", "/tmp")) / f"playground-{self.port}.log").open("w+")
        environ = os.environ | {"GRADIO_SERVER_PORT": str(self.port), "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"} | env
        self.started = time.monotonic()
        self.process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environ, stdout=self.log, stderr=subprocess.STDOUT)
        self.wait()

    def wait(self, seconds: float = 60) -> None:
        while time.monotonic() - self.started < seconds:
            if self.process.poll() is not None:
                break
            try:
                urlopen(self.url + "play/schema", timeout=2).close()
                return
            except (URLError, OSError):
                time.sleep(0.1)
        self.log.seek(0)
        raise RuntimeError(f"the app did not start:\n{self.log.read()[-3000:]}")

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        out = subprocess.run(["pgrep", "-P", str(self.process.pid), "-f", "sessions.worker"], capture_output=True, text=True).stdout
        return [int(pid) for pid in out.split()]

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


@pytest.fixture(scope="session")
def app():
    running = App()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Watch:
    """Everything a page complains about."""

    def __init__(self, page, home: str):
        self.bad: list[str] = []
        self.home = home
        page.on("pageerror", lambda e: self.add(f"page error: {e}"))
        page.on("console", lambda m: m.type == "error" and self.add(f"console: {m.text}"))
        page.on("requestfailed", lambda r: self.add(f"failed: {r.url} {r.failure}"))
        page.on("response", lambda r: r.status >= 400 and self.add(f"{r.status}: {r.url} {(r.request.post_data or '')[:200]}"))
        page.on("request", lambda r: r.url.startswith(("data:", "blob:", self.home)) or self.add(f"another host: {r.url}"))

    def add(self, what: str) -> None:
        if not any(word in what for word in ALLOWED):
            self.bad.append(what)

    def forgive(self, word: str) -> None:
        """Complaints that this test causes on purpose."""
        self.bad = [b for b in self.bad if word not in b]


def visit(browser, app, *, width=1440, height=900, scheme="light", path="", touch=False):
    """A fresh visitor, whose tab has come to life."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=touch)
    page = context.new_page()
    page.watch = Watch(page, app.url)
    page.set_default_timeout(40_000)
    page.goto(app.url + path)
    page.wait_for_function("() => window.playground")
    return page


def choose_tab(page, name: str) -> None:
    """Go to a tab; on a phone it is behind the bar's menu."""
    tab = page.get_by_role("tab", name=name)
    if tab.count() and tab.first.is_visible():
        tab.first.click()
    else:
        page.locator("#nav .overflow-menu > button").click()
        page.locator("#nav .overflow-dropdown button", has_text=name).click()


def open_page(browser, app, **options):
    """A fresh visitor on the GAN tab, with the tab alive and its first picture drawn."""
    page = visit(browser, app, **options)
    page.wait_for_function("() => document.querySelector('#lab-gan').dataset.shown")
    return page


def open_vae_page(browser, app, **options):
    """A fresh visitor on the VAE tab, with its data shown."""
    page = visit(browser, app, **options)
    page.get_by_role("tab", name="VAE").click()
    page.wait_for_function("() => window.playground.family.key === 'vae' && window.playground.store.backdrop()", timeout=60_000)
    return page


def open_vae(browser, app, **options):
    """A fresh visitor on the VAE tab, with the run that comes with it on the stage."""
    page = open_vae_page(browser, app, **options)
    page.wait_for_function("() => document.querySelector('#lab-vae').dataset.state === 'finished'")
    page.wait_for_function("() => document.querySelector('#lab-vae .views')?.dataset.cursor")
    return page


@pytest.fixture
def page(browser, app):
    opened = open_page(browser, app)
    yield opened
    bad = list(opened.watch.bad)
    opened.context.close()
    assert not bad, "\n".join(bad)


def step_of(page, lab: str = "gan") -> int:
    return int(page.evaluate("lab => +document.querySelector(`#lab-${lab}`).dataset.step", lab))


def state_of(page, lab: str = "gan") -> str:
    return page.evaluate("lab => document.querySelector(`#lab-${lab}`).dataset.state", lab)


def wait_step(page, step: int, seconds: float = 30, lab: str = "gan") -> None:
    about = {"lab": lab, "step": step}
    page.wait_for_function("a => +document.querySelector(`#lab-${a.lab}`).dataset.step >= a.step", arg=about, timeout=seconds * 1000)


def wait_state(page, state: str, seconds: float = 20, lab: str = "gan") -> None:
    about = {"lab": lab, "state": state}
    page.wait_for_function("a => document.querySelector(`#lab-${a.lab}`).dataset.state === a.state", arg=about, timeout=seconds * 1000)
