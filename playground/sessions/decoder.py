"""`python -m playground.sessions.decoder`: one upload in on standard input, one array of pixels out on standard output.

A process of its own, limited in memory and time, because decoders of pictures are where uploads attack."""

from __future__ import annotations

import sys
from contextlib import suppress

from engines.data.uploads import decode_uploads
from playground.sessions.channel import Inbox, pack

MEMORY, SECONDS = 1 << 30, 30


def main() -> None:
    with suppress(ImportError, AttributeError, ValueError, OSError):  # not every system has them; the web process counts the seconds too
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    header, body = next(Inbox().feed(sys.stdin.buffer.read()))
    files, at = [], 0
    for name, size in header["files"]:
        files.append((name, body[at : at + size]))
        at += size
    try:
        found = decode_uploads(files)
        answer = pack({"shape": found.pixels.shape, "left_out": found.left_out}, found.pixels.tobytes())
    except ValueError as error:
        answer = pack({"error": f"{error}."})
    except MemoryError:
        answer = pack({"error": "These pictures take too much memory."})
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    main()
