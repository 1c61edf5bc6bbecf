"""A visitor's session from end to end: HTTP, the web process, a real worker, the real GAN."""

import itertools
import time

import pytest

from playground.sessions import frames, questions
from tests.playground.conftest import QUICK, branch


def series(visitor, name, metric="g_loss"):
    return {row["s"]: row["m"][metric] for row in visitor.rows if row["b"] == name and metric in row["m"]}


def test_a_preview_shows_the_data_and_an_untrained_model(visitor):
    visitor.act("preview", settings=QUICK)
    header = visitor.until(lambda h: ("b1", 0, False) in visitor.frames)
    assert header["state"] == "empty" and header["active"] == "b1" and header["can"] == {"rewind": None}
    assert branch(header) | {"kind": "2d", "step": 0, "total": 20_000, "parent": None} == branch(header)
    backdrop = frames.decode(visitor.frames["b1", 0, True])
    assert {view.role for view in backdrop.views["stage"]} <= {"data", "exact"} and backdrop.metrics
    picture = frames.decode(visitor.frames["b1", 0, False])
    assert {view.role for view in picture.views["stage"]} == {"model", "exact"}, "exact: the best D there could be"


def test_train_pause_go_on_finish(visitor):
    settings = QUICK | {"steps": 300}
    visitor.act("preview", settings=settings)
    visitor.until(lambda h: ("b1", 0, False) in visitor.frames)
    start = time.monotonic()
    assert visitor.act("train", settings=settings)["branch"] == "b1"  # same settings: the same run
    visitor.until(lambda h: any(s > 0 for _, s, _ in visitor.frames))
    assert time.monotonic() - start < 3  # 0.1 s on an idle machine
    visitor.act("pause")
    header = visitor.until_state("paused")
    time.sleep(0.3)
    visitor.pull(wait=0)
    paused_at = branch(visitor.pull(wait=0))["step"]
    assert paused_at < 300 and header["message"] is None
    visitor.act("train")
    header = visitor.until_state("finished")
    steps = [row["s"] for row in visitor.rows]
    assert steps == sorted(set(steps)) and steps[0] == 0 and steps[-1] == 300
    assert branch(header)["step"] == 300 and branch(header)["cpu"] > 0
    assert "finished" in visitor.refused("train")["error"]
    assert visitor.act("train", settings=settings)["branch"] == "b2"  # from the start


def test_the_worker_gives_exactly_what_the_engine_gives_here(visitor):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    from engines.loop import advance, first_look
    from engines.registry import FAMILIES

    settings = {"dataset": "ring8", "steps": 120}
    visitor.act("train", settings=settings)
    visitor.until_state("finished")
    history = visitor.pull(wait=0, history=1, since=0)
    family = FAMILIES["gan"]
    config = family.resolve(settings)
    engine = family.build(config)
    every, evaluate_every = family.cadence(config)
    looks = [first_look(engine), *advance(engine, steps=120, every=every, evaluate_every=evaluate_every)]
    here = {look.step: frames.encode(look) for look in looks if look is not None}
    there = {s: data for (_, s, backdrop), data in visitor.frames.items() if not backdrop}
    assert len(history["frames"]) > 60 and set(there) <= set(here)
    assert all(here[step] == data for step, data in there.items())
    rows = {row["s"]: row["m"] for row in visitor.rows}
    assert rows == {step: frames.unpack(data)[0]["metrics"] for step, data in here.items()}


def test_steps_by_hand(visitor):
    visitor.act("preview", settings=QUICK)
    visitor.act("step", count=3)
    visitor.until(lambda h: branch(h)["step"] == 3 and branch(h)["state"] == "paused")
    visitor.act("step", count=1, part="d")
    visitor.until(lambda h: [r["s"] for r in visitor.rows][-2:] == [3, 3])
    assert visitor.refused("step", count=0)["field"] == "count"
    assert visitor.refused("step", count=1, part="no such part!")["field"] == "part"


def test_live_knobs_turn_while_it_trains(visitor):
    visitor.act("train", settings=QUICK)
    visitor.until_step(20)
    config = visitor.act("set", knobs={"lr_g": 1e-4})["config"]
    assert config["lr_g"] == 1e-4
    visitor.until(lambda h: any(e["kind"] == "knob" for e in visitor.events))
    assert branch(visitor.pull(wait=0))["config"]["lr_g"] == 1e-4
    assert visitor.refused("set", knobs={"batch": 64})["field"] == "batch"


