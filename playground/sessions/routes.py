"""HTTP for the page, all under /play/. No bad input may cause a status of 500; what goes wrong is one sentence, details stay in the log."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from playground.sessions import frames, questions, uploads
from playground.sessions.limits import LIMITS, Buckets, Refused
from playground.sessions.received import address, json_of, number, text, upload
from playground.sessions.service import Service

log = logging.getLogger(__name__)
WEB = Path(__file__).resolve().parents[2] / "assets" / "web"
LONGEST_WAIT = 25.0  # seconds of one pull
NO_STORE = {"Cache-Control": "no-store"}
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
        Mount("/play/web", app=Web(directory=WEB, check_dir=False)),
        Mount("/play/recordings", app=Web(directory=WEB.parent / "recordings", check_dir=False)),
    ]


class Page:
    """What the page may ask for: one method for each route."""

    def __init__(self, service: Service, schema: Callable[[], bytes]):
        self.service, self.described = service, schema
        self.calls = Buckets(LIMITS.call_rate, LIMITS.call_burst)

    def limited(self, handler: Handler) -> Handler:
        """The same, for each address only so often."""

        async def call(request: Request) -> Response:
            self.calls.take(address(request))
            return await handler(request)

        return call

    async def schema(self, request: Request) -> Response:
        return Response(self.described(), media_type="application/json", headers={"Cache-Control": "no-cache"})

    async def resolve(self, request: Request) -> Response:
        body = await json_of(request, LIMITS.max_body, allowed=("family", "settings"))
        return _answer(self.service.resolve(body.get("family"), body.get("settings", {})))

    async def open(self, request: Request) -> Response:
        body = await json_of(request, LIMITS.max_body, allowed=("family", "token"))
        return _answer(self.service.open(body.get("family"), body.get("token"), address(request)))

    async def act(self, request: Request) -> Response:
        token = self._token(request)
        return _answer(self.service.act(token, await json_of(request, LIMITS.max_body)))

    async def pull(self, request: Request) -> Response:
        token = request.headers.get("x-session", "")
        if token not in self.service.records:
            self.calls.take(address(request))  # nobody may try tokens at the rate of frames
        since, history = number(request, "since", 0, 2**53), bool(number(request, "history", 0, 1))
        wait = number(request, "wait", 0, 3_600, default=15)
        data = await self.service.pull(token, since, history, min(wait, LONGEST_WAIT))
        return _bytes(data)

    async def what_if(self, request: Request) -> Response:
        token = self._token(request)
        body = await json_of(request, LIMITS.max_body, allowed=("settings", "exact", "foresee"))
        if body.get("exact") is not True:
            return _bytes(await questions.what_if(self.service, token, body.get("settings", {})))
        return _bytes(
            await questions.exact(self.service, token, body.get("settings", {}), body.get("foresee", False), request.is_disconnected)
        )

    async def ask(self, request: Request) -> Response:
        token = self._token(request)
        body = await json_of(request, LIMITS.max_body, allowed=("question", "values", "branch"))
        return _bytes(await questions.ask(self.service, token, body.get("question"), body.get("values", {}), body.get("branch")))

    async def closer(self, request: Request) -> Response:
        token = self._token(request)
        return _bytes(
            await questions.closer(self.service, token, await json_of(request, LIMITS.max_body, allowed=("branch", "step", "count")))
        )

    async def codes(self, request: Request) -> Response:
        token = self._token(request)
        body = await json_of(request, LIMITS.max_body, allowed=("source",))
        return _bytes(await questions.codes(self.service, token, body.get("source")))

    async def decoded(self, request: Request) -> Response:
        token = self._token(request)
        return _bytes(await questions.decoded(self.service, token, await json_of(request, LIMITS.max_body, allowed=("n", "seed"))))

    async def data(self, request: Request) -> Response:
        token = self._token(request)
        dataset, own, message = await upload(request)
        return _answer(self.service.add_own(token, dataset, own, message))

    async def text(self, request: Request) -> Response:
        token = self._token(request)
        own, about = uploads.text(await text(request))
        return _answer(self.service.add_own(token, "own-text", own, about["message"]) | about)

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
            if refused.status == 204:
                return Response(status_code=204)
            headers = {"Retry-After": "2"} if refused.status in (429, 503) else {}
            return _answer({"error": str(refused), "field": refused.field}, refused.status, headers)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception:
            reference = secrets.token_hex(2)
            log.exception("request failed, ref %s", reference)
            return _answer({"error": f"Something went wrong here, ref {reference}."}, 500)

    return call


def _answer(value: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(frames.to_json(value), status, media_type="application/json", headers=NO_STORE | (headers or {}))


def _bytes(data: bytes) -> Response:
    return Response(data, media_type="application/octet-stream", headers=NO_STORE)
