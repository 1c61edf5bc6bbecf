"""The fair queue and the runs in it, with a clock that only the fake engine moves."""

import json
import socket
from itertools import pairwise

import pytest

from engines.config import to_dict
from playground.sessions.channel import Inbox, Outbox, pack
from playground.sessions.host import Host
from tests.playground.fakes import CLOCK, FAMILIES, Config, Log, message


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def host(log):
    return Host(log, FAMILIES, clock=CLOCK)


def begin(host, sid, **changes):
    host.handle(message(sid, **changes))
    host.handle({"do": "run", "sid": sid, "b": "b1", "order": 1})


def turns(host, n):
    for _ in range(n):
        host.turn()


def used(host):
    return {sid: seat.used for sid, seat in host.seats.items()}


def step(host, sid="a", b="b1"):
    return host.seats[sid].branches[b].engine.step


def test_sessions_share_cpu_time_not_steps(host):
    begin(host, "cheap", price=1)
    begin(host, "dear", price=7)
    turns(host, 400)
    shares = used(host)
    assert shares["cheap"] == pytest.approx(shares["dear"], rel=0.05)
    assert step(host, "cheap") > 6 * step(host, "dear")


def test_a_step_longer_than_the_slice_still_happens(host):
    begin(host, "a", price=900)
    begin(host, "b", price=1)
    turns(host, 60)
    assert step(host, "a") >= 2


def test_a_newcomer_neither_starves_nor_is_starved(host):
    begin(host, "old")
    turns(host, 200)
    begin(host, "new")
    turns(host, 100)
    old, new = host.seats["old"], host.seats["new"]
    assert abs(old.used - new.used) <= 0.06
    assert step(host, "new") > 1_000


def test_back_from_a_pause_nobody_pays_for_time_alone(host):
    begin(host, "a")
    turns(host, 200)  # alone
    host.handle({"do": "pause", "sid": "a", "b": "b1", "order": 2})
    begin(host, "b")
    turns(host, 20)
    host.handle({"do": "run", "sid": "a", "b": "b1", "order": 3})
    before = step(host, "a"), step(host, "b")
    turns(host, 200)
    gained = step(host, "a") - before[0], step(host, "b") - before[1]
    assert min(gained) / max(gained) > 0.8


def test_pausing_and_resuming_gives_no_double_turns(host):
    for sid in "abcd":
        begin(host, sid)
    turns(host, 40)
    start = used(host)
    for i in range(100):
        host.handle({"do": "pause", "sid": "a", "b": "b1", "order": 2 * i + 2})
        turns(host, i % 3)
        host.handle({"do": "run", "sid": "a", "b": "b1", "order": 2 * i + 3})
        turns(host, 4)
    gained = {sid: value - start[sid] for sid, value in used(host).items()}
    others = sum(gained[sid] for sid in "bcd") / 3
    assert 0.6 * others <= gained["a"] <= 1.2 * others


def test_forks_share_their_sessions_part(host):
    begin(host, "a")
    begin(host, "b")
    for name in ("b2", "b3"):
        host.handle(message("a", b=name))
        host.handle({"do": "run", "sid": "a", "b": name, "order": 1})
    turns(host, 300)
    assert used(host)["a"] == pytest.approx(used(host)["b"], rel=0.1)
    assert min(step(host, "a", b) for b in ("b1", "b2", "b3")) > 0


def test_a_run_reports_itself(host, log):
    begin(host, "a", steps=12)
    turns(host, 20)
    rows = [json.loads(payload) for _, payload in log.of("row")]
    assert [row["s"] for row in rows] == [0, 5, 10, 12]
    assert [h["s"] for h, _ in log.of("frame")] == [0, 0, 5, 10, 12]  # the first is the data
    assert [h["state"] for h, _ in log.of("state")] == ["running", "running", "finished"]
    assert log.of("checkpoint")[-1][0]["s"] == 12
    assert not host.busy


def test_an_answer_that_nobody_waits_for_is_not_worked_on(host, log):
    """One was begun, one stands behind it: both leave, and what was asked last is answered at once."""
    host.handle(message("a"))
    branch, done = host.seats["a"].branches["b1"], []

    def work(name, steps):
        for _ in range(steps):
            yield
        done.append(name)
        return name.encode()

    turns(host, 3)
    for name, steps in (("long", 10_000), ("behind", 1), ("last", 1)):
        branch.beside(name, work(name, steps))
    branch.tick()
    for name in ("long", "behind", "never asked"):
        host.handle({"do": "forget", "sid": "a", "b": "b1", "ticket": name})
    for _ in range(3):
        branch.tick()
    assert done == ["last"] and not branch.answers and not branch.jobs


