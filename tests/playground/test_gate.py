"""What stands in front of every route, Gradio's included: names, origins, sizes, deadlines, prefixes, seats."""

import gzip
import http.client
import json
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from playground.sessions import connections, gate
from playground.sessions.gate import Gate, Hosts, served
from playground.sessions.limits import Buckets, Limits, Refused
from playground.sessions.line import Door
from playground.sessions.local import LocalWorkers
from tests.playground.server import application, running


async def echo(request):
    return PlainTextResponse(str(len(await request.body())))


def client(hosts: Hosts | None = None, root: str = "") -> TestClient:
    app = Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST"])], middleware=[Middleware(Gate, hosts=hosts or Hosts())])
    return TestClient(app, "http://localhost:7860", root_path=root)


@pytest.mark.parametrize(
    "host", ["localhost:7860", "127.0.0.1", "[::1]:7860", "192.168.1.20:7860", "8.8.8.8", "lab-7", "lab-7.local:80", "x.gradio.live"]
)
def test_addresses_and_harmless_names_need_no_setting(host):
    assert client().get("/config", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["rebound.example:7860", "localhost.evil.example", "127.0.0.1.nip.io", "a@localhost", "local.evil", "[::1", "x/y"]
)
def test_other_names_are_refused_by_name(host):
    answer = client().get("/config", headers={"Host": host})
    assert answer.status_code == 421 and "PLAYGROUND_HOSTS" in answer.json()["error"]


def test_names_are_told_by_the_environment(monkeypatch, limits):
    monkeypatch.setenv("SPACE_HOST", "me-play.hf.space")
    limits(hosts="play.example.org, *.lab.example", proxies=0)
    hosts = Hosts.from_env()
    assert all(hosts.knows(name) for name in ("play.example.org:443", "A.lab.example", "me-play.hf.space"))
    assert not hosts.knows("other.example.org")
    limits(hosts="", proxies=1)
    assert Hosts.from_env().knows("whatever.the.proxy.says")


