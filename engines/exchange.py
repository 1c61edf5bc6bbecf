"""Models in the formats of Hugging Face, out and in: a run becomes a folder that `from_pretrained` opens, such a folder becomes a run.

A family names its converters in `Family.references`, format -> module, imported only here. Such a module has
    export(engine, folder)      writes the folder; ValueError where the format has no counterpart of this run's network
    load(folder) -> engine      an engine with those weights; ValueError for what ours does not have
and may have
    load(folder, data)          the same for a run whose data set was one's own
    adopt(folder, dataset, data) -> engine      of a folder that somebody else wrote
Beside the files of the format lies playground.json: family, knobs and step of the run, which the format has no place for."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from engines.config import from_dict, to_dict
from engines.core import Engine, Family
from engines.registry import FAMILIES
from engines.runs import family_of, own_data

CARD = "playground.json"
FORMATS = ("diffusers", "transformers")  # each the name of its package


def export(family: Family, engine: Engine, to: str, folder: Path) -> list[str]:
    """Write a model into `folder` in a format; the names of its files. ValueError says what cannot be."""
    converter(family, to).export(engine, folder)
    card = {"family": family.key, "config": to_dict(engine.config), "step": engine.step}
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n")
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def load(folder: Path, dataset: str | None = None, file: str | None = None) -> tuple[Family, Engine, str, np.ndarray | None]:
    """The family, an engine with the weights of such a folder, the format, and one's own data that lie in `file`, if any. Of a folder
    that no run was exported to, `dataset` says what to take its model for. ValueError names the folder and what is wrong."""
    found = format_of(folder)
    known = (folder / CARD).is_file()
    family = family_of(card(folder)["family"]) if known else next(f for f in FAMILIES.values() if found in f.references)
    module = converter(family, found)
    if known and dataset is not None:
        raise ValueError(f"dataset={dataset} does not belong here: {folder / CARD} says what the model was trained on")
    if not known and (dataset is None or not hasattr(module, "adopt")):
        raise ValueError(f"{folder} holds no {CARD}, which says what the model was trained on; a model of text takes --dataset instead")
    data = own_data(str(card(folder)["config"].get("dataset") if known else dataset), file)
    try:
        if not known:
            return family, module.adopt(folder, dataset, data), found, data
        return family, module.load(folder) if data is None else module.load(folder, data), found, data
    except (ValueError, OSError):
        raise
    except Exception as error:  # the packages raise many classes for damaged files
        raise ValueError(f"{folder} cannot be read: {error}") from None


def format_of(folder: Path) -> str:
    """Which package wrote a folder. ValueError if none of them did."""
    for name in ("model_index.json", "config.json"):
        if (folder / name).is_file():
            about = _object(folder / name)
            if "_diffusers_version" in about:
                return "diffusers"
            if "model_type" in about:
                return "transformers"
    raise ValueError(f"{folder} holds no model of {' or '.join(FORMATS)}")


def card(folder: Path) -> dict[str, Any]:
    """family, config (plain values) and step of an exported run. ValueError if it is missing or no such thing."""
    if not (folder / CARD).is_file():
        raise ValueError(f"{folder} holds no {CARD}, which says what the model was trained on")
    about = _object(folder / CARD)
    if not isinstance(about.get("family"), str) or not isinstance(about.get("config"), dict) or not isinstance(about.get("step"), int):
        raise ValueError(f"{folder / CARD} is not the description of an exported run")
    return about


def engine_of_card(folder: Path, data: np.ndarray | None = None) -> Engine:
    """A fresh engine with the knobs and the step of an exported run, weights still to be put in. ValueError for bad knobs."""
    about = card(folder)
    family = family_of(about["family"])
    engine = family.build(from_dict(family.Config, about["config"]), data=data)
    engine.step = about["step"]
    return engine


def converter(family: Family, to: str) -> Any:
    """The module that knows a family's models in a format. ValueError if there is none or the package is missing."""
    if to not in FORMATS:
        raise ValueError(f"to={to} is not one of {', '.join(FORMATS)}")
    if to not in family.references:
        has = " or ".join(f.title for f in FAMILIES.values() if to in f.references)
        raise ValueError(f"to={to} is not for {family.title} runs" + (f"; it is for {has}" if has else ""))
    if find_spec(to) is None:
        raise ValueError(f"{to} is not installed here")
    return import_module(family.references[to])


def _object(path: Path) -> dict[str, Any]:
    try:
        about = json.loads(path.read_bytes())
    except (RecursionError, UnicodeDecodeError, json.JSONDecodeError):
        about = None
    if not isinstance(about, dict):
        raise ValueError(f"{path} is not a JSON object")
    return about