def test_divergence_names_the_quantity_and_keeps_what_was_healthy(host, log):
    begin(host, "a", lr=1e9)
    turns(host, 20)
    state, _ = log.of("state")[-1]
    assert (state["state"], state["quantity"], state["step"]) == ("diverged", "x", 5)
    assert "step 5" in state["message"]
    assert {h["s"] for h, _ in log.of("checkpoint")} == {0}


def test_a_fork_is_exactly_its_parent_at_that_step(host, log):
    begin(host, "a", lr=2.0, steps=20)
    turns(host, 20)
    first, blob = log.of("checkpoint")[0]
    assert first["s"] == 0
    fork = message("a", b="b2", lr=10.0, steps=20) | {"fork": True, "step": 13, "parent_config": to_dict(Config(lr=2.0, steps=20))}
    host.handle(fork, blob)
    turns(host, 20)
    assert step(host, b="b2") == 13
    host.handle({"do": "run", "sid": "a", "b": "b2", "order": 1})
    turns(host, 20)
    rows = [json.loads(p) for h, p in log.of("row") if h["b"] == "b2"]
    assert [(row["s"], row["m"]["x"]) for row in rows] == [(13, 26.0), (15, 46.0), (20, 96.0)]


def test_a_fork_with_other_shapes_is_refused_in_a_sentence(host, log):
    begin(host, "a", steps=20)
    turns(host, 20)
    _, blob = log.of("checkpoint")[0]
    host.handle(message("a", b="b2", width=3) | {"fork": True, "step": 7, "parent_config": to_dict(Config(steps=20))}, blob)
    turns(host, 20)
    state = [h for h, _ in log.of("state") if h["b"] == "b2"][-1]
    assert state["state"] == "failed" and state["message"].startswith("A fork keeps the networks")


def test_live_knobs_and_hand_made_steps_are_pinned(host, log):
    begin(host, "a")
    turns(host, 3)
    host.handle({"do": "step", "sid": "a", "b": "b1", "order": 2, "count": 3, "part": "g"})
    host.handle({"do": "set", "sid": "a", "b": "b1", "knobs": {"lr": 5.0}})
    before = step(host)
    turns(host, 10)
    assert step(host) == before  # one network alone does not count as a step
    event, _ = log.of("event")[-1]
    assert (event["kind"], event["title"]) == ("knob", "Stride 1 → 5")
    assert [h["pin"] for h, _ in log.of("checkpoint")][-2:] == [True, True]
    assert log.of("checkpoint")[-1][0]["config"]["lr"] == 5.0


def test_an_unexpected_error_stops_one_run_only(host, log, monkeypatch, caplog):
    begin(host, "a")
    begin(host, "b")
    turns(host, 4)
    monkeypatch.setattr(host.seats["a"].branches["b1"].engine, "train_step", lambda part=None: 1 / 0)
    turns(host, 10)
    state, _ = log.of("state")[-1]
    assert state["state"] == "failed" and "ZeroDivision" not in state["message"] and "ZeroDivision" in caplog.text
    assert step(host, "b") > 0 and host.busy


def test_a_slow_reader_costs_one_frame_and_loses_no_row():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    out = Outbox(ours)
    for i in range(3_000):
        out.put({"type": "row", "i": i})
        out.put({"type": "frame", "i": i}, bytes(10_000), slot=("a", "b1"))
    assert len(out.slots) <= 1
    got = []
    inbox = Inbox()
    theirs.settimeout(0.2)
    while out.pending or len(got) < 3_000:
        out.flush()
        got += [h for h, _ in inbox.feed(theirs.recv(1 << 20))]
    rows = [h["i"] for h in got if h["type"] == "row"]
    shown = [h["i"] for h in got if h["type"] == "frame"]
    assert rows == list(range(3_000)) and shown[-1] == 2_999 and all(a < b for a, b in pairwise(shown))
    ours.close()
    theirs.close()


def test_messages_survive_any_cut():
    stream = pack({"a": 1}, b"xyz") + pack({"b": 2})
    inbox = Inbox()
    got = [m for i in range(len(stream)) for m in inbox.feed(stream[i : i + 1])]
    assert got == [({"a": 1}, b"xyz"), ({"b": 2}, b"")]
    with pytest.raises(ConnectionError):
        list(Inbox().feed(b"\xff" * 8))
