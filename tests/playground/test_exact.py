"""A whole run beside the visitor's own, over HTTP: the same numbers as if it had been trained, foreseen, refused, replaced, given up."""

import json
import threading
import time

import numpy as np
import pytest

from playground.sessions import frames
from tests.playground.conftest import QUICK, branch

SHORT = QUICK | {"steps": 150}


def exact(visitor, settings, timeout=40.0, **more):
    return visitor.post("what-if", content=json.dumps({"settings": settings, "exact": True, **more}), timeout=timeout)


def whole(visitor, settings):
    answer = exact(visitor, settings)
    assert answer.status_code == 200, answer.text
    header, body = frames.unpack(answer.content)
    return header, frames.decode(bytes(body))


def samples(frame):
    return next(view for view in frame.views["stage"] if view.name == "samples").xy


@pytest.fixture
def ready(visitor):
    visitor.act("preview", settings=SHORT)
    visitor.until(lambda h: ("b1", 0, False) in visitor.frames)
    return visitor


def test_another_seed_ends_as_if_it_had_been_trained(ready):
    header, frame = whole(ready, SHORT | {"seed": 12})
    (row,) = header["rows"]
    assert row["s"] == frame.step == 150 and header["lost"] is None and header["seconds"] > 0
    assert header["floors"]["modes_covered"] == 8
    assert branch(ready.pull(wait=0))["step"] == 0, "the visitor's own run is not touched"
    ready.act("train", settings=SHORT | {"seed": 12})
    ready.until_state("finished", 60)
    ready.until(lambda h: (h["active"], 150, False) in ready.frames)
    own = next(r["m"] for r in reversed(ready.rows) if r["s"] == 150 and "sliced_w1" in r["m"])
    assert all(own[name] == row["m"][name] for name in ("modes_covered", "hq_fraction", "sliced_w1"))
    active = next(key for key in ready.frames if key[1:] == (150, False))
    np.testing.assert_array_equal(samples(frame), samples(frames.decode(ready.frames[active])))


def test_a_long_run_is_foreseen_without_being_trained(ready, limits):
    limits(exact_seconds=1e5)
    begun = time.perf_counter()
    answer = exact(ready, QUICK | {"steps": 20_000, "n_critic": 4}, foresee=True)
    header, _ = frames.unpack(answer.content)
    assert header["rows"] == [] and header["lost"] is None
    assert time.perf_counter() - begun < max(5.0, header["seconds"])
    assert header["seconds"] > 0.25


def test_a_run_that_takes_too_long_is_refused_by_a_sentence(ready, limits):
    limits(exact_seconds=0.1)
    answer = exact(ready, QUICK | {"steps": 20_000, "n_critic": 4})
    assert answer.status_code == 400
    assert "steps=20,000 would take about" in answer.json()["error"] and "fewer steps would fit" in answer.json()["error"]


def test_a_lost_run_says_why(ready):
    header, frame = whole(ready, SHORT | {"lr_d": 1.0, "lr_g": 1.0, "objective": "lsgan"})
    assert header["rows"] == [] and not frame.views
    assert header["lost"].startswith("The largest coordinate of a sample reached") and "at step" in header["lost"]


@pytest.mark.parametrize(("more", "field"), [({"foresee": 1}, "foresee"), ({"settings": {"seed": -1}}, "seed")])
def test_what_is_wrong_is_named(ready, more, field):
    answer = ready.post("what-if", json={"settings": SHORT, "exact": True} | more)
    assert answer.status_code == 400 and answer.json()["field"] == field


def test_a_run_replaced_meanwhile_asks_to_ask_again(ready):
    answers = []
    asking = threading.Thread(target=lambda: answers.append(exact(ready, QUICK | {"steps": 20_000, "n_critic": 10})))
    asking.start()
    time.sleep(0.3)
    ready.act("preview", settings=SHORT | {"seed": 1})
    asking.join(5)
    assert not asking.is_alive(), "it does not wait for a worker that has forgotten it"
    assert answers[0].status_code == 503 and "ask once more" in answers[0].json()["error"]


def test_a_second_one_takes_the_place_of_the_first(ready):
    answers = []
    asking = threading.Thread(target=lambda: answers.append(exact(ready, QUICK | {"steps": 20_000, "n_critic": 10})))
    asking.start()
    time.sleep(0.3)
    whole(ready, SHORT | {"seed": 3})
    asking.join(5)
    assert answers[0].status_code == 400 and "took its place" in answers[0].json()["error"]