def test_a_fork_with_nothing_changed_relives_its_parents_future(visitor):
    visitor.act("train", settings=QUICK | {"steps": 400, "objective": "r3gan"})
    visitor.until_state("finished", 60)
    assert visitor.act("fork", branch="b1", step=117, settings={})["branch"] == "b2"
    header = visitor.until_state("finished", 60)
    ours, theirs = series(visitor, "b1"), series(visitor, "b2")
    later = [s for s in ours if s > 118]  # the first look after the fork averages fewer steps
    assert later and all(theirs[s] == ours[s] for s in later)
    child = branch(header, "b2")
    assert (child["parent"], child["from_step"], child["title"]) == ("b1", 117, "Same settings")
    assert {e["b"] for e in visitor.events if e["kind"] == "fork"} == {"b1", "b2"}


def test_a_fork_with_another_loss_leaves_its_parent_running(visitor):
    visitor.act("train", settings=QUICK)
    visitor.until_step(60)
    visitor.act("fork", branch="b1", step=30, settings={"objective": "wgan-gp"})
    header = visitor.until(lambda h: branch(h, "b2")["step"] > 40 and branch(h, "b2")["state"] == "running")
    assert branch(header, "b1")["state"] == "running" and header["active"] == "b2"
    assert branch(header, "b2")["config"]["gp"] > 0 and branch(header, "b2")["config"]["dataset"] == "ring8"
    assert min(series(visitor, "b2")) > 30
    visitor.act("select", branch="b1")
    assert visitor.pull(wait=0)["active"] == "b1"
    refusal = visitor.refused("fork", branch="b1", step=30, settings={"width_g": 64})
    assert refusal["field"] == "width_g" and "fork" in refusal["error"]
    for _ in range(4):
        visitor.act("fork", branch="b1", step=0, settings={"lr_g": 0.001})
    assert "6 runs" in visitor.refused("fork", branch="b1", step=0, settings={})["error"]


def test_rewind_returns_to_a_kept_state(visitor):
    visitor.act("train", settings=QUICK)
    visitor.until_step(200, 60)
    visitor.act("pause")
    target = visitor.until_state("paused")["can"]["rewind"]
    answer = visitor.act("rewind", settings={"lr_g": 3e-4})
    header = visitor.until(lambda h: any(e["kind"] == "rewind" for e in visitor.events))
    assert answer["step"] <= branch(header)["step"] and answer["step"] >= target
    assert header["state"] == "paused" and branch(header)["config"]["lr_g"] == 3e-4
    assert max(row["s"] for row in visitor.rows) <= answer["step"]
    visitor.act("train")
    visitor.until_step(answer["step"] + 20)
    steps = [row["s"] for row in visitor.rows]
    assert len(steps) == len(set(steps))


def test_a_diverged_run_says_why_and_can_be_rewound(visitor):
    visitor.act("train", settings=QUICK | {"lr_g": 1.0, "lr_d": 1.0, "objective": "wgan-gp", "gp": 100.0})
    header = visitor.until_state("diverged", 60)
    assert "step" in header["message"] and header["can"]["rewind"] is not None
    assert "rewind" in visitor.refused("train")["error"]
    visitor.act("rewind", settings={"lr_g": 1e-4, "lr_d": 1e-4})
    assert visitor.until_state("paused")["message"] is None
    visitor.act("train")
    visitor.until_state("running")


def test_reset_and_new_settings_begin_again(visitor):
    visitor.act("train", settings=QUICK)
    visitor.until_step(20)
    assert visitor.act("reset")["branch"] == "b2"
    header = visitor.until(lambda h: ("b2", 0, False) in visitor.frames)
    assert header["state"] == "empty" and [b["id"] for b in header["branches"]] == ["b2"]
    assert visitor.act("train", settings=QUICK | {"seed": 8})["branch"] == "b3"


def test_a_reload_finds_its_run_again(visitor, visit):
    visitor.act("train", settings=QUICK)
    visitor.until_step(400, 60)
    visitor.act("leave")
    again = visitor.http.post("/play/open", json={"family": "gan", "token": visitor.token}).json()
    assert again == {"token": visitor.token, "resumed": True}
    known = len(visitor.rows)
    visitor.rows, visitor.frames, visitor.since = [], {}, 0
    header = visitor.pull(history=1)
    assert header["state"] == "running" and len(visitor.rows) >= known and ("b1", 0, True) in visitor.frames
    assert len(visitor.frames) > 10


