"""What must not work: bad values, foreign tokens, oversized bodies. Never a status of 500, and nothing is started."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from playground.sessions import uploads
from playground.sessions.limits import Buckets, Refused
from tests.playground.conftest import QUICK

ROOT = Path(__file__).resolve().parents[2]
NAN, INFINITY = float("nan"), float("inf")

BAD_KNOBS = [
    ({"lr_g": NAN}, "lr_g"),
    ({"lr_g": INFINITY}, "lr_g"),
    ({"lr_g": 1e9}, "lr_g"),
    ({"lr_g": 10**400}, "lr_g"),
    ({"lr_g": "0.1"}, "lr_g"),
    ({"lr_g": [0.1]}, "lr_g"),
    ({"lr_g": None}, "lr_g"),
    ({"lr_g": True}, "lr_g"),
    ({"steps": 2.5}, "steps"),
    ({"seed": -1}, "seed"),
    ({"batch": {}}, "batch"),
    ({"objective": ["wgan", "lsgan"]}, "objective"),
    ({"objective": "vae"}, "objective"),
    ({"dataset": "../../etc/passwd"}, "dataset"),
    ({"objective": "wgan-gp", "gp": 0}, "gp"),
    ({"minibatch_std": 1}, "minibatch_std"),
    ({"__class__": 1}, "__class__"),
    ({"no_such_knob": 1}, "no_such_knob"),
    ([1, 2], "settings"),
    ("x", "settings"),
    (None, "settings"),
]


def said(visitor, path: str, text):
    return visitor.post(path, content=text, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(("settings", "field"), BAD_KNOBS)
def test_bad_settings_are_refused_by_name_everywhere(visitor, live, settings, field):
    service, _ = live
    text = json.dumps({"do": "train", "settings": settings})
    answers = [said(visitor, "act", text), said(visitor, "resolve", json.dumps({"family": "gan", "settings": settings}))]
    for answer in answers:
        assert answer.status_code == 400 and answer.json()["field"] == field
        assert answer.json()["error"].endswith(".") and len(answer.json()["error"]) < 1_000
    assert not service.find(visitor.token).runs


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "do"),
        ({"do": "explode"}, "do"),
        ({"do": ["train"]}, "do"),
        ({"do": "pause", "settings": {}}, "settings"),
        ({"do": "train", "x": 1}, "x"),
        ({"do": "step", "count": 1e3}, "count"),
        ({"do": "step", "count": True}, "count"),
        ({"do": "step", "count": 10**30}, "count"),
        ({"do": "step", "part": ["d"]}, "part"),
        ({"do": "fork", "branch": "b9", "step": 0}, "branch"),
        ({"do": "fork", "branch": {}, "step": 0}, "branch"),
        ({"do": "fork", "branch": "b1", "step": -1}, "step"),
        ({"do": "fork", "branch": "b1", "step": 5}, "step"),
        ({"do": "fork", "branch": "b1", "step": 0, "settings": {"lr_g": "x"}}, "lr_g"),
        ({"do": "fork", "branch": "b1", "step": 0, "settings": {"width_d": 64}}, "width_d"),
        ({"do": "set", "knobs": {"dataset": "moons"}}, "dataset"),
        ({"do": "set", "knobs": {"lr_g": NAN}}, "lr_g"),
        ({"do": "set"}, "settings"),
        ({"do": "select", "branch": None}, "branch"),
        ({"do": "mark", "step": 0, "title": "<script>alert(1)</script>"}, "title"),
        ({"do": "mark", "step": 0, "title": ""}, "title"),
        ({"do": "rewind", "settings": {"batch": 64}}, "batch"),
    ],
)
def test_bad_commands_are_refused_by_name(visitor, body, field):
    visitor.act("preview", settings=QUICK)
    if body.get("do") == "rewind":
        visitor.until(lambda h: ("b1", 0, False) in visitor.frames)
        visitor.act("step", count=2)
        visitor.until(lambda h: h["can"]["rewind"] == 0)
    answer = said(visitor, "act", json.dumps(body))
    assert answer.status_code == 400, answer.text
    assert answer.json()["field"] == field


@pytest.mark.parametrize("raw", [b"", b"[]", b"3", b"{", b"\xff\xfe", b"[" * 50_000, b'{"do":' * 5_000, b'{"do":' + b"9" * 5_000 + b"}"])
def test_what_is_not_json_is_refused(visitor, raw):
    for path in ("act", "resolve", "open"):
        assert said(visitor, path, raw).status_code == 400


def test_big_bodies_are_refused_early(visitor):
    assert visitor.post("act", content=b" " * 70_000).status_code == 413
    assert visitor.post("data", content=b" " * 6_000_000).status_code == 413
    chunks = (b" " * 10_000 for _ in range(20))
    assert said(visitor, "act", chunks).status_code == 413


def test_work_beyond_the_limit_is_refused_before_it_starts(visitor, limits):
    limits(max_flop=1e5)
    assert "operations" in visitor.refused("train", settings=QUICK)["error"]
    limits(max_flop=3e10, max_bytes=1_000)
    assert "MB" in visitor.refused("train", settings=QUICK)["error"]


def test_a_token_opens_its_own_session_only(visit, live):
    service, _ = live
    one, two = visit(), visit()
    one.act("preview", settings=QUICK)
    assert one.token != two.token and len(one.token) == 22
    assert two.pull(wait=0)["branches"] == []
    for token in ("", "x" * 22, one.token[:-1], one.token + "A", "../" + one.token, "s1"):
        headers = {"X-Session": token}
        assert one.post("act", json={"do": "pause"}, headers=headers).status_code == 404
        assert one.post("data", json={"points": []}, headers=headers).status_code == 404
        assert one.http.get("/play/pull", headers=headers).status_code == 404
        opened = one.http.post("/play/open", json={"family": "gan", "token": token}).json()
        assert opened["token"] not in (token, one.token) and not opened["resumed"]
        service.leave(opened["token"])


@pytest.mark.parametrize("query", ["since=-1", "since=x", "since=1e3", "since=99999999999999999999", "history=2", "wait=-1", "wait=nan"])
def test_bad_queries_are_refused(visitor, query):
    answer = visitor.http.get(f"/play/pull?{query}", headers={"X-Session": visitor.token})
    assert answer.status_code == 400 and answer.json()["field"] == query.split("=")[0]


def test_static_files_stay_in_their_folder(visitor):
    for path in ("../../app.py", "..%2f..%2fapp.py", "%2e%2e/%2e%2e/app.py", "....//app.py", "/etc/passwd", "web/../../../etc/passwd"):
        assert visitor.http.get(f"/play/web/{path}").status_code in (404, 405)


def test_buttons_and_sessions_have_a_rate(visitor, live, monkeypatch):
    service, url = live
    monkeypatch.setattr(service, "acts", Buckets(0.001, 3))
    answers = [visitor.post("act", json={"do": "leave"}).status_code for _ in range(5)]
    assert answers == [200, 200, 200, 429, 429]
    monkeypatch.setattr(service, "opens", Buckets(0.001, 0))
    answer = visitor.http.post("/play/open", json={"family": "gan"})
    assert answer.status_code == 429 and answer.headers["retry-after"]


def test_a_full_house_says_so(visitor, limits):
    limits(max_sessions=1)
    answer = visitor.http.post("/play/open", json={"family": "gan"})
    assert answer.status_code == 503 and "Every seat is taken" in answer.json()["error"]


def test_an_error_of_ours_shows_a_reference_only(visitor, live, monkeypatch, caplog):
    service, _ = live
    monkeypatch.setattr(service, "resolve", lambda *_: 1 / 0)
    answer = visitor.post("resolve", json={"family": "gan"})
    assert answer.status_code == 500
    reference = answer.json()["error"].split("ref ")[1][:4]
    assert reference in caplog.text and "division" not in answer.text


@pytest.mark.parametrize(
    ("points", "word"),
    [
        ("x", "list"),
        ([[0, 0]] * 5, "too few"),
        ([[0, 0]] * 20, "same"),
        ([[0, 1]] * 20_001, "too many"),
        ([[i, NAN] for i in range(20)], "Point 1"),
        ([[i, 1e13] for i in range(20)], "Point 1"),
        ([[i, 10**400] for i in range(20)], "Point 1"),
        ([[i, "a"] for i in range(20)], "Point 1"),
        ([[i, True] for i in range(20)], "Point 1"),
        ([[i] for i in range(20)], "Point 1"),
        ([i for i in range(20)], "Point 1"),
    ],
)
def test_points_are_checked(visitor, points, word):
    answer = visitor.post("data", content=json.dumps({"points": points}), headers={"Content-Type": "application/json"})
    assert answer.status_code == 400 and word in answer.json()["error"], answer.text


GOOD = "x,y,z\n" + "".join(f"{i},{i * i / 7},a\n" for i in range(30))


@pytest.mark.parametrize(("old", "new"), [("q", "q"), (",", ";"), (",", "\t"), (",", " "), ("x", "\ufeffx"), ("\n", "\r\n\r\n")])
def test_csv_is_read(old, new):
    own, message, about = uploads.csv(GOOD.replace(old, new).encode())
    assert own.shape == (30, 2) and "30 points" in message and "z (not numbers)" in message
    assert about["columns"] == ["x", "y"] and about["preview"][2] == [2.0, 4 / 7]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no line of numbers"),
        ("1,2\n3,4\n", "too few"),
        ("1,2\n" * 20_002, "lines"),
        ("1,2\n" * 300_000, "bytes"),
        (",".join("1" * 65) + "\n", "columns"),
        ("1" * 5_000 + ",2\n", "characters"),
        ("1,2\n" * 9 + "nan,3\n", "Line 10: nan is not a number"),
        ("1,2\n1e400,3\n", "Line 2: 1e400 is not a number"),
        ("1,2\n\n3,x\n", "Line 3"),
        ("x,y\nz,w\n", "Line 2"),
        ("1\n2\n", "Line 1"),
    ],
)
def test_bad_csv_is_refused_by_line(text, word):
    with pytest.raises(Refused, match=word):
        uploads.csv(text.encode())


def picture(size=(20, 20), colour=(200, 30, 30)) -> bytes:
    image = pytest.importorskip("PIL.Image")
    buffer = io.BytesIO()
    image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_pictures_are_decoded_in_a_process_of_their_own(visitor):
    files = [("images", (f"{i}.png", picture(colour=(i * 20, 40, 90)), "image/png")) for i in range(9)]
    answer = visitor.post("data", files=files)
    assert answer.json() == {"dataset": "own-images", "n": 9, "message": "9 pictures, 32×32, colour", "left_out": []}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        for name, (file, content, _) in files:
            out.writestr(f"{name}/{file}", content)
    answer = visitor.post("data", content=archive.getvalue(), headers={"Content-Type": "application/zip"})
    assert answer.json()["n"] == 9
    answer = visitor.post("data", files=[("file", ("points.csv", GOOD.encode(), "text/csv"))])
    assert answer.json().items() >= {"dataset": "own-2d", "n": 30, "columns": ["x", "y"], "lines": 30}.items()


def test_bad_pictures_are_refused_in_a_sentence(visitor):
    lies = [("images", ("a.png", b"GIF89a", "image/png"))] * 9
    empty = [("images", ("a.png", b"", "image/png"))]
    one = [("images", ("a.png", picture()))]
    for files in (lies, empty, one):
        answer = visitor.post("data", files=files)
        assert answer.status_code == 400 and answer.json()["field"] == "images"
        assert answer.json()["error"].endswith(".")
    broken = visitor.post("data", content=b"--x", headers={"Content-Type": "multipart/form-data"})
    assert broken.status_code == 400


def test_the_web_process_never_loads_torch():
    """A process that serves a whole session ends without torch among its modules."""
    code = """
