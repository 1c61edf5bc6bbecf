"""The GAN tab: controls, stage, readings in three columns; on a phone the stage comes first and the controls become a sheet."""

from __future__ import annotations

import gradio as gr

from engines.gan.config import LABELLED, OBJECTIVES
from engines.registry import FAMILIES
from playground.components import lab

FAMILY = FAMILIES["gan"]
# "objective/step" -> what to show of a step: the loss, then the update around it. Names in the source follow the keys.
CODE = {
    f"{key}/{step}": [
        ("engines/gan/objectives.py", f"{key.replace('-', '_')}_{step}"),
        ("engines/gan/engine.py", f"GanEngine._train_{step}"),
    ]
    for key in OBJECTIVES
    for step in "gd"
}
EXTRA = {
    "parts": [{"part": "d", "title": "Step D"}, {"part": "g", "title": "Step G"}, {"part": None, "title": "Both"}],
    "layers": {  # key, title, role, and False if not shown at first
        "2d": [
            ["data", "Data", "data"],
            ["samples", "Samples", "model"],
            ["heat", "D(x)", "exact"],
            ["gradient", "G gradient", "exact"],
            ["grid", "Grid of G", "model", False],
            ["best", "D* exact", "exact", False],
        ],
        "image": [["data", "Data", "data"], ["samples", "Samples", "model"]],
    },
    "labelled": LABELLED,  # losses for which one best D is known
}


def build() -> None:
    """Lay the tab out inside the current Gradio context."""
    with gr.Column(elem_classes="tab family-gan", elem_id="lab-gan"):
        lab.run_header(FAMILY)
        with gr.Row(elem_classes="columns"):
            with gr.Column(elem_classes="column-controls"):
                lab.controls()
            with gr.Column(elem_classes="column-stage"):
                lab.stage("Data space")
                lab.explanation()
            with gr.Column(elem_classes="column-readings"):
                lab.readings()
                lab.code()
        lab.phone_bar()
