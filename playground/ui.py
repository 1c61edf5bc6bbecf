"""build(service) -> the Gradio page; launch() serves it with the session routes beside it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from engines.registry import FAMILIES
from playground.api import add_api
from playground.components.panel import panel
from playground.schema import TABS, schema
from playground.sessions.connections import punctual
from playground.sessions.gate import Gate
from playground.sessions.routes import routes
from playground.sessions.service import Service
from playground.theme import theme

WEB = Path(__file__).resolve().parents[1] / "assets" / "web"
GUARD = (WEB / "guard.js").read_text(encoding="utf-8")  # in the page itself: it must be there when nothing else is
HEAD = f"""
<script>{GUARD}</script>
<meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="play/web/tokens.css">
<link rel="stylesheet" href="play/web/playground.css">
<link rel="stylesheet" href="play/web/timeline.css">
<link rel="stylesheet" href="play/web/scenes.css">
<link rel="stylesheet" href="play/web/latent.css">
<link rel="stylesheet" href="play/web/latentscenes.css">
<link rel="stylesheet" href="play/web/wholescenes.css">
<link rel="stylesheet" href="play/web/denoise.css">
<link rel="stylesheet" href="play/web/denoiselatent.css">
<link rel="stylesheet" href="play/web/denoisescenes.css">
<link rel="stylesheet" href="play/web/denoiseedit.css">
<link rel="stylesheet" href="play/web/sequence.css">
<link rel="stylesheet" href="play/web/sequencescenes.css">
<link rel="stylesheet" href="play/web/room.css">
<script type="module" src="play/web/main.js"></script>
"""


def build(service: Service) -> gr.Blocks:
    """The page. A family without a working tab has none."""
    with gr.Blocks(title="Generative Playground", fill_width=True, delete_cache=(3600, 3600)) as demo:
        panel("brand", tag="div", classes="brand")
        with gr.Tabs(elem_id="nav", selected="gan"):
            for key, tab in TABS.items():
                with gr.Tab(FAMILIES[key].title, id=key):
                    tab.build()
        add_api(service)
    return demo


def launch(demo: gr.Blocks, service: Service, **options: Any) -> tuple[Any, str, str]:
    """Serve without blocking. Every option is safe for strangers: no server-side rendering, no monitoring page, no error details."""
    os.environ.setdefault(
        "FORWARDED_ALLOW_IPS", ""
    )  # uvicorn would believe any proxy on this machine; PLAYGROUND_PROXIES says how many there are
    demo.queue(max_size=64, api_open=False)
    settings = dict(
        theme=theme(),
        head=HEAD,
        ssr_mode=False,
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        quiet=True,
        prevent_thread_lock=True,
        strict_cors=True,
        max_file_size="5mb",
        state_session_capacity=500,
        footer_links=["api"],
        server_name=os.environ.get("GRADIO_SERVER_NAME"),
        app_kwargs={"routes": routes(service, schema), "middleware": [Middleware(Gate)]},
    )
    launched = demo.launch(**{**settings, **options})
    punctual(demo.server.config)
    return launched
