"""What a GAN answers to the questions of `engines.gan.questions`: where a walk through its noise leads, whether it copies, how many
different samples it has. Answering draws from streams of its own and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from engines.core import Snapshot
from engines.gan.config import Config
from engines.gan.questions import Audit, Birthday, Neighbours, Walk
from engines.gan.variety import birthday, neighbours
from engines.state import Rng

if TYPE_CHECKING:
    from engines.gan.engine import GanEngine

BORDER = 1e-3  # of normal noise, which has none: the pad ends at this quantile


def answer(engine: GanEngine, question: Any) -> Iterator[Snapshot | None]:
    """See `engines.core.Engine.answer`."""
    match question:
        case Walk():
            z = walk_noise(engine.config, question, engine.probe.first_noise, wide=engine.image)
            view = engine.probe.draw(engine, z, label=max(question.label, 0), averaged=True, name="walk")
            yield Snapshot(engine.step, {}, {"walk": (view,)})
        case Neighbours():
            yield from neighbours(engine, question.seed)
        case Birthday():
            yield from birthday(engine, question.seed)
        case Audit():
            yield from audit(engine)
        case _:
            raise ValueError(f"a GAN has no answer to {type(question).__name__}")


def audit(engine: GanEngine) -> Iterator[Snapshot | None]:
    """The scores of `GanEngine.audit`, and what real data score as "floor/…"."""
    for found in engine.probe.auditing(engine):
        if found is None:
            yield None
            continue
        scores, floors = found
        if not scores:
            raise ValueError("precision and recall of images are measured by a judge, and there is none of your own")
        yield Snapshot(engine.step, {**scores, **{f"floor/{name}": value for name, value in floors.items()}})


def walk_noise(config: Config, walk: Walk, rest: Tensor, *, wide: bool) -> Tensor:
    """z (1, noise_dim) of a place on the pad, which noise fills evenly. Two noise numbers are the place itself, or its quantiles where
    noise is normal; further ones stay as in `rest` (noise_dim,). With `wide` (images) all of them move: uniform noise follows x or y
    number by number, half of it mirrored; normal noise lies on a plane through 0, and the circle of radius 1 is at its usual length."""
    place = torch.tensor([walk.x, walk.y], device=rest.device)
    if wide and config.noise_dim > 2:
        return (place @ plane(config, rest.device))[None]
    if config.noise == "normal":
        place = torch.special.ndtri(((1 + place) / 2).clamp(BORDER, 1 - BORDER))
    z = rest.clone()
    k = min(2, config.noise_dim)
    z[:k] = place[:k]
    return z[None]


def plane(config: Config, device: torch.device) -> Tensor:
    """(2, noise_dim): where the noise goes with x and with y. The same for every seed, so that two runs can be walked alike."""
    generator = Rng(0, ("walk",), device)["walk"]
    across = torch.randn((config.noise_dim, 2), generator=generator, device=device)
    if config.noise == "normal":
        return torch.linalg.qr(across).Q.T * config.noise_dim**0.5
    turns = torch.arange(config.noise_dim, device=device) % 2
    return torch.stack([1 - turns, turns]) * across[:, 0].sign()
