"""What is sent back: JSON, bytes, and every refusal as one sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from playground.sessions import frames
from playground.sessions.limits import Refused

NO_STORE = {"Cache-Control": "no-store"}


def answer(value: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(frames.to_json(value), status, media_type="application/json", headers={**NO_STORE, **(headers or {})})


def raw(data: bytes) -> Response:
    return Response(data, media_type="application/octet-stream", headers=NO_STORE)


def refusal(refused: Refused) -> Response:
    """`again` becomes Retry-After, where asking once more helps. After a body that does not end the connection is closed."""
    if refused.status == 204:
        return Response(status_code=204)
    headers = {"Retry-After": str(max(1, math.ceil(refused.again)))} if refused.again is not None else {}
    if refused.status == 408:
        headers["Connection"] = "close"
    return answer({"error": str(refused), "field": refused.field, **refused.more}, refused.status, headers)
