"""Why a worker process ended, in words for its visitors: what its standard error and its exit tell."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from contextlib import suppress
from typing import IO

LAST = re.compile(r"([A-Za-z_][\w.]*)(?:: (.*))?")  # the line of a traceback that names the exception
LONGEST = 200  # characters of an exception's sentence


class Errors:
    """Passes a worker's standard error on to our own, and remembers the exception that its last traceback ended with."""

    def __init__(self, stream: IO[bytes]):
        self.stream, self.error, self.words, self._inside = stream, "", "", False
        self.thread = threading.Thread(target=self._follow, name="worker errors", daemon=True)
        self.thread.start()

    def _follow(self) -> None:
        with self.stream:
            for line in self.stream:
                with suppress(OSError):  # a server without standard error
                    os.write(2, line)
                self.see(line.decode(errors="replace").rstrip())

    def see(self, line: str) -> None:
        """Take one line."""
        if line.startswith("Traceback ("):
            self._inside = True
        elif self._inside and (found := LAST.fullmatch(line)):
            self._inside = False
            self.error = found[1].rpartition(".")[2]
            self.words = "".join(ch for ch in (found[2] or "")[:LONGEST] if ch.isprintable())

    def close(self, seconds: float = 1.0) -> None:
        """Wait for the last lines. A process of the worker's own may hold its standard error open for longer."""
        self.thread.join(seconds)


def cause(status: int, errors: Errors) -> str:
    """What follows "the worker process" in a sentence, from an exit status as `subprocess` gives it."""
    if status == -9:
        return "was killed by signal 9 (out of memory?)"
    if status < 0:
        with suppress(ValueError):
            return f"was killed by signal {-status} ({signal.Signals(-status).name})"
        return f"was killed by signal {-status}"
    if status == 1 and errors.error:  # what an exception that nobody catches leaves
        return f"ended with the error {errors.error}" + (f": {errors.words}" if errors.words else "")
    return f"ended with exit status {status}"


def status(popen: subprocess.Popen, seconds: float = 1.0) -> int:
    """Of a process that has closed its connection: given time to end by itself, since our own signal would hide the cause."""
    with suppress(subprocess.TimeoutExpired):
        return popen.wait(seconds)
    popen.kill()
    return popen.wait()
