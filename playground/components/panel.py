"""A part of a tab as a Gradio component: static HTML with a name by which the page's modules find it."""

from __future__ import annotations

import gradio as gr


def panel(part: str, html: str = "", *, tag: str = "div", classes: str = "") -> gr.HTML:
    """A `gr.HTML` holding one element `data-part=part`. Its content never changes from Python, so Gradio never redraws it."""
    content = f'<{tag} data-part="{part}" class="{classes}">{html}</{tag}>'
    return gr.HTML(content, elem_classes=f"part part-{part}", padding=False, apply_default_css=False)
