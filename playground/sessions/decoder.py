"""`python -m playground.sessions.decoder`: one upload in on standard input, one array of pixels out on standard output.

A process of its own, limited in memory and time, because decoders of pictures are where uploads attack."""

from __future__ import annotations

import resource
import sys

from engines.data.uploads import decode_uploads
from playground.sessions.channel import Inbox, pack

MEMORY, SECONDS = 1 << 30, 30


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    header, body = next(Inbox().feed(sys.stdin.buffer.read()))
    files, at = [], 0
    for name, size in header["files"]:
        files.append((name, body[at : at + size]))
        at += size
    try:
        pixels = decode_uploads(files)  # (n, c, h, w) uint8
        answer = pack({"shape": pixels.shape}, pixels.tobytes())
    except ValueError as error:
        answer = pack({"error": f"{error}."})
    except MemoryError:
        answer = pack({"error": "These pictures take too much memory."})
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    main()
