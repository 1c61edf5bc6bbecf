"""Knobs: the one place where a setting's default, range, unit and help are written. The form, the command line, the API and
the validation all read it. No torch here: the web process imports this file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
GROUPS = ("basic", "fixes", "advanced")


@dataclass(frozen=True)
class Knob:
    """What is known of one setting. `lo` and `hi` are inclusive; `log` asks for a logarithmic slider; `live` knobs may change while
    training; `choices` maps each key to a line that explains it; `kind` ("2d", "image", "text" or "") says for which data it matters. A
    knob of type tuple holds at most `most` numbers, each in [lo, hi], one of type str a text of at most `most` characters; only questions
    and requests have such knobs, a form cannot show one."""

    name: str
    type: type
    default: Any
    title: str
    help: str = ""
    unit: str = ""
    lo: float | None = None
    hi: float | None = None
    step: float | None = None
    log: bool = False
    choices: Mapping[str, str] | None = None
    group: str = "basic"
    live: bool = False
    kind: str = ""
    most: int = 0


def knob(default: Any, title: str, **about: Any) -> Any:
    """A dataclass field that knows its range: `lr: float = knob(1e-3, "Learning rate", lo=1e-5, hi=1, log=True)`."""
    return dataclasses.field(default=default, metadata={"title": title, **about})


def knobs(config: type) -> dict[str, Knob]:
    """The knobs of a Config class, in the order in which they are written."""
    return {f.name: Knob(name=f.name, type=type(f.default), default=f.default, **f.metadata) for f in dataclasses.fields(config)}


def check(k: Knob, value: Any) -> Any:
    """The value in the knob's type, or a ValueError that names field, value and range."""
    if k.choices is not None:
        if not isinstance(value, str) or value not in k.choices:
            raise ValueError(f"{k.name}={_show(value)} is not one of {', '.join(k.choices)}")
        return value
    if k.type is bool:
        if not isinstance(value, bool):
            raise ValueError(f"{k.name}={_show(value)} is not true or false")
        return value
    if k.type is str:
        if not isinstance(value, str) or len(value) > k.most:
            raise ValueError(f"{k.name}={_show(value)} is not a text of at most {k.most:,} characters")
        return value
    if k.lo is None or k.hi is None:
        raise TypeError(f"the knob {k.name} is declared without a range")
    span = f"[{k.lo:g}, {k.hi:g}]"
    if k.type is tuple:
        return _numbers(k, value, span)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{k.name}={_show(value)} is not a number in {span}")
    # compared before anything else: a whole number too large for a float is still out of range
    if not k.lo <= value <= k.hi:
        raise ValueError(f"{k.name}={_show(value)} is outside {span}")
    if k.type is int and value != int(value):
        raise ValueError(f"{k.name}={_show(value)} is not a whole number in {span}")
    return k.type(value)


def _numbers(k: Knob, value: Any, span: str) -> tuple[float, ...]:
    """A tuple of floats from a list of numbers."""
    if not isinstance(value, list | tuple) or len(value) > k.most:
        raise ValueError(f"{k.name}={_show(value)} is not a list of at most {k.most:,} numbers in {span}")
    for x in value:
        if isinstance(x, bool) or not isinstance(x, int | float) or not k.lo <= x <= k.hi:  # type: ignore[operator]
            raise ValueError(f"{k.name} holds {_show(x)}, which is not a number in {span}")
    return tuple(float(x) for x in value)


def validate(config: Any) -> None:
    """Check every knob of a frozen Config, from its `__post_init__`. Values are stored in the knob's own type."""
    for name, k in knobs(type(config)).items():
        object.__setattr__(config, name, check(k, getattr(config, name)))


def from_dict(cls: type[T], values: object) -> T:
    """A Config from plain values. ValueError for an unknown name or a bad value."""
    if not isinstance(values, Mapping):
        raise ValueError(f"settings={_show(values)} is not a set of named values")
    known = knobs(cls)
    for name in values:
        if name not in known:
            raise ValueError(f"{_show(name)} is not a knob; the knobs are {', '.join(known)}")
    return cls(**{name: check(known[name], value) for name, value in values.items()})


def to_dict(config: Any) -> dict[str, Any]:
    """Plain values, ready for JSON."""
    return dataclasses.asdict(config)


def parse(cls: type, text: str) -> tuple[str, Any]:
    """`"lr_g=1e-3"` from a command line -> ("lr_g", 0.001). ValueError names what is wrong."""
    name, sign, raw = text.partition("=")
    known = knobs(cls)
    if not sign or name not in known:
        raise ValueError(f"{_show(text)} is not knob=value; the knobs are {', '.join(known)}")
    k = known[name]
    if k.choices is not None or k.type is str:
        return name, check(k, raw)
    if k.type is bool:
        return name, check(k, {"true": True, "false": False}.get(raw.lower(), raw))
    return name, check(k, _read(raw))


def _read(raw: str) -> Any:
    """The whole number or the number that a text says, else the text itself."""
    for kind in (int, float):
        try:
            return kind(raw)
        except ValueError:
            continue
    return raw


def _show(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
