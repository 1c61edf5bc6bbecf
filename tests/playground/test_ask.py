"""Questions about a run over HTTP: answered while it trains, paused or finished; whatever is wrong with one is named."""

import json
import threading
import time

import numpy as np
import pytest

from engines.diffusion.questions import QUESTIONS
from playground.sessions import frames, questions
from playground.sessions.limits import Buckets
from tests.playground.conftest import QUICK, branch

NAN, INFINITY = float("nan"), float("inf")


def ask(visitor, question="walk", **values):
    return visitor.post("ask", content=json.dumps({"question": question, "values": values}))


def walk(visitor, **values):
    answer = ask(visitor, "walk", **values)
    assert answer.status_code == 200, answer.text
    return frames.decode(answer.content)


def test_a_walk_while_it_trains_paused_and_finished(visitor):
    visitor.act("train", settings=QUICK | {"steps": 150})
    visitor.until_step(20)
    assert walk(visitor, x=0.5).step >= 20
    visitor.act("pause")
    visitor.until_state("paused")
    here, there, again = walk(visitor, x=-0.5, y=0.5), walk(visitor, x=0.9, y=0.5), walk(visitor, x=-0.5, y=0.5)
    step = branch(visitor.pull(wait=0))["step"]  # "paused" is said at once, the worker may finish a step before it answers
    (points,) = here.views["walk"]
    assert here.step == step and points.xy.shape == (1, 2)
    np.testing.assert_array_equal(points.xy, again.views["walk"][0].xy)
    assert not np.array_equal(points.xy, there.views["walk"][0].xy)
    assert branch(visitor.pull(wait=0))["step"] == step and visitor.pull(wait=0)["state"] == "paused"
    visitor.act("train")
    visitor.until_state("finished", 60)
    assert walk(visitor).step == 150


def test_a_walk_is_answered_at_once(visitor):
    visitor.act("preview", settings=QUICK)
    visitor.until(lambda h: ("b1", 0, False) in visitor.frames)
    walk(visitor)
    took = []
    for x in np.linspace(-1, 1, 15):
        start = time.perf_counter()
        walk(visitor, x=x)
        took.append(time.perf_counter() - start)
    print(f"a walk takes {1e3 * min(took):.1f} ms there and back, {1e3 * sorted(took)[7]:.1f} ms usually")
    assert min(took) < 0.05


BAD = [
    ("walk", {"x": 1.5}, "x"),
    ("walk", {"x": NAN}, "x"),
    ("walk", {"y": INFINITY}, "y"),
    ("walk", {"y": 10**400}, "y"),
    ("walk", {"x": "0.1"}, "x"),
    ("walk", {"x": None}, "x"),
    ("walk", {"x": True}, "x"),
    ("walk", {"x": [0.1]}, "x"),
    ("walk", {"label": 0.5}, "label"),
    ("walk", {"label": -2}, "label"),
    ("walk", {"label": 1000}, "label"),
    ("walk", {"seed": 1}, "seed"),
    ("walk", {"__class__": 1}, "__class__"),
    ("walk", [0, 0], "values"),
    ("walk", None, "values"),
    ("neighbours", {"seed": -1}, "seed"),
    ("audit", {"seed": 1}, "seed"),
    ("birthday", {"seed": 2.5}, "seed"),
    ("run", {}, "question"),
    (None, {}, "question"),
    (["walk"], {}, "question"),
    ("__class__", {}, "question"),
]


@pytest.mark.parametrize(("question", "values", "field"), BAD)
def test_bad_questions_are_refused_by_name(visitor, question, values, field):
    visitor.act("preview", settings=QUICK)
    answer = visitor.post("ask", content=json.dumps({"question": question, "values": values}))
    assert answer.status_code == 400 and answer.json()["field"] == field, answer.text
    assert answer.json()["error"].endswith(".") and len(answer.json()["error"]) < 1_000


def test_other_mistakes_are_refused(visitor):
    answer = ask(visitor)
    assert answer.status_code == 400 and answer.json()["error"] == "There is no run yet."
    visitor.act("preview", settings=QUICK)
    answer = visitor.post("ask", json={"question": "walk", "extra": 1})
    assert answer.status_code == 400 and answer.json()["field"] == "extra"
    assert visitor.post("ask", content=b"[]").status_code == 400
    assert visitor.post("ask", json={"question": "walk"}, headers={"X-Session": "x" * 22}).status_code == 404


def answered(visitor, question, **values):
    answer = ask(visitor, question, **values)
    assert answer.status_code == 200, answer.text
    return frames.decode(answer.content)