def test_a_space_believes_one_proxy_and_nobody_else_believes_any(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert Limits.from_env().proxies == 0
    monkeypatch.setenv("SPACE_ID", "me/play")
    assert Limits.from_env().proxies == 1
    monkeypatch.setenv("PLAYGROUND_PROXIES", "2")
    assert Limits.from_env().proxies == 2


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://localhost:7860"}, 200),
        ({"Origin": "https://play.example.org"}, 200),
        ({"Origin": "https://proxy.example", "X-Forwarded-Host": "proxy.example"}, 200),
        ({"Origin": "http://renamed", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Origin": "https://other.example"}, 403),
        ({"Origin": "https://x.gradio.live"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://other.example", "Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_only_this_servers_page_or_a_program_may_change_something(headers, status):
    answer = client(Hosts(["play.example.org"])).post("/play/act", content=b"{}", headers=headers)
    assert answer.status_code == status


def test_a_form_of_another_site_cannot_call_gradio():
    origin = {"Origin": "https://other.example"}
    assert client().post("/gradio_api/call/train", content=b"{}", headers=origin | {"Content-Type": "text/plain"}).status_code == 403
    assert client().post("/gradio_api/call/train", json={}, headers=origin).status_code == 200


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [("/gradio_api/queue/join", 70_000, 413), ("/play/act", 70_000, 413), ("/play/data", 70_000, 200), ("/play/data", 6_000_000, 413),
     ("/config", 64_000, 200), ("/", 64_001, 413)],
)  # fmt: skip
def test_bodies_are_measured_before_they_are_read(path, size, status):
    assert client().post(path, content=b" " * size).status_code == status


def test_a_body_that_does_not_say_how_long_it_is_is_cut():
    assert client().post("/gradio_api/queue/join", content=(b" " * 10_000 for _ in range(7))).status_code == 413


@pytest.mark.parametrize("body", ['{"data":["\\ud800"]}', '{"\\udfff":1}', "[" * 20_000, "{", "\ufffe", "[]"])
def test_gradio_never_sees_json_that_no_text_can_hold(body):
    answer = client().post("/gradio_api/call/list", content=body.encode(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 400 and answer.json()["error"].endswith(".")


LISTED = """
import json, gradio
with gradio.Blocks() as demo: pass
def flat(found):
    for each in found:
        yield getattr(each, "path", "")
        yield from flat(getattr(each, "routes", None) or getattr(getattr(each, "original_router", None), "routes", None) or [])
print(json.dumps(sorted(set(flat(gradio.routes.App.create_app(demo).routes)))))
"""


def test_of_gradio_only_what_page_and_programs_need_is_served():
    out = subprocess.run([sys.executable, "-c", LISTED], capture_output=True, text=True, check=True).stdout
    paths = set(json.loads(out.splitlines()[-1]))
    wanted = {"/", "/config", "/gradio_api/queue/join", "/gradio_api/call/{api_name}", "/gradio_api/info"}
    assert wanted <= paths and all(map(served, wanted)), paths
    words = (
        "upload",
        "file",
        "proxy",
        "stream",
        "reload",
        "deep_link",
        "vibe",
        "monitoring",
        "process_recording",
        "component",
        "run",
        "token",
    )
    bad = [path for path in paths if any(word in path for word in words)]
    assert len(bad) > 20 and not [path for path in bad if served(path)]


@pytest.mark.parametrize("path", ["/play/web/main.js", "/deep/down/play/web/main.js"])
def test_a_prefix_may_be_stripped_or_not(live, path):
    service, url = live
    with TestClient(application(service), "http://localhost", root_path="/deep/down") as http:
        assert http.get(path).status_code == 200
    assert httpx.get(url + "/play/web/no-such.js").status_code == 404


def test_the_schema_travels_packed_and_once(live):
    _, url = live
    plain = httpx.get(url + "/play/schema", headers={"Accept-Encoding": "identity"})
    packed = httpx.get(url + "/play/schema", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip" and packed.content == plain.content
    assert len(gzip.compress(plain.content)) < len(plain.content) / 2
    again = httpx.get(url + "/play/schema", headers={"If-None-Match": plain.headers["etag"]})
    assert again.status_code == 304 and not again.content


def test_json_has_to_say_so(visitor):
    assert visitor.post("act", content='{"do":"reset"}', headers={"Content-Type": "text/plain"}).status_code == 415
    assert httpx.post(visitor.http.base_url.join("/play/open"), content='{"family":"gan"}').status_code == 415


def test_made_up_addresses_are_not_believed(limits, monkeypatch):
    seen = []
    monkeypatch.setattr(Buckets, "take", lambda self, key: seen.append(key))
    with running(LocalWorkers(1, command=("sleep", "60"))) as (_, url):
        for proxies in (0, 1):
            limits(proxies=proxies)
            httpx.get(url + "/play/pull?wait=0", headers={"X-Session": "A" * 22, "X-Forwarded-For": "198.51.100.7, 203.0.113.9"})
    assert seen == ["127.0.0.1", "203.0.113.9"]


# --- slow connections ----------------------------------------------------------------------------------------------------------


def dribble(url: str, start: bytes, seconds: float) -> bytes:
    """Send `start`, then a byte now and then; what the server said, when it hung up within `seconds`."""
    parts, said = urlsplit(url), b""
    with socket.create_connection((parts.hostname, parts.port)) as sock:
        sock.sendall(start)
        sock.settimeout(0.1)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                got = sock.recv(4096)
                if not got:
                    return said + b" closed"
                said += got
            except TimeoutError:
                try:
                    sock.sendall(b"a")
                except OSError:
                    return said + b" closed"
            except OSError:
                return said + b" closed"
    return said


@pytest.mark.parametrize(
    "start", [b"", b"GET /play/schema HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\nGET / HTT"]
)
def test_a_head_that_never_ends_is_not_waited_for(live, monkeypatch, start):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    assert dribble(live[1], start, 10).endswith(b" closed")


@pytest.mark.parametrize("path", ["/play/open", "/gradio_api/queue/join"])
def test_a_body_that_never_ends_is_not_waited_for(live, limits, monkeypatch, path):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    limits(body_seconds=0.8)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50000\r\n\r\n".encode()
    said = dribble(live[1], head, 10)
    assert b" 408 " in said and said.endswith(b" closed")


def test_a_body_that_was_refused_is_not_read_for_ever(live, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    said = dribble(live[1], b"POST /play/open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n", 10)
    assert b" 413 " in said and b"larger than" in said and said.endswith(b" closed")


# --- seats ---------------------------------------------------------------------------------------------------------------------


def test_a_class_of_75_comes_in_at_once(live, monkeypatch):
    service, url = live
    limits = Limits()
    monkeypatch.setattr(service, "opens", Buckets(limits.open_rate, limits.open_burst))
    monkeypatch.setattr(service, "all_opens", Buckets(limits.all_opens, 400))
    with httpx.Client(base_url=url) as http:
        answers = [http.post("/play/open", json={"family": "gan"}) for _ in range(75)]
    assert [a.status_code for a in answers] == [200] * 75
    for a in answers:
        service.leave(a.json()["token"])


def test_who_waits_for_a_seat_comes_in_in_order_of_arrival(live, limits, visit):
    service, url = live
    first = visit()
    limits(max_sessions=len(service.records))
    with httpx.Client(base_url=url) as http:

        def ask(ticket=None):
            return http.post("/play/open", json={"family": "gan"} | ({"ticket": ticket} if ticket else {}))

        early, late = ask(), ask()
        assert early.status_code == late.status_code == 503 and int(early.headers["retry-after"]) >= 1
        assert [early.json()["place"], late.json()["place"]] == [1, 2]
        service.leave(first.token)
        assert ask(late.json()["ticket"]).status_code == 503  # the seat is for the one before
        assert ask().json()["place"] == 3
        inside = ask(early.json()["ticket"])
        assert inside.status_code == 200
        service.leave(inside.json()["token"])
        inside = ask(late.json()["ticket"])
        assert inside.status_code == 200
        service.leave(inside.json()["token"])


def test_who_does_not_ask_again_loses_the_place(monkeypatch):
    door, now = Door(), [0.0]
    monkeypatch.setattr("playground.sessions.line.time.monotonic", lambda: now[0])
    with pytest.raises(Refused) as gone:
        door.admit("", 0)
    now[0] = 100.0
    with pytest.raises(Refused) as here:
        door.admit("", 0)
    assert (gone.value.more["place"], here.value.more["place"]) == (1, 1)


def test_one_address_cannot_take_every_seat(visit, limits, live):
    visit()
    limits(address_sessions=1)
    answer = httpx.post(live[1] + "/play/open", json={"family": "gan"})
    assert answer.status_code == 429 and answer.headers["retry-after"]


def test_hosts_have_no_state_of_the_machine():
    assert gate.hostname("[::1]:80") == "::1" and gate.hostname("Play.Example.:80") == "play.example"
    assert json.loads(client().get("/x", headers={"Host": "localhost"}).text)["error"] == "There is nothing here."
    assert http.client.responses[421]
