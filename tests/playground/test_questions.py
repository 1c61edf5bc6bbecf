"""Every question of every family with values inside, at the edge of and beyond their ranges: refused by name before a worker sees it, and
what a worker cannot do ends the request and not the worker."""

import math

import pytest

from engines.config import from_dict, knobs
from engines.registry import FAMILIES
from playground.sessions import settings
from playground.sessions.host import Host
from playground.sessions.limits import Refused
from tests.playground.fakes import FAMILIES as FAKES
from tests.playground.fakes import Log, message

ASKED = [(key, name) for key, family in FAMILIES.items() for name in family.questions]
ODD = [None, "x", [], {}, True, math.nan, math.inf, -math.inf, 10**400, -1e300, "\ud800"]


@pytest.mark.parametrize(("key", "name"), ASKED)
def test_what_the_web_process_lets_through_a_worker_can_read(key, name):
    family = FAMILIES[key]
    question = family.questions[name]
    settings.asked(family, name, {})
    for field, k in knobs(question).items():
        edges = [] if k.lo is None else [k.lo, k.hi, k.lo - 1, k.hi + 1, (k.lo + k.hi) / 2, int((k.lo + k.hi) // 2)]
        whole = range(int(k.lo), int(k.hi) + 1) if k.type is int and k.hi - k.lo < 20 else []
        for value in [*edges, *whole, *ODD, *(k.choices or ())]:
            try:
                _, values = settings.asked(family, name, {field: value})
            except Refused as refused:
                assert refused.field == field and field in str(refused), (value, str(refused))
                continue
            from_dict(question, values)  # as `Host` does: must not raise


def test_a_student_of_three_steps_is_refused_by_name():
    with pytest.raises(Refused, match="target=3") as refused:
        settings.asked(FAMILIES["diffusion"], "distil", {"target": 3})
    assert refused.value.field == "target" and refused.value.status == 400


BAD = [
    {"do": "ask", "ticket": "t", "question": "none", "values": {}},
    {"do": "what_if", "ticket": "t", "config": {"lr": -1}},
    {"do": "exact", "ticket": "t", "config": {}, "seconds": 1},
    {"do": "closer", "ticket": "t", "config": {"steps": 0}, "step": 1, "count": 1},
    {"do": "codes", "ticket": "t", "family": "none", "config": {}},
    {"do": "decoded", "ticket": "t", "n": 0, "seed": 0, "family": "fake", "config": {}},
    {"do": "sample", "ticket": "t"},
]


@pytest.mark.parametrize("bad", BAD, ids=[bad["do"] for bad in BAD])
def test_a_message_that_cannot_be_obeyed_ends_the_request_only(bad, caplog):
    log = Log()
    host = Host(log, FAKES)
    for sid in ("a", "b"):
        host.handle(message(sid))
        host.handle({"do": "run", "sid": sid, "b": "b1", "order": 1})
    host.handle({"sid": "a", "b": "b1", **bad})
    for _ in range(20):
        host.turn()
    assert [h["ticket"] for h, _ in log.of("sampled") if h.get("error")] == ["t"]
    assert all(seat.branches["b1"].state == "running" and seat.branches["b1"].step for seat in host.seats.values())


@pytest.mark.parametrize("bad", [{"do": "run"}, {"do": "pause"}, {"do": "step", "order": 1}, {"do": "set"}])
def test_a_button_that_cannot_be_obeyed_stops_its_own_run_only(bad, caplog):
    log = Log()
    host = Host(log, FAKES)
    host.handle(message("a"))
    host.handle({"sid": "a", "b": "b1", **bad})
    assert "error of ours" in log.of("state")[-1][0]["message"]


def test_a_run_that_cannot_be_opened_says_so(caplog):
    log = Log()
    host = Host(log, FAKES)
    host.handle(message("a") | {"config": {"lr": -5}})
    state = log.of("state")[-1][0]
    assert state["state"] == "failed" and "lr" in state["message"]
    host.handle({"do": "nothing known"})
