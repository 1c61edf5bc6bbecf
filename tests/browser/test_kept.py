"""What a browser may refuse: storage, the clipboard, a module on its way. And a tab that it duplicates."""

import pytest

from tests.browser.conftest import CHROMIUM, FLAGS, open_page, step_of, visit, wait_step

REFUSED = """for (const name of ['sessionStorage', 'localStorage'])
  Object.defineProperty(window, name, { get() { throw new DOMException('Access is denied.', 'SecurityError') } })"""
FULL = """for (const name of ['sessionStorage', 'localStorage'])
  Object.defineProperty(window, name, {
    get: () => ({ getItem: () => null, setItem() { throw new DOMException('', 'QuotaExceededError') } }) })"""
ALIVE = "() => document.querySelector('#lab-gan')?.dataset.shown"


def scripted(browser, app, script, path=""):
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.add_init_script(script)
    errors = []
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.goto(app.url + path)
    return page, errors


@pytest.mark.parametrize("script", [REFUSED, FULL], ids=["refused", "full"])
def test_where_storage_is_refused_everything_works_from_memory(browser, app, script):
    page, errors = scripted(browser, app, script)
    page.wait_for_function(ALIVE)
    dark = page.evaluate("() => document.body.classList.contains('dark')")
    page.get_by_label("Light or dark").click()
    assert page.evaluate("() => document.body.classList.contains('dark')") != dark
    page.locator("#lab-gan .run-buttons .train").click()
    wait_step(page, 1)
    assert "cannot be reached" not in page.inner_text("body") and not errors
    page.context.close()


def test_with_cookies_blocked_the_page_trains(browser, app, tmp_path):
    """The browser's own setting, which makes reading `localStorage` throw."""
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text('{"profile": {"default_content_setting_values": {"cookies": 2}}}')
    context = browser.browser_type.launch_persistent_context(str(tmp_path), executable_path=CHROMIUM, args=FLAGS)
    page = context.pages[0]
    page.goto(app.url)
    page.wait_for_function(ALIVE)
    page.locator("#lab-gan .run-buttons .train").click()
    wait_step(page, 1)
    context.close()


@pytest.mark.parametrize("locks", [True, False], ids=["locks", "no locks"])
def test_a_duplicated_tab_has_a_run_of_its_own(browser, app, locks):
    """A page that is opened by another begins with a copy of its sessionStorage, as a duplicated one does. Without a secure context there
    are no locks, and the pages ask one another."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    if not locks:
        context.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    first = context.new_page()
    first.goto(app.url)
    first.wait_for_function(ALIVE)
    with context.expect_page() as waiting:
        first.evaluate("() => void window.open(location.href)")
    second = waiting.value
    second.wait_for_function(ALIVE)
    tokens = [p.evaluate("() => window.playground.session.token") for p in (first, second)]
    assert tokens[0] != tokens[1]
    second.locator("#lab-gan .run-buttons .train").click()
    wait_step(second, 100)
    first.wait_for_timeout(500)
    assert step_of(first) == 0
    first.reload()
    first.wait_for_function(ALIVE)
    assert first.evaluate("() => window.playground.session.token") == tokens[0], "a reload keeps its own"
    context.close()


@pytest.mark.parametrize("name", ["decode.js", "main.js", "views/points.js"])
def test_a_lost_module_is_said_with_a_way_to_try_again(browser, app, name):
    page = browser.new_context().new_page()
    page.route(f"**/play/web/{name}", lambda route: route.abort())
    page.goto(app.url)
    failure = page.locator("#failure")
    failure.wait_for()
    assert "did not arrive whole" in failure.inner_text()
    page.unroute(f"**/play/web/{name}")
    failure.get_by_text("Load again").click()
    page.wait_for_function(ALIVE)
    assert page.locator("#failure").count() == 0
    page.context.close()


def test_a_schema_that_does_not_come_is_said(browser, app):
    page = browser.new_context().new_page()
    page.route("**/play/schema", lambda route: route.abort())
    page.goto(app.url)
    page.locator("#failure").wait_for()
    assert "could not be started" in page.locator("#failure").inner_text()
    page.context.close()


NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', { value: undefined });"
SPOILT = NO_CLIPBOARD + "document.execCommand = () => false;"
COPIES = NO_CLIPBOARD + "document.execCommand = (name) => (window.copied = name === 'copy' && document.activeElement.value, true);"


@pytest.mark.parametrize(("script", "on"), [(SPOILT, False), (COPIES, True)], ids=["nowhere", "the old way"])
def test_on_the_clipboard_is_said_only_if_it_is(browser, app, script, on):
    page, errors = scripted(browser, app, script)
    page.wait_for_function(ALIVE)
    page.get_by_label("Copy a link to these settings").click()
    plate = page.locator("#lab-gan .plate")
    plate.get_by_text("The link to these settings").wait_for()
    assert ("on the clipboard" in plate.inner_text()) == on
    link = page.evaluate("() => location.href")
    assert link.endswith("#gan?dataset=ring8&objective=r3gan")
    if on:
        assert page.evaluate("() => window.copied") == link
    else:
        assert plate.get_by_label("Link to these settings").input_value() == link
        plate.get_by_text("All right").click()
        plate.get_by_label("Link to these settings").wait_for(state="hidden")
    assert not errors
    page.context.close()


def test_a_link_says_what_it_carries_and_its_reader_is_told(browser, app):
    page = open_page(browser, app)
    page.locator("#lab-gan .run-buttons .train").click()
    wait_step(page, 1)
    page.get_by_label("Copy a link to these settings").click()
    page.locator("#lab-gan .plate").get_by_text("opens these settings untrained").wait_for()
    page.context.close()
    reader = visit(browser, app, path="#gan?dataset=ring8&objective=non-saturating&lr_g=0.002")
    plate = reader.locator("#lab-gan .plate")
    plate.get_by_text("Settings from a link").wait_for()
    assert "0.002" in plate.inner_text() and "Ring of 8" in plate.inner_text()
    assert not reader.watch.bad
    reader.context.close()
