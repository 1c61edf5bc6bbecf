"""Worker processes on this machine, one per core, started again when they die."""

from __future__ import annotations

import logging
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from playground.sessions import ends
from playground.sessions.channel import Inbox, pack
from playground.sessions.limits import LIMITS

Lost = Callable[[int, str, tuple[str, str] | None], None]  # worker, cause of its end, session and run that it worked on
log = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[2]
PASSED = ("PATH", "HOME", "LANG", "TMPDIR", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "SYSTEMROOT", "USERPROFILE", "TEMP")
FIXED = {
    "PYTHONPATH": str(ROOT),
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",  # two threads on a contended machine were 34 times slower
    "MKL_NUM_THREADS": "1",
    "MALLOC_TRIM_THRESHOLD_": "1000000000",
    "MALLOC_MMAP_THRESHOLD_": "1000000000",
    "PYTHONUNBUFFERED": "1",
}
COMMAND = (sys.executable, "-m", "playground.sessions.worker")
PAUSES = (0.0, 0.5, 2.0, 5.0)  # seconds before a worker is started again, the more often it fails the longer
STARTS, LATER = 3, 60.0  # so many starts in a row that fail, and the seconds until the next attempt after them


class Process:
    """One worker: its process, a thread that reads from it, a thread that writes to it."""

    def __init__(self, command: Sequence[str], index: int, on_message: Callable[[dict[str, Any], bytes], None], wake: threading.Event):
        ours, theirs = socket.socketpair()
        self.index, self.sock, self.on_message, self.wake = index, ours, on_message, wake
        self.popen = started(command, theirs)
        theirs.close()
        assert self.popen.stderr is not None
        self.errors = ends.Errors(self.popen.stderr)
        self.ready: dict[str, Any] | None = None
        self.dead = False
        self.cause = ""  # of its end, where it is known before its exit tells
        self.at: tuple[str, str] | None = None  # session and run that it works on
        self.heard = self.born = time.monotonic()
        self.outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        for target in (self._read, self._write):
            threading.Thread(target=target, name=f"worker {index} {target.__name__}", daemon=True).start()

    def send(self, header: Mapping[str, Any], payload: bytes) -> None:
        if not self.dead:
            self.outgoing.put(pack(header, payload))

    def kill(self) -> None:
        self.popen.kill()

    def _read(self) -> None:
        inbox = Inbox()
        try:
            while data := self.sock.recv(1 << 20):
                self.heard = time.monotonic()
                for header, payload in inbox.feed(data):
                    self._take(header, payload)
        except OSError as error:
            log.info("worker %d: %s", self.index, error)
            if not isinstance(error, ConnectionResetError):  # what its death looks like where it had not read everything
                self.cause = "sent what cannot be read"
        self.dead = True
        self.outgoing.put(None)
        self.wake.set()

    def _take(self, header: dict[str, Any], payload: bytes) -> None:
        if header["type"] == "ready":
            self.ready = header
            self.wake.set()
            return
        if header["type"] == "at":
            self.at = (header["sid"], header["b"]) if header["sid"] else None
            return
        try:
            self.on_message(header, payload)
        except Exception:
            log.exception("a message of worker %d was not understood", self.index)

    def _write(self) -> None:
        try:
            while (message := self.outgoing.get()) is not None:
                self.sock.sendall(message)
        except OSError:
            pass  # the reader notices too


