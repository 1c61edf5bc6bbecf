"""The wire format of one snapshot: `u32 header length | JSON | padding to 8 | arrays, each at a multiple of 8`, little endian.

Encoded once, where the model is, and then only copied. Numpy only. Heat maps and images travel as bytes (a screen shows no more);
the error is at most half a level: (hi - lo) / 510 for a heat map, 1 / 255 for pixels in [-1, 1].
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from engines.core import Bars, Curve, Ellipses, Field, Heat, Images, Mesh, Paths, Points, Snapshot, Tokens, View

TYPES: dict[str, type[View]] = {
    cls.__name__.lower(): cls for cls in (Points, Heat, Field, Mesh, Images, Curve, Bars, Ellipses, Paths, Tokens)
}
DTYPES: dict[str, np.dtype] = {"f4": np.dtype("<f4"), "u1": np.dtype("u1"), "i4": np.dtype("<i4")}
PIXELS = (-1.0, 1.0)


def pad8(n: int) -> int:
    """n rounded up to a multiple of 8, where a browser may start any typed array."""
    return -(-n // 8) * 8


def finite(value: Any) -> float | None:
    """A number for JSON: null where it is not finite, since browsers refuse NaN."""
    number = float(value)
    return number if math.isfinite(number) else None


def to_json(value: Any) -> bytes:
    """JSON without NaN, numbers as short as float32 allows; half a character, which no text can hold, becomes a question mark."""
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(errors="replace")


def pack(header: Mapping[str, Any], body: bytes = b"") -> bytes:
    """`u32 length | JSON | padding to 8 | body`, the envelope of frames and of pull answers."""
    return envelope(to_json(header), body)


def envelope(text: bytes, body: bytes = b"") -> bytes:
    """The same for JSON that is written already."""
    return struct.pack("<I", len(text)) + text + bytes(pad8(4 + len(text)) - 4 - len(text)) + body


def unpack(data: bytes) -> tuple[dict[str, Any], memoryview]:
    """Inverse of `pack`."""
    (length,) = struct.unpack_from("<I", data)
    return json.loads(data[4 : 4 + length]), memoryview(data)[pad8(4 + length) :]


def encode(snapshot: Snapshot, *, exact: bool = False) -> bytes:
    """Bytes of one snapshot. `exact` keeps heat maps and pixels as float32, for programs that compute with them."""
    views, chunks, offset = [], [], 0
    for panel, layers in snapshot.views.items():
        for view in layers:
            entry, arrays = _describe(view, exact)
            for name, array in arrays.items():
                raw = array.tobytes()
                entry["arrays"][name]["offset"] = offset
                chunks.append(raw + bytes(pad8(len(raw)) - len(raw)))
                offset += len(chunks[-1])
            views.append({"panel": panel, **entry})
    metrics = {name: finite(value) for name, value in snapshot.metrics.items()}
    return pack({"step": snapshot.step, "metrics": metrics, "views": views}, b"".join(chunks))


def decode(data: bytes) -> Snapshot:
    """The snapshot again, quantised arrays back in their own units. A metric that was not finite comes back as NaN."""
    header, body = unpack(data)
    panels: dict[str, list[View]] = {}
    for entry in header["views"]:
        cls = TYPES[entry["type"]]
        names = {f.name for f in fields(cls)}
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items() if k in names}
        values |= {name: _restore(body, about) for name, about in entry["arrays"].items()}
        panels.setdefault(entry["panel"], []).append(cls(**values))
    metrics = {name: math.nan if value is None else value for name, value in header["metrics"].items()}
    return Snapshot(header["step"], metrics, {panel: tuple(layers) for panel, layers in panels.items()})


def _describe(view: View, exact: bool) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    entry: dict[str, Any] = {"type": type(view).__name__.lower()}
    about, arrays = {}, {}
    for f in fields(view):
        value = getattr(view, f.name)
        if not isinstance(value, np.ndarray):
            entry[f.name] = value
            continue
        arrays[f.name], span = _wire(view, f.name, value, exact)
        about[f.name] = {"dtype": arrays[f.name].dtype.str[1:], "shape": list(value.shape), "offset": 0, **span}
    return entry | {"arrays": about}, arrays


def _wire(view: View, name: str, value: np.ndarray, exact: bool) -> tuple[np.ndarray, dict[str, float]]:
    """The array as it travels, and the range it was quantised over, if it was."""
    if name in ("label", "mark"):
        return np.ascontiguousarray(value, dtype=np.uint8), {}
    if not exact and isinstance(view, Images):
        return _bytes(value, *PIXELS), {"lo": PIXELS[0], "hi": PIXELS[1]}
    if not exact and isinstance(view, Heat):
        return _bytes(value, view.lo, view.hi), {"lo": view.lo, "hi": view.hi}
    return np.ascontiguousarray(value, dtype="<f4"), {}


def _bytes(value: np.ndarray, lo: float, hi: float) -> np.ndarray:
    inside = np.clip(np.nan_to_num(value.astype(np.float32), nan=lo), lo, hi)
    return np.rint((inside - lo) * (255.0 / (hi - lo) if hi > lo else 0.0)).astype(np.uint8)


def _restore(body: memoryview, about: Mapping[str, Any]) -> np.ndarray:
    dtype, shape = DTYPES[about["dtype"]], tuple(about["shape"])
    array = np.frombuffer(body, dtype, count=math.prod(shape), offset=about["offset"]).reshape(shape)
    if "lo" not in about:
        return array.copy()
    return (array * ((about["hi"] - about["lo"]) / 255.0) + about["lo"]).astype(np.float32)


def plain(value: Any) -> Any:
    """Numbers that JSON can carry: numpy scalars as Python's, no NaN, floats to seven digits."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, float | np.floating):
        return float(f"{value:.7g}") if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
