"""Single steps of a run that was seen only now and then: they are the run's own."""

import numpy as np
import pytest

from engines.loop import advance
from engines.registry import FAMILIES
from playground.sessions import frames

SETTINGS = {"dataset": "ring8", "steps": 2_000, "seed": 5, "batch": 16, "width_g": 8, "width_d": 8}


def closer(visitor, **body):
    return visitor.post("closer", json=body)


@pytest.fixture(scope="module")
def exact():
    """Steps 31 to 36, each looked at."""
    engine = FAMILIES["gan"].build(FAMILIES["gan"].resolve(SETTINGS))
    return {s.step: s for s in advance(engine, steps=36, every=1) if s and s.step > 30}


def test_steps_again_are_those_of_the_run(visitor, exact):
    visitor.act("train", settings=SETTINGS)
    visitor.until(lambda h: h["branches"][0]["step"] > 200, 60)
    visitor.act("pause")
    header, body = frames.unpack(closer(visitor, branch="b1", step=31, count=6).content)
    assert [row["s"] for row in header["rows"]] == list(range(31, 37))
    for row, about in zip(header["rows"], header["frames"], strict=True):
        wanted = exact[row["s"]]
        assert row["m"]["g_loss"] == pytest.approx(wanted.metrics["g_loss"], rel=1e-4)
        found = frames.decode(bytes(body[about["offset"] : about["offset"] + about["length"]]))
        name = [v.name for v in wanted.views["stage"]].index("samples")
        np.testing.assert_allclose(found.views["stage"][name].xy, wanted.views["stage"][name].xy, rtol=1e-4, atol=1e-5)
    assert visitor.pull()["state"] == "paused", "the visitor's own run is where it was"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"branch": "b9", "step": 3, "count": 2}, "branch"),
        ({"branch": "b1", "step": 0, "count": 2}, "step"),
        ({"branch": "b1", "step": 10**9, "count": 2}, "step"),
        ({"branch": "b1", "step": 3, "count": 0}, "count"),
        ({"branch": "b1", "step": 3, "count": 500}, "count"),
        ({"branch": "b1", "step": 3.5, "count": 2}, "step"),
    ],
)
def test_bad_questions_are_refused_by_name(visitor, body, field):
    visitor.act("train", settings=SETTINGS | {"steps": 30})
    visitor.until_state("finished")
    answer = closer(visitor, **body)
    assert answer.status_code == 400 and answer.json()["field"] == field, answer.text