import sys, time, asyncio
from engines.registry import FAMILIES
from playground.sessions.local import LocalWorkers
from playground.sessions.routes import routes
from playground.sessions.service import Service
from playground.sessions import frames
import playground.api
workers = LocalWorkers(1)
service = Service(workers, FAMILIES)
service.start()
routes(service, lambda: b"{}")
token = service.open("gan", None, "here")["token"]
service.act(token, {"do": "train", "settings": {"dataset": "ring8", "steps": 20}})
async def wait():
    since, state = 0, ""
    while state != "finished":
        header, _ = frames.unpack(await service.pull(token, since))
        since, state = header["seq"], header["state"]
asyncio.run(wait())
service.close()
print(sorted(m for m in sys.modules if m.split(".")[0] in ("torch", "diffusers", "transformers", "sklearn", "ray")))
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_a_worker_knows_no_secret_and_ends_with_its_parent():
    environment = os.environ | {"HF_TOKEN": "hf_secret", "AWS_SECRET_ACCESS_KEY": "secret", "PLAYGROUND_WORKER_MEMORY_MB": "7000"}
    command = [sys.executable, "tests/playground/server.py"]
    parent = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        parent.stdout.readline()
        children = Path(f"/proc/{parent.pid}/task").glob("*/children")
        pid = int(" ".join(path.read_text() for path in children).split()[0])
        known = Path(f"/proc/{pid}/environ").read_text()
        assert "secret" not in known and "OMP_NUM_THREADS=1" in known and "PLAYGROUND_WORKER_MEMORY_MB=7000" in known
        time.sleep(1.0)
        assert str(7000 << 20) in Path(f"/proc/{pid}/limits").read_text()
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
    deadline = time.monotonic() + 2
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
