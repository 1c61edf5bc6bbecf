"""HTTP for the page, all under /play/. No bad input may cause a status of 500; what goes wrong is one sentence, details stay in the log."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from playground.sessions import frames, questions, uploads
from playground.sessions.limits import LIMITS, Buckets, Refused
from playground.sessions.service import Service

log = logging.getLogger(__name__)
WEB = Path(__file__).resolve().parents[2] / "assets" / "web"
LONGEST_WAIT = 25.0  # seconds of one pull
FILES = 500
NO_STORE = {"Cache-Control": "no-store"}
Handler = Callable[[Request], Awaitable[Response]]


def routes(service: Service, schema: Callable[[], bytes]) -> list[BaseRoute]:
    """The routes, to be added to the page's own application. `schema()` is the JSON text that describes every family."""
    calls = Buckets(LIMITS.call_rate, LIMITS.call_burst)

    async def get_schema(request: Request) -> Response:
        return Response(schema(), media_type="application/json", headers={"Cache-Control": "no-cache"})

    async def resolve(request: Request) -> Response:
        body = await _json(request, LIMITS.max_body, allowed=("family", "settings"))
        return _answer(service.resolve(body.get("family"), body.get("settings", {})))

    async def open_(request: Request) -> Response:
        body = await _json(request, LIMITS.max_body, allowed=("family", "token"))
        return _answer(service.open(body.get("family"), body.get("token"), address(request)))

    async def act(request: Request) -> Response:
        token = _token(service, request)
        return _answer(service.act(token, await _json(request, LIMITS.max_body)))

    async def pull(request: Request) -> Response:
        token = request.headers.get("x-session", "")
        if token not in service.records:
            calls.take(address(request))  # nobody may try tokens at the rate of frames
        since, history = _number(request, "since", 0, 2**53), bool(_number(request, "history", 0, 1))
        wait = _number(request, "wait", 0, 3_600, default=15)
        data = await service.pull(token, since, history, min(wait, LONGEST_WAIT))
        return _bytes(data)

    async def what_if(request: Request) -> Response:
        token = _token(service, request)
        body = await _json(request, LIMITS.max_body, allowed=("settings", "exact", "foresee"))
        if body.get("exact") is not True:
            return _bytes(await questions.what_if(service, token, body.get("settings", {})))
        return _bytes(await questions.exact(service, token, body.get("settings", {}), body.get("foresee", False), request.is_disconnected))

    async def ask(request: Request) -> Response:
        token = _token(service, request)
        body = await _json(request, LIMITS.max_body, allowed=("question", "values", "branch"))
        return _bytes(await questions.ask(service, token, body.get("question"), body.get("values", {}), body.get("branch")))

    async def closer(request: Request) -> Response:
        token = _token(service, request)
        return _bytes(await questions.closer(service, token, await _json(request, LIMITS.max_body, allowed=("branch", "step", "count"))))

    async def codes(request: Request) -> Response:
        token = _token(service, request)
        body = await _json(request, LIMITS.max_body, allowed=("source",))
        return _bytes(await questions.codes(service, token, body.get("source")))

    async def decoded(request: Request) -> Response:
        token = _token(service, request)
        return _bytes(await questions.decoded(service, token, await _json(request, LIMITS.max_body, allowed=("n", "seed"))))

    async def data(request: Request) -> Response:
        token = _token(service, request)
        dataset, own, message = await _upload(request)
        return _answer(service.add_own(token, dataset, own, message))

    async def text(request: Request) -> Response:
        token = _token(service, request)
        own, about = uploads.text(await _text(request))
        return _answer(service.add_own(token, "own-text", own, about["message"]) | about)

    def limited(handler: Handler) -> Handler:
        async def call(request: Request) -> Response:
            calls.take(address(request))
            return await handler(request)

        return call

    posts = {
        "resolve": resolve, "open": open_, "act": act, "data": data, "text": text,
        "what-if": what_if, "ask": ask, "closer": closer, "codes": codes, "decoded": decoded,
    }  # fmt: skip
    return [
        Route("/play/schema", _guard(limited(get_schema)), methods=["GET"]),
        Route("/play/pull", _guard(pull), methods=["GET"]),
        *(Route(f"/play/{name}", _guard(limited(call)), methods=["POST"]) for name, call in posts.items()),
        Mount("/play/web", app=Web(directory=WEB, check_dir=False)),
        Mount("/play/recordings", app=Web(directory=WEB.parent / "recordings", check_dir=False)),
    ]


