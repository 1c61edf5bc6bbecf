"""The GAN tab: controls, stage, readings in three columns; on a phone the stage comes first and the controls become a sheet."""

from __future__ import annotations

import gradio as gr

from engines.gan.config import CRITICS, LABELLED, OBJECTIVES
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
# What flows through one step: nodes at [column, row], each with its picture, its knobs and what the stage shows when it is clicked;
# `short` is its name where there is little room.
FLOW = {
    "nodes": [
        {"key": "noise", "title": "noise z", "short": "z", "at": [0, 0], "picture": "noise",
         "knobs": ["noise_dim", "noise", "batch"], "scene": "noise"},
        {"key": "g", "title": "generator", "short": "G", "at": [1, 0], "picture": "grid",
         "knobs": ["lr_g", "ema_decay", "width_g", "depth_g", "channels_g"], "layers": ["grid", "samples"]},
        {"key": "fake", "title": "samples", "short": "fake", "at": [2, 0], "picture": "samples",
         "knobs": ["pack", "instance_noise"], "layers": ["samples"]},
        {"key": "real", "title": "data", "short": "data", "at": [2, 1], "picture": "data",
         "knobs": ["dataset", "batch"], "layers": ["data"]},
        {"key": "d", "title": "discriminator", "short": "D", "at": [3, 0.5], "picture": "map",
         "knobs": ["lr_d", "n_critic", "width_d", "depth_d", "channels_d"], "layers": ["heat", "data", "samples"]},
        {"key": "says", "title": "predictions", "short": "says", "at": [4, 0.5], "picture": "histograms",
         "knobs": ["label_smoothing", "minibatch_discrimination"], "scene": "predictions"},
        {"key": "loss_g", "title": "loss of G", "short": "L G", "at": [5, 0], "picture": "g_loss",
         "knobs": ["objective", "unroll"], "scene": "losses"},
        {"key": "loss_d", "title": "loss of D", "short": "L D", "at": [5, 1], "picture": "d_loss",
         "knobs": ["objective", "r1", "r2", "gp"], "scene": "losses"},
    ],
    "edges": [["noise", "g"], ["g", "fake"], ["fake", "d"], ["real", "d"], ["d", "says"], ["says", "loss_g"], ["says", "loss_d"]],
    "gradients": [
        {"key": "grad_g", "title": "gradient of G", "short": "∇ G", "from": "loss_g", "to": "g", "lane": "top", "role": "model",
         "metric": "g_grad_norm", "layers": ["samples", "gradient"]},
        {"key": "grad_d", "title": "gradient of D", "short": "∇ D", "from": "loss_d", "to": "d", "lane": "bottom", "role": "data",
         "metric": "d_grad_norm", "scene": "gradients"},
    ],
}  # fmt: skip
EXTRA = {
    "flow": FLOW,
    "parts": [{"part": "d", "title": "Step D"}, {"part": "g", "title": "Step G"}, {"part": None, "title": "Both"}],
    "layers": {  # key, title, role, and False if not shown at first
        "2d": [
            ["data", "Data", "data"],
            ["samples", "Samples", "model"],
            ["heat", "D(x)", "exact"],
            ["gradient", "G gradient", "exact"],
            ["grid", "Grid of G", "model", False],
            ["best", "D* blurred", "exact", False],
        ],
        "image": [["data", "Data", "data"], ["samples", "Samples", "model"]],
    },
    "critics": CRITICS,  # losses for which a D that wins is wanted
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
