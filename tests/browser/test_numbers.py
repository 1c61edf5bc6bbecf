"""Numbers as people type them, by value: the one reader, and every field that uses it."""

import pytest

from tests.browser.conftest import open_vae

READ = {  # typed, what the field takes -> the number; None: refused by name
    ("0,001", ""): 0.001, ("0,5", ""): 0.5, ("0.5", ""): 0.5, (",5", ""): 0.5, ("5.", ""): 5, ("1.234", ""): 1.234,
    ("14 000", ""): 14000, ("14\u2009000", ""): 14000, ("14\u202f000,5", ""): 14000.5, ("1'234'567", ""): 1234567,
    ("1.234,5", ""): 1234.5, ("1,234.5", ""): 1234.5, ("1,234,567", ""): 1234567, ("1.234.567", ""): 1234567,
    ("14,000", "whole"): 14000, ("2,000", "low"): 2, ("+3", ""): 3, ("\u22122", ""): -2, ("\u2013 2", ""): -2, ("-0", ""): 0,
    ("1e-3", ""): 0.001, ("1E\u22123", ""): 0.001, ("1,5e-3", ""): 0.0015, ("2\u00d710\u207b\u00b3", ""): 0.002, ("10^-3", ""): 0.001,
    ("3\u00b710^4", ""): 30000, ("\u00a07\u00a0", ""): 7,
    ("1,234", ""): None, ("14.000", "whole"): None, ("1 2", ""): None, ("1,2,3", ""): None, ("12,34.5", ""): None,
    ("abc", ""): None,
    ("", ""): None, ("5 %", ""): None, ("NaN", ""): None, ("0x10", ""): None,
    ("10-3", ""): None, ("1e400", ""): None, ("Infinity", ""): None,
}  # fmt: skip
FIELDS = {"": {}, "whole": {"whole": True, "lo": 1, "hi": 200000}, "low": {"lo": 0, "hi": 10}}


def test_one_reader_takes_what_is_plain_and_names_what_is_not(page):
    cases = [[text, FIELDS[field]] for text, field in READ]
    found = page.evaluate(
        """async (cases) => {
          const { readNumber } = await import(new URL('play/web/numbers.js', document.baseURI));
          return cases.map(([text, field]) => readNumber(text, field)); }""",
        cases,
    )
    for (text, field), answer in zip(READ, found, strict=True):
        wanted = READ[text, field]
        assert answer.get("value") == wanted, (text, field, answer)
        assert wanted is not None or not text or text in answer["why"], (text, answer)


def test_a_knob_writes_back_what_it_understood_and_refuses_at_the_field(page):
    field = page.locator("#gan-knob-lr_g")
    error = page.locator("#gan-knob-lr_g-error")
    for typed, meant, shown in (
        ("0,001", 0.001, "0.001"),
        ("0,5", 0.5, "0.5"),
        (" +2\u00d710\u207b\u00b3", 0.002, "0.002"),
        ("0.0123456", 0.0123456, "0.0123456"),
    ):
        field.fill(typed)
        field.press("Tab")
        assert page.evaluate("() => window.playground.state.config.lr_g") == meant
        assert field.input_value() == shown and error.is_hidden()
    field.fill("fast")
    field.press("Tab")
    assert "fast" in error.inner_text() and page.evaluate("() => window.playground.state.config.lr_g") == 0.0123456
    page.locator("#lab-gan .run-buttons .train").click()
    page.wait_for_timeout(300)
    assert error.is_visible() and page.evaluate("() => window.playground.store.header.state") == "empty", "nothing runs with a field unread"
    field.fill("0,002")
    field.press("Tab")
    assert error.is_hidden()


@pytest.mark.parametrize("scene", ["posterior", "units", "draw", "reparameterise"])
def test_counts_in_scenes_are_read_alike(browser, app, scene):
    page = open_vae(browser, app)
    page.evaluate("(scene) => window.playground.commands.scene(scene)", scene)
    box = page.locator(f"#lab-vae .scene-{scene}")
    box.wait_for()
    typing = """([scene, typed]) => {
      const field = document.querySelector(`#lab-vae .scene-${scene} input.count`);
      field.value = typed;
      field.dispatchEvent(new Event('change'));
      return [field.value, field.nextElementSibling.hidden ? '' : field.nextElementSibling.textContent]; }"""
    for typed, shown in (("+12", "12"), ("\u20097 ", "7")):
        assert page.evaluate(typing, [scene, typed]) == [shown, ""]
    for typed in ("2,5", "x", "-1"):
        value, error = page.evaluate(typing, [scene, typed])
        assert value == typed and error
    page.context.close()
