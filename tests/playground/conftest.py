"""One service with one real worker for a whole file of tests, and a visitor who talks to it over HTTP."""

from __future__ import annotations

import os
import time

import httpx
import pytest

from playground.sessions import frames
from playground.sessions.limits import LIMITS, Buckets
from playground.sessions.local import LocalWorkers
from tests.playground.server import running

QUICK = {"dataset": "ring8", "objective": "non-saturating", "steps": 20_000, "lr_decay": False}


class Visitor:
    """A page: one session, and what it has been told so far."""

    def __init__(self, url: str, family: str = "gan"):
        self.http = httpx.Client(base_url=url, timeout=40)
        self.since, self.rows, self.frames, self.events = 0, [], {}, []
        self.token = self.http.post("/play/open", json={"family": family, "token": None}).json()["token"]

    def post(self, path: str, **kwargs) -> httpx.Response:
        kind = {"Content-Type": "application/json"} if "content" in kwargs and path not in ("data", "text") else {}
        return self.http.post(f"/play/{path}", headers={"X-Session": self.token} | kind | kwargs.pop("headers", {}), **kwargs)

    def act(self, do: str, **body) -> dict:
        response = self.post("act", json={"do": do, **body})
        assert response.status_code == 200, response.text
        return response.json()

    def refused(self, do: str, **body) -> dict:
        response = self.post("act", json={"do": do, **body})
        assert response.status_code == 400, response.text
        return response.json()

    def pull(self, wait: float = 1, history: int = 0, since: int | None = None) -> dict:
        params = {"since": self.since if since is None else since, "history": history, "wait": int(wait)}
        response = self.http.get("/play/pull", params=params, headers={"X-Session": self.token})
        assert response.status_code == 200, response.text
        header, body = frames.unpack(response.content)
        self.since = header["seq"]
        for event in header["events"]:
            if event.get("cut"):
                self.rows = [row for row in self.rows if row["b"] != event["b"] or row["s"] <= event["s"]]
        self.rows += header["rows"]
        self.events += header["events"]
        for f in header["frames"]:
            self.frames[f["b"], f["s"], f["backdrop"]] = bytes(body[f["offset"] : f["offset"] + f["length"]])
        return header

    def until(self, what, seconds: float = 30) -> dict:
        """Pull until `what(header)` holds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            header = self.pull()
            if what(header):
                return header
        raise AssertionError(f"not within {seconds} s; last: {header}")

    def until_state(self, state: str, seconds: float = 30) -> dict:
        return self.until(lambda header: header["state"] == state, seconds)

    def until_step(self, step: int, seconds: float = 30) -> dict:
        return self.until(lambda header: branch(header)["step"] >= step, seconds)

    def close(self) -> None:
        self.http.close()


def branch(header: dict, name: str | None = None) -> dict:
    """The active branch, or the one named."""
    return next(b for b in header["branches"] if b["id"] == (name or header["active"]))


@pytest.fixture(scope="module")
def live():
    """(service, address) with one worker that is warm."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    workers = LocalWorkers(1)
    with running(workers) as (service, url):
        service.opens = Buckets(1e6, 1e6)  # all tests come from one address
        assert workers.wait_ready(120)
        yield service, url


@pytest.fixture
def visit(live):
    """Makes visitors; their sessions end with the test."""
    service, url = live
    visitors = []

    def make(family: str = "gan") -> Visitor:
        visitors.append(Visitor(url, family))
        return visitors[-1]

    yield make
    for visitor in visitors:
        service.leave(visitor.token)
        visitor.close()


@pytest.fixture
def visitor(visit):
    return visit()


@pytest.fixture
def limits(monkeypatch):
    """Change limits for one test: `limits(max_running=1)`."""

    def change(**values) -> None:
        for name, value in values.items():
            monkeypatch.setattr(LIMITS, name, value)

    return change
