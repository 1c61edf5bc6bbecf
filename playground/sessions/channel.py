"""Messages between the web process and a worker: `u32 length | u32 header length | JSON | bytes`, little endian. Never pickle:
neither side can make the other run code."""

from __future__ import annotations

import json
import socket
import struct
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

Message = tuple[dict[str, Any], bytes]
LIMIT = 256 << 20  # bytes of one message; larger is a broken stream


def pack(header: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """One message. ValueError if the header holds NaN."""
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    return struct.pack("<II", 4 + len(text) + len(payload), len(text)) + text + payload


class Inbox:
    """Cuts a byte stream into messages."""

    def __init__(self) -> None:
        self.buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        self.buffer += data
        while len(self.buffer) >= 8:
            length, head = struct.unpack_from("<II", self.buffer)
            if length > LIMIT or head > length - 4:
                raise ConnectionError("the message stream is broken")
            if len(self.buffer) < 4 + length:
                return
            header = json.loads(self.buffer[8 : 8 + head])
            payload = bytes(self.buffer[8 + head : 4 + length])
            del self.buffer[: 4 + length]
            yield header, payload


class Outbox:
    """Sends without ever blocking training. Messages leave in order; of the frames that wait, only the newest of each branch is kept,
    so that a slow reader costs one frame of memory per branch."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.waiting: deque[bytes | tuple] = deque()  # a tuple stands for whatever frame that slot holds by then
        self.slots: dict[tuple, bytes] = {}
        self.current = memoryview(b"")

    def put(self, header: Mapping[str, Any], payload: bytes = b"", slot: tuple | None = None) -> None:
        message = pack(header, payload)
        if slot is None:
            self.waiting.append(message)
            return
        if slot not in self.slots:
            self.waiting.append(slot)
        self.slots[slot] = message
        self.flush()

    def flush(self) -> None:
        """Send what the socket takes now."""
        try:
            while self.pending:
                if not self.current:
                    first = self.waiting.popleft()
                    self.current = memoryview(self.slots.pop(first) if isinstance(first, tuple) else first)
                self.current = self.current[self.sock.send(self.current) :]
        except BlockingIOError:
            return

    @property
    def pending(self) -> bool:
        return bool(self.current or self.waiting)
