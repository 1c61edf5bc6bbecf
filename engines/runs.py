"""Run folders: run.json (family, config, seed, step, versions, history) beside checkpoint.safetensors."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engines.config import from_dict
from engines.core import Engine, Family
from engines.data import OWN
from engines.registry import FAMILIES

RUN, CHECKPOINT, OWN_DATA = "run.json", "checkpoint.safetensors", "data.npy"
MODELS = ("config.json", "model_index.json")  # of transformers and diffusers


def save_run(folder: Path, family: Family, blob: bytes, history: list[dict[str, Any]], extra: Mapping[str, Any]) -> None:
    """Both files of a run folder, each put in its place at once."""
    from engines.state import read_meta

    meta = read_meta(blob)
    config = meta["config"]
    run = {"family": family.key, "config": config, "seed": config["seed"], "step": meta["step"], "versions": meta["versions"]}
    run["engine"] = os.environ.get("PLAYGROUND_ENGINE", "torch")
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / CHECKPOINT, blob)
    _write(folder / RUN, json.dumps(plain(run | dict(extra) | {"history": history}), indent=1, allow_nan=False).encode())


def load_run(folder: str) -> tuple[Family, Engine, dict[str, Any]]:
    """The family, the engine as it was saved, and run.json. ValueError says what is missing or wrong."""
    from engines.state import unpack

    path = Path(folder)
    if not (path / RUN).is_file():
        raise ValueError(f"{folder} is not a run folder: it holds no {RUN}")
    try:
        run = json.loads((path / RUN).read_bytes())
        family, settings = family_of(run["family"]), run["config"]
    except (KeyError, TypeError, RecursionError, UnicodeDecodeError, json.JSONDecodeError):
        raise ValueError(f"{path / RUN} is not the description of a run") from None
    if not (path / CHECKPOINT).is_file():
        raise ValueError(f"{folder} holds no {CHECKPOINT}")
    config = from_dict(family.Config, settings)
    engine = family.build(config, device=device("cpu"), data=kept_data(path, config.dataset))
    unpack(engine, (path / CHECKPOINT).read_bytes())
    return family, engine, run


def new_folder(out: str, overwrite: bool = False) -> Path:
    """Tried before training, so that a bad name costs no time. ValueError for a file, for what cannot be written to and, unless
    `overwrite`, for a folder that holds a run or a model already."""
    folder = Path(out)
    if not overwrite and (kept := next((name for name in (RUN, CHECKPOINT, *MODELS) if (folder / name).exists()), None)):
        raise ValueError(f"{out} holds {kept} already; give another folder, or --overwrite to write over it")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{out} is a file, not a folder")
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise ValueError(f"{out} cannot be written to")
    return folder


def own_data(dataset: str, file: str | None) -> np.ndarray | None:
    """The array behind a data set of one's own: points of a table, pictures, the bytes of a text, or "codes" of an npz file; None for the
    data sets that are here."""
    if dataset not in READERS:
        if file is not None:
            raise ValueError(f"--data is for {' and '.join(READERS)}, not for dataset={dataset}")
        return None
    if file is None:
        raise ValueError(f"dataset={dataset} needs --data FILE")
    return READERS[dataset](Path(file))


def _text(path: Path) -> np.ndarray:
    return np.frombuffer(path.read_bytes(), np.uint8)


def read_codes(path: Path) -> np.ndarray:
    """The array "codes" of an npz file. ValueError if it is none."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["codes"]
    except (KeyError, ValueError, TypeError, AttributeError):
        raise ValueError(f"{path} is not an npz file with an array codes") from None


def _points(path: Path) -> np.ndarray:
    from engines.data import tables

    return tables.read(path.read_bytes()).points


def _images(path: Path) -> np.ndarray:
    """Of one file or zip archive, or of all files of a folder."""
    from engines.data.uploads import decode_uploads

    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    return decode_uploads([(p.name, p.read_bytes()) for p in files]).pixels


READERS = {"own-2d": _points, "own-images": _images, "own-text": _text, "own-codes": read_codes}


def keep_data(folder: Path, data: np.ndarray | None) -> None:
    """A copy in the run folder, without which the run could not be opened again."""
    if data is not None:
        np.save(folder / OWN_DATA, data, allow_pickle=False)


def kept_data(folder: Path, dataset: str) -> np.ndarray | None:
    if dataset not in OWN:
        return None
    if not (folder / OWN_DATA).is_file():
        raise ValueError(f"{folder} holds no {OWN_DATA}, which dataset={dataset} needs")
    return np.load(folder / OWN_DATA, allow_pickle=False)


def family_of(key: str) -> Family:
    """A family of the registry, or a ValueError."""
    if key not in FAMILIES:
        raise ValueError(f"{key} is not a family; the families are {', '.join(FAMILIES)}")
    return FAMILIES[key]


def device(name: str) -> str:
    """The name, if there is such a device; the process then uses one thread."""
    import torch

    if name not in ("cpu", "cuda") or (name == "cuda" and not torch.cuda.is_available()):
        raise ValueError(f"device={name} is not available here; use cpu" + (" or cuda" if torch.cuda.is_available() else ""))
    torch.set_num_threads(1)  # these networks are too small for more
    return name


def plain(value: Any) -> Any:
    """JSON knows no NaN and no infinity: null."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write(path: Path, blob: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(blob)
    part.replace(path)
