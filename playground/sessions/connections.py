"""Connections that take too long are closed: uvicorn itself waits for ever for the head of a request that never ends."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0  # for the head of a request, once a connection is open or has begun to send one


class Punctual(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with a deadline for the head of each request. Bodies have theirs in `received.body_of`."""

    deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Is it the other side's turn: to begin a request, or to end one that was answered already?"""
        if self.conn.their_state is h11.IDLE or self.cycle is not None and self.cycle.response_complete:
            self._expect()
        else:
            self._arrived()

    def _expect(self) -> None:
        if self.deadline is None:
            self.deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _arrived(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None


def punctual(config: Config) -> None:
    """Have a server, which may be running already, treat every further connection so."""
    config.http_protocol_class = Punctual
