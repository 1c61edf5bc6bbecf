"""HTTP for the page, all under /play/. No bad input may cause a status of 500; what goes wrong is one sentence, details stay in the log."""

from __future__ import annotations

import gzip
import hashlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.staticfiles import StaticFiles

from playground.sessions import questions, replies, uploads
from playground.sessions.limits import LIMITS, Buckets, Refused
from playground.sessions.received import address, json_of, number, text, upload
from playground.sessions.service import Service

log = logging.getLogger(__name__)
WEB = Path(__file__).resolve().parents[2] / "assets" / "web"
LONGEST_WAIT = 25.0  # seconds of one pull
Handler = Callable[[Request], Awaitable[Response]]


def routes(service: Service, schema: Callable[[], bytes]) -> list[BaseRoute]:
    """The routes, to be added to the page's own application. `schema()` is the JSON text that describes every family."""
    page = Page(service, schema)
    posts = {
        "resolve": page.resolve, "open": page.open, "act": page.act, "data": page.data, "text": page.text,
        "what-if": page.what_if, "ask": page.ask, "closer": page.closer, "codes": page.codes, "decoded": page.decoded,
    }  # fmt: skip
    return [
        Route("/play/schema", _guard(page.limited(page.schema)), methods=["GET"]),
        Route("/play/pull", _guard(page.pull), methods=["GET"]),
        *(Route(f"/play/{name}", _guard(page.limited(call)), methods=["POST"]) for name, call in posts.items()),
        Route("/play/web/{path:path}", _files(WEB), methods=["GET"]),
        Route("/play/recordings/{path:path}", _files(WEB.parent / "recordings"), methods=["GET"]),
    ]


class Page:
    """What the page may ask for: one method for each route."""

    def __init__(self, service: Service, schema: Callable[[], bytes]):
        self.service, self.described = service, schema
        self.calls = Buckets(LIMITS.call_rate, LIMITS.call_burst)
        self.all_calls = Buckets(LIMITS.all_calls, 3 * LIMITS.all_calls)

    def limited(self, handler: Handler) -> Handler:
        """The same, for each address and for all together only so often."""

        async def call(request: Request) -> Response:
            self.calls.take(address(request))
            self.all_calls.take("all")
            return await handler(request)

        return call

    @cached_property
    def schema_text(self) -> tuple[bytes, bytes, str]:
        """The schema, the same packed, and the name of this version of it: nothing of it changes while the program runs."""
        text = self.described()
        return text, gzip.compress(text, 9, mtime=0), f'"{hashlib.sha256(text).hexdigest()[:20]}"'

    async def schema(self, request: Request) -> Response:
        text, packed, name = self.schema_text
        headers = {"Cache-Control": "no-cache", "ETag": name, "Vary": "Accept-Encoding"}
        if name in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(packed, media_type="application/json", headers=headers | {"Content-Encoding": "gzip"})
        return Response(text, media_type="application/json", headers=headers)

    async def resolve(self, request: Request) -> Response:
        body = await json_of(request, LIMITS.max_body, allowed=("family", "settings"))
        return replies.answer(self.service.resolve(body.get("family"), body.get("settings", {})))

    async def open(self, request: Request) -> Response:
        body = await json_of(request, LIMITS.max_body, allowed=("family", "token", "ticket"))
        return replies.answer(self.service.open(body.get("family"), body.get("token"), address(request), body.get("ticket")))

    async def act(self, request: Request) -> Response:
        token = self._token(request)
        return replies.answer(self.service.act(token, await json_of(request, LIMITS.max_body)))

    async def pull(self, request: Request) -> Response:
        token = request.headers.get("x-session", "")
        if token not in self.service.records:
            self.calls.take(address(request))  # nobody may try tokens at the rate of frames
        since, history = number(request, "since", 0, 2**53), bool(number(request, "history", 0, 1))
        wait = number(request, "wait", 0, 3_600, default=15)
        data = await self.service.pull(token, since, history, min(wait, LONGEST_WAIT))
        return replies.raw(data)

    async def what_if(self, request: Request) -> Response:
        token = self._token(request)
        body = await json_of(request, LIMITS.max_body, allowed=("settings", "exact", "foresee"))
        if body.get("exact") is not True:
            return replies.raw(await questions.what_if(self.service, token, body.get("settings", {})))
        return replies.raw(
            await questions.exact(self.service, token, body.get("settings", {}), body.get("foresee", False), request.is_disconnected)
        )

    async def ask(self, request: Request) -> Response:
        token = self._token(request)
        body = await json_of(request, LIMITS.max_body, allowed=("question", "values", "branch"))
        return replies.raw(await questions.ask(self.service, token, body.get("question"), body.get("values", {}), body.get("branch")))

    async def closer(self, request: Request) -> Response:
        token = self._token(request)
        return replies.raw(
            await questions.closer(self.service, token, await json_of(request, LIMITS.max_body, allowed=("branch", "step", "count")))
        )

    async def codes(self, request: Request) -> Response:
        token = self._token(request)
        body = await json_of(request, LIMITS.max_body, allowed=("source",))
        return replies.raw(await questions.codes(self.service, token, body.get("source")))

    async def decoded(self, request: Request) -> Response:
        token = self._token(request)
        return replies.raw(await questions.decoded(self.service, token, await json_of(request, LIMITS.max_body, allowed=("n", "seed"))))

    async def data(self, request: Request) -> Response:
        token = self._token(request)
        dataset, own, message, about = await upload(request)
        return replies.answer(self.service.add_own(token, dataset, own, message) | about)

    async def text(self, request: Request) -> Response:
        token = self._token(request)
        own, about = uploads.text(await text(request))
        return replies.answer(self.service.add_own(token, "own-text", own, about["message"]) | about)

    def _token(self, request: Request) -> str:
        """The session's token, checked before a body is read."""
        return self.service.find(request.headers.get("x-session", "")).token


class Web(StaticFiles):
    """The page's scripts and styles: always asked for again, answered with 304 where nothing changed."""

    async def get_response(self, path: str, scope: Any) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def _guard(handler: Handler) -> Handler:
    """Every refusal as JSON; anything unforeseen as a reference to the log."""

    async def call(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return replies.refusal(refused)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception:
            reference = secrets.token_hex(2)
            log.exception("request failed, ref %s", reference)
            return replies.answer({"error": f"Something went wrong here, ref {reference}."}, 500)

    return call


def _files(folder: Path) -> Handler:
    """What lies in a folder: always asked for again, answered with 304 where nothing changed. The path is taken from the route and not from
    the request, which may or may not carry the prefix that a proxy knows this server by."""
    files = StaticFiles(directory=folder, check_dir=False)

    async def get(request: Request) -> Response:
        try:
            response = await files.get_response(request.path_params["path"], request.scope)
        except HTTPException as error:
            return replies.answer({"error": "There is nothing here."}, error.status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response

    return get
