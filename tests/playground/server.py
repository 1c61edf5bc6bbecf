"""The routes alone on a real port: `python tests/playground/server.py [--port N] [--workers N]` serves until interrupted.

Tests start it with `running()`, in a thread of their own process, so that they can look at the service behind it."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse
from starlette.routing import Route

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engines.config import knobs
from engines.registry import FAMILIES
from playground.sessions.connections import Punctual
from playground.sessions.gate import Gate
from playground.sessions.local import LocalWorkers
from playground.sessions.routes import routes
from playground.sessions.service import Service


def schema() -> bytes:
    """The least a page needs: the names of the knobs."""
    return json.dumps({"families": {key: {"knobs": list(knobs(f.Config))} for key, f in FAMILIES.items()}}).encode()


async def page(request) -> HTMLResponse:
    return HTMLResponse("<!doctype html><title>sessions</title><p>The session routes are under /play/.</p>")


def application(service: Service) -> Starlette:
    return Starlette(routes=[Route("/", page), *routes(service, schema)], middleware=[Middleware(Gate)])


@contextlib.contextmanager
def running(workers: LocalWorkers, port: int = 0) -> Iterator[tuple[Service, str]]:
    """A service and its address, on a free port."""
    service = Service(workers, FAMILIES)
    service.start()
    sock = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(
        uvicorn.Config(application(service), log_level="warning", timeout_graceful_shutdown=1, http=Punctual, forwarded_allow_ips="")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield service, f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        service.close()
        server.should_exit = True
        thread.join(5)
        sock.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    with running(LocalWorkers(arguments.workers), arguments.port) as (_, url), contextlib.suppress(KeyboardInterrupt):
        print(url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
