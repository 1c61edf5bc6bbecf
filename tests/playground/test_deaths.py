"""What a worker's death costs: its cause is told, only the run it worked on answers for it, and a worker that cannot start is not started
again and again."""

import builtins
import ctypes
import io
import os
import socket
import sys
import time

import pytest

from playground.sessions import ends, local, news, worker
from playground.sessions.host import Host
from playground.sessions.limits import Refused
from playground.sessions.local import LocalWorkers
from playground.sessions.record import Item
from playground.sessions.service import Service
from tests.playground.fakes import CLOCK, FAMILIES, Log, message

READY = (
    "import os, socket, sys, time; from playground.sessions.channel import pack\n"
    "s = socket.socket(fileno=int(sys.argv[1])); s.sendall(pack({'type': 'ready', 'device': 'x'}))\n"
)


class Still:
    """Workers that do nothing: what would be sent is kept."""

    device = "x"

    def __init__(self):
        self.sent, self.why = [], None

    def send(self, worker, header, payload=b""):
        self.sent.append(header)

    def pick(self):
        return 0

    def release(self, worker): ...

    def trouble(self, worker):
        return self.why


@pytest.fixture
def service():
    return Service(Still(), FAMILIES)


@pytest.fixture
def lost():
    """Starts a worker of a Python text; gives it and the list of (cause, trouble) of its deaths."""
    made = []

    def start(text):
        workers, deaths = LocalWorkers(1, command=(sys.executable, "-c", text)), []
        made.append(workers)
        workers.start(lambda header, payload: None, lambda i, cause, at: deaths.append((cause, workers.trouble(i), at)))
        return workers, deaths

    yield start
    for workers in made:
        workers.close()


def wait(what, seconds=30):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def train(service):
    token = service.open("fake", None, "1.2.3.4")["token"]
    service.act(token, {"do": "train", "settings": {}})
    record = service.find(token)
    record.run.ready, record.run.state = True, "running"
    record.run.checkpoints.add(Item(1, 40, b"x", {}))
    record.run.step = 55
    return record


@pytest.mark.parametrize(
    ("end", "cause"),
    [
        ("os.kill(os.getpid(), 9)", "was killed by signal 9 (out of memory?)"),
        ("os.kill(os.getpid(), 11)", "was killed by signal 11 (SIGSEGV)"),
        ("raise MemoryError('no room')", "ended with the error MemoryError: no room"),
        ("raise KeyError", "ended with the error KeyError"),
        ("sys.exit(3)", "ended with exit status 3"),
    ],
)
def test_the_cause_of_a_death_is_told(lost, end, cause):
    at = "s.sendall(pack({'type': 'at', 'sid': 's1', 'b': 'b2'}))\n"
    _, deaths = lost(READY + at + end)
    wait(lambda: deaths)
    assert deaths[0] == (cause, None, ("s1", "b2"))


def test_an_exception_is_read_off_its_traceback_only():
    errors = ends.Errors(io.BytesIO(b"worker 7: warning\nNote: nothing\n"))
    errors.close()
    assert errors.error == "" and ends.cause(1, errors) == "ended with exit status 1"
    for line in ("Traceback (most recent call last):", '  File "x.py", line 1', "a.b.OddError: \u202ewords", "Later: words"):
        errors.see(line)
    assert ends.cause(1, errors) == "ended with the error OddError: words"


def test_a_worker_that_cannot_start_is_given_up_and_its_sessions_are_told(lost, monkeypatch):
    monkeypatch.setattr(local, "PAUSES", (0.0,))
    starts, spawn = [], LocalWorkers._spawn
    monkeypatch.setattr(LocalWorkers, "_spawn", lambda self, i: (starts.append(i), spawn(self, i))[1])
    workers, deaths = lost("import playground.no_such_module")
    wait(lambda: workers.trouble(0))
    told = "Nothing can be trained at the moment: the worker process ended with the error ModuleNotFoundError: No module named"
    assert workers.trouble(0).startswith(told)
    time.sleep(1.2)  # two looks of the supervisor
    assert len(starts) == local.STARTS and len(deaths) == local.STARTS
    workers.later[0] = time.monotonic()  # a minute has passed: one attempt, not three
    wait(lambda: len(deaths) == local.STARTS + 1)
    assert len(starts) == local.STARTS + 1 and workers.later[0] > time.monotonic() + local.LATER - 20


