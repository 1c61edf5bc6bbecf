"""The parts that every family tab is composed of: run header, controls, stage with timeline, explanation, readings, code."""

from __future__ import annotations

import gradio as gr

from engines.core import Family
from playground.components.panel import panel


def run_header(family: Family) -> gr.HTML:
    """Title, one sentence with its paper, and the run's state on the right."""
    return panel(
        "header",
        f"<h1>{family.title}</h1>"
        f'<p>{family.summary} <a href="{family.paper_url}" target="_blank" rel="noreferrer">{family.paper}</a></p>'
        '<div class="status" role="status"></div>',
        tag="header",
        classes="run-header",
    )


def controls() -> gr.HTML:
    """Run button, step buttons, presets and the knobs."""
    return panel(
        "controls",
        '<div class="run-buttons"></div><div class="presets" role="radiogroup" aria-label="Preset"></div><form class="knobs"></form>',
        tag="section",
        classes="controls",
    )


def stage(title: str) -> gr.HTML:
    """The picture, its layer toggles, the diagram, the scenes that can take the picture's place, messages, and the timeline."""
    return panel(
        "stage",
        f'<div class="stage-bar"><h2>{title}</h2><span class="layers"></span></div>'
        '<div class="flow"></div><div class="stage-canvas"></div><div class="stage-scene" hidden></div>'
        '<div class="plate" role="status" hidden></div><div class="timeline"></div>',
        tag="section",
        classes="stage",
    )


def explanation() -> gr.HTML:
    """What is happening, from measured state, beside why: the equation of the loss."""
    return panel("explain", '<div class="happening"></div><div class="why"></div>', tag="section", classes="explain")


def readings() -> gr.HTML:
    """Four metric tiles and three charts."""
    return panel(
        "readings", '<div class="tiles"></div><div class="charts"></div>', tag="section", classes="readings"
    )  # fmt: skip


def code() -> gr.HTML:
    """The lines of engine code that just ran."""
    return panel("code", tag="section", classes="code-panel")


def phone_bar() -> gr.HTML:
    """Train, step, presets and controls, always on screen on small ones."""
    return panel("phone-bar", classes="phone-bar")


def wide_tab(family: Family, title: str) -> None:
    """Layout B, inside the current Gradio context: controls beside one wide column of stage, readings, words and code."""
    with gr.Column(elem_classes=f"tab wide family-{family.key}", elem_id=f"lab-{family.key}"):
        run_header(family)
        with gr.Row(elem_classes="columns"):
            with gr.Column(elem_classes="column-controls"):
                controls()
            with gr.Column(elem_classes="column-stage"):
                stage(title)
                readings()
                with gr.Row(elem_classes="foot"):
                    explanation()
                    code()
        phone_bar()
