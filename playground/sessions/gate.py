"""In front of everything that is served, Gradio's routes included: who may call this server by which name, from which page, with how large
a body, and which of Gradio's routes exist at all. Nothing is parsed before it is measured."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Sequence
from fnmatch import fnmatch
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from playground.sessions import replies
from playground.sessions.limits import LIMITS, Refused
from playground.sessions.received import body_of, parsed

UPLOADS = ("/play/data", "/play/text")  # the only routes that take more than LIMITS.max_body
READS = ("GET", "HEAD", "OPTIONS")
LOCAL = ("localhost", "*.localhost", "*.local", "*.gradio.live")  # the last: tunnels that Gradio opens itself
API = "/gradio_api"
# what the page and programs need of Gradio; its uploads, files, proxies, streams, deep links, reloading and monitoring are not served
PAGES = ("/", "/config", "/config/", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json")
TREES = ("/play/", "/static/", "/assets/", "/svelte/", "/pwa_icon")
CALLS = ("/queue/join", "/queue/data", "/call/", "/cancel", "/reset", "/heartbeat/", "/startup-events", "/theme.css", "/info",
         "/openapi.json", "/app_id", "/user", "/login_check", "/mcp")  # fmt: skip
PACKED = ("/", "/config", f"{API}/info", f"{API}/openapi.json", "/theme.css", f"{API}/theme.css")  # texts that Gradio sends as they are


class Hosts:
    """The names this server may be called by. Only a name can be made to point here by a stranger (DNS rebinding), so an address is always
    one, and so is a name without a dot; others are `names`, with * for any part. Behind a proxy the proxy chooses: `any_name`."""

    def __init__(self, names: Sequence[str] = (), any_name: bool = False):
        self.names = tuple(name.lower() for name in names)
        self.harmless = (*LOCAL, socket.gethostname().lower())
        self.any_name = any_name

    @classmethod
    def from_env(cls) -> Hosts:
        """PLAYGROUND_HOSTS, the Space's own names, and that of GRADIO_ROOT_PATH if it is a whole address."""
        told, space = (
            [name.strip() for name in text.split(",") if name.strip()] for text in (LIMITS.hosts, os.environ.get("SPACE_HOST", ""))
        )
        root = urlsplit(os.environ.get("GRADIO_ROOT_PATH", "")).hostname
        return cls([*told, *space, *([root] if root else [])], any_name=not told and LIMITS.proxies > 0)

    def knows(self, host: str) -> bool:
        name = hostname(host)
        if name is None:
            return False
        return self.any_name or "." not in name or is_address(name) or _any(name, self.harmless) or self.public(host)

    def public(self, host: str) -> bool:
        """Is it a name that was written down as one of this server's?"""
        name = hostname(host)
        return name is not None and _any(name, self.names)


class Gate:
    """The ASGI layer. A refusal is one sentence, before anything behind it has read the request."""

    def __init__(self, app: ASGIApp, hosts: Hosts | None = None):
        self.app, self.hosts = app, hosts or Hosts.from_env()
        self.packed = GZipMiddleware(app, minimum_size=1_000, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})  # nothing here speaks it
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        path = route(scope)
        try:
            self._checked(path, Request(scope))
            if scope["method"] not in READS and not path.startswith("/play/"):
                receive = await _read(Request(scope, receive), receive)
        except Refused as refused:
            return await replies.refusal(refused)(scope, receive, send)
        except ClientDisconnect:
            return
        await (self.packed if path in PACKED else self.app)(scope, receive, send)

    def _checked(self, path: str, request: Request) -> None:
        headers, writes = request.headers, request.method not in READS
        host = headers.get("host", "")
        if host and not self.hosts.knows(host):
            raise Refused(f"{_short(host)} is not a name of this server; the environment variable PLAYGROUND_HOSTS lists them.", status=421)
        if not served(path):
            raise Refused("There is nothing here.", status=404)
        if writes and not self._own_page(headers, strict=path.startswith("/play/")):
            raise Refused("This request comes from a page of another site.", status=403)
        limit = LIMITS.max_data if path in UPLOADS else LIMITS.max_body
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit() and len(length) < 20 and int(length) <= limit):
            raise Refused(f"The request is larger than {limit:,} bytes.", status=413)

    def _own_page(self, headers: Headers, strict: bool) -> bool:
        """Does a request that changes something come from this server's page, or from a program? A browser says where from. The public API
        may be used by pages of others where Gradio's CORS lets them, which takes a type that a form cannot send."""
        origin = headers.get("origin")
        if not strict:
            return origin is None or headers.get("content-type", "").split(";")[0].strip().lower() == "application/json"
        if origin is None or headers.get("sec-fetch-site") == "same-origin":
            return True
        home = urlsplit(origin).netloc.lower() if origin.isprintable() else ""
        here = {headers.get(name, "").lower() for name in ("host", "x-forwarded-host")} - {""}
        return bool(home) and (home in here or self.hosts.public(home))


def route(scope: Scope) -> str:
    """The path without the prefix under which the server is known, whether the proxy left it there or not."""
    path: str = scope["path"]
    root = (scope.get("root_path") or "").rstrip("/")
    return path[len(root) :] if root and path.startswith(root + "/") else path


def served(path: str) -> bool:
    if path.startswith(API):
        return path[len(API) :].startswith(CALLS)
    return path in PAGES or path.startswith(TREES)


def hostname(host: str) -> str | None:
    """`name:port`, `[::1]:port` -> the name in small letters. None if it is neither."""
    try:
        found = urlsplit(f"//{host}")
        return found.hostname.rstrip(".") if found.hostname and found.username is None and not found.path else None
    except ValueError:
        return None


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _read(request: Request, receive: Receive) -> Receive:
    """The whole body, measured and within its time, given again to whoever asks. JSON that no text can hold goes no further."""
    body = await body_of(request, LIMITS.max_body)
    if body and request.headers.get("content-type", "").split(";")[0].strip().lower() == "application/json":
        parsed(body)
    given = False

    async def again():
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _any(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _short(text: str) -> str:
    return "".join(ch for ch in text[:60] if ch.isprintable())