def test_a_worker_that_starts_after_all_is_in_use_again(lost, monkeypatch, tmp_path):
    monkeypatch.setattr(local, "PAUSES", (0.0,))
    workers, _ = lost(f"import os\nif not os.path.exists({str(tmp_path / 'mended')!r}): raise OSError('no disk')\n{READY}time.sleep(60)")
    wait(lambda: workers.trouble(0))
    (tmp_path / "mended").touch()
    workers.later[0] = time.monotonic()
    wait(lambda: workers.trouble(0) is None)
    assert workers.wait_ready(1)


def test_while_no_worker_can_start_runs_stop_and_buttons_say_why(service, limits):
    record = train(service)
    limits(max_running=1)
    second = service.find(service.open("fake", None, "1.2.3.4")["token"])
    service.act(second.token, {"do": "train", "settings": {}})
    assert second.run.state == "waiting"
    service.workers.why = "It cannot start."
    news.lost(service, 0, "ended", None)
    for r in (record, second):
        assert r.run.state in ("paused", "empty") and r.message == "It cannot start." and r.run.deaths == 0
    with pytest.raises(Refused, match="It cannot start") as refused:
        service.act(record.token, {"do": "train"})
    assert refused.value.status == 503
    service.workers.why = None
    service.act(record.token, {"do": "train"})
    assert record.run.step == 40 and record.message is None


def test_a_run_that_two_workers_died_of_is_set_aside_and_its_neighbour_goes_on(service):
    culprit, neighbour = train(service), train(service)
    at = (culprit.sid, culprit.run.name)
    news.lost(service, 0, "was silent for 20 s", at)
    for record in (culprit, neighbour):
        assert record.message == "The worker process restarted: the one before was silent for 20 s. Your run continues from step 40."
    news.lost(service, 0, "was silent for 21 s", at)
    assert culprit.run.state == "paused" and culprit.run.checkpoints.items[-1].step == 40
    assert culprit.message == (
        "Set aside: the worker process was silent for 21 s. It was the second time while it worked on this run; "
        "its checkpoint of step 40 is kept."
    )
    assert neighbour.run.state in ("running", "starting") and neighbour.run.deaths == 0


def test_a_run_that_waited_in_line_while_its_worker_died_is_built_again(service, limits):
    limits(max_running=1)
    first, second = train(service), service.find(service.open("fake", None, "1.2.3.4")["token"])
    service.act(second.token, {"do": "train", "settings": {}})
    assert second.run.state == "waiting"
    news.lost(service, 0, "ended", None)
    service.workers.sent.clear()
    service.act(first.token, {"do": "pause"})
    assert [h["do"] for h in service.workers.sent if h["sid"] == second.sid] == ["open", "run"]


def test_the_host_says_which_run_it_works_on_before_it_does():
    log = Log()
    host = Host(log, FAMILIES, clock=CLOCK)
    for sid in "ab":
        host.handle(message(sid))
        host.handle({"do": "run", "sid": sid, "b": "b1", "order": 1})
    said = []
    for _ in range(20):
        log.messages.clear()
        before = host.at
        seats = {sid: seat.used for sid, seat in host.seats.items()}
        host.turn()
        (worked,) = [sid for sid, seat in host.seats.items() if seat.used > seats[sid] + 1e-9 and host.at[0] == sid]
        if host.at != before:
            assert log.messages[0][0] == {"type": "at", "sid": worked, "b": "b1"}
        said.append(worked)
    assert set(said) == {"a", "b"}
    for sid in "ab":
        host.handle({"do": "close", "sid": sid})
    host.turn()
    assert log.messages[-1][0] == {"type": "at", "sid": "", "b": ""}


def test_a_system_without_prctl_resource_and_nice_confines_what_it_can(monkeypatch):
    real = builtins.__import__
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    monkeypatch.delattr(os, "nice")
    monkeypatch.setattr(
        builtins, "__import__", lambda name, *a, **k: exec("raise ImportError") if name == "resource" else real(name, *a, **k)
    )
    worker._confine("cpu")


def test_where_no_descriptor_is_inherited_the_connection_travels_on_the_input(monkeypatch):
    """Windows: `share` describes a socket for another process, `fromshare` makes it again there."""
    ours, theirs = socket.socketpair()

    class Windows:
        def share(self, pid):
            return b"socket for %d" % pid

    text = "import sys; data = sys.stdin.buffer.read().decode(); print(sys.argv[1:], data, file=sys.stderr)"
    with local.started((sys.executable, "-c", text), Windows()) as popen:
        said = popen.stderr.read().decode()
    assert said.split() == ["['shared']", "socket", "for", str(popen.pid)] and popen.wait() == 0
    monkeypatch.setattr(socket, "fromshare", lambda data: (data, theirs)[1], raising=False)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"socket")))
    assert worker._connection("shared") is theirs
    ours.close(), theirs.close()
