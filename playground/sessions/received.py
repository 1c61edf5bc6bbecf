"""What a request holds, read with a limit and checked for its form. What it means is checked by `service.py` and `questions.py`."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from playground.sessions import uploads
from playground.sessions.limits import LIMITS, Refused

FILES = 500
HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # may be half of a character


def address(request: Any) -> str:
    """Where a request comes from: the client, or what the trusted proxies in front say. Any object with `client` and `headers`."""
    forwarded = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part.strip()]
    if LIMITS.proxies and len(forwarded) >= LIMITS.proxies:
        return forwarded[-LIMITS.proxies][:64]
    return request.client.host if request.client else "unknown"


async def body_of(request: Request, limit: int) -> bytes:
    """All of a body, of at most `limit` bytes; what dribbles in is given up."""
    length = request.headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()) or len(length) > 20 or int(length) > limit:
        raise Refused(f"The request is larger than {limit:,} bytes.", status=413)
    chunks, size, loop = [], 0, asyncio.get_running_loop()
    last = loop.time() + LIMITS.body_seconds
    try:
        async with asyncio.timeout(LIMITS.body_silence) as patience:
            async for chunk in request.stream():
                patience.reschedule(min(last, loop.time() + LIMITS.body_silence))
                size += len(chunk)
                if size > limit:
                    raise Refused(f"The request is larger than {limit:,} bytes.", status=413)
                chunks.append(chunk)
    except TimeoutError:
        raise Refused("The request took too long to arrive.", status=408) from None
    return b"".join(chunks)


def kind_of(request: Any) -> str:
    """The media type of a body, without its parameters."""
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


async def json_of(request: Request, limit: int, allowed: tuple[str, ...] | None = None) -> dict[str, Any]:
    """A JSON object out of a request that says it is one: a form of another site's page cannot. NaN is let through here: the check of each
    value refuses it by name."""
    if kind_of(request) != "application/json":
        raise Refused("The request does not say that it is application/json.", "Content-Type", status=415)
    body = parsed(await body_of(request, limit))
    if allowed is not None and (unknown := [name for name in body if name not in allowed]):
        raise Refused(f"{unknown[0][:40]} does not belong here.", unknown[0][:40])
    return body


def parsed(raw: bytes) -> dict[str, Any]:
    """A JSON object. Refused if it is none, or holds what no text can."""
    try:
        body = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Refused("The request is not JSON.") from None
    if not isinstance(body, dict):
        raise Refused("The request is not a set of named values.")
    if HALF.search(raw):
        _whole(body)
    return body


def _whole(body: dict[str, Any]) -> None:
    """Refused if any text of it holds half of a character (a lone surrogate): no file, no message and no log could carry it."""
    for name, value in body.items():
        try:
            json.dumps({name: value}, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            shown = name if _encodes(name) else "A name"
            raise Refused(f"{shown[:40]} holds half of a character, which no text can hold.", shown[:40]) from None


def _encodes(text: str) -> bool:
    try:
        return bool(text.encode())
    except UnicodeEncodeError:
        return False


def number(request: Request, name: str, lo: int, hi: int, default: int = 0) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 20 and lo <= int(text) <= hi):
        raise Refused(f"{name} is not a whole number in [{lo}, {hi}].", name)
    return int(text)


async def upload(request: Request) -> tuple[str, uploads.Own, str, dict[str, Any]]:
    """(data set, array, sentence, what was understood) out of JSON points, CSV text, or one or more files."""
    kind = kind_of(request)
    raw = await body_of(request, LIMITS.max_data)
    if kind == "application/json":
        return "own-2d", *uploads.points(parsed(raw).get("points"))
    if kind in ("text/csv", "text/plain"):
        return "own-2d", *uploads.csv(raw)
    files = await files_of(request, raw) if kind == "multipart/form-data" else [("upload", raw)]
    if len(files) == 1 and files[0][0].lower().endswith((".csv", ".txt", ".tsv")):
        return "own-2d", *uploads.csv(files[0][1])
    if not files or not any(content for _, content in files):
        raise Refused("There is no file in this upload.", "images")
    return "own-images", *await uploads.images(files)


async def text(request: Request) -> Any:
    """A text of one's own: JSON {"text": …}, one file of a form, or the file itself as the body."""
    kind = kind_of(request)
    raw = await body_of(request, LIMITS.max_data)
    if kind == "application/json":
        return parsed(raw).get("text")
    if kind != "multipart/form-data":
        return raw
    files = await files_of(request, raw, "text")
    if len(files) != 1:
        raise Refused(f"text is {len(files)} files, not 1.", "text")
    return files[0][1]


async def files_of(request: Request, raw: bytes, field: str = "images") -> list[tuple[str, bytes]]:
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
