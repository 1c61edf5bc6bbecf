"""Random streams, and an engine as bytes: safetensors for the tensors, JSON for the rest. No pickle anywhere."""

from __future__ import annotations

import json
import platform
import struct
from collections.abc import Iterable, Mapping
from typing import Any
from zlib import crc32

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from engines.config import to_dict

FORMAT = 1
ADAM = ("exp_avg", "exp_avg_sq", "step")  # what an optimiser keeps of each weight, unless it has `moments` of its own


class Rng:
    """Named random streams, so that one more draw in one place changes nothing in another. Each is seeded by crc32("seed/name")."""

    def __init__(self, seed: int, names: Iterable[str], device: str | torch.device = "cpu"):
        self.seed = seed
        self.streams = {name: self._stream(name, device) for name in names}

    def _stream(self, name: str, device: str | torch.device) -> torch.Generator:
        return torch.Generator(device).manual_seed(crc32(f"{self.seed}/{name}".encode()))

    def __getitem__(self, name: str) -> torch.Generator:
        return self.streams[name]

    def state_dict(self) -> dict[str, Tensor]:
        return {name: stream.get_state() for name, stream in self.streams.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """States of another kind of device cannot be loaded: those streams start again, from the seed."""
        for name, stream in self.streams.items():
            if state[name].shape == stream.get_state().shape:
                stream.set_state(state[name].clone())
            else:
                stream.manual_seed(crc32(f"{self.seed}/{name}/moved".encode()))


def versions() -> dict[str, str]:
    """What a bit-exact repeat of a run depends on."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
    }


def pack(engine: Any) -> bytes:
    """The whole engine: weights, average, optimiser moments, random streams as tensors; family, config, step as JSON metadata."""
    tensors = {}
    for name, part in engine.parts.items():
        for key, value in _tensors(part.state_dict()).items():
            tensors[f"{name}/{key}"] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
    meta = {"format": FORMAT, "family": engine.family, "config": to_dict(engine.config), "step": engine.step, "versions": versions()}
    return save(tensors, metadata={"meta": json.dumps(meta)})


def read_meta(blob: bytes) -> dict[str, Any]:
    """The metadata of packed bytes: format, family, config, step, versions. ValueError if they are not such bytes."""
    try:
        (length,) = struct.unpack("<Q", blob[:8])
        header = json.loads(blob[8 : 8 + length]) if length <= len(blob) - 8 else {}
        meta = json.loads(header["__metadata__"]["meta"])
        if meta["format"] != FORMAT or not isinstance(meta["step"], int) or meta["step"] < 0:
            raise ValueError
        return {"family": meta["family"], "config": dict(meta["config"]), **meta}
    except (KeyError, TypeError, ValueError, RecursionError, struct.error):
        raise ValueError("this is not a checkpoint of this program") from None


def unpack(engine: Any, blob: bytes) -> None:
    """Put packed bytes into an engine of the same networks; its config stays. All is checked before anything is changed.
    ValueError names the first tensor that does not fit."""
    meta = read_meta(blob)
    if meta["family"] != engine.family:
        raise ValueError(f"this is a checkpoint of {meta['family']}, not of {engine.family}")
    try:
        tensors = load(blob)
    except Exception as error:  # safetensors raises its own class for a damaged file
        raise ValueError(f"the checkpoint is damaged: {error}") from None
    parts = engine.parts_at(meta["step"]) if hasattr(engine, "parts_at") else engine.parts
    groups: dict[str, dict[str, Tensor]] = {name: {} for name in parts}
    for key, value in tensors.items():
        name, _, rest = key.partition("/")
        if name not in groups:
            raise ValueError(f"the checkpoint holds {name}, which this engine does not have")
        groups[name][rest] = value
    if groups.get("ema") and groups.get("net") == {}:  # of a finished run that was made lighter
        groups["net"] = groups["ema"]
    for name, part in parts.items():
        _check(name, part, groups[name])
    for name, part in parts.items():
        _restore(part, groups[name])
    engine.step = meta["step"]


def _tensors(state: Any, path: str = "") -> dict[str, Tensor]:
    """All tensors in a nested state dict, keyed by their path "a/b/c"; numbers are left out, the config implies them."""
    if isinstance(state, Tensor):
        return {path: state}
    items = state.items() if isinstance(state, Mapping) else enumerate(state) if isinstance(state, list | tuple) else ()
    found: dict[str, Tensor] = {}
    for key, value in items:
        found |= _tensors(value, f"{path}/{key}" if path else str(key))
    return found


def _expected(part: Any) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    """Shape and dtype of every tensor that a part wants. An optimiser makes its moments at its first step: named here in advance."""
    if not isinstance(part, torch.optim.Optimizer):
        return {key: (tuple(t.shape), t.dtype) for key, t in _tensors(part.state_dict()).items()}
    parameters = [p for group in part.param_groups for p in group["params"]]
    names = getattr(part, "moments", ADAM)
    moments = {f"state/{i}/{m}": (tuple(p.shape), p.dtype) for i, p in enumerate(parameters) for m in names if m != "step"}
    return moments | {f"state/{i}/step": ((), torch.float32) for i in range(len(parameters) if "step" in names else 0)}


def _check(name: str, part: Any, found: Mapping[str, Tensor]) -> None:
    expected = _expected(part)
    if isinstance(part, torch.optim.Optimizer) and not found:
        return  # packed before the first step
    if missing := sorted(expected.keys() ^ found.keys()):
        raise ValueError(f"{name}: {missing[0]} is only in {'the engine' if missing[0] in expected else 'the checkpoint'}")
    for key, (shape, dtype) in expected.items():
        tensor = found[key]
        if isinstance(part, Rng):
            _check_stream(name, key, tensor)
        elif tuple(tensor.shape) != shape or tensor.dtype != dtype:
            raise ValueError(f"{name}: {key} is {tuple(tensor.shape)} in the checkpoint and {shape} in the engine")
        elif tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise ValueError(f"{name}: {key} holds values that are not finite")


def _check_stream(name: str, key: str, tensor: Tensor) -> None:
    try:
        if tensor.dtype != torch.uint8 or tensor.dim() != 1 or len(tensor) > 1_000_000:
            raise RuntimeError
        if len(tensor) == len(torch.Generator().get_state()):
            torch.Generator().set_state(tensor.clone())
    except RuntimeError:
        raise ValueError(f"{name}: {key} is not a state of a random stream") from None


def _restore(part: Any, found: Mapping[str, Tensor]) -> None:
    if not isinstance(part, torch.optim.Optimizer):
        part.load_state_dict({key: tensor.clone() for key, tensor in found.items()})
        return
    parameters = [p for group in part.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in found.items():
        _, index, moment = key.split("/")
        # moments in the parameter's own memory layout (channels last, say): the fused Adam expects that
        like = tensor if moment == "step" else parameters[int(index)].detach()
        state.setdefault(int(index), {})[moment] = torch.empty_like(like).copy_(tensor)
    part.load_state_dict({"state": state, "param_groups": part.state_dict()["param_groups"]})