def test_a_closed_page_pauses_its_run_then_frees_it(visitor, live, limits):
    service, _ = live
    visitor.act("train", settings=QUICK)
    visitor.until_step(20)
    limits(absent_seconds=0.2)
    deadline = time.monotonic() + 10
    while service.find(visitor.token).training and time.monotonic() < deadline:
        time.sleep(0.1)
    header = visitor.pull()
    assert (header["state"], header["message"]) == ("paused", "Paused while the page was closed or hidden")
    visitor.act("train")
    assert visitor.until_state("running")["message"] is None
    limits(free_seconds=0.1)
    time.sleep(1.5)
    assert visitor.post("act", json={"do": "pause"}).status_code == 404


def test_one_trains_the_others_wait_in_line(visit, limits):
    limits(max_running=1)
    first, second, third = visit(), visit(), visit()
    for visitor in (first, second, third):
        visitor.act("train", settings=QUICK)
    first.until_step(20)
    assert second.until_state("waiting")["place"] == 1
    header = third.until_state("waiting")
    assert header["place"] == 2
    assert second.until(lambda h: h["wait_seconds"])["wait_seconds"] > 0
    second.act("pause")
    assert second.until_state("empty")["place"] is None
    assert third.until(lambda h: h["place"] == 1)
    first.act("pause")
    third.until_state("running")


def test_own_points_are_trained_on(visitor):
    assert visitor.refused("train", settings={"dataset": "own-2d"})["field"] == "dataset"
    points = [[x / 10, (x % 3) / 10] for x in range(60)]
    answer = visitor.post("data", json={"points": points}).json()
    assert answer == {"dataset": "own-2d", "n": 60, "message": "60 points"}
    visitor.act("train", settings={"dataset": "own-2d", "steps": 50})
    visitor.until_state("finished")
    backdrop = frames.decode(visitor.frames["b1", 0, True])
    assert abs(backdrop.views["stage"][0].xy[:, 0]).max() <= 6.5
    visitor.post("data", json={"points": points[::-1][:40]})
    assert visitor.act("train", settings={"dataset": "own-2d", "steps": 50})["branch"] == "b2"  # other points, another run


def test_samples_for_programs(visitor, live):
    import asyncio

    service, _ = live
    visitor.act("preview", settings=QUICK)
    snapshot = frames.decode(asyncio.run(questions.sample(service, visitor.token, {"n": 5, "seed": 1})))
    assert snapshot.views["samples"][0].xy.shape == (5, 2)


def test_a_killed_worker_is_back_and_says_so(visitor, live):
    service, _ = live
    visitor.act("train", settings=QUICK)
    header = visitor.until(lambda h: branch(h)["step"] > 300, 60)
    at = branch(header)["step"]
    start = time.monotonic()
    service.workers.processes[0].kill()
    header = visitor.until(lambda h: "worker process restarted" in (h["message"] or ""), 20)
    told = time.monotonic() - start
    header = visitor.until(lambda h: h["state"] == "running" and branch(h)["step"] > at, 60)
    back = time.monotonic() - start
    print(f"told after {told:.1f} s, past the step of the kill after {back:.1f} s")
    assert told < 10 and "from step" in header["message"]
    steps = [row["s"] for row in visitor.rows]
    assert all(a < b for a, b in itertools.pairwise(steps))
    assert "killed by signal 9 (out of memory?)" in header["message"]


def test_a_run_that_two_workers_died_of_is_set_aside(visitor, live):
    service, _ = live
    visitor.act("train", settings=QUICK)
    visitor.until_step(10)
    run = service.find(visitor.token).run
    kept = run.checkpoints.items[-1].step
    run.deaths = 1
    service.workers.processes[0].kill()
    header = visitor.until(lambda h: h["state"] == "paused", 20)
    assert header["message"].startswith("Set aside: the worker process was killed by signal 9") and "second time" in header["message"]
    assert run.checkpoints.items[-1].step >= kept
    assert service.workers.wait_ready(60)
    visitor.act("train")
    visitor.until_state("running")


def test_a_silent_worker_is_replaced(visitor, live, limits):
    import os
    import signal

    service, _ = live
    visitor.act("train", settings=QUICK)
    visitor.until_step(10)
    limits(step_seconds=1.0)
    os.kill(service.workers.pids()[0], signal.SIGSTOP)
    header = visitor.until(lambda h: "worker process restarted" in (h["message"] or ""), 20)
    assert "was silent for 1 s" in header["message"] or "was silent for 2 s" in header["message"]
    limits(step_seconds=20.0)
    visitor.until_state("running")
