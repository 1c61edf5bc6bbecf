"""Checks of everything a visitor may set, before anything is allocated. Every refusal is one sentence and names the field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from engines import data
from engines.config import Knob, check, from_dict, knobs, to_dict
from engines.core import Family
from playground.sessions.limits import LIMITS, Refused
from playground.words import title


def kind(config: Any) -> str:
    """ "2d" or "image", by the data set."""
    return data.kind(config.dataset)


def checked(family: Family, overrides: Any, *, live: bool = False) -> dict[str, Any]:
    """Named knob values in their own types; with `live`, only knobs that may change while training."""
    if not isinstance(overrides, Mapping):
        raise Refused("settings are not a set of named values.", "settings")
    known, values = knobs(family.Config), {}
    for name, value in overrides.items():
        name = str(name)[:40]
        if name not in known:
            raise Refused(f"{name} is not a setting of {family.title}.", name)
        if live and not known[name].live:
            raise Refused(f"{name} cannot change while a run trains.", name)
        values[name] = _checked(known[name], value)
    return values


def asked(family: Family, question: Any, values: Any) -> tuple[str, dict[str, Any]]:
    """The name of one of the family's questions, and all its values in their own types."""
    if not isinstance(question, str) or question not in family.questions:
        raise Refused(f"question is not one of {', '.join(family.questions)}.", "question")
    if not isinstance(values, Mapping):
        raise Refused("values are not a set of named values.", "values")
    known = knobs(family.questions[question])
    if unknown := [str(name)[:40] for name in values if name not in known]:
        raise Refused(f"{unknown[0]} is not part of the question {question}.", unknown[0])
    found = {name: _checked(k, values.get(name, k.default)) for name, k in known.items()}
    try:
        family.questions[question](**found)  # what its values have to be together
    except ValueError as error:
        raise refusal(error) from None
    return question, found


def _checked(k: Knob, value: Any) -> Any:
    try:
        return check(k, value)
    except OverflowError:
        raise Refused(f"{k.name} is outside [{k.lo:g}, {k.hi:g}].", k.name) from None
    except ValueError as error:
        raise Refused(_sentence(error), k.name) from None


def resolve(family: Family, overrides: Any) -> Any:
    """Overrides -> Config with what is recommended for its data set, within this server's limits."""
    values = checked(family, overrides)
    try:
        config = family.resolve(values)
    except ValueError as error:
        raise refusal(error) from None
    affordable(family, config)
    return config


def changed(family: Family, config: Any, values: Mapping[str, Any]) -> Any:
    """A Config with some knobs changed. A changed choice, another loss say, brings along what is recommended with it: the penalty it
    needs, no penalty of the loss before."""
    before = to_dict(config)
    choices = {f.name for f in fields(family.Config) if f.metadata.get("choices")}
    old = {name: before[name] for name in choices}
    new = old | {name: value for name, value in values.items() if name in choices}
    try:
        usual, then = (to_dict(family.resolve(chosen)) for chosen in (old, new))
        brought = {name: value for name, value in then.items() if value != usual[name] and name not in choices}
        config = from_dict(family.Config, {**before, **brought, **values})
    except ValueError as error:
        raise refusal(error) from None
    affordable(family, config)
    return config


def affordable(family: Family, config: Any) -> None:
    """Refused if a step would take more work or a run more memory than one visitor may use."""
    cost = family.cost(config)
    if cost.flop_per_step > LIMITS.max_flop:
        raise Refused(f"One step would take {cost.flop_per_step:.1e} operations, the limit here is {LIMITS.max_flop:.0e}.", "batch")
    if cost.bytes > LIMITS.max_bytes:
        raise Refused(f"This run would take {cost.bytes / 1e6:,.0f} MB, the limit here is {LIMITS.max_bytes / 1e6:,.0f} MB.", "batch")


def same_shape(family: Family, parent: Any, config: Any) -> None:
    """Refused if a fork would need networks of another shape than its parent has, as far as the number of parameters tells."""
    if family.cost(parent).parameters == family.cost(config).parameters:
        return
    plain, other = to_dict(parent), to_dict(config)
    for name in (n for n in plain if plain[n] != other[n]):
        try:
            if family.cost(from_dict(family.Config, plain | {name: other[name]})).parameters != family.cost(parent).parameters:
                raise Refused(f"A fork keeps the networks as they are; to change {name}, train a new run.", name)
        except ValueError:
            continue
    raise Refused("A fork keeps the networks as they are; train a new run instead.", "settings")


def difference(family: Family, before: Any, after: Any) -> str:
    """What distinguishes a fork, for its title: "WGAN-GP", "Learning rate, G 0.001". A change of loss says it all."""
    changed = {name: k for name, k in knobs(family.Config).items() if getattr(before, name) != getattr(after, name)}
    choices = [title(name, getattr(after, name)) for name, k in changed.items() if k.choices]
    titles = choices or [f"{k.title} {_number(getattr(after, name))}" for name, k in changed.items()]
    return ", ".join(titles[:2]) + (f" and {len(titles) - 2} more" if len(titles) > 2 else "") or "Same settings"


def integer(body: Mapping[str, Any], name: str, lo: int, hi: int, default: int | None = None) -> int:
    """A whole number out of a request."""
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not lo <= value <= hi:
        raise Refused(f"{name} is not a whole number in [{lo:,}, {hi:,}].", name)
    return value


def text(body: Mapping[str, Any], name: str) -> str:
    """A short title out of a request: letters, digits, space, point, minus."""
    value = body.get(name)
    if not isinstance(value, str) or not re.fullmatch(r"[\w .-]{1,60}", value):
        raise Refused(f"{name} is not 1 to 60 letters, digits, spaces, points or minus signs.", name)
    return value


def refusal(error: ValueError) -> Refused:
    """What an engine or a Config refuses, for the visitor: "name=value is …" names its field."""
    return Refused(_sentence(error), _field(error))


def _sentence(error: ValueError) -> str:
    message = str(error)
    return message if message.endswith(".") else message + "."


def _field(error: ValueError) -> str | None:
    found = re.match(r"(\w+)=", str(error))
    return found[1] if found else None


def _number(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