class LocalWorkers:
    """See `service.Workers`. All processes are started by one thread that lives as long as this object: a worker dies with the thread
    that started it (PR_SET_PDEATHSIG)."""

    def __init__(self, count: int | None = None, command: Sequence[str] = COMMAND):
        self.count, self.command = count or LIMITS.workers, command
        self.device = "1 CPU core"
        self.processes: list[Process] = []
        self.loads = [0] * self.count
        self.failures = [0] * self.count
        self.unready = [0] * self.count  # starts in a row that ended before the worker was ready
        self.later = [0.0] * self.count  # when a worker that cannot start is tried again
        self.troubles: dict[int, str] = {}  # why a worker cannot start
        self.wake, self.closing, self.up = threading.Event(), threading.Event(), threading.Event()

    def start(self, on_message: Callable[[dict[str, Any], bytes], None], on_lost: Lost) -> None:
        """Start the processes; returns as soon as they exist. They are ready some seconds later, messages wait for them."""
        self.on_message, self.on_lost = on_message, on_lost
        threading.Thread(target=self._supervise, name="workers", daemon=True).start()
        self.up.wait()

    def wait_ready(self, seconds: float = 60.0) -> bool:
        """Wait until every worker has loaded torch and trained its first steps."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.closing.is_set():
            if all(p.ready and not p.dead for p in self.processes):
                return True
            time.sleep(0.05)
        return False

    def send(self, worker: int, header: Mapping[str, Any], payload: bytes = b"") -> None:
        self.processes[worker].send(header, payload)

    def pick(self) -> int:
        worker = min(range(self.count), key=lambda i: (i in self.troubles, self.loads[i]))
        self.loads[worker] += 1
        return worker

    def release(self, worker: int) -> None:
        self.loads[worker] -= 1

    def trouble(self, worker: int) -> str | None:
        return self.troubles.get(worker)

    def pids(self) -> list[int]:
        return [p.popen.pid for p in self.processes]

    def close(self) -> None:
        self.closing.set()
        self.wake.set()
        for process in self.processes:
            process.kill()
            process.popen.wait()
            process.sock.close()

    def _supervise(self) -> None:
        self.processes = [self._spawn(i) for i in range(self.count)]
        self.up.set()
        while not self.closing.is_set():
            self.wake.wait(0.5)
            self.wake.clear()
            for process in list(self.processes):
                if self.closing.is_set():
                    return
                try:
                    self._look_after(process)
                except OSError:  # no process can be made at the moment
                    log.exception("worker %d could not be started", process.index)

    def _look_after(self, process: Process) -> None:
        if process.ready:
            self.device = process.ready["device"]
            self.unready[process.index] = 0
            self.troubles.pop(process.index, None)
        silent = time.monotonic() - process.heard
        if not process.dead and silent > (LIMITS.step_seconds if process.ready else LIMITS.start_seconds):
            log.warning("worker %d was silent for %.0f s and is stopped", process.index, silent)
            process.cause = f"was silent for {silent:.0f} s"
            process.kill()
        if (process.dead or process.popen.poll() is not None) and time.monotonic() >= self.later[process.index]:
            self._replace(process)

    def _replace(self, process: Process) -> None:
        index = process.index
        if self.later[index]:  # the end of this one was told a while ago
            self.later[index] = 0.0
            self.processes[index] = self._spawn(index)
            return
        status = ends.status(process.popen)
        process.errors.close()
        process.sock.close()
        cause = process.cause or ends.cause(status, process.errors)
        self.unready[index] = 0 if process.ready else self.unready[index] + 1
        if index in self.troubles or self.unready[index] >= STARTS:
            self._give_up(index, cause)
            return
        healthy = process.ready and time.monotonic() - process.born > 30
        self.failures[index] = 0 if healthy else self.failures[index] + 1
        log.warning("worker %d %s; it is started again", index, cause)
        if self.closing.wait(PAUSES[min(self.failures[index], len(PAUSES) - 1)]):
            return
        self.processes[index] = self._spawn(index)
        self.on_lost(index, cause, process.at)

    def _give_up(self, index: int, cause: str) -> None:
        """Tell those who wait for a worker that cannot start, and try again later."""
        log.error("worker %d %s before it was ready, %d times in a row; the next attempt is in %d s", index, cause, STARTS, LATER)
        self.later[index] = time.monotonic() + LATER
        self.troubles[index] = f"Nothing can be trained at the moment: the worker process {cause}, each time it was started."
        self.on_lost(index, cause, None)

    def _spawn(self, index: int) -> Process:
        return Process(self.command, index, self.on_message, self.wake)


def started(command: Sequence[str], theirs: socket.socket) -> subprocess.Popen:
    """The process, with its end of the connection: by number, or on Windows, where none is inherited, as a description on its input."""
    about: dict[str, Any] = {"env": environment(), "cwd": ROOT, "stderr": subprocess.PIPE}
    if not hasattr(theirs, "share"):
        fd = theirs.fileno()
        return subprocess.Popen([*command, str(fd)], pass_fds=(fd,), stdin=subprocess.DEVNULL, **about)
    popen = subprocess.Popen([*command, "shared"], stdin=subprocess.PIPE, **about)
    assert popen.stdin is not None
    with suppress(OSError), popen.stdin:  # it may have ended already
        popen.stdin.write(theirs.share(popen.pid))
    return popen


def environment() -> dict[str, str]:
    """What a worker may know: no token, no secret of the web process."""
    passed = {name: os.environ[name] for name in PASSED if name in os.environ}
    ours = {name: value for name, value in os.environ.items() if name.startswith("PLAYGROUND_")}
    return passed | ours | FIXED
