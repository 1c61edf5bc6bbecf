"""Config -> form -> Config. The form is drawn in the browser (assets/web/knobs.js) from this description, because a drag must redraw
within a frame and a learning rate needs a logarithmic track; values are checked again on the server by the same ranges."""

from __future__ import annotations

from typing import Any

from engines.config import Knob, knobs
from playground.words import title


def form(config: type) -> list[dict[str, Any]]:
    """Every knob of a Config class as plain values for the form."""
    return [_describe(k) for k in knobs(config).values()]


def _describe(k: Knob) -> dict[str, Any]:
    """The JSON of one knob; choices become [key, title, explanation]."""
    widget = "choice" if k.choices is not None else "switch" if k.type is bool else "number"
    return {
        "name": k.name,
        "widget": widget,
        "default": k.default,
        "whole": k.type is int,
        "title": k.title,
        "help": k.help,
        "unit": k.unit,
        "lo": k.lo,
        "hi": k.hi,
        "step": k.step,
        "log": k.log,
        "group": k.group,
        "live": k.live,
        "kind": k.kind,
        "choices": [[key, title(k.name, key), about] for key, about in k.choices.items()] if k.choices else None,
    }
