"""Generative Playground: start the workers, build the page, serve it.  `python app.py`, or `make run`."""

import os
import time

STARTED = time.monotonic()
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from engines.registry import FAMILIES  # noqa: E402
from playground.sessions.local import LocalWorkers  # noqa: E402
from playground.sessions.service import Service  # noqa: E402


def main() -> None:
    """Workers start first: they load torch while Gradio is being imported and the page built."""
    service = Service(LocalWorkers(), FAMILIES)
    service.start()
    try:
        from playground.ui import build, launch

        demo = build(service)
        _, url, _ = launch(demo, service)
        print(f"Generative Playground on {url} after {time.monotonic() - STARTED:.1f} s; Ctrl-C stops it", flush=True)
        demo.block_thread()
    finally:
        service.close()


if __name__ == "__main__":
    main()
