"""A worker process: `python -m playground.sessions.worker FD`, started by `local.py` with one end of a socket pair.

One thread trains; between two time slices it reads what the web process wants and sends what the socket takes. It ends with its parent.
"""

from __future__ import annotations

import ctypes
import logging
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module

from engines.core import Family
from playground.sessions.channel import Inbox, Outbox

log = logging.getLogger(__name__)
IDLE = 0.25  # seconds between reports when nothing runs
PR_SET_PDEATHSIG = 1
FUSED = ("engines.gan.fused", "engines.diffusion.fused")  # compiled twins


def main(families: Mapping[str, Family] | None = None) -> None:
    """Serve until the other end closes."""
    logging.basicConfig(level=logging.INFO, format="worker %(process)d: %(message)s")
    sock = _connection(sys.argv[1])
    sock.setblocking(False)
    device = os.environ.get("PLAYGROUND_DEVICE", "cpu")
    _confine(device)
    import torch  # after the limits are set

    torch.set_num_threads(1)
    from engines.registry import FAMILIES
    from playground.sessions.host import Host

    out = Outbox(sock)
    host = Host(out, FAMILIES if families is None else families, device=device)
    _warm_up(host)
    name = torch.cuda.get_device_name() if device.startswith("cuda") else "1 CPU core"
    out.put({"type": "ready", "device": name})
    serve(sock, out, host)


def _connection(told: str) -> socket.socket:
    """Our end of the socket pair: see `local.started`."""
    share = getattr(socket, "fromshare", None)  # Windows
    return share(sys.stdin.buffer.read()) if share and told == "shared" else socket.socket(fileno=int(told))


def serve(sock: socket.socket, out: Outbox, host) -> None:
    """Read, train for one time slice, send; sleep while there is nothing to do. Returns when the other end closes."""
    inbox = Inbox()
    while True:
        readable, _, _ = select.select([sock], [sock] if out.pending and not host.busy else [], [], 0 if host.busy else IDLE)
        if readable:
            try:
                data = sock.recv(1 << 20)
            except BlockingIOError:
                data = None
            if data == b"":
                return
            for header, payload in inbox.feed(data or b""):
                host.handle(header, payload)
        host.turn()
        host.beat()
        out.flush()


def _confine(device: str) -> None:
    """Die with the parent, take no more memory than allowed, give way to the web process: as far as this system can."""
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):  # a parent gone before this line is noticed by its end of the socket
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    with suppress(ImportError, AttributeError, ValueError, OSError):  # not on Windows; macOS refuses some limits
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if not device.startswith("cuda"):  # a CUDA context reserves address space far beyond what it uses
            limit = int(float(os.environ.get("PLAYGROUND_WORKER_MEMORY_MB") or 8_000)) << 20
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    with suppress(AttributeError, OSError):
        os.nice(5)


def _warm_up(host) -> None:
    """Train every family for a few steps: the first optimiser, the first backward pass and the first look load half of torch."""
    from engines.loop import advance, first_look
    from engines.state import pack

    for family in host.families.values():
        engine = family.build(family.resolve({}), device=host.device)
        engine.backdrop()
        for _ in advance(engine, steps=5, every=5):
            pass
        first_look(engine)
        pack(engine)
    _compile_aside()


def _compile_aside() -> None:
    """Fill the cache of compiled kernels in a process of its own, if it is empty: visitors are served by torch meanwhile."""
    if os.environ.get("PLAYGROUND_ENGINE", "auto") != "auto":
        return
    for name in FUSED:
        fused = import_module(name)
        if fused.compiled():
            fused.warm()  # half a second, from the cache
        elif fused.available():
            log.info("compiling %s; torch serves until it is ready", name)
            command = [sys.executable, "-c", f"import os; getattr(os, 'nice', int)(10); from {name} import warm; warm()"]
            subprocess.Popen(command, cwd=os.getcwd(), stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
