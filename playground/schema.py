"""Everything the page must know before the first run, as one JSON text: knobs, presets, data sets, metrics, prose, code."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from engines.config import knobs as config_knobs
from engines.config import to_dict
from engines.core import Family
from engines.data import DATASETS, OWN, kind
from engines.metrics import METRICS
from engines.registry import FAMILIES
from playground.components import code_peek, explain, guide, knobs
from playground.sessions import shelf
from playground.tabs import autoregressive, diffusion, gan, vae

TABS = {"vae": vae, "gan": gan, "diffusion": diffusion, "autoregressive": autoregressive}


def schema() -> bytes:
    """The JSON text served at play/schema."""
    families = {key: _family(family) for key, family in FAMILIES.items()}
    metrics = {name: asdict(info) for name, info in METRICS.items()}
    return json.dumps(
        {"families": families, "metrics": metrics, "glossary": guide.glossary()}, ensure_ascii=False, allow_nan=False
    ).encode()


def _family(family: Family) -> dict[str, Any]:
    """One family: its form, presets with every knob filled in, data sets, and the words and code of its tab."""
    tab = TABS.get(family.key)  # a family may be trained before it has one
    finished = shelf.names(family)
    offered = config_knobs(family.Config)["dataset"].choices or {}
    datasets = {key: asdict(info) for key, info in DATASETS.items() if key in offered}
    own = {key: title for key, title in OWN.items() if key in offered}
    datasets |= {key: {"key": key, "title": title, "kind": kind(key), "modes": 0, "classes": []} for key, title in own.items()}
    return {
        "key": family.key,
        "title": family.title,
        "summary": family.summary,
        "paper": family.paper,
        "paper_url": family.paper_url,
        "knobs": knobs.form(family.Config),
        "presets": [
            {
                "key": key,
                "title": p.title,
                "expect": p.expect,
                "about": p.about,
                "config": to_dict(family.resolve(p.settings)),
                "finished": key in finished,
            }
            for key, p in family.presets.items()
        ],
        "datasets": datasets,
        "headline": {key: family.headline(family.resolve({"dataset": key})) for key in datasets},
        "method": "objective",  # the knob that names what is learned; prose, code and recommended values hang on it
        "objectives": explain.objectives(family.key),
        "fixes": explain.fixes(family.key),
        "guide": guide.scenes(family.key),
        "code": {key: [code_peek.source(*place) for place in places] for key, places in getattr(tab, "CODE", {}).items()},
        **getattr(tab, "EXTRA", {}),
    }
