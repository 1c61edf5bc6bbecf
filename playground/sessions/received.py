"""What a request holds, read with a limit and checked for its form. What it means is checked by `service.py` and `questions.py`."""

from __future__ import annotations

import json
from typing import Any

from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from playground.sessions import uploads
from playground.sessions.limits import LIMITS, Refused

FILES = 500


def address(request: Any) -> str:
    """Where a request comes from: the client, or what the trusted proxies in front say. Any object with `client` and `headers`."""
    forwarded = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part.strip()]
    if LIMITS.proxies and len(forwarded) >= LIMITS.proxies:
        return forwarded[-LIMITS.proxies][:64]
    return request.client.host if request.client else "unknown"


async def body_of(request: Request, limit: int) -> bytes:
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


async def json_of(request: Request, limit: int, allowed: tuple[str, ...] | None = None) -> dict[str, Any]:
    """A JSON object out of a request. NaN is let through here: the check of each value refuses it by name."""
    body = parsed(await body_of(request, limit))
    if allowed is not None and (unknown := [name for name in body if name not in allowed]):
        raise Refused(f"{unknown[0][:40]} does not belong here.", unknown[0][:40])
    return body


def parsed(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused("The request is not JSON.") from None
    if not isinstance(body, dict):
        raise Refused("The request is not a set of named values.")
    return body


def number(request: Request, name: str, lo: int, hi: int, default: int = 0) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 20 and lo <= int(text) <= hi):
        raise Refused(f"{name} is not a whole number in [{lo}, {hi}].", name)
    return int(text)


async def upload(request: Request) -> tuple[str, uploads.Own, str]:
    """(data set, array, sentence) out of JSON points, CSV text, or one or more files."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
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
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
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
