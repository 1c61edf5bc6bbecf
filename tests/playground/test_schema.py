"""What the page is told before the first run: complete, plain JSON, and true to the source."""

import json

import pytest

from engines.config import from_dict, knobs, to_dict
from engines.gan.config import LABELLED, OBJECTIVES, Config
from engines.metrics import METRICS
from engines.registry import FAMILIES
from playground.components import code_peek, explain
from playground.schema import schema
from playground.words import SPELLINGS, title


@pytest.fixture(scope="module")
def told():
    return json.loads(schema(), parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


def test_every_family_has_all_that_its_tab_shows(told):
    for key, family in FAMILIES.items():
        page = told["families"][key]
        assert [k["name"] for k in page["knobs"]] == list(to_dict(family.resolve({})))
        assert {name for names in page["headline"].values() for name in names} <= set(told["metrics"]) == set(METRICS)
        for preset in page["presets"]:
            assert from_dict(family.Config, preset["config"]) == family.resolve(family.presets[preset["key"]].settings)


def test_every_objective_has_words_code_and_a_spelling(told):
    gan = told["families"]["gan"]
    for key in OBJECTIVES:
        assert gan["objectives"][key]["equation"] and gan["objectives"][key]["text"].count(".") >= 2
        assert title("objective", key) == SPELLINGS[key]
        for step in "gd":
            loss, update = gan["code"][f"{key}/{step}"]
            assert loss["code"].split("def ")[1].startswith(f"{key.replace('-', '_')}_{step}(") and "return" in loss["code"]
            assert update["name"] == f"GanEngine._train_{step}"
        assert gan["objectives"][key]["read"].count(".") >= 2, "how to read its losses"
    assert set(OBJECTIVES) == set(gan["objectives"]) >= set(gan["labelled"]) == set(LABELLED)


def test_every_fix_with_a_section_is_a_knob_among_the_fixes(told):
    fixes = {k.name for k in knobs(Config).values() if k.group == "fixes"}
    assert set(told["families"]["gan"]["fixes"]) <= fixes


def test_sections_of_the_prose_are_told_apart_and_may_be_missing(tmp_path, monkeypatch):
    (tmp_path / "engines" / "toy").mkdir(parents=True)
    loss, read, fix = "hinge\n<i>a</i>\nOne.\nTwo.\n", "read: hinge\nLow\nis good.\n", "fix: r1\n<i>b</i>\nFlat.\n"
    about = "\n## ".join(["# Head\n", loss, read, fix, "wgan\nc\nFour.\n"])
    (tmp_path / "engines" / "toy" / "about.md").write_text(about, encoding="utf-8")
    monkeypatch.setattr(explain, "ROOT", tmp_path)
    assert explain.objectives("toy") == {
        "hinge": {"equation": "<i>a</i>", "text": "One. Two.", "read": "Low is good."},
        "wgan": {"equation": "c", "text": "Four.", "read": ""},
    }
    assert explain.fixes("toy") == {"r1": {"equation": "<i>b</i>", "text": "Flat."}}


def test_code_is_the_source_without_its_docstring():
    shown = code_peek.source("engines/gan/objectives.py", "r1_penalty")
    lines = (code_peek.ROOT / str(shown["file"])).read_text(encoding="utf-8").splitlines()
    assert lines[shown["line"] - 1].startswith("def r1_penalty(") and '"""' not in shown["code"]
    with pytest.raises(LookupError, match="no_such_loss"):
        code_peek.source("engines/gan/objectives.py", "no_such_loss")


def test_choices_carry_a_title_and_a_line_that_explains_them(told):
    for knob in told["families"]["gan"]["knobs"]:
        for key, words, about in knob["choices"] or []:
            assert key and words and len(about) > 5
        assert knob["widget"] != "number" or knob["lo"] < knob["hi"]