class Web(StaticFiles):
    """The page's scripts and styles: always asked for again, answered with 304 where nothing changed."""

    async def get_response(self, path: str, scope: Any) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def address(request: Any) -> str:
    """Where a request comes from: the client, or what the trusted proxies in front say. Any object with `client` and `headers`."""
    forwarded = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part.strip()]
    if LIMITS.proxies and len(forwarded) >= LIMITS.proxies:
        return forwarded[-LIMITS.proxies][:64]
    return request.client.host if request.client else "unknown"


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


def _token(service: Service, request: Request) -> str:
    """The session's token, checked before a body is read."""
    return service.find(request.headers.get("x-session", "")).token


async def _body(request: Request, limit: int) -> bytes:
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > limit:
        raise Refused(f"The request is larger than {limit:,} bytes.", status=413)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise Refused(f"The request is larger than {limit:,} bytes.", status=413)
        chunks.append(chunk)
    return b"".join(chunks)


async def _json(request: Request, limit: int, allowed: tuple[str, ...] | None = None) -> dict[str, Any]:
    """A JSON object out of a request. NaN is let through here: the check of each value refuses it by name."""
    body = _parse(await _body(request, limit))
    if allowed is not None and (unknown := [name for name in body if name not in allowed]):
        raise Refused(f"{unknown[0][:40]} does not belong here.", unknown[0][:40])
    return body


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused("The request is not JSON.") from None
    if not isinstance(body, dict):
        raise Refused("The request is not a set of named values.")
    return body


def _number(request: Request, name: str, lo: int, hi: int, default: int = 0) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 20 and lo <= int(text) <= hi):
        raise Refused(f"{name} is not a whole number in [{lo}, {hi}].", name)
    return int(text)


async def _upload(request: Request) -> tuple[str, uploads.Own, str]:
    """(data set, array, sentence) out of JSON points, CSV text, or one or more files."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    raw = await _body(request, LIMITS.max_data)
    if kind == "application/json":
        return "own-2d", *uploads.points(_parse(raw).get("points"))
    if kind in ("text/csv", "text/plain"):
        return "own-2d", *uploads.csv(raw)
    files = await _files(request, raw) if kind == "multipart/form-data" else [("upload", raw)]
    if len(files) == 1 and files[0][0].lower().endswith((".csv", ".txt", ".tsv")):
        return "own-2d", *uploads.csv(files[0][1])
    if not files or not any(content for _, content in files):
        raise Refused("There is no file in this upload.", "images")
    return "own-images", *await uploads.images(files)


async def _text(request: Request) -> Any:
    """A text of one's own: JSON {"text": …}, one file of a form, or the file itself as the body."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    raw = await _body(request, LIMITS.max_data)
    if kind == "application/json":
        return _parse(raw).get("text")
    if kind != "multipart/form-data":
        return raw
    files = await _files(request, raw, "text")
    if len(files) != 1:
        raise Refused(f"text is {len(files)} files, not 1.", "text")
    return files[0][1]


async def _files(request: Request, raw: bytes, field: str = "images") -> list[tuple[str, bytes]]:
    async def stream():
        yield raw
        yield b""

    try:
        form = await MultiPartParser(request.headers, stream(), max_files=FILES, max_fields=20).parse()
    except (MultiPartException, KeyError, ValueError, AssertionError):
        raise Refused("The upload could not be read.", field) from None
    try:
        return [(part.filename or "file", await part.read()) for _, part in form.multi_items() if not isinstance(part, str)]
    finally:
        await form.close()