def test_long_questions_about_points_and_images(visitor):
    """Asked while it trains: the run goes on, and the same seed gives the same real data to compare with."""
    visitor.act("train", settings=QUICK)
    visitor.until_step(20)
    found = answered(visitor, "birthday", seed=4)
    assert found.step >= 20 and found.metrics["n"] == 1_000 and found.metrics["seed"] == 4
    share = {v.role: v for v in found.views["birthday"] if v.name == "share"}
    assert share["model"].y.max() <= 1 and share["data"].y[0] < 0.2 < share["data"].y[-1]
    assert answered(visitor, "birthday", seed=4).metrics["floor/half"] == found.metrics["floor/half"]
    assert answered(visitor, "birthday", seed=5).metrics["floor/half"] != found.metrics["floor/half"]
    scores = answered(visitor, "audit").metrics
    assert {"precision", "recall", "density", "coverage", "mmd2"} <= scores.keys() and scores["floor/precision"] > 0.9
    visitor.until(lambda h: branch(h)["step"] > found.step)
    visitor.act("preview", settings={"dataset": "digits", "steps": 50})
    found = answered(visitor, "neighbours", seed=2)
    pictures = {v.name: v.pixels.shape for v in found.views["neighbours"] if hasattr(v, "pixels")}
    assert pictures == dict.fromkeys(("samples", "trained", "held"), (16, 1, 8, 8)) and found.metrics["held"] == 359
    assert answered(visitor, "audit").metrics["floor/coverage"] > 0.8


def test_what_an_engine_refuses_leaves_the_run_as_it_was(visitor):
    visitor.act("preview", settings={"dataset": "digits", "steps": 50})
    answer = ask(visitor, label=10)
    assert answer.status_code == 400 and answer.json() == {"error": "label=10 is outside [−1, 9].", "field": "label"}
    assert walk(visitor, label=9).views["walk"][0].pixels.shape == (1, 1, 8, 8)
    visitor.act("preview", settings=QUICK)
    answer = ask(visitor, "neighbours")
    assert answer.status_code == 400 and "images" in answer.json()["error"]
    assert visitor.pull(wait=0)["state"] == "empty" and visitor.pull(wait=0)["message"] is None


def test_a_question_about_a_run_that_was_replaced_ends_at_once_and_in_silence(visitor, limits):
    """A long answer is under way when another run takes the place: no content, within a second, not an error after twenty."""
    visitor.act("preview", settings={"dataset": "digits", "steps": 50})
    visitor.until(lambda h: ("b1", 0, False) in visitor.frames)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ask(visitor, "birthday")))
    began = time.perf_counter()
    asking.start()
    time.sleep(0.05)
    visitor.act("preview", settings=QUICK)
    asking.join(10)
    (answer,) = answers
    assert answer.status_code in (200, 204) and time.perf_counter() - began < 8
    assert (answer.content == b"") == (answer.status_code == 204)
    assert walk(visitor).views["walk"], "the new run is asked as before"


def test_a_question_about_another_run_than_the_active_one_is_not_answered(visitor):
    """A page may not know yet that its run was replaced, maybe by one of another kind that such a question does not fit."""
    visitor.act("train", settings=QUICK)
    visitor.until_step(5)
    old = visitor.pull(wait=0)["active"]
    body = lambda name: json.dumps({"question": "walk", "values": {}, "branch": name})  # noqa: E731
    assert visitor.post("ask", content=body(old)).status_code == 200
    visitor.act("preview", settings=QUICK)
    for name in (old, "b99", 3):
        assert visitor.post("ask", content=body(name)).status_code == 204
    assert visitor.post("ask", content=body(visitor.pull(wait=0)["active"])).status_code == 200


def test_a_question_is_waited_for_as_long_as_it_says(visit, live, monkeypatch):
    """A student of an image run takes longer than other answers: what the class asks for is what the waiting is given."""
    granted = []

    async def waited(service, record, do, late, patience, **about):
        granted.append((about["question"], patience))
        return b""

    monkeypatch.setattr(questions, "_ask", waited)
    visitor = visit("diffusion")
    visitor.act("preview", settings={"dataset": "ring8"})
    for name in ("distil", "bound"):
        assert ask(visitor, name).status_code in (200, 204)
    assert granted == [("distil", QUESTIONS["distil"].patience), ("bound", 20.0)] and granted[0][1] >= 60


def test_questions_have_the_rate_of_buttons(visitor, live, monkeypatch):
    service, _ = live
    visitor.act("preview", settings=QUICK)
    monkeypatch.setattr(service, "acts", Buckets(0.001, 3))
    answers = [ask(visitor) for _ in range(5)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429, 429] and answers[-1].headers["retry-after"]


def test_a_live_knob_sends_the_backdrop_again(visitor):
    """Smoothed labels move the place where the losses come to rest."""
    visitor.act("preview", settings=QUICK)
    visitor.until(lambda h: ("b1", 0, True) in visitor.frames)
    assert frames.decode(visitor.frames["b1", 0, True]).metrics["d_loss"] == pytest.approx(1.386294, abs=1e-5)
    visitor.act("set", knobs={"label_smoothing": 0.2})
    visitor.until(lambda h: frames.decode(visitor.frames["b1", 0, True]).metrics["d_loss"] == pytest.approx(1.346023, abs=1e-5))
